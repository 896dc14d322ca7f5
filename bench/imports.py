"""A file of 100,000 items imported as a job by the running server, which is killed in the middle and started again.

    python -m bench.imports                 about a minute, on SQLite
    python -m bench.imports --rows 20000    a look at whether it runs
    python -m bench.imports --no-kill       the time alone

Every thousandth row is wrong (a category that there is not). Afterwards each good row must be there once, each with its
trail, and the report must name the wrong rows and no other.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sqlite3
import time
import urllib.request
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import select

from bench.cmdb import ITEMS, item
from bench.mainstay import Mainstay, mainstay
from mainstay.app import build_registry
from mainstay.kernel.access import bootstrap
from mainstay.kernel.access.tables import Organization, Role
from mainstay.kernel.platform import Platform
from mainstay.settings import Settings

TASKS = "/ux/common/async_tasks/"
ENDED = ("succeeded", "failed", "cancelled")
WRONG = 1000
NAMES = list(item(0))


async def administrator(settings: Settings) -> str:
    """The key of somebody who may see tasks."""
    platform = Platform(settings, build_registry())
    try:
        async with platform.work("*", write=False) as ctx:
            organization = (await ctx.session.execute(select(Organization.id))).scalars().one()
        async with platform.work(organization) as ctx:
            named = select(Role).where(Role.role_name == bootstrap.ADMIN_ROLE)
            role = (await ctx.session.execute(named)).scalars().one()
            return await bootstrap.make_key(ctx, "admin", role, None)
    finally:
        await platform.close()


def document(rows: int) -> bytes:
    lines = [",".join(NAMES)]
    for number in range(rows):
        row = item(number) | ({"category": "Unheard of"} if number % WRONG == WRONG - 1 else {})
        lines.append(",".join(str(row[name]) for name in NAMES))
    return "\n".join(lines).encode()


def call(running: Mainstay, path: str, body: bytes | None = None) -> Any:
    headers = {**running.headers, "Content-Type": "text/csv"}
    request = urllib.request.Request(f"{running.base}{path}", body, headers)
    with urllib.request.urlopen(request) as answer:
        content = answer.read()
    return json.loads(content) if answer.headers.get_content_type() == "application/json" else content.decode()


def states(running: Mainstay, task: str, until: int) -> dict[str, Any]:
    """The task as soon as it has done so many rows, or is over."""
    while True:
        found: dict[str, Any] = call(running, f"{TASKS}{task}/")
        if found["done"] >= until or found["status"] in ENDED:
            return found
        time.sleep(0.2)


def run(running: Mainstay, rows: int, kill: bool) -> None:
    running.start()
    content = document(rows)
    began = time.perf_counter()
    task = call(running, f"{ITEMS}upload-csv/", content)["task"]
    print(f"{rows:,} rows ({len(content) / 1e6:.0f} MB) accepted after {time.perf_counter() - began:.1f} s", flush=True)
    away = 0.0
    if kill:
        stopped = states(running, task, rows // 2)
        assert running.process is not None
        os.killpg(running.process.pid, signal.SIGKILL)
        print(f"killed after {time.perf_counter() - began:.1f} s, {stopped['done']:,} rows done", flush=True)
        away = time.perf_counter()
        running.stop()
        running.start()
        away = time.perf_counter() - away
    found = states(running, task, rows + 1)
    took = time.perf_counter() - began
    done = (
        f"{found['created']:,} created, {found['failed']:,} refused, {found['created'] / (took - away):,.0f} a second"
    )
    print(f"{found['status']} after {took:.1f} s ({away:.1f} s of it to start again): {done}")
    wrong = {number + 2 for number in range(WRONG - 1, rows, WRONG)}
    told = call(running, found["errors_file"]).splitlines()
    assert found["failed"] == len(wrong) == len(told) - 1, (found["failed"], len(wrong), len(told))
    print(f"report: {len(told) - 1:,} rows, such as {told[1]!r}")
    count = call(running, f"{ITEMS}?{urlencode({'items_per_page': 1})}")["count"]
    assert count == rows - len(wrong), count
    with sqlite3.connect(running.settings.data_dir / "mainstay.db") as database:
        for sql in (
            "SELECT count(DISTINCT name) FROM ci",
            "SELECT count(DISTINCT record_id) FROM change WHERE resource = 'ci' AND action = 'create'",
        ):
            assert database.execute(sql).fetchone()[0] == count, sql
    print(f"{count:,} items, each once, each with its trail")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--no-kill", action="store_true")
    given = parser.parse_args()
    with mainstay(None) as running:
        running.headers = {"Authorization": f"ApiKey {asyncio.run(administrator(running.settings))}"}
        run(running, given.rows, not given.no_kill)


if __name__ == "__main__":
    main()
