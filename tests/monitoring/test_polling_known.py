"""Rows of tables are learned once, then asked by name, and learned anew when the device has others."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest

from mainstay.modules.monitoring.polling.asking import ask
from mainstay.modules.monitoring.polling.known import BUDGET, Known
from mainstay.modules.monitoring.snmp import ber, message
from mainstay.modules.monitoring.snmp.batch import Batch, Refused, batches
from mainstay.modules.monitoring.snmp.ber import Malformed, Oid
from mainstay.modules.monitoring.snmp.client import Access, Client, NoAnswer, SnmpError
from mainstay.modules.monitoring.snmp.lines import Lines
from mainstay.modules.monitoring.snmp.message import GET, V2C, Pdu
from mainstay.modules.monitoring.templates.statistics import parse
from tests.monitoring.netsnmp import free_port
from tests.monitoring.scripted import honest, serving, system, text, whole

IF, IFX = (1, 3, 6, 1, 2, 1, 2, 2, 1), (1, 3, 6, 1, 2, 1, 31, 1, 1, 1)
UP_TIME, CHANGED, FAN = (1, 3, 6, 1, 2, 1, 1, 3, 0), (1, 3, 6, 1, 2, 1, 31, 1, 5, 0), (1, 3, 6, 1, 4, 1, 9, 5, 1)
HOST = "127.0.0.121"


def ticks(number: int) -> tuple[int, bytes]:
    return ber.TIME_TICKS, number.to_bytes(4, "big")


class Switch:
    """A device whose values a test changes, and which remembers how it was asked."""

    def __init__(self, *ports: str) -> None:
        self.values: dict[Oid, tuple[int, bytes]] = {**system("sw"), UP_TIME: ticks(1000), CHANGED: ticks(10)}
        for index, name in enumerate(ports, 1):
            self.put(index, name)
        self.asked: Counter[int] = Counter()
        self.most = 10_000
        self.silent = False

    def put(self, index: int, name: str, count: int = 5) -> None:
        self.values |= {
            (*IFX, 1, index): text(name), (*IFX, 6, index): (ber.COUNTER64, count.to_bytes(8, "big")),
            (*IF, 8, index): whole(1),
        }  # fmt: skip

    def take(self, index: int) -> None:
        self.values = {name: value for name, value in self.values.items() if name[-1] != index or name[:-2] not in
                       (IF, IFX)}  # fmt: skip

    def __call__(self, pdu: Pdu) -> Any:
        self.asked[pdu.kind] += 1
        if len(pdu.varbinds) > self.most:
            return None
        return None if self.silent else honest(self.values)(pdu)


@pytest.fixture
async def polled() -> AsyncIterator[tuple[Switch, Any]]:
    switch, port, known = Switch("Gi1", "Gi2"), free_port(), Known()
    access = Access(community="public", port=port, timeout=0.2, retries=0)

    async def poll(*statistics: dict[str, Any]) -> Any:
        switch.asked.clear()
        measures = (lambda _oid, _descr: [parse(one) for one in statistics]) if statistics else None
        return await ask(HOST, access, measures, known)

    poll.known = known  # type: ignore[attr-defined]
    async with serving(HOST, port, switch):
        yield switch, poll


def walks(switch: Switch) -> int:
    return switch.asked[message.GET_BULK]


async def test_the_second_poll_is_one_question(polled: tuple[Switch, Any]) -> None:
    switch, poll = polled
    first = await poll()
    assert walks(switch) > 5
    switch.put(1, "Gi1", 9)
    second = await poll()
    assert switch.asked == {GET: 1}
    assert set(second.counters) == set(first.counters) == {("if_in", "Gi1"), ("if_in", "Gi2")}
    assert (first.counters["if_in", "Gi1"].value, second.counters["if_in", "Gi1"].value) == (5, 9)
    assert second.gauges == first.gauges == {("if_up", "Gi1"): 1.0, ("if_up", "Gi2"): 1.0}
    assert second.up_ticks == 1000


async def test_rows_are_learned_anew_when_the_device_has_others(polled: tuple[Switch, Any]) -> None:
    switch, poll = polled
    await poll()
    # Two ports have changed places, as after a restart.
    switch.put(1, "Gi2", 20)
    switch.put(2, "Gi1", 10)
    switch.values[UP_TIME] = ticks(5)
    found = await poll()
    assert walks(switch) > 5
    assert {part: one.value for (_metric, part), one in found.counters.items()} == {"Gi1": 10, "Gi2": 20}
    # One more, and the device says when its interfaces changed.
    switch.put(3, "Gi3")
    await poll()
    assert walks(switch) == 0
    switch.values[CHANGED] = ticks(20)
    assert ("if_up", "Gi3") in (await poll()).gauges
    # One is gone, and nothing says so.
    switch.take(2)
    found = await poll()
    assert ("if_up", "Gi1") not in found.gauges
    assert ("if_up", "Gi3") in found.gauges
    await poll()
    assert switch.asked == {GET: 1}
    # After a while in any case.
    poll.known.until = 0.0
    await poll()
    assert walks(switch) > 5


async def test_what_a_template_measures_is_asked_with_the_rest(polled: tuple[Switch, Any]) -> None:
    switch, poll = polled
    switch.values |= {(*FAN, 1, 1): text("front"), (*FAN, 2, 1): whole(4200), (*FAN, 3, 0): whole(21)}
    dotted = ".".join(map(str, FAN))
    fans = {"key": "fan", "oid": f"{dotted}.2", "type": "column", "label_oid": f"{dotted}.1"}
    heat = {"key": "heat", "oid": f"{dotted}.3.0"}
    await poll()
    found = await poll(fans, heat)
    assert (found.gauges["fan", "front"], found.gauges["heat", ""]) == (4200, 21)
    switch.values[(*FAN, 2, 1)] = whole(4100)
    found = await poll(fans, heat)
    assert (switch.asked, found.gauges["fan", "front"]) == ({GET: 1}, 4100)
    # What is not measured any more is not asked any more.
    await poll()
    await poll()
    assert all(top[: len(FAN)] != FAN for top in poll.known.columns)


async def test_answers_that_do_not_get_through_are_asked_in_smaller_parts(polled: tuple[Switch, Any]) -> None:
    switch, poll = polled
    for index in range(3, 40):
        switch.put(index, f"Gi{index}")
    first = await poll()
    assert len(poll.known.packets) > 1
    switch.most = max(len(packet.items) for packet in poll.known.packets) * 2 // 3
    found = await poll()
    assert found.counters.keys() == first.counters.keys()
    assert poll.known.budget == BUDGET // 2
    await poll()
    assert walks(switch) == 0
    # A device that is not there is no reason to ask for less.
    switch.silent = True
    with pytest.raises(NoAnswer):
        await poll()
    switch.silent = False
    await poll()
    assert poll.known.budget == BUDGET // 2


async def test_a_device_that_denies_what_it_told_is_walked(polled: tuple[Switch, Any]) -> None:
    switch, _poll = polled
    port = free_port()
    access, known = Access(community="public", port=port, timeout=0.2, retries=0), Known()

    def two_faced(pdu: Pdu) -> Any:
        found = switch(pdu)
        if pdu.kind != GET or len(pdu.varbinds) == 1:
            return found
        return [(name, ber.NO_SUCH_INSTANCE, b"") for name, _tag, _value in found]

    async with serving(HOST, port, two_faced):
        for _ in range(4):
            found = await ask(HOST, access, None, known)
            assert ("if_in", "Gi1") in found.counters
        assert known.misled == 2


async def test_another_device_at_the_address_is_not_taken_for_the_first(polled: tuple[Switch, Any]) -> None:
    _switch, poll = polled
    await poll()
    before = poll.known.columns
    poll.known.meet(HOST, Access(community="other", port=poll.known.who[1]))
    assert (poll.known.columns, poll.known.packets) == ({}, [])
    assert before


NAMES = [ber.oid_bytes((*IF, column, 300)) for column in (10, 16)]


def answer(items: list[ber.Varbind], request_id: int = 77, status: int = 0) -> bytes:
    return message.encode(V2C, b"public", Pdu(message.RESPONSE, request_id, status, 0, items))


def read(batch: Batch, packet: bytes, request_id: int = 77) -> list[tuple[int, bytes]] | None:
    found = batch.values(packet, request_id)
    return None if found is None else list(zip(found.tags, found.contents, strict=True))


def test_a_batch_reads_what_answers_it_and_nothing_else() -> None:
    batch = Batch(NAMES)
    asked = message.decode(batch.request(V2C, b"public", 77))
    assert (asked.pdu.kind, asked.pdu.request_id, asked.pdu.varbinds) == (GET, 77, batch.items)  # type: ignore[union-attr]
    one, two = (NAMES[0], ber.COUNTER32, b"\x05"), (NAMES[1], ber.OCTET_STRING, b"x" * 200)
    assert read(batch, answer([one, two])) == [one[1:], two[1:]]
    # In another order, and without one of them.
    assert read(batch, answer([two, one])) == [one[1:], two[1:]]
    assert read(batch, answer([one])) == [one[1:], (ber.NO_SUCH_INSTANCE, b"")]
    assert read(batch, answer([one, two]), 78) is None
    assert batch.values(message.encode(V2C, b"public", Pdu(GET, 77, 0, 0, [one])), 77) is None
    with pytest.raises(Refused):
        batch.values(answer([one, two], status=1), 77)


def test_an_answer_in_the_form_of_the_last_one() -> None:
    batch, number = Batch(NAMES), 2**24
    for first, second in ((b"\x05", b"\x01\x02"), (b"\x06", b"\xff\x03"), (b"\x07", b"\x01"), (b"\x08", b"\x02")):
        number += 1
        packet = answer([(NAMES[0], ber.COUNTER32, first), (NAMES[1], ber.INTEGER, second)], number)
        assert read(batch, packet, number) == [(ber.COUNTER32, first), (ber.INTEGER, second)]
        assert read(batch, packet, number + 1) is None
    # Of the same lengths, and yet something else: another name, another kind of value, an error.
    other = (*NAMES[1][:-1], NAMES[1][-1] ^ 1)
    packet = answer([(NAMES[0], ber.COUNTER32, b"\x09"), (bytes(other), ber.INTEGER, b"\x02")], number)
    assert read(batch, packet, number) == [(ber.COUNTER32, b"\x09"), (ber.NO_SUCH_INSTANCE, b"")]
    packet = answer([(NAMES[0], ber.GAUGE32, b"\x09"), (NAMES[1], ber.INTEGER, b"\x02")], number)
    assert read(batch, packet, number) == [(ber.GAUGE32, b"\x09"), (ber.INTEGER, b"\x02")]
    with pytest.raises(Refused):
        read(batch, answer([(NAMES[0], ber.COUNTER32, b"\x09"), (NAMES[1], ber.INTEGER, b"\x02")], number, 5), number)


@pytest.mark.parametrize("before", [False, True])
def test_damaged_answers_are_malformed_or_read_as_by_the_decoder(before: bool) -> None:
    number = 2**24 + 77
    packet = answer([(NAMES[0], ber.COUNTER32, b"\x05"), (NAMES[1], ber.COUNTER64, b"\x01\x02")], number)
    for at in range(len(packet)):
        for bit in range(8):
            raw, batch = bytearray(packet), Batch(NAMES)
            if before:
                assert read(batch, packet, number)
            raw[at] ^= 1 << bit
            try:
                found = batch.values(bytes(raw), number)
                pdu = message.decode(bytes(raw)).pdu  # type: ignore[union-attr]
            except (Malformed, Refused):
                continue
            if found is not None and isinstance(pdu, Pdu):
                wanted = batch.ordered(pdu.varbinds)
                assert (found.tags, list(found.contents)) == (wanted.tags, list(wanted.contents))


def test_batches_hold_what_fits_into_a_packet() -> None:
    made = batches([ber.oid_bytes((*IFX, 6, index)) for index in range(1, 200)], BUDGET)
    assert sum(len(batch.items) for batch in made) == 199
    full = [(item[0], ber.COUNTER64, b"\xff" * 8) for item in made[0].items]
    assert 1000 < len(answer(full)) < 1472


async def test_an_error_names_what_it_is_about() -> None:
    port = free_port()
    async with serving(HOST, port, lambda _pdu: None), Client(HOST, Access(port=port, timeout=0.02, retries=0)) as one:
        with pytest.raises(SnmpError, match="did not answer"):
            await one.get_batch(Batch(NAMES))


async def test_values_mean_the_same_walked_and_asked_at_once() -> None:
    storage, processor, peers = (1, 3, 6, 1, 2, 1, 25, 2, 3, 1), (1, 3, 6, 1, 2, 1, 25, 3, 3, 1, 2), (
        1, 3, 6, 1, 2, 1, 15, 3, 1)  # fmt: skip
    ram, disc = ((1, 3, 6, 1, 2, 1, 25, 2, 1, kind) for kind in (2, 4))
    values: dict[Oid, tuple[int, bytes]] = {
        **system("box"), UP_TIME: ticks(70_000), (*processor, 1): whole(10), (*processor, 2): whole(200),
        (*storage, 2, 1): (ber.OBJECT_IDENTIFIER, ber.oid_bytes(ram)),
        (*storage, 2, 2): (ber.OBJECT_IDENTIFIER, ber.oid_bytes(disc)),
        (*storage, 3, 1): text("RAM"), (*storage, 3, 2): text("/"), (*storage, 5, 1): whole(1000),
        (*storage, 5, 2): whole(0), (*storage, 6, 1): whole(-5), (*storage, 6, 2): whole(7),
        (*IF, 2, 1): text("eth0"), (*IF, 2, 2): text("eth1"), (*IF, 10, 1): (ber.COUNTER32, b"\x01\x00"),
        (*IF, 10, 2): (ber.COUNTER32, b"\x00\xff\xff\xff\xff"), (*IF, 14, 2): (ber.COUNTER32, b"\x02"),
        (*IF, 8, 1): whole(1), (*IF, 8, 2): whole(2), (*IFX, 15, 1): (ber.GAUGE32, b"\x64"),
        (*peers, 2, 10, 0, 0, 1): whole(6), (*peers, 2, 10, 0, 0, 2): whole(3), (*peers, 2, 10, 0, 0, 3): whole(1),
        (*peers, 3, 10, 0, 0, 1): whole(2), (*peers, 3, 10, 0, 0, 3): whole(1),
        (*FAN, 1, 0): text("0.17"), (*FAN, 2, 0): whole(-40), (*FAN, 3, 0): text("n/a"),
    }  # fmt: skip
    dotted = ".".join(map(str, FAN))
    own = [parse({"key": f"own_{at}", "oid": f"{dotted}.{at}.0", "scale": 0.5}) for at in (1, 2, 3)]
    port, known, found, lines = free_port(), Known(), [], Lines()
    access = Access(community="public", port=port, timeout=0.5, retries=0)
    kinds: Counter[int] = Counter()

    def answer(pdu: Pdu) -> Any:
        kinds[pdu.kind] += 1
        return honest(values)(pdu)

    async with serving(HOST, port, answer):
        for _ in range(3):
            kinds.clear()
            found.append(await ask(HOST, access, lambda _oid, _descr: own, known, lines))
    lines.close()
    assert kinds == {GET: 1}
    assert found[0] == found[1] == found[2]
    assert found[0].up_ticks == 70_000
    assert found[0].gauges == {
        ("cpu", ""): 105.0, ("memory", "RAM"): 0.0, ("if_up", "eth0"): 1.0, ("if_up", "eth1"): 0.0,
        ("bgp_peer", "10.0.0.1"): 1.0, ("bgp_peer", "10.0.0.2"): 0.0, ("own_1", ""): 0.085, ("own_2", ""): -20.0,
    }  # fmt: skip
    assert found[0].counters == {
        ("if_in", "eth0"): (256, 32), ("if_in", "eth1"): (2**32 - 1, 32), ("if_in_errors", "eth1"): (2, 32),
    }  # fmt: skip
    assert found[0].speeds == {"eth0": 12_500_000.0}


async def test_a_line_hears_its_device_alone_and_is_kept_for_the_next() -> None:
    loop, lines = asyncio.get_running_loop(), Lines(idle=1)
    with socket.socket(type=socket.SOCK_DGRAM) as device, socket.socket(type=socket.SOCK_DGRAM) as stranger:
        for one, host in ((device, "127.0.0.122"), (stranger, "127.0.0.123")):
            one.setblocking(False)
            one.bind((host, 0))
        line = await lines.take(socket.AF_INET, device.getsockname())
        other = await lines.take(socket.AF_INET, stranger.getsockname())
        asked = asyncio.ensure_future(line.ask(b"?", 5, bytes))
        question, here = await loop.sock_recvfrom(device, 100)
        stranger.sendto(b"a stranger", here)
        device.sendto(b"the device", here)
        assert (question, await asked) == (b"?", b"the device")
        lines.give(socket.AF_INET, line)
        lines.give(socket.AF_INET, other)
        assert (line.usable, other.usable) == (True, False)
        # The next conversation is with somebody else: the device that was asked before is a stranger then.
        assert await lines.take(socket.AF_INET, stranger.getsockname()) is line
        asked = asyncio.ensure_future(line.ask(b"?", 5, bytes))
        await loop.sock_recvfrom(stranger, 100)
        device.sendto(b"late", here)
        stranger.sendto(b"in time", here)
        assert await asked == b"in time"
        lines.give(socket.AF_INET, line)
    lines.close()
    assert not line.usable
