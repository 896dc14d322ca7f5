"""The incident operations of the Events module."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from mainstay.kernel import feed
from tests.servicedesk.test_incident import report
from tests.servicedesk.triggering import EVENTS, INCIDENTS, events, incidents, linked, raw, said, trigger
from tests.support import World

CREATE, UPSERT = f"{EVENTS}create_incident/", f"{EVENTS}upsert_incident/"
NOTE, TICKETS, ASK = (f"{EVENTS}{name}/" for name in
                      ("update_incident_note", "get-event-ticket-details", "get_events_nbi_inci_detail"))  # fmt: skip


async def ids(world: World, *keys: str, **values: Any) -> list[str]:
    await raw(world, *keys, **values)
    known = {row["resource"]: row["id"] for row in await events(world)}
    return [known[key] for key in keys]


async def record(world: World, incident: str) -> dict[str, Any]:
    found: dict[str, Any] = (await world.get(f"{INCIDENTS}{incident}/"))["incident"]
    return found


@pytest.mark.proves(f"POST {CREATE}")
async def test_one_incident_is_opened_for_several_events(world: World) -> None:
    await raw(world, "a", severity=3, host="sw1", message="Fan failed")
    (first,) = [row["id"] for row in await events(world)]
    (second,) = await ids(world, "b", severity=1, host="sw1", message="Power supply failed")
    made = await world.post(
        CREATE, {"event_ids": [first, second], "requester_email": "rita@example.com", "note": "Called the site."}
    )
    assert (made["display_id"], made["created"], made["event_ids"]) == ("INC-1", True, [first, second])
    got = await record(world, made["incident_id"])
    assert got["summary"] == "sw1: Power supply failed"
    assert (got["priority"], got["requester_email"], got["source"]) == ("Critical", "rita@example.com", "Monitoring")
    assert "Fan failed" in got["description"]
    assert await linked(world, "INC-1") == ["Fan failed", "Power supply failed"]
    assert [text for _kind, _public, text in await said(world, "INC-1")] == ["Called the site."]
    other = await world.post(
        CREATE, {"events": [{"event_id": first}], "summary": "Mine", "urgency": "Low", "impact": 5}
    )
    got = await record(world, other["incident_id"])
    assert (got["summary"], got["priority"]) == ("Mine", "Very Low")


async def test_create_needs_events_and_permission(world: World, stranger: World) -> None:
    (event,) = await ids(world, "a")
    assert "event_ids" in (await world.post(CREATE, {}, expect=400))["fields"]
    await world.post(CREATE, {"event_ids": [event, "nothing"]}, expect=404)
    await stranger.post(CREATE, {"event_ids": [event]}, expect=404)
    for path in (UPSERT, NOTE):
        await stranger.post(path, {"event_ids": [event], "note": "x"}, expect=404)
    await world.post(CREATE, {"event_ids": [event], "assignee": "nobody@example.com"}, expect=400)
    watcher = await world.granted({"event": ("view", "edit")})
    refused = await world.post(CREATE, {"event_ids": [event]}, by=watcher, expect=403)
    assert refused["permission"] == "incident.add"
    await world.get(TICKETS, params={"event_id": event}, by=watcher, expect=403)
    agent = await world.granted({"incident": ("view", "add", "edit")})
    await world.post(CREATE, {"event_ids": [event]}, by=agent, expect=403)
    assert await incidents(world) == []


@pytest.mark.proves(f"POST {UPSERT}")
async def test_an_upsert_attaches_where_work_is_under_way(world: World) -> None:
    first, second, third = await ids(world, "a", "b", "c")
    made = await world.post(UPSERT, {"event_ids": [first]})
    assert made["created"]
    again = await world.post(UPSERT, {"event_ids": [first, second], "note": "Still there"})
    assert (again["incident_id"], again["created"]) == (made["incident_id"], False)
    assert await linked(world, "INC-1") == ["Problem a", "Problem b"]
    assert [kind for kind, _public, _text in await said(world, "INC-1")] == ["event", "note"]
    changed = await world.post(UPSERT, {"event_ids": [second], "summary": "Renamed", "tag": ["core"]})
    assert changed["data"]["summary"] == "Renamed"
    assert (await record(world, "INC-1"))["tag"] == ["core"]
    named = await report(world, summary="By phone")
    await world.post(UPSERT, {"event_ids": [third], "incident_id": named["display_id"]})
    assert await linked(world, named["id"]) == ["Problem c"]
    await world.post(f"{INCIDENTS}inci_resolve/", {"incident_id": named["id"], "closure_note": "Done"})
    refused = await world.post(UPSERT, {"event_ids": [third], "incident_id": named["id"]}, expect=409)
    assert "is over" in refused["error"]
    fresh = await world.post(UPSERT, {"event_ids": [third]})
    assert (fresh["created"], fresh["display_id"]) == (True, "INC-3")


async def test_an_upsert_by_key_opens_one_incident_however_many_ask(world: World) -> None:
    found = await ids(world, *"abcdef")
    answers = await asyncio.gather(
        *[world.post(UPSERT, {"event_ids": [event], "key": "maintenance 4711"}) for event in found]
    )
    assert {row["display_id"] for row in answers} == {"INC-1"}
    assert sorted(row["created"] for row in answers) == [False] * 5 + [True]
    assert len(await linked(world, "INC-1")) == 6
    other = await world.post(UPSERT, {"event_ids": found[:1], "key": "another"})
    assert other["display_id"] == "INC-2"
    await world.post(f"{INCIDENTS}inci_resolve/", {"incident_id": "INC-1", "closure_note": "Done"})
    after = await world.post(UPSERT, {"event_ids": found[:1], "key": "maintenance 4711"})
    assert (after["display_id"], after["created"]) == ("INC-3", True)


@pytest.mark.proves(f"POST {NOTE}")
async def test_notes_reach_the_incidents_of_events(world: World) -> None:
    first, second = await ids(world, "a", "b")
    await world.post(CREATE, {"event_ids": [first]})
    noted = await world.post(NOTE, {"event_ids": [first], "note": "On <b>site</b><script>x</script>"})
    assert noted["display_ids"] == ["INC-1"]
    await world.post(NOTE, {"incident_id": "INC-1", "message": "For you", "is_public": True})
    assert await said(world, "INC-1") == [("note", False, "On <b>site</b>"), ("comment", True, "For you")]
    refused = await world.post(NOTE, {"event_ids": [second], "note": "x"}, expect=404)
    assert "create_incident" in refused["error"]
    assert "note" in (await world.post(NOTE, {"event_ids": [first]}, expect=400))["fields"]
    await world.post(f"{INCIDENTS}inci_resolve/", {"incident_id": "INC-1", "closure_note": "Done"})
    await world.post(NOTE, {"event_ids": [first], "note": "late"}, expect=404)


@pytest.mark.proves(f"GET {TICKETS}")
async def test_an_event_tells_its_tickets(world: World, stranger: World) -> None:
    made = await trigger(world)
    first, second = await ids(world, "a", "b")
    await world.post(CREATE, {"event_ids": [first], "summary": "By hand"})
    shown = await world.get(TICKETS, params={"event_id": first})
    assert [(row["display_id"], row["summary"], row["rule_name"], row["linked_by"]) for row in shown["results"]] == [
        ("INC-3", "By hand", None, "Ada Admin"), ("INC-1", "192.0.2.1: Problem a", made["name"],
                                                  "Trigger: Test trigger"),
    ]  # fmt: skip
    both = await world.get(TICKETS, params={"event_ids": f"{first},{second}"})
    assert both["count"] == 3
    await world.get(TICKETS, expect=400)
    await world.get(TICKETS, params={"event_id": "nothing"}, expect=404)
    await stranger.get(TICKETS, params={"event_id": first}, expect=404)
    # The name of a deleted trigger stays readable.
    await world.delete(f"/api/event-triggers/{made['id']}/")
    assert (await world.get(TICKETS, params={"event_id": second}))["results"][0]["rule_name"] == made["name"]
    await world.delete(f"{INCIDENTS}INC-3/")
    assert (await world.get(TICKETS, params={"event_id": first}))["count"] == 1


async def test_a_list_of_events_names_their_tickets_to_those_who_may_see_them(world: World) -> None:
    first, second = await ids(world, "a", "b")
    made = await world.post(CREATE, {"event_ids": [first]})
    ticket = {"incident_id": made["incident_id"], "display_id": "INC-1", "over": False}
    assert {row["id"]: row["tickets"] for row in await events(world)} == {first: [ticket], second: []}
    listed = await world.post(f"{EVENTS}list/", {"filters": {"id": [first]}})
    assert listed["results"][0]["tickets"] == [ticket]
    await world.post(f"{INCIDENTS}inci_resolve/", {"incident_id": "INC-1", "closure_note": "Done"})
    assert (await world.get(f"{EVENTS}{first}/"))["tickets"] == [{**ticket, "over": True}]
    watcher = await world.granted({"event": ("view",)})
    assert (await world.get(f"{EVENTS}{first}/", by=watcher))["tickets"] == []


@pytest.mark.proves(f"POST {ASK}")
async def test_a_system_that_posts_events_finds_their_incidents(world: World, stranger: World) -> None:
    await trigger(world)
    await raw(world, "disk", reference="ext-77")
    await raw(world, "fan", severity=1)
    (disk,), (fan,) = await events(world, resource="disk"), await events(world, resource="fan")
    found = await world.post(
        ASK,
        {
            "event_ids": [disk["id"], "unknown"],
            "references": ["ext-77"],
            "events": [{"key": "fan", "address": "192.0.2.1"}, {"key": "fan", "address": "192.0.2.99"}],
            "fingerprints": [fan["fingerprint"]],
        },
    )
    shown = [(row["asked"], [ticket["display_id"] for ticket in row["incidents"]]) for row in found["results"]]
    assert shown == [
        (disk["id"], ["INC-1"]), ("unknown", []), ("ext-77", ["INC-1"]), (fan["fingerprint"], ["INC-2"]),
        ("fan", ["INC-2"]), ("fan", []),
    ]  # fmt: skip
    await world.post(ASK, {}, expect=400)
    await world.post(ASK, {"events": [{"key": 7}]}, expect=400)
    foreign = await stranger.post(ASK, {"event_ids": [disk["id"]]})
    assert foreign["results"] == [{"asked": disk["id"], "event_ids": [], "cleared": None, "incidents": []}]


async def test_events_are_found_by_the_key_they_were_posted_with(world: World) -> None:
    await trigger(world)
    posted = {"message": "Backup failed", "severity": "critical", "host": "files1", "key": "job-7"}
    answer = await world.post(f"{EVENTS}events_nbi/", posted)
    item = {"name": "core-sw", "category": "Switch", "ip_address": "192.0.2.8"}
    item = await world.post("/ux/common/cmdb/profile/", item, expect=201)
    await raw(world, "psu", address="192.0.2.8", ci=item["id"])
    asked = {"events": [{"key": "job-7", "host": "files1"}, {"key": "psu", "address": "192.0.2.8"}]}
    first, second = (await world.post(ASK, asked))["results"]
    assert first["event_ids"] == [answer["events"][0]["event_id"]]
    assert [ticket["summary"] for ticket in first["incidents"]] == ["files1: Backup failed"]
    assert [ticket["summary"] for ticket in second["incidents"]] == ["core-sw: Problem psu"]
    cleared = await world.post(f"{EVENTS}events_nbi/", {**posted, "status": "resolved"})
    assert cleared["cleared"] == 1
    await feed.drain(world.platform)
    assert (await world.post(ASK, asked))["results"][0]["incidents"][0]["status"] == "Resolved"


async def test_events_are_shown_on_the_incident_to_those_who_may_see_them(world: World) -> None:
    rita = await world.person("Requester", kind="requester", email="rita@example.com")
    (event,) = await ids(world, "a")
    made = await world.post(CREATE, {"event_ids": [event], "requester_email": "rita@example.com"})
    path = f"{INCIDENTS}{made['id']}/"
    assert len((await world.get(path))["incident"]["related"]["events"]) == 1
    assert "related" not in (await world.get(path, by=rita))["incident"]
    await world.get(f"{path}events/", by=rita, expect=403)
    agent = await world.granted({"incident": ("view",)})
    assert (await world.get(path, by=agent))["incident"]["related"] == {"events": []}
    await world.get(f"{path}events/", by=agent, expect=403)
