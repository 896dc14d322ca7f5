"""Evidence kept per item, and the links that follow from it brought up to date."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import msgspec
from sqlalchemy import delete, func, insert, or_, select

from mainstay.kernel.context import Context
from mainstay.kernel.store import CHUNK
from mainstay.modules.assets.cmdb import lookup
from mainstay.modules.assets.cmdb.parts import CiInterface
from mainstay.modules.assets.cmdb.tables import Ci, CiAddress
from mainstay.modules.assets.relations.service import Link, connect
from mainstay.modules.monitoring.topology.engine import Device, Estate, Evidence, Line, draw, marks_of
from mainstay.modules.monitoring.topology.ports import Port
from mainstay.modules.monitoring.topology.tables import TopologyEvidence, TopologyLink

KEPT = timedelta(days=30)
"""How long a link that nobody tells of any more is kept."""
SOURCE = "discovery"


async def keep(ctx: Context, told: Mapping[str, Evidence]) -> None:
    """Note what items told. What was cut off does not replace what was told in full before."""
    for part in _chunks(told):
        there = set(
            (await ctx.session.execute(select(TopologyEvidence.ci).where(TopologyEvidence.ci.in_(part)))).scalars()
        )
        fresh = [ci for ci in part if not (told[ci].partial and ci in there)]
        gone = delete(TopologyEvidence).where(TopologyEvidence.ci.in_([ci for ci in fresh if ci in there]))
        await ctx.session.execute(gone.execution_options(synchronize_session=False))
        if fresh:
            await ctx.session.execute(insert(TopologyEvidence), [
                {"organization": ctx.organization, "ci": ci, "seen": ctx.now,
                 "chassis": told[ci].chassis.strip().lower()[:255], "facts": msgspec.to_builtins(told[ci])}
                for ci in fresh
            ])  # fmt: skip


async def relate(ctx: Context, items: Collection[str]) -> int:
    """Bring the links of these items up to date; returns how many relations are new.

    Items with a neighbour that was unknown so far are looked at again: it may be an item by now.
    """
    open_ends = select(TopologyLink.near).where(TopologyLink.far == "", TopologyLink.missing_since.is_(None))
    core = set(items) | set((await ctx.session.execute(open_ends.distinct())).scalars())
    told = await _evidence(ctx, core)
    if not told:
        return 0
    others = await _recognised(ctx, told.values()) - told.keys()
    devices = {one.id: one for one in await _devices(ctx, [*told, *others])}
    told = {ci: one for ci, one in told.items() if ci in devices}
    fresh = set(told)
    # Bridge tables mean something only beside those of the other end.
    told |= {ci: one for ci, one in (await _evidence(ctx, others)).items() if ci in devices}
    lines = [line for line in draw(Estate(devices.values()), told) if fresh & set(line.told_by)]
    await _store(ctx, lines, fresh, devices)
    links = [
        Link(line.near, "connects", line.far, line.near_port[:120], line.far_port[:120],
             ", ".join(line.protocols).upper())
        for line in lines if line.far
    ]  # fmt: skip
    return await connect(ctx, links, SOURCE)


async def _evidence(ctx: Context, items: Collection[str]) -> dict[str, Evidence]:
    found: dict[str, Evidence] = {}
    for part in _chunks(items):
        query = select(TopologyEvidence.ci, TopologyEvidence.facts).where(TopologyEvidence.ci.in_(part))
        for ci, facts in (await ctx.session.execute(query)).all():
            found[ci] = msgspec.convert(facts, Evidence, strict=False)
    return found


async def _recognised(ctx: Context, told: Iterable[Evidence]) -> set[str]:
    """Items that may be meant: by address of IEEE 802, by name, by network address, by serial number or chassis."""
    wanted: dict[str, set[str]] = defaultdict(set)
    for one in told:
        for heard in one.heard:
            for kind, value in marks_of(heard):
                wanted[kind].add(value)
        wanted["mac"] |= one.bridge.keys()
        wanted["address"] |= {address for address, mac in one.arp.items() if mac in one.bridge}
    found: set[str] = set()
    name, host = func.lower(Ci.name), func.lower(Ci.host_name)
    short = func.lower(Ci.serial_number)
    for kind, columns in (
        ("mac", ((CiInterface.mac, CiInterface.ci), (Ci.chassis_id, Ci.id))),
        ("name", ((name, Ci.id), (host, Ci.id))),
        ("mark", ((short, Ci.id), (TopologyEvidence.chassis, TopologyEvidence.ci))),
    ):
        for part in _chunks(wanted[kind]):
            for column, key in columns:
                query: Any = select(key).where(column.in_(part)).distinct()
                found |= set((await ctx.session.execute(query)).scalars())
    return found | {one.id for one in (await lookup.by_address(ctx, wanted["address"])).values()}


async def _devices(ctx: Context, items: Sequence[str]) -> list[Device]:
    made: dict[str, Device] = {}
    for part in _chunks(items):
        columns = (Ci.id, Ci.name, Ci.host_name, Ci.serial_number, Ci.chassis_id, Ci.mac_address)
        for row in (await ctx.session.execute(select(*columns).where(Ci.id.in_(part)))).all():
            made[row.id] = Device(row.id, names=[row.name, row.host_name], marks=[row.serial_number, row.chassis_id],
                                  macs=[one for one in (row.chassis_id, row.mac_address) if one])  # fmt: skip
        heard = select(TopologyEvidence.ci, TopologyEvidence.chassis).where(
            TopologyEvidence.ci.in_(part), TopologyEvidence.chassis != ""
        )
        for ci, chassis in (await ctx.session.execute(heard)).all():
            if ci in made:
                made[ci].marks.append(chassis)
        for ci, address in (
            await ctx.session.execute(select(CiAddress.ci, CiAddress.address).where(CiAddress.ci.in_(part)))
        ).all():
            if ci in made:
                made[ci].addresses.append(address)
        shown = (CiInterface.ci, CiInterface.name, CiInterface.if_index, CiInterface.description, CiInterface.alias,
                 CiInterface.mac, CiInterface.kind, CiInterface.is_port, CiInterface.speed)  # fmt: skip
        ports = select(*shown).where(CiInterface.ci.in_(part), CiInterface.missing_since.is_(None))
        for ci, name, index, description, alias, mac, kind, physical, speed in (await ctx.session.execute(ports)).all():
            if ci in made:
                made[ci].ports.append(Port(name, index or 0, description, alias, mac, kind, physical, speed or 0))
    return list(made.values())


async def _store(ctx: Context, lines: Sequence[Line], fresh: set[str], devices: Mapping[str, Device]) -> None:
    known: dict[tuple[str, ...], TopologyLink] = {}
    ends = sorted({end for line in lines for end in (line.near, line.far) if end} | fresh)
    for part in _chunks(ends):
        query = select(TopologyLink).where(or_(TopologyLink.near.in_(part), TopologyLink.far.in_(part)))
        for row in (await ctx.session.execute(query)).scalars():
            known[_key(row.near, row.near_port, row.far, row.far_port, row.unknown.get("key", ""))] = row
    speeds = {(one.id, port.name): port.speed // 1_000_000 for one in devices.values() for port in one.ports}
    seen: set[tuple[str, ...]] = set()
    taken = {(line.near, line.near_port) for line in lines} | {(line.far, line.far_port) for line in lines if line.far}
    for line in lines:
        key = _key(line.near, line.near_port, line.far, line.far_port, line.unknown.key if line.unknown else "")
        if key in seen:
            continue
        seen.add(key)
        one = known.get(key)
        if one is None:
            one = TopologyLink(
                organization=ctx.organization, near=line.near, near_port=line.near_port[:255], far=line.far,
                far_port=line.far_port[:255], first_seen=ctx.now,
            )  # fmt: skip
            ctx.session.add(one)
        one.speed, one.protocols = _speed(line, speeds), line.protocols
        one.members = [list(pair) for pair in line.members]
        one.told_by, one.last_seen, one.missing_since = line.told_by, ctx.now, None
        one.unknown = msgspec.to_builtins(line.unknown) if line.unknown else {}
    gone = []
    for key, row in known.items():
        silent = key not in seen and fresh & set(row.told_by)
        if silent and not row.far and (row.near, row.near_port) in taken:
            gone.append(row.id)  # what was unknown there is known by now
        elif silent and row.missing_since is None:
            row.missing_since = ctx.now
        elif row.missing_since is not None and row.missing_since < ctx.now - KEPT:
            gone.append(row.id)
    await ctx.session.flush()
    for part in _chunks(gone):
        dropped = delete(TopologyLink).where(TopologyLink.id.in_(part))
        await ctx.session.execute(dropped.execution_options(synchronize_session=False))


def _key(near: str, near_port: str, far: str, far_port: str, unknown: str) -> tuple[str, ...]:
    return near, near_port[:255], far, far_port[:255], unknown


def _speed(line: Line, speeds: Mapping[tuple[str, str], int]) -> int:
    """Megabits a second: what the slower end does, of all members together."""
    ends = [speeds.get((line.near, line.near_port), 0), speeds.get((line.far, line.far_port), 0)]
    told = min((one for one in ends if one), default=0)
    single = [max(speeds.get((line.near, near), 0), speeds.get((line.far, far), 0)) for near, far in line.members]
    return told or sum(single)


def _chunks(given: Collection[str]) -> Iterable[list[str]]:
    ordered = sorted(given)
    for start in range(0, len(ordered), CHUNK):
        yield ordered[start : start + CHUNK]


__all__ = ["keep", "relate"]
