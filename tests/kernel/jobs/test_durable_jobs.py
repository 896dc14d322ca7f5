"""Durable jobs on SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
import logging
import sys
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
import sqlalchemy as sa

from mainstay.kernel import jobs
from mainstay.kernel.jobs.serializer import JsonSerializer
from mainstay.settings import Settings
from tests.kernel.jobs import durable_work as work
from tests.kernel.jobs.durable_work import reaches, until

sys.path.insert(0, str(Path(__file__).parent))


@pytest_asyncio.fixture(scope="module")
async def running(settings: Settings) -> AsyncIterator[work.Application]:
    application = work.Application(settings, settings.data_dir / "effects")
    await application.create()
    await jobs.launch(settings, services=application)
    yield application
    await jobs.shutdown()
    await application.engine.dispose()


async def test_a_job_takes_and_returns_what_json_holds(running: work.Application) -> None:
    value = {
        "a": [1, 2.5, None, "ü\n"],
        "at": datetime(2026, 1, 2, tzinfo=UTC),
        "$mainstay": "date",
        "d": date.max,
    }
    found = await jobs.wait(await jobs.enqueue("test.echo", value=value), 10)
    assert (found.state, found.name, found.queue, found.result) == (
        "succeeded",
        "test.echo",
        "default",
        value,
    )
    assert found.created_at <= found.updated_at
    assert found.finished_at is not None
    with pytest.raises(TypeError, match="cannot be stored"):
        await jobs.enqueue("test.echo", value=object())
    with pytest.raises(jobs.UnknownJob):
        await jobs.enqueue("test.nothing")
    with pytest.raises(jobs.UnknownJob):
        await jobs.status("nothing")


async def test_one_id_or_one_key_starts_one_job(running: work.Application) -> None:
    job_id = str(uuid.uuid4())
    ids = {await jobs.enqueue("test.echo", job_id=job_id, value=number) for number in range(3)}
    assert ids == {job_id}
    await jobs.wait(job_id, 10)
    await jobs.enqueue("test.echo", job_id=job_id, value="again")
    assert (await jobs.status(job_id)).result == 0

    first = await jobs.enqueue("test.gated", unique="import-7", items=[1])
    assert await jobs.enqueue("test.gated", unique="import-7", items=[2]) == first
    work.gate.set()
    await jobs.wait(first, 10)
    second = await jobs.enqueue("test.gated", unique="import-7", items=[3])
    assert second != first
    await jobs.wait(second, 10)
    assert work.ran == [0, 1, 3]


async def test_a_job_enqueued_in_a_transaction_shares_its_fate(running: work.Application) -> None:
    async with running.session() as session:
        await session.execute(sa.text("INSERT INTO effect VALUES (-1)"))
        kept = await jobs.enqueue("test.echo", session=session, value="kept")
    async with running.session() as session:
        lost = await jobs.enqueue("test.echo", session=session, value="lost")
        await session.rollback()
    assert (await jobs.wait(kept, 10)).result == "kept"
    with pytest.raises(jobs.UnknownJob):
        await jobs.status(lost)
    async with running.session() as session:
        with pytest.raises(ValueError, match="job_id"):
            await jobs.enqueue("test.echo", session=session, unique="x", value=1)


async def test_pause_and_resume_at_a_step(running: work.Application) -> None:
    job_id = await jobs.enqueue("test.gated", items=["a", "b"])
    await reaches(job_id, "running")
    assert (await jobs.pause(job_id)).state == "paused"
    work.gate.set()
    await until(lambda: work.ran == ["a"])
    await asyncio.sleep(1.2)
    assert work.ran == ["a"], "the step that ran is finished, the next does not start"
    assert (await jobs.status(job_id)).finished_at is None
    assert (await jobs.resume(job_id)).state in ("queued", "running", "succeeded")
    assert (await jobs.wait(job_id, 10)).result == ["a", "b"]
    assert work.ran == ["a", "b"], "no step is repeated"
    assert (await jobs.pause(job_id)).state == "succeeded"
    assert (await jobs.resume(job_id)).state == "succeeded"


async def test_resume_before_the_job_noticed_the_pause(running: work.Application) -> None:
    job_id = await jobs.enqueue("test.gated", items=["a", "b"])
    await reaches(job_id, "running")
    for _ in range(5):
        await jobs.pause(job_id)
        await jobs.resume(job_id)
    work.gate.set()
    assert (await jobs.wait(job_id, 10)).result == ["a", "b"]
    assert work.ran == ["a", "b"]


async def test_pausing_and_resuming_at_random_never_repeats_a_step(running: work.Application) -> None:
    work.gate.set()
    items = list(range(60))
    job_id = await jobs.enqueue("test.gated", items=items)
    for _ in range(12):
        await jobs.pause(job_id)
        await asyncio.sleep(0.05)
        await jobs.resume(job_id)
        await asyncio.sleep(0.1)
    assert (await jobs.wait(job_id, 20)).result == items
    assert work.ran == items


async def test_a_waiting_job_is_paused_and_cancelled(running: work.Application) -> None:
    later = datetime.now(UTC) + timedelta(seconds=1)
    paused = await jobs.enqueue("test.echo", run_at=later, value="paused")
    cancelled = await jobs.enqueue("test.echo", run_at=later, value="cancelled")
    due = await jobs.enqueue("test.echo", run_at=later, value="due")
    assert (await jobs.status(due)).state == "queued"
    assert abs((await jobs.status(due)).run_at - later) < timedelta(seconds=0.5)
    await jobs.pause(paused)
    assert (await jobs.cancel(cancelled)).state == "cancelled"
    await jobs.wait(due, 10)
    assert datetime.now(UTC) >= later
    await asyncio.sleep(1)
    assert work.ran == ["due"]
    assert (await jobs.status(paused)).state == "paused"
    await jobs.resume(paused)
    await jobs.wait(paused, 10)
    assert work.ran == ["due", "paused"]


async def test_cancel_stops_a_job_at_its_next_step_for_good(running: work.Application) -> None:
    job_id = await jobs.enqueue("test.gated", items=["a", "b", "c"])
    await reaches(job_id, "running")
    assert (await jobs.cancel(job_id)).state == "cancelled"
    work.gate.set()
    await until(lambda: work.ran == ["a"])
    assert (await jobs.resume(job_id)).state == "cancelled"
    await asyncio.sleep(1)
    assert work.ran == ["a"]

    work.gate.clear()
    paused = await jobs.enqueue("test.gated", items=["d"])
    await jobs.pause(paused)
    assert (await jobs.cancel(paused)).state == "cancelled"


async def test_a_failing_step_is_tried_again_and_its_error_is_kept(running: work.Application) -> None:
    found = await jobs.wait(await jobs.enqueue("test.fails", retries=2), 10)
    assert (found.state, found.error) == ("failed", "PermissionError: not today")
    assert work.ran == ["try"] * 3
    found = await jobs.wait(await jobs.enqueue("test.recovers"), 10)
    assert (found.state, found.result) == ("succeeded", "PermissionError: not today")


async def test_a_durable_wait_ends_in_time_also_when_it_is_over_already(running: work.Application) -> None:
    started = datetime.now(UTC)
    found = [await jobs.enqueue("test.sleeps", seconds=seconds) for seconds in (1.5, -5)]
    assert [(await jobs.wait(job_id, 10)).result for job_id in found] == ["awake", "awake"]
    assert datetime.now(UTC) - started >= timedelta(seconds=1.5)


async def test_a_schedule_fires_once_per_time(running: work.Application) -> None:
    work.ticks.clear()
    await until(lambda: len(work.ticks) >= 2, 15)
    assert len(set(work.ticks)) == len(work.ticks)
    assert all(due.microsecond == 0 and due.utcoffset() == timedelta(0) for due in work.ticks)


async def test_retire_forgets_finished_jobs_only(running: work.Application) -> None:
    done = await jobs.enqueue("test.echo", value=1)
    await jobs.wait(done, 10)
    waiting = await jobs.enqueue("test.echo", run_at=datetime.now(UTC) + timedelta(hours=1), value=2)
    assert await jobs.retire(timedelta(hours=1)) == 0
    assert await jobs.retire(timedelta(seconds=-5)) >= 1
    with pytest.raises(jobs.UnknownJob):
        await jobs.status(done)
    assert (await jobs.cancel(waiting)).state == "cancelled"


def test_declarations_are_checked_when_made() -> None:
    async def other() -> None: ...

    async def greedy(job_id: str) -> None: ...

    with pytest.raises(ValueError, match="Two jobs"):
        jobs.job("test.echo")(other)
    with pytest.raises(ValueError, match="takes itself"):
        jobs.job("test.greedy")(greedy)
    with pytest.raises(ValueError, match="async"):
        jobs.job("test.sync")(lambda: None)
    with pytest.raises(ValueError, match="cron"):
        jobs.schedule("at noon", name="x")


def test_stored_values_never_run_code() -> None:
    serializer = JsonSerializer()
    text = serializer.serialize({"error": ValueError("x"), "id": uuid.UUID(int=1), "tuple": (1, 2)})
    back = serializer.deserialize(text)
    assert isinstance(back["error"], jobs.JobError)
    assert (back["error"].kind, str(back["error"]), back["id"], back["tuple"]) == (
        "ValueError",
        "x",
        uuid.UUID(int=1),
        [1, 2],
    )
    assert logging.getLogger("dbos").propagate
