"""The engine: from raw events to one live row per problem."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mainstay.kernel.context import Context, system
from mainstay.kernel.live import Stream
from mainstay.kernel.signals import LINES
from mainstay.modules.monitoring.events import placing
from tests.monitoring.support import DOWN, PATH, UP, actions, engine, happen, later, lines, one, rows
from tests.support import World


async def test_a_repeated_problem_is_one_row_and_its_end_clears_it(world: World) -> None:
    await happen(world, *[DOWN.format(n=1)] * 3)
    row = await one(world)
    assert (row["count"], row["event_class"], row["severity_name"]) == (3, "Network | Link | Link Down", "Major")
    assert (row["resource"], row["cleared"]) == ("GigabitEthernet0/1", False)
    assert row["recommended_action"]
    await happen(world, DOWN.format(n=1))
    await happen(world, UP.format(n=2))
    assert not (await one(world))["cleared"]  # the other port's end
    await happen(world, UP.format(n=1))
    row = await one(world)
    assert (row["count"], row["cleared"]) == (4, True)
    assert await actions(world, row["event_id"]) == ["create", "clear"]


async def test_the_same_port_by_its_short_name_is_the_same_problem(world: World) -> None:
    await happen(world, DOWN.format(n=1))
    await happen(world, "%LINK-3-UPDOWN: Interface Gi0/1, changed state to down")
    assert (await one(world))["count"] == 2


async def test_acknowledged_and_cleared_are_independent(world: World) -> None:
    await happen(world, DOWN.format(n=1))
    event = (await one(world))["event_id"]
    await world.post(f"{PATH}action/", {"action": "acknowledge", "ids": [event]})
    row = await one(world)
    assert (row["acknowledged"], row["cleared"], row["acknowledged_by_name"]) == (True, False, "Ada Admin")
    await happen(world, UP.format(n=1))
    row = await one(world)
    assert (row["acknowledged"], row["cleared"]) == (True, True)
    await happen(world, DOWN.format(n=1))
    row = await one(world)
    # It came back: the same event, and nobody has seen it yet.
    assert (row["acknowledged"], row["cleared"], row["acknowledged_by"], row["count"]) == (False, False, None, 2)
    assert await actions(world, event) == ["create", "acknowledge", "clear", "reopen"]


async def test_after_the_time_to_reopen_a_problem_is_a_new_event(world: World) -> None:
    await world.put("/api/settings", {"values": {"events.reopen_minutes": 0}})
    await happen(world, DOWN.format(n=1))
    await happen(world, UP.format(n=1))
    await happen(world, DOWN.format(n=1))
    assert [row["cleared"] for row in await rows(world)] == [False, True]


async def test_raised_cleared_and_raised_in_one_batch(world: World) -> None:
    await world.put("/api/settings", {"values": {"events.reopen_minutes": 0}})
    await happen(world, DOWN.format(n=1), UP.format(n=1), DOWN.format(n=1), DOWN.format(n=1))
    found = sorted(await rows(world), key=lambda row: row["cleared"])
    assert [(row["cleared"], row["count"]) for row in found] == [(False, 2), (True, 1)]


async def test_a_severity_that_the_source_raises_takes_the_acknowledgement_away(world: World) -> None:
    await happen(world, "Queue is long", key="queue", event_class="Queue", severity=3)
    event = (await one(world))["event_id"]
    await world.post(f"{PATH}action/", {"action": "acknowledge", "ids": [event]})
    await happen(world, "Queue is very long", key="queue", event_class="Queue", severity=1)
    row = await one(world)
    assert (row["severity"], row["original_severity"], row["acknowledged"], row["count"]) == (1, 1, False, 2)
    await happen(world, "Queue is fine", key="queue", event_class="Queue", clear=True)
    assert (await one(world))["cleared"]


async def test_a_flapping_port_is_one_open_event_until_it_is_calm(world: World) -> None:
    for _ in range(5):
        await happen(world, DOWN.format(n=1), UP.format(n=1))
    row = await one(world)
    assert (row["flapping"], row["cleared"]) == (True, False)
    changes = len(await actions(world, row["event_id"]))
    for _ in range(5):
        await happen(world, DOWN.format(n=1), UP.format(n=1))
    assert len(await actions(world, row["event_id"])) == changes  # no noise for every turn
    await later(world, datetime.now(UTC) + timedelta(minutes=5))
    assert (await one(world))["flapping"]
    await later(world, datetime.now(UTC) + timedelta(minutes=11))
    row = await one(world)
    assert (row["flapping"], row["cleared"]) == (False, True)


async def test_a_storm_becomes_one_counted_row(world: World) -> None:
    await world.put("/api/settings", {"values": {"events.storm": 20}})
    await happen(world, *[DOWN.format(n=n) for n in range(500)])
    await happen(world, *[DOWN.format(n=n) for n in range(500, 600)])
    await happen(world, DOWN.format(n=1), address="192.0.2.2", host="sw2")  # another device is not concerned
    found = await rows(world)
    assert len(found) == 22
    storm = next(row for row in found if row["rule"] == "storm")
    assert storm["count"] == 580
    assert "Link Down" in storm["message"]
    read = await world.get(f"{PATH}{storm['event_id']}/")
    assert "GigabitEthernet0/20" in read["variables"]["members"]
    await later(world, datetime.now(UTC) + timedelta(minutes=11))
    assert (await one(world, rule="storm"))["cleared"]


async def test_news_that_nothing_ends_are_cleared_when_old(world: World) -> None:
    await happen(world, "%SYS-5-CONFIG_I: Configured from console by ada on vty0 (192.0.2.9)", DOWN.format(n=1))
    await later(world, datetime.now(UTC) + timedelta(hours=23))
    assert not any(row["cleared"] for row in await rows(world))
    await later(world, datetime.now(UTC) + timedelta(hours=25))
    assert {row["event_class"]: row["cleared"] for row in await rows(world)} == {
        "Config | Exiting Configuration Mode": True,
        "Network | Link | Link Down": False,
    }


async def test_noise_raises_nothing(world: World) -> None:
    await happen(
        world,
        "%LINEPROTO-5-UPDOWN: Line protocol on Interface GigabitEthernet0/1, changed state to down",
        "%SEC_LOGIN-5-LOGIN_SUCCESS: Login Success [user: admin] [Source: 192.0.2.1] [localport: 22]",
    )
    assert await rows(world) == []


async def test_log_lines_that_a_rule_knows_become_events(world: World) -> None:
    batch = lines(world, "nothing to see", DOWN.format(n=3), "more of nothing")
    await LINES.publish(world.platform, batch)
    text = "Failed password for root from 203.0.113.9 port 5 ssh2"
    failed = lines(world, text, app="sshd", procid="77", host="web1", source="192.0.2.8")
    await LINES.publish(world.platform, failed)
    found = {row["event_class"]: row for row in await rows(world)}
    assert set(found) == {"Network | Link | Link Down", "Security | Authentication | Login Failed"}
    link = found["Network | Link | Link Down"]
    assert (link["host"], link["address"], link["source"], link["reference"]) == ("core1", "192.0.2.7", "syslog", "1")
    login = found["Security | Authentication | Login Failed"]
    assert login["message"].startswith("sshd[77]: Failed password")


async def test_lines_that_no_rule_knows_can_be_events_by_their_level(world: World) -> None:
    await LINES.publish(world.platform, lines(world, "xyzzy exploded", severity=2))
    assert await rows(world) == []
    await world.put("/api/settings", {"values": {"events.unclassified_level": 3}})
    await LINES.publish(world.platform, lines(world, "xyzzy exploded 17 times", "plugh", severity=2))
    await LINES.publish(world.platform, lines(world, "xyzzy exploded 18 times", severity=2))
    found = {row["message"]: row for row in await rows(world)}
    assert set(found) == {"xyzzy exploded 17 times", "plugh"}
    assert (found["plugh"]["severity_name"], found["xyzzy exploded 17 times"]["count"]) == ("Critical", 2)


async def test_every_occurrence_is_kept_and_shown(world: World, stranger: World) -> None:
    await happen(world, *[DOWN.format(n=1)] * 3, raw="<187>the whole datagram")
    await happen(world, UP.format(n=1))
    await engine(world).drain()
    event = (await one(world))["event_id"]
    kept = await world.get(f"{PATH}{event}/occurrences/", params={"items_per_page": 2})
    assert kept["count"] == 4
    assert [row["clear"] for row in kept["results"]] == [True, False]
    assert kept["results"][1]["raw"] == "<187>the whole datagram"
    await stranger.get(f"{PATH}{event}/occurrences/", expect=404)


async def test_two_batches_at_once_make_one_row(world: World) -> None:
    await asyncio.gather(*[happen(world, *[DOWN.format(n=n) for n in range(50)]) for _ in range(6)])
    found = await rows(world)
    assert len(found) == 50
    assert {row["count"] for row in found} == {6}


async def test_counts_reach_open_consoles_without_a_change_of_record(world: World) -> None:
    await happen(world, DOWN.format(n=1))
    row = await one(world)
    live = world.platform.live
    assert live is not None
    told: list[tuple[str, str, dict[str, Any]]] = []

    def heard(organization: str, event: str, data: dict[str, Any], permission: str = "") -> None:
        told.append((organization, event, data))

    before, live.publish = live.publish, heard  # type: ignore[method-assign]
    live.streams.add(Stream(system(world.organization), frozenset()))
    try:
        await happen(world, *[DOWN.format(n=1)] * 4)
        engine(world).tell()
    finally:
        live.publish = before  # type: ignore[method-assign]
        live.streams.clear()
    # The engine tells of itself, too, twice a second: perhaps in between.
    mine = [data for organization, event, data in told if (organization, event) == (world.organization, "event_counts")]
    assert mine
    assert [(item["id"], item["count"]) for item in mine[-1]["events"]] == [(row["event_id"], 5)]
    after = await one(world)
    assert (after["count"], after["version"]) == (5, row["version"])


@pytest.fixture
def tree() -> Any:
    """A CMDB that knows one dependency: access1 hangs on core1."""

    async def parents(_ctx: Context, cis: Any) -> dict[str, list[str]]:
        return {ci: ["core1"] for ci in cis if ci == "access1"}

    before = placing.parents_from(parents)
    yield
    placing.parents_from(before)


async def test_what_hangs_on_a_device_that_is_down_is_unknown(world: World, tree: Any) -> None:
    await happen(world, DOWN.format(n=1), ci="access1", address="192.0.2.9")
    await happen(
        world, "core1 does not answer", ci="core1", event_class="Availability | Device Down", address="192.0.2.8"
    )
    await happen(world, DOWN.format(n=2), ci="access1", address="192.0.2.9")
    await happen(world, DOWN.format(n=3), ci="other", address="192.0.2.10")
    found = {row["resource"]: row for row in await rows(world)}
    down = found[""]
    assert [found[f"GigabitEthernet0/{n}"]["severity_name"] for n in (1, 2, 3)] == ["Unknown", "Unknown", "Major"]
    assert found["GigabitEthernet0/1"]["parent"] == down["event_id"]
    await happen(world, "core1 answers", ci="core1", event_class="Availability | Device Up", address="192.0.2.8")
    found = {row["resource"]: row for row in await rows(world)}
    assert [found[f"GigabitEthernet0/{n}"]["severity_name"] for n in (1, 2, 3)] == ["Major"] * 3
    assert found["GigabitEthernet0/2"]["parent"] is None


async def test_an_event_is_found_again_when_its_device_became_known(world: World) -> None:
    await happen(world, DOWN.format(n=1))
    await happen(world, UP.format(n=1), ci="access1")
    assert (await one(world))["cleared"]
