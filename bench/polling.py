"""Polling by SNMP: what a question costs beside gufo-snmp and pysnmp, and a thousand devices polled and stored.

    uv run --with pysnmp python -m bench.polling              everything: about four minutes
    uv run --with pysnmp python -m bench.polling --count 100  a look at whether it runs
    python -m bench.polling --only questions                  without the server; --only devices: without the peers

The devices are one process of bench.devices on the same cores; with seven ports each they have 53 measurements.

*Questions*: the values of a poll of 300 devices, 32 of them at once, asked by the same names in the same packets by
each library through one session per device that is open already; and the whole poll by Mainstay, which takes one of
the sockets that it keeps, and makes measurements of the answers. Medians of the rounds, the libraries in turns.

*Devices*: Mainstay is served on a folder of its own (SQLite), discovers them, and is asked to poll all at once, as the
API has it. The clock runs from the start of the first poll to the end of the last; afterwards the measurements that
arrived in the store are counted by the API. The first poll learns which rows the tables have. Then one interval passes,
with each device at its own moment.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import uvloop
from gufo.snmp.aio import SnmpSession

from bench.devices import address
from bench.discovery import Server
from bench.process import CACHE, Process, free_port
from mainstay.modules.monitoring.polling.asking import ask
from mainstay.modules.monitoring.polling.known import Known
from mainstay.modules.monitoring.snmp import ber
from mainstay.modules.monitoring.snmp.client import Access, Client
from mainstay.modules.monitoring.snmp.lines import Lines

PORTS, ASKED, AT_ONCE, TARGET, INTERVAL = 7, 300, 32, 60, 60
Round = Callable[[int], Awaitable[None]]


def pysnmp_round(names: list[list[list[str]]], port: int) -> Round | None:
    """The same questions by pysnmp, where it is installed."""
    try:
        from pysnmp.hlapi.v3arch import asyncio as hlapi  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        return None
    engine = hlapi.SnmpEngine()
    community, context = hlapi.CommunityData("public"), hlapi.ContextData()
    objects = [[[hlapi.ObjectType(hlapi.ObjectIdentity(name)) for name in packet] for packet in one] for one in names]
    targets: dict[int, Any] = {}

    async def one(number: int) -> None:
        if number not in targets:
            targets[number] = await hlapi.UdpTransportTarget.create((address(number), port), timeout=2, retries=2)
        for packet in objects[number]:
            error, status, _index, found = await hlapi.get_cmd(
                engine, community, targets[number], context, *packet, lookupMib=False
            )
            assert (not error, not status, len(found)) == (True, True, len(packet)), (error, status)

    return one


async def questions(port: int, count: int, rounds: int) -> None:
    """Print what the libraries take for the same questions."""
    access = Access(community="public", port=port)
    known, lines = [Known() for _ in range(count)], Lines()
    limit = asyncio.Semaphore(AT_ONCE)

    async def everyone(one: Round, number: int = count) -> tuple[float, float]:
        async def limited(at: int) -> None:
            async with limit:
                await one(at)

        began, used = time.perf_counter(), time.process_time()
        await asyncio.gather(*(limited(at) for at in range(number)))
        return time.perf_counter() - began, time.process_time() - used

    async def poll(number: int) -> None:
        await ask(address(number), access, None, known[number], lines)

    walked = await everyone(poll)
    names = [[[ber.oid_text(item[0]) for item in packet.items] for packet in one.packets] for one in known]
    sessions = [SnmpSession(address(number), port=port, timeout=2) for number in range(count)]
    clients = [await Client(address(number), access).__aenter__() for number in range(count)]

    async def gufo(number: int) -> None:
        for packet in names[number]:
            found = await sessions[number].get_many(packet)
            assert len(found) == len(packet)

    async def ours(number: int) -> None:
        for packet in known[number].packets:
            found = await clients[number].get_batch(packet)
            assert len(found.tags) == len(packet.items)

    taken: dict[str, list[tuple[float, float]]] = {}
    kinds = {"gufo-snmp": gufo, "Mainstay, the same": ours, "Mainstay, a whole poll": poll}
    for _ in range(rounds):
        for name, one in kinds.items():
            taken.setdefault(name, []).append(await everyone(one))
    slow = pysnmp_round(names, port)
    if slow is not None:
        few = min(count, 30)
        taken["pysnmp"] = [tuple(part * count / few for part in await everyone(slow, few)) for _ in range(2)]  # type: ignore[misc]
    else:
        print("pysnmp is not installed (uv run --with pysnmp ...): left out.")
    for client in clients:
        await client.__aexit__()
    lines.close()
    values = sum(map(len, names[0]))
    print(f"{count} devices, {values} values each in {len(names[0])} packets, {AT_ONCE} devices at once, "
          f"load of the machine {os.getloadavg()[0]:.1f}")  # fmt: skip
    print(f"{'':24} {'devices/s':>10} {'CPU us/value':>13}")
    for name, every in taken.items():
        took, used = (statistics.median(part) for part in zip(*every, strict=True))
        print(f"{name:24} {count / took:10,.0f} {used / count / values * 1e6:13.2f}")
    print(f"{'walked, to learn it':24} {count / walked[0]:10,.0f} {walked[1] / count / values * 1e6:13.2f}")


def discovered(server: Server, port: int, count: int) -> list[str]:
    """Discover the devices; the ids of their items."""
    path = "/ux/ims/discovery/profile/"
    server.call("POST", "/api/credentials/", {"name": "Bench", "kind": "snmp_v2c", "community": "public", "port": port,
                                              "timeout": 2, "retries": 2})  # fmt: skip
    made = server.call("POST", path, {
        "label": "Bench", "host": f"{address(0)}-{address(count - 1)}", "params": {"rate": 5000}
    })  # fmt: skip
    server.call("POST", f"{path}do-rescan/", {"id": made["id"]})
    while server.call("GET", f"{path}details/?id={made['id']}")["iteration"]["state"] in ("queued", "running"):
        time.sleep(0.5)
    found: list[str] = []
    listed = "/ux/ims/jobs/profile/?object_type=polling&items_per_page=100&page="
    while len(page := server.call("GET", f"{listed}{len(found) // 100 + 1}")["results"]) or not found:
        found += [row["object_id"] for row in page]
        if len(page) < 100:
            break
    return found


class Cycle:
    """One poll of every device, seen by the API."""

    def __init__(self, server: Server, items: list[str]) -> None:
        self.server, self.items = server, items

    def states(self) -> list[dict[str, Any]]:
        path = "/ux/common/cmdb/profile/poll-status/"
        return [row for part in self._parts(500) for row in self.server.call("POST", path, {"ci_ids": part})["results"]]

    def _parts(self, size: int) -> list[list[str]]:
        return [self.items[at : at + size] for at in range(0, len(self.items), size)]

    def stored(self, since: datetime) -> int:
        """Measurements in the store since then."""
        path, found = "/ux/common/cmdb/profile/performance-stats-grid/", 0
        until = datetime.now(UTC) + timedelta(seconds=1)
        for part in self._parts(200):
            body = {"ci_ids": part, "since": since.isoformat(), "until": until.isoformat()}
            found += sum(row["points"] for row in self.server.call("POST", path, body)["results"])
        return found

    def at_once(self, name: str, devices: Process) -> None:
        """Ask for a poll of all, wait until it is over, and print how it went."""
        asked = datetime.now(UTC)
        cpu, theirs = self.server.process.cpu(), devices.cpu()
        for part in self._parts(500):
            self.server.call("POST", "/ux/common/cmdb/profile/resync-poll-jobs/", {"ci_ids": part})
        asking = datetime.now(UTC)
        while True:
            time.sleep(1)
            rows = self.states()
            begun = [datetime.fromisoformat(row["last_run"]) for row in rows if row["last_run"]]
            done = [at for at in begun if at > asked]
            # Not a device whose own moment came in between.
            if len(done) == len(rows):
                break
            if (datetime.now(UTC) - asking).total_seconds() > 300:
                raise SystemExit(f"Only {len(done)} of {len(rows)} devices were polled in five minutes.")
        ends = [datetime.fromisoformat(row["last_run"]).timestamp() + row["seconds"] for row in rows]
        first = min(done)
        cpu, theirs = self.server.process.cpu() - cpu, devices.cpu() - theirs
        time.sleep(1)
        failed = sum(bool(row["error"]) for row in rows)
        print(f"{name}: {max(ends) - first.timestamp():.1f} s (target for 1,000: {TARGET} s), {failed} failed, "
              f"{self.stored(asked):,} measurements stored; CPU {cpu:.1f} s in Mainstay, with the questions that watch "
              f"it, {theirs:.1f} s in the simulator")  # fmt: skip

    def steady(self, devices: Process) -> None:
        """Let an interval pass, and print what it took."""
        since = datetime.now(UTC)
        cpu, theirs = self.server.process.cpu(), devices.cpu()
        time.sleep(INTERVAL)
        cpu, theirs = self.server.process.cpu() - cpu, devices.cpu() - theirs
        rows = self.states()
        polled = sum(datetime.fromisoformat(row["last_run"]) > since for row in rows)
        down = sum(row["state"] != "up" for row in rows)
        print(f"an interval of {INTERVAL} s: {polled:,} polled, {down} down, "
              f"{self.stored(since):,} measurements stored, CPU {cpu:.1f} s in Mainstay, "
              f"{theirs:.1f} s in the simulator")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--only", choices=["questions", "devices"])
    given = parser.parse_args()
    port = free_port()
    command = [sys.executable, "-m", "bench.devices", "--port", str(port), "--count", str(given.count)]
    devices = Process([*command, "--ports", str(PORTS)], os.environ, CACHE / "polling-devices.log")
    time.sleep(1)
    try:
        if given.only != "devices":
            uvloop.run(questions(port, min(given.count, ASKED), given.rounds))
        if given.only != "questions":
            server = Server(CACHE / "polling-data")
            try:
                items = discovered(server, port, given.count)
                cycle = Cycle(server, items)
                print(f"{len(items):,} devices discovered, load of the machine {os.getloadavg()[0]:.1f}")
                cycle.at_once("first poll of all at once", devices)
                cycle.at_once("next poll of all at once", devices)
                cycle.steady(devices)
            finally:
                server.process.stop()
    finally:
        devices.stop()


if __name__ == "__main__":
    main()
