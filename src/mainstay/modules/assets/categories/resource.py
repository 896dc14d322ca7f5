"""The CMDBCategory module of the API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import func, select

from mainstay.kernel import customfields, references, rows
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Invalid
from mainstay.kernel.resource import Behaviour, Resource
from mainstay.modules.assets.categories import checks, service
from mainstay.modules.assets.categories.tables import Category
from mainstay.modules.assets.cmdb import identity
from mainstay.modules.assets.cmdb.tables import Ci

customfields.extend("ci", service.attributes)


class Categories(Behaviour[Category]):
    async def prepare(self, ctx: Context, rows: list[dict[str, Any]], given: Sequence[Mapping[str, Any]]) -> None:
        for row in rows:
            await _check(ctx, row, "", row.get("parent"))

    async def change(self, ctx: Context, entity: Category, values: dict[str, Any], given: Mapping[str, Any]) -> None:
        parent = values.get("parent", entity.parent)
        known = await service.classes(ctx)
        if parent and parent in known and entity.id in known[parent].path:
            raise Invalid.field("parent", f"{entity.name} cannot be part of itself or of a category inside it.")
        if values.get("abstract") and not entity.abstract:
            held = int(await ctx.session.scalar(select(func.count()).where(Ci.category == entity.id)) or 0)
            if held:
                raise Invalid.field("abstract", f"{entity.name} has {held} items. Move them first.")
        await _check(ctx, values, entity.id, parent)

    async def saved(self, ctx: Context, entity: Category, diff: list[dict[str, Any]], given: Mapping[str, Any]) -> None:
        if {"identifiers", "parent"} & {item["field"] for item in diff}:
            await identity.rebuild(ctx, service.below(await service.classes(ctx), entity.id))

    async def removing(self, ctx: Context, entities: Sequence[Category]) -> None:
        ids = [entity.id for entity in entities]
        what = f"The category {entities[0].name}" if len(entities) == 1 else "One of the categories"
        fields = [item for item in references.holders(ctx, "ci_category") if item[0].name != "ci_category"]
        found = await references.uses(ctx, fields, ids)
        inside = [item for item in references.holders(ctx, "ci_category") if item[0].name == "ci_category"]
        found += await references.uses(ctx, inside, ids, lambda model: model.id.not_in(ids))
        if found:
            raise references.in_use(what, found)

    async def decorate(self, ctx: Context, rows: list[dict[str, Any]]) -> None:
        known = await service.classes(ctx)
        for row in rows:
            one = known.get(row["id"])
            row["path"] = [known[key].name for key in one.path] if one else []


async def _check(ctx: Context, values: dict[str, Any], category: str, parent: str | None) -> None:
    """Put in order what the category says about its items. Raises ``Invalid``."""
    known = await service.classes(ctx)
    if parent and parent in known and len(known[parent].path) >= service.MAX_DEPTH:
        raise Invalid.field("parent", f"Categories can be nested {service.MAX_DEPTH} levels deep at most.")
    others = {key: spec for one in known.values() if one.id != category for key, spec in one.attributes.items()}
    if values.get("attributes"):
        values["attributes"] = checks.attributes(values["attributes"], _items(ctx).fields, others)
    own = {item["key"] for item in values.get("attributes") or ()}
    fields = {*_items(ctx).fields, *others, *own, *(known[category].attributes if category in known else ())}
    if values.get("sections"):
        values["sections"] = checks.sections(values["sections"], fields)
    if values.get("identifiers"):
        values["identifiers"] = checks.identifiers(values["identifiers"], fields)


categories = Resource(
    Category,
    module="CMDBCategory",
    path="/ux/common/cmdb/category/",
    label="Category",
    plural="Categories",
    title="name",
    area="assets",
    section="Assets",
    id_name="category_id",
    mirrors={"category_name": "name"},
    extra={"path": list[str]},
    sort="name",
    reverse=False,
    behaviour=Categories(),
    permission="ci_category",
    permission_label="Asset categories",
    custom_fields=False,
    sample={
        "name": "Thin Client",
        "parent": "Workstation",
        "attributes": [{"label": "Image", "kind": "text"}],
        "identifiers": [["serial_number"]],
    },
)


class Attribute(msgspec.Struct, kw_only=True):
    """A field of items, and where it comes from."""

    key: str
    label: str
    kind: str
    section: str
    required: bool
    choices: list[dict[str, Any]] = []
    help: str = ""
    custom: bool = False


class Node(msgspec.Struct, kw_only=True):
    """A category in its tree."""

    id: str
    category_id: str
    name: str
    icon: str
    abstract: bool
    enabled: bool
    items: int = 0
    attributes: list[Attribute] = []
    sections: list[dict[str, Any]] = []
    identifiers: list[list[str]] = []
    children: list[Node] = []


class AllOptions(msgspec.Struct, kw_only=True):
    """The tree, the fields every item has, and the kinds of attributes there are."""

    categories: list[Node]
    fields: list[Attribute]
    kinds: list[str]


class TreeQuery(msgspec.Struct, kw_only=True):
    """Part of the tree."""

    category: str = ""


class CustomOptions(msgspec.Struct, kw_only=True):
    """Fields that the organization added: attributes of categories, and custom fields of every item."""

    attributes: list[dict[str, Any]]
    custom_fields: list[Attribute]


class DropdownOptions(msgspec.Struct, kw_only=True):
    """The choices of every choice field of items, by the tab of the item's page."""

    tabs: dict[str, dict[str, list[dict[str, Any]]]]


