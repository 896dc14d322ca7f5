"""A stock-take from its template to the corrected items. Set-wise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, delete, func, insert, select, update

from mainstay.kernel import changes, links, rows, store, verbs, writing
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Conflict, Invalid
from mainstay.kernel.query import ListQuery, parse_filters
from mainstay.kernel.store import CHUNK
from mainstay.kernel.validation import BadValue, read
from mainstay.modules.assets.audits.tables import (
    CANCELLED,
    COMPLETED,
    MISMATCH,
    MISSING,
    PENDING,
    UNEXPECTED,
    VERIFIED,
    Audit,
    AuditItem,
    AuditTemplate,
)
from mainstay.modules.assets.categories import service as categories
from mainstay.modules.assets.cmdb import engine
from mainstay.modules.assets.cmdb.resource import items
from mainstay.modules.assets.cmdb.tables import Ci
from mainstay.modules.organization.locations import service as locations

COMPARED = ("location", "used_by", "department", "serial_number", "asset_tag", "status")
"""What is compared where a template says nothing."""
MAX_ITEMS = 50_000


def compared(template: AuditTemplate) -> list[str]:
    return template.compared or list(COMPARED)


def check_fields(names: Sequence[str]) -> None:
    """Raises ``Invalid`` for what items do not have or nobody can look at."""
    wrong = [name for name in names if name not in items.writable() or not items.fields[name].csv]
    if wrong:
        raise Invalid.field("compared", f"{wrong[0][:60]!r} is not a field of items that can be compared.")


async def scope(ctx: Context, template: AuditTemplate) -> list[Any]:
    """The conditions on the items that a template covers."""
    _origin, conditions = await rows.condition_of(ctx, items, ListQuery(), parse_filters(template.filters))
    if template.categories:
        known = await categories.classes(ctx)
        wanted = {one for key in template.categories if key in known for one in categories.below(known, key)}
        conditions.append(Ci.category.in_(sorted(wanted)))
    if template.location:
        conditions.append(Ci.location.in_(locations.inside(await locations.tree(ctx), template.location)))
    if template.department:
        conditions.append(Ci.department == template.department)
    conditions.append(Ci.status.not_in(sorted(engine.GONE)))
    return conditions


async def fill(ctx: Context, audit: str, template: AuditTemplate) -> int:
    """Note what a new stock-take expects; returns how many items that are."""
    names = compared(template)
    conditions = await scope(ctx, template)
    columns = [getattr(Ci, name) for name in names]
    last, total = "", 0
    while True:
        wanted: Any = select(Ci.id, *columns).where(*conditions, Ci.id > last).order_by(Ci.id).limit(1000)
        found = (await ctx.session.execute(wanted)).all()
        if not found:
            return total
        last, total = found[-1].id, total + len(found)
        if total > MAX_ITEMS:
            raise Invalid.field("template", f"The template covers more than {MAX_ITEMS:,} items. Narrow it down.")
        made = [
            {
                "organization": ctx.organization,
                "audit": audit,
                "ci": row[0],
                "result": PENDING,
                "found": {},
                "note": "",
                "expected": {name: changes.plain(value) for name, value in zip(names, row[1:], strict=True)},
                "seen_by": "",
            }
            for row in found
        ]
        await ctx.session.execute(insert(AuditItem.__table__), made)  # type: ignore[arg-type]


async def counts(ctx: Context, audits: Sequence[str]) -> dict[str, dict[str, int]]:
    """Stock-take → result → how many."""
    wanted = select(AuditItem.audit, AuditItem.result, func.count()).where(AuditItem.audit.in_(list(audits)))
    made: dict[str, dict[str, int]] = {}
    for audit, result, number in (await ctx.session.execute(wanted.group_by(AuditItem.audit, AuditItem.result))).all():
        made.setdefault(audit, {})[result] = number
    return made


async def record(ctx: Context, audit: Audit, given: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Note what was found; returns how many of each result. Raises ``Invalid``, ``Conflict``."""
    if audit.status in (COMPLETED, CANCELLED):
        raise Conflict("This stock-take is finished. Start another one.")
    template = await ctx.session.get_one(AuditTemplate, audit.template)
    names = compared(template)
    found = await _recognise(ctx, given)
    done: dict[str, int] = {}
    read_values = [await _read(ctx, names, one.get("values") or {}) for one in given]
    known: dict[str, AuditItem] = {}
    ids = sorted(found.values())
    for start in range(0, len(ids), CHUNK):
        wanted = select(AuditItem).where(AuditItem.audit == audit.id, AuditItem.ci.in_(ids[start : start + CHUNK]))
        known.update({row.ci: row for row in (await ctx.session.execute(wanted)).scalars()})
    fresh: dict[str, dict[str, Any]] = {}
    changed: dict[str, dict[str, Any]] = {}
    for index, one in enumerate(given):
        ci = found[index]
        row = known.get(ci)
        values = read_values[index]
        line: dict[str, Any] = {
            "found": values,
            "note": str(one.get("note") or "")[:500],
            "seen_at": ctx.now,
            "seen_by": ctx.principal.name,
            "applied_at": None,
            "result": UNEXPECTED,
        }
        if row is None:
            fresh[ci] = {"organization": ctx.organization, "audit": audit.id, "ci": ci, "expected": {}, **line}
        else:
            if row.expected:
                differs = any(row.expected.get(name) != value for name, value in values.items())
                line["result"] = MISSING if not one.get("found", True) else MISMATCH if differs else VERIFIED
            changed[ci] = line
        done[line["result"]] = done.get(line["result"], 0) + 1
    if fresh:
        await ctx.session.execute(insert(AuditItem.__table__), list(fresh.values()))  # type: ignore[arg-type]
    await _set(ctx, audit.id, changed)
    return done


