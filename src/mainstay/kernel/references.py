"""Who refers to a record: counted before it goes, cleared when it goes; set-wise, over all resources."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import bindparam, func, select, true, update

from mainstay.kernel import changes, store
from mainstay.kernel.errors import Conflict
from mainstay.kernel.query import holds_any

if TYPE_CHECKING:
    from mainstay.kernel.context import Context
    from mainstay.kernel.fields import Field
    from mainstay.kernel.resource import Resource

CLEARED = frozenset({"people", "organization", "settings"})
"""Areas whose records let go of what is deleted. Elsewhere a reference is part of the record's story."""


class Use(msgspec.Struct, kw_only=True):
    """How many records of a resource refer to something, and by which field."""

    resource: str
    label: str
    field: str
    field_label: str
    count: int


def holders(ctx: Context, target: str) -> Iterator[tuple[Resource[Any], Field]]:
    """Every declared field that refers to ``target``."""
    for res in ctx.platform.registry.resources.values():
        for spec in res.fields.values():
            if spec.reference == target:
                yield res, spec


def tag_holders(ctx: Context) -> Iterator[tuple[Resource[Any], Field]]:
    """Every declared field that holds tag names."""
    for res in ctx.platform.registry.resources.values():
        for spec in res.fields.values():
            if spec.kind == "tags" and spec.name.endswith(("tag", "tags")):
                yield res, spec


def holding(ctx: Context, res: Resource[Any], spec: Field, values: Sequence[str]) -> Any:
    """The condition that a record's field refers to one of ``values``."""
    column = getattr(res.model, spec.name)
    if spec.kind in ("references", "users", "tags"):
        return holds_any(ctx.platform.database.is_sqlite, column, list(values))
    return column.in_(list(values))


async def uses(
    ctx: Context,
    fields: Sequence[tuple[Resource[Any], Field]],
    values: Sequence[str],
    also: Callable[[Any], Any] = lambda _model: true(),
) -> list[Use]:
    """How often each field refers to one of ``values``, in one statement; those that do not are left out.

    ``also``: a further condition on the records of a table.
    """
    if not fields or not values:
        return []
    counts = [
        select(func.count())
        .select_from(res.model)
        .where(holding(ctx, res, spec, values), also(res.model))
        .scalar_subquery()
        for res, spec in fields
    ]
    row = (await ctx.session.execute(select(*[c.label(f"n{i}") for i, c in enumerate(counts)]))).one()
    return [
        Use(
            resource=res.name,
            label=res.label if n == 1 else res.plural,
            field=spec.name,
            field_label=spec.label,
            count=n,
        )
        for (res, spec), n in zip(fields, row, strict=True)
        if n
    ]


async def release(ctx: Context, target: str, what: str, ids: Sequence[str], *, keep: Collection[str] = ()) -> None:
    """Before records go: refuse while assets, contracts and the like refer to them; clear other references.

    ``keep``: areas whose records keep the reference, for their history. Raises ``Conflict`` naming what is in
    the way.
    """
    fields = [(res, spec) for res, spec in holders(ctx, target) if res.area not in keep]
    found = await uses(ctx, fields, ids)
    known = {(res.name, spec.name): (res, spec) for res, spec in fields}
    blocking = [
        use
        for use in found
        if known[use.resource, use.field][0].area not in CLEARED or known[use.resource, use.field][1].required
    ]
    if blocking:
        raise in_use(what, blocking)
    for use in found:
        await clear(ctx, *known[use.resource, use.field], ids)


def in_use(what: str, found: Sequence[Use]) -> Conflict:
    """The refusal that says where something is still used."""
    places = ", ".join(f"{use.count} {use.label.lower()} ({use.field_label.lower()})" for use in found[:5])
    return Conflict(
        f"{what} is still used by {places}. Change them first, then delete it.",
        usages=msgspec.to_builtins(list(found)),
    )


async def clear(ctx: Context, res: Resource[Any], spec: Field, values: Sequence[str]) -> int:
    """Take ``values`` out of a field of all records that hold them."""
    if spec.kind in ("references", "users", "tags"):
        gone = set(values)
        return await rewrite(ctx, res, spec, values, lambda held: [item for item in held if item not in gone])
    column = getattr(res.model, spec.name)
    found = (await ctx.session.execute(select(res.model.id).where(column.in_(list(values))))).scalars()
    return await store.update_many(ctx, res.model, list(found), {spec.name: None})


async def rewrite(
    ctx: Context,
    res: Resource[Any],
    spec: Field,
    values: Sequence[str],
    change: Callable[[list[Any]], list[Any]],
) -> int:
    """Change the list in a field of all records that hold one of ``values``; returns how many changed."""
    model, name = res.model, spec.name
    column = getattr(model, name)
    query = select(model.id, model.version, column).where(holding(ctx, res, spec, values)).order_by(model.id)
    rows = (await ctx.session.execute(query)).all()
    entries, parts = [], []
    for row in rows:
        new = change(row[2])
        if new != row[2]:
            parts.append({"record": row.id, "fresh": new})
            entries.append((row.id, row.version + 1, [changes.entry(name, row[2], new)]))
    if not parts:
        return 0
    table = model.__table__
    statement = (
        update(table)
        .where(table.c.organization == ctx.organization, table.c.id == bindparam("record"))
        .values(
            {
                name: bindparam("fresh", type_=table.c[name].type),
                "version": table.c.version + 1,
                "last_update_time": ctx.now,
                "modified_by": ctx.principal.user,
            }
        )
    )
    await ctx.session.execute(statement, parts)
    await changes.record(ctx, res.name, "update", entries)
    return len(parts)
