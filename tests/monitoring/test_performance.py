"""Performance of items below the Cmdb module, ports switched, and the processes behind an event."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mainstay.modules.monitoring.polling.metrics import milliseconds
from mainstay.modules.monitoring.polling.poller import Device, Poller
from mainstay.modules.monitoring.snmp import ber, message
from tests.monitoring.netsnmp import free_port
from tests.monitoring.scripted import honest, serving, system, text, whole
from tests.monitoring.support import happen, one
from tests.monitoring.test_discovery import configure, credential, scan
from tests.monitoring.test_polling import device_of
from tests.support import World

PATH = "/ux/common/cmdb/profile/"
IF, IFX = (1, 3, 6, 1, 2, 1, 2, 2, 1), (1, 3, 6, 1, 2, 1, 31, 1, 1, 1)
HOST = (1, 3, 6, 1, 2, 1, 25)


class Switch:
    """A device with one port, a processor and two processes."""

    def __init__(self) -> None:
        self.admin = 1
        self.asked = 0
        self.name = "Gi0/1"

    def __call__(self, pdu: Any) -> Any:
        self.asked += 1
        if pdu.kind == message.SET:
            (item,) = pdu.varbinds
            assert ber.oid_of(item[0]) == (*IF, 7, 3)
            self.admin = item[2][-1]
            return [item]
        busy = self.asked * 50
        return honest({
            **system("sw"), (*HOST, 3, 3, 1, 2, 1): whole(40),
            (*IFX, 1, 3): text(self.name), (*IF, 2, 3): text(self.name),
            (*IF, 3, 3): whole(6), (*IF, 7, 3): whole(self.admin), (*IF, 8, 3): whole(self.admin),
            (*HOST, 4, 2, 1, 2, 7): text("idle"), (*HOST, 4, 2, 1, 2, 9): text("bgpd"),
            (*HOST, 5, 1, 1, 1, 7): whole(5), (*HOST, 5, 1, 1, 1, 9): whole(busy),
            (*HOST, 5, 1, 1, 2, 7): whole(9000), (*HOST, 5, 1, 1, 2, 9): whole(100),
        })(pdu)  # fmt: skip


@pytest.fixture
async def switch(world: World, poller: Poller) -> AsyncIterator[tuple[Switch, Device]]:
    port, made = free_port(), Switch()
    await credential(world, port, timeout=0.5, retries=0, write_community="public")
    async with serving("127.0.0.103", port, made):
        await scan(world, await configure(world, host="127.0.0.103", params={"ping_monitor": 0}))
        yield made, await device_of(world, poller)


READS = ("available_stats", "get-stat-list", "perf-filters", "pm-list", "display-options")
WRITES = ("performance-stats-grid", "pm-data", "poll-status", "resync-poll-jobs", "add-display")


@pytest.mark.proves(
    *(f"GET {PATH}{name}/" for name in (*READS, "pm-stat-label", "resource-stat-data")),
    *(f"POST {PATH}{name}/" for name in WRITES),
)  # fmt: skip
async def test_what_is_measured_of_an_item(
    world: World, stranger: World, poller: Poller, switch: tuple[Switch, Device]
) -> None:
    _agent, device = switch
    await poller.poll(device)
    await poller.drain()
    params = {"ci_id": device.ci}
    stats = (await world.get(f"{PATH}available_stats/", params=params))["results"]
    cpu = next(item for item in stats if item["metric"] == "cpu")
    assert (cpu["last"], cpu["low"], cpu["average"], cpu["points"], cpu["unit"]) == (40, 40, 40, 1, "%")
    named = (await world.get(f"{PATH}get-stat-list/", params=params))["results"]
    assert next(item["resources"] for item in named if item["id"] == "if_up") == ["Gi0/1"]
    filters = await world.get(f"{PATH}perf-filters/", params=params)
    assert {item["id"] for item in filters["metrics"]} == {item["metric"] for item in stats}
    assert (await world.get(f"{PATH}pm-list/", params={**params, "metric": "cpu"}))["results"] == [cpu]
    labels = {item["id"]: item["unit"] for item in (await world.get(f"{PATH}pm-stat-label/"))["results"]}
    assert labels["latency"] == "ms"
    data = await world.post(f"{PATH}pm-data/", {**params, "metrics": ["cpu", "if_up"]})
    assert {(item["metric"], item["resource"]): item["points"][0]["value"] for item in data["series"]} == {
        ("cpu", ""): 40, ("if_up", "Gi0/1"): 1
    }  # fmt: skip
    grid = await world.post(f"{PATH}performance-stats-grid/", {"ci_ids": [device.ci], "metric": "cpu"})
    assert [(item["ci_name"], item["last"]) for item in grid["results"]] == [("sw", 40)]
    week = {"metric": "cpu", "since": "2020-01-01T00:00:00Z"}
    assert [item["average"] for item in (await world.post(f"{PATH}performance-stats-grid/", week))["results"]] == [40]
    saved = await world.post(f"{PATH}saveResource/", {**params, "name": "Gi0/1", "kind": "interface"})
    found = await world.get(f"{PATH}resource-stat-data/", params={"id": saved["id"]})
    assert [item["metric"] for item in found["series"]] == ["if_up"]

    shown = await world.get(f"{PATH}display-options/", params=params)
    assert (shown["chosen"], "cpu" in shown["displayed"], "if_up" in shown["displayed"]) == (False, True, False)
    # Also what is not measured now: the page shows earlier times as well.
    assert {"cpu", "if_up"} <= {item["id"] for item in shown["options"]}
    assert "storage" in shown["displayed"]
    await world.post(f"{PATH}add-display/", {**params, "metrics": ["if_up"]})
    shown = await world.get(f"{PATH}display-options/", params=params)
    assert (shown["chosen"], shown["displayed"]) == (True, ["if_up"])
    await world.post(f"{PATH}add-display/", {**params, "metrics": ["moonlight"]}, expect=400)

    (state,) = (await world.post(f"{PATH}poll-status/", {"ci_ids": [device.ci]}))["results"]
    assert (state["polled"], state["state"], state["error"]) == (True, "up", "")
    device.due = 1e12
    assert await world.post(f"{PATH}resync-poll-jobs/", {"ci_ids": [device.ci]}) == {
        "status": "success", "asked": 1, "not_polled": []
    }  # fmt: skip
    await poller.refresh()
    assert device.due == 0
    for name in READS:
        await stranger.get(f"{PATH}{name}/", params=params, expect=404)
    for name in ("poll-status", "resync-poll-jobs", "performance-stats-grid"):
        await stranger.post(f"{PATH}{name}/", {"ci_ids": [device.ci]}, expect=404)


async def test_points_in_between_are_put_together(world: World, poller: Poller) -> None:
    made = await world.post(PATH, {"name": "drawn", "category": "Switch"}, expect=201)
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=3)
    writer = poller._writer
    assert writer is not None
    writer.write_many([
        (world.organization, made["id"], "if_in", part, milliseconds(hour) + minute * 60_000, minute * by)
        for minute in range(1, 60)
        for part, by in (("Gi1", 1.0), ("Gi2", 2.0))
    ])  # fmt: skip
    await poller.drain()
    span = {"ci_id": made["id"], "since": hour.isoformat(), "until": (hour + timedelta(hours=1)).isoformat()}

    async def drawn(**query: Any) -> tuple[int, dict[str, list[tuple[float, float, float]]]]:
        answer = await world.get("/api/metrics/", params={**span, **query})
        return answer["step"], {
            one["resource"]: [(point["value"], point["low"], point["high"]) for point in one["points"]]
            for one in answer["series"]
        }  # fmt: skip

    halves = [(15, 1, 29), (44.5, 30, 59)]
    twice = [(30, 2, 58), (89, 60, 118)]
    # Of single measurements, and of their summaries.
    assert await drawn(points=2) == (1800, {"Gi1": halves, "Gi2": twice})
    assert await drawn(points=2, step=300, resource="Gi2") == (1800, {"Gi2": twice})
    step, every = await drawn(step=300)
    assert (step, every["Gi1"][0], len(every["Gi1"])) == (300, (2.5, 1, 4), 12)
    assert len((await drawn())[1]["Gi2"]) == 59
    # An interval of which a part arrives later, which the store keeps apart for a while.
    writer.write_many([(world.organization, made["id"], "if_in", "Gi1", milliseconds(hour) + 150_000, 10.0)])
    await poller.drain()
    every = (await drawn(step=300))[1]
    assert (every["Gi1"][0], every["Gi1"][1], len(every["Gi1"])) == ((4, 1, 10), (7, 5, 9), 12)
    assert (await drawn(points=2, step=300))[1]["Gi1"][1] == halves[1]
    assert len((await drawn(points=10_000))[1]["Gi2"]) == 59
    await world.get("/api/metrics/", params={**span, "points": 10_001}, expect=400)


async def test_the_traffic_of_all_interfaces_comes_in_one_answer(world: World, stranger: World, poller: Poller) -> None:
    made = await world.post(PATH, {"name": "sparks", "category": "Switch"}, expect=201)
    writer, now = poller._writer, datetime.now(UTC)
    assert writer is not None
    writer.write_many([
        (world.organization, made["id"], metric, part, milliseconds(now - timedelta(minutes=minutes)), value)
        for metric, part, minutes, value in (
            ("if_in", "Gi1", 1, 100.0), ("if_in", "Gi1", 121, 50.0), ("if_out", "Gi1", 1, 7.0),
            ("if_out", "Gi2", 1, 9.0), ("if_in", "Gi1", 600, 1e9), ("cpu", "", 1, 3.0),
        )
    ])  # fmt: skip
    await poller.drain()
    answer = await world.get("/api/metrics/traffic/", params={"ci_id": made["id"]})
    lines = {one["resource"]: one for one in answer["interfaces"]}
    assert set(lines) == {"Gi1", "Gi2"}
    assert {len(lines["Gi1"][name]) for name in ("inbound", "outbound")} == {48}
    assert [value for value in lines["Gi1"]["inbound"] if value is not None] == [50, 100]
    assert lines["Gi1"]["inbound"].index(100) - lines["Gi1"]["inbound"].index(50) == 24
    assert [value for value in lines["Gi2"]["inbound"] if value is not None] == []
    assert 9 in lines["Gi2"]["outbound"]
    await stranger.get("/api/metrics/traffic/", params={"ci_id": made["id"]}, expect=404)
    blind = await world.granted({"incident": ("view",)})
    await world.get("/api/metrics/traffic/", params={"ci_id": made["id"]}, by=blind, expect=403)


@pytest.mark.proves(f"GET {PATH}port-status/", f"GET {PATH}enable-port-status/", f"GET {PATH}disable-port-status/")
async def test_a_port_is_switched_off_and_on(world: World, stranger: World, switch: tuple[Switch, Device]) -> None:
    agent, device = switch
    (port,) = (await world.get(f"{PATH}interface/", params={"ci_id": device.ci}))["results"]
    params = {"id": port["id"]}
    assert (await world.get(f"{PATH}port-status/", params=params))["admin_status"] == "up"
    looker = await world.granted({"asset": ("view", "edit")})
    await world.get(f"{PATH}disable-port-status/", params=params, by=looker, expect=403)
    await stranger.get(f"{PATH}disable-port-status/", params=params, expect=404)
    assert agent.admin == 1
    assert (await world.get(f"{PATH}disable-port-status/", params=params))["admin_status"] == "down"
    assert agent.admin == 2
    (port,) = (await world.get(f"{PATH}interface/", params={"ci_id": device.ci}))["results"]
    assert port["admin_status"] == "down"
    history = (await world.get(f"{PATH}{device.ci}/history/"))["results"]
    assert any("admin_status" in str(entry) for entry in history)
    assert (await world.get(f"{PATH}enable-port-status/", params=params))["oper_status"] == "up"
    # The number belongs to another port now: nothing is written.
    agent.name = "Gi0/9"
    await world.get(f"{PATH}disable-port-status/", params=params, expect=409)
    agent.name = "Gi0/1"
    await world.put("/api/settings", {"values": {"devices.allowed_networks": "10.0.0.0/8"}})
    await world.get(f"{PATH}disable-port-status/", params=params, expect=400)
    assert agent.admin == 1


@pytest.mark.proves("GET /ux/common/events/events/get-top-process/")
async def test_the_processes_behind_an_event(world: World, switch: tuple[Switch, Device]) -> None:
    _agent, device = switch
    await happen(world, "It is slow", ci=device.ci, event_class="Slow", at=datetime.now(UTC))
    event = await one(world)
    top = "/ux/common/events/events/get-top-process/"
    found = (await world.get(top, params={"id": event["id"], "seconds": 0.1}))["results"]
    assert [(item["pid"], item["name"]) for item in found] == [(9, "bgpd"), (7, "idle")]
    assert found[0]["cpu"] > 0 == found[1]["cpu"]
    by_memory = (await world.get(top, params={"id": event["id"], "seconds": 0.1, "by": "memory", "limit": 1}))[
        "results"
    ]
    assert [(item["name"], item["memory"]) for item in by_memory] == [("idle", 9000)]
    await world.get(top, params={"id": event["id"], "by": "luck"}, expect=400)
    await world.get(top, params={"id": event["id"]}, by=await world.granted({"event": ("view",)}), expect=403)
