"""Which addresses a discovery looks at: ranges, networks and lists, without those that are excluded. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from itertools import accumulate

from mainstay.kernel.errors import Invalid
from mainstay.modules.monitoring.credentials.service import Address, Span, inside, spans

MAX_ADDRESSES = 1 << 16
"""Addresses of one discovery: a /16."""


class Targets:
    """Addresses by position, so that a run can go on in the middle; overlapping ranges count once."""

    def __init__(self, given: Iterable[Span]) -> None:
        self._spans = _joined(given)
        sizes = [int(last) - int(first) + 1 for first, last in self._spans]
        self._starts = [0, *accumulate(sizes)]

    def __len__(self) -> int:
        # Not more than an index can hold: a network of version 6 is larger than any discovery may be anyway.
        return min(self._starts[-1], 2**62)

    def slice(self, first: int, count: int) -> list[Address]:
        """``count`` addresses from position ``first``."""
        found: list[Address] = []
        for position in range(first, min(first + count, len(self))):
            at = bisect_right(self._starts, position) - 1
            found.append(self._spans[at][0] + (position - self._starts[at]))
        return found


def _joined(given: Iterable[Span]) -> list[Span]:
    made: list[Span] = []
    for first, last in sorted(given, key=lambda span: (span[0].version, int(span[0]))):
        if made and made[-1][0].version == first.version and int(first) <= int(made[-1][1]):
            if int(last) > int(made[-1][1]):
                made[-1] = (made[-1][0], last)
        else:
            made.append((first, last))
    return made


def hosts(text: str, field: str = "host") -> list[Span]:
    """The ranges of a discovery. A network's own address and its broadcast address are no devices."""
    found: list[Span] = []
    for item in (part.strip() for part in text.replace("\n", ",").replace(";", ",").replace(" ", ",").split(",")):
        if not item:
            continue
        ((first, last),) = spans(item, field)
        if "/" in item and first.version == 4 and int(last) - int(first) > 1:
            first, last = first + 1, last - 1
        found.append((first, last))
    return found


def plan(host: str, listed: Iterable[str], *, empty: bool = False) -> Targets:
    """What is to be looked at. Raises ``Invalid`` where it is nothing (but for ``empty``), or too much."""
    made = Targets([*hosts(host.replace(" - ", "-")), *hosts(", ".join(listed), "csv_data")])
    if not len(made) and not empty:
        raise Invalid.field("host", "Please provide addresses: 192.0.2.0/24, 192.0.2.10-192.0.2.20 or a list.")
    if len(made) > MAX_ADDRESSES:
        raise Invalid.field("host", f"A discovery looks at most at {MAX_ADDRESSES:,} addresses; make several.")
    return made


def why_not(address: Address, excluded: list[Span], permitted: list[Span]) -> str:
    """``excluded`` or ``not_allowed`` where an address must not be asked; empty: it may be."""
    if inside(address, excluded):
        return "excluded"
    if address.is_multicast or address.is_unspecified or not inside(address, permitted):
        return "not_allowed"
    return ""


__all__ = ["MAX_ADDRESSES", "Targets", "hosts", "plan", "why_not"]
