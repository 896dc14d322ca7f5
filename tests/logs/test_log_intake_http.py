"""Lines by HTTP: JSON lines, text, OTLP; what is acknowledged is stored."""

from __future__ import annotations

import asyncio
import gzip
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from google.protobuf import json_format
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from mainstay.kernel.errors import Unavailable
from mainstay.kernel.intake.batch import one_source
from mainstay.kernel.platform import Platform
from mainstay.kernel.signals import LINES
from mainstay.modules.logs.intake import retention, sources, stages
from mainstay.modules.logs.intake import store as store_module
from mainstay.modules.logs.intake.lines import complete, to_arrow
from mainstay.modules.logs.intake.records import json_frame
from mainstay.modules.logs.intake.service import submit
from mainstay.modules.logs.intake.sources import SourceRule, Sources
from mainstay.modules.logs.intake.store import LogStore, store_of
from mainstay.modules.logs.intake.syslog import Sender, parse
from mainstay.modules.logs.intake.tokens import claim
from tests.logs.lines import stored
from tests.support import World

NDJSON = {"Content-Type": "application/x-ndjson"}
NOW = datetime.now(UTC)


async def post(world: World, content: bytes, kind: str = "application/x-ndjson", **headers: str) -> Any:
    return await world.send("POST", "/api/logs/", content=content, headers={"Content-Type": kind, **headers})


async def test_json_lines_are_stored_when_they_are_acknowledged(world: World) -> None:
    at = (NOW - timedelta(hours=1)).replace(microsecond=250000)
    items = [
        {"message": "disk full", "time": at.isoformat(), "host": "web1", "severity": "error", "facility": "daemon",
         "app": "nginx", "pid": 77, "msgid": "E1", "tags": ["a", "b"], "code": 507,
         "http": {"path": "/x", "ok": False}},
        {"msg": "epoch", "ts": at.timestamp(), "hostname": "web2", "level": 4, "fields": {"k": "v"}},
        {"event": "no message", "n": 1},
    ]  # fmt: skip
    answer = await post(world, b"\n".join(json.dumps(item).encode() for item in items) + b"\nnot json\n[1]\n")
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"status": "success", "accepted": 5, "unparsed": 2}
    rows = await stored(world)
    first = rows[0]
    assert {name: first[name] for name in ("message", "host", "severity", "facility", "app", "procid", "msgid")} == {
        "message": "disk full", "host": "web1", "severity": 3, "facility": 3, "app": "nginx", "procid": "77",
        "msgid": "E1",
    }  # fmt: skip
    assert first["time"] == at
    assert first["fields"] == {"code": "507", "http.path": "/x", "http.ok": "false"}
    assert (first["tags"], first["format"]) == (["a", "b"], "json")
    assert (rows[1]["message"], rows[1]["host"], rows[1]["severity"]) == ("epoch", "web2", 4)
    assert abs(rows[1]["time"] - at) < timedelta(milliseconds=1)
    assert json.loads(rows[2]["message"]) == items[2]
    assert rows[2]["fields"] == {"event": "no message", "n": "1"}
    assert [(row["message"], row["tags"]) for row in rows[3:]] == [("not json", ["_unparsed"]), ("[1]", ["_unparsed"])]
    assert len({row["id"] for row in rows}) == 5


async def test_an_array_gzip_and_text_are_taken_too(world: World) -> None:
    assert (await post(world, b'[{"message": "one"}, {"message": "two"}]', "application/json")).json()["accepted"] == 2
    packed = gzip.compress(b'{"message": "packed"}\n' * 3)
    answer = await world.send("POST", "/api/logs/", content=packed, headers={**NDJSON, "Content-Encoding": "gzip"})
    assert answer.json()["accepted"] == 3
    assert (await post(world, b"<34>Oct 11 22:14:15 web9 su[1]: as text\n\nfree\n", "text/plain")).json() == {
        "status": "success", "accepted": 2, "unparsed": 1,
    }  # fmt: skip
    assert [row["message"] for row in await stored(world)] == ["one", "two", *["packed"] * 3, "as text", "free"]
    assert [row["host"] for row in await stored(world, "as text")] == ["web9"]


