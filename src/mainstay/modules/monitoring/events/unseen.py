"""Lines that were stored and not looked at: after a kill -9 the engine looks at them at the next start.

A process notes every second how far it has looked at the lines it stored, by their ids, which rise and carry the
number of the process. What a process that is gone stored beyond its mark is read from the telemetry store. After a
crash the lines of the last second may be looked at twice: their events count twice then, and none is missing.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from mainstay.kernel.database import ANY_ORGANIZATION
from mainstay.kernel.feed import FeedPosition
from mainstay.kernel.signals import FIRST_MS, process_number
from mainstay.modules.monitoring.events.lines import NEEDED

if TYPE_CHECKING:
    import polars

    from mainstay.kernel.platform import Platform

log = structlog.get_logger("mainstay.events")
PREFIX = "lines:"
PAGE = 20_000
MOST = 1_000_000
"""Lines looked at after a crash; of more the oldest, and the log says how many were passed over."""
GONE_SECONDS = 60
ALIVE_SECONDS = 20
"""How often a process says that it lives, so that others leave its lines to it."""
_COLUMNS = ("organization", *NEEDED)


class Unseen:
    """The mark of this process, and the marks of those that are gone."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.newest = (time.time_ns() // 1_000_000 - FIRST_MS) << 23
        """The id up to which lines were looked at."""
        self._began = self.newest
        self._name = f"{PREFIX}{process_number(platform)}"
        self._noted, self._at = 0, 0.0

    def looked(self, lines: polars.DataFrame) -> None:
        """Lines that this process stored were looked at."""
        highest = lines["id"].max() if "id" in lines.columns and len(lines) else None
        if isinstance(highest, int):
            self.newest = max(self.newest, highest)

    async def begin(self) -> dict[str, int]:
        """Set the own mark; the marks of processes that are gone."""
        async with self.platform.work(ANY_ORGANIZATION, write=False) as ctx:
            rows = (await ctx.session.execute(
                select(FeedPosition.name, FeedPosition.transaction, FeedPosition.seq)
                .where(FeedPosition.name.startswith(PREFIX))
            )).all()  # fmt: skip
        # A folder of the embedded store belongs to one process: whoever wrote there before is gone.
        alone = self.platform.settings.clickhouse_dsn.startswith("chdb:")
        gone = {row.name: row.seq for row in rows if alone or row.transaction < time.time() - GONE_SECONDS}
        # While the lines before are not looked at, a mark of this very number stays where it is.
        if self._name not in gone:
            await self.note()
        return gone

    async def note(self) -> None:
        """Write the own mark down, where it moved or was not heard of for long."""
        if self.newest == self._noted and time.monotonic() - self._at < ALIVE_SECONDS:
            return
        newest = self.newest
        values = {"transaction": int(time.time()), "seq": newest}
        insert = sqlite_insert if self.platform.database.is_sqlite else postgresql_insert
        async with self.platform.work(ANY_ORGANIZATION) as ctx:
            await ctx.session.execute(
                insert(FeedPosition).values(name=self._name, **values)
                .on_conflict_do_update(index_elements=["name"], set_=values)
            )  # fmt: skip
        self._noted, self._at = newest, time.monotonic()

    async def catch_up(self, gone: dict[str, int], take: Callable[[polars.DataFrame], Awaitable[None]]) -> int:
        """Let ``take`` look at what those processes stored beyond their marks; how many lines it were. ``gone`` holds
        what is still to be done: after an error it goes on from there."""
        total = 0
        for name in list(gone):
            while total < MOST and (page := await self._page(name, gone[name])) is not None:
                await take(page)
                total += len(page)
                gone[name] = int(page["id"][-1])
            if total >= MOST and (rest := await self._page(name, gone[name])) is not None:
                log.error("lines not looked at for events after a crash: too many", at_least=len(rest))
            del gone[name]
            if name != self._name:
                async with self.platform.work(ANY_ORGANIZATION) as ctx:
                    await ctx.session.execute(delete(FeedPosition).where(FeedPosition.name == name))
        if total:
            log.info("lines of before looked at for events", lines=total)
        return total

    async def _page(self, name: str, after: int) -> polars.DataFrame | None:
        import polars

        assert self.platform.telemetry is not None
        found = await self.platform.telemetry.query(
            f"SELECT {', '.join(_COLUMNS)} FROM log_lines "  # noqa: S608
            "WHERE id > {after:UInt64} AND id < {before:UInt64} "
            "AND bitAnd(bitShiftRight(id, 13), 1023) = {process:UInt16} "
            # The day is what the table is parted by. Lines wait for the store, hence an hour.
            "AND received >= fromUnixTimestamp64Milli({since:Int64}, 'UTC') ORDER BY id LIMIT {most:UInt32}",
            {"after": after, "before": self._began if name == self._name else 2**63,
             "process": int(name.removeprefix(PREFIX)), "since": (after >> 23) + FIRST_MS - 3_600_000, "most": PAGE},
        )  # fmt: skip
        return polars.DataFrame(found, infer_schema_length=None) if found else None
