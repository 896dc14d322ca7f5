"""Facts from several sources become one item each: found by what identifies it, changed by whose word counts.

Set-wise: the number of statements does not depend on the number of devices. Nothing is overwritten silently: what a
source of lower precedence says otherwise is kept as a conflict, until somebody decides.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import func, select

from mainstay.kernel import numbering, store
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Invalid
from mainstay.kernel.record import new_id
from mainstay.kernel.store import CHUNK
from mainstay.modules.assets.categories import service as categories
from mainstay.modules.assets.cmdb import applying, identity, inventory, precedence, service
from mainstay.modules.assets.cmdb.behaviour import PREFIX
from mainstay.modules.assets.cmdb.facts import FALLBACK, Device, Facts, read_all
from mainstay.modules.assets.cmdb.parts import CiInterface
from mainstay.modules.assets.cmdb.tables import Ci, CiAddress
from mainstay.modules.assets.devicegroups import service as groups
from mainstay.modules.assets.relations import rules

MISSING = "missing"
WEAK = frozenset({"mac", "address", "name", *identity.SHARED})
"""Marks that do not count against a serial number or the like that says otherwise."""
Mark = tuple[str, str]
CREATED, UPDATED, UNCHANGED, REFUSED = "created", "updated", "unchanged", "refused"


class Outcome(msgspec.Struct, kw_only=True):
    """What became of one device's facts."""

    ref: str
    ci_id: str
    name: str
    what: str
    matched_by: str = ""
    changed: list[str] = []
    conflicts: list[str] = []
    """Attributes of which another source says otherwise and whose word counts more."""
    problems: list[str] = []


async def reconcile(ctx: Context, source: str, facts: Sequence[Facts], *, create: bool = True) -> list[Outcome]:
    """Bring what a source knows of devices into the CMDB; the outcomes, in the order of the facts.

    ``create``: whether devices that are not known become items.
    """
    if source not in precedence.NAMES:
        raise Invalid.field("source", f"source must be one of: {', '.join(sorted(precedence.NAMES))}.")
    devices = await read_all(ctx, facts)
    existing, spread = await _identify(ctx, devices)
    merged = _merge(devices, spread)
    rows = await _rows(ctx, sorted({device.ci for device in merged if device.ci in existing}))
    fresh = [device for device in merged if device.ci not in rows and device.matched_by != MISSING]
    known = [device for device in merged if device.ci in rows]
    made = await _create(ctx, source, fresh) if create else {}
    changed = await applying.update(ctx, source, known, rows)
    await groups.require(ctx, sorted({device.ci for device in merged if device.ci in rows or device.ci in made}))
    settled = [device for device in merged if device.ci in rows or device.ci in made]
    await applying.sight(ctx, source, [device.ci for device in settled])
    moved = await applying.addresses(ctx, source, {device.ci: device.addresses for device in settled})
    listed = await inventory.keep(ctx, source, {device.ci: device.parts for device in settled})
    await rules.software_changed(ctx, [device.ci for device in settled if "software" in device.parts])
    outcomes: dict[str, Outcome] = {}
    for device in merged:
        diff, conflicts = changed.get(device.ci, ([], []))
        diff = [*diff, *(["addresses"] if device.ci in moved else []), *listed.get(device.ci, [])]
        what = CREATED if device.ci in made else UPDATED if diff else UNCHANGED
        if device.ci not in rows and device.ci not in made:
            what, device.ci = REFUSED, ""
            if not create:
                device.problems.append("No item is identified by these facts.")
        name = (made.get(device.ci) or rows.get(device.ci) or {}).get("name", device.values.get("name", ""))
        for ref in device.refs:
            outcomes[ref] = Outcome(
                ref=ref,
                ci_id=device.ci,
                name=name,
                what=what,
                matched_by=device.matched_by,
                changed=diff,
                conflicts=conflicts,
                problems=device.problems,
            )
    return [outcomes[one.ref] for one in facts]


def referenced(facts: Sequence[Facts]) -> list[Facts]:
    """The same with a reference of their own each, so that every one gets its outcome."""
    seen: set[str] = set()
    for number, one in enumerate(facts):
        if not one.ref or one.ref in seen:
            one.ref = f"#{number}"
        seen.add(one.ref)
    return list(facts)


