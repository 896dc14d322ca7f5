"""When a measurement is too much, when it is over, and which threshold is the one that counts. Pure.

An alarm with two points: it is raised at the set point and stays until the reset point (hysteresis). Hold times delay
both edges, so that a spike is no alarm and a dip no end of it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

ABOVE, BELOW = ">=", "<="
VALUE, AVERAGE, HIGHEST, LOWEST = "value", "average", "maximum", "minimum"
SHIPPED_LEVEL, ORGANIZATION, GROUP, CATEGORY, ITEM, RESOURCE = range(6)
"""How narrow a scope is; the highest wins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """When a measurement becomes an event, and when it is over.

    ``points`` and ``percent``: of so many polls, how many must be beyond the point. ``hold`` and ``reset_hold``: for
    how many polls (``seconds``: for how long) that must stay so.
    """

    metric: str
    set_point: float
    reset_point: float
    condition: str = ABOVE
    statistic: str = VALUE
    points: int = 1
    percent: float = 100
    hold: float = 3
    reset_hold: float = 2
    seconds: bool = False
    severity: int = 2
    event_class: str = ""
    label: str = ""
    unit: str = "%"
    set_message: str = ""
    reset_message: str = ""
    mark: str = ""
    """Which threshold, in which version; empty: one that is shipped."""
    level: int = SHIPPED_LEVEL
    target: str = ""
    """Id of the group, category or item."""
    part: str = ""
    """Names of the parts it is about; * stands for any characters. Empty: every part."""
    alarm: bool = True
    """False: the measurement raises nothing here."""

    def towards(self, seen: Sequence[float], out: bool) -> bool:
        """Whether the last polls speak for the other state."""
        if self.statistic != VALUE:
            if len(seen) < self.points:
                return False
            whole = {AVERAGE: sum(seen) / len(seen), HIGHEST: max(seen), LOWEST: min(seen)}[self.statistic]
            return self._beyond(whole, out)
        return sum(self._beyond(one, out) for one in seen) >= effective(self.points, self.percent)

    def _beyond(self, value: float, out: bool) -> bool:
        upwards = (self.condition == ABOVE) is not out
        point = self.reset_point if out else self.set_point
        return value >= point if upwards else value <= point

    def fits(self, part: str) -> bool:
        """Whether it is about this part of a device."""
        return not self.part or fnmatchcase(part.lower(), self.part.lower().replace("[", "[[]"))


def effective(points: int, percent: float) -> int:
    """How many of the polls must be beyond the point."""
    return max(1, math.ceil(points * percent / 100 - 1e-9))


@dataclass(slots=True)
class Watch:
    """Which thresholds of a device are exceeded, and how long the others have been on their way."""

    breached: dict[tuple[str, str], str] = field(default_factory=dict)
    """Measurement and part → mark of the threshold that says so."""
    counts: dict[tuple[str, str], tuple[int, float]] = field(default_factory=dict)
    """How many polls spoke for the other state one after the other, and when that began."""
    seen: dict[tuple[str, str], list[float]] = field(default_factory=dict)

    def judge(self, rule: Threshold, resource: str, value: float, at: float = 0.0) -> bool | None:
        """True: it is exceeded from now on; False: it is over; None: nothing new. ``at``: seconds of any clock."""
        key = (rule.metric, resource)
        is_out = key in self.breached
        seen = self.seen.setdefault(key, [])
        seen.append(value)
        del seen[: -rule.points]
        if not rule.towards(seen, is_out):
            self.counts.pop(key, None)
            return None
        number, since = self.counts.get(key, (0, at))
        self.counts[key] = (number + 1, since)
        hold = rule.reset_hold if is_out else rule.hold
        if (at - since if rule.seconds else number + 1) < hold:
            return None
        self._forget(key)
        if is_out:
            del self.breached[key]
            return False
        self.breached[key] = rule.mark
        return True

    def outdated(self, rules: Rules) -> list[tuple[str, str]]:
        """What was raised by a threshold that is not the one in force any more; it is raised no longer."""
        gone = [key for key, mark in self.breached.items() if rules.mark(*key) != mark]
        for key in gone:
            del self.breached[key]
            self._forget(key)
        return gone

    def _forget(self, key: tuple[str, str]) -> None:
        self.counts.pop(key, None)
        self.seen.pop(key, None)


class Rules:
    """The thresholds of one device: for each measurement and part the narrowest that is about it."""

    def __init__(self, given: Iterable[Threshold]) -> None:
        # Of two that are equally narrow the younger one: identifiers grow with time.
        self._all = sorted(given, key=lambda one: (one.level, bool(one.part), one.mark), reverse=True)
        self._known: dict[tuple[str, str], Threshold | None] = {}

    def pick(self, metric: str, part: str) -> Threshold | None:
        """The threshold that counts; None: nothing is to be raised."""
        key = (metric, part)
        if key not in self._known:
            if len(self._known) > 20_000:
                self._known.clear()
            found = next((one for one in self._all if one.metric == metric and one.fits(part)), None)
            self._known[key] = found if found is not None and found.alarm else None
        return self._known[key]

    def every(self) -> list[Threshold]:
        """All of them by measurement, the narrowest first."""
        return sorted(self._all, key=lambda one: one.metric)

    def mark(self, metric: str, part: str) -> str | None:
        """The mark of the threshold that counts."""
        found = self.pick(metric, part)
        return None if found is None else found.mark


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a device stands among the scopes."""

    ci: str
    category: str = ""
    groups: frozenset[str] = frozenset()


def rules_for(place: Place, given: Iterable[Threshold], within: Mapping[str, frozenset[str]]) -> list[Threshold]:
    """Those of an organization's thresholds that are about a device. ``within``: category → those it is part of."""
    above = within.get(place.category, frozenset({place.category}))
    return [
        one for one in given
        if one.level <= ORGANIZATION
        or (one.level == GROUP and one.target in place.groups)
        or (one.level == CATEGORY and one.target in above)
        or (one.level >= ITEM and one.target == place.ci)
    ]  # fmt: skip


def message(rule: Threshold, out: bool, *, device: str, part: str, value: float, metric: str) -> str:
    """What the event says. In own texts the words in braces are filled in."""
    point = rule.set_point if out else rule.reset_point
    words = {"device": device, "resource": part, "value": f"{value:.1f}", "unit": rule.unit, "metric": metric,
             "set_point": f"{rule.set_point:g}", "reset_point": f"{rule.reset_point:g}"}  # fmt: skip
    text = rule.set_message if out else rule.reset_message
    if text:
        # Piece by piece: what is filled in is not looked through again.
        pieces = text.split("{")
        for at in range(1, len(pieces)):
            name, closed, rest = pieces[at].partition("}")
            pieces[at] = words[name] + rest if closed and name in words else "{" + pieces[at]
        return "".join(pieces)
    what = f"{rule.label or metric} {part}".strip()
    upwards = rule.condition == ABOVE
    way = ("above" if upwards else "below") if out else ("back below" if upwards else "back above")
    return f"{what} on {device} is {value:.1f}{rule.unit}, {way} {point:g}{rule.unit}."
