"""The event engine beside alerta: raw events into live rows, and a status change among many events.

``python -m bench.events`` prints both from one run. ``--quick`` is for looking whether it works.

Two sources hand over batches, each the next one when the one before is committed: syslog and traps do so in a process
that runs both. Loop and collector are set up as in ``mainstay serve``.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import itertools
import json
import shutil
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import sqlalchemy as sa
import uvloop

from bench.alerta import Alerta, alerta
from bench.load import load, once
from bench.postgres import Postgres, postgres
from bench.process import CACHE
from mainstay.app import build_registry
from mainstay.kernel import database, query, rows
from mainstay.kernel.access import bootstrap
from mainstay.kernel.platform import Platform
from mainstay.kernel.query import ListQuery
from mainstay.kernel.signals import RAW_EVENTS, RawEvent
from mainstay.modules.monitoring.events import service
from mainstay.modules.monitoring.events.listener import EventEngine
from mainstay.modules.monitoring.events.resource import events
from mainstay.modules.monitoring.events.tables import STEP, Event
from mainstay.settings import Settings

BATCH = 5000
"""Raw events that a source hands over at once: what the intake collects in a tenth of a second or so."""
PORTS = 50
LISTS = {
    "newest": {},
    "newest open": {"filters": '{"cleared": false}'},
    "page 100": {"page": 100},
    "page 10,000 of 20,000": {"page": 10_000},
}
"""What is asked for of the million, each ordered by when it was last seen."""


class Plan:
    """How much of everything."""

    def __init__(self, quick: bool) -> None:
        self.rows = 2000 if quick else 10_000
        self.seconds = 2.0 if quick else 10.0
        self.rounds = 1 if quick else 3
        self.many = 20_000 if quick else 1_000_000
        self.changes = 20 if quick else 100


def raw_events(organization: str, first: int, live: int) -> list[RawEvent]:
    """A batch: messages of ports of many switches, as they come off the wire and not yet classified."""
    now = datetime.now(UTC)
    made = []
    for number in range(first, first + BATCH):
        which = number % live
        switch, port = divmod(which, PORTS)
        made.append(
            RawEvent(
                organization=organization, source="syslog", at=now, host=f"sw{switch}",
                address=f"10.{switch // 250}.{switch % 250}.1",
                message=f"%LINK-3-UPDOWN: Interface GigabitEthernet1/0/{port}, changed state to down",
            )
        )  # fmt: skip
    return made


async def engine(settings: Settings, plan: Plan) -> dict[str, float]:
    """Mainstay's figures on one database."""
    platform = Platform(settings, build_registry())
    await platform.start()
    try:
        async with platform.work("*") as ctx:
            organization = (await bootstrap.make_organization(ctx, "bench", "Bench")).id
        await RAW_EVENTS.publish(platform, raw_events(organization, 0, BATCH))
        batches = [raw_events(organization, first, plan.rows) for first in range(0, max(plan.rows, BATCH) * 2, BATCH)]
        for batch in batches:
            await RAW_EVENTS.publish(platform, batch)
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 50)
        rounds = [await flood(platform, batches, plan.seconds) for _ in range(plan.rounds)]
        running = platform.service(EventEngine)
        assert running is not None
        await running.drain()
        async with platform.work(organization, write=False) as ctx:
            both = sa.select(sa.func.count(), sa.func.sum(Event.count)).select_from(Event)
            live, counted = (await ctx.session.execute(both)).one()
        assert live == max(plan.rows, BATCH), live
        kept = (await platform.telemetry.query("SELECT count() AS n FROM event_history"))[0]["n"]  # type: ignore[union-attr]
        assert counted == kept, f"{counted} counted, {kept} kept"
        figures = {
            "raw events/s": median(rate for rate, _cpu in rounds),
            "CPU of the process a raw event, us": median(cpu for _rate, cpu in rounds),
            "lost": float(counted - kept),
        }
        await fill(platform, organization, plan.many)
        figures["status change among many, ms"] = await changes(platform, organization, plan.changes)
        for name, asked in LISTS.items():
            figures[f"list of 50: {name}, ms"] = await listed(platform, organization, asked, plan.changes)
        return figures
    finally:
        await platform.close()


async def flood(platform: Platform, batches: list[list[RawEvent]], seconds: float) -> tuple[float, float]:
    """Raw events a second, and the process's CPU for each in microseconds."""
    started, cpu = time.perf_counter(), time.process_time()
    waiting = itertools.cycle(batches)

    async def source() -> int:
        sent = 0
        while time.perf_counter() - started < seconds:
            await RAW_EVENTS.publish(platform, next(waiting))
            sent += BATCH
        return sent

    sent = sum(await asyncio.gather(source(), source()))
    return sent / (time.perf_counter() - started), (time.process_time() - cpu) / sent * 1e6


