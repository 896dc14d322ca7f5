"""The platform as a whole: live updates, search, health, the served documents, the access log, the schema."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from typing import Any

import pytest

from mainstay.kernel import feed
from mainstay.kernel.context import Context, Principal
from mainstay.kernel.database import migration_config
from mainstay.kernel.operation import Group
from mainstay.kernel.registry import Registry
from mainstay.kernel.telemetry import search_access_log
from tests.conftest import DATABASE
from tests.support import World

INCIDENTS = "/ux/sd/inci/incident/"


async def listen(world: World, someone: Any, wanted: int) -> list[dict[str, Any]]:
    """The first change events that reach somebody."""
    assert world.platform.live is not None
    who = Principal(organization=world.organization, privileges=someone, kind="staff")
    events = []
    async for raw in world.platform.live.listen(who, frozenset()):
        if b"event: change" in raw:
            events.append(json.loads(raw.split(b"data: ", 1)[1]))
        if len(events) == wanted:
            break
    return events


async def test_links_carry_the_address_that_was_asked_for(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.post(INCIDENTS, [{"summary": "One"}, {"summary": "Two"}])
    behind = {"headers": {"X-Forwarded-Proto": "https"}, "params": {"items_per_page": 1}}
    page = await world.get(INCIDENTS, **behind)
    # Anybody can send the header; it counts only from a proxy that the settings name.
    assert page["next"].startswith(f"http://mainstay.test{INCIDENTS}?")
    trusting = dataclasses.replace(world.platform.settings, trusted_proxies="127.0.0.1, 10.0.0.1")
    monkeypatch.setattr(world.platform, "settings", trusting)
    page = await world.get(INCIDENTS, **behind)
    assert page["next"].startswith(f"https://mainstay.test{INCIDENTS}?")
    following = await world.get(page["next"].removeprefix("https://mainstay.test"))
    assert following["results"][0]["id"] != page["results"][0]["id"]


async def test_live_updates_go_by_organization_and_permission(world: World, stranger: World) -> None:
    agent = asyncio.create_task(listen(world, frozenset({("incident", "view")}), 1))
    blind = asyncio.create_task(listen(world, frozenset({("department", "view")}), 1))
    other = asyncio.create_task(listen(stranger, frozenset({("incident", "view")}), 1))
    await asyncio.sleep(0.3)
    made = await world.post(INCIDENTS, {"summary": "Live"})
    (event,) = await asyncio.wait_for(agent, 10)
    assert (event["resource"], event["id"], event["action"]) == ("incident", made["id"], "create")
    department = await world.post("/ux/common/department/department/", {"dept_name": "Live"})
    (seen,) = await asyncio.wait_for(blind, 10)
    assert seen["id"] == department["id"]
    assert not other.done()
    other.cancel()


async def test_search_follows_the_change_feed(world: World, stranger: World) -> None:
    made = await world.post(INCIDENTS, {"summary": "Quokka on the loose"})
    await feed.drain(world.platform)
    found = (await world.get("/api/search", params={"q": "loose quok"}))["results"]
    assert [(row["resource"], row["id"]) for row in found] == [("incident", made["id"])]
    assert (await stranger.get("/api/search", params={"q": "quokka"}))["results"] == []
    nobody = await world.granted({})
    assert (await world.get("/api/search", params={"q": "quokka"}, by=nobody))["results"] == []
    await world.delete(f"{INCIDENTS}{made['id']}/")
    await feed.drain(world.platform)
    assert (await world.get("/api/search", params={"q": "quokka"}))["results"] == []


async def test_health_metrics_and_documents(world: World) -> None:
    assert (await world.client.get("/healthz")).json()["status"] == "ok"
    assert (await world.client.get("/readyz")).json()["status"] == "ready"
    world.platform.begun = False
    try:
        starting = await world.client.get("/readyz")
    finally:
        world.platform.begun = True
    assert (starting.status_code, starting.json()["error"][-9:]) == (503, "starting.")
    await world.get(INCIDENTS)
    metrics = (await world.client.get("/metrics")).text
    assert 'mainstay_http_requests_total{method="GET",route="/ux/sd/inci/incident/"' in metrics
    missing = await world.client.get("/ux/nothing/here/")
    assert missing.status_code == 404
    assert missing.json()["error"].startswith("There is nothing at")
    wrong = await world.send("DELETE", INCIDENTS)
    assert wrong.status_code == 405
    assert "error" in wrong.json()


@pytest.mark.proves("GET /schema/")
async def test_the_openapi_document_is_served_in_both_forms(world: World) -> None:
    as_yaml = await world.client.get("/schema/")
    assert as_yaml.text.startswith("openapi: 3.1.0")
    as_json = (await world.client.get("/schema/", headers={"Accept": "application/json"})).json()
    assert INCIDENTS in as_json["paths"]
    assert as_json["paths"][INCIDENTS]["get"]["tags"] == ["Incident"]


async def test_every_request_reaches_the_access_log(world: World) -> None:
    await world.get(INCIDENTS, headers={"X-Request-ID": "look-for-this-one"})
    telemetry, log = world.platform.telemetry, world.platform.access_log
    assert telemetry is not None
    assert log is not None
    await log.drain()
    rows = await search_access_log(telemetry, world.organization, text="look-for-this-one")
    assert [(row["route"], row["status"]) for row in rows] == [(INCIDENTS, 200)]


async def test_pages_by_cursor_number_and_from_the_end_agree(world: World) -> None:
    await world.post(INCIDENTS, [{"summary": f"Ticket {n:03}"} for n in range(95)])
    by_number = []
    for page in range(1, 11):
        found = await world.get(INCIDENTS, params={"items_per_page": 10, "page": page})
        by_number += [row["summary"] for row in found["results"]]
    by_cursor, url = [], f"{INCIDENTS}?items_per_page=10"
    while url:
        found = await world.get(url)
        by_cursor += [row["summary"] for row in found["results"]]
        url = found["next"]
    assert by_number == by_cursor == [f"Ticket {n:03}" for n in reversed(range(95))]
    await world.get(INCIDENTS, params={"cursor": "AAAA"}, expect=400)


@pytest.mark.skipif(DATABASE != "postgresql", reason="SQLite cannot describe expression indexes")
async def test_the_migrations_make_what_the_tables_declare(world: World) -> None:
    from alembic import command

    await asyncio.to_thread(command.check, migration_config(world.platform.settings))


def test_a_permission_that_no_role_can_hold_is_refused_at_the_start() -> None:
    registry = Registry()
    group = Group("Things", "/api/things/")

    @group.route("GET", "", permission=("thing", "view"))
    async def things(ctx: Context) -> None: ...

    registry.add(group)
    with pytest.raises(ValueError, match=r"needs thing\.view, which no role can hold"):
        registry.check()
    registry.permission("Things", "thing", "Things", ("view",))
    registry.check()
