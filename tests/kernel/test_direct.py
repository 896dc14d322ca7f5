"""Statements that go straight to the driver behave as SQLAlchemy's do."""

from __future__ import annotations

import asyncio
import sqlite3
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import Integer, String, bindparam, func, insert, literal_column, select, text
from sqlalchemy.dialects.sqlite.aiosqlite import dialect as sqlite_dialect
from sqlalchemy.exc import DBAPIError, IntegrityError

from mainstay.kernel import counting, direct, store
from mainstay.kernel.changes import Change
from mainstay.kernel.numbering import Sequence
from mainstay.kernel.platform import Platform
from mainstay.kernel.record import new_id
from mainstay.kernel.statements import plain
from mainstay.modules.assets.relations.tables import Relation
from mainstay.modules.people.departments.tables import Department
from tests.support import World

TABLE = Sequence.__table__
TAKEN = direct.Statement(
    plain(
        select(Sequence.name, Sequence.next_number).where(
            Sequence.organization == bindparam("in_organization"), Sequence.name.like("direct%")
        )
    )
)
ADD = direct.Statement(insert(TABLE), ["organization", "name", "next_number"])


def _rows(world: World, names: list[str]) -> list[dict[str, object]]:
    return [{"organization": world.organization, "name": name, "next_number": 7} for name in names]


async def _names(platform: Platform, world: World) -> list[str]:
    database = platform.database
    async with database.reading() as session:
        found = await direct.run(database, session, TAKEN.on(database), {"in_organization": world.organization})
    return sorted(row[0] for row in found)


@pytest.mark.parametrize("count", [1, 2, 50])
async def test_inserted_rows_are_seen_by_the_session_and_stay_after_its_commit(
    platform: Platform, world: World, count: int
) -> None:
    database, names = platform.database, [f"direct {number:02}" for number in range(count)]
    async with database.session(world.organization, write=True) as session:
        await direct.insert(database, session, ADD.on(database), _rows(world, names))
        seen = await session.scalar(select(func.count()).select_from(Sequence).where(Sequence.name.like("direct%")))
        assert seen == count
        assert await _names(platform, world) == [], "nobody else sees them before the commit"
    assert await _names(platform, world) == names


@pytest.mark.parametrize("count", [1, 2, 50])
async def test_a_refused_row_is_the_error_of_sqlalchemy_and_leaves_nothing(
    platform: Platform, world: World, count: int
) -> None:
    database, names = platform.database, [f"direct {number:02}" for number in range(count)]

    async def twice() -> None:
        async with database.session(world.organization, write=True) as session:
            await direct.insert(database, session, ADD.on(database), _rows(world, ["direct 00"]))
            await direct.insert(database, session, ADD.on(database), _rows(world, names))

    with pytest.raises(IntegrityError):
        await twice()
    assert await _names(platform, world) == []


async def test_a_statement_that_takes_long_does_not_keep_the_others_waiting(platform: Platform) -> None:
    database = platform.database
    if not database.is_sqlite:
        pytest.skip("PostgreSQL works in processes of its own")
    endless = select(literal_column("1", Integer).label("n")).cte("numbers", recursive=True)
    endless = endless.union_all(select(endless.c.n + 1).where(endless.c.n < bindparam("last", type_=Integer)))
    long = direct.Direct(plain(select(func.max(endless.c.n))), database.engine.dialect)
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    async with database.reading() as session:
        assert await direct.run(database, session, long, {"last": 10}) == [(10,)]
        beside = asyncio.create_task(others())
        assert await direct.run(database, session, long, {"last": 1_000_000}) == [(1_000_000,)]
        beside.cancel()
    assert turns > 10


async def test_what_the_database_refuses_is_an_error_of_sqlalchemy(platform: Platform) -> None:
    database = platform.database
    wrong = direct.Direct(plain(select(literal_column("nobody_has_this"))), database.engine.dialect)
    async with database.reading() as session:
        with pytest.raises(DBAPIError):
            await direct.run(database, session, wrong, {})


async def test_requests_go_on_when_the_server_has_cut_the_connections(platform: Platform, world: World) -> None:
    if platform.database.is_sqlite:
        pytest.skip("SQLite has no connections to cut")
    await world.get("/api/user")
    async with platform.database.engine.connect() as connection:
        await connection.execute(
            text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
                 " AND datname = current_database() AND query LIKE '%api_key.key_hash%'")
        )  # fmt: skip
    await world.get("/api/user")


async def test_many_rows_are_converted_as_each_is(platform: Platform) -> None:
    at = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)
    rows = [
        {
            "organization": "o", "resource": "plum", "record_id": str(number), "action": "create", "actor": number,
            "actor_name": "A", "at": at if number % 2 else at + timedelta(hours=number), "request_id": "", "version": 1,
            "changes": [[], [{"field": "name", "old": None, "new": number}], {}][number % 3],
        }
        for number in range(7)
    ]  # fmt: skip
    for dialect in (sqlite_dialect(), platform.database.engine.dialect):
        made = direct.Direct(insert(Change.__table__), dialect, list(rows[0]))
        assert made.many(rows) == [tuple(made.values(row)) for row in rows]
        same = [{**row, "at": at, "changes": rows[1]["changes"]} for row in rows]
        assert made.many(same) == [tuple(made.values(row)) for row in same]
        told = {name: value for name, value in same[0].items() if name not in ("record_id", "actor")}
        assert made.many([{"record_id": row["record_id"], "actor": row["actor"]} for row in same], told) == made.many(
            same
        )


