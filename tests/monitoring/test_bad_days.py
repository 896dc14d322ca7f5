"""Devices on a bad day: each ends in a clear state, nothing lost, nothing doubled."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from mainstay.modules.monitoring.polling.tables import Polled
from mainstay.modules.monitoring.snmp import ber
from tests.monitoring.netsnmp import free_port
from tests.monitoring.scripted import honest, serving, system, whole
from tests.monitoring.test_discovery import ITEMS, configure, credential, results, scan
from tests.support import World

ADDRESSES = (1, 3, 6, 1, 2, 1, 4, 20, 1)
ENGINE = (1, 3, 6, 1, 6, 3, 10, 2, 1, 1, 0)


async def polled(world: World) -> dict[str, tuple[str, bool, str]]:
    async with world.platform.work(world.organization, write=False) as ctx:
        rows = (await ctx.session.execute(select(Polled))).scalars()
        return {row.ci: (row.address, row.enabled, row.error) for row in rows}


def claims(name: str, address: str) -> dict[Any, Any]:
    """A device that says that this address is its own."""
    octets = tuple(map(int, address.split(".")))
    return {**system(name), (*ADDRESSES, 1, *octets): (ber.IP_ADDRESS, bytes(octets)),
            (*ADDRESSES, 2, *octets): whole(1)}  # fmt: skip


async def test_wrong_request_ids_and_huge_strings(world: World) -> None:
    port = free_port()
    await credential(world, port, timeout=0.2, retries=1)
    one = await configure(world, host="127.0.0.120-127.0.0.122", params={"device_seconds": 5})
    turns = iter(range(10_000))
    big = {**system("big", descr="x" * 50_000), ENGINE: (ber.OCTET_STRING, b"\x01" * 200)}
    async with (
        serving("127.0.0.120", port, honest(system("deaf")), lambda number: number + 1),
        # Each second answer is to another question: the same is asked again.
        serving("127.0.0.121", port, honest(system("absent")), lambda number: number + next(turns) % 2),
        serving("127.0.0.122", port, honest(big)),
    ):
        await scan(world, one)
        found = await results(world, id=one)
    assert found["127.0.0.120"]["result"] == "no_snmp"
    assert "no answer" in found["127.0.0.120"]["reason"]
    assert (found["127.0.0.121"]["result"], found["127.0.0.121"]["name"]) == ("added", "absent")
    assert found["127.0.0.122"]["result"] == "added"
    item = await world.get(f"{ITEMS}{found['127.0.0.122']['ci_id']}/")
    assert 0 < len(item["description"]) <= 2000
    assert len(item["engine_id"]) <= 80


async def test_two_devices_that_claim_one_address_stay_two(world: World) -> None:
    port = free_port()
    await credential(world, port, timeout=0.5, retries=1)
    one = await configure(world, host="127.0.0.123-127.0.0.124")
    async with (
        serving("127.0.0.123", port, honest(claims("left", "192.0.2.77"))),
        serving("127.0.0.124", port, honest(claims("right", "192.0.2.77"))),
    ):
        await scan(world, one)
        first = {row["name"]: row["id"] for row in (await world.get(ITEMS))["results"]}
        await scan(world, one)
    assert set(first) == {"left", "right"}
    assert {row["name"]: row["id"] for row in (await world.get(ITEMS))["results"]} == first
    found = await results(world, id=one)
    assert {address: row["name"] for address, row in found.items()} == {"127.0.0.123": "left", "127.0.0.124": "right"}
    assert {address for address, _on, _error in (await polled(world)).values()} == {"127.0.0.123", "127.0.0.124"}


async def test_a_device_replaced_under_its_address_is_polled_once(world: World) -> None:
    port = free_port()
    await credential(world, port, timeout=0.5, retries=1)
    one = await configure(world, host="127.0.0.125-127.0.0.126")
    async with serving("127.0.0.125", port, honest(system("old"))):
        await scan(world, one)
    async with serving("127.0.0.125", port, honest(system("new"))):
        await scan(world, one)
    items = {row["name"]: row["id"] for row in (await world.get(ITEMS))["results"]}
    assert set(items) == {"old", "new"}
    state = await polled(world)
    assert state[items["new"]] == ("127.0.0.125", True, "")
    assert state[items["old"]][:2] == ("127.0.0.125", False)
    assert state[items["old"]][2].startswith("Another device answers at its address now: new.")
    # Found elsewhere, it is polled again; somebody's pause would have stayed.
    async with (
        serving("127.0.0.125", port, honest(system("new"))), serving("127.0.0.126", port, honest(system("old"))),
    ):  # fmt: skip
        await scan(world, one)
    assert await polled(world) == {items["old"]: ("127.0.0.126", True, ""), items["new"]: ("127.0.0.125", True, "")}


async def test_a_credential_that_stops_working_is_told_and_nothing_is_lost(world: World) -> None:
    port = free_port()
    access = await credential(world, port, timeout=0.2, retries=0)
    one = await configure(world, host="127.0.0.127")
    async with serving("127.0.0.127", port, honest(system("kept"))):
        await scan(world, one)
        await world.patch(f"/api/credentials/{access}/", {"community": "changed"})
        await scan(world, one)
        (told,) = (await results(world, id=one)).values()
        assert (told["result"], "no credential opens it" in told["reason"]) == ("no_snmp", True)
        (item,) = (await world.get(ITEMS))["results"]
        assert item["name"] == "kept"
        assert list((await polled(world)).values()) == [("127.0.0.127", True, "")]
        await world.patch(f"/api/credentials/{access}/", {"community": "public"})
        await scan(world, one)
    (told,) = (await results(world, id=one)).values()
    assert (told["result"], told["name"]) == ("unchanged", "kept")