async def _identify(ctx: Context, devices: Sequence[Device]) -> tuple[set[str], set[Mark]]:
    """Put the item's id into each device that is one; returns the ids. The strongest mark decides.

    Returned as well: shared marks that turned out to belong to different devices, and say nothing.
    """
    held = await identity.holders(ctx, (key for device in devices for key in (*device.keys, *device.shared)))
    by_mac = await _by_mac(ctx, {mac for device in devices for mac in device.macs})
    by_address = await _by_address(ctx, {address for device in devices for address in device.addresses})
    by_name = await _by_name(ctx, {_name(device) for device in devices if _name(device)})
    given = {device.ci for device in devices if device.ci}
    weak = {ci for found in (*by_mac.values(), *by_address.values(), *by_name.values()) for ci in found}
    strong = {ci for found in held.values() for ci, _enforced in found}
    rows = await _rows(ctx, sorted(weak | given | strong))
    by_display = {row["display_id"]: key for key, row in rows.items()}
    showing = {ci for device in devices for key in device.shared for ci, _enforced in held.get(key[:2], ())}
    doubtful = {
        ci for device in devices for address in device.addresses for ci in by_address.get(address, ())
        if ci in rows and _contradicts(device, rows[ci])
    }  # fmt: skip
    their_macs = await _macs(ctx, showing | doubtful)
    spread = _spread(devices)
    for device in devices:
        for key in device.shared:
            holders = [ci for ci, _enforced in held.get(key[:2], ()) if ci in rows]
            if len(holders) > 1 or any(
                _contradicts(device, rows[ci]) or _apart(device.macs, their_macs.get(ci, set())) for ci in holders
            ):
                spread.add(key[:2])
    for device in devices:
        if device.ci:
            device.matched_by = "id"
            device.ci = by_display.get(device.ci.upper(), device.ci)
            if device.ci not in rows:
                device.problems.append(f"There is no item {device.ci[:64]!r}.")
                device.matched_by = MISSING
            continue
        candidates: list[tuple[str, str]] = []
        for key in sorted(device.keys, key=lambda key: not key.enforced):
            candidates += [(ci, key.rule) for ci, _enforced in held.get(key[:2], ())]
        votes: dict[str, int] = defaultdict(int)
        for mac in device.macs:
            for ci in by_mac.get(mac, ()):
                votes[ci] += 1
        candidates += [(ci, "mac") for ci, _n in sorted(votes.items(), key=lambda item: -item[1])]
        candidates += [(ci, "address") for address in device.addresses for ci in by_address.get(address, ())]
        for key in device.shared:
            if key[:2] not in spread:
                candidates += [(ci, key.rule) for ci, _enforced in held.get(key[:2], ())]
        if not device.keys and not device.addresses:
            candidates += [(ci, "name") for ci in by_name.get(_name(device), ())]
        for ci, by in candidates:
            if ci not in rows:
                continue
            renewed = by == "address" and _renewed(device, rows[ci], their_macs.get(ci, set()))
            if by not in WEAK or renewed or not _contradicts(device, rows[ci]):
                device.ci, device.matched_by = ci, by
                break
    return set(rows), spread


def _name(device: Device) -> str:
    return str(device.values.get("name") or "").lower()


def _contradicts(device: Device, row: Mapping[str, Any]) -> bool:
    """Whether device and item each carry a mark of the same kind, and not the same one: another device by now."""
    return bool(_differing(device, row))


def _differing(device: Device, row: Mapping[str, Any]) -> set[str]:
    mine = device.carried()
    theirs = {name: identity.clean(row.get(name)) for name in mine}
    return {name for name, value in mine.items() if theirs[name] and theirs[name] != value}


def _renewed(device: Device, row: Mapping[str, Any], macs: set[str]) -> bool:
    """Whether only the agent at an address is another: installed again, it has a new engine ID (RFC 3411, 5).

    The device is the same where its name is, and nothing else that it carries says otherwise.
    """
    names = {str(device.values.get(name) or "").lower() for name in ("name", "host_name")} - {""}
    theirs = {str(row.get(name) or "").lower() for name in ("name", "host_name")}
    return _differing(device, row) == {"engine_id"} and bool(names & theirs) and not _apart(device.macs, macs)


def _apart(mine: set[str], theirs: set[str]) -> bool:
    """Whether addresses of IEEE 802 are known of both, and none in common."""
    return bool(mine and theirs) and not mine & theirs


def _spread(devices: Sequence[Device]) -> set[Mark]:
    """Shared marks that different devices show here, so that they say nothing about any."""
    showing: dict[Mark, list[Device]] = defaultdict(list)
    for device in devices:
        for key in device.shared:
            showing[key[:2]].append(device)
    found: set[Mark] = set()
    for mark, those in showing.items():
        values: dict[str, set[str]] = defaultdict(set)
        for one in those:
            for name, value in one.carried().items():
                values[name].add(value)
        known = [one.macs for one in those if one.macs]
        if any(len(each) > 1 for each in values.values()) or any(_apart(known[0], each) for each in known[1:]):
            found.add(mark)
    return found