async def test_lines_are_of_the_caller_and_need_the_permission(world: World, stranger: World) -> None:
    operator = await world.granted({"log_intake": ("view",)})
    body = {"content": b'{"message": "mine"}', "headers": NDJSON}
    assert (await world.send("POST", "/api/logs/", by=operator, **body)).status_code == 403
    writer = await world.granted({"log_intake": ("add",)})
    assert (await world.send("POST", "/api/logs/", by=writer, **body)).status_code == 200
    await world.call("GET", "/api/intake/", by=writer, expect=403)
    answer = await world.client.post("/api/logs/", content=b"{}", headers={**NDJSON, "Authorization": "ApiKey wrong"})
    assert answer.status_code == 401
    assert (await world.client.post("/v1/logs", content=b"{}")).status_code == 403
    assert len(await stored(world)) == 1
    assert await stored(stranger) == []
    health = await world.get("/api/intake/", by=operator)
    assert [item["received"] for item in health["sources"]] == [1]
    assert (await stranger.get("/api/intake/"))["sources"] == []


@pytest.mark.parametrize("kind", ["application/json", "application/x-protobuf"])
async def test_otlp_records_are_stored(world: World, kind: str) -> None:
    nanos = int((NOW - timedelta(minutes=1)).timestamp()) * 10**9 + 5000
    document = {"resourceLogs": [{
        "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "cart"}},
                                    {"key": "host.name", "value": {"stringValue": "node7"}},
                                    {"key": "k8s.pod", "value": {"stringValue": "p1"}}]},
        "scopeLogs": [{"logRecords": [
            {"timeUnixNano": str(nanos), "severityNumber": 17, "body": {"stringValue": "payment failed"},
             "attributes": [{"key": "n", "value": {"intValue": "5"}}],
             "traceId": "5b8efff798038103d269b633813fc60c"},
            {"severityText": "WARN", "body": {"kvlistValue": {"values": [{"key": "a", "value": {"boolValue": True}}]}}},
        ]}],
    }]}  # fmt: skip
    content = json.dumps(document).encode()
    if kind.endswith("protobuf"):
        # The protobuf library's JSON has its bytes in base64.
        text = content.decode().replace("5b8efff798038103d269b633813fc60c", "W47/95gDgQPSabYzgT/GDA==")
        content = json_format.Parse(text, ExportLogsServiceRequest()).SerializeToString()
    answer = await world.send("POST", "/v1/logs", content=content, headers={"Content-Type": kind})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith(kind)
    assert answer.content == (b"" if kind.endswith("protobuf") else b"{}")
    first, second = await stored(world)
    assert (first["message"], first["app"], first["host"], first["severity"], first["format"]) == (
        "payment failed", "cart", "node7", 3, "otlp",
    )  # fmt: skip
    assert first["fields"] == {"k8s.pod": "p1", "n": "5", "trace_id": "5b8efff798038103d269b633813fc60c"}
    assert int(first["time"].timestamp()) == nanos // 10**9
    assert (second["severity"], json.loads(second["message"])) == (4, {"a": True})


async def test_hostile_bodies_are_refused_with_the_reason(world: World) -> None:
    packed = {**NDJSON, "Content-Encoding": "gzip"}
    bomb = gzip.compress(b"\n" * (world.platform.settings.max_body_mb * 2**20 + 10))
    assert len(bomb) < 2**20
    cases = [
        (b"not gzip", packed, 400), (gzip.compress(b"{}" * 1000)[:-20], packed, 400), (bomb, packed, 413),
        (b"{}", {**NDJSON, "Content-Encoding": "br"}, 415), (b"<x/>", {"Content-Type": "text/xml"}, 415),
        (b'{"message": "x"}\n' * 200_002, NDJSON, 413),
    ]  # fmt: skip
    for content, headers, status in cases:
        answer = await world.send("POST", "/api/logs/", content=content, headers=headers)
        assert (answer.status_code, bool(answer.json()["error"])) == (status, True), headers
    for kind, content in (("application/x-protobuf", b"\xff" * 50), ("application/json", b'{"resourceLogs": 5}')):
        answer = await world.send("POST", "/v1/logs", content=content, headers={"Content-Type": kind})
        assert answer.status_code == 400, answer.text
    assert await stored(world) == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**25), 10**25) | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4), max_leaves=8,
)  # fmt: skip
NAMED = st.dictionaries(
    st.sampled_from(["message", "time", "ts", "host", "severity", "level", "facility", "tags", "fields", "pid", "x"]),
    JSON, max_size=6,
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(NAMED, st.binary(max_size=50)), max_size=5))
def test_any_bytes_become_rows_that_fit_the_table(items: list[Any]) -> None:
    raw = b"\n".join(item if isinstance(item, bytes) else json.dumps(item).encode() for item in items)
    frame = json_frame(raw, "acme", "192.0.2.1", NOW)
    assert to_arrow(complete(frame)).num_rows == len(frame)
    assert frame["time"].null_count() == 0


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=200))
async def test_no_body_is_a_server_error(world: World, content: bytes) -> None:
    for path, kind in (("/api/logs/", "application/x-ndjson"), ("/v1/logs", "application/x-protobuf")):
        answer = await world.send("POST", path, content=content, headers={"Content-Type": kind})
        assert answer.status_code in (200, 400), answer.text


