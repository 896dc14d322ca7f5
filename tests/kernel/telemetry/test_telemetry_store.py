"""The telemetry store on the embedded engine: opening, reading back, retention, backup, kill -9."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from mainstay.kernel.telemetry import (
    AccessLogRow,
    Telemetry,
    TelemetryError,
    TelemetryInUse,
    register_migration,
    search_access_log,
)
from mainstay.kernel.telemetry.arrow import pa
from mainstay.settings import Settings

NOW = datetime.now(UTC).replace(microsecond=123000)


def row(number: int, **changes: object) -> AccessLogRow:
    base = AccessLogRow(
        NOW + timedelta(milliseconds=number),
        "acme",
        "agent@acme.test",
        "GET",
        f"/ux/sd/inci/incident/{number}/",
        "/ux/sd/inci/incident/{id}/",
        200,
        1.5,
        2048,
        "192.0.2.7",
        "curl/8",
        f"request-{number}",
    )
    return base._replace(**changes)


@pytest_asyncio.fixture
async def telemetry(tmp_path: Path) -> AsyncIterator[Telemetry]:
    opened = await Telemetry.open(Settings(data_dir=tmp_path / "new" / "folder"))
    yield opened
    await opened.close()


async def store(telemetry: Telemetry, rows: list[AccessLogRow]) -> None:
    writer = telemetry.access_log()
    for item in rows:
        assert writer.write(item)
    await writer.drain()


async def test_written_rows_are_found_again_with_every_column(telemetry: Telemetry) -> None:
    await store(telemetry, [row(1, path="/a/ünï/'quoted'/\x00", user_agent='"x"\n')])
    [found] = await search_access_log(telemetry, "acme", text="request-1")
    assert tuple(found.values()) == row(1, path="/a/ünï/'quoted'/\x00", user_agent='"x"\n')
    assert found["time"].utcoffset() == timedelta(0)


async def test_search_narrows_by_organization_time_text_status_and_limit(telemetry: Telemetry) -> None:
    rows = [row(number) for number in range(20)]
    rows += [
        row(100, organization="other"),
        row(101, status=503, path="/api/live"),
        row(102, ip="198.51.100.1"),
    ]
    await store(telemetry, rows)

    async def numbers(**query: object) -> list[str]:
        found = await search_access_log(telemetry, "acme", **query)
        return [item["request_id"].removeprefix("request-") for item in found]

    assert await numbers(limit=3) == ["102", "101", "19"]
    assert await numbers(text="/inci/incident/17/") == ["17"]
    assert await numbers(text="incident/1") == ["1"], "a word is a whole token, not a prefix"
    assert await numbers(text="198.51.100.1") == ["102"]
    assert await numbers(status=503) == await numbers(status=5) == ["101"]
    since = NOW + timedelta(milliseconds=4)
    assert await numbers(since=since, until=since + timedelta(milliseconds=2)) == ["5", "4"]
    assert await numbers(text="'; DROP TABLE access_log --") == []
    assert [item["request_id"] for item in await search_access_log(telemetry, "other")] == ["request-100"]


async def test_opening_again_applies_nothing_twice_and_follows_the_retention_setting(tmp_path: Path) -> None:
    for days in (30, 30, 7):
        telemetry = await Telemetry.open(Settings(data_dir=tmp_path, access_log_days=days))
        [table] = await telemetry.query("SELECT create_table_query AS sql FROM system.tables WHERE name = 'access_log'")
        assert f"toIntervalDay({days})" in table["sql"]
        ledger = await telemetry.query("SELECT name FROM schema_migration")
        assert [item["name"] for item in ledger].count("0001_access_log") == 1
        await telemetry.close()


async def test_a_migration_name_is_taken_once() -> None:
    with pytest.raises(ValueError, match="registered twice"):
        register_migration("0001_access_log", "SELECT 1")


async def test_a_folder_in_use_is_refused_with_what_to_do(telemetry: Telemetry, tmp_path: Path) -> None:
    program = (
        "import asyncio, sys; from pathlib import Path\n"
        "from mainstay.settings import Settings\n"
        "from mainstay.kernel.telemetry import Telemetry\n"
        "asyncio.run(Telemetry.open(Settings(data_dir=Path(sys.argv[1]))))\n"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, str(tmp_path / "new" / "folder"), stderr=subprocess.PIPE
    )
    _, errors = await process.communicate()
    last = errors.decode().strip().splitlines()[-1]
    assert TelemetryInUse.__name__ in last
    assert "in use by another Mainstay process. Stop it, or set MAINSTAY_TELEMETRY_URL" in last


async def test_a_server_that_does_not_answer_is_said_so() -> None:
    with pytest.raises(TelemetryError, match="at MAINSTAY_TELEMETRY_URL cannot be opened"):
        await Telemetry.open(Settings(telemetry_url="http://127.0.0.1:9/"))


async def test_a_backup_loads_into_an_empty_store_and_only_there(telemetry: Telemetry, tmp_path: Path) -> None:
    writer = telemetry.access_log()
    rows = [row(number, path=f"/x/{number}\x00é") for number in range(12_345)]
    for item in rows:
        await writer.put(item)
    folder = tmp_path / "backup"
    assert (await telemetry.backup(folder))["access_log"] == 12_345
    with pytest.raises(TelemetryError, match="not empty"):
        await telemetry.restore(folder)
    await telemetry.close()

    restored = await Telemetry.open(Settings(data_dir=tmp_path / "restored"))
    try:
        assert (await restored.restore(folder))["access_log"] == 12_345
        found = await search_access_log(restored, "acme", limit=20_000)
        assert [tuple(item.values()) for item in reversed(found)] == rows
        await restored.command("TRUNCATE TABLE access_log")
        damaged = folder / "access_log.native.zst"
        damaged.write_bytes(damaged.read_bytes()[:-20])
        with pytest.raises(TelemetryError, match="missing or damaged"):
            await restored.restore(folder)
        (folder / "telemetry.json").unlink()
        with pytest.raises(TelemetryError, match="no telemetry backup"):
            await restored.restore(folder)
        assert await restored.query("SELECT count() AS n FROM access_log") == [{"n": 0}]
    finally:
        await restored.close()


async def test_an_empty_store_is_backed_up_and_restored(telemetry: Telemetry, tmp_path: Path) -> None:
    await telemetry.backup(tmp_path / "backup")
    assert set((await telemetry.restore(tmp_path / "backup")).values()) == {0}


CRASHING = """
import asyncio, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from mainstay.settings import Settings
from mainstay.kernel.telemetry import Telemetry
from tests.kernel.telemetry.test_telemetry_store import row

