"""Micro-batched inserts: many small writes become few large ones."""

from __future__ import annotations

import asyncio
import threading
import time
import uuid
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from operator import itemgetter
from typing import Any

import structlog

from mainstay.kernel.telemetry.arrow import pa

log = structlog.stdlib.get_logger("mainstay.telemetry")

Row = tuple[Any, ...]
Insert = Callable[[Any, str], Awaitable[None]]
REPORT_SECONDS = 10.0
FEW = 2000
"""Rows that are converted on the event loop."""


class Writer:
    """Buffers rows for one table and inserts them as Arrow batches.

    A batch goes out when ``batch_rows`` rows wait or ``batch_seconds`` after its first row. At most
    ``capacity`` rows are held, those being inserted included: beyond it ``write`` drops the row and counts
    it. A failed insert is repeated, waiting from ``retry_seconds`` up to ``retry_limit_seconds`` in between,
    until it succeeds or the writer is closed. Create it on the event loop; ``write`` may be called from any
    thread.
    """

    def __init__(
        self,
        table: str,
        columns: Mapping[str, Any],
        insert: Insert,
        *,
        batch_rows: int = 10_000,
        batch_seconds: float = 0.25,
        capacity: int = 100_000,
        retry_seconds: float = 0.25,
        retry_limit_seconds: float = 30.0,
        close_seconds: float = 10.0,
    ) -> None:
        self.table = table
        self.dropped = 0
        """Rows refused for want of room or because they do not fit the columns, since the start."""
        self.written = 0
        """Rows the engine has acknowledged, since the start."""
        self._schema = pa.schema(list(columns.items()))
        self._insert = insert
        self._batch_rows = batch_rows
        self._batch_seconds = batch_seconds
        self._capacity = capacity
        self._retry_seconds = retry_seconds
        self._retry_limit_seconds = retry_limit_seconds
        self._close_seconds = close_seconds
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._rows: deque[Row] = deque()
        self._in_flight = 0
        self._accepted = 0
        self._settled = 0
        self._closing = False
        self._asked = 0
        """So many of the accepted rows are to be settled without waiting for their batch to fill."""
        self._reported = (0, float("-inf"))
        self._wake = asyncio.Event()
        self._progress = asyncio.Condition()
        self._task = self._loop.create_task(self._run(), name=f"telemetry-writer-{table}")

    def write(self, row: Row) -> bool:
        """Take a row without waiting; False when it was dropped (no room, or the writer is closed)."""
        return self.write_many((row,)) == 1

    def write_many(self, rows: Sequence[Row]) -> int:
        """Take rows without waiting; how many there was room for: the last ones are dropped first."""
        with self._lock:
            before = len(self._rows)
            room = 0 if self._closing else max(0, self._capacity - before - self._in_flight)
            taken = min(room, len(rows))
            self._rows.extend(rows if taken == len(rows) else rows[:taken])
            self._accepted += taken
            self.dropped += len(rows) - taken
        if taken < len(rows):
            self._report_drops()
        if taken and (before == 0 or before < self._batch_rows <= before + taken):
            self._signal()
        return taken

    async def put(self, row: Row) -> None:
        """Take a row, waiting while there is no room. ``RuntimeError`` when the writer is closed."""
        while True:
            with self._lock:
                if self._closing:
                    raise RuntimeError(f"The writer of {self.table} is closed.")
                room = len(self._rows) + self._in_flight < self._capacity
            if room and self.write(row):
                return
            async with self._progress:
                # The time-out covers room that appeared between the look and the wait.
                await _within(self._progress.wait(), self._batch_seconds)

    async def drain(self) -> None:
        """Wait until every row taken before this call is stored; does not wait for the batch to fill."""
        target = self._asked = self._accepted
        self._wake.set()
        async with self._progress:
            await self._progress.wait_for(lambda: self._settled >= target or self._task.done())

    async def close(self) -> None:
        """Store what is held, for at most ``close_seconds``, then stop. Rows lost are counted in the log."""
        with self._lock:
            self._closing = True
        self._wake.set()
        await asyncio.wait([self._task], timeout=self._close_seconds)
        if not self._task.done():
            self._task.cancel()
            await asyncio.wait([self._task])
        lost = self._accepted - self._settled
        if lost:
            self.dropped += lost
            log.error("telemetry rows lost at close", table=self.table, rows=lost)

    def _signal(self) -> None:
        try:
            on_loop = asyncio.get_running_loop() is self._loop
        except RuntimeError:
            on_loop = False
        if on_loop:
            self._wake.set()
        elif not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake.set)

    @property
    def _hurried(self) -> bool:
        return self._closing or self._settled < self._asked

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            deadline = time.monotonic() + self._batch_seconds
            while not self._hurried and 0 < len(self._rows) < self._batch_rows:
                left = deadline - time.monotonic()
                if left <= 0 or not await _within(self._wake.wait(), left):
                    break
                self._wake.clear()
            while self._rows:
                await self._flush()
                if not self._hurried and len(self._rows) < self._batch_rows:
                    break
            if self._rows:
                self._wake.set()
            elif self._closing:
                return

    async def _flush(self) -> None:
        with self._lock:
            if len(self._rows) <= self._batch_rows:
                rows, self._rows = self._rows, deque()
            else:
                rows = deque(self._rows.popleft() for _ in range(self._batch_rows))
            self._in_flight = len(rows)
        # Many rows take long enough for others to notice.
        batch = self._to_arrow(rows) if len(rows) < FEW else await asyncio.to_thread(self._to_arrow, rows)
        if batch.num_rows:
            await self._store(batch)
        with self._lock:
            self._in_flight = 0
            self._settled += len(rows)
            self.written += batch.num_rows
        async with self._progress:
            self._progress.notify_all()

    async def _store(self, batch: Any) -> None:
        token, wait = uuid.uuid4().hex, self._retry_seconds
        while True:
            try:
                await self._insert(batch, token)
                return
            except Exception as error:
                log.warning(
                    "telemetry insert failed, will be repeated",
                    table=self.table,
                    rows=batch.num_rows,
                    seconds=wait,
                    error=str(error)[:500],
                )
            await asyncio.sleep(min(wait, 0.5) if self._closing else wait)
            wait = min(wait * 2, self._retry_limit_seconds)

    def _to_arrow(self, rows: Collection[Row]) -> Any:
        try:
            return self._table(rows)
        except (pa.ArrowException, ValueError, TypeError, OverflowError):
            # One bad row must not hold up the others: keep those that convert alone.
            good = [row for row in rows if self._fits(row)]
            with self._lock:
                self.dropped += len(rows) - len(good)
            log.error("telemetry rows do not fit the table", table=self.table, rows=len(rows) - len(good))
            return self._table(good)

    def _table(self, rows: Collection[Row]) -> Any:
        if not set(map(len, rows)) <= {len(self._schema)}:
            raise ValueError("A row has another number of values than the table has columns.")
        arrays = [pa.array(list(map(itemgetter(at), rows)), field.type) for at, field in enumerate(self._schema)]
        return pa.Table.from_arrays(arrays, schema=self._schema)

    def _fits(self, row: Row) -> bool:
        try:
            self._table([row])
        except (pa.ArrowException, ValueError, TypeError, OverflowError):
            return False
        return True

    def _report_drops(self) -> None:
        """One log line per ten seconds of dropping, not one per row."""
        before, at = self._reported
        if time.monotonic() - at < REPORT_SECONDS:
            return
        self._reported = (self.dropped, time.monotonic())
        log.error(
            "telemetry rows dropped: the store does not keep up",
            table=self.table,
            dropped=self.dropped - before,
            dropped_total=self.dropped,
            capacity=self._capacity,
        )


async def _within(wait: Awaitable[Any], seconds: float) -> bool:
    """Whether ``wait`` ended within ``seconds``."""
    try:
        async with asyncio.timeout(seconds):
            await wait
    except TimeoutError:
        return False
    return True
