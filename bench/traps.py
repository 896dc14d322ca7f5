"""SNMP traps from the wire to the store, beside net-snmp's snmptrapd and pysnmp's receiver.

    python -m bench.traps                               10 s at 20,000 traps/s, all sides
    python -m bench.traps --seconds 3 --no-peer         a look at whether it runs

Mainstay checks the community, names every variable by its MIB, judges the trap by its configuration, keeps the raw
packet, stores it all and raises events; the peers decode the trap and write it to a file. Every trap carries a number:
lost are those that are missing in what was stored. The sender is a process on the same machine and shares the cores.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.process import CACHE, Process, free_port
from mainstay.modules.monitoring.snmp import ber, message
from mainstay.modules.monitoring.snmp.message import Pdu

COMMUNITY = "bench"
IF_ENTRY = (1, 3, 6, 1, 2, 1, 2, 2, 1)
SEQUENCE = (1, 3, 6, 1, 4, 1, 54321, 1, 1)
MARK = b"seq=00000000"
_SEQUENCE = re.compile(rb"seq=(\d{8})")
PYSNMP = """
import asyncio, sys
from pysnmp.entity import engine, config
from pysnmp.carrier.asyncio.dgram import udp
from pysnmp.entity.rfc3413 import ntfrcv
made = engine.SnmpEngine()
config.add_transport(made, udp.DOMAIN_NAME, udp.UdpTransport().open_server_mode(("127.0.0.1", int(sys.argv[1]))))
config.add_v1_system(made, "area", "bench")
out = open(sys.argv[2], "w", buffering=1 << 16)
def heard(engine, reference, context, name, varbinds, state):
    out.write(" ".join(f"{label.prettyPrint()}={value.prettyPrint()}" for label, value in varbinds) + "\\n")
ntfrcv.NotificationReceiver(made, heard)
async def flush():
    while True:
        await asyncio.sleep(0.2)
        out.flush()
