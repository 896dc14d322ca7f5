"""Merging waits while lines come very fast.

The engine merges its parts in the background, and builds the index of their words with the first merge: together that
takes about as long as all the rest of a line's way. In a flood the lines themselves need the processor; the merges are
made up for when it is over. Until then a search reads the lines of the flood one by one.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import structlog

from mainstay.modules.logs.intake.lines import TABLE

if TYPE_CHECKING:
    from mainstay.kernel.telemetry import Telemetry

log = structlog.get_logger("mainstay.logs")
CALM_SECONDS = 5.0
"""Without a large insert, after which merging goes on."""
LOOK_SECONDS = 1.0
MOST_PARTS = 400
"""Parts (minutes of a flood) beyond which merging goes on in any case; it waits again below half as many."""


class Merging:
    """Holds the embedded engine's merges of log lines back; a server has its own processors and is left alone."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry
        self._flooded = float("-inf")
        self._task: asyncio.Task[None] | None = None
        self.waits = False

    def flood(self) -> None:
        """A large insert was made."""
        self._flooded = time.monotonic()
        if self._telemetry.embedded and (self._task is None or self._task.done()):
            self._task = asyncio.create_task(self._hold(), name="log-merging")

    async def _hold(self) -> None:
        asked = False
        try:
            if await self._parts() >= MOST_PARTS // 2:
                await asyncio.sleep(CALM_SECONDS)
                return
            asked = True
            await self._tell("STOP")
            self.waits = True
            while True:
                await asyncio.sleep(LOOK_SECONDS)
                if time.monotonic() - self._flooded > CALM_SECONDS or await self._parts() >= MOST_PARTS:
                    break
        except Exception as error:
            log.warning("merging of log lines not held back", error=str(error)[:300])
        finally:
            if asked:
                await self._tell("START")
                self.waits = False

    async def _tell(self, verb: str) -> None:
        # Beside the writes: a delete of lines is a merge too, and one that waits must not keep this from being heard.
        await self._telemetry.read(lambda client: client.command(f"SYSTEM {verb} MERGES {TABLE}"))

    async def _parts(self) -> int:
        [row] = await self._telemetry.query(
            "SELECT count() AS parts FROM system.parts WHERE database = currentDatabase() AND table = {table:String} "
            "AND active", {"table": TABLE},
        )  # fmt: skip
        return int(row["parts"])

    async def close(self) -> None:
        """Let merging go on."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