async def test_a_full_store_holds_senders_back_and_the_rest_goes_on(world: World) -> None:
    telemetry, store = world.platform.telemetry, store_of(world.platform)
    assert telemetry is not None
    # The engine refuses inserts that would leave less than this free: a full disk, without filling one.
    await telemetry.command(
        "ALTER TABLE log_lines MODIFY SETTING min_free_disk_bytes_to_perform_insert = 1000000000000000"
    )
    try:
        waiting = await submit(world.platform, json_frame(b'{"message": "waits"}', world.organization, "10.0.0.1", NOW))
        async with asyncio.timeout(10):
            while not store.error:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert not waiting.done()
        answer = await post(world, b'{"message": "refused"}')
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "5"
        assert "full" in answer.json()["error"]
        health = await world.get("/api/intake/")
        assert (health["status"], health["waiting"] >= 1) == ("failing", True)
        made = await world.post("/ux/common/department/department/", {"dept_name": "goes on"})
        assert made["status"] == "success"
    finally:
        await telemetry.command(
            "ALTER TABLE log_lines MODIFY SETTING min_free_disk_bytes_to_perform_insert = 268435456"
        )
    await asyncio.wait_for(waiting, 20)
    assert [row["message"] for row in await stored(world)] == ["waits"]
    assert (await world.get("/api/intake/"))["status"] == "ok"


async def test_more_than_fits_in_memory_waits_for_room(world: World) -> None:
    store = LogStore(world.platform, capacity=100)
    frame = json_frame(b'{"message": "x"}\n' * 100, world.organization, "10.0.0.1", NOW)
    first = await store.put(frame)
    second = asyncio.create_task(store.put(frame))
    await asyncio.sleep(0)
    assert not second.done()
    await first
    await (await second)
    await store.close()
    assert len(await stored(world)) == 200


