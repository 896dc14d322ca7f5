"""Transactions hold what they promise, also when work is cancelled in the middle."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from sqlalchemy import create_engine, func, select

from mainstay.kernel.platform import Platform
from mainstay.modules.people.departments.tables import Department
from tests.support import World

PATH = "/ux/common/department/department/"


async def _work(platform: Platform, organization: str) -> None:
    async with platform.work(organization, write=False) as ctx:
        for _ in range(50):
            await ctx.session.execute(select(Department.id))


async def test_cancelled_work_never_swallows_a_later_commit(world: World) -> None:
    async def cut_off(after: float) -> None:
        task = asyncio.create_task(_work(world.platform, world.organization))
        await asyncio.sleep(after)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    for turn in range(40):
        await asyncio.gather(*[cut_off(0.0003 * (turn % 20) * share) for share in (0.5, 1, 2)])
        await world.post(PATH, {"dept_name": f"Department {turn}"}, expect=201)
    assert committed(world) == 40


async def test_a_connection_left_inside_a_transaction_is_not_used_again(world: World) -> None:
    # What a cancelled COMMIT leaves behind: the server is in a transaction that the pool knows nothing of.
    async with world.platform.database.engine.connect() as connection:
        raw = await connection.get_raw_connection()
        driver: Any = raw.driver_connection
        await driver.execute("BEGIN")
    for turn in range(20):
        await world.post(PATH, {"dept_name": f"Department {turn}"}, expect=201)
    assert committed(world) == 20


def committed(world: World) -> int:
    """How many departments a connection of its own sees: what was really committed."""
    engine = create_engine(world.platform.settings.sync_database_url)
    with engine.connect() as connection:
        table = Department.__table__
        query = select(func.count()).select_from(table).where(table.c.organization == world.organization)
        found = connection.scalar(query)
    engine.dispose()
    return int(found or 0)
