"""The clocks in log lines: what devices write as time, as microseconds since 1970."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

_MONTHS = {name: number for number, name in enumerate(
    ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), start=1
)}  # fmt: skip
# Abbreviations that mean one thing nearly everywhere; IST, BST or CST in Asia need the source's time zone set.
_ZONES = {
    "utc": 0, "gmt": 0, "z": 0, "wet": 0, "west": 60, "cet": 60, "cest": 120, "met": 60, "mest": 120, "eet": 120,
    "eest": 180, "msk": 180, "est": -300, "edt": -240, "cst": -360, "cdt": -300, "mst": -420, "mdt": -360,
    "pst": -480, "pdt": -420, "jst": 540, "kst": 540, "aest": 600, "aedt": 660, "bst": 60,
}  # fmt: skip
_OFFSET = re.compile(r"([+-])(\d\d):?(\d\d)", re.ASCII)
_CLOCK = re.compile(r"(\d{1,2}):(\d\d):(\d\d)", re.ASCII)
_NUMBER = re.compile(r"\d+", re.ASCII)
CLOCK = "_clock"
"""Tag of lines whose clock is too far off to be true: they are filed under the time of receipt."""
DAY = 86_400_000_000
AHEAD, BEHIND = DAY, 3650 * DAY
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(microseconds=1)


@lru_cache(maxsize=512)
def zone_of(name: str) -> tzinfo | None:
    """A time zone by its name (Europe/Berlin), abbreviation (CEST) or offset (+02:00); ``None``: unknown."""
    if match := _OFFSET.fullmatch(name):
        minutes = int(match[2]) * 60 + int(match[3])
        return timezone(timedelta(minutes=-minutes if match[1] == "-" else minutes)) if minutes < 1440 else None
    minutes_east = _ZONES.get(name.lower())
    if minutes_east is not None:
        return timezone(timedelta(minutes=minutes_east))
    try:
        return ZoneInfo(name) if name else None
    except (LookupError, ValueError, OSError):  # LookupError: no such zone
        return None


@lru_cache(maxsize=50_000)
def read_clock(text: str, zone: str, default_zone: str, received_day: int) -> int | None:
    """Microseconds since 1970 of a clock without its fraction; ``None`` where it is none.

    ``text`` holds a date and ``H:MM:SS`` in any of the orders devices use. Without a year it is the last such date that
    is not after ``received_day`` (days since 1970), give or take the two days of time zones and wrong clocks.
    """
    found = _CLOCK.search(text)
    if found is None:
        return None
    hour, minute, second = (int(part) for part in found.groups())
    words = re.split(r"[\s,/T-]+", (text[: found.start()] + " " + text[found.end() :]).strip())
    month = next((_MONTHS[word[:3].lower()] for word in words if word[:3].lower() in _MONTHS), None)
    numbers = [int(word) for word in words if _NUMBER.fullmatch(word)]
    years = [number for number in numbers if number > 31]
    days = [number for number in numbers if number <= 31]
    if month is None:
        if len(days) < 2:
            return None
        month, days = days[0], days[1:]
    if not days:
        return None
    tz = zone_of(zone) or zone_of(default_zone) or UTC
    # A leap second has no place in the calendar that is kept here.
    second = min(second, 59)
    if years:
        return _micros(years[0], month, days[0], hour, minute, second, tz)
    latest = _EPOCH + timedelta(days=received_day + 3)
    limit = (latest - _EPOCH) // _SECOND
    tries = [
        _micros(year, month, days[0], hour, minute, second, tz) for year in range(latest.year, latest.year - 9, -1)
    ]
    return next((moment for moment in tries if moment is not None and moment < limit), None)


def _micros(year: int, month: int, day: int, hour: int, minute: int, second: int, tz: tzinfo) -> int | None:
    try:
        return (datetime(year, month, day, hour, minute, second, tzinfo=tz) - _EPOCH) // _SECOND
    except (ValueError, OverflowError):
        return None
