"""Whether an address answers ICMP echo, at a polite pace."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from gufo.ping import Ping, SelectionPolicy

CANNOT = "This server may not send ICMP here; the address was asked by SNMP only."


class Pace:
    """At most ``rate`` starts a second, evenly."""

    def __init__(self, rate: float) -> None:
        self._gap = 1 / max(rate, 1)
        self._next = 0.0

    async def turn(self) -> None:
        """Wait for one's turn."""
        now = asyncio.get_running_loop().time()
        at = max(now, self._next)
        self._next = at + self._gap
        if at > now:
            await asyncio.sleep(at - now)


class Pinger:
    """Echo requests through one socket: a raw one where the system allows it, else the unprivileged kind."""

    def __init__(self, timeout: float = 1.0) -> None:
        self._ping: Ping | None = Ping(policy=SelectionPolicy.RAW_DGRAM, timeout=timeout)

    @property
    def able(self) -> bool:
        """Whether this process may send ICMP at all; known after the first try."""
        return self._ping is not None

    async def echo(self, address: str) -> float | None:
        """Seconds until the answer; None: none came, or ICMP is not permitted (see ``able``)."""
        if self._ping is None:
            return None
        try:
            found: float | None = await self._ping.ping(address)
        except PermissionError:
            self._ping = None
            return None
        except OSError:
            return None  # no route, or the address family is not there
        return found

    async def alive(self, addresses: Sequence[str], pace: Pace, tries: int = 2) -> dict[str, float]:
        """Round-trip times of those that answer."""

        async def one(address: str) -> tuple[str, float | None]:
            for _ in range(tries):
                await pace.turn()
                took = await self.echo(address)
                if took is not None or not self.able:
                    return address, took
            return address, None

        return {address: took for address, took in await asyncio.gather(*map(one, addresses)) if took is not None}
