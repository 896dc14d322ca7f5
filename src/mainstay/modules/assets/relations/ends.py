"""The ends of relations: what an item is related to, and where a relation can be fixed to it."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import select

from mainstay.kernel import rows, verbs
from mainstay.kernel.context import Context
from mainstay.kernel.layout import finish, layout
from mainstay.modules.assets.cmdb.parts import CiHardware, CiInterface
from mainstay.modules.assets.cmdb.resource import items
from mainstay.modules.assets.relations import service
from mainstay.modules.assets.relations.resource import relations
from mainstay.modules.assets.relations.tables import ENDS


class CiQuery(msgspec.Struct, kw_only=True):
    """An item."""

    ci_id: str


class EndOptions(msgspec.Struct, kw_only=True):
    """What an item can be related by and to, and how it is now."""

    types: list[dict[str, Any]]
    ends: list[str]
    upstream: list[dict[str, Any]]
    downstream: list[dict[str, Any]]


class Slots(msgspec.Struct, kw_only=True):
    """Where a relation can be fixed to an item: its ports and slots, and which are taken."""

    ci_id: str
    slots: list[dict[str, Any]]


@relations.action("GET", "ci_opt/")
async def end_options(ctx: Context, query: CiQuery) -> EndOptions:
    """What an item can be related by, and what it is related to now, upstream and downstream"""
    item = await verbs.entity_of(ctx, items, query.ci_id)
    kinds = await service.kinds(ctx)
    every = layout(ctx, relations, whole=True)
    mine = (relations.model.source == item.id) | (relations.model.target == item.id)
    statement = rows.restricted(ctx, relations, every.statement.where(mine)).limit(1000)
    upstream: list[dict[str, Any]] = []
    downstream: list[dict[str, Any]] = []
    for raw in (await ctx.session.execute(statement)).all():
        row = finish(every, raw)
        kind = kinds[row["type"]]
        out = row["source"] == item.id
        end = next(name for name in ENDS if row[name])
        (downstream if out else upstream).append(
            {
                "relation_id": row["id"],
                "type": kind.id,
                "reading": kind.name if out else kind.reverse,
                "end": end if out else "target",
                "id": row[end] if out else row["source"],
                "name": row[f"{end}_name"] if out else row["source_name"],
                "origin": row["origin"],
                "rule": row["rule"],
            }
        )
    return EndOptions(
        types=[kind._asdict() for kind in kinds.values() if kind.enabled],
        ends=list(ENDS),
        upstream=upstream,
        downstream=downstream,
    )


@relations.action("GET", "slot/")
async def slots(ctx: Context, query: CiQuery) -> Slots:
    """The ports and slots of an item, with the relations that take them"""
    item = await verbs.entity_of(ctx, items, query.ci_id)
    model = relations.model
    statement: Any = select(model.id, model.source, model.target, model.source_port, model.target_port).where(
        (model.source == item.id) | (model.target == item.id)
    )
    taken: dict[str, list[dict[str, str]]] = {}
    for row in (await ctx.session.execute(rows.restricted(ctx, relations, statement))).all():
        port, other = (row.source_port, row.target) if row.source == item.id else (row.target_port, row.source)
        if port:
            taken.setdefault(port, []).append({"relation_id": row.id, "ci_id": other or ""})
    found: list[dict[str, Any]] = []
    ports = select(CiInterface.key, CiInterface.name, CiInterface.slot, CiInterface.oper_status).where(
        CiInterface.ci == item.id, CiInterface.missing_since.is_(None)
    )
    for port in (await ctx.session.execute(ports.order_by(CiInterface.if_index, CiInterface.key))).all():
        found.append(
            {"key": port.key, "name": port.name, "kind": "port", "slot": port.slot, "status": port.oper_status}
        )
    parts = select(CiHardware.key, CiHardware.name, CiHardware.kind, CiHardware.position).where(
        CiHardware.ci == item.id,
        CiHardware.kind.in_(("container", "module", "slot")),
        CiHardware.missing_since.is_(None),
    )
    for part in (await ctx.session.execute(parts.order_by(CiHardware.key))).all():
        found.append(
            {"key": part.key, "name": part.name, "kind": part.kind, "slot": str(part.position or ""), "status": ""}
        )
    known = {one["key"] for one in found} | {one["name"] for one in found}
    found += [
        {"key": taken_by, "name": taken_by, "kind": "port", "slot": "", "status": ""}
        for taken_by in taken
        if taken_by not in known
    ]
    for one in found:
        one["relations"] = taken.get(one["key"]) or taken.get(one["name"]) or []
    return Slots(ci_id=item.id, slots=found)
