"""What one poll asks a device for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from mainstay.modules.monitoring.discovery.reading import IF, IFX, PROCESSOR, STORAGE, SYSTEM, text, value
from mainstay.modules.monitoring.polling import plan as means
from mainstay.modules.monitoring.polling.known import Known, Source
from mainstay.modules.monitoring.polling.plan import Key, Plan
from mainstay.modules.monitoring.polling.readings import Reading
from mainstay.modules.monitoring.snmp import ber
from mainstay.modules.monitoring.snmp.ber import Oid, Varbind
from mainstay.modules.monitoring.snmp.client import Access, Client
from mainstay.modules.monitoring.snmp.lines import Lines
from mainstay.modules.monitoring.templates.statistics import COLUMN, COUNTER, Statistic, numbers

OBJECT_ID, DESCRIPTION = (*SYSTEM, 2, 0), (*SYSTEM, 1, 0)
OCTETS = {"in": (6, 10), "out": (10, 16)}
"""ifHCInOctets and ifHCOutOctets; where a device has not got them, ifInOctets and ifOutOctets."""
LOSSES = {"if_in_discards": 13, "if_in_errors": 14, "if_out_discards": 19, "if_out_errors": 20}
BGP_STATE, BGP_ADMIN = (1, 3, 6, 1, 2, 1, 15, 3, 1, 2), (1, 3, 6, 1, 2, 1, 15, 3, 1, 3)
STOPPED, ESTABLISHED = 1, 6
MEMORY, DISKS = (2,), (4, 5, 9, 10)

Measures = Callable[[str, str], Sequence[Statistic]]
"""What else to measure on a device with this sysObjectID and this description."""


async def ask(
    address: str, access: Access, measures: Measures | None = None, known: Known | None = None,
    lines: Lines | None = None,
) -> Reading:  # fmt: skip
    """One poll. ``known``: of the polls before; it is brought up to date. ``lines``: sockets that are kept.

    Raises ``SnmpError`` when the device does not answer.
    """
    known = known if known is not None else Known()
    known.meet(address, access)
    async with Client(address, access, known.peer, lines) as client:
        device = Source(client, known)
        columns = await device.at_once() if _current(known, measures) else None
        if columns is None:
            await device.begin()
            columns = device.end(await _learned(device, known, measures))
    return known.plan.read(columns, device.up_ticks)


def _current(known: Known, measures: Measures | None) -> bool:
    """Whether the plan is for what is measured on such a device now."""
    if measures is None:
        return not known.plan.statistics
    return known.said is not None and tuple(measures(*known.said)) == known.plan.statistics


async def _learned(device: Source, known: Known, measures: Measures | None) -> Plan:
    """What the device has, and what that means."""
    made = Plan()
    loads = await device.numbered((*PROCESSOR, 2))
    if loads:
        made.steps.append(means.mean((*PROCESSOR, 2), ("cpu", "")))
    await _storage(device, made)
    await _interfaces(device, made)
    await _peers(device, made)
    if measures is not None:
        said = [await device.single(name, once=True) for name in (OBJECT_ID, DESCRIPTION)]
        object_id, description = (text(value(item)) if item is not None else "" for item in said)
        known.said = object_id, description
        made.statistics = tuple(measures(object_id, description))
        for one in made.statistics:
            await _statistic(device, made, one)
    return made


async def _statistic(device: Source, made: Plan, one: Statistic) -> None:
    """What a template measures."""
    made.scales[one.key] = one.scale
    keys: list[Key] = []
    if one.type == COLUMN:
        names = await device.rows(numbers(one.label_oid), once=True) if one.label_oid else {}
        rows = await device.rows(one.numbers)
        for index in rows:
            part = text(value(names[index]))[:200] if index in names else ""
            keys.append((one.key, part or ".".join(map(str, index))))
        tags = {item[1] for item in rows.values()}
    else:
        single = await device.single(one.numbers)
        if single is not None:
            keys.append((one.key, ""))
        tags = set() if single is None else {single[1]}
    if not keys:
        return
    if one.kind == COUNTER:
        made.steps.append(means.counts(one.numbers, keys, 64 if ber.COUNTER64 in tags else 32))
    else:
        made.steps.append(means.amounts(one.numbers, keys, one.scale))


async def _peers(device: Source, made: Plan) -> None:
    """BGP sessions by the address of the peer: established or not (BGP4-MIB, RFC 4273)."""
    states = await device.rows(BGP_STATE)
    if states:
        places = {index: at for at, index in enumerate(await device.rows(BGP_ADMIN))}
        rows = [
            (("bgp_peer", ".".join(map(str, index))), at, places.get(index, -1))
            for at, index in enumerate(states)
            if len(index) == 4
        ]
        made.steps.append(means.sessions(BGP_STATE, BGP_ADMIN, rows, ESTABLISHED, STOPPED))


async def _storage(device: Source, made: Plan) -> None:
    sizes, used = (*STORAGE, 5), (*STORAGE, 6)
    if not await device.numbered(sizes):
        return
    kinds = await device.numbered((*STORAGE, 2), once=True)
    names = await device.numbered((*STORAGE, 3), once=True)
    places = {index: at for at, index in enumerate(await device.rows(used))}
    rows: list[tuple[Key, int, int]] = []
    for at, index in enumerate(await device.rows(sizes)):
        kind = _text(kinds, index).rpartition(".")[2]
        if kind.isdigit():
            metric = "memory" if int(kind) in MEMORY else "storage" if int(kind) in DISKS else ""
            if metric:
                rows.append(((metric, _text(names, index)[:200]), at, places.get(index, -1)))
    made.steps.append(means.shares(sizes, used, rows))


def _text(column: Mapping[int, Varbind], index: Oid) -> str:
    item = column.get(index[0]) if len(index) == 1 else None
    return text(value(item)) if item is not None else ""


async def _interfaces(device: Source, made: Plan) -> None:
    names = await device.numbered((*IFX, 1), once=True) or await device.numbered((*IF, 2), once=True)
    if not names:
        return
    # By name: the number of an interface may be another one after the device has started again.
    called = {index: text(value(name))[:200] or str(index) for index, name in names.items()}

    async def named(top: Oid) -> list[str | None]:
        return [called.get(index[0]) if len(index) == 1 else None for index in await device.rows(top)]

    async def keys(metric: str, top: Oid) -> list[Key | None]:
        return [None if name is None else (metric, name) for name in await named(top)]

    speeds, up = (*IFX, 15), (*IF, 8)
    made.steps.append(means.speeds(speeds, await named(speeds)))
    for way, (wide, narrow) in OCTETS.items():
        found = bool(await device.numbered((*IFX, wide)))
        top: Oid = (*IFX, wide) if found else (*IF, narrow)
        made.steps.append(means.counts(top, await keys(f"if_{way}", top), 64 if found else 32))
    for metric, column in LOSSES.items():
        made.steps.append(means.counts((*IF, column), await keys(metric, (*IF, column)), 32))
    made.steps.append(means.states(up, await keys("if_up", up), 1))
