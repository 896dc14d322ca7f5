"""Items from several sides: lists, counts, summaries, whether something is there already."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import msgspec
from sqlalchemy import func, or_, select

from mainstay.kernel import customfields, rows, verbs
from mainstay.kernel import query as filtering
from mainstay.kernel.access.tables import User
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Invalid
from mainstay.kernel.operation import Page
from mainstay.kernel.query import ListQuery
from mainstay.modules.assets.categories import service as categories
from mainstay.modules.assets.cmdb import engine, identity, lookup
from mainstay.modules.assets.cmdb.partlists import item_of
from mainstay.modules.assets.cmdb.parts import PARTS, CiClaim, CiSighting
from mainstay.modules.assets.cmdb.resource import items
from mainstay.modules.assets.cmdb.tables import PEOPLE, Ci, CiAddress
from mainstay.modules.people.requesters.tables import Requester

BRIEF = (
    "ci_id",
    "name",
    "display_id",
    "category",
    "category_name",
    "status",
    "status_name",
    "ip_address",
    "serial_number",
    "asset_tag",
    "manufacturer",
    "model",
    "location",
    "location_name",
    "used_by",
    "used_by_name",
)


class ListInput(msgspec.Struct, kw_only=True):
    """A list's parameters as a body."""

    items_per_page: int = 50
    page: int = 1
    sort: str = ""
    reverse: bool = False
    search: str = ""
    filters: Any = None
    category: str = ""
    """A category; what is part of it counts too."""
    device_group: str = ""
    classification: str = ""


@items.action("POST", "list/", write=False, body=ListInput, returns=verbs.page_of(items))
async def listing(ctx: Context, body: ListInput) -> Page:
    """Items, narrowed down by a body instead of query parameters"""
    wanted = ListQuery(
        items_per_page=body.items_per_page, page=body.page, sort=body.sort, reverse=body.reverse, search=body.search
    )
    extra: list[Any] = []
    if body.category:
        one = await categories.one(ctx, body.category)
        extra.append(Ci.category.in_(categories.below(await categories.classes(ctx), one.id)))
    if body.device_group:
        from mainstay.modules.assets.devicegroups import service as groups

        group = await verbs.entity_of(ctx, ctx.platform.registry.resources["device_group"], body.device_group)
        extra.append(await groups.condition(ctx, group))
    if body.classification:
        from mainstay.modules.assets.classification.service import condition

        extra.append(await condition(ctx, body.classification))
    return await rows.page(ctx, items, wanted, filtering.parse_filters(body.filters), extra=extra)


@items.action("GET", "assetList/")
async def asset_list(ctx: Context, query: ListQuery, body: Any) -> Page:
    """Items in a few words, for a choice"""
    wanted = query if query.sort else msgspec.structs.replace(query, sort="name")
    found = await rows.page(ctx, items, wanted, verbs.query_filters(query, body))
    found.results = [{name: getattr(row, name) for name in BRIEF} for row in found.results]
    return found


class CiQuery(msgspec.Struct, kw_only=True):
    """An item."""

    ci_id: str


class Basic(msgspec.Struct, kw_only=True):
    """What is said of an item first, with the number of what it has."""

    item: dict[str, Any]
    path: list[str]
    sections: list[dict[str, Any]]
    addresses: list[dict[str, Any]]
    seen: list[dict[str, Any]]
    counts: dict[str, int]
    conflicts: int


@items.action("GET", "basicview/")
async def basic(ctx: Context, query: CiQuery) -> Basic:
    """An item with its sections filled, its addresses, and who saw it when"""
    item = await item_of(ctx, query.ci_id)
    record = msgspec.to_builtins(await verbs.whole(ctx, items, item.id))
    known = await categories.classes(ctx)
    one = known.get(item.category)
    custom = await customfields.of(ctx, items)
    sections: dict[str, list[dict[str, Any]]] = {}
    for name, spec in {
        **items.fields,
        **{key: custom[key] for key in record["custom_field_data"] if key in custom},
    }.items():
        value = record["custom_field_data"].get(name) if spec.custom else record.get(name)
        if value not in (None, "", [], {}):
            field = {"field": name, "label": spec.label, "value": value, "text": record.get(f"{name}_name") or value}
            sections.setdefault(spec.section, []).append(field)
    addresses = select(CiAddress.address, CiAddress.management, CiAddress.source, CiAddress.last_seen).where(
        CiAddress.ci == item.id
    )
    seen = select(CiSighting.source, CiSighting.first_seen, CiSighting.last_seen).where(CiSighting.ci == item.id)
    claims = select(func.count()).select_from(CiClaim).where(CiClaim.ci == item.id, CiClaim.decision == "open")
    return Basic(
        item=record,
        path=[known[key].name for key in one.path] if one else [],
        sections=[{"name": name, "fields": fields} for name, fields in sections.items()],
        addresses=[
            dict(row._mapping) for row in (await ctx.session.execute(addresses.order_by(CiAddress.address))).all()
        ],
        seen=[dict(row._mapping) for row in (await ctx.session.execute(seen)).all()],
        counts=await _parts(ctx, item.id),
        conflicts=int(await ctx.session.scalar(claims) or 0),
    )


