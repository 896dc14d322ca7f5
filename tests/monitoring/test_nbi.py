"""Events posted by other tools."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mainstay.kernel.errors import Invalid
from mainstay.modules.monitoring.events import nbi
from tests.monitoring.support import PATH, one, rows
from tests.support import World

NBI = f"{PATH}events_nbi/"


def alert(status: str = "firing", **labels: str) -> dict[str, Any]:
    return {
        "status": status, "fingerprint": "c0ffee", "startsAt": "2026-01-05T08:00:00Z",
        "labels": {"alertname": "DiskFull", "severity": "critical", "instance": "files1:9100", **labels},
        "annotations": {"summary": "Disk of files1 is full"}, "generatorURL": "http://prom/graph?g0",
    }  # fmt: skip


@pytest.mark.proves(f"POST {NBI}")
async def test_any_json_becomes_events_and_a_resolve_ends_them(world: World) -> None:
    body = {"title": "Job failed", "severity": "high", "hostname": "batch1", "dedup_key": "job-7", "tags": ["jobs"],
            "details": {"run": 12}}  # fmt: skip
    answer = await world.post(NBI, body)
    assert (answer["received"], answer["raised"], answer["cleared"]) == (1, 1, 0)
    row = await one(world)
    assert row["event_id"] == answer["events"][0]["event_id"]
    assert (row["message"], row["severity_name"], row["host"], row["tags"]) == (
        "Job failed",
        "Major",
        "batch1",
        ["jobs"],
    )
    read = await world.get(f"{PATH}{row['event_id']}/")
    assert read["variables"]["run"] == "12"
    again = await world.post(NBI, [body, body, "and a plain sentence"])
    assert again["received"] == 3
    assert {row["message"]: row["count"] for row in await rows(world)} == {"Job failed": 3, "and a plain sentence": 1}
    await world.post(NBI, {"dedup_key": "job-7", "hostname": "batch1", "status": "resolved", "title": "Job ran"})
    assert (await one(world, host="batch1"))["cleared"]


async def test_alertmanager(world: World) -> None:
    hook = {"version": "4", "status": "firing", "receiver": "x", "alerts": [alert(), alert(instance="files2:9100")]}
    hook["alerts"][1]["fingerprint"] = "beef"  # type: ignore[index]
    await world.post(NBI, hook)
    found = {row["host"]: row for row in await rows(world)}
    assert set(found) == {"files1", "files2"}
    assert found["files1"]["severity_name"] == "Critical"
    assert found["files1"]["event_class"] == "DiskFull"
    assert found["files1"]["message"] == "Disk of files1 is full"
    await world.post(NBI, {"version": "4", "status": "resolved", "alerts": [alert("resolved")]})
    assert {row["host"]: row["cleared"] for row in await rows(world)} == {"files1": True, "files2": False}


async def test_grafana_old_and_new(world: World) -> None:
    old = {"title": "[Alerting] CPU", "ruleId": 7, "ruleName": "CPU", "state": "alerting", "ruleUrl": "http://g/7"}
    await world.post(NBI, old)
    await world.post(NBI, {"orgId": 1, "alerts": [alert()], "status": "firing"})
    assert {row["event_class"] for row in await rows(world)} == {"CPU", "DiskFull"}
    await world.post(NBI, {**old, "state": "ok", "title": "[OK] CPU"})
    assert {row["event_class"]: row["cleared"] for row in await rows(world)} == {"CPU": True, "DiskFull": False}


async def test_zabbix(world: World) -> None:
    problem = {"EVENT.VALUE": "1", "EVENT.NAME": "Unavailable by ICMP ping", "EVENT.SEVERITY": "High",
               "TRIGGER.ID": "42", "HOST.NAME": "router7", "HOST.IP": "192.0.2.77"}  # fmt: skip
    await world.post(NBI, problem)
    row = await one(world)
    assert (row["host"], row["address"], row["severity_name"]) == ("router7", "192.0.2.77", "Major")
    assert row["message"] == "Unavailable by ICMP ping"
    await world.post(NBI, {**problem, "EVENT.VALUE": "0"}, params={"mapping": "zabbix"})
    assert (await one(world))["cleared"]


async def test_a_pager_duty_client(world: World) -> None:
    body = {"event_action": "trigger", "dedup_key": "x1", "payload": {"summary": "Queue stuck", "source": "mq1",
            "severity": "error"}}  # fmt: skip
    await world.post(NBI, body)
    assert (await one(world))["message"] == "Queue stuck"
    await world.post(NBI, {**body, "event_action": "resolve"})
    assert (await one(world))["cleared"]


async def test_what_cannot_be_taken_is_refused_whole(world: World) -> None:
    for body in ({}, [], [[]], {"events": []}):
        assert "message" in (await world.post(NBI, body, expect=400))["fields"]
    assert "mapping" in (await world.post(NBI, {"a": 1}, params={"mapping": "nagios"}, expect=400))["fields"]
    too_many = await world.post(NBI, ["x"] * (nbi.MOST + 1), expect=400)
    assert "nothing was taken" in too_many["error"]
    assert await rows(world) == []
    deep = "[" * 100 + "]" * 100
    refused = await world.send("POST", NBI, content=deep, headers={"Content-Type": "application/json"})
    assert refused.status_code == 400
    reader = await world.granted({"event": ("view",)})
    await world.post(NBI, {"message": "x"}, by=reader, expect=403)


WORDS = st.sampled_from(
    ["message", "alerts", "events", "labels", "annotations", "status", "severity", "host", "EVENT.VALUE", "TRIGGER.ID",
     "ruleName", "evalMatches", "state", "tags", "payload", "time", "fingerprint", "orgId", "clear", "key"]
)  # fmt: skip
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30)
HOSTILE = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(WORDS | st.text(max_size=8), inner, max_size=8),
    max_leaves=40,
)


@given(HOSTILE, st.sampled_from(["", *nbi.MAPPINGS]))
def test_no_body_breaks_the_mappings(body: Any, mapping: str) -> None:
    from datetime import UTC, datetime

    try:
        found = nbi.raw_events("o", body, mapping, datetime.now(UTC))
    except Invalid:
        return
    for item in found:
        assert 0 < len(item.message) <= 2000
        assert item.severity in (None, 1, 2, 3, 4)
        assert len(item.variables) <= nbi.MAX_VARIABLES
        assert len(json.dumps(item.variables)) < 2_000_000


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=25)
@given(HOSTILE)
async def test_no_body_breaks_the_server(world: World, body: Any) -> None:
    answer = await world.send(
        "POST", NBI, content=json.dumps(body, allow_nan=True).encode(), headers={"Content-Type": "application/json"}
    )
    assert answer.status_code in (200, 400), answer.text
