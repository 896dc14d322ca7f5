"""What a request costs inside the server: CPU milliseconds per request, and where they go.

    python -m bench.profile --database sqlite                 create, bulk create and list, in milliseconds of CPU
    python -m bench.profile --what create --top 40            the functions that a create spends its time in

The application runs in this process and is called without sockets, so what is counted is the server's own work
without the load generator's and, on PostgreSQL, without the database's. CPU time says more than the clock on a
machine that does other things as well.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import shutil
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import uvloop

from bench.load import Call
from bench.mainstay import BATCH, DATABASE, Mainstay, _prepare
from bench.postgres import Postgres, postgres
from bench.process import CACHE
from mainstay.app import build_registry, create_app
from mainstay.kernel import database
from mainstay.kernel.platform import Platform
from mainstay.settings import Settings

_created = itertools.count()
WORK = {
    "create": lambda number: Mainstay.creating(next(_created)),
    "list": lambda number: Mainstay.wandering(number % 30),
    "kept": Mainstay.listing,
    "bulk": lambda number: Mainstay.bulk(BATCH, number * BATCH),
}
COUNT = {"create": 1500, "list": 800, "kept": 1500, "bulk": 10}


@contextmanager
def sampled(top: int) -> Iterator[None]:
    """Look at the stack once per millisecond of CPU; print where it was most often."""
    own: Counter[str] = Counter()
    under: Counter[str] = Counter()
    seen = 0

    def look(_signal: int, frame: Any) -> None:
        nonlocal seen
        seen += 1
        names, deep = set(), frame
        while deep is not None:
            file = deep.f_code.co_filename.rsplit("site-packages/")[-1].rsplit("/src/")[-1]
            name = f"{file}:{deep.f_code.co_name}"
            if deep is frame:
                own[name] += 1
            names.add(name)
            deep = deep.f_back
        under.update(names)

    before = signal.signal(signal.SIGPROF, look)
    signal.setitimer(signal.ITIMER_PROF, 0.001, 0.001)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
    for title, counted in (("in it", own), ("in it or below", under)):
        print(f"  {title}, of {seen} looks:")
        for name, times in counted.most_common(top):
            print(f"    {times / max(1, seen):6.1%}  {name}")


async def ask(app: Any, headers: list[tuple[bytes, bytes]], call: Call) -> bytes:
    """One request through the ASGI application. Raises ``RuntimeError`` when it failed."""
    parts = urlsplit(call.path)
    body = b"" if call.body is None else json.dumps(call.body).encode()
    sent = [*headers]
    if call.body is not None:
        sent += [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": call.method, "scheme": "http",
        "path": parts.path, "raw_path": parts.path.encode(), "query_string": parts.query.encode(), "root_path": "",
        "headers": sent, "client": ("127.0.0.1", 40000), "server": ("127.0.0.1", 8000), "state": {}, "extensions": {},
    }  # fmt: skip
    pending = [{"type": "http.request", "body": body, "more_body": False}]
    status, answered = 0, []

    async def receive() -> Any:
        return pending.pop() if pending else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]
        else:
            answered.append(message.get("body", b""))

    await app(scope, receive, send)
    content = b"".join(answered)
    if status >= 300:
        raise RuntimeError(f"{call.method} {call.path}: {status} {content[:500]!r}")
    return content


async def many(
    platform: Platform, app: Any, headers: list[tuple[bytes, bytes]], what: str, count: int, connections: int
) -> None:
    """``count`` requests of one kind, ``connections`` at a time."""
    numbers = iter(range(count))

    async def one() -> None:
        for number in numbers:
            if what == "list":
                platform.memory.pop("lists", None)  # as if it was another page each time
            await ask(app, headers, WORK[what](number))

    await asyncio.gather(*(one() for _ in range(connections)))


async def measure(settings: Settings, kinds: list[str], rows: int, times: float, connections: int, top: int) -> None:
    """Print the figures of one installation."""
    key = await _prepare(settings)
    platform = Platform(settings, build_registry())
    app = create_app(platform=platform)
    headers = [(b"host", b"127.0.0.1"), (b"accept", b"application/json"), (b"authorization", f"ApiKey {key}".encode())]
    ready, stop = asyncio.Event(), asyncio.Event()

    async def run() -> None:
        async with app.lifespan():
            ready.set()
            await stop.wait()

    task = asyncio.create_task(run())
    await ready.wait()
    for first in range(0, rows, BATCH):
        await ask(app, headers, Mainstay.bulk(BATCH, first))
    for what in kinds:
        count = max(1, int(COUNT[what] * times))
        await many(platform, app, headers, what, max(1, count // 10), connections)
        busy, began = time.process_time(), time.perf_counter()
        await many(platform, app, headers, what, count, connections if what != "bulk" else 1)
        busy, took = time.process_time() - busy, time.perf_counter() - began
        print(
            f"  {what}: {busy / count * 1000:.2f} ms CPU, {took / count * 1000:.2f} ms, {count / took:.0f}/s",
            flush=True,
        )
        if top:
            with sampled(top):
                await many(platform, app, headers, what, count, connections if what != "bulk" else 1)
    stop.set()
    await task


def main() -> None:
    parser = argparse.ArgumentParser(description="CPU time per request.")
    parser.add_argument("--database", action="append", choices=["sqlite", "postgresql"], help="default: both")
    parser.add_argument("--what", action="append", choices=list(WORK), help="default: all")
    parser.add_argument("--rows", type=int, default=5000)
    parser.add_argument("--times", type=float, default=1.0, help="how many requests, as a multiple of the usual")
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--alone", action="store_true", help="without the background work that follows the changes")
    parser.add_argument("--top", type=int, default=0, help="print the costliest functions")
    wanted = parser.parse_args()

    def on(label: str, server: Postgres | None) -> None:
        print(label, flush=True)
        folder = CACHE / f"profile-{label}"
        shutil.rmtree(folder, ignore_errors=True)
        settings = Settings(
            data_dir=folder, database_url=server.fresh(f"{DATABASE}_profile") if server else "", http_port=0,
            log_level="warning", syslog_port=0, syslog_tls_port=0, trap_port=0, worker=not wanted.alone,
        )  # fmt: skip
        database.migrate(settings)
        kinds = wanted.what or list(WORK)
        try:
            uvloop.run(measure(settings, kinds, wanted.rows, wanted.times, wanted.connections, wanted.top))
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    names = wanted.database or ["sqlite", "postgresql"]
    if "sqlite" in names:
        on("sqlite", None)
    if "postgresql" in names:
        with postgres() as server:
            on("postgresql", server)


if __name__ == "__main__":
    main()