async def test_what_is_empty_in_every_row_is_stored_as_it_would_be_alone(platform: Platform, world: World) -> None:
    database = platform.database
    blank = store.defaults(Relation) | {"rule": "", "description": "it's", "custom_field_data": {}}
    stamps = {"created_by": 0, "modified_by": 0, "version": 1}
    stamps |= dict.fromkeys(("creation_time", "last_update_time"), datetime.now(UTC))
    for turn, differing in enumerate(({}, {"rule": "x", "last_seen": stamps["creation_time"]}, {"description": ""})):
        rows = [
            {**blank, **stamps, "id": new_id(), "organization": world.organization, "source": new_id(), "origin": "api"}
            for _ in range(3)
        ]
        rows[turn].update(differing)
        async with database.session(world.organization, write=True) as session:
            await direct.insert(database, session, store._inserting(Relation).on(database), rows)
        async with database.session(world.organization, write=False) as session:
            ids = [row["id"] for row in rows]
            found = (await session.execute(select(Relation).where(Relation.id.in_(ids)))).scalars()
            stored = {one.id: {name: getattr(one, name) for name in rows[0]} for one in found}
        assert [stored[key] for key in ids] == rows


async def test_a_row_and_its_trail_are_stored_together_or_not_at_all(platform: Platform, world: World) -> None:
    database = platform.database
    kept, twice = _rows(world, ["direct kept", "direct twice"])
    async with database.session(world.organization, write=True) as session:
        await direct.insert_with(database, session, ADD.on(database), kept, ADD.on(database), twice)
    assert await _names(platform, world) == ["direct kept", "direct twice"]

    async def again() -> None:
        async with database.session(world.organization, write=True) as session:
            (fresh,) = _rows(world, ["direct fresh"])
            await direct.insert_with(database, session, ADD.on(database), fresh, ADD.on(database), twice)

    with pytest.raises(IntegrityError):
        await again()
    assert await _names(platform, world) == ["direct kept", "direct twice"]


async def test_a_write_waits_for_another_process_without_keeping_the_others_waiting(
    platform: Platform, world: World
) -> None:
    database = platform.database
    if not database.is_sqlite:
        pytest.skip("PostgreSQL works in processes of its own")
    other = sqlite3.connect(str(database.engine.url.database), isolation_level=None, check_same_thread=False)
    # What runs beside the test may be writing: it must be able to end.
    await asyncio.to_thread(other.execute, "BEGIN IMMEDIATE")

    async def write() -> None:
        async with database.session(world.organization, write=True) as session:
            await direct.insert(database, session, ADD.on(database), _rows(world, ["direct late"]))

    writing = asyncio.create_task(write())
    for _ in range(1000):
        await asyncio.sleep(0)
    assert not writing.done()
    assert await _names(platform, world) == []
    other.execute("ROLLBACK")
    other.close()
    await writing
    assert await _names(platform, world) == ["direct late"]


@pytest.mark.parametrize("first", [True, False])
def test_what_is_kept_with_a_resource_is_kept_per_kind_of_database(first: bool) -> None:
    resource: Any = SimpleNamespace(name="incident", memory={})
    for is_sqlite in (first, not first):
        ctx: Any = SimpleNamespace(platform=SimpleNamespace(database=SimpleNamespace(is_sqlite=is_sqlite)))
        _newest, settled = counting.head(ctx, resource)
        assert ("pg_current_snapshot" in str(settled)) is not is_sqlite


async def test_several_statements_are_answered_in_their_order(world: World) -> None:
    database = world.platform.database
    one = direct.Statement(plain(select(literal_column("1"), bindparam("given", type_=String))))
    for much in (False, True):
        async with world.platform.work(world.organization, write=False) as ctx:
            asked = [(one.on(database), {"given": word}) for word in ("a", "b", "c")]
            found = await direct.run_all(database, ctx.session, asked, much=much)
        assert [tuple(row) for rows in found for row in rows] == [(1, "a"), (1, "b"), (1, "c")]


async def test_what_a_transaction_has_written_is_seen_by_all_of_its_statements(world: World) -> None:
    database, mine = world.platform.database, Department.organization == bindparam("in_organization")
    count = direct.Statement(plain(select(func.count()).select_from(Department).where(mine)))
    async with world.platform.work(world.organization) as ctx:
        asked = [(count.on(database), {"in_organization": ctx.organization})] * 2
        before = await direct.run_all(database, ctx.session, asked, much=True)
        await store.add(ctx, Department(dept_name="New"))
        after = await direct.run_all(database, ctx.session, asked, much=True)
    assert [rows[0][0] for rows in after] == [rows[0][0] + 1 for rows in before]
