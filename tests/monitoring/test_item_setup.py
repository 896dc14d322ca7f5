"""How items are monitored and discovered, and the access points of controllers, through the Cmdb module."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import update

from mainstay.modules.monitoring.polling.tables import Polled
from mainstay.modules.monitoring.topology import service as topology
from mainstay.modules.monitoring.topology.estate import Evidence
from tests.assets.test_items import PATH, make
from tests.monitoring.support import happen
from tests.monitoring.test_discovery import configure, credential, scan
from tests.support import Statements, World

RELATION = "/ux/common/cmdb/relation/"


@pytest.mark.proves(f"POST {PATH}congiguration-details/", f"GET {PATH}get-config-options/")
async def test_how_an_item_is_monitored(world: World, stranger: World, statements: Statements) -> None:
    key = await credential(world, 161, scope="10.8.0.0/24")
    await credential(world, 162, scope="10.9.0.0/24")
    made = await world.post("/api/collectors/", {"name": "Site A", "networks": "10.8.0.0/25"}, expect=201)
    item = await make(world, "setup-1", "Switch", ip_address="10.8.0.5")
    await world.get(f"{PATH}enable-pm/", params={"ci_id": item, "interval": 120})
    hot = {"name": "Hot", "metric": "cpu", "scope": "One item", "ci": item, "set_point": 50, "reset_point": 40}
    await world.post("/api/thresholds/", hot, expect=201)
    path = f"{PATH}congiguration-details/"
    (found,) = (await world.post(path, {"ci_ids": [item]}))["results"]
    assert (found["polled"], found["enabled"], found["interval"], found["snmp"]) == (True, True, 120, True)
    assert (found["credential"], found["collector_name"], found["thresholds"]) == (key, "Site A", 1)
    await world.get(f"{PATH}disable-pm/", params={"ci_id": item})
    (found,) = (await world.post(path, {"ci_ids": [item]}))["results"]
    assert found["enabled"] is False

    options = f"{PATH}get-config-options/"
    choices = await world.get(options, params={"ci_id": item})
    assert [one["id"] for one in choices["credentials"]] == [key]
    assert [(one["id"], one["in_charge"]) for one in choices["collectors"]] == [(made["id"], True)]
    assert "cpu" in {one["id"] for one in choices["metrics"]}
    assert len((await world.get(options))["credentials"]) == 2
    template = {"product": "Own switch", "sysobjectid": "1.3.6.1.4.1.9999"}
    await world.post("/ux/ims/device-template/", template, expect=201)
    assert [one["name"] for one in (await world.get(options))["templates"]] == ["Own switch"]
    looker = await world.granted({"asset": ("view",)})
    seen = await world.get(options, params={"ci_id": item}, by=looker)
    assert (seen["credentials"], seen["collectors"], seen["templates"]) == ([], [], [])
    assert "community" not in str(choices)
    await stranger.post(path, {"ci_ids": [item]}, expect=404)
    await stranger.get(options, params={"ci_id": item}, expect=404)

    many = [await make(world, f"setup-{number}", "Switch", ip_address=f"10.8.0.{number}") for number in range(10, 18)]
    costs = []
    for ids in ([item], [item, *many]):
        statements.ran.clear()
        assert len((await world.post(path, {"ci_ids": ids}))["results"]) == len(ids)
        costs.append(len(statements.ran))
    assert costs[0] == costs[1]


@pytest.mark.proves(f"POST {PATH}discovery-url/")
async def test_which_discoveries_look_at_an_item(world: World, stranger: World, statements: Statements) -> None:
    first = await configure(
        world,
        label="First",
        host="127.0.0.40-127.0.0.42",
        params={"exclude_ip_address": ["127.0.0.42"], "ping_monitor": 0},
    )
    await configure(world, label="Second", host="10.3.0.0/24", csv_data=["127.0.0.41"])
    found: dict[str, Any] = {}
    for name, address in (("a", "127.0.0.41"), ("b", "127.0.0.42"), ("c", "10.3.0.9"), ("d", "10.4.0.9"), ("e", "")):
        found[name] = await make(world, f"cov-{name}", "Switch", ip_address=address)
    path = f"{PATH}discovery-url/"

    async def look(*names: str) -> dict[str, Any]:
        answer = await world.post(path, {"ci_ids": [found[name] for name in names]})
        return {one["name"][-1]: one for one in answer["results"]}

    told = await look(*found)
    assert {name: [one["name"] for one in row["discoveries"]] for name, row in told.items()} == {
        "a": ["First", "Second"], "b": [], "c": ["Second"], "d": [], "e": []
    }  # fmt: skip
    assert told["a"]["url"].endswith(f"/discovery/{first}")
    assert (told["d"]["covered"], told["d"]["url"].endswith("/discovery/create")) == (False, True)
    assert told["a"]["discoveries"][0]["result"] == ""
    await scan(world, first)
    seen = (await look("a"))["a"]["discoveries"][0]
    assert seen["result"] != ""
    assert seen["last_run"]
    statements.ran.clear()
    await look("a")
    few = len(statements.ran)
    statements.ran.clear()
    await look(*found)
    assert len(statements.ran) == few
    looker = await world.granted({"asset": ("view",)})
    await world.post(path, {"ci_ids": [found["a"]]}, by=looker, expect=403)
    await stranger.post(path, {"ci_ids": [found["a"]]}, expect=404)


@pytest.mark.proves(f"GET {PATH}controller-stats/")
async def test_the_access_points_of_a_controller(world: World, stranger: World) -> None:
    await credential(world, 161)
    controller = await make(world, "wlc-1", "Wireless Controller")
    points = []
    for number, model in enumerate(("AP-1", "AP-1", "AP-2", "AP-2")):
        address = f"127.0.0.{110 + number}"
        points.append(
            await make(world, f"ap-{number}", "Access Point", parent=controller, model=model, ip_address=address)
        )
    await make(world, "ap-of-others", "Access Point")
    await world.get(f"{PATH}add-enable-pm/", params={"ci_ids": ",".join(points[:3])})
    async with world.platform.work(world.organization) as ctx:
        for ci, state in zip(points, ("up", "down"), strict=False):
            await ctx.session.execute(update(Polled).where(Polled.ci == ci).values(state=state))
    await happen(world, "radio failed", ci=points[1], event_class="Radio", severity=2, at=datetime.now(UTC))
    found = await world.get(f"{PATH}controller-stats/", params={"ci_id": controller})
    assert (found["total"], found["states"]) == (4, {"up": 1, "down": 1, "unknown": 1, "not polled": 1})
    assert found["models"] == {"AP-1": 2, "AP-2": 2}
    assert (found["results"][0]["ci_id"], found["results"][0]["open_events"]) == (points[1], 1)
    assert sum(found["open_events"].values()) == 1
    await stranger.get(f"{PATH}controller-stats/", params={"ci_id": controller}, expect=404)


@pytest.mark.proves(f"GET {PATH}controller-clients/")
async def test_the_stations_behind_the_radios_of_a_controller(
    world: World, stranger: World, statements: Statements
) -> None:
    path = f"{PATH}controller-clients/"
    controller = await make(world, "wlc-2", "Wireless Controller")
    point = await make(world, "ap-radio", "Access Point", parent=controller)
    outside = await make(world, "ap-outside", "Access Point")
    radio = [
        {"name": "radio0", "if_index": 5, "kind": "wireless"}, {"name": "eth0", "if_index": 1, "kind": "ethernet"}
    ]  # fmt: skip
    for one in (point, outside):
        await world.post(f"{PATH}save-inventory/", {"ci_id": one, "interfaces": radio})
    laptop = await make(world, "laptop-1", "Laptop")
    await world.post(
        f"{PATH}save-inventory/", {"ci_id": laptop, "interfaces": [{"name": "wlan0", "mac": "02:00:00:00:00:01"}]}
    )
    learned = {"02:00:00:00:00:01": 5, "02:00:00:00:00:02": 5, "02:00:00:00:00:99": 1}
    arp = {"10.7.0.1": "02:00:00:00:00:01"}

    async def tell(ci: str, bridge: dict[str, int]) -> None:
        async with world.platform.work(world.organization) as ctx:
            await topology.keep(ctx, {ci: Evidence(bridge=bridge, arp=arp)})

    await tell(point, learned)
    await tell(outside, {"02:00:00:00:00:77": 5})
    found = await world.get(path, params={"ci_id": controller})
    statements.ran.clear()
    assert (await world.get(path, params={"ci_id": controller})) == found
    few = len(statements.ran)
    # What is behind the cable is no client, nor what is at another's access point.
    assert [(one["mac"], one["address"], one["ci_name"], one["interface"]) for one in found["results"]] == [
        ("02:00:00:00:00:01", "10.7.0.1", "laptop-1", "radio0"), ("02:00:00:00:00:02", "", "", "radio0")
    ]  # fmt: skip
    assert (await world.get(path, params={"ci_id": point, "search": "10.7"}))["count"] == 1
    await tell(point, {f"02:00:00:00:01:{number:02x}": 5 for number in range(120)})
    statements.ran.clear()
    found = await world.get(path, params={"ci_id": controller, "items_per_page": 100, "page": 2})
    assert (found["count"], len(found["results"]), found["next"], len(statements.ran)) == (120, 20, None, few)
    await world.get(path, params={"ci_id": controller, "items_per_page": 0}, expect=400)
    await stranger.get(path, params={"ci_id": controller}, expect=404)
