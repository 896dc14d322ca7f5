"""The topology from what devices answer to the map of the API."""

from __future__ import annotations

from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any

import pytest

from mainstay.kernel.record import new_id
from mainstay.modules.monitoring.polling.tables import Polled
from mainstay.modules.monitoring.snmp import ber
from mainstay.modules.monitoring.topology import service
from mainstay.modules.monitoring.topology.engine import Evidence, Heard
from tests.monitoring.netsnmp import free_port
from tests.monitoring.scripted import honest, serving, system, text, whole
from tests.monitoring.test_discovery import configure, credential, scan
from tests.support import World

PATH, ITEMS, LLDP = "/api/topology/", "/ux/common/cmdb/profile/", (1, 0, 8802, 1, 1, 2, 1)
INTERFACE = (1, 3, 6, 1, 2, 1, 2, 2, 1)


def device(number: int, neighbours: dict[int, tuple[int, int]]) -> dict[Any, Any]:
    """A switch whose port hears a port of another one."""
    made = dict(system(f"sw-{number}"))
    for port in range(1, 5):
        made |= {
            (*INTERFACE, 2, port): text(f"GigabitEthernet0/{port}"), (*INTERFACE, 3, port): whole(6),
            (*INTERFACE, 5, port): (ber.GAUGE32, b"\x3b\x9a\xca\x00"),
            (*INTERFACE, 6, port): (ber.OCTET_STRING, bytes((0, 27, 84, 0, number, port))),
        }  # fmt: skip
    for port, (other, far) in neighbours.items():
        made |= {
            (*LLDP, 4, 1, 1, 4, 0, port, 1): whole(4),
            (*LLDP, 4, 1, 1, 5, 0, port, 1): (ber.OCTET_STRING, bytes((0, 27, 84, 0, other, far))),
            (*LLDP, 4, 1, 1, 6, 0, port, 1): whole(5), (*LLDP, 4, 1, 1, 7, 0, port, 1): text(f"Gi0/{far}"),
            (*LLDP, 4, 1, 1, 9, 0, port, 1): text(f"sw-{other}"),
        }  # fmt: skip
    return made


async def add(world: World, *names: str) -> dict[str, str]:
    made = {}
    for name in names:
        made[name] = (await world.post(ITEMS, {"name": name, "category": "Switch"}, expect=201))["id"]
    return made


async def told(world: World, evidence: dict[str, Evidence]) -> int:
    async with world.platform.work(world.organization) as ctx:
        await service.keep(ctx, evidence)
        return await service.relate(ctx, list(evidence))


def hears(port: str, name: str, far: str = "") -> Heard:
    return Heard(local=[port], name=name, port=[far] if far else [])


@pytest.mark.proves(f"GET {PATH}")
async def test_a_neighbour_that_becomes_an_item_is_linked_whoever_was_found_first(world: World) -> None:
    port = free_port()
    await credential(world, port)
    first = await configure(world, label="First", host="127.0.0.80")
    second = await configure(world, label="Second", host="127.0.0.81")
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(serving("127.0.0.80", port, honest(device(1, {1: (2, 3), 2: (9, 1)}))))
        await stack.enter_async_context(serving("127.0.0.81", port, honest(device(2, {}))))
        await scan(world, first)
        found = await world.get(PATH)
        assert sorted((one["name"], one["kind"]) for one in found["nodes"]) == [
            ("sw-1", "item"), ("sw-2", "neighbour"), ("sw-9", "neighbour")
        ]  # fmt: skip
        assert (await world.get("/ux/common/cmdb/relation/"))["count"] == 0
        # The second device hears nobody; the first one's word is enough.
        await scan(world, second)
    found = await world.get(PATH)
    names = {one["id"]: one["name"] for one in found["nodes"]}
    assert sorted(
        (names[one["source"]], one["source_port"], names[one["target"]], one["target_port"]) for one in found["links"]
    ) == [
        ("sw-1", "GigabitEthernet0/1", "sw-2", "GigabitEthernet0/3"), ("sw-1", "GigabitEthernet0/2", "sw-9", "Gi0/1")
    ]  # fmt: skip
    assert {one["speed"] for one in found["links"]} == {1000}
    (relation,) = (await world.get("/ux/common/cmdb/relation/"))["results"]
    assert (relation["origin"], relation["description"]) == ("discovery", "LLDP")


