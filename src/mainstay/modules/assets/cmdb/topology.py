"""The estate as a map, and ready-made views of it: services above, virtual machines below."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import select

from mainstay.kernel import rows
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Invalid
from mainstay.kernel.query import ListQuery
from mainstay.modules.assets.categories import service as categories
from mainstay.modules.assets.cmdb.partlists import item_of
from mainstay.modules.assets.cmdb.resource import items
from mainstay.modules.assets.cmdb.tables import Ci
from mainstay.modules.assets.relations import graph, service
from mainstay.modules.assets.relations.actions import Graph, GraphNode, drawn, map_of, nodes_of, split
from mainstay.modules.assets.relations.graph import Edge
from mainstay.modules.assets.relations.tables import Relation


class TopologyQuery(msgspec.Struct, kw_only=True):
    """Which part of the estate: the surroundings of an item, a category, a place; else everything related."""

    ci_id: str = ""
    category: str = ""
    location: str = ""
    types: str = ""
    depth: int = 2
    limit: int = 2000


@items.action("GET", "all-topology/")
async def topology(ctx: Context, query: TopologyQuery) -> Graph:
    """The map of the estate: items and the relations between them"""
    if query.ci_id:
        return await map_of(ctx, query.ci_id, graph.BOTH, query.depth, split(query.types), query.limit)
    if not 1 <= query.limit <= graph.MAX_NODES:
        raise Invalid.field("limit", f"limit must be between 1 and {graph.MAX_NODES}.")
    types = await service.chosen(ctx, split(query.types))
    near = [Relation.target.is_not(None), service.among(ctx, Relation.type, types, "types")]
    narrowed = await _narrowed(ctx, query)
    wanted: Any = select(Relation.source, Relation.target, Relation.type).where(*near)
    seen = items.behaviour.visible(ctx)
    if narrowed or seen is not None:
        mine = select(Ci.id).where(*narrowed, *([seen] if seen is not None else []))
        wanted = wanted.where(Relation.source.in_(mine), Relation.target.in_(mine))
    found = (await ctx.session.execute(wanted.order_by(Relation.id).limit(4 * query.limit + 1))).all()
    depths: dict[str, int] = {}
    edges: list[Edge] = []
    truncated = len(found) > 4 * query.limit
    for source, target, type_ in found:
        fresh = {source, target} - depths.keys()
        if len(depths) + len(fresh) > query.limit:
            truncated = True
            continue
        depths.update(dict.fromkeys(fresh, 0))
        edges.append((source, target, type_))
    return await drawn(ctx, edges, depths, ci="", direction=graph.BOTH, depth=0, truncated=truncated)


async def _narrowed(ctx: Context, query: TopologyQuery) -> list[Any]:
    conditions: list[Any] = []
    if query.category:
        one = await categories.one(ctx, query.category)
        conditions.append(Ci.category.in_(categories.below(await categories.classes(ctx), one.id)))
    if query.location:
        from mainstay.modules.organization.locations import service as locations

        inside = locations.inside(await locations.tree(ctx), query.location)
        conditions.append(Ci.location.in_(inside))
    return conditions


class NodesQuery(ListQuery, kw_only=True):
    """Items as nodes of a map."""

    category: str = ""
    location: str = ""


class Nodes(msgspec.Struct, kw_only=True):
    """Nodes of a map."""

    count: int
    nodes: list[GraphNode]


@items.action("GET", "get-nodes/")
async def nodes(ctx: Context, query: NodesQuery) -> Nodes:
    """Items that can be put on a map"""
    narrowed = await _narrowed(ctx, TopologyQuery(category=query.category, location=query.location))
    wanted = query if query.sort else msgspec.structs.replace(query, sort="name")
    page = await rows.page(ctx, items, wanted, extra=narrowed)
    return Nodes(count=page.count, nodes=await nodes_of(ctx, {row.ci_id: 0 for row in page.results}))


class AroundQuery(msgspec.Struct, kw_only=True):
    """An item."""

    ci_id: str
    depth: int = 10


class Services(msgspec.Struct, kw_only=True):
    """The services that rely on an item, with how far away they are."""

    ci_id: str
    services: list[GraphNode]
    truncated: bool


@items.action("GET", "service-mapping/")
async def service_mapping(ctx: Context, query: AroundQuery) -> Services:
    """The services that fail along with an item"""
    found = await map_of(ctx, query.ci_id, graph.IMPACT, query.depth, [], graph.MAX_NODES)
    known = await categories.classes(ctx)
    top = await categories.by_name(ctx, "Service")
    kinds = set(categories.below(known, top.id)) if top else set()
    wanted = [node for node in found.nodes if node.category in kinds and node.depth]
    return Services(ci_id=found.ci_id, services=wanted, truncated=found.truncated)


class Virtual(msgspec.Struct, kw_only=True):
    """A host with the virtual machines on it; or a virtual machine with what it runs on."""

    ci_id: str
    hosts: list[GraphNode]
    guests: list[GraphNode]


@items.action("GET", "bmc_vm_relation/")
async def virtual(ctx: Context, query: AroundQuery) -> Virtual:
    """What runs on a host, and what a virtual machine runs on"""
    item = await item_of(ctx, query.ci_id)
    types = {kind.id: kind for kind in (await service.kinds(ctx)).values() if kind.code in ("runs_on", "hosted_on")}
    hosts = await graph.walk(ctx, [item.id], graph.DOWN, depth=query.depth, types=types)
    guests = await graph.walk(ctx, [item.id], graph.UP, depth=query.depth, types=types)
    return Virtual(
        ci_id=item.id,
        hosts=await nodes_of(ctx, {key: level for key, level in hosts.depth.items() if level}),
        guests=await nodes_of(ctx, {key: level for key, level in guests.depth.items() if level}),
    )


@items.action("GET", "access-points/")
async def access_points(ctx: Context, query: AroundQuery) -> Nodes:
    """The access points of a wireless controller: those it manages, contains, or that are part of it"""
    item = await item_of(ctx, query.ci_id)
    found = await points_of(ctx, item)
    return Nodes(count=len(found), nodes=await nodes_of(ctx, dict.fromkeys(found, 1)))


async def points_of(ctx: Context, item: Ci) -> list[str]:
    """The ids of the access points of a controller, as far as the caller may see them."""
    known = await categories.classes(ctx)
    one = await categories.by_name(ctx, "Access Point")
    kinds = categories.below(known, one.id) if one else []
    around = await graph.walk(ctx, [item.id], graph.BOTH, depth=1, types=await service.kinds(ctx))
    wanted: Any = (
        select(Ci.id)
        .where(Ci.category.in_(kinds))
        .where(service.among(ctx, Ci.id, [key for key in around.depth if key != item.id]) | (Ci.parent == item.id))
    )
    return list((await ctx.session.execute(rows.restricted(ctx, items, wanted))).scalars())
