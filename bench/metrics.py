"""Measurements: how many are stored a second, and how long a week of an interface takes to be drawn, beside RRDtool.

    python -m bench.metrics                          about three minutes
    python -m bench.metrics --seconds 3 --interfaces 500   a look at whether it runs

Stored through the writer of the poller, a device at a time, with the summaries of five minutes and an hour that come
from each: first as fast as it goes, then at the wanted rate, with what was lost and what was still on its way when the
time was over. Stored means: answered by the store and counted there.

Drawn: the graph of one interface of one device over seven days (seven measurements, each 2,016 points of five minutes)
by ``GET /api/metrics/``, from request to the JSON, while the store holds as much of every other interface; another
interface each time. RRDtool (Debian's rrdtool; left out where it is not installed) updates one file per interface with
the same seven measurements, which is what LibreNMS does, in one process that stays, and exports the same week as JSON.
It writes to the system's cache of files, without waiting for the disk; so does the store.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import shutil
import subprocess
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

import httpx
import uvloop

from mainstay.app import build_registry, create_app
from mainstay.kernel.access import bootstrap
from mainstay.kernel.platform import Platform
from mainstay.kernel.telemetry import Telemetry, Writer
from mainstay.modules.monitoring.polling.metrics import COLUMNS, LIMITS, TABLE, Sample
from mainstay.modules.people.roles.service import make_defaults
from mainstay.settings import Settings

MEASURES = ("if_in", "if_out", "if_in_use", "if_out_use", "if_errors", "if_discards", "if_up")
PORTS, STEP, WEEK, WAITING = 7, 300, 7 * 86_400, 200_000
RATE, DRAWN = 100_000, 100
POINTS = WEEK // STEP
NAMES = [(port, f"Gi1/0/{port}") for port in range(1, PORTS + 1)]
ITEMS = "/ux/common/cmdb/profile/"


def device(organization: str, ci: str, at: int, salt: int) -> list[Sample]:
    """One poll of a device."""
    return [
        (organization, ci, metric, name, at, float(salt * port % 9973)) for port, name in NAMES for metric in MEASURES
    ]


async def feed(writer: Writer, organization: str, total: int, rate: int) -> tuple[int, float]:
    """Write ``total`` samples, at ``rate`` a second or (0) as fast as they are taken; how many, and in what time."""
    devices = [f"{number:025d}" for number in range(1000)]
    now, sent, began, before = int(time.time() * 1000), 0, time.perf_counter(), writer.written
    while sent < total:
        rows = device(organization, devices[sent // 49 % 1000], now + sent // 49_000 * 1000, sent // 49)
        writer.write_many(rows)
        sent += len(rows)
        if rate:
            ahead = sent / rate - (time.perf_counter() - began)
            if ahead > 0.02 or sent % 9800 == 0:
                await asyncio.sleep(max(0.0, ahead))
        elif sent % 980 == 0:
            while sent - (writer.written - before) > WAITING:  # noqa: ASYNC110 - the writer tells nobody
                await asyncio.sleep(0.005)
    return sent, time.perf_counter() - began


async def storing(telemetry: Telemetry, organization: str, seconds: float, rate: int) -> None:
    """Print how many samples are stored a second."""
    writer = telemetry.writer(TABLE, COLUMNS, **LIMITS)
    await feed(writer, organization, 100_000, 0)
    await writer.drain()
    for wanted in (0, rate):
        kept, lost, used, began = writer.written, writer.dropped, time.process_time(), time.perf_counter()
        sent, took = await feed(writer, organization, int((wanted or 100_000) * seconds), wanted)
        waiting = sent - (writer.written - kept) - (writer.dropped - lost)
        await writer.drain()
        whole, used = time.perf_counter() - began, time.process_time() - used
        print(f"  {f'{wanted:,}/s asked' if wanted else 'as fast as it goes'}: {sent:,} sent in {took:.1f} s, "
              f"{(writer.written - kept) / whole:,.0f}/s stored until the last, {writer.dropped - lost:,} lost, "
              f"{waiting:,} on their way at the end, stored {whole - took:.1f} s later, "
              f"CPU {used / sent * 1e6:.1f} us each with their making "
              f"(to reach: {RATE:,}/s)", flush=True)  # fmt: skip
    [found] = await telemetry.query("SELECT count() AS n FROM metrics")
    assert found["n"] == writer.written, (found, writer.written)


async def fill(telemetry: Telemetry, organization: str, devices: list[str], since: datetime) -> None:
    """A week of five-minute summaries of every interface, as the poller would have left them."""
    began = time.perf_counter()
    for first in range(0, len(devices), 50):
        some = devices[first : first + 50]
        await telemetry.command(
            """INSERT INTO metrics_5m SELECT {organization:String}, ci, metric, concat('Gi1/0/', toString(port)),
                toDateTime({since:UInt32} + number * 300, 'UTC'), base, base * 1.5, base * 6, 5
            FROM (SELECT number, arrayJoin({devices:Array(String)}) AS ci, arrayJoin({metrics:Array(String)}) AS metric,
                arrayJoin(range(1, {ports:UInt8} + 1)) AS port,
                1e6 * (1.1 + sin(number / 288 * 6.28 + port)) + cityHash64(ci, metric, number) % 100000 AS base
            FROM numbers({points:UInt32}))""",
            {"organization": organization, "since": int(since.timestamp()), "devices": some, "metrics": list(MEASURES),
             "ports": PORTS, "points": POINTS},
        )  # fmt: skip
    for _ in range(120):
        if not (await telemetry.query("SELECT count() AS n FROM system.merges"))[0]["n"]:
            break
        await asyncio.sleep(1)
    [found] = await telemetry.query(
        "SELECT sum(rows) AS n, sum(bytes_on_disk) AS bytes, count() AS parts FROM system.parts "
        "WHERE table = 'metrics_5m' AND active"
    )
    print(f"  {found['n']:,} points of {len(devices) * PORTS:,} interfaces in {found['parts']} parts, "
          f"{found['bytes'] / found['n']:.1f} bytes each, filled in {time.perf_counter() - began:.0f} s",
          flush=True)  # fmt: skip


async def drawing(client: httpx.AsyncClient, items: list[str], since: datetime, rounds: int) -> None:
    """Print how long the graph of an interface takes."""
    dice, until = random.Random(7), since + timedelta(seconds=WEEK)
    span = {"since": since.isoformat(), "until": until.isoformat()}
    for name, metrics in {"traffic in": ["if_in"], "all seven measurements": [""]}.items():
        taken, size = [], 0
        for turn in range(rounds + 3):
            params = {"ci_id": dice.choice(items), "resource": f"Gi1/0/{dice.randint(1, PORTS)}", "metric": metrics[0]}
            began = time.perf_counter()
            answer = await client.get("/api/metrics/", params={**params, **span})
            if turn >= 3:
                taken.append((time.perf_counter() - began) * 1000)
            answer.raise_for_status()
            size = len(answer.content)
        every = answer.json()["series"]
        assert len(every) == (1 if metrics[0] else len(MEASURES)), len(every)
        assert all(len(one["points"]) >= POINTS - 1 for one in every)
        print(f"  a week of an interface, {name}: {median(taken):.1f} ms, slowest {max(taken):.1f} ms, "
              f"{size / 1024:,.0f} KiB (to reach: {DRAWN} ms)", flush=True)  # fmt: skip


def rrd(folder: Path, interfaces: int, rounds: int) -> None:
    """The same by RRDtool."""
    program = shutil.which("rrdtool")
    if program is None:
        print("rrdtool is not installed (apt-get install rrdtool): left out.")
        return
    start = int(time.time()) // STEP * STEP - WEEK
    sources = " ".join(f"DS:{name}:GAUGE:600:U:U" for name in MEASURES)
    names = [folder / f"{number}.rrd" for number in range(interfaces)]

    def run(lines: list[str]) -> tuple[float, float]:
        began, before = time.perf_counter(), os.times()
        done = subprocess.run([program, "-"], input="\n".join(lines) + "\n", capture_output=True, text=True)
        assert done.stdout.count("OK ") == len(lines), done.stdout[:500]
        after = os.times()
        used = after.children_user + after.children_system - before.children_user - before.children_system
        return time.perf_counter() - began, used

    run([f"create {name} --start {start - STEP} --step {STEP} {sources} RRA:AVERAGE:0.5:1:2016 RRA:AVERAGE:0.5:6:1440 "
         "RRA:MIN:0.5:6:1440 RRA:MAX:0.5:6:1440" for name in names])  # fmt: skip
    lines = [
        f"update {name} {start + turn * STEP}:{':'.join(str(turn * 7 % 97 + at) for at in range(len(MEASURES)))}"
        for turn in range(rounds)
        for name in names
    ]
    took, used = run(lines)
    count = len(lines) * len(MEASURES)
    print(f"  RRDtool: {count:,} measurements, {count / took:,.0f}/s stored, CPU {used / count * 1e6:.1f} us each")
    one = names[0]
    run([f"update {one} " + " ".join(f"{start + turn * STEP}:{':'.join('5' for _ in MEASURES)}"
                                     for turn in range(first, min(first + 200, POINTS)))
         for first in range(rounds, POINTS, 200)])  # fmt: skip
    for label, wanted in (("traffic in", MEASURES[:1]), ("all seven measurements", MEASURES)):
        lines = [f"DEF:{name}={one}:{name}:AVERAGE XPORT:{name}" for name in wanted]
        export = f"xport --json --start {start} --end {start + WEEK} --maxrows 5000 " + " ".join(lines)
        base = run([f"last {one}"])[0]
        print(f"  RRDtool, a week of an interface, {label}: {(run([export] * 10)[0] - base) / 10 * 1000:.1f} ms")


async def run(folder: Path, given: argparse.Namespace) -> None:
    settings = Settings(data_dir=folder, http_port=0, syslog_port=0, syslog_tls_port=0, trap_port=0, log_level="error",
                        polling=False)  # fmt: skip
    platform = Platform(settings, build_registry())
    app = create_app(platform=platform)
    async with app.lifespan():
        telemetry = platform.telemetry
        assert telemetry is not None
        async with platform.work("*") as ctx:
            organization = await bootstrap.make_organization(ctx, "bench", "Bench")
        async with platform.work(organization.id) as ctx:
            role = (await make_defaults(ctx))[bootstrap.ADMIN_ROLE]
            key = await bootstrap.make_key(ctx, "bench", role, None)
        print(f"Mainstay, load of the machine {os.getloadavg()[0]:.1f}")
        await storing(telemetry, organization.id, given.seconds, given.rate)
        transport = httpx.ASGITransport(app=app)
        headers = {"Authorization": f"ApiKey {key}"}
        async with httpx.AsyncClient(transport=transport, base_url="http://bench.test", headers=headers) as client:
            items = []
            for number in range(20):
                made = await client.post(ITEMS, json={"name": f"switch-{number}", "category": "Switch"})
                made.raise_for_status()
                items.append(made.json()["id"])
            since = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(seconds=WEEK)
            others = [f"{number:025d}" for number in range(max(0, given.interfaces // PORTS - len(items)))]
            await fill(telemetry, organization.id, sorted([*items, *others]), since)
            await drawing(client, items, since, given.rounds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--rate", type=int, default=RATE)
    parser.add_argument("--interfaces", type=int, default=1400)
    parser.add_argument("--rounds", type=int, default=20)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="metrics-") as folder:
        uvloop.run(run(Path(folder) / "mainstay", given))
        files = Path(folder) / "rrd"
        files.mkdir()
        rrd(files, 500, 20)


if __name__ == "__main__":
    main()
