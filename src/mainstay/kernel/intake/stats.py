"""What was received, per listener and per source: kept in memory, shown by the API and as Prometheus metrics."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from mainstay.kernel.intake.batch import Batch

MAX_SOURCES = 10_000
"""Sources counted by name: addresses of datagrams can be forged, memory cannot."""
OTHERS = "others"
MAX_REFUSALS = 100


@dataclass(slots=True)
class SourceStats:
    """What one source sent."""

    received: int = 0
    bytes: int = 0
    limited: int = 0
    """Not taken because the source went beyond its rate."""
    last: float = 0.0
    """When it sent last, seconds since 1970."""


@dataclass(slots=True)
class Refusal:
    """Why the connections of one sender were refused, as it was said last."""

    reason: str
    count: int = 0
    last: float = 0.0


@dataclass(slots=True)
class ListenerStats:
    """What came in at one listener since the start."""

    name: str
    kind: str
    address: str = ""
    port: int = 0
    received: int = 0
    bytes: int = 0
    kernel_dropped: int = 0
    """Datagrams that the kernel had no room for: they came faster than they were taken."""
    limited: int = 0
    failed: int = 0
    """Handed on, but not taken because of an error."""
    oversized: int = 0
    """Cut at the longest line that is accepted."""
    connections: int = 0
    refused: int = 0
    """Connections not accepted: too many, or the TLS handshake failed."""
    refusals: dict[str, Refusal] = field(default_factory=dict)
    """By sender, those that came last at the end."""
    paused: int = 0
    """How often reading stopped because the store lagged."""
    buffer_bytes: int = 0
    waiting_bytes: int = 0
    """In the kernel's buffer at the last look."""
    sources: dict[str, SourceStats] = field(default_factory=dict)
    refresh: Callable[[], None] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def count(self, batch: Batch) -> None:
        """Add what a batch holds."""
        rows = np.bincount(batch.source, minlength=len(batch.addresses))
        sizes = np.bincount(batch.source, weights=batch.lengths, minlength=len(batch.addresses))
        now = time.time()
        with self._lock:
            self.received += len(batch)
            self.bytes += len(batch.data)
            for address, number, size in zip(batch.addresses, rows.tolist(), sizes.tolist(), strict=True):
                source = self._source(address)
                source.received += number
                source.bytes += int(size)
                source.last = now

    def count_limited(self, address: str, number: int) -> None:
        """Note what a source's storm limit kept out."""
        with self._lock:
            self.limited += number
            self._source(address).limited += number

    def count_refused(self, address: str, reason: str) -> bool:
        """Note a connection that was not accepted; answers whether this is news. ``reason`` is empty where the sender
        went away without one: what it said before stands."""
        with self._lock:
            known = self.refusals.pop(address, None)
            reason = reason or (known.reason if known else "The sender ended the connection in the TLS handshake.")
            self.refusals[address] = Refusal(reason, known.count + 1 if known else 1, time.time())
            if len(self.refusals) > MAX_REFUSALS:
                del self.refusals[next(iter(self.refusals))]
            self.refused += 1
        return known is None or known.reason != reason

    def look(self) -> ListenerStats:
        """These numbers, with those fresh that are asked of the kernel."""
        if self.refresh is not None:
            self.refresh()
        return self

    def by_source(self) -> dict[str, SourceStats]:
        """A copy of the sources' numbers."""
        with self._lock:
            return dict(self.sources)

    def _source(self, address: str) -> SourceStats:
        known = self.sources.get(address)
        if known is None:
            if len(self.sources) >= MAX_SOURCES:
                address = OTHERS
            known = self.sources.setdefault(address, SourceStats())
        return known
