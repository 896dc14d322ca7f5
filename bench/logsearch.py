"""Searching many stored log lines: the answers of the API, warm, in the embedded store.

    make bench                                  everything, at its full size
    python -m bench.logsearch --lines 2000000   smaller, to see that it runs
    python -m bench.logsearch --keep FOLDER     the same lines again, where they are stored already

Lines are made by the engine itself and go through the table's own indexes. Every question is asked with another word,
host or day each time, so that no cache of answers is measured. Answers come through the whole application (HTTP over
ASGI, access control, store); the client shares the cores with it.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import shutil
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import httpx
from sqlalchemy import select

from mainstay.app import build_registry, create_app
from mainstay.kernel.access import bootstrap
from mainstay.kernel.access.tables import Role
from mainstay.kernel.platform import Platform
from mainstay.kernel.telemetry import Telemetry
from mainstay.modules.people.roles.service import make_defaults
from mainstay.settings import Settings

CHUNK = 500_000
HOSTS = 500
DAYS = 10
ROUNDS = 31
TARGETS = {"a rare word": 50, "field filter, newest 50": 50, "histogram of a day": 200}
Ask = Callable[[], Awaitable[Any]]

# What a network says in a day: log-ins, links, requests, leases, disks. A fifth carries a word of its own.
LINE = """
    SELECT {organization:String} AS organization, number AS id,
        fromUnixTimestamp64Micro({start:Int64} + toInt64(number * {step:Float64}), 'UTC') AS received, received AS time,
        concat('10.1.', toString(intDiv(device, 250)), '.', toString(device % 250)) AS source,
        concat(['core', 'edge', 'web', 'db', 'dist'][1 + device % 5], toString(device)) AS host, '' AS ci,
        [4, 0, 16, 3, 0][1 + kind] AS facility, [6, 5, 6, 6, 4, 3, 6, 2][1 + cityHash64(number, 1) % 8] AS severity,
        ['sshd', 'ifmgr', 'nginx', 'dhcpd', 'kernel'][1 + kind] AS app,
        toString(cityHash64(device, kind) % 30000) AS procid,
        if(kind = 1, 'UPDOWN', '') AS msgid,
        multiIf(
            kind = 0, concat('Failed password for u', toString(some % 5000), ' from 192.0.2.', toString(some % 250),
                ' port ', toString(some % 65000), ' ssh2'),
            kind = 1, concat('Interface GigabitEthernet0/', toString(some % 48), ', changed state to ',
                if(some % 2 = 0, 'up', 'down')),
            kind = 2, concat('GET /api/v1/items/', toString(some % 100000), ' HTTP/1.1 status ',
                ['200', '200', '200', '404', '500'][1 + some % 5], ' trace ', lower(hex(cityHash64(number, 9)))),
            kind = 3, concat('DHCPACK on 10.9.', toString(some % 250), '.', toString(some % 240), ' to ',
                lower(hex(some % 16777216)), ' via eth1'),
            concat('ata', toString(some % 8), ': SError: { PHYRdyChg CommWake } at sector ', toString(some % 1000000))
        ) AS message,
        if(kind = 2, map('status', ['200', '200', '200', '404', '500'][1 + some % 5], 'bytes', toString(some % 90000),
            'user', concat('u', toString(some % 5000))), map()) AS fields,
        [] AS tags, 'rfc5424' AS format, '' AS pipeline, '' AS raw
    FROM (SELECT number, cityHash64(number, 2) % {hosts:UInt32} AS device, cityHash64(number, 3) % 5 AS kind,
        cityHash64(number, 4) AS some FROM numbers({first:UInt64}, {count:UInt64}))
