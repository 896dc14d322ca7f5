"""Announcements through the API: time, audience, changes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support import Someone, World

PATH = "/ux/common/announcement/announcements/"


def at(**away: int) -> str:
    return (datetime.now(UTC) + timedelta(**away)).isoformat()


async def announce(world: World, text: str, **more: Any) -> dict[str, Any]:
    made = await world.post(PATH, {"summary": text, "message": f"<p>{text}</p>", **more}, expect=201)
    data: dict[str, Any] = made["data"]
    return data


async def titles(world: World, path: str, by: Someone | None = None, **query: str) -> set[str]:
    return {row["summary"] for row in (await world.get(path, by=by, params=query))["results"]}


@pytest.mark.proves(f"POST {PATH}", f"GET {PATH}{{id}}/")
async def test_rich_text_is_made_safe_and_times_have_defaults(world: World) -> None:
    made = await announce(world, "Mail is down", message="<p onclick='x()'>Mail <b>is</b> down<script>x()</script></p>")
    read = await world.get(f"{PATH}{made['id']}/")
    assert read["message"] == "<p>Mail <b>is</b> down</p>"
    assert read["description"] == read["message"]
    start, end = datetime.fromisoformat(read["publish_start"]), datetime.fromisoformat(read["publish_end"])
    assert end - start == timedelta(days=7)
    assert (read["status"], read["status_name"]) == ("active", "Active")
    sample = {
        "summary": "S",
        "description": "D",
        "catalogue": "IT",
        "impact_service": "17",
        "impact_service_name": "Mail",
        "service_classification": "2",
        "service_classification_name": "Core",
        "state": "Degraded",
    }
    read = (await world.post(PATH, sample))["data"]
    assert {name: read[name] for name in sample} == sample
    refused = await world.post(PATH, {}, expect=400)
    assert "message" in refused["fields"]
    refused = await world.post(
        PATH, {"message": "x", "publish_start": at(days=2), "publish_end": at(days=1)}, expect=400
    )
    assert refused["fields"]["publish_end"] == ["The end must be after the start."]


@pytest.mark.proves(f"GET {PATH}")
async def test_status_follows_the_clock_and_can_be_filtered(world: World) -> None:
    await announce(world, "now")
    await announce(world, "later", publish_start=at(hours=1))
    await announce(world, "over", publish_start=at(hours=-2), publish_end=at(hours=-1))
    assert await titles(world, PATH, status="active") == {"now"}
    assert await titles(world, PATH, status="upcoming") == {"later"}
    assert await titles(world, PATH, filters='{"status": "Expired"}') == {"over"}
    either = '{"field": "status", "condition": "in", "value": ["active", "upcoming"]}'
    assert await titles(world, PATH, filters=either) == {"now", "later"}
    await world.get(PATH, params={"status": "lost"}, expect=400)
    listed = await world.get(PATH, params={"sort": "publish_start", "reverse": "true", "search": "LATER"})
    assert [row["status_name"] for row in listed["results"]] == ["Upcoming"]


async def test_an_announcement_expires_by_itself(world: World) -> None:
    soon = (datetime.now(UTC) + timedelta(seconds=1)).isoformat()
    await announce(world, "short", publish_start=at(hours=-1), publish_end=soon)
    assert (await world.get(PATH, params={"status": "active"}))["count"] == 1
    import asyncio

    await asyncio.sleep(1.2)
    assert (await world.get(PATH, params={"status": "active"}))["count"] == 0
    assert (await world.get(PATH, params={"status": "expired"}))["count"] == 1


async def test_each_sees_what_is_addressed_to_them(world: World) -> None:
    named, member, tagged, skilled, other = (
        await world.person(),
        await world.person(),
        await world.person(tags=["field"]),
        await world.person(expertise=["routing"]),
        await world.person(),
    )
    team = await world.post("/ux/common/teams/profile/", {"name": "Desk", "staff": [{"profile_id": member.profile_id}]})
    experts = await world.post("/ux/common/teams/profile/", {"name": "Experts", "expertiseGroupList": ["routing"]})
    await announce(world, "everybody")
    await announce(world, "named", users=[named.profile_id])
    await announce(world, "team", teams=[team["id"]])
    await announce(world, "experts", teams=[experts["id"]])
    await announce(world, "tag", tags=["field"])
    await announce(world, "later", publish_start=at(hours=1))
    mine = f"{PATH}mine/"
    assert await titles(world, mine, named) == {"everybody", "named"}
    texts = {row["message"] for row in (await world.get(mine, by=named))["results"]}
    assert texts == {"<p>everybody</p>", "<p>named</p>"}
    assert await titles(world, mine, member) == {"everybody", "team"}
    assert await titles(world, mine, skilled) == {"everybody", "experts"}
    assert await titles(world, mine, tagged) == {"everybody", "tag"}
    assert await titles(world, mine, other) == {"everybody"}
    # Who only reads sees no more in the list than what is addressed to them; who keeps them sees all.
    assert await titles(world, PATH, other) == {"everybody", "later"}
    hidden = (await world.get(PATH, params={"search": "named"}))["results"][0]
    await world.get(f"{PATH}{hidden['id']}/", by=other, expect=404)
    assert len(await titles(world, PATH)) == 6


@pytest.mark.proves(f"PUT {PATH}{{id}}/", f"DELETE {PATH}{{id}}/")
async def test_an_announcement_is_ended_early_and_deleted(world: World) -> None:
    made = await announce(world, "Mail is down", publish_start=at(hours=-1))
    changed = await world.put(f"{PATH}{made['id']}/", {**made, "publish_end": at(minutes=-1), "message": "Fixed"})
    assert (changed["data"]["status"], changed["data"]["message"]) == ("expired", "Fixed")
    await world.put(f"{PATH}{made['id']}/", {"publish_end": at(hours=-2)}, expect=400)
    await world.delete(f"{PATH}{made['id']}/", expect=204)
    await world.get(f"{PATH}{made['id']}/", expect=404)


@pytest.mark.proves(f"GET {PATH}change-ancmt/", f"GET {PATH}options/")
async def test_announcements_of_a_change(world: World) -> None:
    await announce(world, "Upgrade", change_id="CHG-1")
    await announce(world, "Other")
    assert await titles(world, f"{PATH}change-ancmt/", change_id="CHG-1") == {"Upgrade"}
    assert await titles(world, f"{PATH}change-ancmt/", change_id="CHG-2") == set()
    await world.get(f"{PATH}change-ancmt/", expect=400)
    options = await world.get(f"{PATH}options/")
    assert [item["name"] for item in options["choices"]["status"]] == ["Active", "Upcoming", "Expired"]
    assert "message" in {item["name"] for item in options["fields"]}


async def test_another_organization_sees_nothing(world: World, stranger: World) -> None:
    made = await announce(world, "Mail is down")
    await stranger.get(f"{PATH}{made['id']}/", expect=404)
    assert await titles(stranger, f"{PATH}mine/") == set()
    reader = await world.granted({"announcement": ("view",)})
    await world.post(PATH, {"message": "x"}, by=reader, expect=403)
