"""What one poll asks a device for."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from mainstay.modules.monitoring.discovery.reading import IF, IFX, PROCESSOR, STORAGE, SYSTEM, number, text, value
from mainstay.modules.monitoring.polling.known import Known, Source
from mainstay.modules.monitoring.polling.readings import Counter
from mainstay.modules.monitoring.snmp import ber
from mainstay.modules.monitoring.snmp.client import Access, Client
from mainstay.modules.monitoring.templates.statistics import COLUMN, COUNTER, Statistic, numbers

OBJECT_ID, DESCRIPTION = (*SYSTEM, 2, 0), (*SYSTEM, 1, 0)
OCTETS = {"in": (6, 10), "out": (10, 16)}
"""ifHCInOctets and ifHCOutOctets; where a device has not got them, ifInOctets and ifOutOctets."""
LOSSES = {"if_in_discards": 13, "if_in_errors": 14, "if_out_discards": 19, "if_out_errors": 20}
BGP_STATE, BGP_ADMIN = (1, 3, 6, 1, 2, 1, 15, 3, 1, 2), (1, 3, 6, 1, 2, 1, 15, 3, 1, 3)
STOPPED, ESTABLISHED = 1, 6
MEMORY, SWAP, DISKS = (2,), (3,), (4, 5, 9, 10)


@dataclass(slots=True)
class Reading:
    """What a device answered to one poll."""

    up_ticks: int | None = None
    gauges: dict[tuple[str, str], float] = field(default_factory=dict)
    counters: dict[tuple[str, str], Counter] = field(default_factory=dict)
    speeds: dict[str, float] = field(default_factory=dict)
    """Octets a second, by interface."""
    scales: dict[str, float] = field(default_factory=dict)
    """What the rates of a template's counters are multiplied with, by measurement."""


Measures = Callable[[str, str], Sequence[Statistic]]
"""What else to measure on a device with this sysObjectID and this description."""


async def ask(address: str, access: Access, measures: Measures | None = None, known: Known | None = None) -> Reading:
    """One poll. ``known``: of the polls before; it is brought up to date.

    Raises ``SnmpError`` when the device does not answer.
    """
    found = Reading()
    known = known if known is not None else Known()
    known.meet(address, access)
    async with Client(address, access, known.peer) as client:
        device = Source(client, known)
        await device.begin()
        found.up_ticks = device.up_ticks
        loads = [number(raw) for raw in (await device.numbered((*PROCESSOR, 2))).values()]
        if loads:
            found.gauges["cpu", ""] = sum(loads) / len(loads)
        await _storage(device, found)
        await _interfaces(device, found)
        await _peers(device, found)
        if measures is not None:
            said = [await device.single(name, fixed=True) for name in (OBJECT_ID, DESCRIPTION)]
            for one in measures(*(text(value(item)) if item is not None else "" for item in said)):
                await _statistic(device, found, one)
        device.end()
    return found


async def _statistic(device: Source, found: Reading, one: Statistic) -> None:
    """What a template measures."""
    found.scales[one.key] = one.scale
    if one.type == COLUMN:
        names = await device.rows(numbers(one.label_oid), fixed=True) if one.label_oid else {}
        for index, item in (await device.rows(one.numbers)).items():
            part = text(value(names[index]))[:200] if index in names else ""
            _measure(found, one, part or ".".join(map(str, index)), item)
        return
    single = await device.single(one.numbers)
    if single is not None:
        _measure(found, one, "", single)


def _measure(found: Reading, one: Statistic, part: str, item: ber.Varbind) -> None:
    if item[1] in ber.EXCEPTIONS:
        return
    raw = value(item)
    if one.kind == COUNTER:
        if isinstance(raw, int) and raw >= 0:
            found.counters[one.key, part] = Counter(raw, 64 if item[1] == ber.COUNTER64 else 32)
        return
    try:
        # Some agents hold numbers as text, such as a load of "0.17".
        amount = float(raw)
    except (TypeError, ValueError):
        return
    if math.isfinite(amount):
        found.gauges[one.key, part] = amount * one.scale


async def _peers(device: Source, found: Reading) -> None:
    """BGP sessions by the address of the peer: established or not (BGP4-MIB, RFC 4273)."""
    states = await device.rows(BGP_STATE)
    wanted = await device.rows(BGP_ADMIN) if states else {}
    for index, item in states.items():
        # What was shut down on purpose is no failure.
        if len(index) == 4 and not (index in wanted and value(wanted[index]) == STOPPED):
            found.gauges["bgp_peer", ".".join(map(str, index))] = 1.0 if value(item) == ESTABLISHED else 0.0


async def _storage(device: Source, found: Reading) -> None:
    sizes = await device.numbered((*STORAGE, 5))
    if not sizes:
        return
    kinds = await device.numbered((*STORAGE, 2), fixed=True)
    names = await device.numbered((*STORAGE, 3), fixed=True)
    used = await device.numbered((*STORAGE, 6))
    for index, size in sizes.items():
        kind = text(kinds.get(index)).rpartition(".")[2]
        if number(size) > 0 and kind.isdigit():
            metric = "memory" if int(kind) in MEMORY else "storage" if int(kind) in DISKS else ""
            if metric:
                part = (metric, text(names.get(index))[:200])
                found.gauges[part] = min(100.0, 100 * max(0, number(used.get(index))) / number(size))


async def _interfaces(device: Source, found: Reading) -> None:
    names = await device.numbered((*IFX, 1), fixed=True) or await device.numbered((*IF, 2), fixed=True)
    if not names:
        return
    # By name: the number of an interface may be another one after the device has started again.
    called = {index: text(name)[:200] or str(index) for index, name in names.items()}
    for index, raw in (await device.numbered((*IFX, 15))).items():
        if number(raw) > 0 and index in called:
            found.speeds[called[index]] = number(raw) * 125_000.0
    for way, (wide, narrow) in OCTETS.items():
        columns = (await device.numbered((*IFX, wide)), 64)
        if not columns[0]:
            columns = (await device.numbered((*IF, narrow)), 32)
        _count(found, called, f"if_{way}", *columns)
    for metric, column in LOSSES.items():
        _count(found, called, metric, await device.numbered((*IF, column)), 32)
    for index, raw in (await device.numbered((*IF, 8))).items():
        if index in called:
            found.gauges["if_up", called[index]] = 1.0 if raw == 1 else 0.0


def _count(found: Reading, called: dict[int, str], metric: str, column: dict[int, object], bits: int) -> None:
    for index, raw in column.items():
        if isinstance(raw, int) and raw >= 0 and index in called:
            found.counters[metric, called[index]] = Counter(raw, bits)
