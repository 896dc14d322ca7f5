"""Thresholds: the state machine, which one counts, and what polling makes of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mainstay.modules.monitoring.polling.poller import Poller
from mainstay.modules.monitoring.thresholds.engine import (
    Place,
    Rules,
    Threshold,
    Watch,
    effective,
    message,
    rules_for,
)
from tests.monitoring.netsnmp import free_port
from tests.monitoring.scripted import honest, serving, system, whole
from tests.monitoring.support import rows
from tests.monitoring.test_discovery import configure, credential, scan
from tests.monitoring.test_polling import device_of
from tests.support import World

PATH = "/api/thresholds/"
CPU = (1, 3, 6, 1, 2, 1, 25, 3, 3, 1, 2, 1)
BGP = (1, 3, 6, 1, 2, 1, 15, 3, 1)


def told(rule: Threshold, *values: float, every: float = 60) -> list[bool | None]:
    watch = Watch()
    return [watch.judge(rule, "", value, number * every) for number, value in enumerate(values)]


def test_it_is_raised_after_its_hold_and_ends_below_the_reset_point() -> None:
    rule = Threshold(metric="cpu", set_point=90, reset_point=80, hold=2, reset_hold=2)
    assert told(rule, 95, 50, 95, 96, 97, 85, 79, 85, 79, 78) == [
        None, None, None, True, None, None, None, None, None, False
    ]  # fmt: skip


def test_the_other_way_round() -> None:
    rule = Threshold(metric="x", condition="<=", set_point=10, reset_point=20, hold=1, reset_hold=1)
    assert told(rule, 15, 10, 15, 19, 20, 15) == [None, True, None, None, False, None]


def test_hold_times_in_seconds() -> None:
    rule = Threshold(metric="x", set_point=1, reset_point=0, hold=120, reset_hold=0, seconds=True)
    assert told(rule, 1, 1, 1, 1, 0) == [None, None, True, None, False]


def test_some_of_the_last_polls() -> None:
    rule = Threshold(metric="x", set_point=5, reset_point=4, points=5, percent=60, hold=1, reset_hold=1)
    assert effective(5, 60) == 3
    assert told(rule, 5, 0, 5, 0, 5, 5) == [None, None, None, None, True, None]


def test_the_average_of_the_last_polls() -> None:
    rule = Threshold(metric="x", set_point=5, reset_point=2, points=3, statistic="average", hold=1, reset_hold=1)
    assert told(rule, 15, 15, 0, 0, 0, 0) == [None, None, True, None, None, False]


@given(st.lists(st.floats(0, 100), max_size=60), st.integers(1, 4), st.integers(1, 4), st.integers(1, 5))
def test_raised_and_over_take_turns(values: list[float], hold: int, reset_hold: int, points: int) -> None:
    rule = Threshold(metric="x", set_point=60, reset_point=40, hold=hold, reset_hold=reset_hold, points=points)
    turns = [verdict for verdict in told(rule, *values) if verdict is not None]
    assert turns == [number % 2 == 0 for number in range(len(turns))]


def test_the_narrowest_counts() -> None:
    base: dict[str, Any] = {"metric": "cpu", "set_point": 1, "reset_point": 0}
    every = [
        Threshold(**base, mark="all", level=1),
        Threshold(**base, mark="group", level=2, target="g"),
        Threshold(**base, mark="routers", level=3, target="devices"),
        Threshold(**base, mark="other", level=4, target="o"),
        Threshold(**base, mark="mine", level=4, target="c"),
        Threshold(**base, mark="part", level=5, target="c", part="Eth*"),
    ]
    within = {"router": frozenset({"devices", "router"})}
    mine = rules_for(Place(ci="c", category="router", groups=frozenset("g")), every, within)
    assert Rules(mine).mark("cpu", "") == "mine"
    assert Rules(mine).mark("cpu", "eth0") == "part"
    assert Rules(mine).mark("memory", "") is None
    assert Rules(rules_for(Place(ci="x", category="router"), every, within)).mark("cpu", "") == "routers"
    assert Rules(rules_for(Place(ci="x", groups=frozenset("g")), every, within)).mark("cpu", "") == "group"
    assert Rules(rules_for(Place(ci="x"), every, within)).mark("cpu", "") == "all"
    silent = Threshold(**base, mark="silent", level=4, target="x", alarm=False)
    assert Rules([*every[:1], silent]).pick("cpu", "") is None


def test_own_messages_are_filled_in_once() -> None:
    rule = Threshold(
        metric="x", set_point=5, reset_point=2, set_message="{device}: {value} {what} {resource} >= {set_point}"
    )
    text = message(rule, True, device="{value}", part="p", value=7, metric="X")
    assert text == "{value}: 7.0 {what} p >= 5"


@pytest.fixture
async def busy(world: World, poller: Poller) -> AsyncIterator[tuple[Any, dict[str, int]]]:
    """A device whose processor is as busy as a test wants."""
    port, load = free_port(), {"now": 50}
    await credential(world, port, timeout=0.5, retries=0)
    async with serving("127.0.0.98", port, lambda pdu: honest({**system("busy"), CPU: whole(load["now"])})(pdu)):
        await scan(world, await configure(world, host="127.0.0.98", params={"ping_monitor": 0}))
        yield await device_of(world, poller), load


def own(**values: Any) -> dict[str, Any]:
    return {
        "name": "Busy",
        "metric": "cpu",
        "set_point": 40,
        "reset_point": 30,
        "set_hold": 1,
        "reset_hold": 1,
        **values,
    }


@pytest.mark.proves(f"POST {PATH}", f"GET {PATH}in-force/", f"PUT {PATH}{{id}}/", f"DELETE {PATH}{{id}}/")
async def test_an_own_threshold_is_used_and_what_it_raised_ends_with_it(
    world: World, poller: Poller, busy: tuple[Any, dict[str, int]]
) -> None:
    device, _load = busy
    await poller.poll(device)
    assert await rows(world) == []
    text = "{device} is at {value}{unit}"
    made = await world.post(PATH, own(severity=1, set_message=text, poll_points=5, breached_percent=20))
    assert made["data"]["effective_poll_points"] == 1
    await poller.refresh()
    await poller.poll(device)
    (event,) = await rows(world)
    assert (event["message"], event["severity"], event["cleared"]) == ("busy is at 50.0%", 1, False)
    assert event["event_class"] == "Chassis | CPU | CPU Usage Above Threshold"
    counts = (await world.get(f"{PATH}in-force/", params={"ci_id": device.ci}))["results"]
    assert [(one["id"], one["set_point"], one["breached"]) for one in counts if one["metric"] == "cpu"] == [
        (made["id"], 40, [""]), ("", 90, [])
    ]  # fmt: skip
    # A process that starts anew goes on from what was stored.
    poller.devices.clear()
    device = await device_of(world, poller)
    await poller.poll(device)
    assert [row["cleared"] for row in await rows(world)] == [False]
    # Changed: what it raised is over, and judged anew.
    await world.put(f"{PATH}{made['id']}/", own(set_point=60, reset_point=50))
    await poller.refresh()
    assert [row["cleared"] for row in await rows(world)] == [True]
    await poller.poll(device)
    assert [row["cleared"] for row in await rows(world)] == [True]
    await world.put(f"{PATH}{made['id']}/", own())
    await poller.refresh()
    await poller.poll(device)
    assert [row["cleared"] for row in await rows(world)] == [False]
    # Removed while nobody polled: the start after it notices.
    await world.delete(f"{PATH}{made['id']}/")
    poller.devices.clear()
    await poller.refresh()
    assert [row["cleared"] for row in await rows(world)] == [True]


async def test_switched_off_and_narrower_scopes(world: World, poller: Poller, busy: tuple[Any, dict[str, int]]) -> None:
    device, load = busy
    item = await world.get(f"/ux/common/cmdb/profile/{device.ci}/")
    wide = await world.post(PATH, own())
    await world.post(
        PATH, own(name="This one", scope="category", category=item["category"], set_point=70, reset_point=60)
    )
    group = await world.post(
        "/ux/common/dgroup/device_group/", {"name": "All", "device_group_filters": {"name": "busy"}}
    )
    await world.post(PATH, own(name="Group", scope="group", device_group=group["id"], set_point=10, reset_point=5))
    await poller.refresh()
    await poller.poll(device)
    assert await rows(world) == []
    load["now"] = 75
    await poller.poll(device)
    assert [row["cleared"] for row in await rows(world)] == [False]
    # For this item the measurement raises nothing at all.
    silent = await world.post(PATH, own(name="Silent", scope="item", ci=device.ci, alarm=False))
    await poller.refresh()
    assert [row["cleared"] for row in await rows(world)] == [True]
    await world.put(
        f"{PATH}{silent['id']}/", own(name="Silent", scope="item", ci=device.ci, alarm=False, is_enabled=False)
    )
    await poller.refresh()
    await poller.poll(device)
    assert [row["cleared"] for row in await rows(world)] == [False]
    assert (await world.get(f"{PATH}{wide['id']}/"))["set_point"] == 40


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"metric": "moonlight"}, "metric"),
        ({"reset_point": 50}, "reset_point"),
        ({"scope": "group"}, "device_group"),
        ({"condition": "<=", "reset_point": 30}, "reset_point"),
        ({"scope": "resource"}, "ci"),
        ({"poll_points": 0}, "poll_points"),
    ],
)
async def test_what_cannot_be_a_threshold(world: World, wrong: dict[str, Any], field: str) -> None:
    answer = await world.post(PATH, own(**wrong), expect=400)
    assert list(answer["fields"]) == [field]


async def test_the_shipped_ones_are_shown(world: World, stranger: World) -> None:
    shown = (await world.get(f"{PATH}in-force/"))["results"]
    assert {"cpu", "memory", "storage", "latency", "loss", "if_errors", "if_discards", "bgp_peer"} <= {
        one["metric"] for one in shown if one["scope"] == "shipped" and not one["id"]
    }  # fmt: skip
    made = await world.post(PATH, own())
    await stranger.get(f"{PATH}{made['id']}/", expect=404)
    await world.get(f"{PATH}in-force/", by=await world.granted({"tag": ("view",)}), expect=403)


async def test_a_bgp_session_that_is_lost(world: World, poller: Poller) -> None:
    port, peer, state = free_port(), (192, 0, 2, 7), {"now": 6}

    def answer(pdu: Any) -> Any:
        return honest({
            **system("edge"), (*BGP, 2, *peer): whole(state["now"]), (*BGP, 3, *peer): whole(2),
            (*BGP, 2, 192, 0, 2, 8): whole(1), (*BGP, 3, 192, 0, 2, 8): whole(1),
        })(pdu)  # fmt: skip

    await credential(world, port, timeout=0.5, retries=0)
    async with serving("127.0.0.99", port, answer):
        await scan(world, await configure(world, host="127.0.0.99", params={"ping_monitor": 0}))
        device = await device_of(world, poller)
        await poller.poll(device)
        assert await rows(world) == []
        state["now"] = 3
        await poller.poll(device)
        (event,) = await rows(world)
        assert (event["event_class"], event["resource"]) == ("Network | BGP | Peer Down", "192.0.2.7")
        state["now"] = 6
        await poller.poll(device)
        assert [row["cleared"] for row in await rows(world)] == [True]
