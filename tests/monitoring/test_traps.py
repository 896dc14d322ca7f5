"""Traps and informs from net-snmp's tools: received, named, stored, answered, and handed to the event engine."""

from __future__ import annotations

import asyncio
import base64
import socket
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from mainstay.kernel.signals import RawEvent
from mainstay.modules.monitoring.snmp import message
from mainstay.modules.monitoring.traps import library
from mainstay.modules.monitoring.traps.receiver import TrapReceiver, engine_of
from tests.monitoring.netsnmp import AUTH_PASSWORD, LEVELS, PRIVACY_PASSWORD, options, run, user_name
from tests.support import World

PATH = "/ux/common/trap/configuration/"
CREDENTIALS = "/api/trap-credentials/"
LINK_DOWN, LINK_UP = "1.3.6.1.6.3.1.1.5.3", "1.3.6.1.6.3.1.1.5.4"
IF = "1.3.6.1.2.1.2.2.1"
_numbers = count(1)


async def community(world: World, traps: TrapReceiver, **values: Any) -> str:
    """A community of the organization's own."""
    name = f"community-{next(_numbers)}"
    await world.post(CREDENTIALS, {"name": name, "kind": "community", **{"community": name, **values}}, expect=201)
    await traps.refresh()
    return name


async def send(traps: TrapReceiver, *arguments: str, tool: str = "snmptrap") -> tuple[int, str]:
    assert traps.receiver is not None
    split = arguments.index("--")
    return await run(tool, *arguments[:split], f"127.0.0.1:{traps.receiver.port}", *arguments[split + 1 :])


def link(trap: str, index: int, status: str) -> list[str]:
    """The varbinds of a link trap, as net-snmp's tools take them."""
    number = {"up": "1", "down": "2"}[status]
    return ["1234", f".{trap}", f".{IF}.1.{index}", "i", str(index), f".{IF}.7.{index}", "i", "1",
            f".{IF}.8.{index}", "i", number, f".{IF}.2.{index}", "s", f"Gi0/{index}"]  # fmt: skip


async def until(world: World, look: Callable[[list[dict[str, Any]]], bool], **params: Any) -> list[dict[str, Any]]:
    """The received traps once they fit."""
    deadline = time.monotonic() + 10
    while True:
        found: list[dict[str, Any]] = (await world.get(f"{PATH}trap_msgs/", params=params))["results"]
        if look(found) or time.monotonic() > deadline:
            assert look(found), found
            return found
        await asyncio.sleep(0.05)


async def settled(traps: TrapReceiver) -> None:
    """Until what was received is handed on as well."""
    for _ in range(200):
        if not traps.working:
            return
        await asyncio.sleep(0.02)


@pytest.mark.usefixtures("own_rules_only")
@pytest.mark.proves(f"GET {PATH}trap_msgs/")
async def test_a_version_2_trap_is_named_stored_and_published(
    world: World, traps: TrapReceiver, raw_events: list[RawEvent]
) -> None:
    name = await community(world, traps)
    assert (await send(traps, "-v2c", "-c", name, "--", *link(LINK_DOWN, 3, "down")))[0] == 0
    (trap,) = await until(world, lambda found: len(found) == 1)
    assert (trap["name"], trap["trap_oid"], trap["version"], trap["credential"]) == ("linkDown", LINK_DOWN, "v2c", name)
    assert trap["variables"] == {"ifIndex": "3", "ifAdminStatus": "up", "ifOperStatus": "down", "ifDescr": "Gi0/3"}
    assert (trap["source"], trap["agent"], trap["resource"], trap["uptime"]) == (
        "127.0.0.1",
        "127.0.0.1",
        "Gi0/3",
        1234,
    )
    await settled(traps)
    (event,) = [item for item in raw_events if item.organization == world.organization]
    assert (event.source, event.oid, event.address, event.resource) == ("trap", LINK_DOWN, "127.0.0.1", "Gi0/3")
    assert (event.severity, event.reference) == (4, trap["id"])
    assert event.variables["ifOperStatus"] == "down"
    detail = await world.get(f"{PATH}trap_msgs/{trap['id']}/")
    got = message.decode(base64.b64decode(detail["raw"]))
    assert isinstance(got, message.Message)
    assert got.community == name.encode()
    assert detail["values"][0]["name"] == "ifIndex.3"
    found = (await world.get(f"{PATH}trap_msgs/", params={"search": "linkdown", "trap": "linkDown"}))["count"]
    assert found == 1
    assert (await world.get(f"{PATH}trap_msgs/", params={"configured": "true"}))["count"] == 0
    assert (await world.get(f"{PATH}trap_msgs/", params={"search": "coldStart"}))["count"] == 0