loop = asyncio.get_event_loop()
loop.create_task(flush())
made.transport_dispatcher.job_started(1)
made.open_dispatcher()
"""


@dataclass
class Outcome:
    """One run of one side."""

    sent: int
    stored: int
    seconds: float
    """From the first trap sent to the last one stored."""
    cpu: float
    notes: list[str] = field(default_factory=list)

    @property
    def lost(self) -> int:
        return self.sent - self.stored


def packets() -> list[bytes]:
    """linkDown of 48 interfaces, with a place for the number."""
    made = []
    for index in range(1, 49):
        values = [
            (message.SYS_UPTIME, ber.TIME_TICKS, b"\x01\x00"),
            (message.TRAP_OID, ber.OBJECT_IDENTIFIER, message.STANDARD_TRAPS + b"\x03"),
            (ber.oid_bytes((*IF_ENTRY, 1, index)), ber.INTEGER, bytes([index])),
            (ber.oid_bytes((*IF_ENTRY, 7, index)), ber.INTEGER, b"\x01"),
            (ber.oid_bytes((*IF_ENTRY, 8, index)), ber.INTEGER, b"\x02"),
            (ber.oid_bytes((*IF_ENTRY, 2, index)), ber.OCTET_STRING, b"GigabitEthernet0/%d" % index),
            (ber.oid_bytes(SEQUENCE), ber.OCTET_STRING, MARK),
        ]
        made.append(message.encode(message.V2C, COMMUNITY.encode(), Pdu(message.TRAP, index, 0, 0, values)))
    return made


def send(port: int, rate: int, seconds: float) -> None:
    """Send at a steady rate; prints how many. Run as a process of its own."""
    parts = [packet.rsplit(b"00000000", 1) for packet in packets()]
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.connect(("127.0.0.1", port))
    total, sent = int(rate * seconds), 0
    began = time.perf_counter()
    while sent < total:
        due = min(total, int((time.perf_counter() - began) * rate) + 1)
        for number in range(sent, due):
            head, tail = parts[number % 48]
            sock.send(head + b"%08d" % number + tail)
        sent = max(sent, due)
        time.sleep(0.001)
    print(json.dumps({"sent": sent, "began": began, "seconds": time.perf_counter() - began}))


def sent_by(port: int, given: argparse.Namespace) -> tuple[int, float]:
    command = [sys.executable, "-m", "bench.traps", "--send", str(port), "--rate", str(given.rate)]
    done = subprocess.run([*command, "--seconds", str(given.seconds)], check=True, capture_output=True, text=True)
    told = json.loads(done.stdout)
    behind = told["seconds"] / given.seconds
    if behind > 1.05:
        print(f"  (the sender needed {told['seconds']:.1f} s for {given.seconds:g} s of traps)")
    # Linux has one such clock for all processes.
    return int(told["sent"]), float(told["began"])


class Mainstay:
    """``mainstay serve`` on a folder of its own."""

    def __init__(self, environ: dict[str, str] | None = None) -> None:
        self.name = "Mainstay"
        self.folder = CACHE / "traps-data"
        shutil.rmtree(self.folder, ignore_errors=True)
        self.port, self.http = free_port(), free_port()
        kept = {name: value for name, value in os.environ.items() if not name.startswith("MAINSTAY_")}
        self.environ = kept | {
            "MAINSTAY_DATA_DIR": str(self.folder), "MAINSTAY_HTTP_PORT": str(self.http),
            "MAINSTAY_TRAP_PORT": str(self.port), "MAINSTAY_SYSLOG_PORT": "0", "MAINSTAY_SYSLOG_TLS_PORT": "0",
            # One sender plays a whole network here.
            "MAINSTAY_TRAP_SOURCE_LIMIT": "0", "MAINSTAY_LOG_LEVEL": "warning", **(environ or {}),
        }  # fmt: skip
        program = str(Path(sys.executable).with_name("mainstay"))
        subprocess.run([program, "init", "--organization", "bench"], env=self.environ, check=True, capture_output=True)
        made = subprocess.run([program, "apikey", "add", "bench", "--user", "admin"], env=self.environ, check=True,
                              capture_output=True, text=True)  # fmt: skip
        found = re.search(r"ms_\S+", made.stdout)
        assert found, made.stdout
        self.key = found[0]
        self.process = Process([program, "serve"], self.environ, CACHE / "traps-mainstay.log")
        self.process.wait_for(f"http://127.0.0.1:{self.http}/readyz")
        self.call("POST", "/api/trap-credentials/", {"name": "bench", "kind": "community", "community": COMMUNITY})
        time.sleep(2)  # the receiver looks for new credentials once a second

    def call(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        request = urllib.request.Request(f"http://127.0.0.1:{self.http}{path}", method=method)
        request.add_header("Authorization", f"ApiKey {self.key}")
        request.add_header("Content-Type", "application/json")
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(request, data, timeout=60) as answer:
            read: dict[str, Any] = json.load(answer)
            return read

    def statistics(self) -> dict[str, Any]:
        return self.call("GET", "/ux/common/trap/configuration/statistics/")

    def take(self, given: argparse.Namespace) -> Outcome:
        cpu = self.process.cpu()
        sent, began = sent_by(self.port, given)
        last, changed = -1, time.perf_counter()
        while time.perf_counter() - changed < 5:
            stored = self.statistics()["stored"]
            if stored != last:
                last, changed = stored, time.perf_counter()
            if stored >= sent:
                break
            time.sleep(0.2)
        told = self.statistics()
        done = Outcome(sent, last, changed - began, self.process.cpu() - cpu)
        done.notes.append(f"{told['kernel_dropped']} dropped by the kernel, {told['events']} events, "
                          f"{self.process.memory():.0f} MiB of memory")  # fmt: skip
        return done

    def settle(self, done: Outcome) -> None:
        """Stop, then count the numbers in the store."""
        self.process.stop()
        import clickhouse_connect

        client = clickhouse_connect.get_client(dsn=f"chdb://{self.folder / 'telemetry'}")
        [[rows, distinct, size]] = client.query(
            "SELECT count(), uniqExact(extract(toString(variables), 'seq=(\\\\d{8})')), "
            "(SELECT sum(bytes_on_disk) FROM system.parts WHERE table = 'traps' AND active) FROM traps"
        ).result_rows
        done.stored = distinct
        done.notes.append(
            f"{size / max(1, rows):.0f} bytes a trap" + (f", {rows - distinct} twice" * (rows > distinct))
        )
        client.close()


class ToFile:
    """A peer that writes what it decoded to a file."""

    def __init__(self, name: str, command: list[str], port: int, file: Path, folder: Path) -> None:
        self.name, self.port, self.file = name, port, file
        environ = {**os.environ, "SNMP_PERSISTENT_DIR": str(folder / "state")}
        self.process = Process(command, environ, CACHE / f"traps-{name}.log")
        time.sleep(3)

    def take(self, given: argparse.Namespace) -> Outcome:
        cpu = self.process.cpu()
        sent, began = sent_by(self.port, given)
        size, changed = -1, time.perf_counter()
        while time.perf_counter() - changed < 4:
            now = self.file.stat().st_size if self.file.exists() else 0
            if now != size:
                size, changed = now, time.perf_counter()
            time.sleep(0.05)
        return Outcome(sent, 0, changed - began, self.process.cpu() - cpu)

    def settle(self, done: Outcome) -> None:
        self.process.stop()
        seen = set(_SEQUENCE.findall(self.file.read_bytes())) if self.file.exists() else set()
        done.stored = len(seen)


def snmptrapd() -> ToFile | None:
    program = shutil.which("snmptrapd") or "/usr/sbin/snmptrapd"
    if not Path(program).exists():
        print("snmptrapd is not installed (apt-get install snmptrapd): left out.")
        return None
    folder = _folder("snmptrapd")
    port, file, config = free_port(), folder / "traps.log", folder / "snmptrapd.conf"
    config.write_text("disableAuthorization yes\n")
    command = [program, "-f", "-n", "-Lf", str(file), "-C", "-c", str(config), "-p", str(folder / "pid"),
               f"udp:127.0.0.1:{port}"]  # fmt: skip
    return ToFile("snmptrapd", command, port, file, folder)


def pysnmp() -> ToFile | None:
    uv = os.environ.get("UV") or shutil.which("uv")
    if not uv:
        print("uv is not on PATH, which brings pysnmp: left out.")
        return None
    folder = _folder("pysnmp")
    script, file, port = folder / "receiver.py", folder / "traps.log", free_port()
    script.write_text(PYSNMP)
    run = [uv, "run", "--quiet", "--no-project", "--python", sys.executable, "--with", "pysnmp==7.1.*", "python"]
    subprocess.run([*run, "-c", "import pysnmp"], check=True)  # fetched before the clock runs
    return ToFile("pysnmp", [*run, str(script), str(port), str(file)], port, file, folder)


def _folder(name: str) -> Path:
    folder = CACHE / f"traps-{name}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=int, default=20_000, help="traps a second")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--no-peer", action="store_true")
    parser.add_argument("--send", type=int, default=0, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.send:
        send(given.send, given.rate, given.seconds)
        return
    print(f"{given.rate:,} traps/s for {given.seconds:g} s\n")
    print(f"{'':10} {'sent':>10} {'stored':>10} {'lost':>9} {'traps/s':>9} {'CPU us':>8}")
    for start in (Mainstay,) if given.no_peer else (Mainstay, snmptrapd, pysnmp):
        running = start()
        if running is None:
            continue
        try:
            done = running.take(given)
            running.settle(done)
        finally:
            running.process.stop()
        print(
            f"{running.name:10} {done.sent:10,} {done.stored:10,} {done.lost:9,} {done.stored / done.seconds:9,.0f} "
            f"{done.cpu / max(1, done.stored) * 1e6:8.1f}  {'; '.join(done.notes)}",
            flush=True,
        )


if __name__ == "__main__":
    main()