async def _parts(ctx: Context, ci: str) -> dict[str, int]:
    relation = ctx.platform.registry.resources["ci_relation"].model
    counted: Any = [
        select(func.count()).where(model.ci == ci, model.missing_since.is_(None)).scalar_subquery().label(name)
        for name, model in PARTS.items()
    ]
    related = select(func.count()).where(or_(relation.source == ci, relation.target == ci))
    children = select(func.count()).where(Ci.parent == ci)
    row = (
        await ctx.session.execute(
            select(*counted, related.scalar_subquery().label("relations"), children.scalar_subquery().label("children"))
        )
    ).one()
    return dict(row._mapping)


class CountQuery(ListQuery, kw_only=True):
    """What to count by: category, status, type, criticality, location, department, manufacturer, source ..."""

    by: str = "category"


class Counts(msgspec.Struct, kw_only=True):
    """Numbers of items."""

    total: int
    by: str
    results: list[dict[str, Any]]


@items.action("GET", "asset-count/")
async def count(ctx: Context, query: CountQuery, body: Any) -> Counts:
    """How many items there are, by one of their fields"""
    spec = items.fields.get(query.by)
    if spec is None or spec.kind not in ("choice", "reference", "user", "text", "boolean") or not spec.filter:
        raise Invalid.field("by", f"{query.by[:60]!r} is not a field to count by.")
    column = getattr(Ci, query.by)
    _origin, conditions = await rows.condition_of(ctx, items, query, verbs.query_filters(query, body))
    wanted: Any = (
        select(column, func.count()).where(*conditions).group_by(column).order_by(func.count().desc()).limit(500)
    )
    found = (await ctx.session.execute(wanted)).all()
    names = {choice.id: choice.name for choice in spec.choices} or await _names(ctx, spec, [row[0] for row in found])
    results = [{"id": row[0], "name": str(names.get(row[0], row[0] or "")), "count": row[1]} for row in found]
    return Counts(total=sum(row[1] for row in found), by=query.by, results=results)


async def _names(ctx: Context, spec: Any, ids: list[Any]) -> dict[Any, str]:
    target = ctx.platform.registry.resources.get(spec.reference)
    if target is None:
        return {}
    title = getattr(target.model, target.title)
    wanted = select(target.model.id, title).where(target.model.id.in_([key for key in ids if key]))
    return {row[0]: row[1] for row in (await ctx.session.execute(wanted)).all()}


class Summary(msgspec.Struct, kw_only=True):
    """The estate in numbers."""

    total: int
    by_status: list[dict[str, Any]]
    by_criticality: list[dict[str, Any]]
    by_category: list[dict[str, Any]]
    warranty_expired: int
    warranty_expiring: int
    maintenance_expired: int
    not_seen: int
    allocated: int
    conflicts: int
    cost: float


@items.action("GET", "asset-summary/")
async def summary(ctx: Context, query: ListQuery, body: Any) -> Summary:
    """The estate in numbers: states, warranties, what was not seen for a month, conflicts"""
    _origin, conditions = await rows.condition_of(ctx, items, query, verbs.query_filters(query, body))
    today = ctx.now.date()

    def number(condition: Any) -> Any:
        return func.count().filter(condition)

    def expired(column: Any, until: date = today) -> Any:
        return column < until

    row = (
        await ctx.session.execute(
            select(
                func.count(),
                number(expired(Ci.warranty_expiry)),
                number(Ci.warranty_expiry.between(today, today + timedelta(days=30))),
                number(expired(Ci.amc_expiry)),
                number(Ci.last_seen < ctx.now - timedelta(days=30)),
                number(Ci.allocation == "allocated"),
                func.sum(Ci.cost),
            ).where(*conditions)
        )
    ).one()

    async def by(column: Any, names: Any) -> list[dict[str, Any]]:
        wanted: Any = select(column, func.count()).where(*conditions).group_by(column).order_by(func.count().desc())
        return [
            {"id": key, "name": str(names(key)), "count": n} for key, n in (await ctx.session.execute(wanted)).all()
        ]

    known = await categories.classes(ctx)
    criticality = {choice.id: choice.name for choice in items.fields["criticality"].choices}
    mine: Any = select(func.count()).select_from(CiClaim).join(Ci, Ci.id == CiClaim.ci)
    claims = mine.where(CiClaim.decision == "open", *conditions)
    return Summary(
        total=row[0],
        warranty_expired=row[1],
        warranty_expiring=row[2],
        maintenance_expired=row[3],
        not_seen=row[4],
        allocated=row[5],
        cost=float(row[6] or 0),
        conflicts=int(await ctx.session.scalar(claims) or 0),
        by_status=await by(Ci.status, lambda key: engine.NAMES.get(key, "")),
        by_criticality=await by(Ci.criticality, lambda key: criticality.get(key, "")),
        by_category=await by(Ci.category, lambda key: known[key].name if key in known else ""),
    )


