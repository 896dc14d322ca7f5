"""Searching log lines through the API, on the real store."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from mainstay.kernel.platform import Platform
from mainstay.kernel.signals import LINES as STORED
from mainstay.modules.logs.search import counting, export, service, tail
from mainstay.modules.logs.search.sql import micros
from tests.logs.stored import frame, line, store
from tests.support import World

BASE = "/ux/logmanagement/log_search/log_search/"
LOGS = f"{BASE}logs/"


async def found(world: World, query: str, **options: Any) -> list[str]:
    """Messages that a query finds, newest first."""
    answer = await world.post(LOGS, {"query": query, **options})
    return [row["message"] for row in answer["results"]]


@pytest.fixture(params=[True, False], ids=["indexed", "unindexed"])
async def some(world: World, request: pytest.FixtureRequest) -> list[dict[str, Any]]:
    """A few lines; what finds them must not depend on whether their part of the table has its indexes yet."""
    lines = [
        line(world.organization, "Failed password for bob from 10.0.0.7 port 4022 ssh2", 50, severity=4,
             fields={"user": "Bob", "port": "4022", "odd key": "x=y"}),
        line(world.organization, "Accepted password for alice from 10.0.0.8", 40, fields={"user": "alice"}),
        line(world.organization, "Interface GigabitEthernet0/1, changed state to down", 30, host="Core-SW1",
             app="ifmgr", msgid="UPDOWN", severity=3, source="10.1.2.3", tags=["_unparsed", "lab"]),
        line(world.organization, "disk full: 100% of C:\\data \"quoted\" it's\ttabbed", 20, app="disk", severity=2,
             fields={"bytes": "1500.5"}),
        line(world.organization, "Größe überschritten", 10, app="ünit", fields={"bytes": "20"}),
    ]  # fmt: skip
    await store(world.platform, lines, indexed=request.param)
    return lines


FIRST, SECOND, THIRD, FOURTH, FIFTH = range(5)


@pytest.mark.proves("POST /ux/logmanagement/log_search/log_search/logs/")
@pytest.mark.parametrize(
    ("query", "which"),
    [
        ("", [FIFTH, FOURTH, THIRD, SECOND, FIRST]),
        ("password", [SECOND, FIRST]),
        ("PASSWORD failed", [FIRST]),
        ("passwor", []),
        ("passw*", [SECOND, FIRST]),
        ("*assword", [SECOND, FIRST]),
        ("f*d password", [FIRST]),
        ('"password for bob"', [FIRST]),
        ('"for password"', []),
        ('"ailed password"', []),
        ("10.0.0.7", [FIRST]),
        ("10.0.0.*", [SECOND, FIRST]),
        ("GigabitEthernet0/1", [THIRD]),
        ("gigabitethernet0/?", [THIRD]),
        ("core-sw1", [THIRD]),
        ("updown", [THIRD]),
        ("message:core-sw1", []),
        ("message:interface", [THIRD]),
        ("message:inter*", [THIRD]),
        ("app:sshd", [SECOND, FIRST]),
        ("app!=sshd", [FIFTH, FOURTH, THIRD]),
        ("host:CORE-sw1", [THIRD]),
        ("host:core*", [FIFTH, FOURTH, THIRD, SECOND, FIRST]),
        ("host:core-*", [THIRD]),
        ("source:10.1.0.0/16", [THIRD]),
        ("-source:10.1.0.0/16", [FIFTH, FOURTH, SECOND, FIRST]),
        ("severity<=3", [FOURTH, THIRD]),
        ("severity:error", [THIRD]),
        ("level:(critical or warning)", [FOURTH, FIRST]),
        ("user:bob", [FIRST]),
        ("4022", [FIRST]),
        ("1500.5", [FOURTH]),
        ("message:1500.5", []),
        ("user:b*", [FIRST]),
        ("user:*", [SECOND, FIRST]),
        ("user!=bob", [SECOND]),
        ("-user:bob", [FIFTH, FOURTH, THIRD, SECOND]),
        ('"odd key":"x=y"', [FIRST]),
        ('user~"^(bob|carol)$"', [FIRST]),
        ("bytes>1000", [FOURTH]),
        ("fields.bytes<=20", [FIFTH]),
        ("not bytes>1000", [FIFTH, THIRD, SECOND, FIRST]),
        ("tags:lab", [THIRD]),
        ("tag:_un*", [THIRD]),
        ("tags!=lab", [FIFTH, FOURTH, SECOND, FIRST]),
        ('"C:\\\\data"', [FOURTH]),
        ('"it\'s"', [FOURTH]),
        ('"\\"quoted\\""', [FOURTH]),
        ("100%", [FOURTH]),
        ("1_0%", []),
        ("überschritten", [FIFTH]),
        ("app:ünit", [FIFTH]),
        ("(failed or accepted) and not alice", [FIRST]),
        ('message~"changed state to (up|down)$"', [THIRD]),
        ("facility:auth", [FIFTH, FOURTH, THIRD, SECOND, FIRST]),
        ("time>now-35s", [FIFTH, FOURTH, THIRD]),
        ("received>=now-25s", [FIFTH, FOURTH]),
    ],
)
async def test_a_query_finds_its_lines(world: World, some: list[dict[str, Any]], query: str, which: list[int]) -> None:
    assert await found(world, query) == [some[index]["message"] for index in which]


async def test_a_line_comes_back_whole(world: World, some: list[dict[str, Any]]) -> None:
    answer = await world.post(LOGS, {"query": "updown"})
    [got] = answer["results"]
    assert got["tags"] == ["_unparsed", "lab"]
    assert (got["severity_name"], got["facility_name"], got["id"]) == ("error", "auth", str(some[THIRD]["id"]))
    assert datetime.fromisoformat(got["time"]) == some[THIRD]["time"]
    assert await world.get(f"/api/logs/lines/{got['id']}/") == got
    await world.get("/api/logs/lines/17/", expect=404)
    await world.get("/api/logs/lines/nonsense/", expect=404)


async def test_pages_hold_every_line_once_in_both_orders(world: World) -> None:
    moment = datetime.now(UTC) - timedelta(minutes=1)
    lines = [line(world.organization, f"line {n}", time=moment + timedelta(seconds=n // 4)) for n in range(25)]
    await store(world.platform, lines)
    for order in ("newest", "oldest"):
        seen: list[str] = []
        cursor: str | None = ""
        while cursor is not None:
            answer = await world.post(LOGS, {"query": "", "limit": 7, "cursor": cursor, "order": order})
            seen += [row["message"] for row in answer["results"]]
            cursor = answer["next"]
        wanted = [row["message"] for row in lines]
        assert seen == (wanted if order == "oldest" else wanted[::-1])
    await world.post(LOGS, {"cursor": "x"}, expect=400)


async def test_a_long_range_is_read_from_its_end_without_a_gap(world: World) -> None:
    lines = [line(world.organization, f"hour {n}", n * 3600) for n in range(1, 100)]
    await store(world.platform, lines)
    assert await found(world, "hour", **{"from": "now-10d", "limit": 1000}) == [row["message"] for row in lines]
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        answer = await world.post(LOGS, {"query": "hour", "limit": 10, "cursor": cursor, "from": "now-10d"})
        seen += [row["message"] for row in answer["results"]]
        cursor = answer["next"]
    assert seen == [row["message"] for row in lines]


@pytest.mark.parametrize("every", [1, 3, 40])
async def test_few_fitting_lines_in_a_long_range_are_found_without_a_gap(world: World, every: int) -> None:
    lines = [line(world.organization, "other" if n % every else f"wanted {n}", n * 3600) for n in range(1, 600)]
    await store(world.platform, lines)
    wanted = [row["message"] for row in lines if row["message"] != "other"]
    assert await found(world, "wanted", **{"from": "now-25d", "limit": 30}) == wanted[:30]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int | None]:
    """What the store is asked: how far back it shall read lines; None for another question."""
    made: list[int | None] = []
    rows = service.rows

    async def spied(platform: Platform, sql: str, parameters: dict[str, Any], **rest: Any) -> list[dict[str, Any]]:
        made.append(parameters["bottom"] if service.COLUMNS in sql else None)
        return await rows(platform, sql, parameters, **rest)

    monkeypatch.setattr(service, "rows", spied)
    return made


async def test_what_was_quiet_lately_is_read_from_its_newest_line_back(world: World, asked: list[int | None]) -> None:
    wide = {"from": "now-10d", "limit": 3}
    assert await found(world, "hour", **wide) == []
    assert len(asked) == 2
    lines = [line(world.organization, f"hour {n}", n * 3600) for n in range(48, 148)]
    await store(world.platform, lines)
    asked.clear()
    assert await found(world, "hour", **wide) == ["hour 48", "hour 49", "hour 50"]
    first, look, *others = asked
    # No further back than the lines are, hour by hour.
    assert look is None
    assert all(bottom is not None and bottom > micros(lines[6]["time"]) for bottom in (first, *others))


async def test_a_rare_word_is_looked_for_in_all_the_rest_at_once(world: World, asked: list[int | None]) -> None:
    await store(world.platform, [line(world.organization, f"rare{n}", n * 3600) for n in range(1, 200)])
    # Whether lines came lately is asked once, and known then.
    for number, questions in ((150, 3), (151, 2)):
        asked.clear()
        assert await found(world, f"rare{number}", **{"from": "now-10d"}) == [f"rare{number}"]
        assert len(asked) == questions


@pytest.mark.parametrize(
    ("known", "limit", "hours"), [(0, 10, None), (1, 10, 18), (5, 10, 2), (9, 10, 1), (2, 60, None)]
)
def test_it_is_read_as_far_back_as_the_lines_are_likely_to_be(known: int, limit: int, hours: int | None) -> None:
    since, edge = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)
    bottom = edge - timedelta(hours=1)
    wanted = since if hours is None else bottom - timedelta(hours=hours)
    assert service._further(since, edge, bottom, known, limit) == wanted


async def test_the_time_range_bounds_the_search(world: World) -> None:
    await store(world.platform, [line(world.organization, f"hours {h}", h * 3600 + 60) for h in (0, 3, 30)])
    assert await found(world, "hours") == ["hours 0", "hours 3"]
    assert await found(world, "hours", **{"from": "now-40h", "to": "now-1h"}) == ["hours 3", "hours 30"]
    for body, field in (
        ({"from": "soon"}, "from"), ({"from": "now", "to": "now-1h"}, "to"), ({"timezone": "Mars"}, "timezone"),
        ({"limit": 0}, "limit"), ({"limit": 5000}, "limit"), ({"order": "up"}, "order"), ({"query": "(a"}, "query"),
    ):  # fmt: skip
        refused = await world.post(LOGS, body, expect=400)
        assert field in refused["fields"], refused
    refused = await world.post(LOGS, {"query": "severity:bad"}, expect=400)
    assert refused["position"] == 0
    assert "(character 1)" in refused["error"]


async def test_another_organization_and_other_people_see_nothing(
    world: World, stranger: World, some: list[dict[str, Any]]
) -> None:
    assert await found(stranger, "password") == []
    number = some[0]["id"]
    await stranger.get(f"/api/logs/lines/{number}/", expect=404)
    await stranger.get("/api/logs/surrounding/", params={"id": number}, expect=404)
    nobody = await world.granted({})
    viewer = await world.granted({"log_search": ("view",)})
    for operation in world.platform.registry.operations:
        if operation.path.startswith("/api/logs/") and operation.module == "Log Search":
            path = operation.path.replace("{id}", str(number))
            await world.call(operation.method, path, by=nobody, expect=403)
    await world.get("/api/logs/export/", by=viewer, expect=403)
    assert (await world.post(LOGS, {"query": "password"}, by=viewer))["count"] == 2


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=30)


@hypothesis_settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(TEXT, min_size=15, max_size=15))
async def test_any_text_that_is_in_a_line_is_found(texts: list[str], world: World) -> None:
    """Bound values reach the engine as they are, whatever characters they hold."""
    made = [line(world.organization, f"before {text} after", app=text) for text in texts]
    await store(world.platform, made)
    for text, one in zip(texts, made, strict=True):
        quoted = text.replace("\\", "\\\\").replace('"', '\\"')
        query = f'id:{one["id"]} and "{quoted}" and message:"{quoted}" and app="{quoted}"'
        assert await found(world, query) == [one["message"]], query


async def test_the_histogram_counts_every_line_once(world: World, some: list[dict[str, Any]]) -> None:
    end = datetime.now(UTC)
    lines = [line(world.organization, f"n {n}", n * 60, severity=n % 8) for n in range(1, 180)]
    await store(world.platform, lines)
    for query, since, wanted in (
        ("", "now-1d", 184), ("severity<=3", "now-1d", 2 + sum(n % 8 <= 3 for n in range(1, 180))),
        ("n", "now-1d", 179), ("", end - timedelta(minutes=30, seconds=30), 5 + 30), ("", "now-100s", 5 + 1),
    ):  # fmt: skip
        body = {"query": query, "from": str(since), "to": end.isoformat(), "buckets": 50}
        answer = await world.post("/api/logs/histogram/", body)
        assert answer["total"] == wanted, (query, since)
        assert answer["total"] == sum(sum(bar["severities"].values()) for bar in answer["buckets"])
        times = [datetime.fromisoformat(bar["time"]).timestamp() for bar in answer["buckets"]]
        assert {b - a for a, b in pairwise(times)} == {answer["interval_seconds"]}
        assert len(times) <= 52
    refused = await world.post("/api/logs/histogram/", {"from": "1971-01-01", "to": "2200-01-01"}, expect=400)
    assert "from" in refused["fields"]


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ("failed", "words"), ('"failed password"', "words"), ("passw*", "words"), ("user:bob", "words"),
        ("user:bob*", "words"), ("host:core9", "hosts"), ("app:x", "apps"), ("source:192.0.2.9", "sources"),
        ("id:17", "numbers"), ("received>now-5m", "receipts"),
    ],
)  # fmt: skip
async def test_what_should_be_quick_uses_its_index(
    world: World, some: list[dict[str, Any]], query: str, index: str
) -> None:
    chosen = service.condition_of(world.organization, service.node_of(query), datetime.now(UTC))
    plan = await service.rows(
        world.platform, f"EXPLAIN indexes = 1 SELECT message FROM log_lines WHERE {chosen.clause()}", chosen.parameters
    )
    assert f"Name: {index}" in "\n".join(str(row["explain"]) for row in plan)


async def test_a_histogram_of_everything_reads_the_counts_per_minute(world: World, some: list[dict[str, Any]]) -> None:
    chosen = service.condition_of(world.organization, service.node_of("severity<=3"), datetime.now(UTC))
    # The minute of the lines is a whole one, however early in it they came.
    chosen.since, chosen.until = (datetime.now(UTC) + timedelta(minutes=minutes) for minutes in (-1440, 5))
    parameters = {**chosen.parameters, "step": 900}
    sql = counting._counts(chosen, 900, parameters)
    plan = await service.rows(world.platform, f"EXPLAIN {sql}", parameters)
    assert "ReadFromMergeTree (minutes)" in "\n".join(str(row["explain"]) for row in plan)


async def test_facets_count_values_and_give_the_condition_for_each(world: World, some: list[dict[str, Any]]) -> None:
    body = {"query": "", "fields": ["app", "severity", "fields.user", "tags"], "limit": 2}
    answer = await world.post("/api/logs/facets/", body)
    apps, severities, users, tags = answer["results"]
    assert apps["values"][0] == {"value": "sshd", "label": "sshd", "count": 2, "query": "app:sshd"}
    assert (apps["distinct"], apps["missing"], len(apps["values"])) == (4, 0, 2)
    assert severities["values"][0]["query"] == "severity:informational"
    assert (users["distinct"], users["missing"]) == (2, 3)
    assert {item["value"] for item in tags["values"]} == {"_unparsed", "lab"}
    assert answer["total"] == 5
    for facet in answer["results"]:
        for value in facet["values"]:
            assert len(await found(world, value["query"])) == value["count"]
    refused = await world.post("/api/logs/facets/", {"fields": "message"}, expect=400)
    assert "fields" in refused["fields"]


async def test_fields_and_suggestions_come_from_the_lines(world: World, some: list[dict[str, Any]]) -> None:
    listed = await world.get("/api/logs/fields/")
    by_name = {item["name"]: item for item in listed["results"]}
    assert by_name["fields.user"]["count"] == 2
    assert by_name["severity"]["operators"]
    assert listed["sampled"] == 5

    async def suggested(query: str, **options: Any) -> list[str]:
        answer = await world.post("/api/logs/suggestions/", {"query": query, **options})
        made = []
        for item in answer["results"]:
            made.append(query[: item["start"]] + item["text"] + query[item["end"] :])
        return made

    assert "severity:" in await suggested("sev")
    assert "failed and app:sshd" in await suggested("failed and app:s")
    assert "app:ifmgr" in await suggested("app:")
    assert "severity:error" in await suggested("severity:er")
    assert "user:Bob" in await suggested("user:b")
    assert '"odd key":"x=y"' in await suggested('"odd key":x')
    assert "time>now-1h" in await suggested("time>n")
    assert "host:" in await suggested("host")
    assert "a or " in await suggested("a o")
    assert "(fields.user:" in await suggested("(us")
    broken = await world.post("/api/logs/suggestions/", {"query": "severity:no"})
    assert (broken["position"], "emergency" in broken["error"]) == (0, True)


async def test_surrounding_lines_are_of_the_same_source(world: World) -> None:
    lines = [line(world.organization, f"n {n}", 100 - n, source=f"10.0.0.{n % 2}") for n in range(20)]
    await store(world.platform, lines)
    answer = await world.get("/api/logs/surrounding/", params={"id": lines[10]["id"], "before": 2, "after": 3})
    shown = [row["message"] for row in [*answer["before"], answer["line"], *answer["after"]]]
    assert shown == ["n 6", "n 8", "n 10", "n 12", "n 14", "n 16"]
    await world.get("/api/logs/surrounding/", params={"id": lines[0]["id"], "before": 5000}, expect=400)


async def test_polling_gets_new_lines_and_each_once(world: World) -> None:
    await store(world.platform, [line(world.organization, "old", 5)])
    start = await world.get("/api/logs/newer/")
    await store(world.platform, [line(world.organization, f"new {n}", 0) for n in range(3)])
    first = await world.get("/api/logs/newer/", params={"after": start["after"], "limit": 2})
    second = await world.get("/api/logs/newer/", params={"after": first["after"], "query": "new"})
    assert [row["message"] for row in first["results"] + second["results"]] == ["new 0", "new 1", "new 2"]
    assert (await world.get("/api/logs/newer/", params={"after": second["after"]}))["results"] == []
    await world.get("/api/logs/newer/", params={"after": "x"}, expect=400)


async def test_the_tail_shows_what_comes_in_to_its_own_organization_only(world: World, stranger: World) -> None:
    async with world.platform.work(world.organization, write=False) as ctx:
        chosen = service.condition_of(world.organization, service.node_of("disk"), ctx.now)
    stream = tail.follow(world.platform, chosen)
    assert b"connected" in await anext(stream)
    late = line(world.organization, "disk empty", 0)  # received before the others, visible after them
    mine = [line(world.organization, "disk full", 0), line(world.organization, "link down", 0)]
    await store(world.platform, [*mine, line(stranger.organization, "disk of others", 0)])
    await STORED.publish(world.platform, frame(mine))
    event = await asyncio.wait_for(anext(stream), 2)
    await store(world.platform, [late])
    event += await asyncio.wait_for(anext(stream), 5)
    await stream.aclose()  # type: ignore[attr-defined]
    lines = [json.loads(part[6:]) for part in event.decode().splitlines() if part.startswith("data: ")]
    assert [[row["message"] for row in item["results"]] for item in lines] == [["disk full"], ["disk empty"]]
    assert tail.Followers.of(world.platform).count == 0
    answer = await world.get("/api/logs/tail/", params={"query": "(a"}, expect=400)
    assert "query" in answer["fields"]


async def test_an_export_holds_every_line_and_no_formula(
    world: World, some: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "BATCH", 2)
    await store(world.platform, [line(world.organization, "=cmd()", 5)])
    params = {"columns": "time,host,severity,fields.user,tags,message"}
    text = await world.get("/api/logs/export/", params=params)
    rows = list(csv.DictReader(io.StringIO(text.lstrip("\ufeff"))))
    assert [row["message"] for row in rows[1:]] == [row["message"] for row in reversed(some)]
    assert not rows[0]["message"].startswith("=")
    assert (rows[3]["severity"], rows[3]["tags"], rows[5]["fields.user"]) == ("error", "_unparsed, lab", "Bob")
    file = await world.send("GET", "/api/logs/export/", params={"format": "jsonl", "query": "password", "limit": 1})
    [only] = [json.loads(item) for item in file.text.splitlines()]
    assert only["fields"] == {"user": "alice"}
    for params, field in (({"format": "pdf"}, "format"), ({"limit": 10_000_000}, "limit"), ({"query": "("}, "query")):
        assert field in (await world.get("/api/logs/export/", params=params, expect=400))["fields"]


async def test_a_search_that_costs_too_much_is_stopped_with_the_way_out(
    world: World, some: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "limits", lambda seconds=0: {"max_memory_usage": 1000})
    refused = await world.post(LOGS, {"query": "pass*"}, expect=400)
    assert refused["code"] == "search_memory"
    assert "shorter time range" in refused["error"]
    slow = "SELECT count() AS n FROM numbers(100000000000) WHERE NOT ignore(sleepEachRow(0.01))"
    monkeypatch.setattr(service, "limits", lambda seconds=0: {"max_execution_time": 0.2})
    with pytest.raises(service.TooMuch, match="was stopped"):
        await service.rows(world.platform, slow, {})


@pytest.mark.proves(
    "GET /ux/logmanagement/log_search/log_search/", "POST /ux/logmanagement/log_search/log_search/",
    "GET /ux/logmanagement/log_search/log_search/{id}/", "PUT /ux/logmanagement/log_search/log_search/{id}/",
    "DELETE /ux/logmanagement/log_search/log_search/{id}/",
)  # fmt: skip
async def test_saved_searches_are_private_until_shared(world: World) -> None:
    every = ("view", "add", "edit", "delete")
    other = await world.granted({"log_search": every})
    made = await world.post(
        BASE,
        {"name": "Failed log-ins", "query": '"failed password"', "from": "now-1d", "columns": ["time", "fields.user"]},
        expect=201,
    )  # fmt: skip
    path = f"{BASE}{made['id']}/"
    read = await world.get(path)
    assert (read["query"], read["time_from"], read["columns"]) == (
        '"failed password"',
        "now-1d",
        ["time", "fields.user"],
    )
    await world.get(path, by=other, expect=404)
    assert (await world.get(BASE, by=other))["count"] == 0
    await world.put(path, {**read, "shared": True, "name": "Log-ins"})
    assert (await world.get(path, by=other))["name"] == "Log-ins"
    await world.put(path, {"query": "failed"}, by=other)
    assert (await world.get(path))["query"] == "failed"
    for refused in ({"shared": False},):
        await world.put(path, refused, by=other, expect=403)
    await world.delete(path, by=other, expect=403)
    for body, field in (
        ({"query": "(a"}, "query"),
        ({"time_from": "soon"}, "time_from"),
        ({"columns": [1]}, "columns"),
    ):
        assert field in (await world.put(path, body, expect=400))["fields"]
    await world.delete(path, expect=204)
    await world.get(path, expect=404)
