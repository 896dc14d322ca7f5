"""Lists of what items are made of: of one item, or of all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Select, and_, func, or_, select

from mainstay.kernel import rows, trail, verbs
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Invalid, NotFound
from mainstay.kernel.operation import Page
from mainstay.kernel.query import ListQuery
from mainstay.modules.assets.cmdb.parts import CiHardware, CiInterface, CiSoftware, CiStorage
from mainstay.modules.assets.cmdb.resource import items
from mainstay.modules.assets.cmdb.tables import Ci

SEARCHED = ("name", "description", "alias", "serial_number", "mac", "version", "publisher", "model")
CARDS = ("module", "card", "line card")


class PartQuery(ListQuery, kw_only=True):
    """Parts of an item (``ci_id``), else of every item. ``missing``: also those that are no longer reported."""

    ci_id: str = ""
    kind: str = ""
    missing: bool = False


class OnePart(msgspec.Struct, kw_only=True):
    """A part, by its id."""

    id: str


async def item_of(ctx: Context, ci_id: str) -> Ci:
    """The item that a query names. Raises ``Invalid`` without one, ``NotFound`` for one that is not there."""
    if not ci_id:
        raise Invalid.field("ci_id", "Please provide ci_id.")
    found: Ci = await verbs.entity_of(ctx, items, ci_id)
    return found


def columns_of(model: Any) -> list[Any]:
    return [getattr(model, column.key) for column in model.__table__.columns if column.key != "organization"]


def base(ctx: Context, model: Any, *conditions: ColumnElement[bool]) -> Select[Any]:
    """Parts with the names of their items, as far as the caller may see those."""
    wanted: Any = select(*columns_of(model), Ci.name.label("ci_name"), Ci.display_id.label("ci_display_id"))
    return rows.restricted(ctx, items, wanted.join(Ci, Ci.id == model.ci).where(*conditions))


def shown(row: Any) -> dict[str, Any]:
    """A part as it is answered."""
    return dict(row._mapping)


async def listed(
    ctx: Context, model: Any, query: PartQuery, *conditions: ColumnElement[bool], order: Sequence[Any] = ()
) -> Page:
    """A page of parts."""
    wanted: list[ColumnElement[bool]] = list(conditions)
    if query.ci_id:
        wanted.append(model.ci == (await item_of(ctx, query.ci_id)).id)
    if query.kind:
        wanted.append(func.lower(model.kind) == query.kind.lower())
    if not query.missing:
        wanted.append(model.missing_since.is_(None))
    for word in query.search.lower().split()[:8]:
        fields = [getattr(model, name) for name in SEARCHED if name in model.__table__.columns]
        wanted.append(or_(*[func.lower(field).contains(word, autoescape=True) for field in (*fields, Ci.name)]))
    total, found = await trail.paged(ctx, base(ctx, model, *wanted).order_by(*_order(model, query, order)), query)
    return trail.envelope(query, total, [shown(row) for row in found])


def _order(model: Any, query: PartQuery, order: Sequence[Any]) -> list[Any]:
    if not query.sort:
        return [*order, model.name, model.id]
    if query.sort == "ci_name":
        column: Any = Ci.name
    elif query.sort in model.__table__.columns and query.sort not in ("details", "addresses", "tags", "organization"):
        column = getattr(model, query.sort)
    else:
        raise Invalid.field("sort", f"{query.sort[:60]!r} is not a field to sort by.")
    return [column.desc() if query.reverse else column.asc(), model.id]


INTERFACES = (CiInterface.if_index,)


@items.action("GET", "interface/")
async def interfaces(ctx: Context, query: PartQuery) -> Page:
    """The interfaces of an item, or of all"""
    return await listed(ctx, CiInterface, query, order=INTERFACES)


@items.action("GET", "interface-list/")
async def interface_list(ctx: Context, query: PartQuery) -> Page:
    """The interfaces of an item by id and name, for a choice"""
    await item_of(ctx, query.ci_id)
    found = await listed(ctx, CiInterface, query, order=INTERFACES)
    keys = ("id", "key", "name", "alias", "if_index")
    found.results = [{key: row[key] for key in keys} for row in found.results]
    return found


@items.action("GET", "adapter-list/")
async def adapters(ctx: Context, query: PartQuery) -> Page:
    """The network adapters of a computer: its physical interfaces and those with a hardware address"""
    return await listed(
        ctx, CiInterface, query, or_(CiInterface.is_port.is_(True), CiInterface.mac != ""), order=INTERFACES
    )


@items.action("GET", "port-list/")
async def ports(ctx: Context, query: PartQuery) -> Page:
    """The physical ports of an item"""
    await item_of(ctx, query.ci_id)
    return await listed(ctx, CiInterface, query, CiInterface.is_port.is_(True), order=INTERFACES)


@items.action("GET", "port-inventory/")
async def port_inventory(ctx: Context, query: PartQuery) -> Page:
    """The physical ports of every item"""
    return await listed(ctx, CiInterface, query, CiInterface.is_port.is_(True), order=(Ci.name, CiInterface.if_index))


class PortData(msgspec.Struct, kw_only=True):
    """A port with what it is connected to."""

    port: dict[str, Any]
    relations: list[dict[str, Any]]


@items.action("GET", "port-data/")
async def port_data(ctx: Context, query: OnePart) -> PortData:
    """A port, and the relations that are fixed to it"""
    port = await one_of(ctx, CiInterface, query.id)
    relation = ctx.platform.registry.resources["ci_relation"].model
    mine = or_(
        and_(relation.source == port["ci"], relation.source_port.in_((port["key"], port["name"]))),
        and_(relation.target == port["ci"], relation.target_port.in_((port["key"], port["name"]))),
    )
    wanted: Any = select(relation.id, relation.source, relation.target, relation.source_port, relation.target_port)
    found = (await ctx.session.execute(wanted.where(mine))).all()
    return PortData(port=port, relations=[dict(row._mapping) for row in found])


@items.action("GET", "port-channel/")
async def port_channels(ctx: Context, query: PartQuery) -> Page:
    """The aggregates (IEEE 802.1AX) of an item with their members"""
    item = await item_of(ctx, query.ci_id)
    members = select(CiInterface.lag).where(CiInterface.ci == item.id, CiInterface.lag != "")
    found = await listed(ctx, CiInterface, query, CiInterface.key.in_(members), order=INTERFACES)
    mine = base(ctx, CiInterface, CiInterface.ci == item.id, CiInterface.lag.in_([row["key"] for row in found.results]))
    every = [shown(row) for row in (await ctx.session.execute(mine.order_by(CiInterface.if_index))).all()]
    for row in found.results:
        row["members"] = [one for one in every if one["lag"] == row["key"]]
    return found


class Sidebar(msgspec.Struct, kw_only=True):
    """An interface with what stands beside it: its aggregate, its hardware part, its neighbours."""

    interface: dict[str, Any]
    lag: dict[str, Any] | None
    members: list[dict[str, Any]]
    hardware: dict[str, Any] | None


@items.action("GET", "interface-sidebar/")
async def interface_sidebar(ctx: Context, query: OnePart) -> Sidebar:
    """An interface with its aggregate or its members, and the part it sits on"""
    one = await one_of(ctx, CiInterface, query.id)
    near = select(*columns_of(CiInterface)).where(
        CiInterface.ci == one["ci"], or_(CiInterface.key == one["lag"], CiInterface.lag == one["key"])
    )
    found = [shown(row) for row in (await ctx.session.execute(near.order_by(CiInterface.if_index))).all()]
    part = select(*columns_of(CiHardware)).where(
        CiHardware.ci == one["ci"], CiHardware.kind == "port", CiHardware.name.in_((one["name"], one["description"]))
    )
    hardware = (await ctx.session.execute(part.limit(1))).first()
    return Sidebar(
        interface=one,
        lag=next((row for row in found if row["key"] == one["lag"] and one["lag"]), None),
        members=[row for row in found if row["lag"] == one["key"]],
        hardware=shown(hardware) if hardware else None,
    )


class CardCounts(msgspec.Struct, kw_only=True):
    """How many interfaces an item has, by state and by speed."""

    ci_id: str
    total: int
    ports: int
    up: int
    down: int
    admin_down: int
    by_speed: list[dict[str, Any]]
    by_kind: list[dict[str, Any]]


@items.action("GET", "interface-card-data/")
async def interface_card(ctx: Context, query: PartQuery) -> CardCounts:
    """The numbers of an item's interfaces, for its summary"""
    item = await item_of(ctx, query.ci_id)
    wanted = select(
        CiInterface.is_port,
        CiInterface.oper_status,
        CiInterface.admin_status,
        CiInterface.speed,
        CiInterface.kind,
        func.count(),
    ).where(CiInterface.ci == item.id, CiInterface.missing_since.is_(None))
    grouped = wanted.group_by(
        CiInterface.is_port, CiInterface.oper_status, CiInterface.admin_status, CiInterface.speed, CiInterface.kind
    )
    found = (await ctx.session.execute(grouped)).all()

    def total(test: Any) -> int:
        return sum(row[5] for row in found if test(row))

    def by(index: int, name: str) -> list[dict[str, Any]]:
        each = {row[index] for row in found if row[index]}
        return [{name: value, "count": total(lambda row, v=value: row[index] == v)} for value in sorted(each, key=str)]

    return CardCounts(
        ci_id=item.id,
        total=total(lambda row: True),
        ports=total(lambda row: row[0]),
        up=total(lambda row: row[1] == "up"),
        down=total(lambda row: row[1] == "down" and row[2] != "down"),
        admin_down=total(lambda row: row[2] == "down"),
        by_speed=by(3, "speed"),
        by_kind=by(4, "kind"),
    )


