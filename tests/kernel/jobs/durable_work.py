"""Jobs for the tests, and the program that is killed in the middle of one.

``python durable_work.py <data folder> <database url> <effects file> <job id>`` runs the job ``test.count``
and does not stop by itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from mainstay.kernel import jobs
from mainstay.settings import Settings

STEPS = 40
gate = asyncio.Event()
ran: list[Any] = []
ticks: list[datetime] = []
loops: set[asyncio.AbstractEventLoop] = set()


class Application:
    """What jobs get from ``services()``: the application's own engine and a file of effects."""

    def __init__(self, settings: Settings, effects: Path) -> None:
        self.effects = effects
        connect = {"timeout": 30} if settings.is_sqlite else {}
        self.engine: AsyncEngine = create_async_engine(settings.sqlalchemy_url, connect_args=connect)

    @contextlib.asynccontextmanager
    async def session(self) -> AsyncIterator[AsyncSession]:
        async with AsyncSession(self.engine) as session, session.begin():
            yield session

    async def create(self) -> None:
        async with self.session() as session:
            await session.execute(sa.text("CREATE TABLE IF NOT EXISTS effect (number INTEGER NOT NULL)"))


async def append(number: int) -> int:
    with jobs.services().effects.open("a") as file:
        file.write(f"{number} {jobs.step_key()}\n")
    await asyncio.sleep(0.005)
    return number


async def insert(session: AsyncSession, number: int) -> int:
    await session.execute(sa.text("INSERT INTO effect VALUES (:number)"), {"number": number})
    return number * 10


@jobs.job("test.count", queue="bulk")
async def count(steps: int) -> int:
    total = 0
    for number in range(steps):
        total += await jobs.transact(jobs.services().session, insert, number)
        total += await jobs.step(append, number)
    return total


async def record(item: Any) -> Any:
    ran.append(item)
    return item


async def record_after_gate(item: Any) -> Any:
    await gate.wait()
    return await record(item)


@jobs.job("test.gated")
async def gated(items: list[Any]) -> list[Any]:
    return [await jobs.step(record_after_gate, item) for item in items]


@jobs.job("test.echo")
async def echo(value: Any) -> Any:
    return await jobs.step(record, value)


@jobs.job("test.fails")
async def fails(retries: int) -> None:
    async def refuse() -> None:
        ran.append("try")
        raise PermissionError("not today")

    await jobs.step(refuse, retries=retries, retry_seconds=0.01)


@jobs.job("test.recovers")
async def recovers() -> str:
    def refuse() -> None:
        raise PermissionError("not today")

    try:
        await jobs.step(refuse)
    except jobs.JobError as error:
        return f"{error.kind}: {error}"
    return "no error"


@jobs.job("test.sleeps")
async def sleeps(seconds: float) -> str:
    await jobs.sleep_until(datetime.now(UTC) + timedelta(seconds=seconds))
    return str(await jobs.step(record, "awake"))


@jobs.schedule("* * * * * *", name="test.tick")
async def tick(due: datetime) -> None:
    ticks.append(due)
    loops.add(asyncio.get_running_loop())


async def until(holds: Any, seconds: float = 10) -> None:
    for _ in range(int(seconds / 0.02)):
        if holds():
            return
        await asyncio.sleep(0.02)
    raise TimeoutError


async def reaches(job_id: str, state: str, seconds: float = 10) -> None:
    for _ in range(int(seconds / 0.05)):
        if (await jobs.status(job_id)).state == state:
            return
        await asyncio.sleep(0.05)
    raise TimeoutError


async def main(folder: str, url: str, effects: str, job_id: str) -> None:
    settings = Settings(data_dir=Path(folder), database_url=url)
    application = Application(settings, Path(effects))
    await application.create()
    await jobs.launch(settings, services=application)
    await jobs.enqueue("test.count", job_id=job_id, steps=STEPS)
    print(f"started {os.getpid()}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
