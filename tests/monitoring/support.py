"""What the tests of events share."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import polars as pl

from mainstay.kernel.signals import RAW_EVENTS, RawEvent
from mainstay.modules.monitoring.events import upkeep
from mainstay.modules.monitoring.events.listener import EventEngine
from tests.support import World

PATH = "/ux/common/events/events/"
DOWN = "%LINK-3-UPDOWN: Interface GigabitEthernet0/{n}, changed state to down"
UP = "%LINK-3-UPDOWN: Interface GigabitEthernet0/{n}, changed state to up"


async def happen(world: World, *messages: str, **values: Any) -> None:
    """Publish raw events as a source would."""
    given = {"source": "syslog", "address": "192.0.2.1", "host": "sw1", "at": datetime.now(UTC), **values}
    await RAW_EVENTS.publish(
        world.platform, [RawEvent(organization=world.organization, message=text, **given) for text in messages]
    )


async def rows(world: World, **filters: Any) -> list[dict[str, Any]]:
    """The organization's events, as the API lists them."""
    listed = await world.post(f"{PATH}list/", {"filters": filters or None})
    found: list[dict[str, Any]] = listed["results"]
    return found


async def one(world: World, **filters: Any) -> dict[str, Any]:
    (row,) = await rows(world, **filters)
    return row


async def later(world: World, now: datetime) -> None:
    """What the upkeep does at a time."""
    await upkeep.everywhere(world.platform, engine(world).setups, now)


def engine(world: World) -> EventEngine:
    found = world.platform.service(EventEngine)
    assert found is not None
    return found


async def actions(world: World, event: str) -> list[str]:
    """The actions in an event's history, oldest first."""
    history = await world.get(f"{PATH}{event}/history/")
    return [entry["action"] for entry in reversed(history["results"])]


def lines(world: World, *texts: str, **values: Any) -> pl.DataFrame:
    now = datetime.now(UTC)
    base: dict[str, Any] = {"source": "192.0.2.7", "host": "core1", "ci": "", "facility": 23, "severity": 5, "app": "",
                            "procid": "", "msgid": "", "raw": "", "received": now, "time": now, **values}  # fmt: skip
    made = [{"organization": world.organization, "id": n, "message": text, **base} for n, text in enumerate(texts)]
    return pl.DataFrame(made)