"""  # fmt: skip


async def load(platform: Platform, organization: str, lines: int) -> datetime:
    """Store the lines, spread evenly over the days before now; the time of the first."""
    telemetry = platform.telemetry
    assert telemetry is not None
    start = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(days=DAYS)
    step = DAYS * 86_400_000_000 / lines
    began = time.perf_counter()
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    for first in range(0, lines, CHUNK):
        # As from a flood: the merge that ends a day makes its indexes.
        over = start + timedelta(microseconds=step * (first + CHUNK)) < midnight
        indexed = "SETTINGS materialize_skip_indexes_on_insert = 0" if over else ""
        await telemetry.command(
            f"INSERT INTO log_lines {indexed} {LINE}",
            {"organization": organization, "start": int(start.timestamp()) * 1_000_000, "step": step, "hosts": HOSTS,
             "first": first, "count": min(CHUNK, lines - first)},
        )  # fmt: skip
        if first % 5_000_000 == 0:
            print(f"  {first + CHUNK:,} lines, {time.perf_counter() - began:.0f} s", flush=True)
    await settle(telemetry)
    return start


async def settle(telemetry: Telemetry) -> None:
    """Wait for merges, and merge each day that is over, as the engine does an hour later."""
    for _ in range(600):
        if not (await telemetry.query("SELECT count() AS n FROM system.merges"))[0]["n"]:
            break
        await asyncio.sleep(1)
    began, used = time.perf_counter(), time.process_time()
    days = await telemetry.query(
        "SELECT partition AS day, sum(rows) AS lines FROM system.parts WHERE table = 'log_lines' AND active "
        "AND partition < toString(today()) GROUP BY day ORDER BY day"
    )
    for row in days:
        await telemetry.command(f"OPTIMIZE TABLE log_lines PARTITION '{row['day']}' FINAL")
    if days:
        lines = sum(row["lines"] for row in days)
        print(f"  {len(days)} days became one part each: {time.perf_counter() - began:.0f} s, "
              f"{(time.process_time() - used) / lines * 1e6:.1f} µs of CPU a line", flush=True)  # fmt: skip


async def disk(platform: Platform, lines: int) -> None:
    assert platform.telemetry is not None
    [found] = await platform.telemetry.query(
        "SELECT sum(bytes_on_disk) AS bytes, sum(secondary_indices_compressed_bytes) AS indexes, count() AS parts "
        "FROM system.parts WHERE table = 'log_lines' AND active"
    )
    print(f"  disk: {found['bytes'] / lines:.1f} bytes a line, {found['indexes'] / lines:.1f} of them indexes; "
          f"{found['parts']} parts")  # fmt: skip


async def measure(name: str, ask: Ask, rounds: int) -> None:
    for _ in range(3):
        await ask()
    taken, cpu = [], []
    for _ in range(rounds):
        began, used = time.perf_counter(), time.process_time()
        await ask()
        taken.append((time.perf_counter() - began) * 1000)
        cpu.append((time.process_time() - used) * 1000)
    target = f"  (to reach: {TARGETS[name]} ms)" if name in TARGETS else ""
    print(f"  {name}: {median(taken):.1f} ms, slowest {max(taken):.1f} ms; {median(cpu):.1f} ms of CPU{target}",
          flush=True)  # fmt: skip


async def questions(platform: Platform, client: httpx.AsyncClient, lines: int, start: datetime, rounds: int) -> None:
    dice = random.Random(7)
    assert platform.telemetry is not None
    picked = await platform.telemetry.query(
        "SELECT lower(hex(cityHash64(number, 9))) AS word FROM numbers({lines:UInt64}) "
        "WHERE cityHash64(number, 3) % 5 = 2 AND cityHash64(number, 5) % {every:UInt64} = 0 LIMIT 200",
        {"lines": lines, "every": max(1, lines // 4000)},
    )
    words = [row["word"] for row in picked]
    dice.shuffle(words)
    # The lines end where a system's that is running do: now, by their own clock.
    whole = {"from": start.isoformat(), "to": (start + timedelta(days=DAYS)).isoformat()}

    async def post(path: str, **body: Any) -> Any:
        answer = await client.post(path, json=body)
        answer.raise_for_status()
        return answer.json()

    async def search(query: str, at_least: int = 1) -> None:
        found = await post("/ux/logmanagement/log_search/log_search/logs/", query=query, limit=50, **whole)
        assert found["count"] >= at_least, query

    def device() -> str:
        number = dice.randrange(HOSTS)
        return f"{('core', 'edge', 'web', 'db', 'dist')[number % 5]}{number}"

    def day() -> dict[str, str]:
        first = start + timedelta(hours=dice.randrange((DAYS - 1) * 24), minutes=dice.randrange(60), seconds=17)
        return {"from": first.isoformat(), "to": (first + timedelta(days=1)).isoformat()}

    async def histogram(query: str = "") -> None:
        found = await post("/api/logs/histogram/", query=query, buckets=96, **day())
        assert query or abs(found["total"] - lines / DAYS) < lines / DAYS / 100, found["total"]

    async def facets() -> None:
        await post("/api/logs/facets/", fields=["host", "app", "severity"], **day())

    every: dict[str, Ask] = {
        "newest 50": lambda: search("", 50),
        "a rare word": lambda: search(words.pop() if len(words) > 1 else words[0]),
        "field filter, newest 50": lambda: search(f"host:{device()}", 50),
        "field of the line, newest 50": lambda: search(f"user:u{dice.randrange(5000)}"),
        "a value that no line has": lambda: search(f"user:nobody{dice.randrange(10**6)}", 0),
        "two words and a severity": lambda: search("failed password severity<=3", 50),
        "a phrase": lambda: search(f'"password for u{dice.randrange(5000)} from"'),
        "histogram of a day": histogram,
        "histogram of a day, by a word": lambda: histogram(f"u{dice.randrange(5000)}"),
        "three facets of a day": facets,
        "the beginning of a word": lambda: search(f"{words[0][:10]}*"),
    }
    for name, ask in every.items():
        await measure(name, ask, 5 if name in ("the beginning of a word", "three facets of a day") else rounds)


async def run(folder: Path, lines: int, rounds: int) -> None:
    settings = Settings(data_dir=folder, http_port=0, syslog_port=0, syslog_tls_port=0, trap_port=0, log_level="error",
                        log_days=3650)  # fmt: skip
    platform = Platform(settings, build_registry())
    app = create_app(platform=platform)
    async with app.lifespan():
        assert platform.telemetry is not None
        stored = await platform.telemetry.query(
            "SELECT organization, count() AS lines, min(time) AS start FROM log_lines GROUP BY organization"
        )
        if stored:
            organization, lines, start = stored[0]["organization"], stored[0]["lines"], stored[0]["start"]
            print(f"{lines:,} lines, stored before")
        else:
            number = time.time_ns()
            async with platform.work("*") as ctx:
                organization = (await bootstrap.make_organization(ctx, f"bench{number}", f"Benchmark {number}")).id
            async with platform.work(organization) as ctx:
                await make_defaults(ctx)
            print(f"{lines:,} lines over {DAYS} days, {HOSTS} hosts")
            start = await load(platform, organization, lines)
        async with platform.work(organization) as ctx:
            role = (await ctx.session.execute(select(Role).where(Role.is_admin.is_(True)))).scalars().one()
            key = await bootstrap.make_key(ctx, f"bench {time.time_ns()}", role, None)
        await disk(platform, lines)
        transport = httpx.ASGITransport(app=app)
        headers = {"Authorization": f"ApiKey {key}"}
        async with httpx.AsyncClient(transport=transport, base_url="http://bench.test", headers=headers) as client:
            await questions(platform, client, lines, start, rounds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--lines", type=int, default=50_000_000)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--folder", type=Path, help="where the data goes; deleted afterwards")
    parser.add_argument("--keep", type=Path, help="where the data goes and stays, or is already")
    chosen = parser.parse_args()
    if chosen.keep:
        chosen.keep.mkdir(parents=True, exist_ok=True)
        asyncio.run(run(chosen.keep, chosen.lines, chosen.rounds))
        return
    folder = Path(tempfile.mkdtemp(prefix="logsearch-", dir=chosen.folder))
    try:
        asyncio.run(run(folder, chosen.lines, chosen.rounds))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
