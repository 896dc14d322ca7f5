"""Syslog from the wire to the search index, beside rsyslog writing to a file.

    python -m bench.syslog                              60 s at 200,000 lines/s, UDP and TCP, both sides
    python -m bench.syslog --seconds 5 --no-peer        a look at whether it runs

The sender is a process on the same machine (``bench.sender``) and shares the cores. Two seconds at a tenth of the rate
go before, which are not counted: what is measured is not the first line after a start. Every line carries a number:
lost are those that are missing in the end, counted from what is stored, not from what was said to be. The server is the
one that people run, with its defaults.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.process import CACHE, Process, free_port

KINDS = ("udp", "tcp", "tcp-counted")
_SEQUENCE = re.compile(rb"seq=(\d+)")


@dataclass
class Outcome:
    """One run of one side."""

    sent: int
    stored: int
    seconds: float
    """From the first line sent to the last one stored."""
    cpu: float
    """Seconds of processor time that the receiving side took."""
    late: float = 0.0
    """Seconds from the last line sent until all were stored."""
    bytes_per_line: float = 0.0
    notes: list[str] = field(default_factory=list)

    @property
    def lost(self) -> int:
        return self.sent - self.stored


def send(kind: str, port: int, given: argparse.Namespace, run: str) -> tuple[int, float]:
    """Let the sender work; lines sent, and when it began."""
    command = [sys.executable, "-m", "bench.sender", kind, "127.0.0.1", str(port), "--run", run]
    command += ["--rate", str(given.rate), "--seconds", str(given.seconds)]
    began = time.perf_counter()
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    told = json.loads(done.stdout)
    return told["sent"], began


def cpu_seconds(pid: int) -> float:
    """Processor time of a process so far."""
    words = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


class Mainstay:
    """``mainstay serve`` on a folder of its own."""

    name = "Mainstay"

    def __init__(self) -> None:
        self.folder = CACHE / "syslog-data"
        shutil.rmtree(self.folder, ignore_errors=True)
        self.port, self.http = free_port(), free_port()
        kept = {name: value for name, value in os.environ.items() if not name.startswith("MAINSTAY_")}
        self.environ = kept | {
            "MAINSTAY_DATA_DIR": str(self.folder), "MAINSTAY_HTTP_PORT": str(self.http),
            "MAINSTAY_SYSLOG_PORT": str(self.port), "MAINSTAY_SYSLOG_TLS_PORT": "0", "MAINSTAY_TRAP_PORT": "0",
            "MAINSTAY_LOG_LEVEL": "warning",
        }  # fmt: skip
        program = str(Path(sys.executable).with_name("mainstay"))
        run = [program, "init", "--organization", "bench"]
        subprocess.run(run, env=self.environ, check=True, capture_output=True)
        made = subprocess.run([program, "apikey", "add", "bench", "--user", "admin"], env=self.environ, check=True,
                              capture_output=True, text=True)  # fmt: skip
        found = re.search(r"ms_\S+", made.stdout)
        assert found, made.stdout
        self.key = found[0]
        self.process = Process([program, "serve"], self.environ, CACHE / "syslog-mainstay.log")
        self.process.wait_for(f"http://127.0.0.1:{self.http}/readyz")

    def health(self) -> dict[str, Any]:
        request = urllib.request.Request(f"http://127.0.0.1:{self.http}/api/intake/")
        request.add_header("Authorization", f"ApiKey {self.key}")
        with urllib.request.urlopen(request, timeout=30) as answer:
            read: dict[str, Any] = json.load(answer)
            return read

    def take(self, kind: str, given: argparse.Namespace, run: str) -> Outcome:
        """One run; ``stored`` is what the server says until ``settle`` has counted."""
        before, cpu = self.health()["stored"], cpu_seconds(self.process.pid)
        sent, began = send(kind, self.port, given, run)
        ended = time.perf_counter()
        last, changed = -1, time.perf_counter()
        while time.perf_counter() - changed < 5:
            stored = self.health()["stored"] - before
            if stored != last:
                last, changed = stored, time.perf_counter()
            if stored >= sent:
                break
            # Each question takes the server some milliseconds, which the lines should have.
            time.sleep(0.25)
        done = Outcome(sent, last, changed - began, cpu_seconds(self.process.pid) - cpu, changed - ended)
        for item in self.health()["listeners"]:
            if item["dropped_by_kernel"] or item["storm_limited"]:
                done.notes.append(f"{item['name']}: {item['dropped_by_kernel']} dropped by the kernel, "
                                  f"{item['storm_limited']} beyond the limit of a source, since the start")  # fmt: skip
        done.notes.append(f"{self.process.memory():.0f} MiB of memory")
        return done

    def settle(self, outcomes: dict[str, Outcome]) -> None:
        """Stop, then count what is in the store, by number and by a search over the index."""
        self.process.stop()
        import clickhouse_connect

        client = clickhouse_connect.get_client(dsn=f"chdb://{self.folder / 'telemetry'}")
        [[lines, size]] = client.query(
            "SELECT sum(rows), sum(bytes_on_disk) FROM system.parts WHERE table = 'log_lines' AND active"
        ).result_rows
        for run, done in outcomes.items():
            [[rows, distinct]] = client.query(
                "SELECT count(), uniqExact(toUInt64(extract(message, 'seq=(\\\\d+)'))) FROM log_lines "
                f"WHERE message LIKE '%run={run} %' AND NOT has(tags, '_unparsed')"
            ).result_rows
            done.stored, done.bytes_per_line = distinct, size / max(1, lines)
            if rows != distinct:
                done.notes.append(f"{rows - distinct} lines are stored twice")
        client.close()


class Rsyslog:
    """Debian's rsyslog with its usual modules, writing to a file."""

    name = "rsyslog"

    def __init__(self) -> None:
        self.folder = CACHE / "syslog-rsyslog"
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.port = free_port()
        self.file = self.folder / "lines.log"
        config = self.folder / "rsyslog.conf"
        config.write_text(
            f"""global(workDirectory="{self.folder}")
module(load="imudp" batchSize="256")
module(load="imtcp")
input(type="imudp" address="127.0.0.1" port="{self.port}" rcvbufSize="64m")
input(type="imtcp" address="127.0.0.1" port="{self.port}")
main_queue(queue.size="400000" queue.dequeueBatchSize="4096" queue.workerThreads="1")
action(type="omfile" file="{self.file}" asyncWriting="on" flushOnTXEnd="off" ioBufferSize="256k")
"""
        )
        program = shutil.which("rsyslogd") or "/usr/sbin/rsyslogd"
        self.process = Process([program, "-n", "-f", str(config), "-i", str(self.folder / "pid")], os.environ,
                               CACHE / "syslog-rsyslog.log")  # fmt: skip
        time.sleep(1)

    def take(self, kind: str, given: argparse.Namespace, run: str) -> Outcome:
        cpu = cpu_seconds(self.process.pid)
        sent, began = send(kind, self.port, given, run)
        ended = time.perf_counter()
        size, changed = -1, time.perf_counter()
        while time.perf_counter() - changed < 3:
            now = self.file.stat().st_size if self.file.exists() else 0
            if now != size:
                size, changed = now, time.perf_counter()
            time.sleep(0.05)
        done = Outcome(sent, 0, changed - began, cpu_seconds(self.process.pid) - cpu, changed - ended)
        done.notes.append(f"{self.process.memory():.0f} MiB of memory")
        return done

    def settle(self, outcomes: dict[str, Outcome]) -> None:
        self.process.stop()
        seen: dict[str, set[int]] = {run: set() for run in outcomes}
        marks = {run: f"run={run} ".encode() for run in outcomes}
        size = lines = 0
        with self.file.open("rb") as file:
            for line in file:
                size, lines = size + len(line), lines + 1
                for run, mark in marks.items():
                    if mark in line and (found := _SEQUENCE.search(line)):
                        seen[run].add(int(found[1]))
        for run, done in outcomes.items():
            done.stored, done.bytes_per_line = len(seen[run]), size / max(1, lines)
        self.file.unlink()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=int, default=200_000, help="lines a second; 0: as fast as it goes")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--no-peer", action="store_true")
    given = parser.parse_args()
    sides: list[type[Mainstay] | type[Rsyslog]] = [Mainstay]
    if not given.no_peer:
        if shutil.which("rsyslogd") or Path("/usr/sbin/rsyslogd").exists():
            sides.append(Rsyslog)
        else:
            print("rsyslog is not installed (apt-get install rsyslog): Mainstay alone.")
    print(f"{given.rate or 'as many as possible'} lines/s for {given.seconds:g} s\n")
    heads = {"sent": 12, "stored": 12, "lost": 9, "lines/s": 10, "late s": 7, "CPU us": 7, "B/line": 7}
    print(" " * 23, " ".join(f"{name:>{width}}" for name, width in heads.items()))
    for side in sides:
        running = side()
        outcomes: dict[str, Outcome] = {}
        try:
            send(given.kinds[0], running.port, argparse.Namespace(rate=given.rate // 10, seconds=2), "warm")
            time.sleep(2)
            for kind in given.kinds:
                run = f"{kind.replace('-', '')}{time.time_ns() % 10**9}"
                outcomes[run] = running.take(kind, given, run)
            running.settle(outcomes)
        finally:
            running.process.stop()
        for kind, done in zip(given.kinds, outcomes.values(), strict=True):
            print(
                f"{running.name:10} {kind:12} {done.sent:12,} {done.stored:12,} {done.lost:9,} "
                f"{done.stored / done.seconds:10,.0f} {done.late:7.2f} {done.cpu / max(1, done.stored) * 1e6:7.2f} "
                f"{done.bytes_per_line:7.1f}  {'; '.join(done.notes)}",
                flush=True,
            )


if __name__ == "__main__":
    main()
