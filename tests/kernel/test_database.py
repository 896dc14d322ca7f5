"""Transactions hold what they promise, also when work is cancelled in the middle."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Any

from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, func, select

from mainstay.kernel.database import migrate, migration_config, revision, revisions
from mainstay.kernel.platform import Platform
from mainstay.modules.people.departments.tables import Department
from mainstay.settings import Settings
from tests.support import World

PATH = "/ux/common/department/department/"


async def _work(platform: Platform, organization: str) -> None:
    async with platform.work(organization, write=False) as ctx:
        for _ in range(50):
            await ctx.session.execute(select(Department.id))


def test_the_files_of_migrations_are_numbered_as_they_follow(tmp_path: Path) -> None:
    scripts = ScriptDirectory.from_config(migration_config(Settings(data_dir=tmp_path)))
    assert revisions() == [item.revision for item in scripts.walk_revisions()][::-1]


def test_an_older_database_is_brought_up_to_date_and_a_current_one_left_alone(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    command.upgrade(migration_config(settings), revisions()[-2])
    for _ in range(2):
        migrate(settings)
        with create_engine(settings.sync_database_url).connect() as connection:
            assert revision(connection) == revisions()[-1]


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