async def _set(ctx: Context, audit: str, lines: Mapping[str, Mapping[str, Any]]) -> None:
    """Change lines of a stock-take; every one the same columns."""
    if not lines:
        return
    table: Any = AuditItem.__table__
    names = list(next(iter(lines.values())))
    statement = (
        update(table)
        .where(table.c.organization == ctx.organization, table.c.audit == audit, table.c.ci == bindparam("item"))
        .values({name: bindparam(f"new_{name}", type_=table.c[name].type) for name in names})
    )
    rows_ = [{"item": ci, **{f"new_{name}": line[name] for name in names}} for ci, line in lines.items()]
    await ctx.session.execute(statement, rows_)


async def _recognise(ctx: Context, given: Sequence[Mapping[str, Any]]) -> dict[int, str]:
    """The item of each entry: by id, Asset ID, asset tag or serial number. Raises ``Invalid``."""
    found: dict[int, str] = {}
    for index, one in enumerate(given):
        tests = []
        if one.get("ci_id"):
            tests.append(store.named(Ci, str(one["ci_id"])))
        for name in ("asset_tag", "serial_number"):
            if one.get(name):
                tests.append(func.lower(getattr(Ci, name)) == str(one[name]).strip().lower())
        if not tests:
            raise Invalid.field("items", f"Entry {index}: please provide ci_id, asset_tag or serial_number.")
        wanted: Any = select(Ci.id).where(tests[0]).limit(2)
        ids = list((await ctx.session.execute(rows.restricted(ctx, items, wanted))).scalars())
        if len(ids) != 1:
            why = "no item has these marks" if not ids else "several items have these marks"
            raise Invalid.field("items", f"Entry {index}: {why}.")
        found[index] = ids[0]
    return found


async def _read(ctx: Context, names: Sequence[str], given: Mapping[str, Any]) -> dict[str, Any]:
    """What was found, as values of the compared fields. Raises ``Invalid``."""
    values: dict[str, Any] = {}
    for name, raw in given.items():
        if name not in names:
            raise Invalid.field("items", f"{str(name)[:60]!r} is not compared here. Fields: {', '.join(names)}.")
        try:
            values[name] = read(items.fields[name], raw)
        except BadValue as bad:
            raise Invalid.field("items", str(bad)) from None
    await links.resolve_one(ctx, items.fields, values)
    return {name: changes.plain(value) for name, value in values.items()}


async def apply(ctx: Context, audit: Audit, only: Sequence[str], mark_missing: bool) -> dict[str, Any]:
    """Bring what was found into the items; returns how many, and which could not be and why."""
    wanted = select(AuditItem).where(
        AuditItem.audit == audit.id, AuditItem.result.in_((MISMATCH, MISSING)), AuditItem.applied_at.is_(None)
    )
    if only:
        wanted = wanted.where(AuditItem.ci.in_(list(only)))
    applied: dict[str, dict[str, Any]] = {}
    refused = []
    for row in (await ctx.session.execute(wanted.limit(5000))).scalars():
        values = dict(row.found)
        if row.result == MISSING:
            if not mark_missing:
                continue
            values = {"status": engine.MISSING, "status_reason": f"Not found in {audit.name}"}
        try:
            async with ctx.session.begin_nested():
                entity = await verbs.entity_of(ctx, items, row.ci, lock=True)
                await writing.update(ctx, items, entity, values, partial=True)
        except (Invalid, Conflict) as error:
            refused.append({"ci_id": row.ci, "error": error.error})
            continue
        applied[row.ci] = {"applied_at": ctx.now}
    await _set(ctx, audit.id, applied)
    return {"updated": len(applied), "refused": refused}


async def close(ctx: Context, audit: str) -> int:
    """What nobody saw is missing; returns how many items that are."""
    statement = update(AuditItem).where(AuditItem.audit == audit, AuditItem.result == PENDING).values(result=MISSING)
    done = await ctx.session.execute(statement.execution_options(synchronize_session=False))
    return int(done.rowcount)  # type: ignore[attr-defined]


async def forget(ctx: Context, audits: Sequence[str]) -> None:
    """Drop the lines of stock-takes that go."""
    gone = delete(AuditItem).where(AuditItem.audit.in_(list(audits)))
    await ctx.session.execute(gone.execution_options(synchronize_session=False))
