"""What could be suppressed, learned from the history of events."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from mainstay.modules.monitoring.events.noise import BRIEF, HOURLY, pattern
from tests.monitoring.support import DOWN, PATH, UP, engine, happen, rows
from tests.support import World

START = datetime(2026, 10, 1, 2, 30, tzinfo=UTC)


def turns(*given: tuple[float, float]) -> list[tuple[datetime, bool]]:
    """Problems as hours after the start, and minutes they lasted."""
    made = []
    for hours, minutes in given:
        at = START + timedelta(hours=hours)
        made += [(at, False), (at + timedelta(minutes=minutes), True)]
    return made


def test_what_keeps_to_its_hour_day_by_day() -> None:
    found = pattern(turns((0, 50), (24, 40), (48.5, 45), (72, 44), (80, 5)), brief=10)
    assert (found.kind, found.raised, found.days, found.minutes) == (HOURLY, 5, 4, 44)
    assert 2 in found.hours
    # A day of trouble is no habit.
    assert pattern(turns((0, 50), (0.2, 50), (0.5, 50)), brief=10).kind == ""


def test_what_ends_by_itself() -> None:
    spread = [(float(hour), 3.0) for hour in range(0, 70, 7)]
    assert pattern(turns(*spread), brief=10).kind == BRIEF
    assert pattern(turns(*spread), brief=2).kind == ""
    half = [(hour, minutes if number % 2 else 90.0) for number, (hour, minutes) in enumerate(spread)]
    assert pattern(turns(*half), brief=10).kind == ""
    assert pattern([], brief=10).kind == ""
    assert pattern([(START, False)], brief=10).kind == ""
    # Told twice before its end: it lasted from the first time on.
    twice = [(START, False), (START + timedelta(minutes=20), False), (START + timedelta(minutes=30), True)]
    assert pattern(twice, brief=15).kind == ""


@pytest.mark.proves(f"GET {PATH}suppression-adaptive/")
async def test_noise_is_found_in_the_history(world: World, stranger: World) -> None:
    path = f"{PATH}suppression-adaptive/"
    now = datetime.now(UTC) - timedelta(hours=22)
    for number in range(6):
        at = now + timedelta(hours=3 * number)
        await happen(world, DOWN.format(n=1), at=at)
        await happen(world, UP.format(n=1), at=at + timedelta(minutes=1))
        await happen(world, DOWN.format(n=2), at=at, host="sw2", address="192.0.2.2")
    await happen(world, DOWN.format(n=1), at=now + timedelta(hours=21))
    await engine(world).drain()
    found = await world.get(path)
    (noisy,) = found["results"]
    assert (noisy["kind"], noisy["host"], noisy["raised"], noisy["ended"]) == (BRIEF, "sw1", 7, 6)
    assert (noisy["minutes"], noisy["suppressed"]) == (1.0, False)
    live = [row["event_id"] for row in await rows(world, host="sw1", cleared=False)]
    assert noisy["event_ids"] == live
    await world.get(f"{PATH}action/", params={"action": "suppress", "ids": ",".join(live), "reason": "noise"})
    assert (await world.get(path))["results"][0]["suppressed"] is True
    assert (await world.get(path, params={"minimum": 8}))["count"] == 0
    assert (await world.get(path, params={"minutes": 0.5}))["count"] == 0
    assert (await world.get(path, params={"host": "sw2"}))["count"] == 0
    assert (await stranger.get(path))["count"] == 0
    await world.get(path, params={"days": 0}, expect=400)
    looker = await world.granted({"asset": ("view",)})
    await world.get(path, by=looker, expect=403)
