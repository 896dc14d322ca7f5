"""Business hours: when an organization works, and time counted only while it does. Pure; no clock, no database.

Hours are read off the wall clock of a time zone. An hour that daylight saving time skips does not exist, one that it
repeats counts twice: ``is_open`` and the counting functions agree at every instant.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

DAY = 24 * 60
"""Minutes of a day; also the end of an interval that reaches midnight."""
HORIZON = timedelta(days=3660)
"""How far ahead open time is looked for; who has none in ten years has none."""

Interval = tuple[int, int]
Span = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class BusinessHours:
    """Weekly hours in a time zone, and days on which nobody works.

    ``week`` has seven days, Monday first; each has disjoint intervals ``(start, end)`` in minutes after midnight, in
    order. ``yearly`` are holidays of every year, as (month, day).
    """

    timezone: ZoneInfo
    week: tuple[tuple[Interval, ...], ...]
    holidays: frozenset[date] = field(default_factory=frozenset)
    yearly: frozenset[tuple[int, int]] = field(default_factory=frozenset)

    def intervals(self, day: date) -> tuple[Interval, ...]:
        """The open intervals of a calendar day."""
        if day in self.holidays or (day.month, day.day) in self.yearly:
            return ()
        return self.week[day.weekday()]

    def is_open(self, at: datetime) -> bool:
        """Whether it is working time at this instant."""
        local = at.astimezone(self.timezone)
        minute = local.hour * 60 + local.minute
        return any(start <= minute < end for start, end in self.intervals(local.date()))

    def next_open(self, at: datetime) -> datetime | None:
        """The first instant from ``at`` on that is working time; ``None`` when there is none within ten years."""
        first = next(self.spans(at, at + HORIZON), None)
        return first[0] if first else None

    def add_business_time(self, at: datetime, duration: timedelta) -> datetime | None:
        """The instant at which ``duration`` of working time after ``at`` is over.

        ``at`` itself where the duration is nothing; ``None`` when there is not that much within ten years.
        """
        if duration <= timedelta(0):
            return at
        left = duration
        for start, end in self.spans(at, at + HORIZON):
            if left <= end - start:
                return start + left
            left -= end - start
        return None

    def business_time_between(self, start: datetime, end: datetime) -> timedelta:
        """The working time in ``[start, end)``; negative when ``end`` is the earlier one."""
        if end < start:
            return -self.business_time_between(end, start)
        return sum((until - since for since, until in self.spans(start, end)), timedelta(0))

    def spans(self, start: datetime, end: datetime) -> Iterator[Span]:
        """The stretches of working time in ``[start, end)``, in UTC and in order."""
        for since, until, offset in _even(self.timezone, start.astimezone(UTC), end.astimezone(UTC)):
            day = (since + offset).date()
            # Within one offset the wall clock runs evenly: plain arithmetic is exact.
            while (midnight := datetime(day.year, day.month, day.day, tzinfo=UTC) - offset) < until:
                for opens, closes in self.intervals(day):
                    low = max(since, midnight + timedelta(minutes=opens))
                    high = min(until, midnight + timedelta(minutes=closes))
                    if low < high:
                        yield low, high
                day += timedelta(days=1)


ALWAYS = BusinessHours(ZoneInfo("UTC"), (((0, DAY),),) * 7)
"""Round the clock."""


def _even(zone: ZoneInfo, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime, timedelta]]:
    """``[start, end)`` cut where the zone's offset changes, with each part's offset."""
    here = since = start
    offset = _offset(zone, here)
    while here < end:
        there = min(here + timedelta(days=1), end)
        if _offset(zone, there) != offset:
            low, high = here, there
            while high - low > timedelta(seconds=1):
                middle = (low + (high - low) / 2).replace(microsecond=0)
                if middle <= low:
                    break
                low, high = (middle, high) if _offset(zone, middle) == offset else (low, middle)
            whole = high.replace(microsecond=0)  # offsets change at whole seconds
            there = whole if whole > low and _offset(zone, whole) != offset else high
            yield since, there, offset
            since, offset = there, _offset(zone, there)
        here = there
    if since < end:
        yield since, end, offset


def _offset(zone: ZoneInfo, at: datetime) -> timedelta:
    return at.astimezone(zone).utcoffset() or timedelta(0)
