"""What a job is made of: steps whose results are stored, and durable waits."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar, cast

import sqlalchemy as sa
import structlog
from dbos import DBOS
from dbos._error import DBOSWorkflowCancelledError
from sqlalchemy.ext.asyncio import AsyncSession

from mainstay.kernel.jobs.control import park_if_paused
from mainstay.kernel.jobs.serializer import JobError, JsonSerializer
from mainstay.kernel.jobs.state import Runtime, current

log = structlog.stdlib.get_logger("mainstay.jobs")
Result = TypeVar("Result")

_metadata = sa.MetaData()
job_effect = sa.Table(
    "job_effect",
    _metadata,
    sa.Column("job", sa.Text, primary_key=True),
    sa.Column("step", sa.Integer, primary_key=True),
    sa.Column("result", sa.Text, nullable=False),
)
"""Results of ``transact`` steps, written with their effects; gone when the job ends."""


async def step(
    function: Callable[..., Awaitable[Result] | Result],
    *args: Any,
    retries: int = 0,
    retry_seconds: float = 1.0,
    **kwargs: Any,
) -> Result:
    """Call ``function`` (async, on the event loop, or sync, in a thread) once and keep what it returns.

    After a crash a step that was kept is not called again; one that was cut off is, so its effect must bear
    that: use ``transact`` for effects in the database, ``step_key`` as an idempotency key elsewhere. The
    result must be JSON-able. An exception is tried ``retries`` more times, after ``retry_seconds`` and then
    twice as long each time; the last one is kept and raised as ``JobError``. Pause and cancel take effect
    before a step. The steps of one job run one after another: do not gather them.
    """
    runtime, job_id = current(), _job_id()
    await _boundary(runtime, job_id)
    name = getattr(function, "__qualname__", type(function).__name__)
    wait = [retry_seconds * 2**attempt for attempt in range(retries)]

    async def call() -> Result:
        while True:
            try:
                if inspect.iscoroutinefunction(function):
                    return cast(Result, await function(*args, **kwargs))
                outcome = await asyncio.to_thread(function, *args, **kwargs)
                return cast(Result, await outcome if inspect.isawaitable(outcome) else outcome)
            except Exception as error:
                if not wait:
                    log.warning("job step failed", job=job_id, step=name, exc_info=error)
                    # The same type now and when the job is replayed, so that the job decides alike.
                    raise JobError.of(error) from error
                log.warning("job step failed, will be repeated", job=job_id, step=name, error=str(error))
            await asyncio.sleep(wait.pop(0))

    with _counted(runtime):
        return cast(Result, await DBOS.run_step_async({"name": name}, call))


async def transact(
    open_session: Callable[[], AbstractAsyncContextManager[AsyncSession]],
    function: Callable[..., Awaitable[Result]],
    *args: Any,
    **kwargs: Any,
) -> Result:
    """A step whose effect is exactly once: ``function(session, *args)`` and its result commit together.

    ``open_session()`` opens a session on the application's database in one transaction, committed at the end
    of its block. A step that committed before a crash is not called again, whether or not the crash came
    before the engine took note.
    """

    async def call() -> Result:
        job_id, number = _job_id(), int(DBOS.step_id or 0)
        where = (job_effect.c.job == job_id) & (job_effect.c.step == number)
        serializer = JsonSerializer()
        async with open_session() as session:
            kept = (await session.execute(sa.select(job_effect.c.result).where(where))).scalar_one_or_none()
            if kept is not None:
                return cast(Result, serializer.deserialize(kept))
            result = await function(session, *args, **kwargs)
            await session.execute(
                sa.insert(job_effect).values(job=job_id, step=number, result=serializer.serialize(result))
            )
        return result

    call.__qualname__ = getattr(function, "__qualname__", type(function).__name__)
    return await step(call)


async def sleep_until(moment: datetime) -> None:
    """Wait inside a job until ``moment`` (aware), through restarts.

    The job keeps its place in its queue meanwhile: for waits beyond minutes end the job and ``enqueue`` the
    rest with ``run_at``.
    """
    await _boundary(current(), _job_id())
    # Never zero: a wait that is over is still counted as a step, or a replay would number the steps
    # otherwise.
    await DBOS.sleep_async(max(0.001, (moment - datetime.now(UTC)).total_seconds()))


def step_key() -> str:
    """Inside a step: a key that is the same each time this step of this job is called, and no other's."""
    return f"{_job_id()}:{DBOS.step_id}"


async def run_job(job_id: str, function: Callable[..., Awaitable[Any]], *args: Any, **kwargs: Any) -> Any:
    """The body of every job, as the engine calls it."""
    runtime = current()
    task = asyncio.current_task()
    if task is not None:
        runtime.tasks.add(task)
        task.add_done_callback(runtime.tasks.discard)
    await _boundary(runtime, job_id)
    with structlog.contextvars.bound_contextvars(job=job_id):
        try:
            result = await function(*args, **kwargs)
            JsonSerializer().serialize(result)
        except Exception as error:
            # A step has told its own failure with its trace.
            trace = None if isinstance(error, JobError) else error
            log.error("job failed", error=str(error), exc_info=trace)
            await asyncio.to_thread(_forget_effects, runtime, job_id)
            raise JobError.of(error) from error
    await asyncio.to_thread(_forget_effects, runtime, job_id)
    return result


def create_tables(engine: sa.Engine) -> None:
    _metadata.create_all(engine)


def _forget_effects(runtime: Runtime, job_id: str) -> None:
    with runtime.engine.begin() as connection:
        if connection.execute(sa.select(job_effect.c.step).where(job_effect.c.job == job_id).limit(1)).first():
            connection.execute(sa.delete(job_effect).where(job_effect.c.job == job_id))


async def _boundary(runtime: Runtime, job_id: str) -> None:
    """Between two steps: stay here while the process stops, and leave when the job is paused."""
    if runtime.stopping.is_set():
        # The engine still holds the job as running, and the next process takes it up from here.
        await asyncio.get_running_loop().create_future()
    if await park_if_paused(runtime, job_id):
        raise DBOSWorkflowCancelledError(f"The job {job_id} is paused.")


@contextmanager
def _counted(runtime: Runtime) -> Iterator[None]:
    runtime.steps_running += 1
    runtime.quiet.clear()
    try:
        yield
    finally:
        runtime.steps_running -= 1
        if not runtime.steps_running:
            runtime.quiet.set()


def _job_id() -> str:
    job_id = DBOS.workflow_id
    if job_id is None:
        raise RuntimeError("This may only be called inside a job.")
    return job_id
