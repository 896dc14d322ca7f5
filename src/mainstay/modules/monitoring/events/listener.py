"""The event engine as a service: hears what came in, classifies it, and keeps the live rows."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import structlog
from sqlalchemy.exc import SQLAlchemyError

from mainstay.kernel.context import Context
from mainstay.kernel.services import Service
from mainstay.kernel.signals import LINES, RAW_EVENTS, RawEvent
from mainstay.modules.assets.cmdb.lookup import AddressBook, by_address
from mainstay.modules.monitoring.events import history, ingest, lines, placing, upkeep
from mainstay.modules.monitoring.events.classify import Known
from mainstay.modules.monitoring.events.engine import Occurrence, State
from mainstay.modules.monitoring.events.setup import Setups
from mainstay.modules.monitoring.events.storm import Storms
from mainstay.modules.monitoring.events.unseen import Unseen

if TYPE_CHECKING:
    import polars

    from mainstay.kernel.platform import Platform
    from mainstay.kernel.telemetry import Writer

log = structlog.get_logger("mainstay.events")
TICK = 1.0
"""Seconds between two reports of counts to the consoles that are open."""
REPORTED = 500
"""Rows whose counts are reported at once; a console that shows more asks for the list."""
UPKEEP = 15.0
"""Seconds between two looks at what time alone changes."""


class EventEngine(Service):
    """Subscribed to raw events and log lines as long as the process works."""

    def __init__(self, platform: Platform) -> None:
        super().__init__(platform)
        self.setups = Setups()
        self.storms = Storms()
        self.known = Known()
        self.relays = lines.Relays()
        self._counts: dict[str, dict[str, dict[str, Any]]] = {}
        self._history: Writer | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self.unseen = Unseen(platform)

    async def start(self) -> None:
        if self.platform.telemetry is not None:
            self._history = history.writer(self.platform.telemetry)
        self._tasks = [
            asyncio.create_task(self._tell(), name="event-counts"),
            asyncio.create_task(self._keep_up(), name="event-upkeep"),
        ]
        if self.platform.telemetry is not None:
            gone = await self.unseen.begin()
            self._tasks.append(asyncio.create_task(self._mark(gone), name="event-marks"))

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        if self.platform.telemetry is not None:
            with suppress(SQLAlchemyError):
                await self.unseen.note()

    async def _mark(self, gone: dict[str, int]) -> None:
        """Look at the lines that were stored before a crash, then note how far this process has come."""
        while True:
            try:
                await self.unseen.catch_up(gone, self.take_lines)
                await self.unseen.note()
            except Exception as error:
                log.warning("marks of the lines looked at wait", error=str(error)[:300])
            await asyncio.sleep(TICK)

    async def take(self, organization: str, batch: Sequence[RawEvent]) -> list[State]:
        """Classify and store raw events of one organization; returns when they are committed."""
        async with self.platform.work(organization) as ctx:
            return (await self.within(ctx, batch))[1]

    async def within(self, ctx: Context, batch: Sequence[RawEvent]) -> tuple[list[Occurrence], list[State]]:
        """The same in a transaction that is under way: what they mean, and the rows that changed.

        What follows the commit happens after it.
        """
        setup = await self.setups.of(ctx)
        await self._place(ctx, batch)
        known, rules, generation = self.known.occurrences, setup.rules, setup.generation
        found = [item for raw in batch for item in known(raw, rules, generation, ctx.now)]
        if not found:
            return [], []
        await placing.place(ctx, found, setup.windows)
        touched = await ingest.store_batch(ctx, found, setup.policy, self.storms, setup.storm)
        await placing.follow(ctx, touched)
        organization = ctx.organization

        async def committed() -> None:
            self._note(organization, touched)
            await self._record(organization, found)

        ctx.after_commit.append(committed)
        return found, touched

    async def _place(self, ctx: Context, batch: Sequence[RawEvent]) -> None:
        """Note on raw events the configuration item that their address belongs to."""
        wanted = {raw.address for raw in batch if raw.address and not raw.ci}
        if not wanted:
            return
        book = self.platform.service(AddressBook)
        known = await book.look_up(ctx.organization, wanted) if book else await by_address(ctx, wanted)
        for raw in batch:
            item = known.get(raw.address) if not raw.ci else None
            if item is not None:
                raw.ci, raw.host = item.id, raw.host or item.name

    async def take_lines(self, batch: polars.DataFrame) -> None:
        """Look at stored log lines of any organization; returns when their events are committed."""
        for organization in batch["organization"].unique().to_list():
            async with self.platform.work(organization, write=False) as ctx:
                setup = await self.setups.of(ctx)
            found = await asyncio.to_thread(lines.raw_events, batch, organization, setup, self.relays)
            if found:
                await self.take(organization, found)

    async def drain(self) -> None:
        """Wait until the history of what was taken is stored."""
        if self._history is not None:
            await self._history.drain()

    async def _record(self, organization: str, found: Sequence[Occurrence]) -> None:
        if self._history is not None:
            await history.keep(self._history, organization, found)

    def _note(self, organization: str, touched: Sequence[State]) -> None:
        """Remember counts for the consoles; what changed its state is in the change feed."""
        live = self.platform.live
        if live is None or not live.streams:
            return
        waiting = self._counts.setdefault(organization, {})
        for state in touched:
            if state.first is None and state.added:
                known = waiting.setdefault(state.id, {"id": state.id, "added": 0})
                known["added"] += state.added
                known["count"] = state.count + state.added
                known["last_seen"], known["severity"] = state.last_seen, state.severity

    async def _tell(self) -> None:
        while True:
            await asyncio.sleep(TICK)
            self.tell()

    def tell(self) -> None:
        """Report the counts that changed to the consoles that are open."""
        waiting, self._counts = self._counts, {}
        live = self.platform.live
        if live is None:
            return
        for organization, rows in waiting.items():
            every = sorted(rows.values(), key=lambda row: row["last_seen"], reverse=True)
            live.publish(organization, "event_counts", {"events": every[:REPORTED], "more": len(every) > REPORTED},
                         permission="event")  # fmt: skip

    async def _keep_up(self) -> None:
        while True:
            await asyncio.sleep(UPKEEP)
            try:
                await upkeep.everywhere(self.platform, self.setups)
            except SQLAlchemyError as error:
                log.warning("event upkeep waits for the database", error=str(error)[:300])


def engine_of(platform: Platform) -> EventEngine:
    """The running engine; in a process that only serves requests one without history and upkeep of its own."""
    running = platform.service(EventEngine)
    if running is None:
        running = platform.memory.setdefault(EventEngine, EventEngine(platform))
    return running


@RAW_EVENTS.subscribe
async def hear_events(platform: Platform, batch: list[RawEvent]) -> None:
    """Raw events of any organization; done when they are committed."""
    engine = platform.service(EventEngine)
    if engine is None:
        return
    by_organization: dict[str, list[RawEvent]] = {}
    for raw in batch:
        by_organization.setdefault(raw.organization, []).append(raw)
    for organization, items in by_organization.items():
        await engine.take(organization, items)


@LINES.subscribe
async def hear_lines(platform: Platform, batch: polars.DataFrame) -> None:
    """Stored log lines of any organization; done when their events are committed."""
    engine = platform.service(EventEngine)
    if engine is not None:
        await engine.take_lines(batch)
        engine.unseen.looked(batch)
