"""The Tag module of the API."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import func, select

from mainstay.kernel import rows, verbs
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Invalid
from mainstay.kernel.operation import Page
from mainstay.kernel.query import ListQuery
from mainstay.kernel.references import Use
from mainstay.kernel.resource import Behaviour, Resource
from mainstay.kernel.validation import BadValue, read_choice
from mainstay.modules.organization.tags import service
from mainstay.modules.organization.tags.tables import TYPES, Tag


class Tags(Behaviour[Tag]):
    async def change(self, ctx: Context, entity: Tag, values: dict[str, Any], given: Mapping[str, Any]) -> None:
        if values.get("type", entity.type) != entity.type:
            found = await service.uses(ctx, entity.type, entity.name)
            if found:
                raise Invalid.field("type", "The type of a tag in use cannot change. Make a new tag of the other type.")

    async def saved(self, ctx: Context, entity: Tag, diff: list[dict[str, Any]], given: Mapping[str, Any]) -> None:
        for change in diff:
            if change["field"] == "name":
                await service.rename(ctx, entity.type, change["old"], change["new"])

    async def removing(self, ctx: Context, entities: Sequence[Tag]) -> None:
        names: dict[int, list[str]] = defaultdict(list)
        for entity in entities:
            names[entity.type].append(entity.name)
        for type_, gone in names.items():
            await service.drop(ctx, type_, gone)

    async def detail(self, ctx: Context, row: Any) -> Any:
        row.usage_count = sum(use.count for use in await service.uses(ctx, row.type, row.name))
        return row


tags = Resource(
    Tag,
    module="Tag",
    path="/ux/common/tag/tag/",
    label="Tag",
    title="name",
    area="organization",
    section="Organization",
    id_name="tag_id",
    mirrors={"tag": "name"},
    extra={"usage_count": int},
    sort="name",
    reverse=False,
    behaviour=Tags(),
    natural_key="name",
    sample={"tag": "field-staff", "type": "user"},
)


class TagQuery(ListQuery, kw_only=True):
    """Which tags: ``type`` is user or asset."""

    type: str = ""


class CheckQuery(msgspec.Struct, kw_only=True):
    """Names to look for, separated by commas, and their type; without names the whole set is checked."""

    tags: str = ""
    type: str = "user"


class CheckedTag(msgspec.Struct, kw_only=True):
    """Whether a tag is declared, and how many records carry it."""

    name: str
    type: int
    type_name: str
    tag_id: str | None
    exists: bool
    usage_count: int


class TagsConfig(msgspec.Struct, kw_only=True):
    """``undeclared``: names that records carry although no such tag is declared."""

    is_configured: bool
    total: int
    by_type: dict[str, int]
    results: list[CheckedTag]
    undeclared: list[CheckedTag]


class TagUsages(msgspec.Struct, kw_only=True):
    """What a change to a tag will touch."""

    tag_id: str
    name: str
    in_use: bool
    usage_count: int
    usages: list[Use]
    message: str


def _type(word: str) -> int:
    try:
        return int(read_choice(tags.fields["type"], word))
    except BadValue as bad:
        raise Invalid.field("type", str(bad)) from None


@tags.action("GET", "filter/", returns=verbs.page_of(tags))
async def filtered(ctx: Context, query: TagQuery) -> Page:
    """Tags of a type with how many records carry each"""
    extra = [Tag.type == _type(query.type)] if query.type else []
    page = await rows.page(ctx, tags, query, verbs.query_filters(query, None), extra=extra)
    used = await service.counts(ctx, [row.name for row in page.results])
    for row in page.results:
        row.usage_count = used.get((row.type, row.name), 0)
    return page


@tags.action("GET", "check-tags-config/")
async def check_config(ctx: Context, query: CheckQuery) -> TagsConfig:
    """Which tags are declared, and which are carried without being declared"""
    type_ = _type(query.type)
    wanted = list(dict.fromkeys(part.strip() for part in query.tags.split(",") if part.strip()))[:500]
    found = await ctx.session.execute(select(Tag.type, func.count()).group_by(Tag.type))
    by_type = {row[0]: row[1] for row in found.all()}
    used = await service.counts(ctx, wanted or None)
    names = wanted or sorted(name for _, name in used)
    known = {}
    low = [name.lower() for name in names]
    for start in range(0, len(low), 500):
        part = select(Tag.id, Tag.type, Tag.name).where(func.lower(Tag.name).in_(low[start : start + 500]))
        known.update({(row.type, row.name.lower()): row for row in (await ctx.session.execute(part)).all()})
    labels = {choice.id: choice.name for choice in TYPES}

    def checked(kind: int, name: str) -> CheckedTag:
        row = known.get((kind, name.lower()))
        return CheckedTag(name=row.name if row else name, type=kind, type_name=labels[kind],
                          tag_id=row.id if row else None, exists=row is not None,
                          usage_count=used.get((kind, row.name if row else name), 0))  # fmt: skip

    every = [checked(kind, name) for kind, name in sorted(used)]
    return TagsConfig(
        is_configured=bool(by_type),
        total=sum(by_type.values()),
        by_type={labels[kind]: count for kind, count in by_type.items()},
        results=[checked(type_, name) for name in wanted],
        undeclared=[item for item in every if not item.exists],
    )


@tags.action("GET", "validate_tag_user_usages/{id}/")
async def usages(ctx: Context, id: str) -> TagUsages:
    """What carries a tag, to be asked before it is renamed or deleted"""
    tag = await verbs.entity_of(ctx, tags, id)
    found = await service.uses(ctx, tag.type, tag.name)
    total = sum(use.count for use in found)
    places = ", ".join(f"{use.count} {use.label.lower()}" for use in found)
    return TagUsages(
        tag_id=tag.id, name=tag.name, in_use=bool(total), usage_count=total, usages=found,
        message=f"{tag.name} is carried by {places}. Renaming or deleting it changes them too." if total
        else f"{tag.name} is not in use.",
    )  # fmt: skip
