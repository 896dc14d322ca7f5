"""Floods: problems that are live happen once more, and their rows only count."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command

from mainstay.kernel import rows as listing
from mainstay.kernel.database import migration_config
from mainstay.kernel.signals import RawEvent
from mainstay.modules.monitoring.events import service
from mainstay.modules.monitoring.events.classify import Known
from mainstay.modules.monitoring.events.engine import Occurrence
from mainstay.modules.monitoring.events.tables import NEWEST_FIRST, STEP, Event, step_of
from mainstay.modules.monitoring.events.tally import tally
from mainstay.settings import Settings
from tests.conftest import DATABASE
from tests.monitoring.support import DOWN, PATH, UP, actions, engine, happen, one, rows
from tests.support import Statements, World

NOW = datetime(2026, 11, 28, 12, 0, 5, tzinfo=UTC)


def occurrence(*keys: str, **values: Any) -> Occurrence:
    return Occurrence(**{"keys": keys, "event_class": "c", "severity": 3, "message": "m", "at": NOW, **values})


def test_equal_problems_of_a_batch_are_counted_together() -> None:
    later = NOW + timedelta(seconds=3)
    found = tally([occurrence("a", at=later), occurrence("b"), occurrence("a", count=4), occurrence("a")])
    assert {key: (one.added, one.seen, one.severity) for key, one in found.items()} == {
        "a": (6, later, 0), "b": (1, NOW, 0)
    }  # fmt: skip


def test_what_takes_a_decision_is_not_only_counted() -> None:
    batch = [
        occurrence("ends"), occurrence("ends", clear=True),
        occurrence("worse", escalates=True), occurrence("worse", escalates=True, severity=1),
        occurrence("told", escalates=True), occurrence("told"),
        # One name of a device leads to the row of the other.
        occurrence("ci 1", "ip 1"), occurrence("ip 1"),
        occurrence("same", escalates=True, severity=2), occurrence("same", escalates=True, severity=2),
    ]  # fmt: skip
    found = tally(batch)
    assert {key: one.severity for key, one in found.items()} == {"ci 1": 0, "same": 2}


def test_a_message_that_came_before_means_the_same_with_its_own_time() -> None:
    class Rules:
        asked = 0

        def match(self, message: str, vendor: str = "") -> None:
            self.asked += 1

    rules: Any = Rules()
    known = Known()

    def mean(number: int, generation: int = 1, **values: Any) -> Occurrence:
        given = {"message": "Fan 3 is slow", "reference": str(number), "count": number + 1, **values}
        raw = RawEvent(organization="o", source="syslog", at=NOW + timedelta(seconds=number), **given)
        (found,) = known.occurrences(raw, rules, generation, NOW + timedelta(minutes=1))
        return found

    first, second = mean(0), mean(1)
    first.event = "row 1"
    third = mean(2, raw="<13>Fan 3 is slow")
    assert rules.asked == 1
    assert first.keys == second.keys == third.keys
    assert [(item.at - NOW).seconds for item in (first, second, third)] == [0, 1, 2]
    assert [(item.count, item.reference, item.event) for item in (second, third)] == [(2, "1", ""), (3, "2", "")]
    assert (second.raw, third.raw) == ("Fan 3 is slow", "<13>Fan 3 is slow")
    # Another device, other rules, another level where none knows it: another meaning.
    assert mean(3, host="sw2").keys != first.keys
    mean(4, generation=2)
    assert mean(5, extra={"unknown_severity": 1}).severity == 1
    assert rules.asked == 4
    # What cannot be remembered by little, or is told by its key, is not.
    for values in ({"message": "x" * 5000}, {"variables": {"count": "3"}}, {"key": "fan"}):
        assert mean(6, **values).keys == mean(7, **values).keys
    assert rules.asked == 10


async def test_counting_touches_no_index_and_takes_one_statement(world: World, statements: Statements) -> None:
    ports = [DOWN.format(n=n) for n in range(40)]
    await happen(world, *ports, at=NOW)
    await rows(world)  # from here on the statements of this task are noted
    statements.ran.clear()
    await happen(world, *ports, *ports, at=NOW + timedelta(seconds=1))
    (counted,) = [sql for sql in statements.ran if " event " in sql]
    assert counted.startswith("UPDATE event SET"), counted
    assert {row["count"] for row in await rows(world)} == {3}
    held = {column.name for index in Event.__table__.indexes for column in index.columns}
    assert not held & {"count", "last_seen", "last_update_time"}


@pytest.mark.skipif(DATABASE != "postgresql", reason="of PostgreSQL's way to keep versions")
async def test_a_counted_row_stays_in_its_page(world: World) -> None:
    found = engine(world)

    def at(second: int) -> list[RawEvent]:
        return [RawEvent(organization=world.organization, source="syslog", at=NOW + timedelta(seconds=second),
                         message=DOWN.format(n=n), host="sw1") for n in range(2)]  # fmt: skip

    await found.take(world.organization, at(0))
    hot = sa.text("SELECT pg_stat_get_xact_tuples_hot_updated('event'::regclass), "
                  "pg_stat_get_xact_tuples_updated('event'::regclass)")  # fmt: skip
    async with world.platform.work(world.organization) as ctx:
        ctx.now = NOW + timedelta(minutes=1)
        # A session also counts what its last transactions did until it has told the server.
        before = (await ctx.session.execute(hot)).one()
        await found.within(ctx, at(1))
        after = (await ctx.session.execute(hot)).one()
    assert (after[0] - before[0], after[1] - before[1]) == (2, 2)


async def test_what_was_seen_late_counts_and_is_not_the_last(world: World) -> None:
    now = datetime.now(UTC)
    await happen(world, DOWN.format(n=1), at=now - timedelta(seconds=40))
    for before in (80, 25, 26, 500):
        await happen(world, DOWN.format(n=1), at=now - timedelta(seconds=before))
    row = await one(world)
    assert row["count"] == 5
    assert datetime.fromisoformat(row["last_seen"]) == now - timedelta(seconds=25)
    async with world.platform.work(world.organization, write=False) as ctx:
        held = await ctx.session.scalar(sa.select(Event.seen_step))
    assert held == step_of(now - timedelta(seconds=25))


async def test_the_same_severity_counts_and_another_one_is_news(world: World) -> None:
    for severity in (3, 3, 3, 2, 2):
        await happen(world, "Queue is long", key="queue", event_class="Queue", severity=severity)
    row = await one(world)
    assert (row["count"], row["original_severity"]) == (5, 2)
    assert await actions(world, row["event_id"]) == ["create", "update"]


async def test_a_row_that_somebody_cleared_is_reopened_not_counted(world: World) -> None:
    await happen(world, DOWN.format(n=1), DOWN.format(n=2))
    closed = next(row["event_id"] for row in await rows(world) if row["resource"].endswith("/1"))
    async with world.platform.work(world.organization) as ctx:
        assert await service.clear(ctx, [closed]) == [closed]
    await happen(world, DOWN.format(n=1), DOWN.format(n=2), DOWN.format(n=1))
    found = {row["resource"][-1]: row for row in await rows(world)}
    assert (found["1"]["count"], found["1"]["cleared"], found["2"]["count"]) == (3, False, 2)
    assert await actions(world, closed) == ["create", "clear", "reopen"]


async def test_a_mixed_batch_does_all_of_it_in_order(world: World) -> None:
    await happen(world, *[DOWN.format(n=n) for n in (1, 2, 3)])
    await happen(world, DOWN.format(n=1), DOWN.format(n=2), UP.format(n=2), DOWN.format(n=4), DOWN.format(n=4))
    found = {row["resource"][-1]: (row["count"], row["cleared"]) for row in await rows(world)}
    assert found == {"1": (2, False), "2": (2, True), "3": (1, False), "4": (2, False)}
    row = next(row for row in await rows(world) if row["resource"].endswith("/1"))
    running = engine(world)
    await running.drain()
    kept = await world.get(f"{PATH}{row['event_id']}/occurrences/")
    assert kept["count"] == 2


@pytest.fixture
async def seen(world: World) -> list[str]:
    """Forty events, newest first: several in a step, equal times among them, and long pauses."""
    base = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=5)
    times = [base + timedelta(minutes=n // 8 * 7, seconds=n % 8 // 2 * 4, microseconds=n % 3) for n in range(40)]
    for number, at in enumerate(times):
        await happen(world, DOWN.format(n=number), at=at)
    listed = await rows(world)
    assert len({step_of(datetime.fromisoformat(row["last_seen"])) for row in listed}) < 20
    order = sorted(listed, key=lambda row: (datetime.fromisoformat(row["last_seen"]), row["event_id"]), reverse=True)
    return [row["event_id"] for row in order]


async def test_lists_are_in_the_exact_order_of_last_seen(world: World, seen: list[str]) -> None:
    for reverse, wanted in ((True, seen), (False, seen[::-1])):
        order = {"sort": "last_seen", "reverse": str(reverse).lower(), "items_per_page": 7}
        numbered = []
        for page in range(1, 7):
            found = await world.get(PATH, params={**order, "page": page})
            numbered += [row["event_id"] for row in found["results"]]
        followed, url = [], f"{PATH}?" + "&".join(f"{name}={value}" for name, value in order.items())
        while url:
            found = await world.get(url)
            followed += [row["event_id"] for row in found["results"]]
            url = found["next"]
        assert numbered == followed == wanted


async def test_filters_by_last_seen_find_exactly_what_they_say(world: World, seen: list[str]) -> None:
    by_id = {row["event_id"]: datetime.fromisoformat(row["last_seen"]) for row in await rows(world)}
    middle, low = by_id[seen[12]], by_id[seen[30]]
    for condition, value, test in (
        ("greater", middle, lambda at: at > middle), ("greater_equal", middle, lambda at: at >= middle),
        ("less", middle, lambda at: at < middle), ("less_equal", middle, lambda at: at <= middle),
        ("equal", middle, lambda at: at == middle), ("not_equal", middle, lambda at: at != middle),
        ("between", (low, middle), lambda at: low <= at <= middle),
        ("less", datetime.max.replace(tzinfo=UTC), lambda at: True),
        ("greater", datetime.min.replace(tzinfo=UTC, year=2), lambda at: True),
    ):  # fmt: skip
        given = [at.isoformat() for at in value] if isinstance(value, tuple) else value.isoformat()
        asked = {"filters": json.dumps([{"field": "last_seen", "condition": condition, "value": given}])}
        found = await world.get(PATH, params=asked)
        assert [row["event_id"] for row in found["results"]] == [id for id in seen if test(by_id[id])], condition


@pytest.mark.parametrize("reverse", [True, False])
async def test_pages_far_in_are_counted_off_by_steps(
    world: World, seen: list[str], statements: Statements, monkeypatch: pytest.MonkeyPatch, reverse: bool
) -> None:
    monkeypatch.setattr(listing, "FAR", 3)
    wanted = seen if reverse else seen[::-1]
    statements.ran.clear()
    order = {"sort": "last_seen", "reverse": str(reverse).lower(), "items_per_page": 3}
    pages = [await world.get(PATH, params={**order, "page": page}) for page in range(1, 16)]
    assert [row["event_id"] for found in pages for row in found["results"]] == wanted
    assert any("begins" in sql for sql in statements.ran)


@pytest.mark.skipif(DATABASE != "sqlite", reason="PostgreSQL reads so few rows at once")
async def test_a_list_by_last_seen_goes_by_the_index(world: World, seen: list[str]) -> None:
    """However many events there are, a page is read without sorting all of them."""
    query = sa.select(Event.id).where(Event.is_deleted == sa.false(), Event.organization == world.organization)
    dialect = world.platform.database.engine.dialect
    text = query.order_by(*NEWEST_FIRST).limit(50).compile(dialect=dialect, compile_kwargs={"literal_binds": True})
    async with world.platform.work(world.organization, write=False) as ctx:
        plan = (await ctx.session.execute(sa.text(f"EXPLAIN QUERY PLAN {text}"))).all()
    told = [row[-1] for row in plan]
    assert any("ix_event_seen" in step for step in told), told
    assert "USE TEMP B-TREE FOR ORDER BY" not in told, told


def test_the_migration_keeps_the_events(tmp_path: Path, database_url: str) -> None:
    """From the version before and back, with what is in it."""
    settings, drop = _empty(tmp_path, database_url)
    config = migration_config(settings)
    at = NOW + timedelta(microseconds=999_999)
    held = int(at.timestamp() * 1_000_000) if settings.is_sqlite else at
    database = sa.create_engine(settings.sync_database_url)
    read = "SELECT seen_step, last_seen, message FROM event"
    try:
        command.upgrade(config, "0009_item_filters")
        with database.begin() as connection:
            table = sa.Table("event", sa.MetaData(), autoload_with=connection)
            blank = {sa.String: "", sa.Text: "", sa.Boolean: False, sa.Integer: 1, sa.BigInteger: 1}
            values: dict[str, Any] = {}
            for column in table.columns:
                if not column.nullable:
                    kind = next((value for known, value in blank.items() if isinstance(column.type, known)), None)
                    values[column.name] = kind if kind is not None else {} if "JSON" in str(column.type) else held
            values |= {"id": "e1", "organization": "o1", "last_seen": held, "message": "Kept"}
            connection.execute(table.insert(), values)
        command.upgrade(config, "0010_event_steps")
        with database.begin() as connection:
            step, seen_at, message = connection.execute(sa.text(read)).one()
        assert (step, seen_at, message) == (int(at.timestamp()) // STEP, held, "Kept")
        command.downgrade(config, "0009_item_filters")
        with database.begin() as connection:
            assert connection.execute(sa.text("SELECT last_seen, message FROM event")).one() == (held, "Kept")
        command.upgrade(config, "head")
    finally:
        database.dispose()
        drop()


def _empty(folder: Path, database_url: str) -> tuple[Settings, Any]:
    """A database without tables, and how to be rid of it."""
    if not database_url:
        return Settings(data_dir=folder), lambda: None
    server = sa.create_engine(Settings(data_dir=folder, database_url=database_url).sync_database_url,
                              isolation_level="AUTOCOMMIT")  # fmt: skip
    with server.connect() as connection:
        connection.execute(sa.text("CREATE DATABASE event_steps"))
    url = str(sa.make_url(database_url).set(database="event_steps").render_as_string(hide_password=False))

    def drop() -> None:
        with server.connect() as connection:
            connection.execute(sa.text("DROP DATABASE event_steps WITH (FORCE)"))
        server.dispose()

    return Settings(data_dir=folder, database_url=url), drop
