"""Working days and balances: pure rules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from datetime import date, timedelta


def days_between(start: date, end: date) -> Iterator[date]:
    """Every calendar day, both ends included."""
    for offset in range((end - start).days + 1):
        yield start + timedelta(days=offset)


def working_days(start: date, end: date, weekend: Collection[int], holidays: Collection[date]) -> list[date]:
    """The days between on which people work. ``weekend``: Monday is 0."""
    return [day for day in days_between(start, end) if day.weekday() not in weekend and day not in holidays]


def leave_year(day: date, first_month: int) -> int:
    """The leave year a day belongs to, named after the calendar year it starts in."""
    return day.year if day.month >= first_month else day.year - 1


def year_bounds(year: int, first_month: int) -> tuple[date, date]:
    """First and last day of a leave year."""
    return date(year, first_month, 1), date(year + 1, first_month, 1) - timedelta(days=1)


def by_year(days: Iterable[date], first_month: int) -> Counter[int]:
    """How many of the days fall into each leave year."""
    return Counter(leave_year(day, first_month) for day in days)


def overlaps(start: date, end: date, other_start: date, other_end: date) -> bool:
    """Whether two stretches share a day."""
    return start <= other_end and other_start <= end
