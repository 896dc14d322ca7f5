"""Pausing, resuming and cancelling tasks; recurring tasks and when they are due."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from croniter import croniter
from sqlalchemy import select

from mainstay.kernel import jobs, store, tasks
from mainstay.kernel.context import Context
from mainstay.kernel.database import ANY_ORGANIZATION
from mainstay.kernel.errors import Conflict, Invalid
from mainstay.kernel.platform import Platform
from mainstay.kernel.tasks import AsyncTask

RECURRING: dict[str, Callable[[Context], Awaitable[int]]] = {}
"""Work that an organization can put on a schedule: name → what is done; returns how much. Features add theirs."""


def next_run(cron: str, now: datetime) -> datetime:
    """When a cron expression is due next (UTC). Raises ``Invalid`` naming ``task_trigger_data``."""
    if len(cron.split()) != 5 or not croniter.is_valid(cron):
        raise Invalid.field(
            "task_trigger_data", "The schedule must be a cron expression of five fields, such as 0 3 * * *."
        )
    due: datetime = croniter(cron, now.astimezone(ZoneInfo("UTC"))).get_next(datetime)
    return due.astimezone(UTC)


async def switch(ctx: Context, task: AsyncTask, on: bool) -> None:
    """Pause or resume; raises ``Conflict`` where there is nothing to pause."""
    if task.task_path in RECURRING:
        task.is_enabled = on
        task.next_run = next_run(task.task_trigger_data, ctx.now) if on else None
        return
    if task.status in tasks.FINISHED:
        raise Conflict(f"This task is over already: {task.status}.")
    task.is_enabled = on
    if on and task.status == tasks.PAUSED:
        task.status = tasks.RUNNING if task.started_at else tasks.QUEUED
        ctx.after_commit.append(lambda: _quiet(jobs.resume(task.id)))
    elif not on and task.status != tasks.PAUSED:
        task.status = tasks.PAUSED
        ctx.after_commit.append(lambda: _quiet(jobs.pause(task.id)))


async def cancel(ctx: Context, task: AsyncTask) -> None:
    """Stop a task for good after its present batch."""
    task.status, task.finished_at = tasks.CANCELLED, ctx.now
    if task.task_path not in RECURRING:
        ctx.after_commit.append(lambda: _quiet(jobs.cancel(task.id)))
    task.is_enabled = False


async def _quiet(call: Awaitable[object]) -> None:
    # The job may have ended between the look and the word; its own last step tells how.
    try:
        await call
    except jobs.UnknownJob:
        return


@jobs.schedule("* * * * *", name="tasks.due")
async def run_due(due: datetime) -> None:
    """Start the recurring tasks whose time has come, in all organizations."""
    platform: Platform = jobs.services()
    for organization, task_id in await _waiting(platform):
        await run_one(platform, organization, task_id)


async def _waiting(platform: Platform) -> list[tuple[str, str]]:
    async with platform.work(ANY_ORGANIZATION, write=False) as ctx:
        query = select(AsyncTask.organization, AsyncTask.id).where(
            AsyncTask.is_enabled.is_(True), AsyncTask.next_run <= ctx.now
        )
        return [(row[0], row[1]) for row in (await ctx.session.execute(query)).all()]


async def run_one(platform: Platform, organization: str, task_id: str) -> int:
    """Run one recurring task now and set its next time, in one transaction."""
    async with platform.work(organization) as ctx:
        task = await store.get(ctx, AsyncTask, task_id, lock=True)
        if task.next_run is None or task.next_run > ctx.now or task.task_path not in RECURRING:
            return 0
        done = await RECURRING[task.task_path](ctx)
        tasks.mark_worker(ctx, task)
        task.done += done
        task.finished_at = ctx.now
        task.next_run = next_run(task.task_trigger_data, ctx.now)
        await store.save(ctx, task, action="run")
        tasks.progress(ctx, task)
        return done
