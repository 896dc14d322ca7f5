"""An item's inside as a tree, and what it has in numbers."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import func, select

from mainstay.kernel.context import Context
from mainstay.kernel.errors import Invalid
from mainstay.modules.assets.cmdb.partlists import PartQuery, columns_of, item_of, shown
from mainstay.modules.assets.cmdb.parts import PARTS, CiHardware, CiInterface, CiSoftware, CiStorage
from mainstay.modules.assets.cmdb.resource import items

GROUPS = {
    "interfaces": "Interfaces",
    "hardware": "Hardware",
    "software": "Software",
    "storage": "Storage",
    "resources": "Resources",
}


class TreeNode(msgspec.Struct, kw_only=True):
    """A part in the tree of an item."""

    id: str
    key: str
    name: str
    kind: str
    count: int = 0
    missing: bool = False
    children: list[TreeNode] = []


class Tree(msgspec.Struct, kw_only=True):
    """An item with what it is made of."""

    ci_id: str
    name: str
    children: list[TreeNode]


class TreeQuery(msgspec.Struct, kw_only=True):
    """A node of the tree of an item: a group such as ``hardware``, or a part's key."""

    ci_id: str = ""
    node: str = "hardware"
    key: str = ""


class NodeData(msgspec.Struct, kw_only=True):
    """The parts right below a node of the tree."""

    ci_id: str
    node: str
    key: str
    part: dict[str, Any] | None
    results: list[dict[str, Any]]


class Numbers(msgspec.Struct, kw_only=True):
    """How many parts of each kind an item has, and how many are missing."""

    ci_id: str
    groups: list[dict[str, Any]]
    hardware: list[dict[str, Any]]


@items.action("GET", "inventory-tree/")
async def tree(ctx: Context, query: PartQuery) -> Tree:
    """An item's parts as a tree: hardware as it is nested (ENTITY-MIB), the other parts by group"""
    item = await item_of(ctx, query.ci_id)
    groups = []
    for group, model in PARTS.items():
        wanted = select(model.id, model.key, model.name, model.kind, model.missing_since).where(model.ci == item.id)
        extra = (model.parent_key, model.position) if model is CiHardware else ()
        order = (model.position, model.key) if model is CiHardware else (model.name,)
        found = (await ctx.session.execute(wanted.add_columns(*extra).order_by(*order).limit(5000))).all()
        nodes = {
            row.key: TreeNode(
                id=row.id, key=row.key, name=row.name, kind=row.kind, missing=row.missing_since is not None
            )
            for row in found
        }
        top = list(nodes.values())
        if model is CiHardware:
            top = []
            for row in found:
                above = nodes.get(row.parent_key)
                (above.children if above is not None and above is not nodes[row.key] else top).append(nodes[row.key])
            top = top or _cut(nodes, found)
        groups.append(TreeNode(id=group, key=group, name=GROUPS[group], kind="group", count=len(found), children=top))
    return Tree(ci_id=item.id, name=item.name, children=groups)


def _cut(nodes: dict[str, TreeNode], found: Any) -> list[TreeNode]:
    """A device that says its parts contain each other in a circle still gets them listed."""
    for node in nodes.values():
        node.children = []
    return [nodes[row.key] for row in found]


@items.action("GET", "inventory-tree-data/")
async def tree_data(ctx: Context, query: TreeQuery) -> NodeData:
    """What a node of the tree shows: the part, and what is right below it"""
    item = await item_of(ctx, query.ci_id)
    model = PARTS.get(query.node)
    if model is None:
        raise Invalid.field("node", f"node must be one of: {', '.join(PARTS)}.")
    mine = select(*columns_of(model)).where(model.ci == item.id)
    one = (await ctx.session.execute(mine.where(model.key == query.key).limit(1))).first() if query.key else None
    below = mine
    if model is CiHardware:
        below = mine.where(model.parent_key == query.key)
        if not query.key:
            known = select(CiHardware.key).where(CiHardware.ci == item.id)
            below = mine.where(model.parent_key.not_in(known))
    elif query.key:
        below = mine.where(model.id.is_(None))
    found = (await ctx.session.execute(below.order_by(model.name).limit(5000))).all()
    return NodeData(
        ci_id=item.id,
        node=query.node,
        key=query.key,
        part=shown(one) if one else None,
        results=[shown(row) for row in found],
    )


