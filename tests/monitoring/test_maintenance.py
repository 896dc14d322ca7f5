"""Maintenance windows: when they are in effect, and what they do to events."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mainstay.modules.monitoring.maintenance.engine import Window
from tests.monitoring.support import DOWN, actions, happen, later, one
from tests.support import World

PATH = "/ux/common/events/maintenance/"


def moment(day: int, hour: int, minute: int = 0, month: int = 1) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


def test_a_weekly_window_that_passes_midnight() -> None:
    window = Window(id="w", start=moment(5, 22), end=moment(6, 1), recurrence="weekly", weekdays=(1,))
    assert window.active(moment(13, 0, 30))
    assert not window.active(moment(14, 0, 30))
    assert not window.active(moment(4, 23))  # before the first time


def test_the_last_day_of_a_month_and_an_hour_that_stays_in_its_time_zone() -> None:
    last = Window(id="w", start=moment(31, 3), end=moment(31, 5), recurrence="monthly", month_day=-1)
    assert [start.day for start, _end in islice(last.times(moment(1, 0)), 3)] == [31, 28, 31]
    berlin = Window(id="w", start=moment(5, 21), end=moment(5, 22), recurrence="daily", timezone="Europe/Berlin")
    (summer, _end), *_rest = berlin.times(moment(1, 0, month=7), 3)
    assert summer.hour == 20  # 22:00 in Berlin, all year


@given(
    st.sampled_from(["once", "daily", "weekly", "monthly"]),
    st.integers(1, 24 * 60),
    st.datetimes(datetime(2025, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC)),
)
def test_a_window_is_active_exactly_within_its_times(kind: str, minutes: int, now: datetime) -> None:
    window = Window(id="w", start=moment(5, 22), end=moment(5, 22) + timedelta(minutes=minutes), recurrence=kind)
    times = list(islice(window.times(now), 3))
    assert times == sorted(times)
    assert all(end > now and end - start == timedelta(minutes=minutes) for start, end in times)
    assert window.active(now) == any(start <= now < end for start, end in times)


@pytest.mark.parametrize(
    ("scope", "hit"),
    [
        ({"hosts": ["SW*"]}, True), ({"hosts": ["core*"]}, False), ({"networks": ["192.0.2.0/24"]}, True),
        ({"networks": ["198.51.100.7"]}, False), ({"classes": ["Network | *"]}, True), ({"rules": ["x"]}, False),
        ({"hosts": ["sw1"], "classes": ["Chassis*"]}, False), ({"everything": True}, True),
    ],
)  # fmt: skip
async def test_events_inside_a_window_are_under_maintenance(world: World, scope: dict[str, object], hit: bool) -> None:
    now = datetime.now(UTC)
    times = {"start": (now - timedelta(hours=1)).isoformat(), "end": (now + timedelta(hours=1)).isoformat()}
    made = await world.post(PATH, {"name": "Work", **times, **scope}, expect=201)
    await happen(world, DOWN.format(n=1))
    row = await one(world)
    assert row["severity_name"] == ("Under Maintenance" if hit else "Major")
    assert row["maintenance"] == (made["id"] if hit else None)
    assert row["original_severity"] == 2
    await later(world, now + timedelta(hours=2))
    row = await one(world)
    assert (row["severity_name"], row["maintenance"], row["cleared"]) == ("Major", None, False)


async def test_live_events_enter_a_window_when_it_begins(world: World) -> None:
    await happen(world, DOWN.format(n=1))
    start = datetime.now(UTC) + timedelta(hours=1)
    times = {"start": start.isoformat(), "end": (start + timedelta(hours=1)).isoformat()}
    made = await world.post(PATH, {"name": "Tonight", "hosts": ["sw1"], **times}, expect=201)
    assert (await one(world))["severity"] == 2
    await later(world, start + timedelta(minutes=1))
    row = await one(world)
    assert (row["severity"], row["maintenance_name"]) == (6, "Tonight")
    await world.delete(f"{PATH}{made['id']}/", expect=204)
    await later(world, start + timedelta(minutes=2))
    row = await one(world)
    assert row["severity"] == 2
    assert await actions(world, row["event_id"]) == ["create", "update", "update"]


async def test_a_window_shows_its_next_times(world: World) -> None:
    now = datetime.now(UTC)
    times = {"start": (now - timedelta(hours=1)).isoformat(), "end": (now + timedelta(hours=1)).isoformat()}
    made = await world.post(PATH, {"name": "W", "recurrence": "daily", "hosts": ["*"], **times}, expect=201)
    shown = await world.get(f"{PATH}{made['id']}/occurrences/")
    assert shown["active"] is True
    assert len(shown["results"]) == 10


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"end": "2026-01-05T21:00:00Z", "hosts": ["a"]}, "end"), ({}, "everything"), ({"networks": ["10.0.0.300"]},
        "networks"), ({"recurrence": "daily", "end": "2026-01-08T21:00:00Z", "hosts": ["a"]}, "end"),
        ({"timezone": "Mars/Base", "hosts": ["a"]}, "timezone"),
    ],
)  # fmt: skip
async def test_what_cannot_be_is_refused_by_name(world: World, given: dict[str, object], field: str) -> None:
    body = {"name": "W", "start": "2026-01-05T22:00:00Z", "end": "2026-01-05T23:00:00Z", **given}
    refused = await world.post(PATH, body, expect=400)
    assert field in refused["fields"]
