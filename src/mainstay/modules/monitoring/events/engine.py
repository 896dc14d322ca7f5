"""What a batch of occurrences does to the live rows: pure decisions, no clock and no database.

States follow X.733 (an end updates the alarm it ends) and ISA-18.2 (cleared and acknowledged are independent).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec

from mainstay.modules.monitoring.events.tables import MAINTENANCE, UNKNOWN

TURNS = 12
"""Turns (raised, cleared) that are remembered of a row."""


class Occurrence(msgspec.Struct, kw_only=True):
    """One thing that happened, classified. ``keys``: fingerprints it may be known under, the preferred one first."""

    keys: tuple[str, ...]
    event_class: str
    severity: int
    message: str
    at: datetime
    clear: bool = False
    escalates: bool = False
    """The source itself named the severity, so that another one than before is news."""
    host: str = ""
    address: str = ""
    ci: str = ""
    resource: str = ""
    source: str = ""
    rule: str = ""
    variables: dict[str, Any] = {}
    raw: str = ""
    reference: str = ""
    tags: list[str] = []
    storm: str = ""
    """What it counts for in storm collapse; empty: never collapsed."""
    maintenance: str | None = None
    """The window it is in."""
    parent: str | None = None
    """The event of the device above, where that is down."""
    count: int = 1
    """How often it happened; a source may have gathered equal ones."""
    event: str = ""
    """The row it went to, once that is decided."""


@dataclass(slots=True, kw_only=True)
class Policy:
    """What an organization chose."""

    reopen: timedelta = timedelta(minutes=30)
    flap_turns: int = 6
    flap_window: timedelta = timedelta(minutes=10)


class State(msgspec.Struct):
    """A row as the engine sees it: what is stored, and what this batch did to it."""

    id: str
    fingerprint: str
    severity: int
    original_severity: int
    last_seen: datetime
    cleared: bool = False
    cleared_at: datetime | None = None
    acknowledged: bool = False
    flapping: bool = False
    clear_waits: bool = False
    maintenance: str | None = None
    parent: str | None = None
    version: int = 1
    count: int = 0
    turns: list[float] = []
    added: int = 0
    """Raw events to add to its count."""
    first: Occurrence | None = None
    """What made it, when the row is new."""
    latest: Occurrence | None = None
    actions: list[str] = []
    before: dict[str, Any] | None = None

    def touch(self, action: str) -> None:
        """Note that its state changes; what it was before is kept for the trail."""
        if self.before is None:
            self.before = {name: getattr(self, name) for name in TRACKED}
        self.actions.append(action)


TRACKED = ("severity", "original_severity", "cleared", "cleared_at", "acknowledged", "flapping")


def effective(original: int, maintenance: str | None, parent: str | None) -> int:
    """The severity that is shown: maintenance hides it, else a parent that is down makes it unknown."""
    return MAINTENANCE if maintenance else UNKNOWN if parent else original


def decide(
    states: Iterable[State], batch: Sequence[Occurrence], policy: Policy, new_id: Callable[[], str]
) -> list[State]:
    """Apply the batch in order; returns every state that was touched, new rows included."""
    current: dict[str, State] = {}
    for state in states:
        known = current.get(state.fingerprint)
        if known is None or (known.cleared and not state.cleared):
            current[state.fingerprint] = state
    touched: dict[str, State] = {}
    for item in batch:
        found = None
        for key in item.keys:
            candidate = current.get(key)
            if candidate is not None and (found is None or (found.cleared and not candidate.cleared)):
                found = candidate
        if item.clear:
            if found is not None and not found.cleared:
                _clear(found, item, policy)
                touched[found.id] = found
                item.event = found.id
            continue
        if found is None or not (_is_open(found) or _reopens(found, item, policy)):
            found = _new(item, new_id())
            current[found.fingerprint] = found
        elif found.cleared:
            _reopen(found, item, policy)
        else:
            _again(found, item, policy)
        touched[found.id] = found
        item.event = found.id
    return list(touched.values())


def _is_open(state: State) -> bool:
    return not state.cleared


def _reopens(state: State, item: Occurrence, policy: Policy) -> bool:
    return bool(policy.reopen) and state.cleared_at is not None and item.at - state.cleared_at <= policy.reopen


def _new(item: Occurrence, record_id: str) -> State:
    made = State(
        id=record_id, fingerprint=item.keys[0], original_severity=item.severity, last_seen=item.at, added=item.count,
        severity=effective(item.severity, item.maintenance, item.parent), maintenance=item.maintenance,
        parent=item.parent, first=item, latest=item, turns=[item.at.timestamp()],
    )  # fmt: skip
    made.actions.append("create")
    return made


def _again(state: State, item: Occurrence, policy: Policy) -> None:
    state.added += item.count
    state.last_seen = max(state.last_seen, item.at)
    state.latest = item
    if state.clear_waits:
        state.touch("")
        state.clear_waits = False
        _turn(state, item.at, policy)
    if item.escalates and item.severity != state.original_severity:
        state.touch("update")
        if item.severity < state.original_severity:
            # It got worse than what was acknowledged.
            state.acknowledged = False
        state.original_severity = item.severity
        state.severity = effective(item.severity, state.maintenance, state.parent)


def _reopen(state: State, item: Occurrence, policy: Policy) -> None:
    state.touch("reopen")
    state.cleared, state.cleared_at = False, None
    state.acknowledged = False
    state.clear_waits = False
    state.added += item.count
    state.last_seen = max(state.last_seen, item.at)
    state.latest = item
    if item.severity != state.original_severity:
        state.original_severity = item.severity
    state.maintenance, state.parent = item.maintenance, item.parent
    state.severity = effective(state.original_severity, state.maintenance, state.parent)
    _turn(state, item.at, policy)


def _clear(state: State, item: Occurrence, policy: Policy) -> None:
    if state.clear_waits:
        return
    state.touch("")
    _turn(state, item.at, policy)
    if state.flapping:
        # Neither opened nor closed for every turn: it stays until it has been calm for a while.
        state.clear_waits = True
        return
    state.actions.append("clear")
    state.cleared, state.cleared_at = True, item.at


def _turn(state: State, at: datetime, policy: Policy) -> None:
    """Note a turn; enough of them within the window is flapping."""
    since = at.timestamp() - policy.flap_window.total_seconds()
    state.turns = [*(turn for turn in state.turns if turn > since), at.timestamp()][-TURNS:]
    if not state.flapping and policy.flap_turns and len(state.turns) >= policy.flap_turns:
        state.flapping = True
        state.actions.append("update")


def calmed(state: State, policy: Policy, now: datetime) -> bool:
    """Whether a flapping row has been calm long enough; ends the flapping, and the event where its end waits."""
    last = max(state.turns, default=0.0)
    if now.timestamp() - last < policy.flap_window.total_seconds():
        return False
    state.touch("clear" if state.clear_waits else "update")
    state.flapping = False
    if state.clear_waits:
        state.cleared, state.cleared_at, state.clear_waits = True, now, False
    return True


def difference(state: State) -> list[dict[str, Any]]:
    """The trail of what this batch changed on a row that was there before."""
    from mainstay.kernel.changes import entry

    before: Mapping[str, Any] = state.before or {}
    return [entry(name, old, getattr(state, name)) for name, old in before.items() if old != getattr(state, name)]


def seen(at: datetime, now: datetime) -> datetime:
    """The time to keep of an occurrence: its own, unless its clock is off by more than a day or ahead of ours."""
    return at if now - timedelta(days=1) <= at <= now else now
