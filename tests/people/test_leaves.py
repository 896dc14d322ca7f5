"""Leaves through the API."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from mainstay.modules.people.leaves import engine
from tests.support import World

PATH = "/ux/common/leaves/leaveinfo/"
CONFIG = {
    "leave_types": [{"name": "Annual leave", "days": 5, "color": "#16a34a"}, {"name": "Sick leave"}],
    "holidays": [{"name": "Founders' day", "date": "2031-01-08"}],
}


async def configured(world: World) -> dict[str, Any]:
    saved: dict[str, Any] = await world.post(f"{PATH}save_config/", CONFIG)
    return saved


def leave(start: str, end: str, **more: Any) -> dict[str, Any]:
    return {"leave_type": "Annual leave", "start_date": start, "end_date": end, **more}


@pytest.mark.proves(f"POST {PATH}save_config/", f"GET {PATH}get_config/")
async def test_administrators_set_types_days_and_holidays(world: World) -> None:
    saved = await configured(world)
    assert [(item["name"], item["days"]) for item in saved["leave_types"]] == [
        ("Annual leave", 5),
        ("Sick leave", None),
    ]
    annual = saved["leave_types"][0]
    await world.post(PATH, leave("2031-01-06", "2031-01-06"))
    changed = {"leave_types": [{**annual, "days": 30}], "weekend": [4, 5], "year_start_month": 4}
    await world.post(f"{PATH}save_config/", changed)
    read = await world.get(f"{PATH}get_config/")
    assert [(item["name"], item["days"]) for item in read["leave_types"]] == [("Annual leave", 30)]
    assert (read["weekend"], read["year_start_month"], len(read["holidays"])) == ([4, 5], 4, 1)
    refused = await world.post(f"{PATH}save_config/", {"leave_types": []}, expect=409)
    assert "1 leave (leave type)" in refused["error"]
    await world.post(f"{PATH}save_config/", {"weekend": [0, 1, 2, 3, 4, 5, 6]}, expect=400)
    operator = await world.person()
    await world.post(f"{PATH}save_config/", {"holidays": []}, by=operator, expect=403)
    assert (await world.get(f"{PATH}get_config/", by=operator))["holidays"][0]["name"] == "Founders' day"


@pytest.mark.proves(f"POST {PATH}", f"GET {PATH}{{id}}/")
async def test_working_days_leave_out_weekends_and_holidays(world: World) -> None:
    await configured(world)
    person = await world.person()
    # Monday to the Tuesday after: eight days, less a weekend and a holiday.
    made = await world.post(PATH, leave("2031-01-06", "2031-01-13T00:00:00Z", reason="Skiing"), by=person, expect=201)
    read = await world.get(f"{PATH}{made['id']}/", by=person)
    assert (read["leave_id"], read["user"], read["days"]) == (made["id"], person.profile_id, 5)
    assert (read["username"], read["email"], read["reason"]) == (person.username, person.email, "Skiing")
    assert read["start_date"].startswith("2031-01-06T00:00:00")
    assert read["leave_type_name"] == "Annual leave"
    weekend = await world.post(PATH, leave("2031-01-18", "2031-01-19"), by=person, expect=400)
    assert "no working day" in weekend["error"]
    backwards = await world.post(PATH, leave("2031-01-19", "2031-01-18"), by=person, expect=400)
    assert "end_date" in backwards["fields"]


async def test_overlapping_and_over_balance_leaves_are_refused(world: World) -> None:
    await configured(world)
    person = await world.person()
    await world.post(PATH, leave("2031-03-03", "2031-03-05"), by=person)
    refused = await world.post(PATH, leave("2031-03-05", "2031-03-06", leave_type="Sick leave"), by=person, expect=400)
    assert refused["error"] == (
        "This overlaps the leave from 2031-03-03 to 2031-03-05. Change that one, or choose other days."
    )
    refused = await world.post(PATH, leave("2031-04-07", "2031-04-09"), by=person, expect=400)
    assert refused["error"] == "Annual leave: 2 of 5 days are left in 2031; this leave takes 3."
    await world.post(PATH, leave("2031-04-07", "2031-04-08"), by=person)
    await world.post(PATH, leave("2031-05-01", "2031-05-30", leave_type="Sick leave"), by=person)
    # The turn of the year: two days of the old year's balance, the rest of the new one's.
    refused = await world.post(PATH, leave("2031-12-30", "2032-01-02"), by=person, expect=400)
    assert "0 of 5 days are left in 2031" in refused["error"]
    other = await world.person()
    await world.post(PATH, leave("2031-12-30", "2032-01-02"), by=other)
    rows = [leave("2031-06-02", "2031-06-03"), leave("2031-06-03", "2031-06-04")]
    await world.post(PATH, rows, by=other, expect=400)


async def test_a_holiday_declared_later_gives_days_back(world: World) -> None:
    await configured(world)
    made = await world.post(PATH, leave("2031-03-03", "2031-03-05"))
    holiday = await world.post("/api/holidays/", {"name": "Carnival", "date": "2031-03-04"})
    assert (await world.get(f"{PATH}{made['id']}/"))["days"] == 2
    await world.delete(f"/api/holidays/{holiday['id']}/")
    assert (await world.get(f"{PATH}{made['id']}/"))["days"] == 3


async def test_people_apply_for_themselves_only(world: World) -> None:
    await configured(world)
    person, other = await world.person(), await world.person()
    await world.post(PATH, leave("2031-03-03", "2031-03-03", user=other.profile_id), by=person, expect=403)
    made = await world.post(PATH, leave("2031-03-03", "2031-03-03", user=other.email), expect=201)
    assert made["data"]["user"] == other.profile_id
    await world.delete(f"{PATH}my_leaves/{made['id']}/", by=person, expect=403)
    await world.delete(f"{PATH}my_leaves/{made['id']}/", by=other, expect=204)
    own = await world.post(f"{PATH}my_leaves/", leave("2031-03-03", "2031-03-03", user=other.email), by=person)
    assert own["data"]["user"] == person.profile_id


@pytest.mark.proves(f"GET {PATH}my_leaves/")
async def test_my_leaves_come_with_my_balances(world: World) -> None:
    await configured(world)
    person = await world.person()
    today = date.today()
    await world.post(PATH, leave("2031-03-03", "2031-03-04"), by=person)
    await world.post(PATH, leave("2031-03-03", "2031-03-04"))
    mine = await world.get(f"{PATH}my_leaves/", by=person)
    assert [row["user"] for row in mine["results"]] == [person.profile_id]
    assert {item["year"] for item in mine["balances"]} == {today.year}
    left = await world.get(f"{PATH}balances/", params={"user": person.email, "year": 2031})
    assert [(item["leave_type"], item["taken"], item["remaining"]) for item in left["results"]] == [
        ("Annual leave", 2, 3),
        ("Sick leave", 0, None),
    ]


@pytest.mark.proves(f"GET {PATH}")
async def test_pages_go_by_items_per_page_and_offset(world: World) -> None:
    await world.post(f"{PATH}save_config/", {"leave_types": [{"name": "Annual leave"}]})
    first = date(2031, 3, 3)
    days = [first + timedelta(days=7 * n) for n in range(7)]
    await world.post(PATH, [leave(str(day), str(day), reason=f"R{n}") for n, day in enumerate(days)])
    wanted = {"items_per_page": 3, "offset": 2, "sort": "start_date"}
    page = await world.get(PATH, params=wanted)
    assert (page["count"], [row["reason"] for row in page["results"]]) == (7, ["R2", "R3", "R4"])
    assert "offset=5" in page["next"]
    assert "offset=0" in page["previous"]
    last = await world.get(page["next"].replace("http://mainstay.test", ""))
    assert ([row["reason"] for row in last["results"]], last["next"]) == (["R5", "R6"], None)
    await world.get(PATH, params={"offset": -1}, expect=400)


@pytest.mark.proves(f"PUT {PATH}{{id}}/", f"PATCH {PATH}{{id}}/", f"DELETE {PATH}{{id}}/")
async def test_a_leave_is_changed_under_the_same_rules(world: World) -> None:
    await configured(world)
    made = await world.post(PATH, leave("2031-03-03", "2031-03-04"))
    await world.post(PATH, leave("2031-03-10", "2031-03-10"))
    longer = await world.put(f"{PATH}{made['id']}/", {**made["data"], "end_date": "2031-03-06"})
    assert longer["data"]["days"] == 4
    await world.patch(f"{PATH}{made['id']}/", {"end_date": "2031-03-07"}, expect=400)
    await world.patch(f"{PATH}{made['id']}/", {"start_date": "2031-03-10", "end_date": "2031-03-10"}, expect=400)
    patched = await world.patch(f"{PATH}{made['id']}/", {"reason": "Rest"})
    assert (patched["data"]["reason"], patched["data"]["days"]) == ("Rest", 4)
    await world.delete(f"{PATH}{made['id']}/", expect=204)
    await world.post(PATH, leave("2031-03-03", "2031-03-06"), expect=201)


@pytest.mark.proves(f"GET {PATH}get_options/")
async def test_options_offer_the_leave_types(world: World) -> None:
    await configured(world)
    options = await world.get(f"{PATH}get_options/")
    assert [item["name"] for item in options["choices"]["leave_type"]] == ["Annual leave", "Sick leave"]


async def test_the_calendar_shows_who_is_away(world: World) -> None:
    await configured(world)
    person = await world.person(full_name="Bo Berg")
    made = await world.post(PATH, leave("2031-01-06", "2031-01-07"), by=person)
    month = await world.get(f"{PATH}calendar/", params={"date": "2031-01-15"})
    assert len(month["days"]) == 31
    by_day = {item["date"]: item for item in month["days"]}
    assert by_day["2031-01-07"]["leaves"] == [made["id"]]
    assert by_day["2031-01-08"] == {
        "date": "2031-01-08",
        "working": False,
        "holiday": "Founders' day",
        "leaves": [],
    }
    assert (month["leaves"][0]["full_name"], month["leaves"][0]["color"]) == ("Bo Berg", "#16a34a")
    week = await world.get(f"{PATH}calendar/", params={"view": "week", "date": "2031-01-08", "user": world.admin.email})
    assert (week["start"], week["end"], week["leaves"]) == ("2031-01-06", "2031-01-12", [])
    typed = await world.get(f"{PATH}calendar/", params={"date": "2031-01-08", "leave_type": "Sick leave"})
    assert typed["leaves"] == []
    await world.get(f"{PATH}calendar/", params={"view": "century"}, expect=400)


def test_leave_years_start_in_their_month() -> None:
    assert engine.leave_year(date(2031, 3, 31), 4) == 2030
    assert engine.year_bounds(2030, 4) == (date(2030, 4, 1), date(2031, 3, 31))
    days = engine.working_days(date(2031, 1, 3), date(2031, 1, 7), {5, 6}, {date(2031, 1, 6)})
    assert days == [date(2031, 1, 3), date(2031, 1, 7)]
