"""What the CMDBRelation module does beyond storing: maps, walks, what-if, comparison, search for the other end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any

import msgspec
from sqlalchemy import Integer, bindparam, select, type_coerce

from mainstay.kernel import direct, listed, rows, verbs, writing
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Invalid, NotFound
from mainstay.kernel.operation import Page
from mainstay.kernel.query import ListQuery
from mainstay.kernel.statements import plain
from mainstay.kernel.store import CHUNK
from mainstay.modules.assets.categories import service as categories
from mainstay.modules.assets.cmdb.resource import items
from mainstay.modules.assets.cmdb.tables import Ci
from mainstay.modules.assets.relations import compare, graph, service
from mainstay.modules.assets.relations.graph import Edge
from mainstay.modules.assets.relations.resource import relations


class GraphNode(msgspec.Struct, gc=False):
    """An item of a map."""

    id: str
    name: str
    display_id: str
    category: str
    category_name: str
    status: int | None
    operational_status: int | None
    criticality: int | None
    ip_address: str
    depth: int = 0


class GraphEdge(msgspec.Struct, gc=False):
    """A relation of a map."""

    source: str
    target: str
    type: str
    name: str


class Graph(msgspec.Struct, kw_only=True):
    """Items and the relations between them. ``truncated``: there is more than was asked for."""

    ci_id: str
    direction: str
    depth: int
    nodes: list[GraphNode]
    edges: list[GraphEdge]
    types: dict[str, dict[str, Any]]
    """The types of these relations, with both readings and what a failure does."""
    icons: dict[str, str]
    """Category → icon."""
    truncated: bool = False
    hidden: int = 0
    """Items that are not in the caller's device groups."""


class NewRelation(msgspec.Struct, kw_only=True):
    """A relation to make along with a map."""

    type: str
    target: str = ""
    source: str = ""
    description: str = ""
    source_port: str = ""
    target_port: str = ""


class MapInput(msgspec.Struct, kw_only=True):
    """Which item's map, how far; and relations to make or to remove first."""

    ci_id: str
    depth: int = 1
    direction: str = graph.BOTH
    types: list[str] = []
    add: list[NewRelation] = []
    remove: list[str] = []
    limit: int = 2000


class WalkQuery(msgspec.Struct, kw_only=True):
    """A walk from an item. ``types``: readings, codes or ids, with commas between."""

    ci_id: str
    depth: int = 5
    types: str = ""
    limit: int = 5000


class SearchQuery(ListQuery, kw_only=True):
    """Items for the other end of a relation; ``ci_id`` is left out."""

    ci_id: str = ""
    category: str = ""


class WhatIfInput(msgspec.Struct, kw_only=True):
    """Items that are assumed to fail."""

    ci_ids: list[str]
    types: list[str] = []


class Affected(msgspec.Struct, kw_only=True):
    """What the failure would mean: ``lost`` have no path left, ``degraded`` keep another."""

    failed: list[GraphNode]
    lost: list[GraphNode]
    degraded: list[GraphNode]
    truncated: bool


class CompareQuery(msgspec.Struct, kw_only=True):
    """Since when; around which item, and how far. Without an item: everywhere."""

    since: datetime
    ci_id: str = ""
    depth: int = 1


async def nodes_of(ctx: Context, depths: Mapping[str, int]) -> list[GraphNode]:
    """The items of a walk, as far as the caller may see them, nearest first."""
    if not depths:
        return []
    known = {key: one.name for key, one in (await categories.classes(ctx)).items()}
    found = [
        GraphNode(
            key, name, display, category, known.get(category, ""), status, state, criticality, address, depths[key]
        )
        for key, name, display, category, status, state, criticality, address, deleted in await _shown(ctx, depths)
        if not deleted
    ]
    # Twice, as sorting by one plain value takes half of what a pair of them does.
    found.sort(key=attrgetter("name"))
    found.sort(key=attrgetter("depth"))
    return found