async def test_a_version_1_trap_takes_its_new_identity(world: World, traps: TrapReceiver) -> None:
    name = await community(world, traps)
    await send(traps, "-v1", "-c", name, "--", ".1.3.6.1.4.1.8072.3.2.10", "192.0.2.77", "3", "0", "77",
               f".{IF}.1.5", "i", "5")  # fmt: skip
    await send(traps, "-v1", "-c", name, "--", ".1.3.6.1.4.1.99999", "192.0.2.78", "6", "17", "78")
    found = {trap["trap_oid"]: trap for trap in await until(world, lambda found: len(found) == 2)}
    assert found[LINK_UP]["agent"] == "192.0.2.77"
    assert found[LINK_UP]["resource"] == "ifIndex 5"
    assert found["1.3.6.1.4.1.99999.0.17"]["agent"] == "192.0.2.78"


async def test_a_proxy_names_the_device_that_a_version_2_trap_is_about(world: World, traps: TrapReceiver) -> None:
    name = await community(world, traps)
    await send(traps, "-v2c", "-c", name, "--", "1", f".{LINK_DOWN}", ".1.3.6.1.6.3.18.1.3.0", "a", "192.0.2.9")
    (trap,) = await until(world, lambda found: len(found) == 1)
    assert (trap["source"], trap["agent"]) == ("127.0.0.1", "192.0.2.9")


async def test_an_inform_is_answered_once_stored_and_a_repetition_is_not_stored_again(
    world: World, traps: TrapReceiver
) -> None:
    name = await community(world, traps)
    code, output = await send(traps, "-v2c", "-c", name, "-t", "3", "-r", "1", "--", *link(LINK_DOWN, 4, "down"),
                              tool="snmpinform")  # fmt: skip
    assert (code, output) == (0, "")
    (trap,) = await until(world, lambda found: len(found) == 1)
    assert trap["inform"] is True
    code, output = await send(traps, "-v2c", "-c", "not-known", "-t", "0.3", "-r", "0", "--", "1", f".{LINK_DOWN}",
                              tool="snmpinform")  # fmt: skip
    assert code != 0
    packet = base64.b64decode((await world.get(f"{PATH}trap_msgs/{trap['id']}/"))["raw"])
    answers: asyncio.Queue[bytes] = asyncio.Queue()

    class Ear(asyncio.DatagramProtocol):
        def datagram_received(self, data: bytes, addr: object) -> None:
            answers.put_nowait(data)

    assert traps.receiver is not None
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        Ear, remote_addr=("127.0.0.1", traps.receiver.port)
    )
    for _ in range(3):
        transport.sendto(packet)
        got = message.decode(await asyncio.wait_for(answers.get(), 5))
        assert isinstance(got, message.Message)
        assert isinstance(got.pdu, message.Pdu)
        assert got.pdu.kind == message.RESPONSE
    transport.close()
    assert len(await until(world, lambda found: len(found) >= 2)) == 2  # the tool's own, and one from this port


@pytest.mark.parametrize(("auth", "privacy"), LEVELS, ids=lambda value: value or "none")
async def test_version_3_traps_and_informs_at_every_level(
    world: World, traps: TrapReceiver, auth: str, privacy: str
) -> None:
    name = f"{user_name(auth, privacy)}{next(_numbers)}"
    await world.post(
        CREDENTIALS,
        {"name": name, "kind": "user", "username": name, "auth_protocol": auth or None,
         "privacy_protocol": privacy or None, "auth_password": AUTH_PASSWORD, "privacy_password": PRIVACY_PASSWORD},
        expect=201,
    )  # fmt: skip
    await traps.refresh()
    with_user = options(auth, privacy)
    with_user[with_user.index("-u") + 1] = name
    code, output = await send(traps, *with_user, "-e", "0x8000000001020304", "--", *link(LINK_DOWN, 1, "down"))
    assert (code, output) == (0, "")
    (trap,) = await until(world, lambda found: len(found) == 1)
    assert (trap["version"], trap["name"], trap["resource"], trap["credential"]) == ("v3", "linkDown", "Gi0/1", name)
    code, output = await send(traps, *with_user, "-t", "3", "-r", "1", "--", *link(LINK_UP, 1, "up"), tool="snmpinform")
    assert (code, output) == (0, "")
    assert [item["name"] for item in await until(world, lambda found: len(found) == 2)] == ["linkUp", "linkDown"]


