"""Asking one device for what it is: tables read within limits, whatever the agent on the other side does."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mainstay.modules.monitoring.mibs.values import shown
from mainstay.modules.monitoring.snmp import ber
from mainstay.modules.monitoring.snmp.ber import Malformed, Oid, Varbind
from mainstay.modules.monitoring.snmp.client import Access, Client, NoAnswer, SnmpError
from mainstay.modules.monitoring.templates import engine
from mainstay.modules.monitoring.templates.engine import Library

Row = dict[int, Any]
Table = dict[Oid, Row]

MAX_ROWS, MAX_TEXT = 5000, 1000
MAX_ASKED, AT_ONCE = 60, 12
"""Objects that identification may ask a device for, and how many of them in one question."""
SYSTEM = (1, 3, 6, 1, 2, 1, 1)
SCALARS: dict[str, Oid] = {
    "sys_descr": (*SYSTEM, 1, 0),
    "sys_object_id": (*SYSTEM, 2, 0),
    "sys_up_time": (*SYSTEM, 3, 0),
    "sys_contact": (*SYSTEM, 4, 0),
    "sys_name": (*SYSTEM, 5, 0),
    "sys_location": (*SYSTEM, 6, 0),
    "sys_services": (*SYSTEM, 7, 0),
    "engine_id": (1, 3, 6, 1, 6, 3, 10, 2, 1, 1, 0),
    "memory_kb": (1, 3, 6, 1, 2, 1, 25, 2, 2, 0),
    "chassis_kind": (1, 0, 8802, 1, 1, 2, 1, 3, 1, 0),
    "chassis_id": (1, 0, 8802, 1, 1, 2, 1, 3, 2, 0),
    "chassis_kind_2": (1, 3, 111, 2, 802, 1, 1, 13, 1, 3, 1, 0),
    "chassis_id_2": (1, 3, 111, 2, 802, 1, 1, 13, 1, 3, 2, 0),
}
OCTETS = frozenset({"engine_id", "chassis_id", "chassis_id_2"})
IF, IFX = (1, 3, 6, 1, 2, 1, 2, 2, 1), (1, 3, 6, 1, 2, 1, 31, 1, 1, 1)
IP_OLD, IP_NEW = (1, 3, 6, 1, 2, 1, 4, 20, 1), (1, 3, 6, 1, 2, 1, 4, 34, 1)
ENTITY = (1, 3, 6, 1, 2, 1, 47, 1, 1, 1, 1)
HOST = (1, 3, 6, 1, 2, 1, 25)
STORAGE, PROCESSOR, RUNNING, INSTALLED = (*HOST, 2, 3, 1), (*HOST, 3, 3, 1), (*HOST, 4, 2, 1), (*HOST, 6, 3, 1)
LLDP_MIB = (1, 0, 8802, 1, 1, 2, 1)
LLDP_PORTS, LLDP, LLDP_ADDRESSES = (*LLDP_MIB, 3, 7, 1), (*LLDP_MIB, 4, 1, 1), (*LLDP_MIB, 4, 2, 1)
LLDP_2_MIB = (1, 3, 111, 2, 802, 1, 1, 13, 1)
"""LLDP-V2-MIB (IEEE 802.1AB-2009 and later): ports are named by ifIndex, and each row by the address it was sent to."""
MIB_2 = (1, 3, 6, 1, 2, 1)
CDP, LAG, STACK = (
    (1, 3, 6, 1, 4, 1, 9, 9, 23, 1, 2, 1, 1),
    (1, 2, 840, 10006, 300, 43, 1, 2, 1, 1),
    (*MIB_2, 31, 1, 2, 1),
)
BRIDGE_PORTS, FDB, VLAN_FDB = (*MIB_2, 17, 1, 4, 1), (*MIB_2, 17, 4, 3, 1), (*MIB_2, 17, 7, 1, 2, 2, 1)
ARP_OLD, ARP_NEW = (*MIB_2, 4, 22, 1), (*MIB_2, 4, 35, 1)
ROUTES_OLD, ROUTES_NEW = (*MIB_2, 4, 24, 4, 1), (*MIB_2, 4, 24, 7, 1)
TABLES: dict[str, tuple[Oid, Sequence[int]]] = {
    "if": (IF, (2, 3, 4, 5, 6, 7, 8)),
    "ifx": (IFX, (1, 15, 18)),
    "ip_old": (IP_OLD, (2,)),
    "ip_new": (IP_NEW, (3, 4)),
    "entity": (ENTITY, (2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 16)),
    "storage": (STORAGE, (2, 3, 4, 5, 6)),
    "processor": (PROCESSOR, (2,)),
    "installed": (INSTALLED, (2, 4)),
    "running": (RUNNING, (2, 4, 6)),
    "lldp_ports": (LLDP_PORTS, (2, 3, 4)),
    "lldp": (LLDP, (4, 5, 6, 7, 8, 9, 12)),
    "lldp_addresses": (LLDP_ADDRESSES, (3,)),
    "lldp_2_ports": ((*LLDP_2_MIB, 3, 7, 1), (2, 3, 4)),
    "lldp_2": ((*LLDP_2_MIB, 4, 1, 1), (5, 6, 7, 8, 9, 10, 13)),
    "lldp_2_addresses": ((*LLDP_2_MIB, 4, 2, 1), (3,)),
    "cdp": (CDP, (6, 4, 7, 8, 9)),
    "lag": (LAG, (13,)),
    "stack": (STACK, (3,)),
    "bridge_ports": (BRIDGE_PORTS, (2,)),
    "fdb": (FDB, (2,)),
    "vlan_fdb": (VLAN_FDB, (2,)),
    "arp_old": (ARP_OLD, (2,)),
    "arp_new": (ARP_NEW, (4,)),
    # Next hops are in the index; the interface is the column that every agent has.
    "routes_old": (ROUTES_OLD, (5,)),
    "routes_new": (ROUTES_NEW, (7,)),
}
BYTES = {("if", 6), ("lldp", 5), ("lldp", 7), ("lldp", 12), ("lldp_ports", 3), ("lldp_2", 6),
         ("lldp_2", 8), ("lldp_2", 13), ("lldp_2_ports", 3), ("cdp", 4), ("cdp", 9), ("arp_old", 2),
         ("arp_new", 4)}  # fmt: skip
"""Columns of octets that are no text."""
LLDP_2 = ("lldp_2_ports", "lldp_2", "lldp_2_addresses")
"""Only where the older tables hold nothing: a device that has both says the same in them."""
PARTS_OF = {
    "software": ("installed",),
    "processes": ("running",),
    "neighbours": ("lldp_ports", "lldp", "lldp_addresses", *LLDP_2, "cdp"),
    "bridges": ("bridge_ports", "fdb", "vlan_fdb", "arp_old", "arp_new"),
}
FOLLOWED = {
    "lldp": ("lldp_ports", "lldp", "lldp_addresses", *LLDP_2, "arp_old", "arp_new"),
    "cdp": ("cdp",),
    "arp": ("arp_old", "arp_new"),
    "routes": ("routes_old", "routes_new"),
}
"""The tables that a discovery with seeds needs for each way on."""


def wanted(params: Mapping[str, Any], follow: Collection[str] = ()) -> list[str]:
    """The tables to read."""
    left_out = {name for part, names in PARTS_OF.items() if not params.get(part, True) for name in names}
    left_out |= {*FOLLOWED["routes"]}
    left_out -= {name for way in follow for name in FOLLOWED[way]}
    return [name for name in TABLES if name not in left_out]


@dataclass(slots=True)
class Answers:
    """What a device answered."""

    scalars: dict[str, Any] = field(default_factory=dict)
    tables: dict[str, Table] = field(default_factory=dict)
    values: dict[str, str] = field(default_factory=dict)
    """What the rules of identification asked for, by OID."""
    problems: list[str] = field(default_factory=list)
    """What is missing, and why."""

    def rows(self, name: str) -> Table:
        return self.tables.get(name, {})


async def read(
    address: str, access: Access, library: Library, tables: Sequence[str], seconds: float
) -> Answers:  # fmt: skip
    """Everything of one device. Raises ``SnmpError`` when it does not answer at all."""
    found = Answers()
    async with Client(address, access) as device:
        # The first question decides whether somebody is there: that is what time-out and retries are for.
        await _scalars(device, found)
        try:
            async with asyncio.timeout(seconds):
                await _asked(device, found, library)
                for name in tables:
                    found.tables[name] = {}
                    if name in LLDP_2 and found.rows("lldp"):
                        continue
                    try:
                        await _table(device, found, name)
                    except NoAnswer:
                        del found.tables[name]
                        found.problems.append(f"It stopped answering at the table {name}.")
                        break
        except TimeoutError:
            found.problems.append(f"It was not done after {seconds:.0f} seconds; the rest was left out.")
            _drop_last(found)
    if found.tables.get("if") == {}:
        found.problems.append(
            "It tells of no interfaces: this credential may read only part of it (net-snmp: the view in snmpd.conf)."
        )
    return found


async def read_tables(address: str, access: Access, names: Sequence[str], seconds: float) -> Answers:
    """Some tables of one device. Raises ``SnmpError`` when it does not answer, ``TimeoutError`` when it is too slow:
    half a table says nothing about what is not in it."""
    found = Answers()
    async with asyncio.timeout(seconds), Client(address, access) as device:
        for name in names:
            found.tables[name] = {}
            await _table(device, found, name)
    return found


def _drop_last(found: Answers) -> None:
    """A table that was cut off says nothing about what is not in it."""
    if found.tables:
        del found.tables[next(reversed(found.tables))]


async def _scalars(device: Client, found: Answers) -> None:
    names = list(SCALARS)
    for first, group in ((True, names[:7]), (False, names[7:])):
        try:
            answer = await device.get([SCALARS[name] for name in group])
        except SnmpError as error:
            # A version 1 agent refuses the whole question where one name is not there.
            if error.status != 2 and first:
                raise
            answer = await _one_by_one(device, [SCALARS[name] for name in group])
        _keep(found, group, answer)


async def _one_by_one(device: Client, names: Sequence[Oid]) -> list[Varbind]:
    found: list[Varbind] = []
    for name in names:
        try:
            found += await device.get([name])
        except SnmpError as error:
            if isinstance(error, NoAnswer):
                break
    return found


def _keep(found: Answers, group: Sequence[str], answer: Sequence[Varbind]) -> None:
    by_oid = {ber.oid_of(item[0]): item for item in answer}
    for name in group:
        item = by_oid.get(SCALARS[name])
        if item is not None and item[1] not in ber.EXCEPTIONS:
            found.scalars[name] = value(item, octets=name in OCTETS)


async def _asked(device: Client, found: Answers, library: Library) -> None:
    """What the rules want to know: first what decides between them, then what the one that holds asks for."""
    said = engine.Facts(
        sys_object_id=text(found.scalars.get("sys_object_id")), sys_descr=text(found.scalars.get("sys_descr")),
        values=found.values,
    )  # fmt: skip
    await _every(device, found, library.telling(said))
    await _every(device, found, library.wanted(said))


async def _every(device: Client, found: Answers, oids: Sequence[str]) -> None:
    fresh = [oid for oid in oids if oid not in found.values][:MAX_ASKED]
    for column in (False, True):
        names = [oid for oid in fresh if oid.endswith(".*") == column]
        for start in range(0, len(names), AT_ONCE):
            if not await _some(device, found, names[start : start + AT_ONCE]):
                return


async def _some(device: Client, found: Answers, oids: Sequence[str]) -> bool:
    """Several objects, or the first rows of several columns. False: the device does not answer any more."""
    ask = device.get_next if oids[0].endswith(".*") else device.get
    names = {oid: ber.parse_oid(oid.removesuffix(".*")) for oid in oids}
    try:
        answer = await ask(list(names.values()))
    except NoAnswer:
        return False
    except (SnmpError, Malformed):
        # A version 1 agent refuses the whole question where one name is not there.
        if len(oids) == 1:
            return True
        return all([await _some(device, found, [oid]) for oid in oids])
    for (oid, name), item in zip(names.items(), answer, strict=False):
        if item[1] not in ber.EXCEPTIONS and ber.oid_of(item[0])[: len(name)] == name:
            found.values[oid] = str(value(item))
    return True


async def _table(device: Client, found: Answers, name: str) -> None:
    root, columns = TABLES[name]
    for column in columns:
        top = (*root, column)
        try:
            items = await device.walk(top, limit=MAX_ROWS)
        except NoAnswer:
            raise
        except (SnmpError, Malformed) as error:
            found.problems.append(f"Table {name}: {str(error)[:200]}")
            del found.tables[name]
            return
        if not items and column == columns[0]:
            return  # the device has no such table
        if len(items) >= MAX_ROWS:
            found.problems.append(f"Table {name} goes on beyond {MAX_ROWS:,} rows; the rest was left out.")
        for item in items:
            index = ber.oid_of(item[0])[len(top) :]
            if index and item[1] not in ber.EXCEPTIONS:
                found.tables[name].setdefault(index, {})[column] = value(item, octets=(name, column) in BYTES)


def value(item: Varbind, *, octets: bool = False) -> Any:
    """A value as a number or as short text; octets as they are where they are no text. Never raises."""
    _name, tag, content = item
    try:
        plain = ber.plain(tag, content)
    except Malformed:
        return ""
    if isinstance(plain, bytes):
        return plain[:MAX_TEXT] if octets else shown(None, tag, content[: MAX_TEXT * 2])[:MAX_TEXT]
    return plain if isinstance(plain, int) else ("" if plain is None else str(plain)[:MAX_TEXT])


def number(raw: Any, default: int = 0) -> int:
    """A value as a number, where the device answered one."""
    return raw if isinstance(raw, int) else default


def text(raw: Any) -> str:
    """A value as text, where the device answered one."""
    if isinstance(raw, bytes):
        return raw.decode("utf-8", "replace").replace("\x00", "").strip()
    return "" if raw is None else str(raw).replace("\x00", "").strip()


def mac(raw: Any) -> str:
    """Six octets as an address of IEEE 802; else empty."""
    return ":".join(f"{octet:02x}" for octet in raw) if isinstance(raw, bytes) and len(raw) == 6 and any(raw) else ""