async def _shown(ctx: Context, ids: Iterable[str]) -> Sequence[Sequence[Any]]:
    """What a map shows of items, deleted ones too, as far as the caller may see them."""
    database = ctx.platform.database
    visible = items.behaviour.visible(ctx)
    made = _nodes.get(database.is_sqlite) if visible is None else None
    if made is None:
        columns = (Ci.id, Ci.name, Ci.display_id, Ci.category, Ci.status, Ci.operational_status, Ci.criticality)
        # Which are deleted is seen here: in the condition, it leads PostgreSQL to read a whole index of those that are
        # not.
        bound, deleted = listed.bound(database.is_sqlite, "ids"), type_coerce(Ci.is_deleted, Integer)
        wanted = listed.picked(database.is_sqlite, select(*columns, Ci.ip_address, deleted), Ci.id, bound)
        wanted = wanted.where(Ci.organization == bindparam("in_organization"))
        wanted = wanted if visible is None else wanted.where(visible)
        made = direct.Statement(plain(listed.gathered(database.is_sqlite, wanted)))
        if visible is None:
            _nodes[database.is_sqlite] = made
    # In the order of the index; many in two halves.
    every = sorted(ids)
    half = len(every) // 2 if len(every) > listed.MANY else len(every)
    asked = [
        (made.on(database), {"in_organization": ctx.organization, "ids": listed.value(database.is_sqlite, part)})
        for part in (every[:half], every[half:])
        if part
    ]
    found = await direct.run_all(database, ctx.session, asked, much=True)
    return [row for answer in found for row in listed.rows(database.is_sqlite, answer)]


_nodes: dict[bool, direct.Statement] = {}


async def drawn(
    ctx: Context,
    edges: Sequence[Edge],
    depths: Mapping[str, int],
    *,
    ci: str,
    direction: str,
    depth: int,
    truncated: bool,
) -> Graph:
    """Items and relations as a map, without what the caller may not see."""
    kinds = await service.kinds(ctx)
    nodes = await nodes_of(ctx, depths)
    names = {key: one.name for key, one in kinds.items()}
    if len(nodes) < len(depths):
        seen = {node.id for node in nodes}
        edges = [edge for edge in edges if edge[0] in seen and edge[1] in seen]
    shown = [GraphEdge(source, target, type_, names[type_]) for source, target, type_ in edges if type_ in names]
    used = set(map(attrgetter("type"), shown))
    icons = {key: one.icon for key, one in (await categories.classes(ctx)).items()}
    return Graph(
        ci_id=ci,
        direction=direction,
        depth=depth,
        nodes=nodes,
        edges=shown,
        truncated=truncated,
        hidden=len(depths) - len(nodes),
        types={
            key: {"name": one.name, "reverse": one.reverse, "impact": one.impact}
            for key, one in kinds.items()
            if key in used
        },
        icons={key: icons[key] for key in set(map(attrgetter("category"), nodes)) if key in icons},
    )


def check_walk(depth: int, limit: int, direction: str = graph.BOTH) -> None:
    """Raises ``Invalid`` for a walk that cannot be."""
    if not 0 <= depth <= graph.MAX_DEPTH:
        raise Invalid.field("depth", f"depth must be between 0 and {graph.MAX_DEPTH}.")
    if not 1 <= limit <= graph.MAX_NODES:
        raise Invalid.field("limit", f"limit must be between 1 and {graph.MAX_NODES}.")
    if direction not in graph.DIRECTIONS:
        raise Invalid.field("direction", f"direction must be one of: {', '.join(graph.DIRECTIONS)}.")


async def map_of(ctx: Context, ci_id: str, direction: str, depth: int, types: list[str], limit: int) -> Graph:
    """The map around an item."""
    check_walk(depth, limit, direction)
    found = rows.restricted(ctx, items, select(Ci.id).where(verbs.identity(items, ci_id)))
    start = await ctx.session.scalar(found)
    if start is None:
        raise NotFound(f"No item has the id {ci_id[:64]!r}.")
    kinds = await service.chosen(ctx, types)
    walked = await graph.walk(ctx, [start], direction, depth=depth, types=kinds, limit=limit)
    return await drawn(
        ctx, walked.edges, walked.depth, ci=start, direction=direction, depth=depth, truncated=walked.truncated
    )


