"""The rules of event triggers alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mainstay.kernel.calendar import BusinessHours
from mainstay.kernel.richtext import sanitise
from mainstay.modules.servicedesk.eventtickets import engine
from mainstay.modules.servicedesk.eventtickets.engine import Standing, Step

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
OFFICE = BusinessHours(ZoneInfo("UTC"), (((9 * 60, 17 * 60),),) * 7)
FACTS: dict[str, Any] = {
    "message": "Down", "host": "sw1", "device": "sw1", "device_key": "ci1", "event_class": "Link", "fingerprint": "f",
    "site_id": "", "severity": "Critical", "variables": {"if": "ge-1"},
}  # fmt: skip


def test_expressions_name_facts_and_variables() -> None:
    assert engine.fill("{{ host }} {{variables.if}} {{variables.none}}{{site}}.", FACTS) == "sw1 ge-1 ."
    assert engine.unknown_places("{{host}} {{variables.x}} {{colour}}") == ["colour"]
    assert engine.summary("", FACTS) == "sw1: Down"
    assert engine.summary("", {**FACTS, "device": ""}) == "Down"


@given(st.text(), st.dictionaries(st.text(), st.text()), st.text())
def test_whatever_devices_say_stays_text(message: str, variables: dict[str, str], template: str) -> None:
    facts = {**FACTS, "message": message, "variables": variables, "resource": message, "first_seen": NOW}
    for grouping in (choice.id for choice in engine.GROUPINGS):
        assert len(engine.group_key(str(grouping), template, facts)) <= 255
    assert len(engine.summary(template, facts)) <= 500
    table = engine.table([facts])
    assert table.count("<td>") == 5
    assert "<script" not in sanitise(table)


@given(st.integers(0, 10_000_000), st.integers(0, 604_800))
def test_a_trigger_acts_within_its_hours_and_never_early(seconds: int, delay: int) -> None:
    at, pause = NOW + timedelta(seconds=seconds), timedelta(seconds=delay)
    waits = engine.due(at, pause, OFFICE, engine.WAIT)
    assert waits is not None
    assert waits >= at + pause
    assert OFFICE.is_open(waits)
    skips = engine.due(at, pause, OFFICE, engine.SKIP)
    assert skips == (at + pause if OFFICE.is_open(at + pause) else None)
    assert engine.due(at, pause, None, engine.SKIP) == at + pause


@pytest.mark.parametrize(
    ("standing", "on_recurrence", "expected"),
    [
        (None, engine.REOPEN, Step.OPEN),
        ((True, False, 5), engine.NEW, Step.ATTACH),
        ((True, False, 60), engine.REOPEN, Step.OPEN),
        ((False, True, 5), engine.REOPEN, Step.REOPEN),
        ((False, False, 5), engine.REOPEN, Step.OPEN),
        ((False, True, 5), engine.NEW, Step.OPEN),
        ((False, True, 5), engine.NOTE, Step.REMARK),
        ((False, False, 5), engine.NOTE, Step.REMARK),
    ],
)
def test_what_becomes_of_events_whose_group_has_an_incident(
    standing: tuple[bool, bool, int] | None, on_recurrence: str, expected: Step
) -> None:
    known = None
    if standing is not None:
        active, resolved, minutes = standing
        known = Standing(active=active, resolved=resolved, opened_at=NOW - timedelta(minutes=minutes))
    assert engine.step(known, NOW, timedelta(minutes=30), on_recurrence) is expected


def test_the_most_severe_event_weighs() -> None:
    assert engine.weights([3, 1, 4], {}) == {"urgency": 1, "impact": 1}
    assert engine.weights([3], {"3": {"impact": 1, "priority": 2}}) == {"urgency": 2, "impact": 1, "priority": 2}
    assert engine.weights([], {}) == {"urgency": 3, "impact": 5}
    assert engine.check_weights({"1": {"urgency": 3, "impact": 5, "priority": 5}}) is None
    for wrong in ([], {"5": {}}, {"1": 1}, {"1": {"urgency": True}}, {"1": {"urgency": 0}}, {"1": {"colour": 1}}):
        assert engine.check_weights(wrong)
