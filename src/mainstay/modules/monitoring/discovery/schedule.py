"""When a discovery runs next. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from mainstay.kernel.errors import Invalid

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
UNITS = {"minutes": 60, "hours": 3600, "days": 86400}
PERIODS = ("once", "every", "daily", "weekly", "monthly")


def next_run(schedule: Mapping[str, Any], after: datetime) -> datetime | None:
    """The first time after ``after``, UTC; None: by hand. Raises ``Invalid``."""
    period = str(schedule.get("period") or "").strip().lower()
    if period in ("", "manual", "none"):
        return None
    if period not in PERIODS:
        raise Invalid.field("schedule", f"The period is one of: {', '.join(PERIODS)}; empty: by hand.")
    if period == "every":
        unit = str(schedule.get("unit") or "hours").strip().lower()
        unit = unit if unit.endswith("s") else unit + "s"
        if unit not in UNITS:
            raise Invalid.field("schedule", "The unit is minutes, hours or days.")
        seconds = _number(schedule, "every", 1, 1, 10_000, "hour" if unit == "hours" else "min") * UNITS[unit]
        if seconds < 300:
            raise Invalid.field("schedule", "A discovery runs every 5 minutes at most.")
        return after + timedelta(seconds=seconds)
    if period == "once":
        if not schedule.get("at"):
            raise Invalid.field("schedule", "Once needs the time: at, such as 2026-01-31T22:00:00Z.")
        try:
            at = datetime.fromisoformat(str(schedule["at"]))
        except ValueError:
            raise Invalid.field("schedule", f"{str(schedule['at'])[:40]!r} is not a time.") from None
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        return at if at > after else None
    hour, minute = _number(schedule, "hour", 0, 0, 23), _number(schedule, "min", 0, 0, 59)
    first = after.replace(hour=hour, minute=minute, second=0, microsecond=0)
    chosen = _days(schedule, period)
    for ahead in range(64):
        at = first + timedelta(days=ahead)
        if at > after and (period == "daily" or (at.weekday() if period == "weekly" else at.day) in chosen):
            return at
    return None


def check(schedule: Mapping[str, Any], upcoming: datetime | None) -> None:
    """Raises ``Invalid`` for a new schedule whose only time has passed."""
    if upcoming is None and str(schedule.get("period") or "").strip().lower() == "once":
        told = f"{str(schedule['at'])[:40]} has passed. Give a time to come, or no schedule to run it by hand."
        raise Invalid.field("schedule", told)


def _days(schedule: Mapping[str, Any], period: str) -> set[int]:
    raw = schedule.get("days")
    words = raw if isinstance(raw, list) else str(raw or "").split(",")
    found: set[int] = set()
    for word in (str(one).strip().lower() for one in words):
        if period == "weekly" and word[:3] in DAYS:
            found.add(DAYS.index(word[:3]))
        elif period == "monthly" and word.isdigit() and 1 <= int(word) <= 31:
            found.add(int(word))
        elif word and period != "daily":
            raise Invalid.field("schedule", f"{word[:20]!r} is no day: mon to sun by week, 1 to 31 by month.")
    if not found and period != "daily":
        return {0} if period == "weekly" else {1}
    return found


def _number(schedule: Mapping[str, Any], name: str, default: int, low: int, high: int, also: str = "") -> int:
    raw = schedule.get(name)
    if raw in (None, "") and also:
        raw = schedule.get(also)
    if raw in (None, ""):
        return default
    try:
        number = int(raw)
    except (TypeError, ValueError):
        number = low - 1
    if not low <= number <= high:
        raise Invalid.field("schedule", f"{name} is a number from {low} to {high}.")
    return number