def split(words: str) -> list[str]:
    return [part.strip() for part in words.split(",") if part.strip()]


@relations.action("POST", "ci-rel-map/", privilege="view")
async def rel_map(ctx: Context, body: MapInput) -> Graph:
    """The map of relations around an item

    With ``add`` and ``remove`` relations are made and removed first; both need the permission for it.
    """
    item = await verbs.entity_of(ctx, items, body.ci_id)
    if body.add:
        ctx.principal.require(relations.permission, "add")
        given = [
            {
                **{key: value for key, value in msgspec.to_builtins(one).items() if value},
                "source": one.source or item.id,
                "target": one.target or item.id,
            }
            for one in body.add
        ]
        await writing.create_many(ctx, relations, given)
    if body.remove:
        ctx.principal.require(relations.permission, "delete")
        found = [await verbs.entity_of(ctx, relations, key) for key in body.remove[:CHUNK]]
        await writing.remove_many(ctx, relations, [one.id for one in found])
    return await map_of(ctx, item.id, body.direction, body.depth, body.types, body.limit)


@relations.action("GET", "impact/")
async def impact(ctx: Context, query: WalkQuery) -> Graph:
    """What fails along with an item: everything that relies on it, directly or through others"""
    return await map_of(ctx, query.ci_id, graph.IMPACT, query.depth, split(query.types), query.limit)


@relations.action("GET", "dependencies/")
async def dependencies(ctx: Context, query: WalkQuery) -> Graph:
    """What an item relies on, directly or through others"""
    return await map_of(ctx, query.ci_id, graph.DEPENDENCY, query.depth, split(query.types), query.limit)


@relations.action("POST", "what-if/", privilege="view", write=False)
async def what_if(ctx: Context, body: WhatIfInput) -> Affected:
    """What loses its last path if these items fail, and what only loses one of several"""
    if not 1 <= len(body.ci_ids) <= 100:
        raise Invalid.field("ci_ids", "Please provide one to 100 items.")
    failed = [(await verbs.entity_of(ctx, items, key)).id for key in body.ci_ids]
    found = await graph.what_if(ctx, failed, await service.chosen(ctx, body.types))
    return Affected(
        failed=await nodes_of(ctx, dict.fromkeys(failed, 0)),
        lost=await nodes_of(ctx, found.lost),
        degraded=await nodes_of(ctx, found.degraded),
        truncated=found.truncated,
    )


@relations.action("GET", "compare/")
async def compared(ctx: Context, query: CompareQuery) -> compare.Comparison:
    """What changed since a date: items and relations that came, went or changed, from the history"""
    since = query.since if query.since.tzinfo else query.since.replace(tzinfo=ctx.now.tzinfo)
    if since > ctx.now or ctx.now - since > timedelta(days=3660):
        raise Invalid.field("since", "since must lie in the past ten years.")
    check_walk(query.depth, 5000)
    item = (await verbs.entity_of(ctx, items, query.ci_id)).id if query.ci_id else ""
    return await compare.since(ctx, since, item, query.depth)


@relations.action("GET", "cisearch/")
async def search_items(ctx: Context, query: SearchQuery) -> Page:
    """Items that can be the other end of a relation"""
    extra: list[Any] = [Ci.id != query.ci_id] if query.ci_id else []
    if query.category:
        one = await categories.one(ctx, query.category)
        extra.append(Ci.category.in_(categories.below(await categories.classes(ctx), one.id)))
    wanted = query
    if not wanted.sort:
        wanted = msgspec.structs.replace(query, sort="name")
    found = await rows.page(ctx, items, wanted, extra=extra)
    found.results = [
        {
            "ci_id": one.ci_id,
            "id": one.ci_id,
            "name": one.name,
            "display_id": one.display_id,
            "category": one.category,
            "category_name": one.category_name,
            "ip_address": one.ip_address,
        }
        for one in found.results
    ]
    return found
