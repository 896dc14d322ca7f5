"""Starting and stopping the jobs engine, by will and by kill -9, on SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
import sys
import time
import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from mainstay.kernel import jobs
from mainstay.kernel.jobs import runtime as engine
from mainstay.kernel.jobs.locks import AdvisoryLocks, FileLocks
from mainstay.settings import Settings
from tests.kernel.jobs import durable_work as work
from tests.kernel.jobs.durable_work import reaches, until


async def test_a_job_is_killed_in_the_middle_and_finishes_once(settings: Settings, tmp_path: Path) -> None:
    effects, job_id = tmp_path / "effects", f"count-{uuid.uuid4()}"
    application = work.Application(settings, effects)
    kills = 0
    while True:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            work.__file__,
            *(str(settings.data_dir), settings.database_url, str(effects), job_id),
            stdout=asyncio.subprocess.PIPE,
        )
        assert process.stdout is not None
        while not (await process.stdout.readline()).startswith(b"started"):
            assert process.returncode is None
        lines = effects.read_text().count("\n") if effects.exists() else 0
        if kills == 1:
            break
        target = lines + work.STEPS // 3
        await until(lambda target=target: effects.exists() and effects.read_text().count("\n") >= target)
        process.kill()
        await process.wait()
        kills += 1
    await until(lambda: effects.read_text().count("\n") >= work.STEPS)
    await asyncio.sleep(0.3)
    process.kill()
    await process.wait()

    await jobs.launch(settings, services=application, work=False)
    try:
        finished = await jobs.wait(job_id, 10)
        async with application.session() as session:
            inserted = (await session.execute(sa.text("SELECT number FROM effect ORDER BY number"))).scalars().all()
            kept = (await session.execute(sa.text("SELECT count(*) FROM job_effect"))).scalar_one()
    finally:
        await jobs.shutdown()
    assert finished.state == "succeeded"
    assert finished.result == sum(range(work.STEPS)) * 11
    assert inserted == list(range(work.STEPS)), "transact: exactly once"
    assert kept == 0
    # A step outside the database can be cut off between its effect and its record: once per kill at most, and
    # then under the same key.
    keys = Counter(line.split()[1] for line in effects.read_text().splitlines())
    assert len(keys) == work.STEPS
    assert sum(keys.values()) - len(keys) <= kills


async def test_a_stop_lets_the_step_end_and_the_next_start_goes_on(settings: Settings, tmp_path: Path) -> None:
    application = work.Application(settings, tmp_path / "effects")
    await jobs.launch(settings, services=application)
    job_id = await jobs.enqueue("test.gated", items=["a", "b"])
    await reaches(job_id, "running")
    await asyncio.sleep(0.2)
    asyncio.get_running_loop().call_later(0.3, work.gate.set)
    await jobs.shutdown()
    assert work.ran == ["a"]
    assert await asyncio.to_thread(lambda: 1) == 1, "the loop has threads of its own again"
    with pytest.raises(RuntimeError, match="not running"):
        await jobs.status(job_id)
    await jobs.launch(settings, services=application)
    try:
        assert (await jobs.wait(job_id, 10)).result == ["a", "b"]
        assert work.ran == ["a", "b"]
    finally:
        await jobs.shutdown()


def test_no_job_runs_beside_the_loop_while_that_stands_still(tmp_path: Path) -> None:
    loop = asyncio.new_event_loop()
    loop.run_until_complete(jobs.launch(Settings(data_dir=tmp_path)))
    work.loops.clear()
    time.sleep(2.5)
    assert not work.loops, "a job that is due waits for its loop"
    loop.run_until_complete(work.until(lambda: work.loops))
    loop.run_until_complete(jobs.shutdown())
    loop.close()
    assert work.loops == {loop}


async def test_jobs_of_a_process_that_is_gone_are_taken_over(settings: Settings, tmp_path: Path) -> None:
    application = work.Application(settings, tmp_path / "effects")
    await jobs.launch(settings, services=application)
    try:
        runtime = engine.current()
        work.gate.set()
        # As a process with another slot would have left it: claimed, and then gone.
        job_id = await jobs.enqueue("test.echo", run_at=datetime.now(UTC) + timedelta(hours=1), value="orphan")
        table = "workflow_status" if settings.is_sqlite else "dbos.workflow_status"
        with runtime.engine.begin() as connection:
            connection.execute(
                sa.text(f"UPDATE {table} SET status='PENDING', executor_id='executor-9' WHERE workflow_uuid=:id"),
                {"id": job_id},
            )
        held = runtime.locks.claim("executor-9")
        await asyncio.to_thread(engine._take_over, runtime)
        assert (await jobs.status(job_id)).state == "running", "its process still lives"
        held.release()
        await asyncio.to_thread(engine._take_over, runtime)
        assert (await jobs.wait(job_id, 10)).result == "orphan"
    finally:
        await jobs.shutdown()


async def test_a_lock_has_one_holder(settings: Settings, tmp_path: Path) -> None:
    url = sa.create_engine(settings.sync_database_url, poolclass=sa.NullPool)
    locks = FileLocks(tmp_path / "locks") if settings.is_sqlite else AdvisoryLocks(url)
    first = locks.claim("a")
    assert first is not None
    assert first.alive()
    assert locks.claim("a") is None
    other = locks.claim("b")
    assert other is not None
    first.release()
    again = locks.claim("a")
    assert again is not None
    again.release()
    other.release()
