"""Storing lines: frames of any size become few large inserts, and who handed one in can wait until it is stored."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl
import structlog

from mainstay.kernel.errors import Unavailable
from mainstay.kernel.signals import LINES, process_number
from mainstay.modules.logs.intake.lines import FRAME, TABLE, Numbers, complete, to_arrow
from mainstay.modules.logs.intake.merging import Merging

if TYPE_CHECKING:
    from mainstay.kernel.platform import Platform

log = structlog.get_logger("mainstay.logs")
BATCH_ROWS = 100_000
INTERVAL, MANY_INTERVAL, MANY = 0.1, 0.5, 10_000
"""Seconds between two inserts, and when the last had so many rows: each is a file for the engine to merge, so the more
lines come, the larger they had better be."""
UNINDEXED = 50_000
"""Inserts of so many rows leave their text index to the merge that comes soon: under load the lines themselves count,
and a search reads the few that are not indexed. Merging waits while they are so large: see ``merging``."""
CAPACITY = 400_000
"""Lines held in memory, those being inserted included; who brings more waits."""
RETRY_SECONDS, RETRY_LIMIT = 0.25, 5.0
CLOSE_SECONDS = 20.0


class _Held(NamedTuple):
    frame: pl.DataFrame
    weight: int
    stored: asyncio.Future[None]
    at: float


class LogStore:
    """One per process. ``put`` waits for room, and answers a future that is done when the lines are stored."""

    def __init__(self, platform: Platform, *, capacity: int = CAPACITY) -> None:
        self.platform = platform
        self.stored = 0
        self.error = ""
        """Why lines cannot be stored now; empty when they can."""
        self.held = 0
        """Lines in memory; a long one counts as several."""
        self._capacity = capacity
        self._numbers = Numbers(process_number(platform))
        self._waiting: deque[_Held] = deque()
        self._oldest: float | None = None
        self._changed = asyncio.Condition()
        self._closing = False
        self._merging = Merging(platform.telemetry) if platform.telemetry is not None else None
        self._publishing: asyncio.Queue[pl.DataFrame | None] = asyncio.Queue(2)
        self._tasks = [
            asyncio.create_task(self._run(), name="log-store"),
            asyncio.create_task(self._publish(), name="log-lines"),
        ]

    @property
    def lag(self) -> float:
        """Seconds that the oldest line in memory has waited."""
        return time.monotonic() - self._oldest if self._oldest is not None else 0.0

    @property
    def full(self) -> bool:
        return self.held >= self._capacity

    async def put(self, frame: pl.DataFrame, *, patience: float | None = None) -> asyncio.Future[None]:
        """Hand in lines. Raises ``Unavailable`` when there is no room within ``patience`` seconds."""
        stored: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if frame.is_empty():
            stored.set_result(None)
            return stored
        frame = frame.with_columns(pl.Series("id", self._numbers.take(len(frame))))
        async with self._changed:
            try:
                async with asyncio.timeout(patience):
                    await self._changed.wait_for(lambda: self._closing or not self.full)
            except TimeoutError:
                raise unavailable(self.error) from None
            if self._closing:
                raise Unavailable("The server is shutting down.")
            weight = max(len(frame), _size(frame) // 512)
            self._waiting.append(_Held(frame, weight, stored, time.monotonic()))
            self.held += weight
            self._note_oldest()
            self._changed.notify_all()
        return stored

    def _note_oldest(self) -> None:
        if self._oldest is None and self._waiting:
            self._oldest = self._waiting[0].at

    async def _run(self) -> None:
        last, interval = 0.0, INTERVAL
        while True:
            async with self._changed:
                await self._changed.wait_for(lambda: self._closing or self._waiting)
                if not self._waiting:
                    return
            pause = last + interval - time.monotonic()
            while pause > 0 and self.held < BATCH_ROWS and not self._closing:
                async with self._changed:
                    with suppress(TimeoutError):
                        async with asyncio.timeout(pause):
                            await self._changed.wait()
                pause = last + interval - time.monotonic()
            last = time.monotonic()
            taken: list[_Held] = []
            weight = 0
            while self._waiting and (not taken or weight + self._waiting[0].weight <= BATCH_ROWS):
                taken.append(self._waiting.popleft())
                weight += taken[-1].weight
            self._oldest = taken[0].at
            frame, batch = await self._prepared(taken)
            if len(frame):
                await self._insert(batch)
            if len(frame) >= UNINDEXED and self._merging is not None:
                self._merging.flood()
            interval = MANY_INTERVAL if len(frame) >= MANY else INTERVAL
            self.stored += len(frame)
            async with self._changed:
                self.held -= weight
                self._oldest = None
                self._note_oldest()
                self._changed.notify_all()
            for item in taken:
                if not item.stored.done():
                    item.stored.set_result(None)
            await self._publishing.put(frame)

    async def _prepared(self, taken: list[_Held]) -> tuple[pl.DataFrame, Any]:
        try:
            return await asyncio.to_thread(_prepare, [item.frame for item in taken])
        except Exception:
            # One batch that cannot be stored in any way must not keep all others from it, now and later.
            good = [pl.DataFrame(schema=FRAME)]
            for item in taken:
                try:
                    good.append((await asyncio.to_thread(_prepare, [item.frame]))[0])
                except Exception as error:
                    log.exception("log lines lost: they cannot be made into rows", lines=len(item.frame))
                    if not item.stored.done():
                        item.stored.set_exception(Unavailable(f"The lines cannot be stored: {type(error).__name__}."))
            return await asyncio.to_thread(_prepare, good)

    async def _insert(self, batch: Any) -> None:
        token, wait = uuid.uuid4().hex, RETRY_SECONDS
        settings = {"materialize_skip_indexes_on_insert": 0} if batch.num_rows >= UNINDEXED else {}
        while True:
            try:
                assert self.platform.telemetry is not None
                await self.platform.telemetry.insert(TABLE, batch, token, settings)
            except Exception as error:
                if not self.error:
                    log.error("log lines cannot be stored; they wait", lines=batch.num_rows, error=str(error)[:500])
                self.error = _reason(error)
            else:
                if self.error:
                    log.info("log lines are stored again")
                self.error = ""
                return
            await asyncio.sleep(wait)
            wait = min(wait * 2, RETRY_LIMIT)

    async def _publish(self) -> None:
        while (frame := await self._publishing.get()) is not None:
            # The handlers' errors are logged where they happen; the lines are stored.
            with suppress(Exception):
                await LINES.publish(self.platform, frame)

    async def close(self) -> None:
        """Store what is held, for a while; what cannot be stored is counted in the log."""
        async with self._changed:
            self._closing = True
            self._changed.notify_all()
        store, publish = self._tasks
        await asyncio.wait([store], timeout=CLOSE_SECONDS)
        if not store.done():
            log.error("log lines lost at the end", lines=self.held, reason=self.error)
            store.cancel()
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._publishing.put(None)
                await publish
        publish.cancel()
        await asyncio.wait(self._tasks)
        if self._merging is not None:
            await self._merging.close()


def _size(frame: pl.DataFrame) -> int:
    """Bytes that the lines take. Columns may share the memory of their texts, which Polars counts for each."""
    texts = [name for name, kind in frame.schema.items() if kind == pl.String]
    lengths = frame.select(pl.sum_horizontal(pl.col(texts).str.len_bytes().sum())).item() if texts else 0
    return int(lengths or 0) + 16 * len(texts) * len(frame) + int(frame.drop(texts).estimated_size())


def _prepare(frames: list[pl.DataFrame]) -> tuple[pl.DataFrame, Any]:
    try:
        whole = [complete(frame) for frame in frames]
    except pl.exceptions.PolarsError as error:
        # A stage made a column of the wrong kind: better without it than not stored.
        log.error("lines do not fit the table", lines=sum(map(len, frames)), error=str(error)[:500])
        whole = [_without_misfits(frame) for frame in frames]
    frame = whole[0] if len(whole) == 1 else pl.concat(whole)
    return frame, to_arrow(frame)


def _without_misfits(frame: pl.DataFrame) -> pl.DataFrame:
    fitting = []
    for name in frame.columns:
        try:
            complete(frame.select(name))
        except pl.exceptions.PolarsError:
            continue
        fitting.append(name)
    return complete(frame.select(fitting))


def _reason(error: Exception) -> str:
    text = str(error)
    if "NOT_ENOUGH_SPACE" in text or "No space left" in text:
        return "The telemetry storage is full."
    return "The telemetry store does not take rows: " + text.splitlines()[0][:200] if text else type(error).__name__


def unavailable(reason: str) -> Unavailable:
    """What a sender is told that should try again."""
    sentence = reason or "Log lines come faster than they can be stored."
    return Unavailable(f"{sentence} Nothing was taken; try again in some seconds.", headers={"Retry-After": "5"})


def store_of(platform: Platform) -> LogStore:
    """The process's store, made when first asked for. Raises ``Unavailable`` where the process has no telemetry."""
    if platform.telemetry is None:
        raise Unavailable("This process has no telemetry store.")
    found = platform.memory.get(LogStore)
    if not isinstance(found, LogStore):
        found = platform.memory[LogStore] = LogStore(platform)
    return found
