"""Measuring of items switched on and off through the Cmdb module, and their alarms fetched at once."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from mainstay.modules.monitoring.polling.poller import Poller
from tests.assets.test_items import PATH, make
from tests.monitoring.netsnmp import free_port
from tests.monitoring.scripted import honest, serving, system
from tests.monitoring.test_discovery import credential
from tests.monitoring.test_polling import device_of
from tests.support import Statements, World

DETAILS = ("enable-pm-common-info", "disable-pm-common-info")


@pytest.mark.proves(
    f"GET {PATH}enable-pm/", f"GET {PATH}disable-pm/", f"GET {PATH}enable-pm-common-info/",
    f"GET {PATH}disable-pm-common-info/",
)  # fmt: skip
async def test_an_item_is_measured_and_no_more(world: World, stranger: World, poller: Poller) -> None:
    port = free_port()
    key = await credential(world, port, timeout=1, retries=0)
    item = await make(world, "meter-1", "Switch", ip_address="127.0.0.61")
    (plan,) = (await world.get(f"{PATH}enable-pm-common-info/", params={"ci_ids": item}))["results"]
    assert (plan["polled"], plan["enabled"], plan["credential"], plan["problem"]) == (False, False, key, "")
    await poller.refresh()
    assert not [one for one in poller.devices.values() if one.ci == item]
    done = await world.get(f"{PATH}enable-pm/", params={"ci_id": item, "interval": 30})
    assert (done["changed"], done["results"][0]["enabled"], done["results"][0]["interval"]) == (1, True, 30)
    device = await device_of(world, poller)
    assert (device.ci, device.address, device.interval, device.credential) == (item, "127.0.0.61", 30, key)
    async with serving("127.0.0.61", port, honest(system("meter"))):
        await poller.poll(device)
    await poller.drain()
    stats = (await world.get(f"{PATH}available_stats/", params={"ci_id": item}))["results"]
    assert "uptime" in {one["metric"] for one in stats}

    (state,) = (await world.get(f"{PATH}disable-pm-common-info/", params={"ci_ids": item}))["results"]
    assert (state["polled"], state["enabled"], state["state"], state["open_events"]) == (True, True, "up", 0)
    assert (await world.get(f"{PATH}disable-pm/", params={"ci_id": item}))["changed"] == 1
    await poller.refresh()
    assert not [one for one in poller.devices.values() if one.ci == item]
    # What was measured stays.
    assert (await world.get(f"{PATH}available_stats/", params={"ci_id": item}))["results"]
    assert (await world.get(f"{PATH}disable-pm/", params={"ci_id": item}))["changed"] == 0
    history = (await world.get(f"{PATH}{item}/history/"))["results"]
    assert [entry["changes"][0]["new"] for entry in history if entry["action"] == "polling"] == [False, True]

    nowhere = await make(world, "meter-2", "Switch")
    assert "no address" in (await world.get(f"{PATH}enable-pm/", params={"ci_id": nowhere}, expect=409))["error"]
    await world.get(f"{PATH}disable-pm/", params={"ci_id": nowhere}, expect=409)
    await world.get(f"{PATH}enable-pm/", params={"ci_id": item, "interval": 1}, expect=400)
    await world.get(f"{PATH}enable-pm/", params={"ci_id": item, "credential": "none"}, expect=404)
    await world.get(f"{PATH}enable-pm/", expect=400)
    looker = await world.granted({"asset": ("view", "edit")})
    for name in ("enable-pm", "disable-pm", "add-enable-pm", "add-disable-pm"):
        params = {"ci_id": item, "ci_ids": item}
        await world.get(f"{PATH}{name}/", params=params, by=looker, expect=403)
        await stranger.get(f"{PATH}{name}/", params=params, expect=404)


@pytest.mark.proves(f"GET {PATH}add-enable-pm/", f"GET {PATH}add-disable-pm/")
async def test_many_items_at_once(world: World, poller: Poller, statements: Statements) -> None:
    await credential(world, 161, scope="127.0.0.0/24")
    good = [await make(world, f"many-{number}", "Switch", ip_address=f"127.0.0.{70 + number}") for number in range(5)]
    outside = await make(world, "many-out", "Switch", ip_address="198.51.100.9")
    echo = await make(world, "many-echo", "Switch", ip_address="10.9.9.9")
    every = ",".join([*good, outside, echo])
    done = await world.get(f"{PATH}add-enable-pm/", params={"ci_ids": every})
    told = {one["name"]: one for one in done["results"]}
    assert done["changed"] == 6
    assert "outside the networks" in told["many-out"]["problem"]
    assert (told["many-echo"]["snmp"], told["many-0"]["snmp"]) == (False, True)
    await poller.refresh()
    assert {one.ci for one in poller.devices.values() if one.organization == world.organization} == {*good, echo}

    async def cost(name: str, ids: str) -> int:
        statements.ran.clear()
        await world.get(f"{PATH}{name}/", params={"ci_ids": ids})
        return len(statements.ran)

    for name in DETAILS:
        assert await cost(name, good[0]) == await cost(name, every)
    done = await world.get(f"{PATH}add-disable-pm/", params={"ci_ids": every})
    assert done["changed"] == 6
    await poller.refresh()
    assert not [one for one in poller.devices.values() if one.organization == world.organization]
    await world.get(f"{PATH}add-enable-pm/", params={"ci_ids": ""}, expect=400)


@pytest.mark.proves(f"POST {PATH}trigger-alarm-fetch/")
async def test_alarms_are_fetched_at_once(
    world: World, stranger: World, poller: Poller, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    await credential(world, port, timeout=1, retries=0)
    item = await make(world, "alarm-1", "Switch", ip_address="127.0.0.62")
    other = await make(world, "alarm-2", "Switch")
    await world.get(f"{PATH}enable-pm/", params={"ci_id": item})
    device = await device_of(world, poller)

    async def fetch(*ids: str) -> dict[str, Any]:
        found = await world.post(f"{PATH}trigger-alarm-fetch/", {"ci_ids": list(ids)})
        return {one["ci_id"]: one for one in found["results"]}

    # Where another process polls, it is asked to.
    device.due = 1e12
    assert (await fetch(item))[item]["polled_now"] is False
    await poller.refresh()
    assert device.due == 0
    device.ping = False
    monkeypatch.setattr(world.platform, "settings", dataclasses.replace(world.platform.settings, polling=True))
    async with serving("127.0.0.62", port, honest(system("alarm"))):
        found = await fetch(item, other)
    assert (found[item]["polled_now"], found[item]["state"], found[item]["events"]) == (True, "up", [])
    assert (found[other]["polled"], found[other]["polled_now"]) == (False, False)
    # It is gone: two polls without an answer make an alarm, and its return ends it.
    await fetch(item)
    (event,) = (await fetch(item))[item]["events"]
    assert "does not answer" in event["message"]
    async with serving("127.0.0.62", port, honest(system("alarm"))):
        assert (await fetch(item))[item]["events"] == []
    looker = await world.granted({"asset": ("view", "execute")})
    await world.post(f"{PATH}trigger-alarm-fetch/", {"ci_ids": [item]}, by=looker, expect=403)
    await stranger.post(f"{PATH}trigger-alarm-fetch/", {"ci_ids": [item]}, expect=404)
    await world.post(f"{PATH}trigger-alarm-fetch/", {"ci_ids": [item] * 51}, expect=400)
