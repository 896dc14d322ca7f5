"""Starting, pausing, resuming, cancelling and looking at jobs, from any process of the installation."""

from __future__ import annotations

import asyncio
import time
import zlib
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import msgspec
from dbos import EnqueueOptions, WorkflowHandle, WorkflowHandleAsync, WorkflowStatus
from sqlalchemy.ext.asyncio import AsyncSession

from mainstay.kernel.jobs import registry
from mainstay.kernel.jobs.locks import holding
from mainstay.kernel.jobs.serializer import JobError
from mainstay.kernel.jobs.state import Runtime, current

VERSION = "1"
"""Version of the job code as the engine knows it: pinned, so that an upgraded program goes on with old jobs.
"""

State = Literal["queued", "running", "paused", "succeeded", "failed", "cancelled"]
FINISHED = ("succeeded", "failed", "cancelled")
PAUSED = "paused"
_STATES: dict[str, State] = {
    "DELAYED": "queued",
    "ENQUEUED": "queued",
    "PENDING": "running",
    "SUCCESS": "succeeded",
    "ERROR": "failed",
    "MAX_RECOVERY_ATTEMPTS_EXCEEDED": "failed",
    "CANCELLED": "cancelled",
}


class UnknownJob(LookupError):
    """No job has this id, or no job function has this name."""


class Job(msgspec.Struct, kw_only=True, frozen=True):
    """A job as it stands. Times are aware (UTC)."""

    id: str
    name: str
    state: State
    queue: str
    created_at: datetime
    updated_at: datetime
    run_at: datetime | None = None
    """When a job that waits for its time may start."""
    finished_at: datetime | None = None
    result: Any = None
    error: str | None = None
    """``<exception>: <message>`` of a failed job."""

    @property
    def finished(self) -> bool:
        return self.state in FINISHED


async def enqueue(
    name: str,
    /,
    *,
    job_id: str | None = None,
    unique: str | None = None,
    run_at: datetime | None = None,
    priority: int = 0,
    session: AsyncSession | None = None,
    **args: Any,
) -> str:
    """Start the job ``name`` with ``args``; its id.

    ``job_id`` makes it start once however often it is called: an id that exists, finished or not, is returned
    unchanged. ``unique`` returns the id of a waiting or running job of the same queue enqueued under the same
    key. ``run_at`` is a durable timer: until then the job costs one row, for days if need be. A lower
    ``priority`` (from 0) starts earlier. With ``session`` the job is part of that transaction: it exists
    when, and only when, the transaction commits.

    Raises ``UnknownJob`` for a name that is not registered, ``TypeError`` for arguments that JSON cannot
    hold.
    """
    if name not in registry.jobs:
        raise UnknownJob(f"No job is called {name!r}.")
    if unique is not None and session is not None:
        raise ValueError("`unique` needs a transaction of its own: in a session, give `job_id` instead.")
    runtime = current()
    options = EnqueueOptions(workflow_name=name, queue_name=registry.jobs[name].queue, app_version=VERSION)
    if job_id is not None:
        options["workflow_id"] = job_id
    if unique is not None:
        options["deduplication_id"] = unique
        options["duplication_policy"] = "return-existing"
    if run_at is not None:
        options["delay_seconds"] = max(0.0, run_at.timestamp() - time.time())
    if priority:
        options["priority"] = priority
    if session is not None:
        connection = await session.connection()
        handle: WorkflowHandle[Any] = await connection.run_sync(
            lambda sync: runtime.client.enqueue_in_transaction(sync, options, args)
        )
        return handle.get_workflow_id()
    started: WorkflowHandleAsync[Any] = await runtime.client.enqueue_async(options, args)
    return started.get_workflow_id()


async def status(job_id: str) -> Job:
    """The job as it stands; ``UnknownJob`` when there is none."""
    return _job(await _find(current(), job_id, values=True))


async def wait(job_id: str, seconds: float = 60.0) -> Job:
    """The job when it has finished; ``TimeoutError`` when it has not after ``seconds``."""
    async with asyncio.timeout(seconds):
        while True:
            found = await status(job_id)
            if found.finished:
                return found
            await asyncio.sleep(0.1)