async def test_a_relation_follows_a_cable_that_moves(world: World) -> None:
    ids = await add(world, "a", "b", "c")
    await told(world, {ids["a"]: Evidence(heard=[hears("1", "b", "2"), hears("5", "c", "5")])})
    by_hand = {"source": ids["b"], "type": "Connects to", "target": ids["c"], "source_port": "9", "target_port": "9"}
    await world.post("/ux/common/cmdb/relation/", by_hand, expect=201)

    async def relations() -> dict[tuple[str, str], tuple[str, str, str]]:
        listed = (await world.get("/ux/common/cmdb/relation/"))["results"]
        names = {one: name for name, one in ids.items()}
        return {
            (names[row["source"]], names[row["target"]]): (row["id"], row["source_port"], row["target_port"])
            for row in listed
        }

    before = await relations()
    assert before["a", "b"][1:] == ("1", "2")
    evidence = {
        ids["a"]: Evidence(heard=[hears("3", "b", "4"), hears("5", "c", "5")]),
        ids["b"]: Evidence(heard=[hears("4", "a", "3"), hears("7", "c", "7")]),
    }
    assert await told(world, evidence) == 0
    after = await relations()
    # The same relation with other ports; what somebody entered stays as it is.
    assert after == {**before, ("a", "b"): (before["a", "b"][0], "3", "4")}
    history = (await world.get(f"/ux/common/cmdb/relation/{before['a', 'b'][0]}/history/"))["results"][0]
    assert {(one["field"], one["old"], one["new"]) for one in history["changes"]} == {
        ("source_port", "1", "3"), ("target_port", "2", "4")
    }  # fmt: skip
    # Of two cables the one that is told of stays told.
    evidence[ids["a"]].heard.append(hears("1", "b", "2"))
    await told(world, evidence)
    assert await relations() == after


async def test_a_link_that_is_no_longer_told_goes_missing_and_comes_back_as_it_was(world: World) -> None:
    ids = await add(world, "a", "b")
    await told(world, {ids["a"]: Evidence(heard=[hears("1", "b", "2")])})
    (before,) = (await world.get(PATH))["links"]
    await told(world, {ids["a"]: Evidence()})
    assert (await world.get(PATH))["links"] == []
    (missing,) = (await world.get(PATH, params={"missing": "true"}))["links"]
    assert missing["missing_since"] is not None
    # What was cut off says nothing about what is not in it.
    await told(world, {ids["a"]: Evidence(heard=[hears("1", "b", "2")])})
    await told(world, {ids["a"]: Evidence(partial=True)})
    (after,) = (await world.get(PATH))["links"]
    assert (after["id"], after["first_seen"]) == (before["id"], before["first_seen"])


async def test_the_map_narrows_down_and_shows_how_devices_are(world: World) -> None:
    ids = await add(world, "a", "b", "c", "d")
    await told(world, {
        ids["a"]: Evidence(heard=[hears("1", "b"), hears("9", "printer")]),
        ids["b"]: Evidence(heard=[hears("2", "c")]), ids["c"]: Evidence(heard=[hears("2", "d")]),
    })  # fmt: skip
    async with world.platform.work(world.organization) as ctx:
        ctx.session.add(Polled(organization=ctx.organization, ci=ids["b"], address="192.0.2.1", state="down",
                               created=datetime.now(UTC)))  # fmt: skip
    await world.post("/ux/common/events/events/", {"message": "hot", "severity": 2, "ci": ids["a"]}, expect=201)
    found = await world.get(PATH)
    nodes = {one["name"]: one for one in found["nodes"]}
    assert set(nodes) == {"a", "b", "c", "d", "printer"}
    assert (nodes["b"]["availability"], nodes["a"]["severity"], nodes["a"]["events"]) == ("down", 2, 1)
    near = await world.get(PATH, params={"ci_id": ids["a"], "depth": 1})
    assert {one["name"] for one in near["nodes"]} == {"a", "b", "printer"}
    group = await world.post(
        "/ux/common/dgroup/device_group/", {"name": "Two", "devices": [ids["c"], ids["d"]]}, expect=201
    )
    part = await world.get(PATH, params={"group": group["id"]})
    assert ({one["name"] for one in part["nodes"]}, len(part["links"])) == ({"c", "d"}, 1)
    await world.get(PATH, params={"depth": 99}, expect=400)
    assert (await world.get(PATH, params={"limit": 2}))["truncated"] is True
    assert (await world.get(PATH, by=await world.person("NOC Operator")))["nodes"]
    blind = await world.granted({"incident": ("view",)})
    await world.get(PATH, by=blind, expect=403)


async def test_another_organization_sees_none_of_it(world: World, stranger: World) -> None:
    ids = await add(world, "a", "b")
    await told(world, {ids["a"]: Evidence(heard=[hears("1", "b")])})
    assert (await stranger.get(PATH)) == {"nodes": [], "links": [], "truncated": False, "hidden": 0}
    await stranger.get(PATH, params={"ci_id": ids["a"]}, expect=404)
    await stranger.get(PATH, params={"group": new_id()}, expect=404)
