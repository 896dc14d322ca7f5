"""Display ids: a prefix and a running number per organization and module."""

from __future__ import annotations

from sqlalchemy import BigInteger, String, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

from mainstay.kernel.context import Context
from mainstay.kernel.record import Base, Identifier, Scoped


class Sequence(Scoped, Base):
    """The next number of one module. The row is locked until the transaction that takes a number ends."""

    __tablename__ = "number_sequence"

    organization: Mapped[str] = mapped_column(Identifier, primary_key=True)
    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    next_number: Mapped[int] = mapped_column(BigInteger, default=1)


async def take(ctx: Context, name: str, count: int = 1) -> int:
    """Reserve ``count`` consecutive numbers; returns the first. A rolled-back transaction gives them back."""
    statement = (
        update(Sequence)
        .where(Sequence.name == name)
        .values(next_number=Sequence.next_number + count)
        .returning(Sequence.next_number)
        .execution_options(synchronize_session=False)
    )
    after = await ctx.session.scalar(statement)
    if after is None:
        try:
            async with ctx.session.begin_nested():
                await ctx.session.execute(
                    insert(Sequence).values(organization=ctx.organization, name=name, next_number=count + 1)
                )
            return 1
        except IntegrityError:
            after = await ctx.session.scalar(statement)
    return int(after or 1) - count


async def peek(ctx: Context, name: str) -> int:
    """The number that comes next."""
    found = await ctx.session.scalar(select(Sequence.next_number).where(Sequence.name == name))
    return int(found or 1)
