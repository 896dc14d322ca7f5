"""Facts onto items that exist: attributes by precedence, conflicts, sightings, addresses. Set-wise."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, delete, insert, select
from sqlalchemy import update as sql_update

from mainstay.kernel import changes
from mainstay.kernel.context import Context
from mainstay.kernel.store import CHUNK
from mainstay.modules.assets.cmdb import identity, precedence
from mainstay.modules.assets.cmdb.facts import Device
from mainstay.modules.assets.cmdb.parts import CiClaim, CiSighting
from mainstay.modules.assets.cmdb.tables import Ci, CiAddress
from mainstay.modules.assets.relations import rules

LIFE = frozenset({"status", "allocation", "allocated_at"})
"""Not for sources to decide: the life cycle has legal moves."""
Changed = dict[str, tuple[list[str], list[str]]]
"""Item → fields that were changed, fields that stay in spite of the source."""


async def update(ctx: Context, source: str, devices: Sequence[Device], rows: Mapping[str, dict[str, Any]]) -> Changed:
    """Change the items by whose word counts; what loses is kept as a conflict."""
    order = await precedence.of(ctx)
    outcome: Changed = {}
    claims: list[dict[str, Any]] = []
    agreed: dict[str, list[str]] = {}
    writes: list[tuple[dict[str, Any], dict[str, Any], list[dict[str, Any]]]] = []
    for device in devices:
        row = rows[device.ci]
        values, lost, same = _decide(order, source, device, row)
        agreed[device.ci] = [*same, *_names(values)]
        outcome[device.ci] = (_names(values), sorted(lost))
        claims += [{"ci": device.ci, "attribute": name, "value": changes.plain(value)} for name, value in lost.items()]
        if values:
            diff = [changes.entry(name, row[name], value) for name, value in values.items()]
            writes.append((row, _with_origins(row, values, source), diff))
    refused = await _write(ctx, writes)
    for device in devices:
        if device.ci in refused:
            device.problems.append(refused[device.ci])
            outcome[device.ci] = ([], outcome[device.ci][1])
    await _claim(ctx, source, claims, agreed)
    return outcome


def _names(values: Mapping[str, Any]) -> list[str]:
    return sorted(name for name in values if name != "origins")


def _decide(
    order: precedence.Precedence, source: str, device: Device, row: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any], list[str]]:
    """What to write, what loses, and what agrees."""
    values: dict[str, Any] = {}
    lost: dict[str, Any] = {}
    same: list[str] = []
    extra = dict(row["custom_field_data"])
    origins = row["origins"]
    given = {**device.values, **device.extra}
    if device.one is not None:
        given["category"] = device.one.id
    for name, value in given.items():
        if name in LIFE:
            continue
        custom = name not in row
        current = extra.get(name) if custom else row[name]
        if current == value or (name == "ip_address" and current in device.addresses):
            # Of the addresses that a device has, the one that it is known by stays.
            same.append(name)
            continue
        if name in device.guesses and current not in (None, "", []):
            continue
        holder = origins.get(name, row["source"])
        default = name in ("asset_type", "criticality", "operational_status") and name not in origins
        if current in (None, "", []) or default or order.wins(name, source, holder):
            if custom:
                extra[name] = value
            else:
                values[name] = value
        else:
            lost[name] = value
    if extra != row["custom_field_data"]:
        values["custom_field_data"] = extra
    return values, lost, same


def _with_origins(row: Mapping[str, Any], values: dict[str, Any], source: str) -> dict[str, Any]:
    origins = dict(row["origins"])
    touched = [name for name in values if name != "custom_field_data"]
    if "custom_field_data" in values:
        old, new = row["custom_field_data"], values["custom_field_data"]
        touched += [name for name in {*old, *new} if old.get(name) != new.get(name)]
    for name in touched:
        if source == row["source"]:
            origins.pop(name, None)
        else:
            origins[name] = source
    return {**values, "origins": origins}


async def _write(
    ctx: Context, writes: Sequence[tuple[dict[str, Any], dict[str, Any], list[dict[str, Any]]]]
) -> dict[str, str]:
    """Store the changes with their trail; item → why it could not be."""
    if not writes:
        return {}
    problems = await identity.taken(ctx, [{**row, **values} for row, values, _diff in writes])
    refused: dict[str, str] = {}
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
    trail: list[tuple[str, int, list[dict[str, Any]]]] = []
    for (row, values, diff), problem in zip(writes, problems, strict=True):
        if problem:
            refused[row["id"]] = problem[1]
            continue
        groups[tuple(sorted(values))].append({"record": row["id"], **{f"new_{name}": values[name] for name in values}})
        trail.append((row["id"], row["version"] + 1, diff))
        row.update(values)
    table: Any = Ci.__table__
    for names, parameters in groups.items():
        statement = (
            sql_update(table)
            .where(table.c.organization == ctx.organization, table.c.id == bindparam("record"))
            .values(
                {
                    **{name: bindparam(f"new_{name}", type_=table.c[name].type) for name in names},
                    "version": table.c.version + 1,
                    "last_update_time": ctx.now,
                    "modified_by": ctx.principal.user,
                }
            )
        )
        await ctx.session.execute(statement, parameters)
    await changes.record(ctx, "ci", "update", trail)
    done = [row for row, _values, _diff in writes if row["id"] not in refused]
    if done:
        await identity.keep(ctx, done, new=False)
        fields = {item["field"]: None for _id, _version, diff in trail for item in diff}
        await rules.follow(ctx, done, fields)
    return refused


async def _claim(
    ctx: Context, source: str, claims: Sequence[dict[str, Any]], agreed: Mapping[str, Sequence[str]]
) -> None:
    """Keep what the source claims in vain; forget what it no longer claims."""
    known: dict[tuple[str, str], Any] = {}
    ids = sorted(agreed)
    for start in range(0, len(ids), CHUNK):
        query = select(CiClaim.id, CiClaim.ci, CiClaim.attribute, CiClaim.value).where(
            CiClaim.ci.in_(ids[start : start + CHUNK]), CiClaim.source == source
        )
        known.update({(row.ci, row.attribute): row for row in (await ctx.session.execute(query)).all()})
    gone = [row.id for (ci, attribute), row in known.items() if attribute in agreed.get(ci, ())]
    for start in range(0, len(gone), CHUNK):
        statement = delete(CiClaim).where(CiClaim.id.in_(gone[start : start + CHUNK]))
        await ctx.session.execute(statement.execution_options(synchronize_session=False))
    fresh, again = [], []
    for claim in claims:
        row = known.get((claim["ci"], claim["attribute"]))
        if row is None:
            fresh.append({**claim, "source": source})
        elif row.value != claim["value"]:
            again.append({"claim": row.id, "said": claim["value"]})
    if fresh:
        await ctx.session.execute(
            insert(CiClaim), [{"organization": ctx.organization, "seen": ctx.now, **claim} for claim in fresh]
        )
    if again:
        # Another value than the one that was decided about: the question is open again.
        table: Any = CiClaim.__table__
        await ctx.session.execute(
            sql_update(table)
            .where(table.c.organization == ctx.organization, table.c.id == bindparam("claim"))
            .values(value=bindparam("said", type_=table.c.value.type), seen=ctx.now, decision="open"),
            again,
        )


async def sight(ctx: Context, source: str, ids: Sequence[str]) -> None:
    """Note that the source saw these items now."""
    for start in range(0, len(ids), CHUNK):
        part = list(ids[start : start + CHUNK])
        mine = (CiSighting.ci.in_(part), CiSighting.source == source)
        have = set((await ctx.session.execute(select(CiSighting.ci).where(*mine))).scalars())
        await ctx.session.execute(
            sql_update(CiSighting).where(*mine).values(last_seen=ctx.now).execution_options(synchronize_session=False)
        )
        fresh = [
            {"organization": ctx.organization, "ci": ci, "source": source, "first_seen": ctx.now, "last_seen": ctx.now}
            for ci in part
            if ci not in have
        ]
        if fresh:
            await ctx.session.execute(insert(CiSighting.__table__), fresh)  # type: ignore[arg-type]
        seen = sql_update(Ci).where(Ci.id.in_(part)).values(last_seen=ctx.now)
        await ctx.session.execute(seen.execution_options(synchronize_session=False))


async def addresses(ctx: Context, source: str, wanted: Mapping[str, Sequence[str]]) -> set[str]:
    """Make what the source knows of the items' addresses true; returns the items whose addresses changed.

    The first address of a device is the one it is managed by: whoever had it before has it no longer.
    """
    ids = sorted(ci for ci, found in wanted.items() if found)
    have: dict[str, dict[str, Any]] = defaultdict(dict)
    for start in range(0, len(ids), CHUNK):
        query = select(CiAddress).where(CiAddress.ci.in_(ids[start : start + CHUNK]))
        for row in (await ctx.session.execute(query)).scalars():
            have[row.ci][row.address] = (row.source, row.management)
    fresh: list[dict[str, Any]] = []
    gone: list[dict[str, str]] = []
    trail: dict[str, tuple[list[str], list[str]]] = {}
    for ci in ids:
        new = [address for address in wanted[ci] if address not in have[ci]]
        old = [one for one, (by, main) in have[ci].items() if by == source and not main and one not in wanted[ci]]
        fresh += [
            {
                "organization": ctx.organization,
                "ci": ci,
                "address": address,
                "source": source,
                "last_seen": ctx.now,
                "management": address == wanted[ci][0] and not any(main for _by, main in have[ci].values()),
            }
            for address in new
        ]
        gone += [{"item": ci, "given": address} for address in old]
        if new or old:
            before = sorted(have[ci])
            trail[ci] = (before, sorted({*before, *new} - set(old)))
    table: Any = CiAddress.__table__
    if gone:
        await ctx.session.execute(
            delete(table).where(
                table.c.organization == ctx.organization,
                table.c.ci == bindparam("item"),
                table.c.address == bindparam("given"),
            ),
            gone,
        )
    if fresh:
        await ctx.session.execute(insert(table), fresh)
    for start in range(0, len(ids), CHUNK):
        seen = sql_update(CiAddress).where(CiAddress.ci.in_(ids[start : start + CHUNK])).values(last_seen=ctx.now)
        await ctx.session.execute(seen.execution_options(synchronize_session=False))
    mains = {ci: next((one for one, (_by, main) in have[ci].items() if main), wanted[ci][0]) for ci in ids}
    back = [{"item": ci, "given": one} for ci, one in mains.items() if one in have[ci] and not have[ci][one][1]]
    if back:
        await ctx.session.execute(
            sql_update(table)
            .where(
                table.c.organization == ctx.organization,
                table.c.ci == bindparam("item"),
                table.c.address == bindparam("given"),
            )
            .values(management=True),
            back,
        )
    taken = await _take_over(ctx, {one: ci for ci, one in mains.items() if one in wanted[ci]})
    entries = {ci: [changes.entry("addresses", *pair)] for ci, pair in trail.items()}
    for ci, lost in taken.items():
        entries.setdefault(ci, []).append(changes.entry("management_address", lost, None))
    await changes.record(ctx, "ci", "addresses", [(ci, 0, diff) for ci, diff in entries.items()])
    return set(trail)


async def _take_over(ctx: Context, owners: Mapping[str, str]) -> dict[str, str]:
    """Another device answers on these addresses now; item → the address it was managed by."""
    lost: dict[str, str] = {}
    every = sorted(owners)
    for start in range(0, len(every), CHUNK):
        query = select(CiAddress.address, CiAddress.ci).where(
            CiAddress.address.in_(every[start : start + CHUNK]), CiAddress.management.is_(True)
        )
        found = (await ctx.session.execute(query)).all()
        lost.update({row.ci: row.address for row in found if row.ci != owners[row.address]})
    for start in range(0, len(lost), CHUNK):
        part = list(lost)[start : start + CHUNK]
        statement = sql_update(CiAddress).where(CiAddress.ci.in_(part), CiAddress.address.in_(every))
        await ctx.session.execute(statement.values(management=False).execution_options(synchronize_session=False))
    return lost
