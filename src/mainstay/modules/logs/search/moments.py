"""Points in time as people and programs write them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_RELATIVE = re.compile(r"now(?:\s*([+-])\s*(\d{1,6})\s*([smhdw]))?", re.IGNORECASE)
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
HOW = "Give an ISO 8601 time such as 2026-01-05T08:00:00Z, seconds since 1970, or now-15m (s, m, h, d, w)."
_EARLIEST, _LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2262, 1, 1, tzinfo=UTC)


class BadMoment(ValueError):
    """What is not a point in time; the text says what is."""


def zone(name: str) -> ZoneInfo:
    """The time zone of this name. Raises ``BadMoment``."""
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BadMoment(f"There is no time zone {name[:60]!r}. Use a name such as Europe/Dublin.") from None


def read(value: Any, now: datetime, tz: ZoneInfo) -> datetime:
    """A point in time, UTC; without a zone it is meant in ``tz``. Raises ``BadMoment``."""
    try:
        moment = _read(value, now, tz).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        raise BadMoment(f"{str(value)[:60]!r} is not a time. {HOW}") from None
    if not _EARLIEST <= moment < _LATEST:
        raise BadMoment(f"{str(value)[:60]!r} is outside the years 1970 to 2261.")
    return moment


def _read(value: Any, now: datetime, tz: ZoneInfo) -> datetime:
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=tz)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _epoch(float(value))
    text = str(value).strip()
    low = text.lower()
    relative = _RELATIVE.fullmatch(low)
    if relative:
        sign, amount, unit = relative.groups()
        return now + timedelta(seconds=int(amount) * _UNITS[unit]) * (1 if sign == "+" else -1) if unit else now
    if low in ("today", "yesterday"):
        midnight = now.astimezone(tz).replace(hour=0, minute=0, second=0, microsecond=0)
        return midnight - timedelta(days=1) if low == "yesterday" else midnight
    if re.fullmatch(r"\d{9,16}(\.\d+)?", text, re.ASCII):
        return _epoch(float(text))
    made = datetime.fromisoformat(text)
    return made if made.tzinfo else made.replace(tzinfo=tz)


def _epoch(seconds: float) -> datetime:
    # Browsers count milliseconds.
    return datetime.fromtimestamp(seconds / 1000 if abs(seconds) >= 1e11 else seconds, UTC)