async def main():
    telemetry = await Telemetry.open(Settings(data_dir=Path(sys.argv[1])))
    writer = telemetry.access_log()
    for number in range(10_000_000):
        await writer.put(row(number))
        if number % 500 == 499:
            await writer.drain()
            assert "pandas" not in sys.modules, "a second of every start, and 40 MB"
            print(number + 1, flush=True)

asyncio.run(main())
"""


async def test_reads_do_not_wait_behind_writes_and_see_what_was_stored_before(telemetry: Telemetry) -> None:
    held = threading.Event()
    writing = asyncio.create_task(telemetry.run(lambda _client: held.wait(30)))
    try:
        async with asyncio.timeout(10):
            assert await telemetry.query("SELECT 1 AS one") == [{"one": 1}]
    finally:
        held.set()
    await writing
    await telemetry.command("CREATE TABLE beside (n UInt64) ENGINE = MergeTree ORDER BY n")

    async def read() -> int:
        seen = 0
        while not stored.is_set():
            [found] = await telemetry.query("SELECT count() AS rows, sum(n) AS total FROM beside")
            assert found["rows"] % 1000 == 0, "a batch is seen whole or not at all"
            assert found["rows"] >= seen
            assert found["total"] == found["rows"] * (found["rows"] - 1) // 2
            seen = found["rows"]
        return seen

    stored = asyncio.Event()
    readers = [asyncio.create_task(read()) for _ in range(3)]
    for start in range(0, 20_000, 1000):
        await telemetry.insert("beside", pa.table({"n": pa.array(range(start, start + 1000), pa.uint64())}))
        [found] = await telemetry.query("SELECT count() AS rows FROM beside")
        assert found["rows"] == start + 1000
    stored.set()
    assert max(await asyncio.gather(*readers)) > 0


async def test_acknowledged_rows_survive_kill_9(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", CRASHING, str(tmp_path), str(Path(__file__).parents[3]), stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    acknowledged = 0
    while acknowledged < 5_000:
        line = await process.stdout.readline()
        assert line, "the program ended by itself"
        acknowledged = int(line) if line.strip().isdigit() else acknowledged
    process.send_signal(signal.SIGKILL)
    rest = (await process.stdout.read()).split()
    acknowledged = max([acknowledged, *(int(word) for word in rest if word.isdigit())])
    await process.wait()

    telemetry = await Telemetry.open(Settings(data_dir=tmp_path))
    try:
        found = await telemetry.query("SELECT count() AS n, uniqExact(request_id) AS ids FROM access_log")
        assert found[0]["n"] == found[0]["ids"] >= acknowledged
    finally:
        await telemetry.close()
