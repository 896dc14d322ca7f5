"""Looking at the tree: browse, search, details of an object, notifications."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import select

from mainstay.kernel.context import Context
from mainstay.kernel.errors import Invalid, NotFound
from mainstay.modules.monitoring.mibs.model import Node, standard
from mainstay.modules.monitoring.mibs.resource import mibs
from mainstay.modules.monitoring.mibs.service import tree_of
from mainstay.modules.monitoring.mibs.tables import Mib
from mainstay.modules.monitoring.mibs.tree import Tree
from mainstay.modules.monitoring.snmp.ber import Malformed, Oid


class Place(msgspec.Struct, kw_only=True):
    """A node of the tree, in short."""

    oid: str
    name: str
    kind: str
    module: str = ""
    syntax: str = ""
    access: str = ""
    status: str = ""
    children: int = 0


class TreeQuery(msgspec.Struct, kw_only=True):
    """Whose children: an OID or a name. Empty: the root."""

    oid: str = ""


class Branch(msgspec.Struct, kw_only=True):
    """A node, what leads to it, and what is directly below it."""

    oid: str
    name: str
    path: list[Place]
    children: list[Place]


class SearchQuery(msgspec.Struct, kw_only=True):
    """``search``: part of a name, OID or description. ``kind``: scalar, column, table, notification, ..."""

    search: str = ""
    kind: str = ""
    limit: int = 50


class Found(msgspec.Struct, kw_only=True):
    """Nodes, the best match first."""

    count: int
    results: list[Place]


class ObjectQuery(msgspec.Struct, kw_only=True):
    """An OID, a name, or MODULE::name."""

    oid: str


class ObjectDetail(msgspec.Struct, kw_only=True):
    """Everything that is known of a node."""

    oid: str
    name: str
    module: str
    kind: str
    syntax: str
    base_type: str
    display_hint: str
    range: str
    access: str
    status: str
    units: str
    description: str
    enumerations: list[dict[str, Any]]
    indexes: list[Place]
    augments: str
    objects: list[Place]
    """Of a notification: its variables."""
    path: list[Place]
    children: int


class ModuleShort(msgspec.Struct, kw_only=True):
    """A module that names can come from."""

    mib_id: str
    mib_name: str
    built_in: bool
    object_count: int
    notification_count: int
    status: str


class Modules(msgspec.Struct, kw_only=True):
    """All modules, those that come along included."""

    count: int
    results: list[ModuleShort]


def dotted(oid: Oid) -> str:
    return ".".join(map(str, oid))


def place(oid: Oid, node: Node | None, children: int = 0) -> Place:
    """A node as lists show it; one without a name by its number."""
    if node is None:
        return Place(oid=dotted(oid), name=str(oid[-1]) if oid else "", kind="node", children=children)
    return Place(oid=node.oid, name=node.name, kind=node.kind, module=node.module, syntax=node.type,
                 access=node.access, status=node.status, children=children)  # fmt: skip


def find(tree: Tree, text: str, field: str = "oid") -> tuple[Oid, Node | None]:
    """What a person typed. Raises ``Invalid`` or ``NotFound``."""
    try:
        return tree.find(text)
    except Malformed as error:
        raise Invalid.field(field, str(error)) from None
    except LookupError:
        raise NotFound(f"No loaded MIB has an object {text.strip()[:80]!r}. Upload the MIB that defines it.") from None


@mibs.action("GET", "tree/")
async def browse(ctx: Context, query: TreeQuery) -> Branch:
    """What is directly below a node of the tree"""
    tree = await tree_of(ctx)
    oid: Oid = ()
    node: Node | None = None
    if query.oid.strip():
        oid, node = find(tree, query.oid)
    return Branch(
        oid=dotted(oid),
        name=node.name if node else tree.name(oid) if oid else "",
        path=[place(item.numbers, item) for item in tree.path(oid)],
        children=[place(*child) for child in tree.children(oid)],
    )


@mibs.action("GET", "search/")
async def search(ctx: Context, query: SearchQuery) -> Found:
    """Find objects by name, OID or description"""
    if len(query.search.strip()) < 2:
        raise Invalid.field("search", "Please give at least two characters to search for.")
    tree = await tree_of(ctx)
    found = tree.search(query.search[:200], limit=max(1, min(query.limit, 500)), kind=query.kind)
    return Found(count=len(found), results=[place(node.numbers, node) for node in found])


@mibs.action("GET", "object/")
async def detail(ctx: Context, query: ObjectQuery) -> ObjectDetail:
    """Everything about one object: type, access, indexes, enumerations, description"""
    tree = await tree_of(ctx)
    oid, node = find(tree, query.oid)
    if node is None:
        node, _rest = tree.locate(oid)
        if node is None:
            raise NotFound(f"No loaded MIB names anything at {query.oid.strip()[:80]!r}.")
    return ObjectDetail(
        oid=node.oid, name=node.name, module=node.module, kind=node.kind, syntax=node.type, base_type=node.base,
        display_hint=node.hint, range=node.range, access=node.access, status=node.status, units=node.units,
        description=node.description, augments=node.augments,
        enumerations=[{"value": int(number), "label": label} for number, label in node.enums.items()],
        indexes=_named(tree, [name.removeprefix("IMPLIED ") for name in _indexes(tree, node)]),
        objects=_named(tree, node.objects), path=[place(item.numbers, item) for item in tree.path(node.numbers)],
        children=len(tree.children(node.numbers)),
    )  # fmt: skip


def _indexes(tree: Tree, node: Node) -> list[str]:
    """The indexes of a row; of a column or table those of its row; of an augmenting row those of the other."""
    row: Node | None = node
    if node.kind == "table":
        row = next((child for _oid, child, _n in tree.children(node.numbers) if child and child.kind == "row"), None)
    elif node.kind == "column":
        row = tree.by_oid.get(node.numbers[:-1])
    if row is not None and row.augments:
        row = tree.by_name.get(row.augments, row)
    return row.index if row is not None else []


def _named(tree: Tree, names: list[str]) -> list[Place]:
    found = []
    for name in names:
        node = tree.by_name.get(name)
        found.append(place(node.numbers, node) if node else Place(oid="", name=name, kind="unknown"))
    return found


@mibs.action("GET", "notifications/")
async def notifications(ctx: Context, query: SearchQuery) -> Found:
    """The notifications of all loaded modules"""
    tree = await tree_of(ctx)
    word = query.search.strip().lower()
    found = [node for node in tree.notifications() if word in f"{node.module}::{node.name} {node.oid}".lower()]
    limit = max(1, min(query.limit, 2000))
    return Found(count=len(found), results=[place(node.numbers, node) for node in found[:limit]])


@mibs.action("GET", "modules/")
async def modules(ctx: Context) -> Modules:
    """Every module that names can come from, those that come along included"""
    query = select(Mib.id, Mib.mib_name, Mib.object_count, Mib.notification_count, Mib.status)
    own = [
        ModuleShort(mib_id=row.id, mib_name=row.mib_name, built_in=False, object_count=row.object_count or 0,
                    notification_count=row.notification_count or 0, status=row.status)
        for row in (await ctx.session.execute(query)).all()
    ]  # fmt: skip
    names = {item.mib_name for item in own}
    shipped = [
        ModuleShort(
            mib_id="", mib_name=module.name, built_in=True, status="loaded",
            object_count=sum(node.kind in ("scalar", "column") for node in module.nodes),
            notification_count=sum(node.kind == "notification" for node in module.nodes),
        )
        for module in standard().values()
        if module.name not in names
    ]  # fmt: skip
    every = sorted([*own, *shipped], key=lambda item: item.mib_name.lower())
    return Modules(count=len(every), results=every)