async def pause(job_id: str) -> Job:
    """Stop the job at its next step until ``resume``; a step that runs is finished. The job as it stands
    then.

    A finished job stays as it is.
    """
    runtime = current()
    async with holding(runtime.locks, _lock(job_id)):
        if not _job(await _find(runtime, job_id)).finished:
            await runtime.client.update_workflow_attributes_async(job_id, {PAUSED: True}, merge=True)
    return await status(job_id)


async def resume(job_id: str) -> Job:
    """Let a paused job go on. Any other job stays as it is. The job as it stands then."""
    runtime = current()
    async with holding(runtime.locks, _lock(job_id)):
        found = await _find(runtime, job_id)
        if _job(found).state == "paused":
            await runtime.client.update_workflow_attributes_async(job_id, {PAUSED: False}, merge=True)
            if found.status == "CANCELLED":
                await runtime.client.resume_workflow_async(job_id, queue_name=_queue(found.name))
    return await status(job_id)


async def cancel(job_id: str) -> Job:
    """End the job: at once when it waits, at its next step when it runs. It cannot be resumed.

    A finished job stays as it is. The job as it stands then.
    """
    runtime = current()
    async with holding(runtime.locks, _lock(job_id)):
        if not _job(await _find(runtime, job_id)).finished:
            await runtime.client.update_workflow_attributes_async(job_id, {PAUSED: False}, merge=True)
            await runtime.client.cancel_workflow_async(job_id)
    return await status(job_id)


async def park_if_paused(runtime: Runtime, job_id: str) -> bool:
    """Between two steps of the job: give up its place when it is to pause. True when it was given up.

    Under the lock of ``resume``, so that a job is not parked after it was told to go on; and between steps,
    so that a job resumed elsewhere never runs beside a step of its old run.
    """
    if not await is_paused(runtime, job_id):
        return False
    async with holding(runtime.locks, _lock(job_id)):
        if not await is_paused(runtime, job_id):
            return False
        await runtime.client.cancel_workflow_async(job_id)
    return True


async def is_paused(runtime: Runtime, job_id: str) -> bool:
    return bool(((await _find(runtime, job_id)).attributes or {}).get(PAUSED))


async def retire(older_than: timedelta, batch: int = 500) -> int:
    """Forget jobs that finished longer ago than ``older_than``; how many."""
    client, forgotten = current().client, 0
    before = (datetime.now(UTC) - older_than).isoformat()
    while True:
        old = await client.list_workflows_async(
            status=["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"],
            completed_before=before,
            limit=batch,
            load_input=False,
            load_output=False,
        )
        ids = [found.workflow_id for found in old if not (found.attributes or {}).get(PAUSED)]
        if not ids:
            return forgotten
        await client.delete_workflows_async(ids)
        forgotten += len(ids)


async def _find(runtime: Runtime, job_id: str, *, values: bool = False) -> WorkflowStatus:
    found = await runtime.client.list_workflows_async(workflow_ids=[job_id], load_input=False, load_output=values)
    if not found:
        raise UnknownJob(f"No job has the id {job_id!r}.")
    return found[0]


def _job(found: WorkflowStatus) -> Job:
    state = _STATES[found.status]
    if (found.attributes or {}).get(PAUSED) and found.status not in ("SUCCESS", "ERROR"):
        state = "paused"
    error = JobError.of(found.error) if found.error is not None else None
    return Job(
        id=found.workflow_id,
        name=found.name,
        state=state,
        queue=_queue(found.name),
        created_at=_time(found.created_at) or datetime.now(UTC),
        updated_at=_time(found.updated_at) or datetime.now(UTC),
        run_at=_time(found.delay_until_epoch_ms) if found.status == "DELAYED" else None,
        finished_at=_time(found.completed_at) if state in FINISHED else None,
        result=found.output,
        error=f"{error.kind}: {error}" if error else _ATTEMPTS if state == "failed" else None,
    )


_ATTEMPTS = "MaxRecoveryAttempts: The process died each time it ran this job."


def _queue(name: str) -> str:
    declared = registry.jobs.get(name)
    return declared.queue if declared else "default"


def _lock(job_id: str) -> str:
    # Few locks for all jobs: they are held for milliseconds, and each is a file on SQLite.
    return f"hold-{zlib.crc32(job_id.encode()) % 64}"


def _time(milliseconds: int | None) -> datetime | None:
    return datetime.fromtimestamp(milliseconds / 1000, UTC) if milliseconds else None
