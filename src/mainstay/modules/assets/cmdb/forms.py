"""What forms of items need: tags that are in use, the fields of a category."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Select, func, select, true

from mainstay.kernel import customfields, rows, verbs
from mainstay.kernel.context import Context
from mainstay.modules.assets.categories import service as categories
from mainstay.modules.assets.categories.resource import Attribute, shown
from mainstay.modules.assets.cmdb.resource import items
from mainstay.modules.assets.cmdb.tables import Ci


class Tags(msgspec.Struct, kw_only=True):
    """The tags that items have, most used first."""

    results: list[dict[str, Any]]


class SearchQuery(msgspec.Struct, kw_only=True):
    search: str = ""


@items.action("GET", "get-tags/")
async def tags(ctx: Context, query: SearchQuery) -> Tags:
    """The tags of items, with how many have each"""
    each: Any
    if ctx.platform.database.is_sqlite:
        each = func.json_each(Ci.tags).table_valued("value", name="held")
    else:
        each = func.jsonb_array_elements_text(Ci.tags).table_valued("value", name="held").render_derived()
    wanted: Select[Any] = select(each.c.value, func.count()).select_from(Ci).join(each, true())
    if query.search:
        wanted = wanted.where(func.lower(each.c.value).contains(query.search.lower(), autoescape=True))
    wanted = (
        rows.restricted(ctx, items, wanted)
        .group_by(each.c.value)
        .order_by(func.count().desc(), each.c.value)
        .limit(500)
    )
    return Tags(results=[{"name": row[0], "count": row[1]} for row in (await ctx.session.execute(wanted)).all()])


class FormQuery(msgspec.Struct, kw_only=True):
    """A category, by id or name."""

    category: str


class Form(msgspec.Struct, kw_only=True):
    """The form of an item of a category: its sections with their fields, what is mandatory, what identifies."""

    category: dict[str, Any]
    sections: list[dict[str, Any]]
    identifiers: list[list[str]]
    choices: dict[str, list[dict[str, Any]]]


@items.action("GET", "category-form-options/")
async def form(ctx: Context, query: FormQuery) -> Form:
    """The form of a category: sections, fields, mandatory ones, choices"""
    one = await categories.one(ctx, query.category)
    known = await categories.classes(ctx)
    custom = {
        key: spec
        for key, spec in (await customfields.of(ctx, items)).items()
        if key in one.attributes or key not in await categories.attributes(ctx)
    }
    fields = {**items.writable(), **custom, **one.attributes}
    placed: dict[str, list[Attribute]] = {}
    named = {item["field"]: section["name"] for section in one.sections for item in section["fields"]}
    for name, spec in fields.items():
        placed.setdefault(named.get(name, spec.section), []).append(shown(spec, name in one.required))
    answer = await verbs.form_options(ctx, items)
    return Form(
        category={"id": one.id, "name": one.name, "icon": one.icon, "path": [known[key].name for key in one.path]},
        sections=[{"name": name, "fields": msgspec.to_builtins(held)} for name, held in placed.items()],
        identifiers=[list(item) for item in one.identifiers],
        choices={name: found for name, found in answer.choices.items() if name in fields},
    )
