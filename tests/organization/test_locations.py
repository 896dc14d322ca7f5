"""Locations through the API."""

from __future__ import annotations

import pytest

from tests.support import World

PATH = "/ux/common/org/location/"
SAMPLE = {
    "location_name": "Head office",
    "country": "Ireland",
    "address": "1 Harbour Street",
    "state": "Leinster",
    "city": "Dublin",
    "area": "Docklands",
    "subarea": "Block B",
    "pincode": "D01",
    "description": "Ring twice",
}


@pytest.mark.proves(f"POST {PATH}", f"GET {PATH}", f"GET {PATH}{{id}}/")
async def test_a_location_takes_the_documented_sample(world: World) -> None:
    made = await world.post(PATH, {**SAMPLE, "latitude": 53.35, "longitude": -6.25}, expect=201)
    read = await world.get(f"{PATH}{made['id']}/")
    assert read["location_id"] == made["id"]
    assert {name: read[name] for name in SAMPLE} == SAMPLE
    assert (read["latitude"], read["is_preconfigured"], read["created_by_gis"]) == (53.35, False, False)
    assert (await world.get(PATH, params={"search": "dublin d01"}))["count"] == 1
    refused = await world.post(PATH, {"location_name": "X", "latitude": 91}, expect=400)
    assert "latitude" in refused["fields"]
    await world.post(PATH, {"location_name": "HEAD OFFICE"}, expect=400)


@pytest.mark.proves(f"PUT {PATH}{{id}}/", f"DELETE {PATH}{{id}}/")
async def test_places_nest_without_circles(world: World) -> None:
    city = await world.post(PATH, {"location_name": "Dublin"})
    site = await world.post(PATH, {"location_name": "Site", "parent": "Dublin"})
    floor = await world.post(PATH, {"location_name": "Floor", "parent": site["id"]})
    refused = await world.put(f"{PATH}{city['id']}/", {"parent": floor["id"]}, expect=400)
    assert "parent" in refused["fields"]
    await world.put(f"{PATH}{city['id']}/", {"parent": city["id"]}, expect=400)
    refused = await world.delete(f"{PATH}{site['id']}/", expect=409)
    assert "part of this one" in refused["error"]
    moved = await world.put(f"{PATH}{floor['id']}/", {**floor["data"], "parent": city["id"], "city": "Dublin"})
    assert (moved["data"]["parent_name"], moved["data"]["city"]) == ("Dublin", "Dublin")
    person = await world.person(location=site["id"])
    team = await world.post("/ux/common/teams/profile/", {"name": "Desk", "location": [site["id"], city["id"]]})
    await world.delete(f"{PATH}{site['id']}/", expect=204)
    assert (await world.get(f"/ux/common/teams/profile/{team['id']}/"))["locations"] == [city["id"]]
    assert not (await world.get(f"/ux/common/user/profile/{person.profile_id}/"))["location"]


@pytest.mark.proves(f"GET {PATH}location_details/")
async def test_details_show_surroundings_and_uses(world: World) -> None:
    city = await world.post(PATH, {"location_name": "Dublin"})
    site = await world.post(PATH, {"location_name": "Site", "parent": city["id"]})
    await world.post(PATH, {"location_name": "Floor", "parent": site["id"]})
    await world.person(location=site["id"])
    details = await world.get(f"{PATH}location_details/", params={"location_name": "site"})
    assert details["location"]["location_id"] == site["id"]
    assert [place["location_name"] for place in details["path"]] == ["Dublin", "Site"]
    assert [place["location_name"] for place in details["children"]] == ["Floor"]
    assert [(use["resource"], use["count"]) for use in details["usages"]] == [("user", 1)]
    await world.get(f"{PATH}location_details/", params={"location_id": "nowhere"}, expect=404)
    await world.get(f"{PATH}location_details/", expect=400)


@pytest.mark.proves(f"GET {PATH}team_location/")
async def test_teams_of_a_place_and_places_of_a_team(world: World) -> None:
    city = await world.post(PATH, {"location_name": "Dublin"})
    floor = await world.post(PATH, {"location_name": "Floor", "parent": city["id"]})
    await world.post(PATH, {"location_name": "Cork"})
    wide = await world.post("/ux/common/teams/profile/", {"name": "City team", "location": [city["id"]]})
    await world.post("/ux/common/teams/profile/", {"name": "Cork team", "location": ["Cork"]})
    await world.post("/ux/common/teams/profile/", {"name": "Nowhere"})
    near = await world.get(f"{PATH}team_location/", params={"location_id": floor["id"]})
    assert [item["team_name"] for item in near["results"]] == ["City team"]
    one = await world.get(f"{PATH}team_location/", params={"team_id": wide["id"]})
    assert one["results"][0]["locations"] == [{"location_id": city["id"], "location_name": "Dublin"}]
    assert (await world.get(f"{PATH}team_location/"))["count"] == 2
    await world.get(f"{PATH}team_location/", params={"location_id": "nowhere"}, expect=404)


async def test_another_organization_sees_nothing(world: World, stranger: World) -> None:
    made = await world.post(PATH, SAMPLE)
    await stranger.get(f"{PATH}location_details/", params={"location_id": made["id"]}, expect=404)
    await stranger.post(PATH, {"location_name": "Floor", "parent": made["id"]}, expect=400)