@items.action("GET", "inventory-tree-summary/")
async def tree_summary(ctx: Context, query: PartQuery) -> Numbers:
    """How many parts an item has of each kind"""
    item = await item_of(ctx, query.ci_id)
    groups = []
    for group, model in PARTS.items():
        wanted = select(func.count(), func.count(model.missing_since), func.max(model.last_seen)).where(
            model.ci == item.id
        )
        total, missing, seen = (await ctx.session.execute(wanted)).one()
        groups.append(
            {"group": group, "name": GROUPS[group], "count": total - missing, "missing": missing, "last_seen": seen}
        )
    kinds = select(CiHardware.kind.label("kind"), func.count().label("count")).where(
        CiHardware.ci == item.id, CiHardware.missing_since.is_(None)
    )
    each = (await ctx.session.execute(kinds.group_by(CiHardware.kind).order_by(CiHardware.kind))).all()
    return Numbers(ci_id=item.id, groups=groups, hardware=[dict(row._mapping) for row in each])


class OsData(msgspec.Struct, kw_only=True):
    """An item's operating system, with what runs on it in numbers."""

    ci_id: str
    name: str
    os_name: str
    os_version: str
    firmware: str
    host_name: str
    software: int
    services: int
    updates: int
    file_systems: list[dict[str, Any]]


@items.action("GET", "os-data/")
async def os_data(ctx: Context, query: PartQuery) -> OsData:
    """An item's operating system"""
    item = await item_of(ctx, query.ci_id)
    wanted = select(CiSoftware.kind, func.count()).where(CiSoftware.ci == item.id, CiSoftware.missing_since.is_(None))
    counts = {row[0]: row[1] for row in (await ctx.session.execute(wanted.group_by(CiSoftware.kind))).all()}
    file_systems = select(*columns_of(CiStorage)).where(CiStorage.ci == item.id, CiStorage.kind == "filesystem")
    found = (await ctx.session.execute(file_systems.order_by(CiStorage.name).limit(500))).all()
    return OsData(
        ci_id=item.id,
        name=item.name,
        os_name=item.os_name,
        os_version=item.os_version,
        firmware=item.firmware,
        host_name=item.host_name,
        software=counts.get("application", 0),
        services=counts.get("service", 0),
        updates=counts.get("update", 0),
        file_systems=[shown(row) for row in found],
    )


class Physical(msgspec.Struct, kw_only=True):
    """An item as a thing: what it is, where it stands, what is in it."""

    ci_id: str
    name: str
    manufacturer: str
    model: str
    serial_number: str
    asset_tag: str
    location: str
    rack: str
    rack_unit: int | None
    cpu: str
    cpu_count: int | None
    memory_mb: int | None
    disk_gb: int | None
    parts: list[dict[str, Any]]
    ports: int


@items.action("GET", "physical_summary/")
async def physical(ctx: Context, query: PartQuery) -> Physical:
    """An item as a thing: make, place, and its parts in numbers"""
    item = await item_of(ctx, query.ci_id)
    kinds = select(CiHardware.kind.label("kind"), func.count().label("count")).where(
        CiHardware.ci == item.id, CiHardware.missing_since.is_(None)
    )
    each = (await ctx.session.execute(kinds.group_by(CiHardware.kind).order_by(CiHardware.kind))).all()
    ports = select(func.count()).where(CiInterface.ci == item.id, CiInterface.is_port.is_(True))
    place = ctx.platform.registry.resources["location"].model
    where = await ctx.session.scalar(select(place.location_name).where(place.id == item.location))
    return Physical(
        ci_id=item.id,
        name=item.name,
        manufacturer=item.manufacturer,
        model=item.model,
        serial_number=item.serial_number,
        asset_tag=item.asset_tag,
        location=where or "",
        rack=item.rack,
        rack_unit=item.rack_unit,
        cpu=item.cpu,
        cpu_count=item.cpu_count,
        memory_mb=item.memory_mb,
        disk_gb=item.disk_gb,
        parts=[dict(row._mapping) for row in each],
        ports=int(await ctx.session.scalar(ports) or 0),
    )


@items.action("GET", "slot/")
async def slots(ctx: Context, query: PartQuery) -> dict[str, Any]:
    """The slots of an item and what sits in each"""
    item = await item_of(ctx, query.ci_id)
    wanted = select(*columns_of(CiHardware)).where(CiHardware.ci == item.id, CiHardware.missing_since.is_(None))
    found = [
        shown(row) for row in (await ctx.session.execute(wanted.order_by(CiHardware.position, CiHardware.key))).all()
    ]
    below: dict[str, list[dict[str, Any]]] = {}
    for row in found:
        below.setdefault(row["parent_key"], []).append(row)
    slots = [row for row in found if row["kind"].lower() in ("container", "slot")]
    return {
        "ci_id": item.id,
        "slots": [
            {
                "id": row["id"],
                "key": row["key"],
                "name": row["name"],
                "position": row["position"],
                "holds": [
                    {
                        "id": one["id"],
                        "name": one["name"],
                        "kind": one["kind"],
                        "model": one["model"],
                        "serial_number": one["serial_number"],
                    }
                    for one in below.get(row["key"], [])
                ],
            }
            for row in slots
        ],
    }
