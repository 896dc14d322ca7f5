"""The rules of event triggers: when they act, what belongs together, what an incident says. Pure."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from mainstay.kernel.calendar import BusinessHours
from mainstay.kernel.fields import Choice

ACTIVE, INACTIVE = "active", "inactive"
STATUSES = (Choice(ACTIVE, "Active", "#15803d"), Choice(INACTIVE, "Inactive", "#6b7280"))

ALERT, CORRELATION = "alert", "correlation"
TYPES = (Choice(ALERT, "Alert Raises"), Choice(CORRELATION, "Notify After Correlation"))
SETTLING = timedelta(seconds=15)
"""What correlation gets to find the cause of an event (a parent that is down is noticed a moment later)."""

WAIT, SKIP = "wait", "skip"
OUTSIDE = (Choice(WAIT, "Wait until they begin"), Choice(SKIP, "Do nothing"))

BY_EVENT, BY_CI, BY_CLASS = "event", "ci", "event_class"
BY_SITE, BY_TRIGGER, BY_EXPRESSION = "site", "all", "expression"
GROUPINGS = (
    Choice(BY_EVENT, "One incident per problem"), Choice(BY_CI, "One incident per device"),
    Choice(BY_CLASS, "One incident per event class"), Choice(BY_SITE, "One incident per site"),
    Choice(BY_TRIGGER, "One incident for all"), Choice(BY_EXPRESSION, "By expression"),
)  # fmt: skip

RESOLVE, NOTE, NOTHING = "resolve", "note", "nothing"
ON_CLEAR = (Choice(RESOLVE, "Resolve the incident"), Choice(NOTE, "Add a note"), Choice(NOTHING, "Do nothing"))
REOPEN, NEW = "reopen", "new"
ON_RECURRENCE = (Choice(REOPEN, "Reopen the incident"), Choice(NEW, "Open a new incident"), Choice(NOTE, "Add a note"))

SUMMARY = "{{device}}: {{message}}"
RESOLUTION = "All events of this incident have cleared."

# Severity of an event → urgency and impact of its incident (their codes).
BY_SEVERITY: dict[str, dict[str, int]] = {
    "1": {"urgency": 1, "impact": 1},
    "2": {"urgency": 1, "impact": 2},
    "3": {"urgency": 2, "impact": 3},
    "4": {"urgency": 3, "impact": 5},
}

FIELDS = (
    "event_id", "event_class", "message", "severity", "host", "address", "device", "resource", "source", "rule",
    "reference", "ci", "ci_name", "ci_team", "site", "tags", "count", "first_seen", "assignee", "fingerprint",
    "trigger",
)  # fmt: skip
"""What an expression may name, beside ``variables.<name>``."""
_PLACE = re.compile(r"\{\{\s*([A-Za-z_][\w.-]*)\s*\}\}")
_VARIABLE = re.compile(r"variables\.[\w.-]{1,100}")


def unknown_places(text: str) -> list[str]:
    """The names in an expression that stand for nothing."""
    return [name for name in _PLACE.findall(text) if name not in FIELDS and not _VARIABLE.fullmatch(name)]


def fill(text: str, facts: Mapping[str, Any], *, quote: Callable[[str], str] = str) -> str:
    """An expression with the facts of an event in it; what the event does not say is empty."""

    def value(match: re.Match[str]) -> str:
        name = match.group(1)
        variables = facts.get("variables") or {}
        found = variables.get(name[10:]) if name.startswith("variables.") else facts.get(name)
        return quote("" if found is None else str(found))

    return _PLACE.sub(value, text)


def due(at: datetime, delay: timedelta, hours: BusinessHours | None, outside: str) -> datetime | None:
    """When a trigger looks at an event that matched at ``at``; ``None``: never.

    The delay runs by the clock on the wall; business hours decide whether the trigger may act at its end.
    """
    then = at + delay
    if hours is None or hours.is_open(then):
        return then
    return hours.next_open(then) if outside == WAIT else None


def group_key(grouping: str, expression: str, facts: Mapping[str, Any]) -> str:
    """What events of one incident have in common, for one trigger."""
    match grouping:
        case "ci":
            key = facts["device_key"]
        case "event_class":
            key = facts["event_class"]
        case "site":
            key = facts["site_id"] or facts["device_key"]
        case "all":
            key = "all"
        case "expression":
            key = fill(expression, facts).strip().lower()
        case _:
            # Not the event's id: the same problem, back after its row was cleared, is a recurrence.
            key = facts["fingerprint"]
    return str(key)[:255]


class Step(Enum):
    """What becomes of matching events whose group may have an incident already."""

    OPEN = "open"
    ATTACH = "attach"
    REOPEN = "reopen"
    REMARK = "remark"


@dataclass(frozen=True, slots=True)
class Standing:
    """The group's incident as it stands: active, resolved (may be taken up again), or over."""

    active: bool
    resolved: bool
    opened_at: datetime


def step(standing: Standing | None, now: datetime, window: timedelta, on_recurrence: str) -> Step:
    """Decide it. A closed incident is history: the next problem is a new one."""
    if standing is None:
        return Step.OPEN
    if standing.active:
        fresh = not window or now - standing.opened_at <= window
        return Step.ATTACH if fresh else Step.OPEN
    if on_recurrence == NOTE:
        return Step.REMARK
    if on_recurrence == REOPEN and standing.resolved:
        return Step.REOPEN
    return Step.OPEN


def weights(severities: Sequence[int], chosen: Mapping[str, Any]) -> dict[str, int]:
    """Urgency and impact, and priority where it was chosen: those of the most severe event."""
    worst = min(severities, default=4)
    own = chosen.get(str(worst)) or {}
    return {**BY_SEVERITY.get(str(worst), BY_SEVERITY["4"]), **{name: int(value) for name, value in own.items()}}


def check_weights(value: Any) -> str | None:
    """What is wrong with a table of urgency and impact by severity, or ``None``."""
    limits = {"urgency": 3, "impact": 5, "priority": 5}
    wrong = 'Give urgency (1 to 3), impact (1 to 5) or priority (1 to 5) by severity, as in {"1": {"urgency": 1}}.'
    if not isinstance(value, Mapping):
        return wrong
    for severity, row in value.items():
        if str(severity) not in BY_SEVERITY or not isinstance(row, Mapping) or not set(row) <= set(limits):
            return wrong
        if not all(type(code) is int and 1 <= code <= limits[name] for name, code in row.items()):
            return wrong
    return None


def summary(template: str, facts: Mapping[str, Any]) -> str:
    """The incident's summary, in one line."""
    text = " ".join(fill(template or SUMMARY, facts).split()).strip(" :-")
    return (text or str(facts["message"]) or "Event")[:500]


def table(rows: Sequence[Mapping[str, Any]], most: int = 20) -> str:
    """Events as a table in rich text; what devices say is escaped."""
    shown = "".join(
        f"<tr><td>{_cell(row['severity'])}</td><td>{_cell(row['device'])}</td><td>{_cell(row['resource'])}</td>"
        f"<td>{_cell(row['message'])}</td><td>{row['first_seen']:%Y-%m-%d %H:%M:%S} UTC</td></tr>"
        for row in rows[:most]
    )
    more = f"<p>and {len(rows) - most} more</p>" if len(rows) > most else ""
    head = "<tr><th>Severity</th><th>Device</th><th>Resource</th><th>Message</th><th>Since</th></tr>"
    return f"<table><thead>{head}</thead><tbody>{shown}</tbody></table>{more}"


def _cell(value: Any) -> str:
    return html.escape(str(value or ""))
