"""Where pages of a list begin: a page far into it starts from the nearest known row instead of counting off all before.

They hold for one state of the resource, told by its newest change; whoever uses one must see that state in the same
statement that reads the rows.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from typing import Any

SPACING = 200
"""Rows between two of them; to skip so many costs next to nothing."""
MOST = 400
FAR = 2000
"""Rows to skip from which on counting off from the nearer end may be better."""


class Anchors:
    """The positions of one list in one order."""

    __slots__ = ("_positions", "_rows", "head")

    def __init__(self) -> None:
        self.head: Any = None
        self._positions: list[int] = []
        self._rows: dict[int, tuple[Any, str]] = {}

    def before(self, position: int) -> tuple[int, Any, str] | None:
        """The nearest known position up to this one, with the sort value and the id of the row before it."""
        index = bisect_right(self._positions, position)
        found = self._positions[index - 1] if index else -FAR
        return (found, *self._rows[found]) if position - found < FAR else None

    def keep(self, head: Any, position: int, value: Any, record_id: str) -> None:
        """Remember the row before a position, as seen with this newest change."""
        if head != self.head:
            self.head = head
            self._positions.clear()
            self._rows.clear()
        near = self.before(position)
        if len(self._positions) < MOST and position - (near[0] if near else 0) >= SPACING:
            insort(self._positions, position)
            self._rows[position] = (value, record_id)
