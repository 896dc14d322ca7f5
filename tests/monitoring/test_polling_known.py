"""Rows of tables are learned once, then asked by name, and learned anew when the device has others."""

from __future__ import annotations

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
    access = Access(community="public", port=port, timeout=0.05, retries=0)

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
    access, known = Access(community="public", port=port, timeout=0.05, retries=0), Known()

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


def test_a_batch_reads_what_answers_it_and_nothing_else() -> None:
    batch = Batch(NAMES)
    asked = message.decode(batch.request(V2C, b"public", 77))
    assert (asked.pdu.kind, asked.pdu.request_id, asked.pdu.varbinds) == (GET, 77, batch.items)  # type: ignore[union-attr]
    one, two = (NAMES[0], ber.COUNTER32, b"\x05"), (NAMES[1], ber.OCTET_STRING, b"x" * 200)
    assert batch.values(answer([one, two]), 77) == [one[1:], two[1:]]
    # In another order, and without one of them.
    assert batch.values(answer([two, one]), 77) == [one[1:], two[1:]]
    assert batch.values(answer([one]), 77) == [one[1:], (ber.NO_SUCH_INSTANCE, b"")]
    assert batch.values(answer([one, two]), 78) is None
    assert batch.values(message.encode(V2C, b"public", Pdu(GET, 77, 0, 0, [one])), 77) is None
    with pytest.raises(Refused):
        batch.values(answer([one, two], status=1), 77)


def test_damaged_answers_are_malformed_or_read_as_by_the_decoder() -> None:
    batch = Batch(NAMES)
    packet = answer([(NAMES[0], ber.COUNTER32, b"\x05"), (NAMES[1], ber.COUNTER64, b"\x01\x02")])
    for at in range(len(packet)):
        for bit in range(8):
            raw = bytearray(packet)
            raw[at] ^= 1 << bit
            try:
                found = batch.values(bytes(raw), 77)
                pdu = message.decode(bytes(raw)).pdu  # type: ignore[union-attr]
            except (Malformed, Refused):
                continue
            if found is not None and isinstance(pdu, Pdu):
                assert found == batch.ordered(pdu.varbinds)


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
