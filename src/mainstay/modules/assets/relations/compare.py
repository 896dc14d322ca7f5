"""What changed since a date, told from the history."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, and_, or_, select

from mainstay.kernel import rows
from mainstay.kernel.changes import Change
from mainstay.kernel.context import Context
from mainstay.modules.assets.cmdb.tables import Ci
from mainstay.modules.assets.devicegroups import service as groups
from mainstay.modules.assets.relations import graph, service
from mainstay.modules.assets.relations.tables import Relation

MAX = 1000
"""Entries of each kind that are told."""


class ItemChange(msgspec.Struct, kw_only=True):
    """An item that is new, gone or different: the value of each field then and now."""

    ci_id: str
    name: str
    what: str
    changes: list[dict[str, Any]]


class RelationChange(msgspec.Struct, kw_only=True):
    """A relation that is new or gone."""

    relation_id: str
    source: str
    source_name: str
    target: str
    target_name: str
    type: str
    reading: str
    at: datetime


class Comparison(msgspec.Struct, kw_only=True):
    """The difference between then and now."""

    since: datetime
    ci_id: str
    items: list[ItemChange]
    added: list[RelationChange]
    removed: list[RelationChange]
    truncated: bool


async def since(ctx: Context, then: datetime, ci: str, depth: int) -> Comparison:
    """The difference around an item, as its surroundings are now or were then; everywhere without one."""
    around: set[str] | None = None
    if ci:
        types = await service.kinds(ctx)
        walked = await graph.walk(ctx, [ci], graph.BOTH, depth=depth, types=types, limit=5000)
        around = set(walked.depth)
        # What was near then: at the other end of relations that went since.
        for row in await _relations(ctx, Relation.is_deleted.is_(True) & (Relation.last_update_time > then), around):
            around |= {row.source, row.target}
    gone = and_(Relation.is_deleted.is_(True), Relation.last_update_time > then, Relation.creation_time <= then)
    new = and_(Relation.is_deleted.is_(False), Relation.creation_time > then)
    added = await _relations(ctx, new, around)
    removed = await _relations(ctx, gone, around)
    told, more = await _items(ctx, then, around)
    names = await _names(ctx, [*added, *removed])
    kinds = await service.kinds(ctx)

    def tell(row: Any, at: datetime) -> RelationChange:
        kind = kinds.get(row.type)
        return RelationChange(
            relation_id=row.id,
            source=row.source,
            source_name=names.get(row.source, ""),
            target=row.target,
            target_name=names.get(row.target, ""),
            type=row.type,
            reading=kind.name if kind else "",
            at=at,
        )

    return Comparison(
        since=then,
        ci_id=ci,
        items=told,
        added=[tell(row, row.creation_time) for row in added[:MAX]],
        removed=[tell(row, row.last_update_time) for row in removed[:MAX]],
        truncated=more or len(added) > MAX or len(removed) > MAX,
    )


async def _relations(ctx: Context, condition: ColumnElement[bool], around: set[str] | None) -> list[Any]:
    columns = (
        Relation.id,
        Relation.source,
        Relation.target,
        Relation.type,
        Relation.creation_time,
        Relation.last_update_time,
    )
    query = select(*columns).where(condition, Relation.target.is_not(None))
    if around is not None:
        query = query.where(
            or_(
                service.among(ctx, Relation.source, around, "sources"),
                service.among(ctx, Relation.target, around, "targets"),
            )
        )
    seen = groups.visible(ctx)
    if seen is not None:
        mine = select(Ci.id).where(seen)
        query = query.where(Relation.source.in_(mine), Relation.target.in_(mine))
    query = query.order_by(Relation.last_update_time.desc(), Relation.id).limit(MAX + 1)
    return list((await ctx.session.execute(query.execution_options(include_deleted=True))).all())


async def _names(ctx: Context, found: list[Any]) -> dict[str, str]:
    ids = {end for row in found for end in (row.source, row.target)}
    query = select(Ci.id, Ci.name).where(service.among(ctx, Ci.id, ids)).execution_options(include_deleted=True)
    return {row.id: row.name for row in (await ctx.session.execute(query)).all()}


async def _items(ctx: Context, then: datetime, around: set[str] | None) -> tuple[list[ItemChange], bool]:
    """Each item's changes as one: what a field was then, what it is now."""
    query = select(Change.record_id, Change.action, Change.changes).where(Change.resource == "ci", Change.at > then)
    if around is not None:
        query = query.where(service.among(ctx, Change.record_id, around))
    found = (await ctx.session.execute(query.order_by(Change.seq).limit(20_000))).all()
    first: dict[str, dict[str, list[Any]]] = {}
    what: dict[str, str] = {}
    for record, action, changes in found:
        fields = first.setdefault(record, {})
        for item in changes:
            pair = fields.setdefault(item["field"], [item["old"], None])
            pair[1] = item["new"]
        if action in ("create", "delete"):
            what[record] = {"create": "added", "delete": "removed"}[action]
    names_query: Any = select(Ci.id, Ci.name).where(service.among(ctx, Ci.id, first))
    seen = rows.restricted(ctx, ctx.platform.registry.resources["ci"], names_query)
    names = {
        row.id: row.name for row in (await ctx.session.execute(seen.execution_options(include_deleted=True))).all()
    }
    res = ctx.platform.registry.resources["ci"]
    told = []
    for record, fields in first.items():
        if record not in names:
            continue
        diff = [
            {"field": name, "label": res.fields[name].label if name in res.fields else name, "then": old, "now": new}
            for name, (old, new) in fields.items()
            if old != new
        ]
        kind = what.get(record, "changed")
        if diff or kind != "changed":
            told.append(ItemChange(ci_id=record, name=names[record], what=kind, changes=diff))
    return told[:MAX], len(found) == 20_000 or len(told) > MAX
