"""The rules of an incident: statuses and moves, priority, merge fields. Pure; no database, no clock."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mainstay.kernel.fields import Choice

OPEN, IN_PROGRESS, ON_HOLD, RESOLVED_STATE, CLOSED_STATE = 1, 2, 3, 4, 5
STATES = (
    Choice(OPEN, "Open", "#2563eb"), Choice(IN_PROGRESS, "In Progress", "#b45309"),
    Choice(ON_HOLD, "On Hold", "#6b7280"), Choice(RESOLVED_STATE, "Resolved", "#15803d"),
    Choice(CLOSED_STATE, "Closed", "#475569"),
)  # fmt: skip

NEW, RESPONDED, ANALYSIS, ESCALATED, PENDING, RESOLVED, CLOSED = 1, 2, 3, 4, 5, 6, 7


@dataclass(frozen=True, slots=True)
class Status:
    """A status inside a state. ``response`` counts as the first response to the requester (SLA)."""

    id: int
    name: str
    state: int
    next: tuple[int, ...]
    color: str
    response: bool = False
    reopen: bool = False


# The default flow. Resolving is possible from every active status: a first-call fix needs no ceremony.
WORKFLOW: dict[int, Status] = {
    status.id: status
    for status in (
        Status(NEW, "New", OPEN, (RESPONDED, ANALYSIS, RESOLVED), "#2563eb"),
        Status(RESPONDED, "Responded", OPEN, (ANALYSIS, PENDING, RESOLVED), "#0891b2", response=True),
        Status(ANALYSIS, "Analysis", IN_PROGRESS, (ESCALATED, PENDING, RESOLVED), "#b45309", response=True),
        Status(ESCALATED, "Escalated", IN_PROGRESS, (ANALYSIS, PENDING, RESOLVED), "#c2410c", response=True),
        Status(PENDING, "Pending", ON_HOLD, (ANALYSIS, ESCALATED, RESOLVED), "#6b7280"),
        Status(RESOLVED, "Resolved", RESOLVED_STATE, (CLOSED,), "#15803d", response=True, reopen=True),
        Status(CLOSED, "Closed", CLOSED_STATE, (), "#475569", reopen=True),
    )
}
STATUSES = tuple(Choice(status.id, status.name, status.color) for status in WORKFLOW.values())
STATE_NAMES = {choice.id: choice.name for choice in STATES}
REOPENED = ANALYSIS
"""Where a reopened incident goes: it was answered before, so it is work, not news."""

PRIORITIES = (
    Choice(1, "Critical", "#b91c1c"), Choice(2, "High", "#c2410c"), Choice(3, "Medium", "#a16207"),
    Choice(4, "Low", "#15803d"), Choice(5, "Very Low", "#475569"),
)  # fmt: skip
URGENCIES = (Choice(1, "High"), Choice(2, "Medium"), Choice(3, "Low"))
IMPACTS = (
    Choice(1, "Business"),
    Choice(2, "Location"),
    Choice(3, "Department"),
    Choice(4, "Group"),
    Choice(5, "User"),
)
SEVERITIES = (Choice(1, "Critical"), Choice(2, "Major"), Choice(3, "Minor"), Choice(4, "Informational"))
SOURCES = (
    Choice(1, "Portal"), Choice(2, "Email"), Choice(3, "Phone"), Choice(4, "Mobile app"), Choice(5, "API"),
    Choice(6, "Monitoring"), Choice(7, "Chat"), Choice(8, "Technician"),
)  # fmt: skip

# impact → urgency → priority (ITIL: priority follows from impact and urgency).
MATRIX: dict[str, dict[str, int]] = {
    "1": {"1": 1, "2": 2, "3": 3},
    "2": {"1": 2, "2": 2, "3": 3},
    "3": {"1": 2, "2": 3, "3": 4},
    "4": {"1": 3, "2": 3, "3": 4},
    "5": {"1": 3, "2": 4, "3": 5},
}


class IllegalMove(ValueError):
    """A status that cannot follow the present one; the text names both and what can."""


def full_name(status: int) -> str:
    """A status with its state, such as ``Open / New``."""
    found = WORKFLOW[status]
    return f"{STATE_NAMES[found.state]} / {found.name}"


def check_move(before: int, after: int) -> None:
    """Raises ``IllegalMove`` unless ``after`` may follow ``before``."""
    if before == after or after in WORKFLOW[before].next:
        return
    allowed = ", ".join(full_name(status) for status in WORKFLOW[before].next) or "reopening only"
    raise IllegalMove(f"An incident in {full_name(before)} cannot move to {full_name(after)}. Allowed: {allowed}.")


def check_reopen(before: int) -> None:
    """Raises ``IllegalMove`` unless an incident in this status may be reopened."""
    if not WORKFLOW[before].reopen:
        raise IllegalMove(
            f"An incident in {full_name(before)} is open already; only a resolved or closed one is reopened."
        )


def read_status(raw: Any) -> int | None:
    """A status by id, name, ``state / name`` or ``{"id", "name"}``; ``None`` when there is no such."""
    if isinstance(raw, Mapping):
        raw = raw.get("id") or raw.get("name")
    return _STATUS_WORDS.get(str(raw).strip().lower())


def _status_words() -> dict[str, int]:
    words: dict[str, int] = {}
    for status in WORKFLOW.values():
        full = full_name(status.id).lower()
        for word in (str(status.id), status.name.lower(), full, full.replace(" / ", "/")):
            words.setdefault(word, status.id)
    for status in WORKFLOW.values():
        # A state alone means the first status in it.
        words.setdefault(STATE_NAMES[status.state].lower(), status.id)
    return words


_STATUS_WORDS = _status_words()


def priority(impact: int | None, urgency: int | None, matrix: Mapping[str, Mapping[str, int]]) -> int:
    """The priority of an impact and an urgency; Low where the matrix says nothing."""
    return int(matrix.get(str(impact or 5), {}).get(str(urgency or 3), 4))


def check_matrix(value: Any) -> str | None:
    """What is wrong with a priority matrix, or ``None``."""
    wanted = {str(choice.id) for choice in PRIORITIES}
    for impact in IMPACTS:
        row = value.get(str(impact.id)) if isinstance(value, Mapping) else None
        for urgency in URGENCIES:
            if not isinstance(row, Mapping) or str(row.get(str(urgency.id))) not in wanted:
                return f"The matrix needs a priority from 1 to 5 for impact {impact.name} and urgency {urgency.name}."
    return None


def option_map() -> dict[str, list[dict[str, Any]]]:
    """State → the statuses in it."""
    return {
        choice.name: [status_row(status.id) for status in WORKFLOW.values() if status.state == choice.id]
        for choice in STATES
    }


def status_row(status: int) -> dict[str, Any]:
    """A status as the API describes it."""
    found = WORKFLOW[status]
    return {
        "id": found.id, "name": found.name, "state": STATE_NAMES[found.state], "state_id": found.state,
        "color": found.color, "is_response": found.response, "reopen_allowed": found.reopen,
        "comment_required": found.id in (RESOLVED, PENDING),
    }  # fmt: skip


def transitions(status: int) -> list[dict[str, Any]]:
    """The statuses that may follow."""
    return [status_row(following) for following in WORKFLOW[status].next]


_FIELD = re.compile(r"\{\{\s*([a-z_]+)\s*\}\}|\$\{\s*([a-z_]+)\s*\}")

MERGE_FIELDS = (
    "display_id", "summary", "status", "state", "priority", "urgency", "impact", "requester_name", "requester_email",
    "team_name", "assignee_name", "creation_time", "due_date", "resolution_note", "closure_note",
)  # fmt: skip


def merge(text: str, values: Mapping[str, Any]) -> tuple[str, list[str]]:
    """Rich text with its merge fields (``{{display_id}}``) filled in, and the names nobody knows.

    Values are escaped: what a requester wrote does not become markup.
    """
    unknown: list[str] = []

    def fill(match: re.Match[str]) -> str:
        name = match.group(1) or match.group(2)
        if name not in MERGE_FIELDS:
            unknown.append(name)
            return match.group(0)
        value = values.get(name)
        return html.escape("" if value is None else str(value))

    return _FIELD.sub(fill, text), list(dict.fromkeys(unknown))


def display_ids(prefix: str, first: int, count: int) -> Sequence[str]:
    """Consecutive display ids."""
    return [f"{prefix}-{first + index}" for index in range(count)]
