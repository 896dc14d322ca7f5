"""Business-hour profiles through the API."""

from __future__ import annotations

from typing import Any

import pytest

from mainstay.kernel.calendar import ALWAYS
from mainstay.modules.organization.business_hours import service
from tests.support import World

PATH = "/api/business-hours/"


async def profile(world: World, **values: Any) -> dict[str, Any]:
    made: dict[str, Any] = await world.post(PATH, {"name": "Office", "timezone": "Europe/Dublin", **values}, expect=201)
    return made["data"]  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ({"monday": ["09:00-12:30", "13:30-17:00"]}, {"monday": ["09:00-12:30", "13:30-17:00"]}),
        ({"Fri": [["13:00", "17:00"], ["9:00", "13:00"]]}, {"friday": ["09:00-17:00"]}),
        ({"7": {"start": "22:00", "end": "06:00"}}, {"monday": ["00:00-06:00"], "sunday": ["22:00-24:00"]}),
        ({"tue": "00:00 to 24:00", "wed": []}, {"tuesday": ["00:00-24:00"]}),
    ],
)
async def test_hours_are_read_as_people_write_them(world: World, given: Any, stored: Any) -> None:
    made = await profile(world, hours=given)
    assert (await world.get(f"{PATH}{made['id']}/"))["hours"] == stored


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"hours": {"someday": ["09:00-10:00"]}}, "hours"),
        ({"hours": {"monday": ["09:00-09:00"]}}, "hours"),
        ({"hours": {"monday": ["09:00-12:00", "11:00-13:00"]}}, "hours"),
        ({"hours": {"monday": ["9 to 5"]}}, "hours"),
        ({"hours": {"monday": 5}}, "hours"),
        ({"hours": {"monday": []}}, "hours"),
        ({"hours": [1]}, "hours"),
        ({"timezone": "Dublin"}, "timezone"),
        ({"holidays": {"2026-02-30": "Never"}}, "holidays"),
        ({"holidays": [{"name": "No day"}]}, "holidays"),
    ],
)
async def test_hours_that_cannot_be_are_refused_by_field(world: World, values: dict[str, Any], field: str) -> None:
    refused = await world.post(PATH, {"name": "Office", **values}, expect=400)
    assert list(refused["fields"]) == [field]


async def test_working_time_is_counted_by_the_profile(world: World) -> None:
    made = await profile(
        world,
        hours={"monday": ["09:00-17:00"], "tuesday": ["09:00-17:00"]},
        holidays=[{"date": "2026-06-08", "name": "Holiday"}],
    )
    ask = f"{PATH}{made['id']}/calculate/"
    said = await world.post(ask, {"start": "2026-06-01T15:00:00Z", "end": "2026-06-02T09:00:00Z", "minutes": 120})
    assert said == {
        "start": "2026-06-01T15:00:00Z", "is_open": True, "next_open": "2026-06-01T15:00:00Z",
        "business_minutes": 120.0, "due": "2026-06-02T09:00:00Z",
    }  # fmt: skip
    later = await world.post(ask, {"start": "2026-06-03T12:00:00Z"})
    assert (later["is_open"], later["next_open"]) == (False, "2026-06-09T08:00:00Z")
    await world.post(ask, {"minutes": -1}, expect=400)
    await world.post(ask, {"start": "0001-01-01T00:00:00Z"}, expect=400)
    await world.post(ask, {"start": "2026-06-03T12:00:00Z", "end": "2199-06-03T12:00:00Z"}, expect=400)


async def test_the_organizations_holidays_close_a_profile_that_observes_them(world: World) -> None:
    made = await profile(world, observe_holidays=True)
    holiday = world.platform.registry.resources["holiday"].path
    ask = {"start": "2026-06-01T10:00:00Z"}
    assert (await world.post(f"{PATH}{made['id']}/calculate/", ask))["is_open"]
    await world.post(holiday, {"name": "June Holiday", "date": "2026-06-01"}, expect=201)
    assert not (await world.post(f"{PATH}{made['id']}/calculate/", ask))["is_open"]
    await world.patch(f"{PATH}{made['id']}/", {"observe_holidays": False})
    assert (await world.post(f"{PATH}{made['id']}/calculate/", ask))["is_open"]


async def test_one_profile_is_the_default(world: World) -> None:
    (shipped,) = (await world.get(PATH))["results"]
    assert (shipped["name"], shipped["is_default"]) == ("24x7", True)
    async with world.platform.work(world.organization) as ctx:
        assert await service.of(ctx, None) == ALWAYS
    office = await profile(world, is_default=True)
    rows = (await world.get(PATH))["results"]
    assert {row["name"]: row["is_default"] for row in rows} == {"24x7": False, "Office": True}
    async with world.platform.work(world.organization) as ctx:
        assert (await service.of(ctx, "")).timezone.key == "Europe/Dublin"
    refused = await world.delete(f"{PATH}{office['id']}/", expect=409)
    assert "default" in refused["error"]
    await world.patch(f"{PATH}{office['id']}/", {"is_default": False}, expect=409)
    await world.delete(f"{PATH}{shipped['id']}/", expect=204)
