"""What grows with time and may go when it is old. Each area says how its own goes; when, organizations say."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, select, tuple_

from mainstay.kernel import feed
from mainstay.kernel.changes import Change
from mainstay.kernel.database import ANY_ORGANIZATION
from mainstay.kernel.feed import FeedPosition
from mainstay.kernel.tasks import FINISHED, AsyncTask, TaskError

if TYPE_CHECKING:
    from mainstay.kernel.platform import Platform

Purger = Callable[["Platform", str, datetime], Awaitable[int]]
"""Of an organization, what is older than a time; how much went."""
AT_ONCE = 5000
_purgers: dict[str, Purger] = {}


def purgeable(name: str) -> Callable[[Purger], Purger]:
    """Declare how what has this name goes."""

    def declare(purger: Purger) -> Purger:
        _purgers[name] = purger
        return purger

    return declare


def purgers() -> dict[str, Purger]:
    """Every kind of what may go."""
    return dict(_purgers)


def purgeable_rows(name: str, table: str, column: str) -> None:
    """Declare that what has this name are the rows of a telemetry table, as old as this column says."""

    @purgeable(name)
    async def purge(platform: Platform, organization: str, before: datetime) -> int:
        return await old_rows(platform, table, column, organization, before)


async def old_rows(platform: Platform, table: str, column: str, organization: str, before: datetime) -> int:
    """Delete an organization's rows of a telemetry table that are older; how many there were."""
    if platform.telemetry is None:
        return 0
    bound = {"organization": organization, "before": before.astimezone(UTC)}
    where = f"organization = {{organization:String}} AND {column} < {{before:DateTime64(3, 'UTC')}}"
    (found,) = await platform.telemetry.query(f"SELECT count() AS old FROM {table} WHERE {where}", bound)  # noqa: S608
    if found["old"]:
        await platform.telemetry.command(f"DELETE FROM {table} WHERE {where}", bound)  # noqa: S608
    return int(found["old"])


@purgeable("audits")
async def old_changes(platform: Platform, organization: str, before: datetime) -> int:
    """The audit trail; what somebody who follows the changes has not handled yet stays, however old it is."""
    async with platform.work(ANY_ORGANIZATION, write=False) as ctx:
        # One that is not there any more will not come for them.
        query = select(FeedPosition.transaction, FeedPosition.seq).where(FeedPosition.name.in_(feed.names()))
        places = (await ctx.session.execute(query)).all()
    handled = min((tuple(row) for row in places), default=None)
    gone = 0
    while True:
        async with platform.work(organization) as ctx:
            # The newest change of each resource tells whether its lists are as they were: it stays, too.
            newest = select(func.max(Change.seq)).group_by(Change.resource)
            old = select(Change.seq).where(Change.at < before, Change.seq.not_in(newest)).order_by(Change.seq)
            if handled is not None:
                old = old.where(tuple_(Change.transaction, Change.seq) <= handled)
            ids = list((await ctx.session.execute(old.limit(AT_ONCE))).scalars())
            if ids:
                dropped = delete(Change).where(Change.seq.in_(ids))
                await ctx.session.execute(dropped.execution_options(synchronize_session=False))
        gone += len(ids)
        if len(ids) < AT_ONCE:
            return gone


@purgeable("upload_job")
async def old_imports(platform: Platform, organization: str, before: datetime) -> int:
    """Imports that have ended, with the rows that were refused."""
    return await old_tasks(platform, organization, before, "import.rows")


async def old_tasks(platform: Platform, organization: str, before: datetime, path: str) -> int:
    """Background tasks of a job that have ended."""
    async with platform.work(organization) as ctx:
        query = select(AsyncTask.id).where(
            AsyncTask.task_path == path, AsyncTask.status.in_(sorted(FINISHED)), AsyncTask.finished_at < before
        )
        ids = list((await ctx.session.execute(query.limit(AT_ONCE))).scalars())
        for model, column in ((TaskError, TaskError.task), (AsyncTask, AsyncTask.id)):
            for start in range(0, len(ids), 500):
                dropped = delete(model).where(column.in_(ids[start : start + 500]))
                await ctx.session.execute(dropped.execution_options(synchronize_session=False))
    return len(ids)
