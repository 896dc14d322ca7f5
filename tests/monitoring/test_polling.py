"""Polling: measurements of real agents, availability, counters and thresholds."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from mainstay.modules.assets.cmdb.tables import CiAddress
from mainstay.modules.monitoring.polling.poller import Device, Poller, availability
from mainstay.modules.monitoring.polling.readings import Before, Counter, rates, restarted
from mainstay.modules.monitoring.polling.service import Binding, bind
from mainstay.modules.monitoring.polling.tables import Polled
from mainstay.modules.monitoring.snmp import ber
from tests.monitoring.netsnmp import Agent, free_port
from tests.monitoring.scripted import honest, serving, system, text, whole
from tests.monitoring.support import rows
from tests.monitoring.test_discovery import configure, credential, scan
from tests.support import World

PATH = "/api/metrics/"


async def device_of(world: World, poller: Poller) -> Device:
    await poller.refresh()
    (device,) = [one for one in poller.devices.values() if one.organization == world.organization]
    return device


async def series(world: World, ci: str, **query: Any) -> dict[tuple[str, str], list[dict[str, Any]]]:
    answer = await world.get(PATH, params={"ci_id": ci, **query})
    return {(one["metric"], one["resource"]): one["points"] for one in answer["series"]}


@pytest.mark.proves(f"GET {PATH}")
async def test_a_discovered_server_is_polled_and_its_measurements_read(
    world: World, stranger: World, poller: Poller, tmp_path: Path
) -> None:
    agent = Agent(tmp_path, "127.0.0.90", 0, ["sysname polled", "sysdescr Linux polled 5.10 x86_64", "engineID polled"])
    agent.start()
    try:
        await credential(world, agent.port, timeout=0.5, retries=0)
        await scan(world, await configure(world, host="127.0.0.90", params={"software": 0}))
        device = await device_of(world, poller)
        await poller.poll(device)
        await asyncio.sleep(1)
        await poller.poll(device)
        await poller.drain()
    finally:
        agent.stop()
    assert device.state == "up"
    found = await series(world, device.ci)
    assert [point["value"] for point in found["availability", ""]] == [1.0, 1.0]
    assert len(found["if_in", "lo"]) == 1
    assert len(found["if_up", "lo"]) == 2
    assert any(metric == "memory" for metric, _part in found)
    assert 0 < found["uptime", ""][0]["value"] < found["uptime", ""][1]["value"]
    hourly = await series(world, device.ci, step=3600, metric="availability")
    assert list(hourly) == [("availability", "")]
    hours = {point["time"][:13] for point in found["availability", ""]}
    assert [(point["time"][:13], point["value"]) for point in hourly["availability", ""]] == [
        (hour, 1.0) for hour in sorted(hours)
    ]  # fmt: skip
    await stranger.get(PATH, params={"ci_id": device.ci}, expect=404)
    await world.get(PATH, params={"ci_id": device.ci, "step": 17}, expect=400)
    await world.get(PATH, expect=400)
    # The agent is gone: SNMP stops, and echo still says that the machine is there.
    await poller.poll(device)
    assert device.state == "up"


async def test_a_device_that_is_gone_is_an_event_until_it_is_back(world: World, poller: Poller) -> None:
    port = free_port()
    await credential(world, port, timeout=0.5, retries=0)
    one = await configure(world, host="127.0.0.92", params={"ping_monitor": 0})
    async with serving("127.0.0.92", port, honest(system("edge"))):
        await scan(world, one)
        device = await device_of(world, poller)
        await poller.poll(device)
        assert device.state == "up"
    await poller.poll(device)
    assert await rows(world) == []
    await poller.poll(device)
    await poller.poll(device)
    (event,) = await rows(world)
    assert (event["event_class"], event["cleared"], event["severity"], event["ci"], event["source"]) == (
        "Availability | Device Down", False, 1, device.ci, "polling"
    )  # fmt: skip
    # A process that starts anew goes on from what was stored.
    poller.devices.clear()
    device = await device_of(world, poller)
    assert device.state == "down"
    async with serving("127.0.0.92", port, honest(system("edge"))):
        await poller.poll(device)
    (event,) = await rows(world)
    assert event["cleared"] is True


async def test_an_agent_that_stops_while_the_device_answers_pings_is_an_event(world: World, poller: Poller) -> None:
    port = free_port()
    await credential(world, port, timeout=0.5, retries=0)
    one = await configure(world, host="127.0.0.94")
    async with serving("127.0.0.94", port, honest(system("host"))):
        await scan(world, one)
        device = await device_of(world, poller)
        await poller.poll(device)
        if not device.echoed:
            pytest.skip("This machine may not send echo requests.")
    await poller.poll(device)
    assert await rows(world) == []
    await poller.poll(device)
    await poller.poll(device)
    (event,) = await rows(world)
    assert (event["event_class"], event["cleared"], event["severity"]) == ("Availability | Agent Down", False, 2)
    # A process that starts anew goes on from what was stored.
    poller.devices.clear()
    device = await device_of(world, poller)
    assert device.state == "silent"
    await poller.poll(device)
    assert len(await rows(world)) == 1
    async with serving("127.0.0.94", port, honest(system("host"))):
        await poller.poll(device)
    (event,) = await rows(world)
    assert (event["cleared"], event["count"]) == (True, 1)


def test_what_answers_decides_the_state_and_what_is_told() -> None:
    device = Device("o", "c", "core1", "192.0.2.1", "", True, True, 60, "up", None)

    def polled(alive: bool, told: bool) -> list[str]:
        return [event.event_class.split(" | ")[1] for event in availability(device, alive, told, datetime.now(UTC), "")]

    assert [polled(True, False), polled(True, False), polled(True, False)] == [[], ["Agent Down"], []]
    # The larger problem takes the place of the smaller.
    assert [polled(False, False), polled(False, False)] == [[], ["Device Down", "Agent Up"]]
    # A start: echo requests are answered before SNMP.
    assert [polled(True, False), polled(True, True)] == [["Device Up"], []]
    device.snmp = False
    assert [polled(True, False), polled(True, False)] == [[], []]


async def test_a_threshold_raises_and_clears_with_hold(world: World, poller: Poller) -> None:
    port = free_port()
    load = {"now": 97}
    values = dict(system("busy"))

    def answer(pdu: Any) -> Any:
        return honest({**values, (1, 3, 6, 1, 2, 1, 25, 3, 3, 1, 2, 1): whole(load["now"])})(pdu)

    await credential(world, port, timeout=0.5, retries=0)
    async with serving("127.0.0.93", port, answer):
        await scan(world, await configure(world, host="127.0.0.93"))
        device = await device_of(world, poller)
        for _ in range(2):
            await poller.poll(device)
        assert await rows(world) == []
        await poller.poll(device)
        (event,) = await rows(world)
        assert event["event_class"] == "Chassis | CPU | CPU Usage Above Threshold"
        assert "97.0%" in event["message"]
        load["now"] = 85  # below the set point, not below the reset point
        for _ in range(3):
            await poller.poll(device)
        assert [row["cleared"] for row in await rows(world)] == [False]
        load["now"] = 20
        for _ in range(2):
            await poller.poll(device)
        assert [row["cleared"] for row in await rows(world)] == [True]


async def test_a_slow_device_delays_no_other(world: World, poller: Poller) -> None:
    port = free_port()
    await credential(world, port, timeout=3, retries=0)
    one = await configure(world, host="127.0.0.94-127.0.0.95", params={"ping_monitor": 0})
    async with (
        serving("127.0.0.94", port, honest(system("slow"))),
        serving("127.0.0.95", port, honest(system("quick"))),
    ):
        await scan(world, one)
    await poller.refresh()
    mine = {device.name: device for device in poller.devices.values() if device.organization == world.organization}
    async with serving("127.0.0.95", port, honest(system("quick"))):
        slow = asyncio.create_task(poller._guarded(mine["slow"]))
        await asyncio.wait_for(poller._guarded(mine["quick"]), 2)
        assert not slow.done()
        await slow
    assert mine["quick"].state == "up"
    assert mine["slow"].missed == 1


async def test_a_device_is_polled_at_one_of_its_addresses_while_it_answers_there(world: World) -> None:
    ci = (await world.post("/ux/common/cmdb/profile/", {"name": "router", "category": "Router"}, expect=201))["id"]

    async def found(address: str, state: str = "", own: tuple[str, ...] = ()) -> str:
        async with world.platform.work(world.organization) as ctx:
            for each in own:
                ctx.session.add(CiAddress(organization=world.organization, ci=ci, address=each, last_seen=ctx.now))
            if state:
                await ctx.session.execute(update(Polled).where(Polled.ci == ci).values(state=state))
            await bind(ctx, [Binding(ci, "router", address, "a", True, True)])
            return str(await ctx.session.scalar(select(Polled.address).where(Polled.ci == ci)))

    assert await found("10.7.0.1", own=("10.7.0.1", "10.7.1.1")) == "10.7.0.1"
    assert await found("10.7.1.1", "up") == "10.7.0.1"
    # Its agent answers elsewhere only.
    assert await found("10.7.1.1", "silent") == "10.7.1.1"
    assert await found("10.7.0.1", "down") == "10.7.0.1"
    assert await found("10.7.2.1", "up") == "10.7.0.1"
    async with world.platform.work(world.organization) as ctx:
        await ctx.session.execute(delete(CiAddress).where(CiAddress.ci == ci, CiAddress.address == "10.7.0.1"))
    assert await found("10.7.2.1", "up") == "10.7.2.1"


async def test_an_address_that_is_no_longer_allowed_is_not_asked(world: World, poller: Poller) -> None:
    port = free_port()
    await credential(world, port)
    async with serving("127.0.0.96", port, honest(system("walled"))) as served:
        await scan(world, await configure(world, host="127.0.0.96", params={"ping_monitor": 0}))
        device = await device_of(world, poller)
        await world.put("/api/settings", {"values": {"devices.allowed_networks": "10.0.0.0/8"}})
        asked = served.asked
        await poller.poll(device)
        assert served.asked == asked


async def test_interfaces_are_followed_by_name(world: World, poller: Poller) -> None:
    port, octets, names = free_port(), (1, 3, 6, 1, 2, 1, 31, 1, 1, 1, 6), (1, 3, 6, 1, 2, 1, 31, 1, 1, 1, 1)
    table: dict[str, Any] = {"index": 1, "count": 1000}

    def answer(pdu: Any) -> Any:
        one = (ber.COUNTER64, table["count"].to_bytes(8, "big"))
        return honest({
            **system("moved"), (*names, table["index"]): text("Gi0/1"), (*octets, table["index"]): one,
        })(pdu)  # fmt: skip

    await credential(world, port)
    async with serving("127.0.0.97", port, answer):
        await scan(world, await configure(world, host="127.0.0.97"))
        device = await device_of(world, poller)
        await poller.poll(device)
        await asyncio.sleep(0.5)
        table.update(index=7, count=126_000)
        await poller.poll(device)
        await poller.drain()
    (point,) = (await series(world, device.ci, metric="if_in"))["if_in", "Gi0/1"]
    assert 0 < point["value"] <= 2_000_000


def test_counters_wrap_and_devices_start_again() -> None:
    key = ("if_in", "eth0")
    before = Before(100.0, 5000, {key: Counter(2**32 - 100, 32)})
    assert rates(before, 110.0, {key: Counter(900, 32)}, {"eth0": 1e6}) == {key: 100.0}
    # More than the line can carry: it was reset.
    assert rates(before, 110.0, {key: Counter(2**31, 32)}, {"eth0": 1e6}) == {}
    assert rates(Before(0.0, 1, {key: Counter(10, 64)}), 10.0, {key: Counter(5, 64)}, {}) == {}
    assert rates(before, 100.0, {key: Counter(900, 32)}, {}) == {}
    assert restarted(before, 160.0, 300)
    assert not restarted(before, 160.0, 11_000)
    assert not restarted(Before(0.0, 2**32 - 1000), 60.0, 5000)