@items.action("GET", "hardware/")
async def hardware(ctx: Context, query: PartQuery) -> Page:
    """The hardware parts of an item"""
    await item_of(ctx, query.ci_id)
    return await listed(ctx, CiHardware, query, order=(CiHardware.parent_key, CiHardware.position))


@items.action("GET", "component-inventory/")
async def components(ctx: Context, query: PartQuery) -> Page:
    """The parts of an item that can be replaced"""
    await item_of(ctx, query.ci_id)
    replaceable = or_(CiHardware.is_fru.is_(True), CiHardware.serial_number != "")
    return await listed(ctx, CiHardware, query, replaceable, order=(CiHardware.kind,))


@items.action("GET", "hardware-inv/")
async def hardware_inventory(ctx: Context, query: PartQuery) -> Page:
    """The hardware parts of every item"""
    return await listed(ctx, CiHardware, query, order=(Ci.name, CiHardware.key))


@items.action("GET", "all-card-inv/")
async def cards(ctx: Context, query: PartQuery) -> Page:
    """The cards and modules of every item"""
    return await listed(ctx, CiHardware, query, func.lower(CiHardware.kind).in_(CARDS), order=(Ci.name, CiHardware.key))


@items.action("GET", "stack-list/")
async def stack(ctx: Context, query: PartQuery) -> Page:
    """The members of a stack: the chassis an item consists of"""
    await item_of(ctx, query.ci_id)
    return await listed(ctx, CiHardware, query, CiHardware.kind == "chassis", order=(CiHardware.position,))


