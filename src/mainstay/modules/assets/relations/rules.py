"""Relations that follow from an item's fields: to its department, its place, its people, its software.

Each rule is switched on in the settings. What it made goes when the field changes or the rule is switched off.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import func, select

from mainstay.kernel import feed, jobs, options, store
from mainstay.kernel.context import Context
from mainstay.kernel.platform import Platform
from mainstay.kernel.store import CHUNK
from mainstay.modules.assets.categories import service as categories
from mainstay.modules.assets.cmdb.parts import CiSoftware
from mainstay.modules.assets.cmdb.tables import Ci
from mainstay.modules.assets.relations import service
from mainstay.modules.assets.relations.tables import Relation

# rule → (end, [(field of the item, code of the type)])
FIELDS: dict[str, tuple[str, list[tuple[str, str]]]] = {
    "department": ("department", [("department", "belongs_to")]),
    "location": ("location", [("location", "located_at")]),
    "requester": ("requester", [("requester", "requested_by")]),
    "user": ("user", [("owner", "owned_by"), ("used_by", "used_by"), ("managed_by", "managed_by")]),
}
RULES = (*FIELDS, "software")
PREFIX = "cmdb.rule."
BATCH = 1000
JOB = "cmdb.relation_rules"
_TEXTS = {
    "department": "An item is related to its department.",
    "location": "An item is related to its location.",
    "requester": "An item is related to its requester.",
    "user": "An item is related to its owner, its user and whoever manages it.",
    "software": "An item is related to the software items whose name is in its software list.",
}
for _name in RULES:
    options.option(PREFIX + _name, "boolean", False, f"Relate items by {_name}", section="CMDB", help=_TEXTS[_name])

Wanted = set[tuple[str, str, str]]
"""(item, type, what it leads to)"""


async def active(ctx: Context) -> list[str]:
    """The rules that are switched on."""
    values = await options.get(ctx, *(PREFIX + name for name in RULES))
    return [name for name, on in zip(RULES, values, strict=True) if on]


async def follow(ctx: Context, rows: Sequence[Mapping[str, Any]], changed: Mapping[str, Any] | None = None) -> None:
    """After items were stored: bring what follows from their fields up to date. ``changed``: only these fields."""
    for rule in await active(ctx):
        names = [name for name, _code in FIELDS[rule][1]] if rule in FIELDS else []
        if rule in FIELDS and (changed is None or any(name in changed for name in names)):
            await _apply(ctx, rule, rows, new=changed is None)
        elif rule == "software" and (changed is None or "name" in changed or "category" in changed):
            await _software_items(ctx, rows)


async def _apply(ctx: Context, rule: str, rows: Sequence[Mapping[str, Any]], *, new: bool = False) -> None:
    end, links = FIELDS[rule]
    types = {field: (await service.kind(ctx, code)).id for field, code in links}
    wanted = {(row["id"], types[field], row[field]) for row in rows for field in types if row.get(field)}
    await _settle(ctx, rule, end, [row["id"] for row in rows], wanted, new=new)


async def _settle(ctx: Context, rule: str, end: str, ids: Sequence[str], wanted: Wanted, *, new: bool) -> None:
    """Make the relations of a rule from these items exactly the wanted ones."""
    column = getattr(Relation, end)
    have: dict[tuple[str, str, str], str] = {}
    for start in range(0, 0 if new else len(ids), CHUNK):
        query = select(Relation.id, Relation.source, Relation.type, column).where(
            Relation.source.in_(list(ids[start : start + CHUNK])), Relation.rule == rule
        )
        have.update({(row[1], row[2], row[3]): row[0] for row in (await ctx.session.execute(query)).all()})
    await store.remove_many(ctx, Relation, [key for what, key in have.items() if what not in wanted])
    fresh = [
        {"source": source, "type": type_, end: leads, "origin": "rule", "rule": rule, "last_seen": ctx.now}
        for source, type_, leads in sorted(wanted - set(have))
    ]
    await store.add_many(ctx, Relation, fresh)


async def software_changed(ctx: Context, ids: Sequence[str]) -> None:
    """After the software lists of items changed."""
    if "software" not in await active(ctx) or not ids:
        return
    type_ = (await service.kind(ctx, "installed")).id
    wanted: Wanted = set()
    kept = await _software_categories(ctx)
    for start in range(0, len(ids), CHUNK):
        query = (
            select(CiSoftware.ci, Ci.id)
            .join(Ci, func.lower(Ci.name) == func.lower(CiSoftware.name))
            .where(
                CiSoftware.ci.in_(list(ids[start : start + CHUNK])),
                CiSoftware.missing_since.is_(None),
                Ci.category.in_(kept),
                Ci.id != CiSoftware.ci,
            )
        )
        wanted |= {(row[0], type_, row[1]) for row in (await ctx.session.execute(query)).all()}
    # A relation that somebody made by hand says the same already.
    manual: Wanted = set()
    sources = sorted({item[0] for item in wanted})
    for start in range(0, len(sources), CHUNK):
        query_ = select(Relation.source, Relation.type, Relation.target).where(
            Relation.source.in_(sources[start : start + CHUNK]), Relation.type == type_, Relation.rule != "software"
        )
        manual |= {(row[0], row[1], str(row[2])) for row in (await ctx.session.execute(query_)).all()}
    await _settle(ctx, "software", "target", list(ids), wanted - manual, new=False)


async def _software_categories(ctx: Context) -> list[str]:
    known = await categories.classes(ctx)
    tops = [key for key, one in known.items() if one.name in ("Software", "Application Layer")]
    return [key for top in tops for key in categories.below(known, top)]


async def _software_items(ctx: Context, rows: Sequence[Mapping[str, Any]]) -> None:
    """Software items are new or were renamed: the items that have them are related."""
    kept = set(await _software_categories(ctx))
    names = sorted({row["name"].lower() for row in rows if row["category"] in kept})
    ids: set[str] = set()
    for start in range(0, len(names), CHUNK):
        query = select(CiSoftware.ci).where(func.lower(CiSoftware.name).in_(names[start : start + CHUNK]))
        ids.update((await ctx.session.execute(query.distinct())).scalars())
    old = select(Relation.source).where(Relation.rule == "software", Relation.target.in_([row["id"] for row in rows]))
    ids.update((await ctx.session.execute(old)).scalars())
    await software_changed(ctx, sorted(ids))


@feed.consumer("cmdb.relation_rules", ("settings",))
async def switched(ctx: Context, changes: Sequence[feed.Entry]) -> None:
    """A rule was switched on or off in the settings: the items there are follow, as a job."""
    for change in changes:
        for item in change.changes:
            if item["field"].startswith(PREFIX):
                rule = item["field"].removeprefix(PREFIX)
                await jobs.enqueue(
                    JOB,
                    job_id=f"{JOB}-{change.seq}-{rule}",
                    session=ctx.session,
                    organization=ctx.organization,
                    rule=rule,
                )


@jobs.job(JOB, queue="bulk")
async def apply_to_all(organization: str, rule: str) -> int:
    """Bring the relations of one rule up to date for every item; returns how many items were looked at."""
    platform: Platform = jobs.services()
    last, done = "", 0
    while True:
        seen: list[str] = await jobs.step(_batch, platform, organization, rule, last)
        if not seen:
            return done
        last, done = seen[0], done + int(seen[1])


async def _batch(platform: Platform, organization: str, rule: str, last: str) -> list[str]:
    """One batch of items in a transaction of its own: the last id and how many; empty at the end."""
    async with platform.work(organization) as ctx:
        fields = [name for name, _code in FIELDS[rule][1]] if rule in FIELDS else []
        columns = [getattr(Ci, name) for name in fields]
        query = select(Ci.id, *columns).where(Ci.id > last).order_by(Ci.id).limit(BATCH)
        rows = [dict(zip(("id", *fields), row, strict=True)) for row in (await ctx.session.execute(query)).all()]
        if not rows:
            return []
        ids = [row["id"] for row in rows]
        if rule not in await active(ctx):
            end = FIELDS[rule][0] if rule in FIELDS else "target"
            await _settle(ctx, rule, end, ids, set(), new=False)
        elif rule in FIELDS:
            await _apply(ctx, rule, rows)
        else:
            await software_changed(ctx, ids)
        return [ids[-1], str(len(ids))]
