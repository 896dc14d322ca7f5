"""Where tags are used, and what follows when one is renamed or deleted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import func, literal, select, union_all

from mainstay.kernel import references
from mainstay.kernel.context import Context
from mainstay.kernel.fields import Field
from mainstay.kernel.references import Use
from mainstay.kernel.resource import Resource
from mainstay.modules.organization.tags.tables import ASSET, USER

ASSETS = frozenset({"assets", "cmdb"})


def type_of(res: Resource[Any], spec: Field) -> int:
    """Whether a field holds user tags or asset tags."""
    return ASSET if spec.name == "asset_tags" or res.area in ASSETS else USER


def fields_of(ctx: Context, type_: int) -> list[tuple[Resource[Any], Field]]:
    """Every field that holds tags of a type."""
    return [(res, spec) for res, spec in references.tag_holders(ctx) if type_of(res, spec) == type_]


async def uses(ctx: Context, type_: int, name: str) -> list[Use]:
    """How many records carry a tag, by resource."""
    return await references.uses(ctx, fields_of(ctx, type_), [name])


async def counts(ctx: Context, names: Iterable[str] | None = None) -> dict[tuple[int, str], int]:
    """Uses by type and name, in one statement: of these names, or of every name in use."""
    wanted = None if names is None else sorted(set(names))
    if wanted == []:
        return {}
    parts = []
    for res, spec in references.tag_holders(ctx):
        table = res.model.__table__
        each = (func.json_each if ctx.platform.database.is_sqlite else func.jsonb_array_elements_text)(
            table.c[spec.name]
        ).table_valued("value", name="each_tag")
        part = (
            select(literal(type_of(res, spec)).label("type"), each.c.value.label("name"))
            .select_from(table.join(each, literal(True)))
            .where(table.c.organization == ctx.organization, table.c.is_deleted.is_(False))
        )
        parts.append(part if wanted is None else part.where(each.c.value.in_(wanted)))
    if not parts:
        return {}
    every = union_all(*parts).subquery("tag_use")
    query = select(every.c.type, every.c.name, func.count()).group_by(every.c.type, every.c.name)
    return {(row[0], row[1]): row[2] for row in (await ctx.session.execute(query)).all()}


async def rename(ctx: Context, type_: int, old: str, new: str) -> None:
    """Every record that carries the tag carries its new name."""

    def change(held: list[Any]) -> list[Any]:
        return list(dict.fromkeys(new if item == old else item for item in held))

    for res, spec in fields_of(ctx, type_):
        await references.rewrite(ctx, res, spec, [old], change)


async def drop(ctx: Context, type_: int, names: Sequence[str]) -> None:
    """No record carries these tags any more."""
    for res, spec in fields_of(ctx, type_):
        await references.clear(ctx, res, spec, names)
