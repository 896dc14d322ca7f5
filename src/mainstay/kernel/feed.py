"""Consumers of the change feed: each handles every change at least once, in order, and survives kill -9.

A consumer's position moves in the same transaction as what it stores, so its effects on the database happen exactly
once; effects outside (a webhook) may repeat after a crash.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from itertools import groupby
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import BigInteger, Select, String, select, text, tuple_
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Mapped, mapped_column

from mainstay.kernel.changes import Change
from mainstay.kernel.context import Context, system
from mainstay.kernel.database import ANY_ORGANIZATION
from mainstay.kernel.record import Base

if TYPE_CHECKING:
    from mainstay.kernel.platform import Platform

log = structlog.get_logger("mainstay.feed")
Handler = Callable[[Context, Sequence[Change]], Awaitable[None]]
BATCH = 1000
INTERVAL = 0.5
"""Seconds between looks; a change made by another process waits no longer than this."""


class FeedPosition(Base):
    """How far a consumer has come."""

    __tablename__ = "feed_position"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    transaction: Mapped[int] = mapped_column(BigInteger, default=0)
    seq: Mapped[int] = mapped_column(BigInteger, default=0)


_consumers: dict[str, Handler] = {}


def consumer(name: str) -> Callable[[Handler], Handler]:
    """Register ``async def handler(ctx, changes)``: changes of one organization, in order, in one transaction."""

    def add(handler: Handler) -> Handler:
        _consumers[name] = handler
        return handler

    return add


def _after(position: FeedPosition | None, sqlite: bool) -> Select[Change]:
    query = select(Change).order_by(Change.transaction, Change.seq).limit(BATCH)
    if position is not None:
        query = query.where(tuple_(Change.transaction, Change.seq) > tuple_(position.transaction, position.seq))
    if not sqlite:
        # A transaction still under way may yet add changes before these; wait for it.
        query = query.where(Change.transaction < text("pg_snapshot_xmin(pg_current_snapshot())::text::bigint"))
    return query


async def consume(platform: Platform, name: str, handler: Handler) -> int:
    """Handle one batch; returns how many changes it had."""
    sqlite = platform.database.is_sqlite
    async with platform.work(ANY_ORGANIZATION, write=False) as ctx:
        position = await ctx.session.get(FeedPosition, name)
        if (await ctx.session.execute(_after(position, sqlite).limit(1))).first() is None:
            return 0
    async with platform.work(ANY_ORGANIZATION) as ctx:
        position = await ctx.session.get(FeedPosition, name, with_for_update=not sqlite)
        if position is None:
            # Two processes may begin a new consumer at once: one row, and the second waits for it here.
            first = (sqlite_insert if sqlite else postgresql_insert)(FeedPosition)
            await ctx.session.execute(first.values(name=name, transaction=0, seq=0).on_conflict_do_nothing())
            position = await ctx.session.get_one(FeedPosition, name, with_for_update=not sqlite)
        found = list((await ctx.session.execute(_after(position, sqlite))).scalars())
        if not found:
            return 0
        position.transaction, position.seq = found[-1].transaction, found[-1].seq
        await ctx.session.flush()
        for organization, group in groupby(
            sorted(found, key=lambda row: row.organization), lambda row: row.organization
        ):
            ctx.session.sync_session.info["organization"] = organization
            ctx.principal = system(organization)
            ctx.cache.clear()
            await handler(ctx, list(group))
            await ctx.session.flush()
    return len(found)


class Follower:
    """Runs every consumer in this process."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        self._tasks = [asyncio.create_task(self._run(name), name=f"feed-{name}") for name in _consumers]

    async def stop(self) -> None:
        """Stop between batches; a batch that is cut off is rolled back and comes again."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with suppress(asyncio.CancelledError):
                await task

    async def _run(self, name: str) -> None:
        pause = INTERVAL
        while True:
            try:
                handled = await consume(self.platform, name, _consumers[name])
                pause = INTERVAL
            except SQLAlchemyError as error:
                log.warning("consumer waits", consumer=name, error=str(error)[:300])
                handled, pause = 0, min(pause * 2, 30)
            except Exception:
                # A mistake in one consumer must not silence it until the next start.
                log.exception("consumer failed", consumer=name)
                handled, pause = 0, min(pause * 2, 30)
            if handled < BATCH:
                await asyncio.sleep(pause)


async def drain(platform: Platform) -> None:
    """Let every consumer catch up; for tests and commands."""
    for name, handler in _consumers.items():
        while await consume(platform, name, handler):
            pass
