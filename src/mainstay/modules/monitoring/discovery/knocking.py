"""Whether an address takes TCP connections: a sign of life where ICMP and SNMP are silent."""

from __future__ import annotations

import asyncio
import socket
from collections import defaultdict
from collections.abc import Sequence
from ipaddress import ip_address

from mainstay.modules.monitoring.discovery.ping import Pace

SECONDS, MAX_PORTS = 1.0, 32


class Knocker:
    """Connections that are opened and closed at once, not more than ``at_once`` at a time."""

    def __init__(self, pace: Pace, at_once: int, seconds: float = SECONDS) -> None:
        self._pace, self._seconds = pace, seconds
        self._free = asyncio.Semaphore(at_once)

    async def open(self, addresses: Sequence[str], ports: Sequence[int]) -> dict[str, list[int]]:
        """The open ports of those addresses that have some, in the order of the ports."""
        found: dict[str, list[int]] = defaultdict(list)
        # Port by port over all addresses, so that no device gets all its connections at once.
        asked = [(address, port) for port in ports for address in addresses]
        answers = await asyncio.gather(*(self._knock(address, port) for address, port in asked))
        for (address, port), taken in zip(asked, answers, strict=True):
            if taken:
                found[address].append(port)
        return dict(found)

    async def _knock(self, address: str, port: int) -> bool:
        async with self._free:
            await self._pace.turn()
            return await knock(address, port, self._seconds)


async def knock(address: str, port: int, seconds: float = SECONDS) -> bool:
    """Whether a connection to this port is taken."""
    family = socket.AF_INET6 if ip_address(address).version == 6 else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as one:
            one.setblocking(False)
            async with asyncio.timeout(seconds):
                await asyncio.get_running_loop().sock_connect(one, (address, port))
    except OSError:  # refused, no route, or no answer in time (TimeoutError is one, too)
        return False
    return True
