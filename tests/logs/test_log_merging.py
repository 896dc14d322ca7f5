"""Merging of log lines waits while they come very fast, and is made up for."""

from __future__ import annotations

import asyncio
import re
import secrets
from datetime import UTC, datetime, timedelta

import pytest
from clickhouse_connect.driver.exceptions import ClickHouseError

from mainstay.modules.logs.intake import merging
from mainstay.modules.logs.intake import store as store_module
from mainstay.modules.logs.intake.merging import Merging
from mainstay.modules.logs.intake.records import json_frame
from mainstay.modules.logs.intake.store import LogStore
from tests.logs.stored import line, store
from tests.support import World


async def merge(world: World) -> None:
    assert world.platform.telemetry is not None
    await world.platform.telemetry.command("OPTIMIZE TABLE log_lines FINAL")


async def until(merges: Merging, waits: bool) -> None:
    async with asyncio.timeout(20):
        while True:
            if merges.waits == waits:
                return
            await asyncio.sleep(0.01)


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merging, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(store_module, "UNINDEXED", 100)


async def two_parts(world: World) -> None:
    for text in ("one", "two"):
        await store(world.platform, [line(world.organization, text)])


async def test_merging_waits_in_a_flood_and_goes_on_when_it_is_over(
    world: World, short: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_store = LogStore(world.platform)
    try:
        many = json_frame(b'{"message": "x"}\n' * 100, world.organization, "10.0.0.1", datetime.now(UTC))
        await (await log_store.put(many))
        merges = log_store._merging
        assert merges is not None
        await until(merges, True)
        await two_parts(world)
        with pytest.raises(ClickHouseError, match="Cancelled"):
            await merge(world)
        monkeypatch.setattr(merging, "CALM_SECONDS", 0.0)
        await until(merges, False)
        await merge(world)
    finally:
        await log_store.close()


async def test_many_parts_are_merged_in_any_case(world: World, short: None, monkeypatch: pytest.MonkeyPatch) -> None:
    assert world.platform.telemetry is not None
    monkeypatch.setattr(merging, "MOST_PARTS", 2)
    await two_parts(world)
    merges = Merging(world.platform.telemetry)
    merges.flood()
    await world.platform.telemetry.query("SELECT 1")
    await merge(world)
    assert not merges.waits
    await merges.close()


async def test_a_store_that_ends_leaves_merging_on(world: World, short: None) -> None:
    assert world.platform.telemetry is not None
    merges = Merging(world.platform.telemetry)
    merges.flood()
    await until(merges, True)
    await merges.close()
    await two_parts(world)
    await merge(world)


async def test_a_day_that_is_over_becomes_one_part_if_that_is_not_too_large(world: World) -> None:
    telemetry = world.platform.telemetry
    assert telemetry is not None
    large, small = (datetime.now(UTC) - timedelta(days=days) for days in (20, 19))
    for day, text in ((large, secrets.token_hex(100_000)), (small, "short")):
        for number in ("1", "2"):
            await store(world.platform, [line(world.organization, number + text, received=day, time=day)])

    async def parts(day: datetime) -> int:
        [row] = await telemetry.query(
            "SELECT count() AS parts FROM system.parts WHERE table = 'log_lines' AND active "
            "AND partition = {day:String}", {"day": f"{day:%Y-%m-%d}"},
        )  # fmt: skip
        return int(row["parts"])

    # The table waits an hour, and its parts are larger.
    for_test = {
        "min_age_to_force_merge_seconds": 1, "max_bytes_to_merge_at_max_space_in_pool": 150_000,
        "merge_selecting_sleep_ms": 20, "max_merge_selecting_sleep_ms": 20,
    }  # fmt: skip
    [made] = await telemetry.query("SELECT engine_full FROM system.tables WHERE name = 'log_lines'")
    before = {name: found.group() for name in for_test if (found := re.search(rf"{name} = \d+", made["engine_full"]))}
    assert len(before) == 2
    try:
        await telemetry.command(
            "ALTER TABLE log_lines MODIFY SETTING " + ", ".join(f"{name} = {n}" for name, n in for_test.items())
        )
        async with asyncio.timeout(20):
            while True:
                if await parts(small) == 1:
                    break
                await asyncio.sleep(0.02)
        assert await parts(large) > 1
    finally:
        await telemetry.command("ALTER TABLE log_lines MODIFY SETTING " + ", ".join(before.values()))
        await telemetry.command("ALTER TABLE log_lines RESET SETTING " + ", ".join(for_test.keys() - before.keys()))