class HardwareOptions(msgspec.Struct, kw_only=True):
    """What hardware parts can be narrowed down by, with how many there are of each."""

    kinds: list[dict[str, Any]]
    manufacturers: list[dict[str, Any]]
    models: list[dict[str, Any]]


@items.action("GET", "hw-inv-options/")
async def hardware_options(ctx: Context, query: PartQuery) -> HardwareOptions:
    """The kinds, makers and models of the hardware parts there are"""

    async def each(column: Any) -> list[dict[str, Any]]:
        wanted: Any = select(column.label("name"), func.count().label("count")).join(Ci, Ci.id == CiHardware.ci)
        wanted = wanted.where(column != "", CiHardware.missing_since.is_(None))
        if query.ci_id:
            wanted = wanted.where(CiHardware.ci == (await item_of(ctx, query.ci_id)).id)
        grouped = rows.restricted(ctx, items, wanted).group_by(column).order_by(func.count().desc(), column).limit(200)
        return [dict(row._mapping) for row in (await ctx.session.execute(grouped)).all()]

    return HardwareOptions(
        kinds=await each(CiHardware.kind),
        manufacturers=await each(CiHardware.manufacturer),
        models=await each(CiHardware.model),
    )


@items.action("GET", "inv-retrieve/")
async def part(ctx: Context, query: OnePart) -> dict[str, Any]:
    """One hardware part, by its id, with the path to it"""
    found = await one_of(ctx, CiHardware, query.id)
    every = select(CiHardware.key, CiHardware.parent_key, CiHardware.name).where(CiHardware.ci == found["ci"])
    known = {row.key: row for row in (await ctx.session.execute(every)).all()}
    path: list[str] = []
    here = found["parent_key"]
    while here in known and here not in path:
        path.append(here)
        here = known[here].parent_key
    return {**found, "path": [known[key].name for key in reversed(path)]}


async def one_of(ctx: Context, model: Any, key: str) -> dict[str, Any]:
    row = (await ctx.session.execute(base(ctx, model, model.id == key).limit(1))).first()
    if row is None:
        raise NotFound("There is no such part.")
    return shown(row)


@items.action("GET", "software-inv-list/")
async def software(ctx: Context, query: PartQuery) -> Page:
    """The software of an item, or of all"""
    return await listed(ctx, CiSoftware, query)


@items.action("GET", "software-app-list/")
async def applications(ctx: Context, query: PartQuery) -> Page:
    """The applications installed on an item, or on all"""
    return await listed(ctx, CiSoftware, query, CiSoftware.kind == "application")


@items.action("GET", "software-service-list/")
async def services(ctx: Context, query: PartQuery) -> Page:
    """The services of an item's operating system, with their state"""
    return await listed(ctx, CiSoftware, query, CiSoftware.kind == "service")


@items.action("GET", "software-env-list/")
async def environments(ctx: Context, query: PartQuery) -> Page:
    """The run-time environments and environment variables of an item"""
    return await listed(ctx, CiSoftware, query, CiSoftware.kind.in_(("environment", "runtime")))


@items.action("GET", "driver-list/")
async def drivers(ctx: Context, query: PartQuery) -> Page:
    """The drivers of an item"""
    return await listed(ctx, CiSoftware, query, CiSoftware.kind == "driver")


@items.action("GET", "storage-list/")
async def storage(ctx: Context, query: PartQuery) -> Page:
    """The disks, file systems and memory of an item, or of all"""
    return await listed(ctx, CiStorage, query)