async def test_who_may_not_send_is_counted_and_shown(world: World, traps: TrapReceiver) -> None:
    name = await community(world, traps, networks="192.0.2.0/24")
    decoder = traps.decoder
    assert decoder is not None
    before = decoder.counts.refused
    await send(traps, "-v2c", "-c", name, "--", "1", f".{LINK_DOWN}")
    await send(traps, "-v2c", "-c", "wrong-community", "--", "1", f".{LINK_DOWN}")
    await world.post(CREDENTIALS, {"name": "v3", "kind": "user", "username": "trapper", "auth_protocol": "SHA",
                                   "auth_password": AUTH_PASSWORD})  # fmt: skip
    await traps.refresh()
    for user, password in (("trapper", "wrong-password"), ("stranger", AUTH_PASSWORD)):
        await send(traps, "-v3", "-l", "authNoPriv", "-u", user, "-a", "SHA", "-A", password, "-e",
                   "0x8000000001020305", "--", "1", f".{LINK_DOWN}")  # fmt: skip
    assert traps.receiver is not None
    traps.receiver.send(b"\x30\x03nonsense", ("127.0.0.1", traps.receiver.port))
    for _ in range(100):
        if decoder.counts.refused >= before + 4:
            break
        await asyncio.sleep(0.05)
    assert decoder.counts.refused == before + 4
    refused = {(item.reason, item.who) for item in decoder.strangers.values()}
    assert {
        ("unknown community", "wr*************"),
        ("wrong digest", "trapper"),
        ("unknown user", "stranger"),
    } <= refused
    assert (await world.get(f"{PATH}trap_msgs/"))["count"] == 0
    shown = await world.get(f"{PATH}statistics/")
    assert shown["listening"] is True
    assert shown["refused"] == decoder.counts.refused
    if traps.is_default(world.organization):
        assert shown["strangers"]
    else:
        assert shown["strangers"] == []


async def test_link_up_clears_link_down_of_the_same_interface(
    world: World, traps: TrapReceiver, raw_events: list[RawEvent]
) -> None:
    assert (await world.get("/ux/common/trap/configuration/"))["count"] == len(library.shipped())
    name = await community(world, traps)
    for trap, index, status in ((LINK_DOWN, 1, "down"), (LINK_DOWN, 2, "down"), (LINK_UP, 1, "up")):
        await send(traps, "-v2c", "-c", name, "--", *link(trap, index, status))
    stored = await until(world, lambda found: len(found) == 3)
    assert [item["message"] for item in reversed(stored)] == [
        "Interface Gi0/1 of 127.0.0.1 is down (asked for: up)",
        "Interface Gi0/2 of 127.0.0.1 is down (asked for: up)",
        "Interface Gi0/1 of 127.0.0.1 is up",
    ]
    assert [item["severity"] for item in reversed(stored)] == [2, 2, 0]
    await settled(traps)
    down, other, up = [item for item in raw_events if item.organization == world.organization]
    assert (down.severity, down.clear, down.resource) == (2, False, "Gi0/1")
    assert down.event_class == "Network | Link | Link Down"
    assert (up.clear, up.event_class, up.resource) == (True, down.event_class, down.resource)
    # No key: the class tells what makes two of them the same problem, whoever told of it.
    assert (down.key, up.key, other.resource) == ("", "", "Gi0/2")