class AuditOptions(msgspec.Struct, kw_only=True):
    """What a stock-take can be made of: the categories with items, and the fields to check."""

    categories: list[Node]
    fields: list[Attribute]


def shown(spec: Any, required: bool = False) -> Attribute:
    """A field as a form needs it."""
    return Attribute(
        key=spec.name,
        label=spec.label,
        kind=spec.kind,
        section=spec.section,
        required=spec.required or required,
        choices=[{"id": one.id, "name": one.name} for one in spec.choices],
        help=spec.help,
        custom=spec.custom,
    )


async def counts(ctx: Context) -> dict[str, int]:
    """How many items each category has itself."""
    each: Any = select(Ci.category, func.count()).group_by(Ci.category)
    query = rows.restricted(ctx, _items(ctx), each)
    return {row[0]: row[1] for row in (await ctx.session.execute(query)).all()}


def _items(ctx: Context) -> Resource[Ci]:
    return ctx.platform.registry.resources["ci"]


async def tree(ctx: Context, top: str = "", *, full: bool = True) -> list[Node]:
    """The categories as a tree, with the numbers of items."""
    known = await service.classes(ctx)
    held = await counts(ctx)
    nodes = {
        key: Node(
            id=key,
            category_id=key,
            name=one.name,
            icon=one.icon,
            abstract=one.abstract,
            enabled=one.enabled,
            items=held.get(key, 0),
            sections=list(one.sections) if full else [],
            identifiers=[list(item) for item in one.identifiers] if full else [],
            attributes=[shown(spec, spec.name in one.required) for spec in one.attributes.values()] if full else [],
        )
        for key, one in known.items()
    }
    for key, one in known.items():
        if one.parent in nodes and key != top:
            nodes[one.parent].children.append(nodes[key])
    if top:
        return [nodes[top]]
    return [node for key, node in nodes.items() if known[key].parent not in nodes]


@categories.action("GET", "all_options/")
async def all_options(ctx: Context, query: TreeQuery) -> AllOptions:
    """The tree of categories with all that an editor needs"""
    top = (await service.one(ctx, query.category)).id if query.category else ""
    return AllOptions(
        categories=await tree(ctx, top),
        fields=[shown(spec) for spec in _items(ctx).fields.values()],
        kinds=list(service.KINDS),
    )


@categories.action("GET", "custom_options/")
async def custom_options(ctx: Context, query: TreeQuery) -> CustomOptions:
    """The attributes of categories, with where each is declared, and the custom fields of items"""
    known = await service.classes(ctx)
    wanted = [await service.one(ctx, query.category)] if query.category else list(known.values())
    found: dict[str, dict[str, Any]] = {}
    for one in wanted:
        for key, spec in one.attributes.items():
            entry = found.setdefault(key, {**msgspec.to_builtins(shown(spec)), "categories": []})
            entry["categories"].append({"id": one.id, "name": one.name, "required": key in one.required})
    every = await customfields.of(ctx, _items(ctx))
    return CustomOptions(
        attributes=list(found.values()),
        custom_fields=[shown(spec) for key, spec in every.items() if key not in await service.attributes(ctx)],
    )


@categories.action("GET", "dropdown_options_for_all_tab/")
async def dropdown_options(ctx: Context) -> DropdownOptions:
    """The choices of the fields of items, by tab"""
    tabs: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for name, spec in {**_items(ctx).fields, **await customfields.of(ctx, _items(ctx))}.items():
        if spec.choices:
            choices = [{"id": one.id, "name": one.name, "color": one.color} for one in spec.choices]
            tabs.setdefault(spec.section, {})[name] = choices
    return DropdownOptions(tabs=tabs)


@categories.action("GET", "audit_template_options/")
async def audit_template_options(ctx: Context) -> AuditOptions:
    """What a template of a stock-take can be made of"""
    fields = [shown(spec) for spec in _items(ctx).fields.values() if spec.csv and not spec.read_only]
    fields += [shown(spec) for spec in (await customfields.of(ctx, _items(ctx))).values()]
    return AuditOptions(categories=await tree(ctx, full=False), fields=fields)
