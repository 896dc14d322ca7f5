"""Which device an event is about: by its address, behind a relay by its name, in the CMDB as its item."""

from __future__ import annotations

from mainstay.kernel.signals import LINES
from tests.monitoring.support import DOWN, UP, happen, lines, one, rows
from tests.support import World


async def sent(world: World, source: str, *named: tuple[str, str]) -> None:
    """Publish stored log lines of one sender: ``(host in the line, message)`` each."""
    for host, message in named:
        await LINES.publish(world.platform, lines(world, message, host=host, source=source))


async def test_equal_problems_of_two_devices_behind_a_relay_are_two(world: World) -> None:
    relay = "198.51.100.5"
    # One address that sends under two names passes on what others say.
    await sent(world, relay, ("core-1", "nothing to see"), ("core-2", "nothing to see"))
    await sent(world, relay, ("core-1", DOWN.format(n=1)), ("core-2", DOWN.format(n=1)), ("core-2", UP.format(n=1)))
    found = {row["host"]: row for row in await rows(world)}
    assert {name: row["cleared"] for name, row in found.items()} == {"core-1": False, "core-2": True}
    assert {row["address"] for row in found.values()} == {""}


async def test_a_device_that_sends_itself_is_known_by_its_address_whatever_else_tells_of_it(world: World) -> None:
    await sent(world, "192.0.2.7", ("edge-7", DOWN.format(n=1)))
    await happen(world, UP.format(n=1), address="192.0.2.7", host="", source="trap")
    found = await one(world)
    assert (found["host"], found["address"], found["cleared"]) == ("edge-7", "192.0.2.7", True)


async def test_an_event_names_the_item_that_its_address_belongs_to(world: World) -> None:
    item = await world.post(
        "/ux/common/cmdb/profile/", {"name": "core-9", "ip_address": "192.0.2.99", "category": "Router"}
    )
    await happen(world, DOWN.format(n=1), address="192.0.2.99", host="")
    found = await one(world)
    assert (found["ci"], found["ci_name"], found["host"]) == (item["id"], "core-9", "core-9")


async def test_equal_ones_that_a_source_gathered_count_as_many(world: World) -> None:
    await happen(world, DOWN.format(n=1), count=40)
    await happen(world, DOWN.format(n=1), count=2)
    assert (await one(world))["count"] == 42
