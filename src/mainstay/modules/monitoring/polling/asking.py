"""What one poll asks a device for."""

from __future__ import annotations

from dataclasses import dataclass, field

from mainstay.modules.monitoring.discovery.reading import IF, IFX, PROCESSOR, STORAGE, SYSTEM, number, text, value
from mainstay.modules.monitoring.polling.readings import Counter
from mainstay.modules.monitoring.snmp import ber
from mainstay.modules.monitoring.snmp.ber import Oid
from mainstay.modules.monitoring.snmp.client import Access, Client, SnmpError

MAX_ROWS = 2000
UP_TIME = (*SYSTEM, 3, 0)
OCTETS = {"in": (6, 10), "out": (10, 16)}
"""ifHCInOctets and ifHCOutOctets; where a device has not got them, ifInOctets and ifOutOctets."""
MEMORY, SWAP, DISKS = (2,), (3,), (4, 5, 9, 10)


@dataclass(slots=True)
class Reading:
    """What a device answered to one poll."""

    up_ticks: int | None = None
    gauges: dict[tuple[str, str], float] = field(default_factory=dict)
    counters: dict[tuple[str, str], Counter] = field(default_factory=dict)
    speeds: dict[str, float] = field(default_factory=dict)
    """Octets a second, by interface."""


async def ask(address: str, access: Access) -> Reading:
    """One poll. Raises ``SnmpError`` when the device does not answer."""
    found = Reading()
    async with Client(address, access) as device:
        (up,) = await device.get([UP_TIME])
        found.up_ticks = number(value(up)) if up[1] == ber.TIME_TICKS else None
        loads = [number(raw) for raw in (await _column(device, (*PROCESSOR, 2))).values()]
        if loads:
            found.gauges["cpu", ""] = sum(loads) / len(loads)
        await _storage(device, found)
        await _interfaces(device, found)
    return found


async def _column(device: Client, top: Oid) -> dict[int, object]:
    try:
        items = await device.walk(top, limit=MAX_ROWS)
    except SnmpError as error:
        if "circles" in str(error) or error.status:
            return {}
        raise
    made: dict[int, object] = {}
    for item in items:
        index = ber.oid_of(item[0])[len(top) :]
        if len(index) == 1 and item[1] not in ber.EXCEPTIONS:
            made[index[0]] = value(item)
    return made


async def _storage(device: Client, found: Reading) -> None:
    sizes = await _column(device, (*STORAGE, 5))
    if not sizes:
        return
    kinds, names = await _column(device, (*STORAGE, 2)), await _column(device, (*STORAGE, 3))
    used = await _column(device, (*STORAGE, 6))
    for index, size in sizes.items():
        kind = text(kinds.get(index)).rpartition(".")[2]
        if number(size) > 0 and kind.isdigit():
            metric = "memory" if int(kind) in MEMORY else "storage" if int(kind) in DISKS else ""
            if metric:
                part = (metric, text(names.get(index))[:200])
                found.gauges[part] = min(100.0, 100 * max(0, number(used.get(index))) / number(size))


async def _interfaces(device: Client, found: Reading) -> None:
    names = await _column(device, (*IFX, 1)) or await _column(device, (*IF, 2))
    if not names:
        return
    # By name: the number of an interface may be another one after the device has started again.
    called = {index: text(name)[:200] or str(index) for index, name in names.items()}
    for index, raw in (await _column(device, (*IFX, 15))).items():
        if number(raw) > 0 and index in called:
            found.speeds[called[index]] = number(raw) * 125_000.0
    for way, (wide, narrow) in OCTETS.items():
        columns = (await _column(device, (*IFX, wide)), 64)
        if not columns[0]:
            columns = (await _column(device, (*IF, narrow)), 32)
        _count(found, called, f"if_{way}", *columns)
    for metric, column in (("if_in_errors", 14), ("if_out_errors", 20)):
        _count(found, called, metric, await _column(device, (*IF, column)), 32)
    for index, raw in (await _column(device, (*IF, 8))).items():
        if index in called:
            found.gauges["if_up", called[index]] = 1.0 if raw == 1 else 0.0


def _count(found: Reading, called: dict[int, str], metric: str, column: dict[int, object], bits: int) -> None:
    for index, raw in column.items():
        if isinstance(raw, int) and raw >= 0 and index in called:
            found.counters[metric, called[index]] = Counter(raw, bits)
