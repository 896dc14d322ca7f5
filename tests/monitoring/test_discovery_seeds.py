"""Discovery from seeds along LLDP, CDP, ARP and routes, against scripted agents on loopback addresses."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from ipaddress import ip_address
from typing import Any

import pytest

from mainstay.modules.monitoring.credentials.service import spans
from mainstay.modules.monitoring.discovery import leads, run
from mainstay.modules.monitoring.discovery.following import Judge
from mainstay.modules.monitoring.discovery.leads import Lead
from mainstay.modules.monitoring.discovery.reading import Answers
from mainstay.modules.monitoring.snmp import ber
from tests.monitoring.netsnmp import free_port
from tests.monitoring.scripted import honest, serving, system, text, whole
from tests.monitoring.test_discovery import ITEMS, PATH, credential, results, scan
from tests.support import World

LLDP, CDP = (1, 0, 8802, 1, 1, 2, 1), (1, 3, 6, 1, 4, 1, 9, 9, 23, 1, 2, 1, 1)
IF, ARP, ROUTES = (1, 3, 6, 1, 2, 1, 2, 2, 1), (1, 3, 6, 1, 2, 1, 4, 22, 1), (1, 3, 6, 1, 2, 1, 4, 24, 4, 1)
INET_ROUTES = (1, 3, 6, 1, 2, 1, 4, 24, 7, 1)
Values = dict[Any, Any]


def octets(address: str) -> tuple[int, ...]:
    return tuple(ip_address(address).packed)


def device(name: str, **told: list[str]) -> Values:
    """A device that tells of these addresses, at its port Gi0/1."""
    made: Values = {**system(name), (*IF, 2, 1): text("Gi0/1"), (*IF, 3, 1): whole(6)}
    for number, address in enumerate(told.get("lldp", ()), 1):
        made |= {
            (*LLDP, 3, 7, 1, 2, 1): whole(5), (*LLDP, 3, 7, 1, 3, 1): text("Gi0/1"),
            (*LLDP, 4, 1, 1, 4, 0, 1, number): whole(7), (*LLDP, 4, 1, 1, 5, 0, 1, number): text(f"n{number}"),
            (*LLDP, 4, 2, 1, 3, 0, 1, number, 1, 4, *octets(address)): whole(2),
        }  # fmt: skip
    for number, address in enumerate(told.get("cdp", ()), 1):
        made |= {
            (*CDP, 4, 1, number): (ber.OCTET_STRING, bytes(octets(address))),
            (*CDP, 6, 1, number): text(f"cdp-{number}"), (*CDP, 7, 1, number): text("Gi0/9"),
        }  # fmt: skip
    for address in told.get("arp", ()):
        made[*ARP, 2, 1, *octets(address)] = (ber.OCTET_STRING, b"\x02\x00\x00\x00" + bytes(octets(address)[-2:]))
    for number, address in enumerate(told.get("routes", ()), 1):
        made[*ROUTES, 5, 10, 0, number, 0, 255, 255, 255, 0, 0, *octets(address)] = whole(1)
    return made


@asynccontextmanager
async def network(port: int, devices: Mapping[str, Values]) -> AsyncIterator[dict[str, Any]]:
    async with AsyncExitStack() as stack:
        yield {
            address: await stack.enter_async_context(serving(address, port, honest(values)))
            for address, values in devices.items()
        }


async def seeded(world: World, **values: Any) -> str:
    given = {"label": "From seeds", "host": "", "seed_ranges": "127.0.4.0/24", **values}
    return str((await world.post(PATH, given, expect=201))["id"])


@pytest.mark.proves(f"POST {PATH}", f"POST {PATH}do-rescan/", f"GET {PATH}audit/", f"GET {PATH}details/")
async def test_neighbours_are_followed_each_once_and_every_one_with_its_reason(world: World) -> None:
    port = free_port()
    await credential(world, port)
    one = await seeded(
        world, seeds="127.0.4.1", seed_depth=2, params={"exclude_ip_address": ["127.0.4.66"]},
    )  # fmt: skip
    devices = {
        # A ring, with a way on from each of its devices.
        "127.0.4.1": device(
            "core1", lldp=["127.0.4.2"], arp=["127.0.4.3", "127.0.4.66"], routes=["127.0.5.1", "10.99.99.1"]
        ),
        "127.0.4.2": device("core2", cdp=["127.0.4.3", "127.0.4.1"], routes=["127.0.4.4", "198.51.100.7"]),
        "127.0.4.3": device("core3", lldp=["127.0.4.1", "127.0.4.2"], arp=["127.0.0.1"]),
        "127.0.4.4": device("edge", lldp=["127.0.4.5"]),
        "127.0.4.5": device("beyond"),
        "127.0.4.66": device("excluded"),
        "127.0.5.1": device("elsewhere"),
    }
    async with network(port, devices) as served:
        done = await scan(world, one)
        asked = {address: agent.asked for address, agent in served.items()}
        # What a crash between a step and the engine's note of it comes to: nothing is asked again.
        for depth in range(3):
            assert await run._wave(world.platform, world.organization, done, depth) == 0
            assert await run._spread(world.platform, world.organization, done, depth) == 0
        assert {address: agent.asked for address, agent in served.items()} == asked
    assert [asked[address] for address in ("127.0.4.5", "127.0.4.66", "127.0.5.1")] == [0, 0, 0]
    found = await results(world, id=one)
    assert {address: (row["result"], row["depth"]) for address, row in found.items()} == {
        "127.0.4.1": ("added", 0), "127.0.4.2": ("added", 1), "127.0.4.3": ("added", 1), "127.0.4.4": ("added", 2),
        "127.0.4.5": ("too_deep", 3), "127.0.4.66": ("excluded", 1), "10.99.99.1": ("out_of_range", 1),
        "198.51.100.7": ("not_allowed", 2),
    }  # fmt: skip
    reasons = {address: row["reason"] for address, row in found.items()}
    assert reasons["127.0.4.1"] == "It is a seed. It was new."
    assert reasons["127.0.4.2"] == "Found by LLDP on core1 port Gi0/1. It was new."
    assert reasons["127.0.4.3"] == "Found in the ARP table on core1 port Gi0/1. It was new."
    assert reasons["127.0.4.4"].startswith("Found as a next hop of routes on core2 port Gi0/1.")
    assert reasons["127.0.4.5"] == "Found by LLDP on edge port Gi0/1. Depth reached: it is 3 steps from a seed."
    assert "outside the allowed ranges" in reasons["10.99.99.1"]
    assert "leaves out" in reasons["127.0.4.66"]
    assert "settings, Devices" in reasons["198.51.100.7"]
    assert {row["name"] for row in (await world.get(ITEMS))["results"]} == {"core1", "core2", "core3", "edge"}
    task = await world.get(f"/ux/common/async_tasks/{done}/")
    assert (task["status"], task["total"], task["done"], task["created"]) == ("succeeded", 4, 4, 4)
    (shown,) = (await world.get(f"{PATH}iteration-list/", params={"id": one}))["results"]
    assert (shown["total"], shown["counts"]["too_deep"], shown["counts"]["added"]) == (4, 1, 4)


async def test_ways_number_and_ranges_are_limits(world: World) -> None:
    port = free_port()
    await credential(world, port, timeout=0.5, retries=1)
    many = [f"127.0.4.{number}" for number in range(20, 30)]
    devices = {"127.0.4.10": device("hub", arp=many, lldp=["127.0.4.11"]), "127.0.4.11": device("leaf")}
    one = await seeded(world, seeds="127.0.4.10", seed_follow=["lldp"])
    async with network(port, devices):
        await scan(world, one)
        assert set(await results(world, id=one)) == {"127.0.4.10", "127.0.4.11"}
        # The number counts the seed; a dry run follows as well, and changes nothing.
        await world.patch(f"{PATH}{one}/", {"seed_follow": [], "seed_limit": 4})
        await scan(world, one, dry_run=True)
        found = await results(world, id=one)
        assert len(found) == 12
        assert sum(row["result"] == "over_limit" for row in found.values()) == 8
        assert found["127.0.4.29"]["reason"].endswith(
            "Not asked: this run asks 4 addresses that way, and they are used up."
        )
        assert found["127.0.4.10"]["result"] == "dry_run"
        # Without ranges the allowed networks hold; a loopback address that nobody named is the device itself.
        await world.patch(f"{PATH}{one}/", {"seed_ranges": "", "seed_limit": 100})
        await scan(world, one)
        assert set(await results(world, id=one)) == {"127.0.4.10"}


async def test_seeds_beside_ranges_are_asked_once(world: World) -> None:
    port = free_port()
    await credential(world, port, timeout=0.5, retries=1)
    devices = {"127.0.4.40": device("s", lldp=["127.0.4.41"]), "127.0.4.41": device("n", lldp=["127.0.4.40"])}
    one = await seeded(world, host="127.0.4.40-127.0.4.42", seeds="127.0.4.40", params={"neighbours": 0, "bridges": 0})
    async with network(port, devices):
        done = await scan(world, one)
    found = await results(world, id=one)
    assert {address: (row["result"], row["depth"]) for address, row in found.items()} == {
        "127.0.4.40": ("added", 0), "127.0.4.41": ("added", 1), "127.0.4.42": ("no_snmp", None)
    }  # fmt: skip
    task = await world.get(f"/ux/common/async_tasks/{done}/")
    assert task["total"] == task["done"] == 5
    # Only these addresses, by hand: no seeds.
    async with network(port, devices):
        await scan(world, one, host="127.0.4.41")
    assert set(await results(world, id=one)) == {"127.0.4.41"}


async def test_seeds_are_checked(world: World) -> None:
    for wrong, field in (
        ({"seeds": "core1"}, "seeds"), ({"seeds": "10.0.0.0/24"}, "seeds"), ({"seeds": "10.0.0.1", "seed_depth": 21},
        "seed_depth"), ({"seeds": "10.0.0.1", "seed_limit": 0}, "seed_limit"), ({"seeds": ""}, "host"),
        ({"seeds": "10.0.0.1", "seed_ranges": "10.0.0.0/99"}, "seed_ranges"),
        ({"seeds": "10.0.0.1", "seed_follow": ["ospf"]}, "seed_follow"),
        ({"seeds": ", ".join(f"10.0.0.{n}" for n in range(101))}, "seeds"),
    ):  # fmt: skip
        refused = await world.post(PATH, {"label": "Wrong", "host": "", **wrong}, expect=400)
        assert list(refused["fields"]) == [field], refused
    made = await world.post(PATH, {"label": "Right", "seeds": "10.0.0.1 10.0.0.2"}, expect=201)
    read = await world.get(f"{PATH}{made['id']}/")
    assert (read["seed_depth"], read["seed_limit"], read["seeds"]) == (2, 1000, "10.0.0.1 10.0.0.2")


def test_leads_of_what_a_device_answered() -> None:
    four, six = octets("192.0.2.1"), octets("2001:db8::1")
    found = Answers(tables={
        "if": {(3,): {2: "Vlan3"}},
        "ip_old": {octets("192.0.2.9"): {2: 3}},
        "arp_new": {(3, 1, 4, *octets("192.0.2.50")): {4: b"\x02\x00\x00\x00\x00\x50"},
                    (3, 2, 16, *octets("fe80::1")): {4: b"\x02\x00\x00\x00\x00\x51"}},
        # A neighbour that names no address, but whose chassis is in the ARP table.
        "lldp": {(0, 3, 1): {4: 4, 5: b"\x02\x00\x00\x00\x00\x50"}},
        "routes_old": {(0, 0, 0, 0, 0, 0, 0, 0, 0, *four): {5: 3},
                       (10, 0, 0, 0, 255, 0, 0, 0, 0, *octets("0.0.0.0")): {5: 3},
                       (10, 1, 0, 0, 255, 0, 0, 0, 0, *octets("192.0.2.9")): {5: 3}, (1, 2): {5: 3}},
        "routes_new": {(1, 4, 10, 0, 0, 0, 8, 2, 0, 0, 1, 4, *octets("192.0.2.2")): {7: 3},
                       (2, 16, *([0] * 16), 0, 3, 0, 0, 7, 2, 16, *six): {7: 3}, (2, 16, 0): {7: 3},
                       (1, 4, 10, 0, 0, 0, 8, 0, 3, 8, *four, 0, 0, 0, 1): {7: 3}, (1, 4, 10): {7: 3}, (): {7: 3}},
    })  # fmt: skip
    assert leads.of(found, leads.WAYS) == [
        Lead("192.0.2.50", "lldp", "3"), Lead("192.0.2.1", "routes", "Vlan3"), Lead("192.0.2.2", "routes", "Vlan3"),
        Lead("2001:db8::1", "routes", "Vlan3"),
    ]  # fmt: skip
    assert leads.of(found, ("arp",)) == [Lead("192.0.2.50", "arp", "Vlan3")]
    assert leads.of(found, ()) == []


def test_a_judge_holds_all_limits() -> None:
    judge = Judge(
        depth=2, deepest=2, left=1, limit=9, ranges=spans("10.0.0.0/8"), permitted=spans("10.0.0.0/8, 192.0.2.0/24"),
        excluded=spans("10.0.0.9"), known={"10.0.0.1"},
    )  # fmt: skip

    def of(address: str) -> str | None:
        judged = judge.of(Lead(address, "cdp", ""), "r1")
        return judged[0] if judged else None

    # The own range does not open what the settings close, nor the other way round.
    assert [of(one) for one in ("10.0.0.1", "127.0.0.1", "10.0.0.9", "192.0.2.1", "172.16.0.1", "10.0.0.2", "10.0.0.2",
                                "10.0.0.3")] == [
        None, None, "excluded", "out_of_range", "not_allowed", "queued", None, "over_limit"
    ]  # fmt: skip
