"""Whether an address answers ICMP echo, at a polite pace."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from gufo.ping import Ping, SelectionPolicy

ECHOES, GAP, LIMIT = 3, 0.05, 5.0
"""Echo requests of one poll, the seconds between them, and how long each is waited for."""
SLACK, BURST = 0.02, 100
"""How many seconds, and how many starts, are made up for."""
CANNOT = "This server may not send ICMP here; the address was asked in other ways only."


class Pace:
    """At most ``rate`` starts a second, evenly and in the order of asking.

    A process that was kept from running makes up for a moment of it and no more: the answers to all that is overdue,
    asked at once, do not fit into a socket's buffer.
    """

    def __init__(self, rate: float) -> None:
        self._gap = 1 / max(rate, 1)
        self._slack = min(SLACK, BURST * self._gap)
        self._next = 0.0
        self._line = asyncio.Lock()

    def wait(self, now: float) -> float:
        """Seconds until the next start, which is taken; 0 or less: at once."""
        at = max(self._next, now - self._slack)
        self._next = at + self._gap
        return at - now

    async def turn(self) -> None:
        """Wait for one's turn."""
        async with self._line:
            wait = self.wait(asyncio.get_running_loop().time())
            if wait > 0:
                await asyncio.sleep(wait)


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

    async def several(self, address: str) -> tuple[float | None, float | None]:
        """The quickest answer to a few echo requests in seconds, and how many percent of them had none.

        Nothing of either where ICMP is not permitted.
        """
        found = await asyncio.gather(*(self._later(address, number * GAP) for number in range(ECHOES)))
        came = [took for took in found if took is not None]
        return min(came, default=None), 100 * (1 - len(came) / ECHOES) if self.able else None

    async def _later(self, address: str, wait: float) -> float | None:
        await asyncio.sleep(wait)
        try:
            async with asyncio.timeout(LIMIT):
                return await self.echo(address)
        except TimeoutError:
            return None

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
