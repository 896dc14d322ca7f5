"""Log sources through the API: their networks, who sends, and what forms about log lines need."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any

import pytest

from mainstay.modules.logs.intake.sources import Sources
from mainstay.modules.logs.integration import service
from tests.logs.lines import line, store
from tests.support import World

BASE = "/ux/logmanagement/log_integration/"
LOGS = "/ux/logmanagement/log_search/log_search/logs/"


@pytest.mark.proves(
    "GET /ux/logmanagement/log_integration/", "POST /ux/logmanagement/log_integration/",
    "GET /ux/logmanagement/log_integration/{id}/", "PUT /ux/logmanagement/log_integration/{id}/",
    "DELETE /ux/logmanagement/log_integration/{id}/",
)  # fmt: skip
async def test_a_source_keeps_its_networks(world: World, stranger: World) -> None:
    made = await world.post(
        BASE,
        {"name": "Switches", "networks": "198.18.1.5, 198.18.2.0/24\n2001:db8:7::/48", "timezone": "Europe/Dublin"},
        expect=201,
    )  # fmt: skip
    path = f"{BASE}{made['id']}/"
    read = await world.get(path)
    assert read["networks"] == ["198.18.1.5", "198.18.2.0/24", "2001:db8:7::/48"]
    assert (read["kind"], read["enabled"]) == ("syslog", True)
    await world.put(path, {**read, "networks": ["198.18.3.7/24"], "retention": 7, "cis": ["abc"]})
    [row] = (await world.get(BASE))["results"]
    assert (row["networks"], row["retention"]) == (["198.18.3.0/24"], 7)
    assert (await world.get(path))["cis"] == ["abc"]
    for body, field in (
        ({"networks": ["ten"]}, "networks"), ({"timezone": "Mars/Base"}, "timezone"), ({"kind": "pigeon"}, "kind"),
        ({"networks": {"a": 1}}, "networks"), ({"cis": [1]}, "cis"), ({"retention": 3}, "retention"),
        ({"networks": ["0.0.0.0/0"]}, "networks"),
    ):  # fmt: skip
        assert field in (await world.put(path, body, expect=400))["fields"], body
    await world.delete(path, expect=204)
    await world.get(path, expect=404)


async def test_nobody_takes_the_network_of_another_organization(world: World, stranger: World) -> None:
    await world.post(BASE, {"name": "A", "networks": ["198.19.4.0/24"]}, expect=201)
    for network in ("198.19.4.0/24", "198.19.0.0/16", "198.19.4.9"):
        refused = await stranger.post(BASE, {"name": "B", "networks": [network]}, expect=409)
        assert network in refused["error"]
    await world.post(BASE, {"name": "Inner", "networks": ["198.19.4.9"]}, expect=201)
    await world.post(BASE, {"name": "Same", "networks": ["198.19.4.0/24"]}, expect=409)
    idle = await stranger.post(BASE, {"name": "B", "networks": ["198.19.4.0/24"], "enabled": False}, expect=201)
    await stranger.put(f"{BASE}{idle['id']}/", {"enabled": True}, expect=409)


@pytest.mark.proves("GET /ux/logmanagement/log_integration/_url/")
async def test_the_doors_are_the_ports_this_server_listens_on(world: World) -> None:
    found = (await world.get(f"{BASE}_url/"))["results"]
    settings = world.platform.settings
    syslog = {item["protocol"]: item for item in found if item["kind"] == "syslog"}
    assert syslog["udp"]["port"] == settings.syslog_port
    assert syslog["tls"]["enabled"] is (settings.syslog_tls_port > 0)
    assert syslog["tcp"]["url"] == f"tcp://{syslog['tcp']['address']}:{settings.syslog_port}"
    [http] = [item for item in found if item["kind"] == "http"]
    path = http["url"].removeprefix(settings.base_url)
    await world.call(
        "POST", path, content='{"message": "through the door"}', headers={"Content-Type": "application/json"}
    )
    assert (await world.post(LOGS, {"query": '"through the door"'}))["count"] == 1


async def test_the_intake_knows_whose_a_network_is(world: World, stranger: World) -> None:
    await stranger.post(BASE, {"name": "A", "networks": ["198.51.100.0/24"], "timezone": "Europe/Dublin"}, expect=201)
    inner = await world.post(BASE, {"name": "B", "networks": ["198.51.101.9"], "rate_limit": 50}, expect=201)
    sources = Sources(world.platform)
    first, second = await sources.senders(["198.51.100.77", "198.51.101.9"])
    assert (first.organization, first.timezone) == (stranger.organization, "Europe/Dublin")
    assert second.organization == world.organization
    assert sources.limit("198.51.101.9") == 50
    await world.patch(f"{BASE}{inner['id']}/", {"enabled": False})
    await sources.look(now=True)
    assert sources.limit("198.51.101.9") is None


@pytest.fixture
async def some(world: World) -> list[dict[str, Any]]:
    lines = [
        line(world.organization, "link up", 50, source="198.18.9.1", host="sw1", pipeline="p1", fields={"port": "7"}),
        line(world.organization, "link down", 40, source="198.18.9.1", host="sw1", ci="ci1"),
        line(world.organization, "disk full", 30, source="203.0.113.9", host="db1", fields={"volume": "C:"}),
    ]
    await store(world.platform, lines)
    return lines


@pytest.mark.proves("POST /ux/logmanagement/log_integration/cmdb_filter/")
async def test_senders_are_listed_with_their_source(world: World, stranger: World, some: list[dict[str, Any]]) -> None:
    made = await world.post(BASE, {"name": "Switches", "networks": ["198.18.9.0/24"]}, expect=201)
    answer = await world.post(f"{BASE}cmdb_filter/", {})
    first, second = answer["results"]
    assert (first["source"], first["host"], first["ci"], first["lines"]) == ("198.18.9.1", "sw1", "ci1", 2)
    assert (first["integration"], first["integration_name"]) == (made["id"], "Switches")
    assert (second["source"], second["integration"]) == ("203.0.113.9", None)
    narrowed = await world.post(f"{BASE}cmdb_filter/", {"query": "disk"})
    assert [row["host"] for row in narrowed["results"]] == ["db1"]
    assert (await world.post(f"{BASE}cmdb_filter/", {"search": "SW1"}))["count"] == 1
    for known, host in ((True, "sw1"), (False, "db1")):
        only = await world.post(f"{BASE}cmdb_filter/", {"known": known})
        assert [row["host"] for row in only["results"]] == [host]
    assert (await stranger.post(f"{BASE}cmdb_filter/", {}))["count"] == 0


@pytest.mark.proves(
    "POST /ux/logmanagement/log_integration/export_data/", "GET /ux/logmanagement/log_integration/get_export_configs/"
)
async def test_exports_are_what_their_configuration_promises(world: World, some: list[dict[str, Any]]) -> None:
    configs = await world.get(f"{BASE}get_export_configs/")
    assert {item["id"] for item in configs["formats"]} == {"csv", "jsonl"}
    assert "fields.volume" in [item["name"] for item in configs["columns"]]
    text = await world.post(f"{BASE}export_data/", {"query": "link", "columns": ["message", "fields.port"]})
    rows = list(csv.DictReader(io.StringIO(text.lstrip("\ufeff"))))
    assert rows == [{"message": "link down", "fields.port": ""}, {"message": "link up", "fields.port": "7"}]
    plain = await world.post(f"{BASE}export_data/", {})
    assert next(csv.reader(io.StringIO(plain.lstrip("\ufeff")))) == configs["default_columns"]
    await world.post(f"{BASE}export_data/", {"limit": configs["max_rows"] + 1}, expect=400)


@pytest.mark.proves("GET /ux/logmanagement/log_integration/get_data_view/")
async def test_the_view_is_the_callers_own_or_that_of_a_saved_search(world: World, stranger: World) -> None:
    usual = await world.get(f"{BASE}get_data_view/")
    assert usual["saved"] is False
    assert [item["name"] for item in usual["columns"] if item["visible"]][-1] == "message"
    config = {"columns": ["message", {"name": "fields.user", "width": 120}, {"name": "host", "visible": False}]}
    await world.post("/ux/common/user/profile/save-page-config/", {"page": "log_search", "config": config})
    own = await world.get(f"{BASE}get_data_view/")
    assert [item["name"] for item in own["columns"] if item["visible"]] == ["message", "fields.user"]
    assert own["columns"][1]["width"] == 120
    made = await world.post(
        "/ux/logmanagement/log_search/log_search/", {"name": "Apps", "columns": ["app"]}, expect=201
    )
    other = await world.get(f"{BASE}get_data_view/", params={"search": made["id"]})
    assert [item["name"] for item in other["columns"] if item["visible"]] == ["app"]
    await stranger.get(f"{BASE}get_data_view/", params={"search": made["id"]}, expect=400)


@pytest.mark.proves(
    "GET /ux/logmanagement/log_integration/get_log_columns/",
    "GET /ux/logmanagement/log_integration/get_log_columns_for_pipeline/",
    "GET /ux/logmanagement/log_integration/get_log_filter_suggestions/",
    "GET /ux/logmanagement/log_integration/get_log_filter_suggestions_for_pipeline/",
)
async def test_columns_and_suggestions_come_from_the_lines(world: World, some: list[dict[str, Any]]) -> None:
    names = [item["name"] for item in (await world.get(f"{BASE}get_log_columns/"))["results"]]
    assert {"message", "fields.port", "fields.volume"} <= set(names)
    piped = await world.get(f"{BASE}get_log_columns_for_pipeline/", params={"pipeline": "p1"})
    writable = {item["name"]: item["writable"] for item in piped["results"]}
    assert (writable["message"], writable["received"], writable["fields.port"]) == (True, False, True)
    assert "fields.volume" not in writable
    values = await world.get(f"{BASE}get_log_filter_suggestions/", params={"field": "host"})
    assert [item["text"] for item in values["results"]] == ["sw1", "db1"]
    through = {"pipeline": "p1", "field": "host"}
    piped = await world.get(f"{BASE}get_log_filter_suggestions_for_pipeline/", params=through)
    assert [item["text"] for item in piped["results"]] == ["sw1"]
    typed = await world.get(f"{BASE}get_log_filter_suggestions/", params={"query": "link and host:d"})
    assert [item["text"] for item in typed["results"]] == ["host:db1"]


async def test_a_source_may_keep_its_lines_for_a_shorter_time(world: World) -> None:
    week = timedelta(days=8).total_seconds()
    lines = [
        line(world.organization, message, ago, source=source)
        for message, ago, source in (
            ("old and short", week, "198.18.77.3"), ("young and short", 60, "198.18.77.3"),
            ("old and long", week, "198.18.78.3"), ("no address", week, "unknown"),
        )
    ]  # fmt: skip
    await store(world.platform, lines)
    await world.post(BASE, {"name": "Short", "networks": ["198.18.77.0/24"], "retention": 7}, expect=201)
    assert await service.expire(world.platform) == 1
    left = await world.post(LOGS, {"query": "", "from": "now-30d"})
    assert {row["message"] for row in left["results"]} == {"young and short", "old and long", "no address"}
    counted = await world.post("/api/logs/histogram/", {"from": "now-30d"})
    assert counted["total"] == 3
    assert await service.expire(world.platform) == 0
