"""The engine: from raw events to one live row per problem."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from mainstay.kernel.signals import RAW_EVENTS, RawEvent
from tests.support import World

PATH = "/ux/common/events/events/"
DOWN = "%LINK-3-UPDOWN: Interface GigabitEthernet0/1, changed state to down"
UP = "%LINK-3-UPDOWN: Interface GigabitEthernet0/1, changed state to up"


async def happen(world: World, *messages: str, **values: Any) -> None:
    given = {"source": "syslog", "address": "192.0.2.1", "host": "sw1", "at": datetime.now(UTC), **values}
    await RAW_EVENTS.publish(
        world.platform, [RawEvent(organization=world.organization, message=text, **given) for text in messages]
    )


async def rows(world: World, **filters: Any) -> list[dict[str, Any]]:
    listed = await world.call("POST", f"{PATH}list/", json={"filters": filters}) if filters else await world.get(PATH)
    found: list[dict[str, Any]] = listed["results"]
    return found


async def test_a_repeated_problem_is_one_row_and_its_end_clears_it(world: World) -> None:
    await happen(world, DOWN, DOWN, DOWN)
    (row,) = await rows(world)
    assert (row["count"], row["event_class"], row["severity_name"]) == (3, "Network | Link | Link Down", "Major")
    assert (row["resource"], row["cleared"]) == ("GigabitEthernet0/1", False)
    await happen(world, DOWN)
    await happen(world, UP)
    (row,) = await rows(world)
    assert (row["count"], row["cleared"]) == (4, True)
    history = await world.get(f"{PATH}{row['event_id']}/history/")
    assert [entry["action"] for entry in history["results"]] == ["clear", "create"]