class ExistsQuery(msgspec.Struct, kw_only=True):
    """What an item might be known by; any of them."""

    name: str = ""
    ip_address: str = ""
    serial_number: str = ""
    asset_tag: str = ""
    ci_id: str = ""
    """An item that does not count: the one that is being edited."""


class Exists(msgspec.Struct, kw_only=True):
    """Whether there is such an item, and by what it was recognised."""

    exists: bool
    results: list[dict[str, Any]]


@items.action("GET", "cmdb-exists/")
async def exists(ctx: Context, query: ExistsQuery) -> Exists:
    """Whether an item is there already, by name, address, serial number or asset tag"""
    tests: dict[str, Any] = {}
    for name in ("name", "serial_number", "asset_tag"):
        value = getattr(query, name).strip().lower()
        if value and (name == "name" or identity.clean(value)):
            tests[name] = func.lower(getattr(Ci, name)) == value
    if query.ip_address:
        address = lookup.canonical(query.ip_address)
        if not address:
            raise Invalid.field("ip_address", f"{query.ip_address[:60]!r} is not an IP address.")
        tests["ip_address"] = Ci.id.in_(select(CiAddress.ci).where(CiAddress.address == address))
    if not tests:
        raise Invalid.field("name", "Please provide name, ip_address, serial_number or asset_tag.")
    wanted: Any = select(Ci.id, Ci.name, Ci.display_id, *[test.label(f"by_{name}") for name, test in tests.items()])
    wanted = rows.restricted(ctx, items, wanted.where(or_(*tests.values()), Ci.id != query.ci_id)).limit(50)
    found = [
        {
            "ci_id": row.id,
            "name": row.name,
            "display_id": row.display_id,
            "by": [name for name in tests if getattr(row, f"by_{name}")],
        }
        for row in (await ctx.session.execute(wanted)).all()
    ]
    return Exists(exists=bool(found), results=found)


class PersonQuery(msgspec.Struct, kw_only=True):
    """Somebody's e-mail address."""

    email: str
    items_per_page: int = 50
    page: int = 1


@items.action("GET", "allocated-assets/")
async def allocated(ctx: Context, query: PersonQuery) -> Page:
    """The items that somebody owns, uses, manages or requested"""
    return await items_of(ctx, query.email, ListQuery(items_per_page=query.items_per_page, page=query.page))


async def items_of(ctx: Context, email: str, query: ListQuery, links: tuple[str, ...] = PEOPLE) -> Page:
    """The items linked to a person, by e-mail address. Raises ``Invalid`` when nobody has it."""
    low = email.strip().lower()
    users = list((await ctx.session.execute(select(User.id).where(func.lower(User.email) == low))).scalars())
    people = select(Requester.id).where(func.lower(Requester.email) == low)
    requesters = list((await ctx.session.execute(people)).scalars())
    if not users and not requesters:
        raise Invalid.field("email", f"Nobody has the e-mail address {email[:80]!r}.")
    ends = [getattr(Ci, name).in_(requesters if name == "requester" else users) for name in links]
    return await rows.page(ctx, items, query, extra=[or_(*ends)])


class ChildQuery(ListQuery, kw_only=True):
    """What is part of an item."""

    ci_id: str = ""


@items.action("GET", "child-cis/", returns=verbs.page_of(items))
async def children(ctx: Context, query: ChildQuery, body: Any) -> Page:
    """The items that are part of an item"""
    item = await item_of(ctx, query.ci_id)
    return await rows.page(ctx, items, query, verbs.query_filters(query, body), extra=[Ci.parent == item.id])