async def test_lines_that_cannot_be_made_into_rows_keep_no_others_from_being_stored(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare = store_module._prepare

    def stumble(frames: list[pl.DataFrame]) -> Any:
        if any("poison" in frame["message"].to_list() for frame in frames):
            raise ValueError("no rows")
        return prepare(frames)

    monkeypatch.setattr(store_module, "_prepare", stumble)
    store = LogStore(world.platform)
    puts = [
        await store.put(json_frame(json.dumps({"message": text}).encode(), world.organization, "10.0.0.1", NOW))
        for text in ("before", "poison", "after")
    ]
    done = await asyncio.wait_for(asyncio.gather(*puts, return_exceptions=True), 20)
    assert [type(item) for item in done] == [type(None), Unavailable, type(None)]
    later = json_frame(b'{"message": "later"}', world.organization, "10.0.0.1", NOW)
    await asyncio.wait_for(await store.put(later), 20)
    await store.close()
    assert [row["message"] for row in await stored(world)] == ["before", "after", "later"]


async def test_stages_change_lines_before_they_are_stored_and_a_failing_one_loses_none(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def mark(_platform: Platform, frame: pl.DataFrame) -> pl.DataFrame:
        return frame.with_columns(pl.lit("marked").alias("pipeline"))

    async def fail(_platform: Platform, _frame: pl.DataFrame) -> pl.DataFrame:
        raise ValueError("no")

    async def misfit(_platform: Platform, frame: pl.DataFrame) -> pl.DataFrame:
        return frame.with_columns(pl.Series("facility", [["x"]] * len(frame)))

    published: list[str] = []

    async def hear(_platform: Platform, frame: pl.DataFrame) -> None:
        published.extend(frame.filter(pl.col("organization") == world.organization)["message"].to_list())

    monkeypatch.setattr(stages, "_stages", [mark, fail, misfit])
    monkeypatch.setattr(LINES, "_handlers", [hear])
    assert (await post(world, b'{"message": "kept"}')).status_code == 200
    [row] = await stored(world)
    assert (row["message"], row["pipeline"], row["tags"], row["facility"]) == (
        "kept",
        "marked",
        ["_pipelinefailure"],
        1,
    )
    await asyncio.sleep(0.05)
    assert published == ["kept"]


async def test_senders_belong_to_the_organization_and_zone_of_the_smallest_network(
    world: World, stranger: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def rules(_platform: Platform) -> list[SourceRule]:
        return [
            SourceRule(network="10.0.0.0/8", organization=world.organization),
            SourceRule(network="10.1.2.0/24", organization=stranger.organization, timezone="Asia/Tokyo", limit=5),
            SourceRule(network="2001:db8::/32", organization=stranger.organization),
            SourceRule(network="no network", organization=stranger.organization),
        ]

    async def items(_platform: Platform, organization: str, addresses: Any) -> dict[str, str]:
        return {address: f"ci-{organization}" for address in addresses if address == "10.1.2.3"}

    monkeypatch.setattr(sources, "_rules", [rules])
    monkeypatch.setattr(sources, "_items", [items])
    await world.call("PUT", "/api/settings", json={"values": {"log_timezone": "Europe/Berlin"}})
    known = Sources(world.platform)
    found = await known.senders(["10.9.9.9", "10.1.2.3", "2001:db8::1", "192.0.2.1"])
    assert found[0] == Sender("10.9.9.9", world.organization, "Europe/Berlin", "")
    assert found[1] == Sender("10.1.2.3", stranger.organization, "Asia/Tokyo", f"ci-{stranger.organization}")
    assert found[2] == Sender("2001:db8::1", stranger.organization, "UTC", "")
    assert found[3].organization not in (stranger.organization, ""), "the oldest organization"
    assert known.limit("10.1.2.3") == 5
    assert known.limit("10.9.9.9") is None


async def test_a_token_in_structured_data_decides_whose_lines_they_are_and_is_not_kept(
    world: World, stranger: World
) -> None:
    def line(token: str) -> bytes:
        return f'<13>1 - web1 app - - [mainstay@32473 token="{token}"][x@1 a="b"] hello'.encode()

    viewer = await world.granted({"log_intake": ("view",)})
    writer = await world.granted({"log_intake": ("add",)})
    batch = one_source(
        [line(writer.key), line("ms_wrong"), line(viewer.key), b"<13>1 - web1 app - - - bare"], "10.0.0.1"
    )
    frame = await claim(world.platform, parse(batch, [Sender("10.0.0.1", stranger.organization, ci="theirs")]))
    assert frame["organization"].to_list() == [world.organization, *[stranger.organization] * 3]
    assert frame["tags"].to_list() == [[], ["_token"], ["_token"], []]
    assert frame["ci"].to_list() == ["", "theirs", "theirs", "theirs"]
    assert writer.key not in str(frame.to_dicts())
    assert frame["fields"].to_list()[0] == [{"key": "x@1.a", "value": "b"}]


async def test_the_oldest_lines_go_when_the_space_is_used_up(world: World) -> None:
    telemetry = world.platform.telemetry
    assert telemetry is not None
    for number in range(4):
        line = json.dumps(
            {"message": f"part {number} " + "".join(chr(33 + (n * n * (number + 7)) % 90) for n in range(3000))}
        )
        assert (await post(world, line.encode())).status_code == 200
    every = "SELECT count() AS rows FROM log_lines"
    [before] = await telemetry.query(every)
    assert await retention.trim(telemetry, 2**40) == 0
    # Only the newest part may stay, however small the space.
    gone = await retention.trim(telemetry, 1)
    [after] = await telemetry.query(every)
    assert before["rows"] - after["rows"] == gone > 0
    assert [row["message"][:6] for row in await stored(world, "part")][-1:] == ["part 3"]
