"""What people write as business hours, read and checked. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from mainstay.kernel.calendar import DAY, BusinessHours, Interval

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
OFFICE: dict[str, Any] = {day: ["09:00-17:00"] for day in DAYS[:5]}
ROUND_THE_CLOCK: dict[str, Any] = {day: ["00:00-24:00"] for day in DAYS}
MAX_INTERVALS = 24
_INTERVAL = re.compile(r"\s*(\d{1,2}):(\d{2})(?::00)?\s*(?:-|\u2013|to)\s*(\d{1,2}):(\d{2})(?::00)?\s*", re.IGNORECASE)
_YEARLY = re.compile(r"(\d{2})-(\d{2})")


class BadHours(ValueError):
    """Hours, a holiday or a time zone that cannot be; the text says what would be right."""


def check_timezone(name: str) -> str | None:
    """What is wrong with a time zone's name, or ``None``."""
    return None if name in available_timezones() else f"{name!r} is not a time zone. Use a name such as Europe/Dublin."


def clean_week(raw: Any) -> dict[str, list[str]]:
    """Weekly hours in their stored form: day → intervals ``"09:00-17:00"``, in order. Raises ``BadHours``.

    Takes intervals as text, as pairs or as ``{"start", "end"}``; one that ends before it starts runs past midnight.
    """
    minutes: dict[int, list[Interval]] = {number: [] for number in range(7)}
    if not isinstance(raw, Mapping):
        raise BadHours('Hours must be an object such as {"monday": ["09:00-17:00"]}.')
    for key, intervals in raw.items():
        number = _day(key)
        if isinstance(intervals, str | Mapping):
            intervals = [intervals]
        if not isinstance(intervals, list):
            raise BadHours(f"The hours of {DAYS[number]} must be a list of intervals such as 09:00-17:00.")
        if len(intervals) > MAX_INTERVALS:
            raise BadHours(f"A day takes at most {MAX_INTERVALS} intervals.")
        for item in intervals:
            start, end = _interval(DAYS[number], item)
            if start < end:
                minutes[number].append((start, end))
            else:
                minutes[number].append((start, DAY))
                if end:
                    minutes[(number + 1) % 7].append((0, end))
    return {
        DAYS[number]: [f"{_clock(start)}-{_clock(end)}" for start, end in _ordered(DAYS[number], found)]
        for number, found in minutes.items()
        if found
    }


def clean_holidays(raw: Any) -> dict[str, str]:
    """Holidays in their stored form: ``2026-12-25`` or, every year, ``12-25`` → name. Raises ``BadHours``."""
    named: list[tuple[Any, Any]] = []
    if isinstance(raw, Mapping):
        named = list(raw.items())
    elif isinstance(raw, list):
        for item in raw:
            named.append((item.get("date"), item.get("name")) if isinstance(item, Mapping) else (item, ""))
    else:
        raise BadHours('Holidays must be an object such as {"2026-12-25": "Christmas Day"}.')
    if len(named) > 1000:
        raise BadHours("A profile takes at most 1000 holidays.")
    found = {_holiday(day): str(name or "")[:120].replace("\x00", "") for day, name in named}
    return dict(sorted(found.items()))


def hours(
    timezone: str, week: Mapping[str, Any], holidays: Mapping[str, Any], closed: frozenset[date]
) -> BusinessHours:
    """The calendar of a stored profile; ``closed`` are further days on which nobody works."""
    days = []
    for name in DAYS:
        days.append(tuple(_interval(name, item) for item in week.get(name, ())))
    dates = {date.fromisoformat(day) for day in holidays if len(day) == 10}
    yearly = {(int(day[:2]), int(day[3:])) for day in holidays if len(day) == 5}
    return BusinessHours(ZoneInfo(timezone), tuple(days), closed | dates, frozenset(yearly))


def _day(key: Any) -> int:
    word = str(key).strip().lower()
    for number, name in enumerate(DAYS):
        if word == name or (len(word) == 3 and name.startswith(word)) or word == str(number + 1):
            return number
    raise BadHours(f"{str(key)[:20]!r} is not a day of the week. Days: {', '.join(DAYS)}.")


def _interval(day: str, item: Any) -> Interval:
    if isinstance(item, Mapping):
        item = f"{item.get('start')}-{item.get('end')}"
    elif isinstance(item, list) and len(item) == 2:
        item = f"{item[0]}-{item[1]}"
    match = _INTERVAL.fullmatch(item) if isinstance(item, str) else None
    if match:
        first, low, second, high = (int(part) for part in match.groups())
        start, end = first * 60 + low, second * 60 + high
        if low < 60 and high < 60 and start < DAY and end <= DAY and start != end:
            return start, end
    raise BadHours(f"{str(item)[:40]!r} on {day} is not an interval. Write it as 09:00-17:00; 24:00 is midnight.")


def _ordered(day: str, found: list[Interval]) -> list[Interval]:
    """In order, neighbours joined."""
    out: list[Interval] = []
    for start, end in sorted(found):
        if out and start < out[-1][1]:
            raise BadHours(f"The intervals of {day} overlap at {_clock(start)}.")
        if out and start == out[-1][1]:
            out[-1] = (out[-1][0], end)
        else:
            out.append((start, end))
    return out


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _holiday(raw: Any) -> str:
    text = raw.isoformat() if isinstance(raw, date) else str(raw).strip()
    try:
        match = _YEARLY.fullmatch(text)
        if match:
            date(2000, int(match[1]), int(match[2]))  # a leap year: the 29th of February may be one
            return text
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise BadHours(
            f"{text[:40]!r} is not a holiday. Write a date such as 2026-12-25, or 12-25 for every year."
        ) from None
