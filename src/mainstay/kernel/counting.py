"""How many rows a list has: counted once per change of the resource, not once per page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, func, select

from mainstay.kernel import changes, direct
from mainstay.kernel.context import Context
from mainstay.kernel.query import ListQuery
from mainstay.kernel.resource import Resource
from mainstay.kernel.statements import plain


def counted_as(res: Resource[Any], ctx: Context, wanted: ListQuery, document: Any) -> Any:
    """What tells this count from others; ``None`` where what is counted also depends on who asks."""
    if res.behaviour.visible(ctx) is not None:
        return None
    # What is searched depends on what is hidden from a role.
    return (ctx.organization, ctx.principal.roles, res.name, msgspec.json.encode(document), wanted.search)


async def count(
    ctx: Context,
    res: Resource[Any],
    conditions: Sequence[ColumnElement[bool]],
    key: Any = None,
    known_head: Any = None,
) -> int:
    """How many rows; remembered under ``key`` until the resource's next change, so that paging does not count again.

    ``known_head`` is what ``head`` selected, where the caller has it already.
    """
    if key is not None and known_head is None:
        database = ctx.platform.database
        asked = _asking(ctx, res).on(database)
        (known_head,) = await direct.run(database, ctx.session, asked, {"in_organization": ctx.organization})
    if key is None or not known_head[1]:
        return await _counted(ctx, res, conditions)
    memory: dict[Any, tuple[int, int]] = ctx.platform.memory.setdefault("counts", {})
    known = memory.get(key)
    if known is not None and known[0] == known_head[0]:
        return known[1]
    total = await _counted(ctx, res, conditions)
    if len(memory) > 5000:
        memory.clear()
    memory[key] = (known_head[0], total)
    return total


async def _counted(ctx: Context, res: Resource[Any], conditions: Sequence[ColumnElement[bool]]) -> int:
    statement = select(func.count()).select_from(res.model).where(*conditions)
    return int(await ctx.session.scalar(statement) or 0)


def _asking(ctx: Context, res: Resource[Any]) -> direct.Statement:
    key = ("asked_head", ctx.platform.database.is_sqlite)
    if key not in res.memory:
        res.memory[key] = direct.Statement(plain(select(*head(ctx, res))))
    found: direct.Statement = res.memory[key]
    return found


def head(ctx: Context, res: Resource[Any]) -> list[Any]:
    """The number of the resource's newest change, and whether no older one may still be on its way."""
    sqlite = ctx.platform.database.is_sqlite
    # A declaration outlives a database: what is kept with it is kept per kind of database.
    key = ("head", sqlite)
    if key not in res.memory:
        res.memory[key] = [changes.newest(res.name).label("head"), changes.settled(sqlite).label("settled")]
    found: list[Any] = res.memory[key]
    return found
