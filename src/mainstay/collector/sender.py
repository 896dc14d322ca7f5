"""The sender: segments in order, each until it is acknowledged; longer and longer pauses while the server is away."""

from __future__ import annotations

import asyncio
import random
import zlib
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec
import structlog

from mainstay.collector.link import Away, Link, Refused
from mainstay.collector.spool import Full

if TYPE_CHECKING:
    from mainstay.collector.spool import Spool

log = structlog.stdlib.get_logger("mainstay.collector")
GATHER = 0.25
"""Seconds that the open segment is given to fill before it is sent."""
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0


class Pauses:
    """How long to wait after each failure: twice as long each time, and never quite the same."""

    def __init__(self, first: float = FIRST_PAUSE, longest: float = LONGEST_PAUSE) -> None:
        self._first, self._longest = first, longest
        self._next = first

    def next(self) -> float:
        pause = self._next * random.uniform(0.5, 1)  # noqa: S311 - spreads collectors, guards nothing
        self._next = min(self._next * 2, self._longest)
        return pause

    def reset(self) -> None:
        self._next = self._first


class Sender:
    """Runs until it is cancelled."""

    def __init__(self, spool: Spool, link: Link) -> None:
        self.spool = spool
        self.link = link
        self.problem = ""
        """Why nothing can be handed over now."""
        self.handed_over = 0
        self.told = asyncio.Event()
        """Set when something was added."""
        self.reached = asyncio.Event()
        """Set when the server answered something else: a pause ends early."""

    async def run(self) -> None:
        pauses = Pauses()
        while True:
            self.told.clear()
            try:
                number = await asyncio.to_thread(self.spool.next)
            except Full as error:
                await self._pause(str(error), pauses)
                continue
            if number is None:
                await self.told.wait()
                await asyncio.sleep(GATHER)
                continue
            try:
                await self._send(number)
            except Away as error:
                await self._pause(str(error), pauses)
            except Refused as error:
                if error.status == 409 and isinstance(error.body.get("expected"), int):
                    await self._out_of_step(number, int(error.body["expected"]))
                await self._pause(str(error), pauses)
            else:
                pauses.reset()
                if self.problem:
                    log.info("the server takes what is handed over again")
                self.problem = ""

    async def _pause(self, problem: str, pauses: Pauses) -> None:
        if problem != self.problem:
            log.warning("not handed over; it is kept", reason=problem)
        self.problem = problem
        self.reached.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(pauses.next()):
                await self.reached.wait()

    async def _send(self, number: int) -> None:
        content = await asyncio.to_thread(lambda: _compressed(self.spool.read(number)))
        answer = await self.link.request("POST", "/api/collector/batches/", content, {
            "Content-Type": "application/octet-stream", "Content-Encoding": "gzip",
            "X-Collector-Spool": self.spool.id, "X-Collector-First": str(self.spool.first),
            "X-Collector-Sequence": str(number),
        })  # fmt: skip
        try:
            known = msgspec.json.decode(answer.content, type=dict[str, object]).get("acknowledged")
        except msgspec.MsgspecError:
            known = None
        if not isinstance(known, int) or known < number:
            # A proxy's page, a captive portal: not our server's word.
            raise Away("The answer is none of a Mainstay server. Check MAINSTAY_SERVER_URL.")
        await asyncio.to_thread(self.spool.done, number)
        self.handed_over += 1

    async def _out_of_step(self, number: int, expected: int) -> None:
        if expected >= number:
            return
        log.error(
            "the server misses what it had acknowledged: it was probably restored from a backup. What is here is "
            "handed over as a new spool", missing_from=expected, here_from=number,
        )  # fmt: skip
        await asyncio.to_thread(self.spool.start_over)


def _compressed(raw: bytes) -> bytes:
    packer = zlib.compressobj(1, zlib.DEFLATED, 31)
    return packer.compress(raw) + packer.flush()
