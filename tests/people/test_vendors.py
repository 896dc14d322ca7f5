"""Vendors through the API."""

from __future__ import annotations

import pytest

from tests.support import World

PATH = "/ux/common/vendor/vendor/"


@pytest.mark.proves(f"POST {PATH}", f"GET {PATH}", f"GET {PATH}{{id}}/")
async def test_a_vendor_is_created_listed_and_read(world: World) -> None:
    place = await world.post("/ux/common/org/location/", {"location_name": "Cork"})
    made = await world.post(
        PATH,
        {
            "name": "Northwind",
            "status": 1,
            "type": "Network",
            "web_url": "northwind.example",
            "location": {"id": place["id"]},
            "contact_person": "Kim Lee",
            "email": "kim@northwind.example",
            "phone_number": {"code": "+353", "number": "1 555 0100"},
        },
        expect=201,
    )
    read = await world.get(f"{PATH}{made['id']}/")
    assert (read["vendor_id"], read["vendor_name"], read["name"]) == (made["id"], "Northwind", "Northwind")
    assert (read["status"], read["status_name"], read["type"]) == (1, "Active", 4)
    assert read["web_url"] == "https://northwind.example"
    assert read["phone_number"] == {"number": "+353 1 555 0100"}
    assert read["location"] == {"id": place["id"], "location_id": place["id"], "location_name": "Cork"}
    listed = await world.get(PATH, params={"search": "kim", "filters": '{"status": "Active"}'})
    assert [row["vendor_name"] for row in listed["results"]] == ["Northwind"]


@pytest.mark.proves(f"PUT {PATH}{{id}}/", f"DELETE {PATH}{{id}}/")
async def test_a_vendor_is_changed_by_either_name_of_a_field(world: World) -> None:
    made = await world.post(PATH, {"vendor_name": "Northwind", "phone_number": "+1 555 0100"})
    place = await world.post("/ux/common/org/location/", {"location_name": "Cork"})
    record = {
        **made["data"],
        "name": "Southwind",
        "status": "Inactive",
        "phone_number": {"number": "+1 555 0199"},
    }
    changed = (await world.put(f"{PATH}{made['id']}/", {**record, "location": {"id": place["id"]}}))["data"]
    assert (changed["vendor_name"], changed["status"]) == ("Southwind", 0)
    assert changed["phone_number"] == {"number": "+1 555 0199"}
    assert changed["location"]["location_name"] == "Cork"
    await world.put(f"{PATH}{made['id']}/", {**changed, "location": {"id": "nowhere"}}, expect=400)
    await world.delete(f"{PATH}{made['id']}/", expect=204)
    assert (await world.get(PATH))["count"] == 0


@pytest.mark.proves(f"GET {PATH}options/")
async def test_options_offer_status_type_and_places(world: World) -> None:
    await world.post("/ux/common/org/location/", {"location_name": "Cork"})
    choices = (await world.get(f"{PATH}options/"))["choices"]
    assert [item["name"] for item in choices["status"]] == ["Active", "Inactive"]
    assert [item["name"] for item in choices["location_id"]] == ["Cork"]


async def test_names_are_unique_and_input_is_checked(world: World) -> None:
    await world.post(PATH, {"vendor_name": "Northwind"})
    await world.post(PATH, {"vendor_name": "northwind"}, expect=400)
    refused = await world.post(PATH, {"email": "no"}, expect=400)
    assert set(refused["fields"]) == {"vendor_name", "email"}
    viewer = await world.granted({"vendor": ("view",)})
    await world.post(PATH, {"vendor_name": "Mine"}, by=viewer, expect=403)
