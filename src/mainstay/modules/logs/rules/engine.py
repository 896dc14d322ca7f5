"""Windows, thresholds and messages of log rules: pure rules, and the SQL that measures."""

from __future__ import annotations

import hashlib
import operator
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from mainstay.modules.logs.search import columns, counting
from mainstay.modules.logs.search.service import Chosen
from mainstay.modules.logs.search.table import LINES

MOST_GROUPS = 1000
"""Values that one window raises events for; the highest."""
MOST_WINDOWS = 60
"""Windows that a line may count in, at most."""
COMPARE: dict[str, Callable[[float, float], bool]] = {
    ">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le, "=": operator.eq,
}  # fmt: skip
_PLACE = re.compile(r"\{([^{}]{1,210})\}")
PLACES = frozenset({"rule", "value", "count", "threshold", "window", "message", "host"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What is evaluated; times in minutes."""

    id: str
    name: str
    measure: str
    field: str
    comparison: str
    threshold: float
    group_by: tuple[str, ...]
    window: int
    every: int
    message: str


@dataclass(slots=True, kw_only=True)
class Hit:
    """A group of lines in one window."""

    until: datetime
    group: dict[str, str]
    value: float
    count: int
    message: str = ""
    line: int = 0
    host: str = ""
    source: str = ""
    ci: str = ""


def rule_of(values: Mapping[str, Any]) -> Rule:
    """A rule from its record's values."""
    match = values.get("kind") == "match"
    every = int(values.get("every") or 5)
    threshold = values.get("threshold")
    return Rule(
        id=values.get("id") or "", name=values["name"], measure="count" if match else values.get("measure") or "count",
        field="" if match else values.get("field") or "", comparison=">" if match else values.get("comparison") or ">",
        threshold=0.0 if match or threshold is None else float(threshold), every=every,
        # A match counts once, whatever the window.
        window=every if match else int(values.get("window") or 5), group_by=tuple(values.get("group_by") or ()),
        message=values.get("message") or ("{rule}: {message}" if match else "{rule}: {value} in {window} minutes"),
    )  # fmt: skip


def due(rule: Rule, evaluated: datetime | None, now: datetime, most: int = 12) -> list[datetime]:
    """Ends of the windows to evaluate now, oldest first; of a long gap, only the last ``most``."""
    step = timedelta(minutes=rule.every)
    last = boundary(rule, now)
    if evaluated is None:
        return [last]
    ends: list[datetime] = []
    while last > evaluated and len(ends) < most:
        ends.append(last)
        last -= step
    return ends[::-1]


def boundary(rule: Rule, now: datetime) -> datetime:
    """The last end of a window that is not after ``now``."""
    seconds = rule.every * 60
    return datetime.fromtimestamp(int(now.timestamp()) // seconds * seconds, UTC)


def measure(rule: Rule, chosen: Chosen, first: datetime, last: datetime) -> tuple[str, dict[str, Any]]:
    """The statement that measures every window that ends from ``first`` to ``last``, and its parameters."""
    groups = [
        f"{counting.value_of(columns.find(name), chosen.condition)} AS group{index}"
        for index, name in enumerate(rule.group_by)
    ]
    value = _value(rule, chosen)
    clause = chosen.clause(timed=False)
    step, windows = rule.every * 60, rule.window // rule.every
    parameters = {
        **chosen.parameters, "step": step, "windows": windows, "first": int(first.timestamp()) // step,
        "last": int(last.timestamp()) // step, "since": int(first.timestamp()) - rule.window * 60,
        "until": int(last.timestamp()), "threshold": rule.threshold, "groups": MOST_GROUPS,
    }  # fmt: skip
    slot = "intDiv(toUnixTimestamp(received), {step:UInt32}) + 1"
    if windows > 1:
        slot = f"arrayJoin(range({slot}, {slot} + {{windows:UInt32}}))"
    names = ["slot", *(f"group{index}" for index in range(len(groups)))]
    # Without groups a window without lines has a value, too: nought.
    having = f"HAVING value {rule.comparison} {{threshold:Float64}}" if groups else ""
    return (
        f"SELECT {', '.join([f'{slot} AS slot', *groups])}, {value} AS value, count() AS lines, "  # noqa: S608
        "argMax(message, id) AS last_message, max(id) AS line, argMax(host, id) AS last_host, "
        "argMax(source, id) AS last_source, argMax(ci, id) AS last_ci, uniqExact(host) AS hosts "
        f"FROM {LINES} WHERE {clause} AND received >= toDateTime({{since:UInt32}}, 'UTC') AND "
        "received < toDateTime({until:UInt32}, 'UTC') "
        f"GROUP BY {', '.join(names)} HAVING slot >= {{first:UInt32}} AND slot <= {{last:UInt32}} "
        f"{having.replace('HAVING', 'AND')} ORDER BY slot, value DESC LIMIT {{groups:UInt32}} BY slot LIMIT 50000",
        parameters,
    )


def _value(rule: Rule, chosen: Chosen) -> str:
    if rule.measure == "count":
        return "toFloat64(count())"
    expression = counting.value_of(columns.find(rule.field), chosen.condition)
    if rule.measure == "distinct":
        return f"toFloat64(uniqExactIf({expression}, {expression} != ''))"
    return f"ifNull({rule.measure}OrNull(toFloat64OrNull({expression})), nan)"


def hits(rule: Rule, rows: Iterable[Mapping[str, Any]], ends: list[datetime]) -> list[Hit]:
    """The groups beyond the threshold, by window."""
    beyond = COMPARE[rule.comparison]
    step = rule.every * 60
    found: list[Hit] = []
    seen: set[datetime] = set()
    for row in rows:
        until = datetime.fromtimestamp(row["slot"] * step, UTC)
        seen.add(until)
        if not beyond(row["value"], rule.threshold):
            continue
        one = row["hosts"] == 1
        group = {name: str(row[f"group{index}"]) for index, name in enumerate(rule.group_by)}
        found.append(
            Hit(until=until, group=group, value=row["value"], count=row["lines"], message=row["last_message"],
                line=row["line"], host=row["last_host"] if one else "", source=row["last_source"] if one else "",
                ci=row["last_ci"] if one else "")
        )  # fmt: skip
    if not rule.group_by and rule.measure in ("count", "distinct") and beyond(0, rule.threshold):
        found += [Hit(until=until, group={}, value=0, count=0) for until in ends if until not in seen]
    return sorted(found, key=lambda hit: hit.until)


def key(rule: Rule, group: Mapping[str, str]) -> str:
    """What makes two of a rule's events the same problem."""
    if not group:
        return f"log_rule:{rule.id}"
    text = "\0".join(f"{name}={value}" for name, value in sorted(group.items()))
    return f"log_rule:{rule.id}:{hashlib.sha256(text.encode()).hexdigest()[:24]}"


def text(rule: Rule, hit: Hit) -> str:
    """The event's message."""
    values = {
        **hit.group, "rule": rule.name, "value": f"{hit.value:g}", "count": str(hit.count),
        "threshold": f"{rule.threshold:g}", "window": str(rule.window), "message": hit.message,
        "host": hit.host or hit.group.get("host", ""),
    }  # fmt: skip
    return _PLACE.sub(lambda found: values.get(found.group(1), found.group()), rule.message)[:2000]


def unknown_place(message: str, group_by: Iterable[str]) -> str | None:
    """The first placeholder of a message that nothing is put in for."""
    known = PLACES | set(group_by)
    return next((name for name in _PLACE.findall(message) if name not in known), None)


@dataclass(slots=True)
class Outcome:
    """What windows, one after the other, raise and clear."""

    raised: list[tuple[str, Hit]] = field(default_factory=list)
    cleared: list[tuple[str, datetime]] = field(default_factory=list)
    began: list[tuple[str, Hit]] = field(default_factory=list)
    """Those of ``raised`` that were not there in the window before."""


def follow(rule: Rule, found: Iterable[Hit], ends: Iterable[datetime], active: dict[str, Any]) -> Outcome:
    """Go through the windows; ``active`` (key → group and since) is brought up to date."""
    made = Outcome()
    by_end: dict[datetime, list[Hit]] = {}
    for hit in found:
        by_end.setdefault(hit.until, []).append(hit)
    for until in ends:
        now = {key(rule, hit.group): hit for hit in by_end.get(until, ())}
        for name, hit in now.items():
            made.raised.append((name, hit))
            if name not in active:
                made.began.append((name, hit))
                active[name] = {"group": hit.group, "since": until.isoformat(), "message": text(rule, hit)}
        for name in [name for name in active if name not in now]:
            made.cleared.append((name, until))
            del active[name]
    return made