async def test_a_burst_of_equal_traps_is_one_event_with_its_count(
    world: World, traps: TrapReceiver, raw_events: list[RawEvent]
) -> None:
    name = await community(world, traps)
    assert traps.receiver is not None
    items = [(bytes.fromhex("2b06010201020201010a"), 2, b"\x0a")]
    pdu = message.Pdu(message.TRAP, 1, 0, 0, [
        (message.SYS_UPTIME, 0x43, b"\x01"), (message.TRAP_OID, 6, message.STANDARD_TRAPS + b"\x03"), *items
    ])  # fmt: skip
    packet = message.encode(message.V2C, name.encode(), pdu)
    for _ in range(500):
        traps.receiver.send(packet, ("127.0.0.1", traps.receiver.port))
    await until(world, lambda found: len(found) == 500, items_per_page=500)
    await settled(traps)
    mine = [item for item in raw_events if item.organization == world.organization]
    assert sum(item.count for item in mine) == 500
    assert len(mine) < 50


async def test_a_macro_without_a_value_takes_its_brackets_along(
    world: World, traps: TrapReceiver, raw_events: list[RawEvent]
) -> None:
    name = await community(world, traps)
    bare = ["1234", f".{LINK_DOWN}", f".{IF}.1.3", "i", "3", f".{IF}.2.3", "s", "Gi0/3"]
    await send(traps, "-v2c", "-c", name, "--", *bare)
    stored = await until(world, lambda found: len(found) == 1)
    assert [item["message"] for item in stored] == ["Interface Gi0/3 of 127.0.0.1 is down"]
    await settled(traps)


def link_down(name: str, number: int = 1) -> bytes:
    """A version 2 linkDown of interface 1."""
    items = [(message.SYS_UPTIME, 0x43, b"\x01"), (message.TRAP_OID, 6, message.STANDARD_TRAPS + b"\x03"),
             (bytes.fromhex("2b060102010202010101"), 2, b"\x01")]  # fmt: skip
    return message.encode(message.V2C, name.encode(), message.Pdu(message.TRAP, number, 0, 0, items))


async def test_a_storm_of_one_sender_leaves_the_traps_of_others_whole(
    world: World, traps: TrapReceiver, raw_events: list[RawEvent]
) -> None:
    name = await community(world, traps)
    service = TrapReceiver(world.platform)
    port = await service.listen(0, limit=40, watch=False)
    quiet = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    quiet.bind(("127.0.0.2", 0))
    loud = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for number in range(1000):
        loud.sendto(link_down(name, number), ("127.0.0.1", port))
        if number % 50 == 0:
            quiet.sendto(link_down(name, number), ("127.0.0.1", port))
    for sock in (quiet, loud):
        sock.close()
    await until(world, lambda found: len(found) == 20, source="127.0.0.2", items_per_page=500)
    await service.report_storms()
    await service.stop()
    taken = (await world.get(f"{PATH}trap_msgs/", params={"source": "127.0.0.1"}))["count"]
    (storm,) = [item for item in raw_events if item.event_class == "Trap | Storm"]
    assert 200 <= taken < 600
    assert storm.organization == world.organization
    assert int(storm.variables["dropped"]) == 1000 - taken
    assert f"{1000 - taken} traps" in storm.message


async def test_the_engine_keeps_its_id_and_counts_its_starts(tmp_path: Path) -> None:
    first, second = engine_of(tmp_path), engine_of(tmp_path)
    assert second.engine_id == first.engine_id
    assert (first.boots, second.boots) == (1, 2)
    assert (first.engine_id[:5], len(first.engine_id)) == (b"\x80\x00\x00\x00\x05", 13)


async def test_public_is_for_the_first_organization_and_local_senders(world: World, traps: TrapReceiver) -> None:
    decoder = traps.decoder
    assert decoder is not None
    door = decoder.doors.by_community(b"public", "192.168.1.1")
    assert door is not None
    assert traps.is_default(door.organization)
    assert decoder.doors.by_community(b"public", "203.0.113.1") is None
    narrow = await community(world, traps, networks="192.168.0.0/16", community="public")
    found = decoder.doors.by_community(b"public", "192.168.1.1")
    assert found is not None
    assert found.organization in (world.organization, door.organization)
    await world.post(CREDENTIALS, {"name": f"{narrow}-2", "community": "public", "networks": "192.168.1.0/24"})
    await traps.refresh()
    best = decoder.doors.by_community(b"public", "192.168.1.1")
    assert best is not None
    assert best.organization == world.organization
