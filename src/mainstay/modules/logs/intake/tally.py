"""What came in, by organization and source: received, not understood, when last."""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass

import polars as pl

from mainstay.modules.logs.intake.lines import UNPARSED

ENTRIES = 20_000


@dataclass(slots=True)
class Count:
    """One source's lines since the start."""

    received: int = 0
    unparsed: int = 0
    last: float = 0.0


class Tally:
    """Counts per organization and source; the longest silent go when there are too many."""

    def __init__(self) -> None:
        self.received = 0
        self.unparsed = 0
        self._counts: OrderedDict[tuple[str, str], Count] = OrderedDict()

    def add(self, frame: pl.DataFrame) -> None:
        """Count a parsed frame."""
        now = time.time()
        grouped = frame.group_by("organization", "source").agg(
            pl.len().alias("lines"), pl.col("tags").list.contains(UNPARSED).sum().alias("unparsed")
        )
        for organization, source, lines, unparsed in grouped.iter_rows():
            count = self._counts.setdefault((organization, source), Count())
            self._counts.move_to_end((organization, source))
            count.received += lines
            count.unparsed += unparsed
            count.last = now
            self.received += lines
            self.unparsed += unparsed
        while len(self._counts) > ENTRIES:
            self._counts.popitem(last=False)

    def of(self, organization: str) -> dict[str, Count]:
        """The organization's sources."""
        return {source: count for (owner, source), count in self._counts.items() if owner == organization}