async def fill(platform: Platform, organization: str, many: int) -> None:
    """Old and new events, copied inside the database until there are this many: seen three seconds after one another,
    one in a hundred is open."""
    columns = [column.name for column in Event.__table__.columns]
    other = {"id": "made.id", "fingerprint": "made.id", "cleared": "made.cleared"}
    if platform.database.is_sqlite:
        other["last_seen"] = "event.last_seen - made.n * 3000000"
        other["seen_step"] = f"({other['last_seen']}) / {STEP * 1_000_000}"
        series = "(WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < :many) SELECT n FROM s)"
        number = "printf('bench%020d', n)"
    else:
        other["last_seen"] = "event.last_seen - made.n * interval '3 seconds'"
        other["seen_step"] = f"floor(extract(epoch FROM {other['last_seen']}) / {STEP})::integer"
        series, number = "generate_series(1, CAST(:many AS integer)) AS s(n)", "'bench' || lpad(n::text, 20, '0')"
    statement = (
        f"INSERT INTO event ({', '.join(columns)}) "
        f"SELECT {', '.join(other.get(name, f'event.{name}') for name in columns)} FROM event, "
        f"(SELECT n, {number} AS id, n % 100 <> 0 AS cleared FROM {series}) AS made "
        "WHERE event.organization = :organization AND event.id = :id"
    )
    async with platform.work(organization) as ctx:
        have = int(await ctx.session.scalar(sa.select(sa.func.count()).select_from(Event)) or 0)
        one = await ctx.session.scalar(sa.select(Event.id).limit(1))
        given = {"many": many - have, "organization": organization, "id": one}
        await ctx.session.execute(sa.text(statement), given)
    async with platform.database.engine.connect() as connection:
        options = await connection.execution_options(isolation_level="AUTOCOMMIT")
        # What autovacuum would do in a while.
        await options.execute(sa.text("ANALYZE" if platform.database.is_sqlite else "VACUUM ANALYZE"))


async def changes(platform: Platform, organization: str, count: int) -> float:
    """The median of acknowledging one event and of taking it back, committed; in milliseconds."""
    async with platform.work(organization, write=False) as ctx:
        ids = list(
            (await ctx.session.execute(sa.select(Event.id).where(Event.cleared.is_(False)).limit(count))).scalars()
        )
    took = []
    for event in ids:
        for change in (service.acknowledge, service.unacknowledge):
            started = time.perf_counter()
            async with platform.work(organization) as ctx:
                assert await change(ctx, [event]) == [event]
            took.append((time.perf_counter() - started) * 1000)
    return median(took)


async def listed(platform: Platform, organization: str, asked: dict[str, Any], count: int) -> float:
    """The 95th percentile of making a page, without the HTTP around it; in milliseconds."""
    took = []
    for _ in range(count):
        started = time.perf_counter()
        async with platform.work(organization, write=False) as ctx:
            wanted = ListQuery(**asked)
            await rows.page(ctx, events, wanted, query.parse_filters(wanted.filters))
        took.append((time.perf_counter() - started) * 1000)
    return sorted(took)[int(count * 0.95)]


def ours(server: Postgres | None, plan: Plan) -> dict[str, float]:
    folder = CACHE / f"events-{'postgresql' if server else 'sqlite'}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    settings = Settings(
        data_dir=folder, database_url=server.fresh("mainstay_events_bench") if server else "", http_port=0,
        log_level="error", syslog_port=0, syslog_tls_port=0, trap_port=0,
    )  # fmt: skip
    database.migrate(settings)
    try:
        return uvloop.run(engine(settings, plan))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def peer(server: Postgres, plan: Plan) -> tuple[str, dict[str, float]]:
    """alerta's figures: the same problems, one per request, from eight clients."""
    with alerta(server, processes=2) as running:

        def again(number: int) -> Any:
            return running.alert(number, plan.rows)

        load(running.base, running.headers, again, seconds=plan.seconds)
        results = [load(running.base, running.headers, again, seconds=plan.seconds) for _ in range(plan.rounds)]
        return f"alerta {running.version}", {
            "raw events/s": median(result.rate for result in results),
            "status change, ms": median(_change(running, number) for number in range(plan.changes)),
        }


def _change(running: Alerta, number: int) -> float:
    alert = running.some()
    return once(running.base, running.headers, running.status(alert, number + 1))[1] * 1000


def main() -> None:
    parser = argparse.ArgumentParser(description="The event engine beside alerta.")
    parser.add_argument("--quick", action="store_true", help="short rounds and small tables")
    parser.add_argument("--no-peer", action="store_true", help="leave alerta out")
    parser.add_argument("--database", action="append", choices=["sqlite", "postgresql"], help="default: both")
    parser.add_argument("--json", type=Path, help="write the figures to this file, too")
    wanted = parser.parse_args()
    plan = Plan(wanted.quick)
    sides: dict[str, dict[str, float]] = {}
    with postgres() as server:
        for name in wanted.database or ["sqlite", "postgresql"]:
            sides[f"Mainstay, {name}"] = ours(server if name == "postgresql" else None, plan)
        if not wanted.no_peer:
            side, figures = peer(server, plan)
            sides[side] = figures
    print(f"\n{plan.rows:,} live rows; status changes among {plan.many:,} events (alerta: among its {plan.rows:,}).\n")
    for side, figures in sides.items():
        print(side)
        for measure, value in figures.items():
            print(f"  {measure:36} {value:12,.1f}")
    if wanted.json:
        wanted.json.write_text(json.dumps(sides, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main())
