"""Display ids: a prefix and a running number per organization and module."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, String, bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

from mainstay.kernel import direct
from mainstay.kernel.context import Context
from mainstay.kernel.record import Base, Identifier, Scoped
from mainstay.kernel.statements import plain


class Sequence(Scoped, Base):
    """The next number of one module. The row is locked until the transaction that takes a number ends."""

    __tablename__ = "number_sequence"

    organization: Mapped[str] = mapped_column(Identifier, primary_key=True)
    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    next_number: Mapped[int] = mapped_column(BigInteger, default=1)


_TABLE: Any = Sequence.__table__
_TAKE = direct.Statement(
    plain(
        update(_TABLE)
        .where(_TABLE.c.organization == bindparam("in_organization"), _TABLE.c.name == bindparam("of"))
        .values(next_number=_TABLE.c.next_number + bindparam("taken", type_=BigInteger))
        .returning(_TABLE.c.next_number)
    )
)


async def _take(ctx: Context, wanted: dict[str, Any]) -> int | None:
    database = ctx.platform.database
    rows = await direct.run(database, ctx.session, _TAKE.on(database), wanted)
    return rows[0][0] if rows else None


async def take(ctx: Context, name: str, count: int = 1) -> int:
    """Reserve ``count`` consecutive numbers; returns the first. A rolled-back transaction gives them back."""
    wanted = {"in_organization": ctx.organization, "of": name, "taken": count}
    after = await _take(ctx, wanted)
    if after is None:
        try:
            async with ctx.session.begin_nested():
                await ctx.session.execute(
                    insert(Sequence).values(organization=ctx.organization, name=name, next_number=count + 1)
                )
            return 1
        except IntegrityError:
            after = await _take(ctx, wanted)
    return int(after or 1) - count


async def peek(ctx: Context, name: str) -> int:
    """The number that comes next."""
    found = await ctx.session.scalar(select(Sequence.next_number).where(Sequence.name == name))
    return int(found or 1)
