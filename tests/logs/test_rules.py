"""Log rules: what they raise and clear, when, and what they would have."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from mainstay.kernel.platform import Platform
from mainstay.kernel.signals import RAW_EVENTS, RawEvent
from mainstay.modules.logs.rules import engine, service
from mainstay.modules.logs.rules import jobs as rule_jobs
from mainstay.modules.logs.search import service as search
from tests.logs.stored import line, store
from tests.support import World

BASE = "/api/logs/rules/"
NOW = datetime(2026, 11, 22, 12, 0, 30, tzinfo=UTC)


def rule(**values: Any) -> engine.Rule:
    return engine.rule_of({"name": "R", "id": "r1", "threshold": 2, "window": 10, "every": 5, **values})


def test_every_window_is_due_once_and_a_long_gap_is_cut() -> None:
    five = rule()
    noon = NOW.replace(second=0)
    assert engine.due(five, None, NOW) == [noon]
    assert engine.due(five, noon, NOW) == []
    assert engine.due(five, noon, NOW + timedelta(minutes=4)) == []
    assert engine.due(five, noon - timedelta(minutes=10), NOW) == [noon - timedelta(minutes=5), noon]
    assert len(engine.due(five, noon - timedelta(days=3), NOW)) == 12


def test_messages_are_filled_and_what_is_unknown_is_named() -> None:
    hit = engine.Hit(until=NOW, group={"host": "sw1", "fields.user": "bob"}, value=3, count=7, message="x {value}")
    made = engine.text(rule(message="{fields.user} on {host}: {value} > {threshold} ({message})"), hit)
    assert made == "bob on sw1: 3 > 2 (x {value})"
    assert engine.unknown_place("{value} {usr}", ["user"]) == "usr"
    assert engine.unknown_place("{user}", ["user"]) is None
    assert engine.key(rule(), {"a": "1"}) != engine.key(rule(), {"a": "2"})


def test_what_goes_on_is_raised_again_and_what_ends_is_cleared() -> None:
    ends = [NOW + timedelta(minutes=5 * n) for n in range(4)]
    hits = [engine.Hit(until=ends[n], group={"host": host}, value=9, count=9)
            for n, host in ((0, "a"), (1, "a"), (1, "b"), (3, "a"))]  # fmt: skip
    active: dict[str, Any] = {}
    made = engine.follow(rule(), hits, ends, active)
    assert [hit.until for _key, hit in made.raised] == [ends[0], ends[1], ends[1], ends[3]]
    assert [(hit.until, hit.group["host"]) for _key, hit in made.began] == [
        (ends[0], "a"), (ends[1], "b"), (ends[3], "a"),
    ]  # fmt: skip
    assert [at for _key, at in made.cleared] == [ends[2], ends[2]]
    assert [item["group"] for item in active.values()] == [{"host": "a"}]


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch, world: World) -> Iterator[list[RawEvent]]:
    """What the event engine is told of this organization, while the schedule itself stands still.

    A run goes through the rules of all organizations: those of the tests before clear what they raised."""

    async def idle(_platform: Platform, _now: datetime) -> int:
        return 0

    monkeypatch.setattr(rule_jobs, "service", SimpleNamespace(run_due=idle))
    told: list[RawEvent] = []

    async def hear(_platform: Platform, batch: list[RawEvent]) -> None:
        ours = (event for event in batch if event.organization == world.organization)
        told.extend(event for event in ours if event.source == "log_rule")

    before = list(RAW_EVENTS._handlers)
    RAW_EVENTS._handlers[:] = [hear]
    yield told
    RAW_EVENTS._handlers[:] = before


async def failures(world: World, minute: datetime, counts: dict[str, int]) -> None:
    """Failed log-ins per host, received in this minute."""
    await store(
        world.platform,
        [
            line(world.organization, f"Failed password for u{n}", host=host, source="192.0.2.77", ci="ci7",
                 received=minute + timedelta(seconds=n), time=minute + timedelta(seconds=n),
                 fields={"user": f"u{n % 3}", "size": str(n * 10)})
            for host, count in counts.items() for n in range(count)
        ],
    )  # fmt: skip


async def make(world: World, **values: Any) -> str:
    given = {"name": "Log-ins", "query": "failed", "threshold": 2, "window": 1, "every": 1, "group_by": ["host"]}
    made = await world.post(BASE, {**given, **values}, expect=201)
    record: str = made["id"]
    return record


async def test_a_rule_raises_per_group_and_clears_on_its_schedule(world: World, heard: list[RawEvent]) -> None:
    minute = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=10)
    await failures(world, minute, {"sw1": 5, "sw2": 1})
    await failures(world, minute + timedelta(minutes=1), {"sw1": 4, "sw2": 3})
    record = await make(world, severity=2, event_class="LogInFailures", message="{value} on {host}")
    first = minute + timedelta(minutes=1, seconds=5)
    await service.run_due(world.platform, first)
    [event] = heard
    assert (event.organization, event.severity, event.event_class) == (world.organization, 2, "LogInFailures")
    assert (event.message, event.host, event.address, event.ci) == ("5 on sw1", "sw1", "192.0.2.77", "ci7")
    assert event.variables["threshold"] == "2"
    assert (await world.get(f"/api/logs/lines/{event.reference}/"))["host"] == "sw1"
    await service.run_due(world.platform, first + timedelta(seconds=20))
    assert len(heard) == 1  # once per window
    shown = await world.get(f"{BASE}{record}/")
    assert [item["group"] for item in shown["active"]] == [{"host": "sw1"}]
    assert shown["last_error"] == ""
    await service.run_due(world.platform, first + timedelta(minutes=1))
    assert sorted((item.host, item.clear) for item in heard[1:]) == [("sw1", False), ("sw2", False)]
    assert heard[1].key in {heard[0].key, heard[2].key}
    heard.clear()
    await service.run_due(world.platform, first + timedelta(minutes=2))
    assert [item.clear for item in heard] == [True, True]
    assert (await world.get(f"{BASE}{record}/"))["active"] == []


async def test_the_schedule_evaluates_what_is_due(
    world: World, heard: list[RawEvent], monkeypatch: pytest.MonkeyPatch
) -> None:
    await failures(world, datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=1), {"sw1": 5})
    await make(world)
    monkeypatch.setattr(rule_jobs, "service", service)
    monkeypatch.setattr(rule_jobs, "SETTLE", timedelta())
    await rule_jobs.evaluate(datetime.now(UTC))
    assert world.organization in {event.organization for event in heard}


async def test_windows_that_passed_while_nothing_ran_are_made_up_for(world: World, heard: list[RawEvent]) -> None:
    minute = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=20)
    await make(world, threshold=0)
    await service.run_due(world.platform, minute)
    await failures(world, minute + timedelta(minutes=2), {"sw1": 1})
    await service.run_due(world.platform, minute + timedelta(minutes=5))
    assert [(item.clear, item.at) for item in heard] == [
        (False, minute + timedelta(minutes=3)), (True, minute + timedelta(minutes=4)),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"measure": "distinct", "field": "user", "threshold": 2}, [3]),
        ({"measure": "distinct", "field": "user", "threshold": 3}, []),
        ({"measure": "max", "field": "fields.size", "threshold": 30, "comparison": ">="}, [40]),
        ({"measure": "avg", "field": "size", "threshold": 20, "comparison": "="}, [20]),
        ({"measure": "sum", "field": "size", "threshold": 99}, [100]),
        ({"query": "nothing like it", "threshold": 1, "comparison": "<"}, [0]),
        ({"query": "failed", "threshold": 1, "comparison": "<"}, []),
        ({"measure": "max", "field": "no", "threshold": -1}, []),
        ({"kind": "match"}, [5]),
        ({"window": 3, "threshold": 4}, [5]),
        ({"group_by": ["user"], "threshold": 1}, [2, 2]),
    ],
)
async def test_measures(world: World, heard: list[RawEvent], values: dict[str, Any], expected: list[float]) -> None:
    minute = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=10)
    await failures(world, minute, {"sw1": 5})
    await make(world, **{"group_by": [], **values})
    await service.run_due(world.platform, minute + timedelta(minutes=1))
    assert sorted(float(item.variables["value"]) for item in heard) == expected


async def test_sliding_windows_count_a_line_in_each_they_cover(world: World, heard: list[RawEvent]) -> None:
    minute = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=30)
    await failures(world, minute, {"sw1": 2})
    await failures(world, minute + timedelta(minutes=2), {"sw1": 2})
    record = await make(world, window=3, every=1, threshold=3)
    for ahead in range(1, 7):
        await service.run_due(world.platform, minute + timedelta(minutes=ahead))
    assert [(item.at - minute).seconds // 60 for item in heard if not item.clear] == [3]
    answer = await world.post(f"{BASE}preview/", {"id": record})
    assert (answer["windows"], answer["firing"], answer["raised"]) == (1440, 1, 1)
    assert [(item["state"], item["at"]) for item in answer["results"]] == [
        ("cleared", (minute + timedelta(minutes=4)).isoformat().replace("+00:00", "Z")),
        ("raised", (minute + timedelta(minutes=3)).isoformat().replace("+00:00", "Z")),
    ]
    assert answer["results"][1]["message"] == "Log-ins: 4 in 3 minutes"


async def test_a_preview_needs_no_saved_rule_and_raises_nothing(
    world: World, stranger: World, heard: list[RawEvent]
) -> None:
    minute = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=30)
    await failures(world, minute, {"sw1": 3, "sw2": 4})
    draft = {"query": "failed", "threshold": 2, "group_by": ["host"], "every": 5, "window": 5}
    answer = await world.post(f"{BASE}preview/", {"rule": draft})
    assert answer["raised"] == 2
    assert (await stranger.post(f"{BASE}preview/", {"rule": draft}))["raised"] == 0
    assert heard == []
    refused = await world.post(f"{BASE}preview/", {"rule": {**draft, "query": "(a"}}, expect=400)
    assert "query" in refused["fields"]


async def test_a_rule_that_is_switched_off_or_deleted_clears_what_it_raised(
    world: World, heard: list[RawEvent]
) -> None:
    minute = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=10)
    await failures(world, minute, {"sw1": 5})
    one, two = await make(world), await make(world, name="Other")
    await service.run_due(world.platform, minute + timedelta(minutes=1))
    assert len(heard) == 2
    await world.patch(f"{BASE}{one}/", {"enabled": False})
    await world.delete(f"{BASE}{two}/", expect=204)
    await service.run_due(world.platform, minute + timedelta(minutes=1, seconds=30))
    assert sorted(item.key for item in heard[2:] if item.clear) == sorted(item.key for item in heard[:2])


async def test_an_error_is_shown_and_the_window_stays_due(
    world: World, heard: list[RawEvent], monkeypatch: pytest.MonkeyPatch
) -> None:
    minute = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=10)
    await failures(world, minute, {"sw1": 5})
    record = await make(world)
    monkeypatch.setattr(search, "limits", lambda seconds=0: {"max_memory_usage": 1000})
    await service.run_due(world.platform, minute + timedelta(minutes=1))
    assert "memory" in (await world.get(f"{BASE}{record}/"))["last_error"]
    monkeypatch.undo()
    await service.run_due(world.platform, minute + timedelta(minutes=1, seconds=30))
    assert len(heard) == 1
    assert (await world.get(f"{BASE}{record}/"))["last_error"] == ""


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"query": "severity:bad"}, "query"), ({"group_by": ["message"]}, "group_by"), ({"group_by": "a"}, "group_by"),
        ({"group_by": ["a"] * 6}, "group_by"), ({"message": "{nobody}"}, "message"), ({"measure": "sum"}, "field"),
        ({"window": 7, "every": 5}, "window"), ({"window": 99, "every": 1}, "every"), ({"threshold": "x"}, "threshold"),
        ({"comparison": "~"}, "comparison"), ({"severity": 9}, "severity"),
    ],
)  # fmt: skip
async def test_what_does_not_fit_is_refused_by_name(world: World, values: dict[str, Any], field: str) -> None:
    refused = await world.post(BASE, {"name": "R", "window": 5, "every": 5, **values}, expect=400)
    assert field in refused["fields"]
