"""Configuration that nearly every request needs and that seldom changes, kept in memory and exact.

Each organization has a generation number. A write to a configuration resource raises it in the same transaction;
authentication reads it along with the caller, and what was loaded under another number is loaded again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import Integer, insert, select, update
from sqlalchemy.orm import Mapped, mapped_column

from mainstay.kernel.record import Base, Identifier, Scoped

if TYPE_CHECKING:
    from mainstay.kernel.context import Context

T = TypeVar("T")

CONFIGURATION: set[str] = {"role", "custom_field", "field_config", "settings"}
"""Resources whose changes raise the generation; features add their own."""


class Generation(Scoped, Base):
    """An organization's generation number."""

    __tablename__ = "generation"

    organization: Mapped[str] = mapped_column(Identifier, primary_key=True)
    number: Mapped[int] = mapped_column(Integer, default=1)


async def bump(ctx: Context) -> None:
    """Raise the number of the caller's organization, once in a transaction."""
    ctx.cache.clear()
    ctx.principal.generation = -1
    info = ctx.session.sync_session.info
    if ctx.organization in info.get("raised", ()):
        return
    raised = await ctx.session.execute(
        update(Generation).values(number=Generation.number + 1).execution_options(synchronize_session=False)
    )
    if not raised.rowcount:  # type: ignore[attr-defined]
        await ctx.session.execute(insert(Generation).values(organization=ctx.organization, number=1))
    if not ctx.session.in_nested_transaction():
        # What a savepoint holds may be taken back while the rest stays.
        info.setdefault("raised", set()).add(ctx.organization)


async def number(ctx: Context) -> int:
    """The number of the caller's organization, for work that nobody's authentication preceded."""
    return int(await ctx.session.scalar(select(Generation.number)) or 0)


async def cached(ctx: Context, name: str, load: Callable[[Context], Awaitable[T]]) -> T:
    """What ``load`` returns, from memory while the organization's configuration is unchanged."""
    if name in ctx.cache:
        known: T = ctx.cache[name]
        return known
    generation = ctx.principal.generation
    memory: dict[Any, tuple[int, Any]] = ctx.platform.memory.setdefault("configuration", {})
    kept = memory.get((ctx.organization, name))
    if generation >= 0 and kept is not None and kept[0] == generation:
        ctx.cache[name] = kept[1]
        found: T = kept[1]
        return found
    value = await load(ctx)
    ctx.cache[name] = value
    if generation >= 0:
        if len(memory) > 10_000:
            memory.clear()
        memory[(ctx.organization, name)] = (generation, value)
    return value
