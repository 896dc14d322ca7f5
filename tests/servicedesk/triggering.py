"""Events as sources report them, and what triggers make of them."""

from __future__ import annotations

from typing import Any

from mainstay.kernel import feed
from mainstay.kernel.signals import RAW_EVENTS, RawEvent
from tests.support import World

TRIGGERS = "/api/event-triggers/"
EVENTS = "/ux/common/events/events/"
INCIDENTS = "/ux/sd/inci/incident/"
TALK = "/ux/sd/inci/conversation/"


async def raw(world: World, *keys: str, drain: bool = True, **values: Any) -> None:
    """Something reported problems (or with ``clear`` their ends), and everybody has heard of it."""
    given = {"source": "test", "severity": 1, "event_class": "Link Down", "address": "192.0.2.1", **values}
    batch = [
        RawEvent(organization=world.organization, at=world.platform.now(), key=key,
                 **{"message": f"Problem {key}", "resource": key, **given})
        for key in keys
    ]  # fmt: skip
    await RAW_EVENTS.publish(world.platform, batch)
    if drain:
        await feed.drain(world.platform)


async def trigger(world: World, **values: Any) -> dict[str, Any]:
    made: dict[str, Any] = await world.post(TRIGGERS, {"name": "Test trigger", **values}, expect=201)
    return made["data"]  # type: ignore[no-any-return]


async def incidents(world: World) -> list[dict[str, Any]]:
    """All incidents, oldest first."""
    found = await world.get(INCIDENTS, params={"items_per_page": 1000})
    return sorted(found["results"], key=lambda row: int(row["display_id"].split("-")[1]))


async def events(world: World, **filters: Any) -> list[dict[str, Any]]:
    found = await world.get(EVENTS, params={"items_per_page": 1000, "sort": "message"})
    return [row for row in found["results"] if all(row[name] == value for name, value in filters.items())]


async def said(world: World, incident: str) -> list[tuple[str, bool, str]]:
    found = await world.get(TALK, params={"incident_id": incident, "items_per_page": 1000})
    return [(row["type"], row["is_public"], row["message"]) for row in found["results"]]


async def linked(world: World, incident: str) -> list[str]:
    """The messages of an incident's events."""
    found = await world.get(f"{INCIDENTS}{incident}/events/")
    return sorted(row["message"] for row in found["results"])
