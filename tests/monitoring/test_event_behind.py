"""Devices that cannot be reached because another one is down: told by discovered links, and by what relies on what."""

from __future__ import annotations

from contextlib import AsyncExitStack
from datetime import UTC, datetime

import pytest

from mainstay.kernel.signals import RAW_EVENTS, RawEvent
from mainstay.modules.assets.relations.service import Link, connect
from mainstay.modules.monitoring.polling.poller import Poller
from mainstay.modules.monitoring.polling.tables import Polled
from mainstay.modules.monitoring.topology.engine import Evidence
from tests.monitoring.netsnmp import free_port
from tests.monitoring.scripted import honest, serving
from tests.monitoring.support import happen, rows
from tests.monitoring.test_discovery import configure, credential, scan
from tests.monitoring.test_topology import add, device, hears, told
from tests.support import World

DOWN, UP = "Availability | Device Down", "Availability | Device Up"
NAMES = ("core", "dist-1", "dist-2", "access-1", "access-2")
LINKS = {
    "core": (("Gi0/1", "dist-1", "Gi0/1"), ("Gi0/2", "dist-2", "Gi0/1")),
    "dist-1": (("Gi0/2", "access-1", "Gi0/1"), ("Gi0/3", "access-2", "Gi0/1")),
    "dist-2": (("Gi0/3", "access-2", "Gi0/2"),),
}
"""Access 1 is behind one distribution switch, access 2 behind both."""


async def campus(world: World, *, watched: bool = True) -> dict[str, str]:
    found = await add(world, *NAMES)
    heard = {found[near]: Evidence(heard=[hears(*each) for each in every]) for near, every in LINKS.items()}
    assert await told(world, heard) == 5
    async with world.platform.work(world.organization) as ctx:
        ctx.session.add_all([
            Polled(organization=world.organization, ci=ci, name=name, address="192.0.2.1", created=datetime.now(UTC),
                   state="up" if watched else "unknown")
            for name, ci in found.items()
        ])  # fmt: skip
    return found


def said(world: World, items: dict[str, str], event_class: str, *names: str) -> list[RawEvent]:
    return [
        RawEvent(organization=world.organization, source="polling", address="", host=name, ci=items[name],
                 at=datetime.now(UTC), message=f"{name}: {event_class}", event_class=event_class)
        for name in names
    ]  # fmt: skip


async def goes(world: World, items: dict[str, str], event_class: str, *names: str, at_once: bool = False) -> None:
    batch = said(world, items, event_class, *names)
    for part in [batch] if at_once else [[one] for one in batch]:
        await RAW_EVENTS.publish(world.platform, part)


async def shown(world: World) -> dict[str, str]:
    """Live events: the device, and the device it is behind or the severity where it stands for itself."""
    found = [row for row in await rows(world) if not row["cleared"]]
    names = {row["event_id"]: row["host"] for row in found}
    assert all((row["severity_name"] == "Unknown") == bool(row["parent"]) for row in found)
    return {row["host"]: names[row["parent"]] if row["parent"] else row["severity_name"] for row in found}


async def test_devices_behind_one_that_is_down_are_unknown(world: World, poller: Poller) -> None:
    """From discovery and polling of agents, in the order that is worst: the farthest is noticed first."""
    port = free_port()
    await credential(world, port, timeout=0.3, retries=0)
    one = await configure(world, host="127.0.0.141-127.0.0.144", params={"ping_monitor": 0})
    wires: dict[int, dict[int, tuple[int, int]]] = {1: {1: (2, 1)}, 2: {1: (1, 1), 2: (3, 1), 3: (4, 1)},
                                                    3: {1: (2, 2)}, 4: {1: (2, 3)}}  # fmt: skip
    async with AsyncExitStack() as core, AsyncExitStack() as rest:
        for number in wires:
            agent = serving(f"127.0.0.{140 + number}", port, honest(device(number, wires[number])))
            await (core if number == 1 else rest).enter_async_context(agent)
        await scan(world, one)
        await poller.refresh()
        known = {each.name: each for each in poller.devices.values() if each.organization == world.organization}
        for name in sorted(known):
            await poller.poll(known[name])
        await poller.drain()
        await rest.aclose()
        for name in ("sw-4", "sw-2", "sw-3"):
            for _ in range(3):
                await poller.poll(known[name])
            await poller.poll(known["sw-1"])
        assert await shown(world) == {"sw-2": "Critical", "sw-3": "sw-2", "sw-4": "sw-2"}
        async with serving("127.0.0.142", port, honest(device(2, wires[2]))):
            await poller.poll(known["sw-2"])
            # They are down although the way to them is open.
            assert await shown(world) == {"sw-3": "Critical", "sw-4": "Critical"}


@pytest.mark.parametrize("at_once", [False, True])
async def test_one_of_two_ways_is_a_way(world: World, at_once: bool) -> None:
    items = await campus(world)
    await goes(world, items, DOWN, "access-2", "access-1", "dist-1", at_once=at_once)
    assert await shown(world) == {"access-2": "Critical", "access-1": "dist-1", "dist-1": "Critical"}
    await goes(world, items, DOWN, "dist-2")
    found = await shown(world)
    assert found.pop("access-2") in ("dist-1", "dist-2")
    assert found == {"access-1": "dist-1", "dist-1": "Critical", "dist-2": "Critical"}
    await goes(world, items, UP, "dist-2")
    assert await shown(world) == {"access-2": "Critical", "access-1": "dist-1", "dist-1": "Critical"}


@pytest.mark.parametrize("order", [NAMES, tuple(reversed(NAMES))])
@pytest.mark.parametrize("at_once", [False, True])
async def test_of_a_site_that_is_gone_one_device_stands_for_the_rest(
    world: World, order: tuple[str, ...], at_once: bool
) -> None:
    items = await campus(world)
    await goes(world, items, DOWN, *order, at_once=at_once)
    found = await shown(world)
    assert len(found) == 5
    assert list(found.values()).count("Critical") == 1
    await goes(world, items, UP, *order)
    assert await shown(world) == {}


async def test_what_answers_is_behind_nothing(world: World) -> None:
    """A server is down; the switch before it is up, and what it says of itself counts."""
    items = await campus(world)
    await goes(world, items, DOWN, "core", "dist-2")
    await goes(world, items, "Chassis | Fan | Fan Failed", "dist-1")
    assert (await shown(world))["dist-1"] not in ("core", "dist-2", "Unknown")


async def test_neighbours_that_nobody_watches_hide_nothing(world: World) -> None:
    items = await campus(world, watched=False)
    await goes(world, items, DOWN, "access-1")
    assert await shown(world) == {"access-1": "Critical"}


@pytest.mark.parametrize("at_once", [False, True])
async def test_devices_that_rely_on_each_other_do_not_hide_each_other(world: World, at_once: bool) -> None:
    items = await add(world, "left", "right")
    async with world.platform.work(world.organization) as ctx:
        links = [Link(items["left"], "depends_on", items["right"]), Link(items["right"], "depends_on", items["left"])]
        assert await connect(ctx, links, "manual") == 2
    await goes(world, items, DOWN, "left", "right", at_once=at_once)
    found = await shown(world)
    assert sorted(found.values()) in (["Critical", "left"], ["Critical", "right"])
    await happen(world, "left: fan", ci=items["left"], host="left", event_class="Chassis | Fan | Fan Failed")
    assert len([row for row in await rows(world) if row["severity_name"] == "Critical"]) == 1
