"""The import as a durable job: batches in transactions of their own, each stored once, whatever dies in between.

How many rows are done is written along with them, so that a step which is repeated goes on where it was cut off.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import islice
from typing import Any

from mainstay.kernel import files, generation, importing, jobs, store, tasks
from mainstay.kernel.context import Context
from mainstay.kernel.platform import Platform, run_after_commit
from mainstay.kernel.tasks import AsyncTask
from mainstay.kernel.transfer import Row, TransferError, inspect, open_table

JOB = "import.rows"
AT_A_TIME = 5
"""Batches in one step of the job: to note a step costs as much as to store some hundred rows."""
_open: dict[str, tuple[int, list[str], Iterator[Row]]] = {}
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
        for _ in range(0, total, importing.BATCH):
            stored: int = await jobs.step(_batch, platform, organization, task)
            if stored >= total:
                break
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


async def _batch(platform: Platform, organization: str, task_id: str) -> int:
    """Store the next rows, one batch at least; returns how many are done."""
    done = 0
    for number in range(AT_A_TIME):
        async with platform.work(organization) as ctx:
            task = await store.get(ctx, AsyncTask, task_id, lock=True)
            done = task.done
            if done >= task.total or (number and task.status != tasks.RUNNING):
                break
            done += await _store(ctx, task)
        if platform.live is not None and platform.live.streams:
            await _tell(platform, organization, task_id)
    return done


async def _store(ctx: Context, task: AsyncTask) -> int:
    """Store the next rows of the file, and how far the task is with them; how many there were."""
    ctx.principal = tasks.principal_of(task)
    ctx.principal.generation = await generation.number(ctx)
    res = ctx.platform.registry.resources[task.arguments["resource"]]
    table, batch = await asyncio.to_thread(_read, ctx.platform, task, task.done)
    keep: Any = importing.STORES.get(task.arguments.get("store", ""), importing.store)
    outcome = await keep(ctx, res, table, task.arguments["mapping"], batch)
    task.done += len(batch)
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
        _first, headers, rows = kept
    else:
        table = open_table(files.path_of(platform.settings, task.arguments["digest"]))
        headers, rows = table.headers, islice(table.rows(), first, None)
    batch = list(islice(rows, importing.BATCH))
    _open[task.id] = (first + len(batch), headers, rows)
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
