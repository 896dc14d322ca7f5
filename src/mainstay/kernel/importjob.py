"""The import as a durable job: batches in transactions of their own, each stored once, whatever dies in between."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from mainstay.kernel import files, generation, importing, jobs, store, tasks
from mainstay.kernel.context import Context, system
from mainstay.kernel.platform import Platform, run_after_commit
from mainstay.kernel.tasks import AsyncTask
from mainstay.kernel.transfer import Row, TransferError, inspect, open_table

JOB = "import.rows"
_open: dict[str, tuple[int, list[str], Iterator[list[Row]]]] = {}
"""Task → the next row's position, the headers and the reader standing there, so that batches do not start from the top:
to open a file is to read it through."""


async def start(ctx: Context, task: AsyncTask) -> None:
    """Enqueue the import in the transaction that holds its task."""
    await jobs.enqueue(JOB, job_id=task.id, session=ctx.session, task=task.id, organization=ctx.organization)


@jobs.job(JOB, queue="bulk")
async def import_rows(task: str, organization: str) -> dict[str, int]:
    """Import the file of a task; returns what was done."""
    platform: Platform = jobs.services()
    done: dict[str, int]
    try:
        total: int = await jobs.step(_prepare, platform, organization, task)
        for first in range(0, total, importing.BATCH):

            def opened() -> AbstractAsyncContextManager[AsyncSession]:
                return platform.database.session(organization, write=True)

            await jobs.transact(opened, _batch, platform, organization, task, first)
            if platform.live is not None and platform.live.streams:
                await _tell(platform, organization, task)
        done = await jobs.step(_finish, platform, organization, task, "")
        return done
    except jobs.JobError as error:
        done = await jobs.step(_finish, platform, organization, task, str(error))
        raise
    finally:
        _open.pop(task, None)


async def _prepare(platform: Platform, organization: str, task_id: str) -> int:
    async with platform.work(organization) as ctx:
        task = await store.get(ctx, AsyncTask, task_id, lock=True)
        path = files.path_of(platform.settings, task.arguments["digest"])
        try:
            task.total = (await asyncio.to_thread(inspect, path, 0)).rows
        except TransferError as error:
            raise ValueError(str(error)) from None
        tasks.mark_worker(ctx, task)
        await store.save(ctx, task)
        tasks.progress(ctx, task)
        return task.total


async def _batch(session: AsyncSession, platform: Platform, organization: str, task_id: str, first: int) -> int:
    ctx = Context(platform=platform, session=session, principal=system(organization), now=platform.now())
    task = await store.get(ctx, AsyncTask, task_id, lock=True)
    ctx.principal = tasks.principal_of(task)
    ctx.principal.generation = await generation.number(ctx)
    res = platform.registry.resources[task.arguments["resource"]]
    table, batch = await asyncio.to_thread(_read, platform, task, first)
    keep: Any = importing.STORES.get(task.arguments.get("store", ""), importing.store)
    outcome = await keep(ctx, res, table, task.arguments["mapping"], batch)
    task.done = first + len(batch)
    task.created += outcome.created
    task.updated += outcome.updated
    task.failed += len(outcome.errors)
    tasks.mark_worker(ctx, task)
    await store.save(ctx, task)
    await tasks.add_errors(ctx, task, outcome.errors)
    return len(batch)


def _read(platform: Platform, task: AsyncTask, first: int) -> tuple[list[str], list[Row]]:
    """Headers, and the batch that starts at row ``first`` (from 0)."""
    kept = _open.pop(task.id, None)
    if kept is not None and kept[0] == first:
        _first, headers, reader = kept
    else:
        table = open_table(files.path_of(platform.settings, task.arguments["digest"]))
        headers, reader = table.headers, table.batches(importing.BATCH)
        for _ in range(first // importing.BATCH):
            next(reader, None)
    batch = next(reader, [])
    _open[task.id] = (first + importing.BATCH, headers, reader)
    return headers, batch


async def _tell(platform: Platform, organization: str, task_id: str) -> None:
    async with platform.work(organization, write=False) as ctx:
        tasks.progress(ctx, await store.get(ctx, AsyncTask, task_id))
        await run_after_commit(ctx)
    if platform.live is not None:
        platform.live.nudge()


async def _finish(platform: Platform, organization: str, task_id: str, error: str) -> dict[str, int]:
    async with platform.work(organization) as ctx:
        task = await store.get(ctx, AsyncTask, task_id, lock=True)
        if task.status != tasks.CANCELLED:
            task.status = tasks.FAILED if error else tasks.SUCCEEDED
        task.error = error[:1000]
        task.finished_at = ctx.now
        await store.save(ctx, task)
        tasks.progress(ctx, task)
        return {"created": task.created, "updated": task.updated, "failed": task.failed}