def _merge(devices: Sequence[Device], spread: set[Mark]) -> list[Device]:
    """One entry per device: facts of the same item, or with a common mark, are put together."""
    first: dict[Any, Device] = {}
    merged: list[Device] = []
    for device in devices:
        marks: list[Any] = [("ci", device.ci)] if device.ci else []
        marks += [key[:2] for key in device.keys]
        weak = [("mac", mac) for mac in device.macs] + [("address", one) for one in device.addresses]
        weak += [key[:2] for key in device.shared if key[:2] not in spread]
        other = next((first[mark] for mark in marks if mark in first), None)
        if other is None:
            near = (first[mark] for mark in weak if mark in first)
            other = next(
                (one for one in near if not _contradicts(device, one.values) and not (one.ci and device.ci)), None
            )
        if other is not None:
            other.join(device)
            other.ci = other.ci or device.ci
            target = other
        else:
            merged.append(device)
            target = device
        for mark in (*marks, *weak):
            first.setdefault(mark, target)
    for device in merged:
        device.ci = device.ci or new_id()
    return merged


async def _rows(ctx: Context, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    columns = {column.key: getattr(Ci, column.key) for column in Ci.__table__.columns}
    found: dict[str, dict[str, Any]] = {}
    for start in range(0, len(ids), CHUNK):
        part = list(ids[start : start + CHUNK])
        query = select(*columns.values()).where(Ci.id.in_(part) | Ci.display_id.in_([one.upper() for one in part]))
        for row in (await ctx.session.execute(query)).all():
            found[row.id] = dict(zip(columns, row, strict=True))
    return found


async def _by_mac(ctx: Context, macs: set[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    every = sorted(macs)
    for start in range(0, len(every), CHUNK):
        query = select(CiInterface.mac, CiInterface.ci).where(CiInterface.mac.in_(every[start : start + CHUNK]))
        for mac, ci in (await ctx.session.execute(query.distinct())).all():
            found[mac].append(ci)
    # What many devices share (VRRP, bonded and virtual interfaces) says nothing about which one it is.
    return {mac: cis for mac, cis in found.items() if len(cis) == 1}


async def _macs(ctx: Context, items: set[str]) -> dict[str, set[str]]:
    """The addresses of IEEE 802 that items have."""
    found: dict[str, set[str]] = defaultdict(set)
    every = sorted(items)
    for start in range(0, len(every), CHUNK):
        query = select(CiInterface.ci, CiInterface.mac).where(CiInterface.ci.in_(every[start : start + CHUNK]))
        for ci, mac in (await ctx.session.execute(query.distinct())).all():
            if identity.clean(mac):
                found[ci].add(mac)
    return found


async def _by_address(ctx: Context, addresses: set[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    every = sorted(addresses)
    for start in range(0, len(every), CHUNK):
        query = (
            select(CiAddress.address, CiAddress.ci)
            .where(CiAddress.address.in_(every[start : start + CHUNK]))
            .order_by(CiAddress.management.desc(), CiAddress.last_seen.desc())
        )
        for address, ci in (await ctx.session.execute(query)).all():
            found[address].append(ci)
    return found


async def _by_name(ctx: Context, names: set[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    every = sorted(names)
    for start in range(0, len(every), CHUNK):
        query = select(func.lower(Ci.name), Ci.id).where(func.lower(Ci.name).in_(every[start : start + CHUNK]))
        for name, ci in (await ctx.session.execute(query)).all():
            found[name].append(ci)
    return {name: cis for name, cis in found.items() if len(cis) == 1}


async def _create(ctx: Context, source: str, devices: Sequence[Device]) -> dict[str, dict[str, Any]]:
    """New items; those that cannot be are told why."""
    if not devices:
        return {}
    fallback = await categories.by_name(ctx, FALLBACK)
    rows: list[dict[str, Any] | None] = []
    for device in devices:
        one = device.one or fallback
        name = device.values.get("name") or device.values.get("host_name") or next(iter(device.addresses), "")
        if one is None or not name:
            device.problems.append("A new item needs a category." if one is None else "A new item needs a name.")
            rows.append(None)
            continue
        values = {**device.values, "name": name, "id": device.ci, "category": one.id, "source": source}
        if device.addresses and not values.get("ip_address"):
            values["ip_address"] = device.addresses[0]
        values.update(custom_field_data=device.extra, state_changed_at=ctx.now, last_seen=ctx.now)
        service.allocate(ctx, values, {})
        rows.append(values)
    ready = [row for row in rows if row is not None]
    problems = iter(await identity.taken(ctx, ready))
    good = []
    for device, row in zip(devices, rows, strict=True):
        problem = next(problems) if row is not None else None
        if problem:
            device.problems.append(problem[1])
        elif row is not None:
            good.append(row)
    first = await numbering.take(ctx, "ci", len(good)) if good else 0
    for number, row in enumerate(good, first):
        row["display_id"] = f"{PREFIX}{number:06d}"
    full = await store.add_many(ctx, Ci, good)
    await identity.keep(ctx, full, new=True)
    await service.add_addresses(ctx, full, source)
    await rules.follow(ctx, full)
    return {row["id"]: row for row in full}
