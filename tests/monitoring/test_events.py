"""The Events module of the API: what operators do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.monitoring.support import DOWN, PATH, actions, happen, later, one, rows
from tests.support import Statements, World


async def raised(world: World, count: int = 1) -> list[str]:
    """The ids of new events, one per port."""
    await happen(world, *[DOWN.format(n=n) for n in range(count)])
    found = sorted(await rows(world), key=lambda row: row["resource"])
    return [row["event_id"] for row in found]


@pytest.mark.proves(f"POST {PATH}", f"GET {PATH}{{eventid}}/", f"PUT {PATH}{{eventid}}/", f"DELETE {PATH}{{eventid}}/")
async def test_an_event_by_hand_from_raising_to_deleting(world: World) -> None:
    given = {"message": "Backup failed", "severity": "Major", "host": "files1", "tags": ["backup"]}
    made = (await world.post(PATH, given, expect=201))["data"]
    assert (made["severity"], made["original_severity"], made["count"], made["source"]) == (2, 2, 1, "manual")
    read = await world.get(f"{PATH}{made['event_id']}/")
    read |= {"severity": "Critical", "acknowledged": True, "message": "Backup failed twice"}
    changed = (await world.put(f"{PATH}{made['event_id']}/", read))["data"]
    assert (changed["severity"], changed["original_severity"], changed["message"]) == (1, 1, "Backup failed twice")
    assert changed["acknowledged_by_name"] == "Ada Admin"
    assert changed["acknowledged_at"] is not None
    cleared = (await world.put(f"{PATH}{made['event_id']}/", {**changed, "cleared": True}))["data"]
    assert cleared["cleared_at"] is not None
    refused = await world.post(PATH, {**given, "severity": "Unknown"}, expect=400)
    assert "severity" in refused["fields"]
    await world.delete(f"{PATH}{made['event_id']}/", expect=204)
    assert await rows(world) == []


@pytest.mark.proves(f"GET {PATH}", f"POST {PATH}list/")
async def test_lists_filter_sort_and_search_alike(world: World, statements: Statements | None) -> None:
    await happen(world, *[DOWN.format(n=n) for n in range(6)])
    await happen(world, "%SYS-2-MALLOCFAIL: Memory allocation of 65536 bytes failed", host="sw2", address="192.0.2.2")
    memory = await world.get(PATH, params={"filters": '{"event_class": "Chassis | RAM | Insufficient Memory"}'})
    assert [row["host"] for row in memory["results"]] == ["sw2"]
    body = {"filters": {"field": "severity", "condition": "in", "value": [2]}, "search": "0/3", "items_per_page": 10}
    listed = await world.post(f"{PATH}list/", body)
    assert [row["resource"] for row in listed["results"]] == ["GigabitEthernet0/3"]
    first = await world.post(f"{PATH}list/", {"sort": "resource", "items_per_page": 4})
    assert (first["count"], first["total_pages"], len(first["results"])) == (7, 2, 4)
    assert statements is not None
    start = len(statements.ran)
    await world.get(PATH, params={"filters": '{"cleared": false}'})
    assert len(statements.ran) - start <= 5  # authentication included


@pytest.mark.proves(f"GET {PATH}action/")
async def test_actions_by_query_and_by_body(world: World) -> None:
    first, second = await raised(world, 2)
    done = await world.get(f"{PATH}action/", params={"action": "acknowledge", "ids": f"{first},{second}",
                                                     "comment": "On it"})  # fmt: skip
    assert done["changed"] == 2
    again = await world.get(f"{PATH}action/", params={"action": "acknowledge", "event_id": first})
    assert again["changed"] == 0  # it was already
    assert all(row["acknowledged"] for row in await rows(world))
    await world.post(f"{PATH}action/", {"action": "unacknowledge", "filters": {"resource": "GigabitEthernet0/1"}})
    assert [row["event_id"] for row in await rows(world, acknowledged=False)] == [second]
    await world.post(f"{PATH}action/", {"action": "clear", "ids": [first]})
    await world.post(f"{PATH}action/", {"action": "reopen", "ids": [first]})
    await world.post(f"{PATH}action/", {"action": "comment", "ids": [first], "comment": "Done"})
    assert await actions(world, first) == ["create", "acknowledge", "comment", "clear", "reopen", "comment"]
    notes = await world.get(f"{PATH}comments/{first}/")
    assert [note["text"] for note in notes["results"]] == ["On it", "Done"]
    assert (await one(world, resource="GigabitEthernet0/0"))["cleared"] is False
    for wrong, field in (({"action": "explode", "ids": [first]}, "action"), ({"action": "clear"}, "ids"),
                         ({"action": "clear", "ids": ["nope"]}, "ids")):  # fmt: skip
        assert field in (await world.post(f"{PATH}action/", wrong, expect=400))["fields"]


async def test_a_problem_with_a_live_event_is_not_reopened(world: World) -> None:
    await world.put("/api/settings", {"values": {"events.reopen_minutes": 0}})
    (old,) = await raised(world)
    await world.post(f"{PATH}action/", {"action": "clear", "ids": [old]})
    await happen(world, DOWN.format(n=0))
    refused = await world.post(f"{PATH}action/", {"action": "reopen", "ids": [old]}, expect=409)
    assert "live event" in refused["error"]
    assert len(await rows(world, cleared=False)) == 1


async def test_a_reader_cannot_act_not_even_by_get(world: World, stranger: World) -> None:
    (event,) = await raised(world)
    reader = await world.granted({"event": ("view",)})
    await world.get(f"{PATH}action/", params={"action": "clear", "ids": event}, by=reader, expect=403)
    await stranger.get(f"{PATH}action/", params={"action": "clear", "ids": event}, expect=400)
    assert (await one(world))["cleared"] is False


@pytest.mark.proves(f"GET {PATH}suppressed-events/")
async def test_suppression_marks_until_its_end_and_hides_nothing(world: World) -> None:
    first, second = await raised(world, 2)
    body = {"action": "suppress", "ids": [first], "minutes": 30, "reason": "Known, part is ordered"}
    await world.post(f"{PATH}action/", body)
    listed = await world.get(f"{PATH}suppressed-events/")
    assert [(row["event_id"], row["suppression_reason"]) for row in listed["results"]] == [(first, body["reason"])]
    assert len(await rows(world)) == 2
    await world.post(f"{PATH}action/", {"action": "suppress", "ids": [second]})  # until further notice
    await later(world, datetime.now(UTC) + timedelta(minutes=31))
    listed = await world.get(f"{PATH}suppressed-events/")
    assert [row["event_id"] for row in listed["results"]] == [second]
    assert (await actions(world, first))[-1] == "unsuppress"
    past = {**body, "minutes": 0, "until": "2020-01-01T00:00:00Z"}
    assert "until" in (await world.post(f"{PATH}action/", past, expect=400))["fields"]


@pytest.mark.proves(f"POST {PATH}update-event-assignee/", f"POST {PATH}update-event-due-date/")
async def test_who_works_on_it_and_until_when(world: World) -> None:
    first, second = await raised(world, 2)
    someone = await world.person()
    await world.post(f"{PATH}update-event-assignee/", {"ids": [first, second], "assignee": someone.username})
    await world.post(f"{PATH}update-event-due-date/", {"event_id": first, "due_date": "2030-01-05T12:00:00Z"})
    row = await one(world, resource="GigabitEthernet0/0")
    assert (row["assignee"], row["due_date"]) == (someone.profile_id, "2030-01-05T12:00:00Z")
    await world.post(f"{PATH}update-event-assignee/", {"event_id": second, "assignee": None})
    assert (await one(world, resource="GigabitEthernet0/1"))["assignee"] is None
    unknown = {"event_id": first, "assignee": "nobody-here"}
    assert "assignee" in (await world.post(f"{PATH}update-event-assignee/", unknown, expect=400))["fields"]
    wrong = {"event_id": first, "due_date": "soon"}
    assert "due_date" in (await world.post(f"{PATH}update-event-due-date/", wrong, expect=400))["fields"]


@pytest.mark.proves(f"POST {PATH}save-tag-to-events/", f"GET {PATH}available-tags/")
async def test_tags(world: World) -> None:
    first, second = await raised(world, 2)
    await world.post("/ux/common/tag/tag/", {"name": "core"}, expect=201)
    await world.post(f"{PATH}save-tag-to-events/", {"ids": [first, second], "tags": ["uplink", "night"]})
    await world.post(f"{PATH}save-tag-to-events/", {"event_id": second, "tags": "night", "mode": "remove"})
    assert {row["event_id"]: row["tags"] for row in await rows(world)} == {
        first: ["uplink", "night"],
        second: ["uplink"],
    }
    known = await world.get(f"{PATH}available-tags/")
    assert {row["name"]: row["count"] for row in known["results"]} == {"core": 0, "night": 1, "uplink": 2}
    await world.post(f"{PATH}save-tag-to-events/", {"event_id": first, "tags": [], "mode": "replace"})
    assert (await one(world, resource="GigabitEthernet0/0"))["tags"] == []


@pytest.mark.proves(f"GET {PATH}comments/{{eventid}}/")
async def test_comments(world: World, stranger: World) -> None:
    (event,) = await raised(world)
    await world.post(f"{PATH}comments/{event}/", {"text": "Cable <b>changed</b><script>x</script>"}, expect=201)
    shown = await world.get(f"{PATH}comments/{event}/")
    assert [(note["text"], note["author_name"]) for note in shown["results"]] == [("Cable <b>changed</b>", "Ada Admin")]
    await stranger.get(f"{PATH}comments/{event}/", expect=404)


@pytest.mark.proves(f"GET {PATH}column-config/", f"POST {PATH}save-column-config/")
async def test_everybody_has_their_own_columns(world: World) -> None:
    other = await world.granted({"event": ("view",)})
    before = await world.get(f"{PATH}column-config/")
    assert "severity" in before["columns"]
    wanted: list[Any] = [{"name": "severity", "width": 90}, "host", "message"]
    await world.post(f"{PATH}save-column-config/", {"columns": wanted})
    await world.post(f"{PATH}save-column-config/", {"columns": [*wanted, "count"]})
    assert (await world.get(f"{PATH}column-config/"))["columns"] == [*wanted, "count"]
    assert (await world.get(f"{PATH}column-config/", by=other)) == before
    await world.post(f"{PATH}save-column-config/", {"columns": ["message", "tickets", "probable_cause"]})
    assert (await world.get(f"{PATH}column-config/"))["columns"] == ["message", "tickets", "probable_cause"]
    # Without any the list has its standard columns again.
    assert (await world.post(f"{PATH}save-column-config/", {"columns": []})) == before
    assert (await world.get(f"{PATH}column-config/")) == before
    wrong = {"columns": ["severity", "colour_of_the_moon"]}
    assert "columns" in (await world.post(f"{PATH}save-column-config/", wrong, expect=400))["fields"]


@pytest.mark.proves(f"GET {PATH}options/")
async def test_options_name_the_severities(world: World) -> None:
    options = await world.get(f"{PATH}options/")
    assert [choice["name"] for choice in options["choices"]["severity"]] == [
        "Critical", "Major", "Minor", "Informational", "Unknown", "Under Maintenance",
    ]  # fmt: skip
