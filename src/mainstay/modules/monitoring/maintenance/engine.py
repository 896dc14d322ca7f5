"""When a window is in effect, and what it is about: no clock and no database."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from fnmatch import fnmatchcase
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from itertools import islice
from zoneinfo import ZoneInfo

ONCE, DAILY, WEEKLY, MONTHLY = "once", "daily", "weekly", "monthly"
LONGEST = {DAILY: timedelta(days=1), WEEKLY: timedelta(days=7), MONTHLY: timedelta(days=28)}
"""A window that recurs ends before it begins again."""
HORIZON = 400
"""Days that are looked ahead for the next time: a month's 31st, and leap years."""


@dataclass(slots=True, kw_only=True)
class Window:
    """One window as declared."""

    id: str
    start: datetime
    end: datetime
    recurrence: str = ONCE
    weekdays: Sequence[int] = ()
    month_day: int | None = None
    until: datetime | None = None
    timezone: str = "UTC"
    everything: bool = False
    cis: frozenset[str] = frozenset()
    hosts: Sequence[str] = ()
    networks: Sequence[IPv4Network | IPv6Network] = field(default_factory=list)
    classes: Sequence[str] = ()
    rules: Sequence[str] = ()

    def times(self, since: datetime, days: int = HORIZON) -> Iterator[tuple[datetime, datetime]]:
        """The times it is in effect, from one that has not ended at ``since`` on, for so many days."""
        length = self.end - self.start
        if self.recurrence == ONCE:
            if self.end > since:
                yield self.start, self.end
            return
        zone = ZoneInfo(self.timezone)
        first = self.start.astimezone(zone)
        day = max(first.date(), since.astimezone(zone).date() - timedelta(days=length.days + 1))
        for number in range(days):
            at = day + timedelta(days=number)
            if not self._falls(at, first.date()):
                continue
            begin = datetime.combine(at, first.time(), zone).astimezone(UTC)
            if self.until is not None and begin > self.until:
                return
            if begin + length > since and begin >= self.start:
                yield begin, begin + length

    def _falls(self, day: date, first: date) -> bool:
        if self.recurrence == WEEKLY:
            return day.isoweekday() in (self.weekdays or (first.isoweekday(),))
        if self.recurrence == MONTHLY:
            last = monthrange(day.year, day.month)[1]
            wanted = self.month_day or first.day
            return day.day == (last if wanted < 0 else min(wanted, last))
        return True

    def active(self, now: datetime) -> bool:
        """Whether it is in effect."""
        # The next time tells: it has begun, or it has not.
        return any(begin <= now < end for begin, end in islice(self.times(now, 40), 1))

    def about(self, *, ci: str, host: str, address: str, event_class: str, rule: str) -> bool:
        """Whether an event is within its scope: every kind of condition that it has must hold."""
        if self.everything:
            return True
        tests: list[bool] = []
        if self.cis:
            tests.append(ci in self.cis)
        if self.hosts:
            tests.append(_like(host, self.hosts))
        if self.networks:
            tests.append(_within(address, self.networks))
        if self.classes:
            tests.append(_like(event_class, self.classes))
        if self.rules:
            tests.append(_like(rule, self.rules))
        return bool(tests) and all(tests)


def networks(given: Sequence[str]) -> list[IPv4Network | IPv6Network]:
    """Raises ``ValueError`` for what is no address and no network."""
    return [ip_network(item.strip(), strict=False) for item in given]


def _within(address: str, nets: Sequence[IPv4Network | IPv6Network]) -> bool:
    try:
        found = ip_address(address)
    except ValueError:
        return False
    return any(found.version == net.version and found in net for net in nets)


def _like(value: str, patterns: Sequence[str]) -> bool:
    low = value.lower()
    return any(fnmatchcase(low, pattern.lower().replace("[", "[[]")) for pattern in patterns)
