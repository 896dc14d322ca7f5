"""The storm limit: what one source may send per second, so that it does not drown the others."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mainstay.kernel.intake.batch import Batch
from mainstay.kernel.intake.stats import MAX_SOURCES, ListenerStats


@dataclass(slots=True)
class Storm:
    """What a source's limit kept out since the last summary."""

    address: str
    dropped: int
    since: float
    until: float
    """Seconds since 1970."""


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float
    dropped: int = 0
    since: float = 0.0
    until: float = 0.0


class StormLimit:
    """At most ``rate`` messages a second from one source, ``burst`` at once. Nothing is kept out silently:
    ``summaries`` tells, per source, how many were.

    ``rate_of`` may give a source another rate (0: no limit). Its clock is monotonic: a jump of the wall clock neither
    opens nor shuts it.
    """

    def __init__(
        self, rate: float, burst: float = 0, rate_of: Callable[[str], float | None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self.rate = rate
        self.burst = burst or 5 * rate
        self._rate_of = rate_of
        self._clock = clock
        self._buckets: dict[str, _Bucket] = {}
        self._lock = threading.Lock()

    def apply(self, batch: Batch, stats: ListenerStats) -> Batch:
        """The batch without what is beyond the limit of its source; the first of each source stay."""
        counts = np.bincount(batch.source, minlength=len(batch.addresses)).tolist()
        over: list[tuple[int, int]] = []
        now, wall = self._clock(), time.time()
        with self._lock:
            for code, (address, count) in enumerate(zip(batch.addresses, counts, strict=True)):
                allowed = self._take(address, count, now)
                if allowed < count:
                    bucket = self._buckets[address]
                    bucket.since = bucket.since or wall
                    bucket.until = wall
                    bucket.dropped += count - allowed
                    over.append((code, allowed))
        if not over:
            return batch
        mask = np.ones(len(batch), dtype=np.bool_)
        for code, allowed in over:
            mask[np.flatnonzero(batch.source == code)[allowed:]] = False
            stats.count_limited(batch.addresses[code], counts[code] - allowed)
        return batch.keep(mask)

    def _take(self, address: str, count: int, now: float) -> int:
        own = self._rate_of(address) if self._rate_of else None
        rate = self.rate if own is None else own
        if rate <= 0:
            return count
        burst = self.burst * rate / self.rate if self.rate > 0 else 5 * rate
        bucket = self._buckets.get(address)
        if bucket is None:
            if len(self._buckets) >= MAX_SOURCES:
                self._forget()
            bucket = self._buckets[address] = _Bucket(burst, now)
        bucket.tokens = min(burst, bucket.tokens + (now - bucket.at) * rate)
        bucket.at = now
        allowed = min(count, int(bucket.tokens))
        bucket.tokens -= allowed
        return allowed

    def _forget(self) -> None:
        """Room for new sources: those go that are quiet, and owe no summary."""
        idle = sorted((bucket.at, name) for name, bucket in self._buckets.items() if not bucket.dropped)
        for _at, name in idle[: max(1, len(idle) // 2)]:
            del self._buckets[name]

    def summaries(self) -> list[Storm]:
        """What was kept out since the last call."""
        with self._lock:
            found = [
                Storm(address, bucket.dropped, bucket.since, bucket.until)
                for address, bucket in self._buckets.items()
                if bucket.dropped
            ]
            for storm in found:
                bucket = self._buckets[storm.address]
                bucket.dropped, bucket.since = 0, 0.0
        return found
