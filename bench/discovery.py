"""A discovery of simulated devices from addresses to items with interfaces and relations.

    python -m bench.discovery                  1,000 devices
    python -m bench.discovery --count 100      a look at whether it runs

Mainstay is served on a folder of its own (SQLite); the devices are one process of bench.devices on the same cores.
The clock runs from the request that starts the discovery until its run has ended, links and all.
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
from pathlib import Path
from typing import Any

from bench.devices import address
from bench.process import CACHE, Process, free_port

TARGET = 180


class Server:
    """``mainstay serve`` with an API key."""

    def __init__(self, folder: Path) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        self.http = free_port()
        kept = {name: value for name, value in os.environ.items() if not name.startswith("MAINSTAY_")}
        environ = kept | {
            "MAINSTAY_DATA_DIR": str(folder), "MAINSTAY_HTTP_PORT": str(self.http), "MAINSTAY_LOG_LEVEL": "warning",
            **dict.fromkeys(("MAINSTAY_TRAP_PORT", "MAINSTAY_SYSLOG_PORT", "MAINSTAY_SYSLOG_TLS_PORT"), "0"),
        }  # fmt: skip
        program = str(Path(sys.executable).with_name("mainstay"))
        subprocess.run([program, "init", "--organization", "bench"], env=environ, check=True, capture_output=True)
        made = subprocess.run([program, "apikey", "add", "bench", "--user", "admin"], env=environ, check=True,
                              capture_output=True, text=True)  # fmt: skip
        found = re.search(r"ms_\S+", made.stdout)
        assert found, made.stdout
        self.key = found[0]
        self.process = Process([program, "serve"], environ, CACHE / "discovery-mainstay.log")
        self.process.wait_for(f"http://127.0.0.1:{self.http}/readyz")

    def call(self, method: str, path: str, body: Any = None) -> Any:
        request = urllib.request.Request(f"http://127.0.0.1:{self.http}{path}", method=method)
        request.add_header("Authorization", f"ApiKey {self.key}")
        request.add_header("Content-Type", "application/json")
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(request, data, timeout=120) as answer:
            return json.load(answer)


def measure(server: Server, port: int, count: int) -> dict[str, float]:
    """Discover them; what came of it and how long it took."""
    path = "/ux/ims/discovery/profile/"
    server.call("POST", "/api/credentials/", {"name": "Bench", "kind": "snmp_v2c", "community": "public", "port": port,
                                              "timeout": 2, "retries": 2})  # fmt: skip
    made = server.call("POST", path, {
        "label": "Bench", "host": f"{address(0)}-{address(count - 1)}",
        "params": {"rate": 5000, "snmp_monitor": 0, "ping_monitor": 0},
    })  # fmt: skip
    cpu, began = server.process.cpu(), time.perf_counter()
    server.call("POST", f"{path}do-rescan/", {"id": made["id"]})
    while True:
        state = server.call("GET", f"{path}details/?id={made['id']}")
        if state["iteration"]["state"] not in ("queued", "running"):
            break
        time.sleep(0.5)
    took = time.perf_counter() - began
    drawn_began = time.perf_counter()
    drawn = server.call("GET", "/api/topology/?limit=5000")
    drawn_took = time.perf_counter() - drawn_began
    relations = server.call("GET", "/ux/common/cmdb/relation/?items_per_page=1")["count"]
    return {
        "seconds": took, "cpu": server.process.cpu() - cpu, "added": state["results"].get("added", 0),
        "relations": relations, "links": len(drawn["links"]), "nodes": len(drawn["nodes"]), "map_ms": drawn_took * 1000,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1000)
    given = parser.parse_args()
    port = free_port()
    command = [sys.executable, "-m", "bench.devices", "--port", str(port), "--count", str(given.count)]
    devices = Process(command, os.environ, CACHE / "discovery-devices.log")
    server = Server(CACHE / "discovery-data")
    try:
        found = measure(server, port, given.count)
        print(f"{given.count:,} devices: {found['seconds']:.1f} s (target for 1,000: {TARGET} s), "
              f"{found['cpu']:.1f} s of CPU in Mainstay, {devices.cpu():.1f} s in the simulator")  # fmt: skip
        print(f"added {found['added']:,}, relations {found['relations']:,}, links {found['links']:,}, "
              f"map of {found['nodes']:,} nodes in {found['map_ms']:.0f} ms")  # fmt: skip
    finally:
        server.process.stop()
        devices.stop()


if __name__ == "__main__":
    main()
