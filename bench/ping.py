"""An ICMP sweep of a network on loopback, as a discovery does it, beside Debian's fping at the same rate.

    python -m bench.ping                       127.20.0.0/16 at 5,000 addresses a second
    python -m bench.ping --bits 22 --rate 1000

Requests are paced: thousands at once lose answers in the socket's buffer. Lost are addresses that did not answer,
though every address of loopback does. fping takes a whole number of milliseconds (from 1) between requests unless it
runs as root, and tries once, as Mainstay does here.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import shutil
import subprocess
import time
from ipaddress import ip_network

from mainstay.modules.monitoring.discovery.ping import Pace, Pinger

BATCH = 4096


def cpu(who: int) -> float:
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime


async def ours(addresses: list[str], rate: int) -> int:
    """How many answer."""
    pinger, pace, found = Pinger(), Pace(rate), 0
    for start in range(0, len(addresses), BATCH):
        found += len(await pinger.alive(addresses[start : start + BATCH], pace, tries=1))
    if not pinger.able:
        raise SystemExit("This process may not send ICMP: run as root, or set net.ipv4.ping_group_range.")
    return found


def fping(program: str, addresses: list[str], rate: int) -> int:
    """How many answer to fping."""
    command = [program, "-a", "-q", "-r", "0", "-t", "1000", "-i", f"{1000 / rate:g}"]
    done = subprocess.run(command, input="\n".join(addresses), capture_output=True, text=True)
    return len(done.stdout.split())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bits", type=int, default=16, help="length of the prefix")
    parser.add_argument("--rate", type=int, default=5000, help="addresses a second")
    given = parser.parse_args()
    addresses = [str(one) for one in ip_network(f"127.20.0.0/{given.bits}").hosts()]
    print(f"{len(addresses):,} addresses at {given.rate:,}/s")
    print(f"{'':10} {'answered':>10} {'lost':>8} {'seconds':>8} {'rate/s':>8} {'CPU s':>7}")
    began, used = time.perf_counter(), cpu(resource.RUSAGE_SELF)
    row("Mainstay", len(addresses), asyncio.run(ours(addresses, given.rate)), time.perf_counter() - began,
        cpu(resource.RUSAGE_SELF) - used)  # fmt: skip
    program = shutil.which("fping")
    if program is None:
        print("fping is not installed (apt-get install fping): left out.")
        return
    began, used = time.perf_counter(), cpu(resource.RUSAGE_CHILDREN)
    row("fping", len(addresses), fping(program, addresses, given.rate), time.perf_counter() - began,
        cpu(resource.RUSAGE_CHILDREN) - used)  # fmt: skip


def row(name: str, asked: int, answered: int, seconds: float, used: float) -> None:
    print(
        f"{name:10} {answered:10,} {asked - answered:8,} {seconds:8.1f} {asked / seconds:8,.0f} {used:7.1f}", flush=True
    )


if __name__ == "__main__":
    main()
