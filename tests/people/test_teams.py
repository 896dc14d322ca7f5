"""Teams through the API."""

from __future__ import annotations

from typing import Any

import pytest

from mainstay.modules.people.teams import service
from tests.support import Someone, World

PATH = "/ux/common/teams/profile/"
LOCATION = "/ux/common/org/location/"


def shown(person: Someone) -> dict[str, str]:
    return {"profile_id": person.profile_id, "email": person.email, "full_name": "whatever"}


def ids(people: list[dict[str, Any]]) -> list[str]:
    return [item["profile_id"] for item in people]


@pytest.mark.proves(f"POST {PATH}", f"GET {PATH}", f"GET {PATH}{{id}}/")
async def test_a_team_takes_the_documented_sample_and_answers_people(world: World) -> None:
    one, two = await world.person(), await world.person()
    made = await world.post(
        PATH,
        {
            "name": "Network operations",
            "description": "Lines",
            "type": "Technical/Operation",
            "staff_selection_type": "user",
            "approval_sequence": False,
            "staff": [shown(one), {"email": two.email}],
            "expertiseGroupList": ["routing"],
            "owners": [shown(one)],
        },
        expect=201,
    )
    data = made["data"]
    assert data["team_id"] == made["id"]
    assert ids(data["staffs"]) == [one.profile_id, two.profile_id]
    assert data["staffs"][0]["email"] == one.email
    assert data["staffs"][0]["full_name"].startswith("Person")
    assert ids(data["owner"]) == [one.profile_id]
    assert (data["type"], data["group_type"], data["group_id"]) == ("technical", "technical", 3)
    assert data["expertiseGroupList"] == ["routing"]
    read = await world.get(f"{PATH}{made['id']}/")
    assert ids(read["members"]) == [one.profile_id, two.profile_id]
    listed = await world.get(PATH, params={"search": "network", "sort": "name"})
    assert [row["name"] for row in listed["results"]] == ["Network operations"]
    assert ids(listed["results"][0]["staffs"]) == [one.profile_id, two.profile_id]
    by_member = {"filters": {"field": "staffs", "condition": "contains", "value": two.profile_id}}
    assert (await world.call("GET", PATH, json=by_member))["count"] == 1


@pytest.mark.proves(f"PUT {PATH}{{id}}/", f"DELETE {PATH}{{id}}/")
async def test_a_team_is_changed_as_it_was_read_and_deleted(world: World) -> None:
    one, two = await world.person(), await world.person()
    place = await world.post(LOCATION, {"location_name": "Dublin"})
    made = await world.post(PATH, {"name": "Desk", "type": "service_desk", "module": "Ticket", "staff": [shown(one)]})
    record = {
        **made["data"],
        "staffs": [*made["data"]["staffs"], shown(two)],
        "group_email": "desk@acme.example",
    }
    record["locations"] = [place["id"]]
    changed = (await world.put(f"{PATH}{made['id']}/", record))["data"]
    assert ids(changed["staffs"]) == [one.profile_id, two.profile_id]
    assert changed["location"] == {"locations": [{"location_id": place["id"], "location_name": "Dublin"}]}
    assert (changed["module_id"], changed["module_ui_name"]) == (1, "Ticket")
    history = await world.get(f"{PATH}{made['id']}/history/")
    assert {change["field"] for change in history["results"][0]["changes"]} == {
        "staffs",
        "group_email",
        "locations",
    }
    await world.delete(f"{PATH}{made['id']}/", expect=204)
    await world.get(f"{PATH}{made['id']}/", expect=404)


async def test_levels_and_turns_name_people_who_are_members_then(world: World) -> None:
    one, two, three = [await world.person() for _ in range(3)]
    made = await world.post(
        PATH,
        {
            "name": "Approvers",
            "type": "Approval",
            "is_approval_sequence": True,
            "approval_percentage": 50,
            "sequence_staffs": [shown(two), {"staffs": [shown(one)]}],
            "level_staff": {"L1": [one.email], "L2": [three.username]},
        },
    )
    data = made["data"]
    assert {item["profile_id"] for item in data["staffs"]} == {
        one.profile_id,
        two.profile_id,
        three.profile_id,
    }
    assert [(step["sequence"], ids(step["staffs"])) for step in data["sequence_staffs"]] == [
        (1, [two.profile_id]),
        (2, [one.profile_id]),
    ]
    assert [(step["level"], ids(step["staffs"])) for step in data["level_staff"]] == [
        ("L1", [one.profile_id]),
        ("L2", [three.profile_id]),
    ]
    refused = await world.post(PATH, {"name": "X", "level_staff": {"L1": ["nobody@nowhere"]}}, expect=400)
    assert refused["fields"]["level_staff"] == ["There is no user 'nobody@nowhere'."]
    refused = await world.post(PATH, {"name": "X", "approval_percentage": 101}, expect=400)
    assert "approval_percentage" in refused["fields"]


async def test_members_come_by_tag_and_by_expertise_and_may_be_in_many_teams(world: World) -> None:
    field = await world.person(tags=["field"], expertise=["routing"])
    router = await world.person(expertise=["routing"])
    gone = await world.person(tags=["field"], is_active=False)
    by_tag = await world.post(PATH, {"name": "Field", "tags": ["field"]})
    by_skill = await world.post(PATH, {"name": "Routing", "expertiseGroupList": ["routing"]})
    assert by_tag["data"]["staff_selection_type"] == "tag"
    assert by_skill["data"]["staff_selection_type"] == "expertise"
    async with world.platform.work(world.organization) as ctx:
        members = await service.members_of(ctx, [by_tag["id"], by_skill["id"]])
        teams = await service.teams_with_staff(ctx)
    assert [item.profile_id for item in members[by_tag["id"]]] == [field.profile_id]
    assert [item.profile_id for item in members[by_skill["id"]]] == [field.profile_id, router.profile_id]
    assert gone.profile_id not in {item.profile_id for team in teams for item in team.staffs}
    assert [team.name for team in teams] == ["Field", "Routing"]
    refused = await world.post(PATH, {"name": "None", "staff_selection_type": "tag"}, expect=400)
    assert "tags" in refused["fields"]


@pytest.mark.proves(f"POST {PATH}incident_map/")
async def test_an_incident_is_matched_to_the_team_of_its_place(world: World) -> None:
    city = await world.post(LOCATION, {"location_name": "Dublin"})
    floor = await world.post(LOCATION, {"location_name": "Dublin, floor 2", "parent": city["id"]})
    other = await world.post(LOCATION, {"location_name": "Cork"})
    near = await world.post(PATH, {"name": "Floor team", "location": [floor["id"]]})
    wide = await world.post(PATH, {"name": "City team", "location": [city["id"]]})
    far = await world.post(PATH, {"name": "Cork team", "location": [other["id"]]})
    anywhere = await world.post(PATH, {"name": "Everywhere"})
    await world.post(PATH, {"name": "Board", "type": "cab"})
    await world.post(PATH, {"name": "Change team", "module": "Change"})
    found = await world.post(f"{PATH}incident_map/", {"location": "Dublin, floor 2"})
    assert [item["team"]["team_id"] for item in found["results"]] == [near["id"], wide["id"], anywhere["id"]]
    assert found["team_id"] == near["id"]
    assert found["results"][1]["reasons"] == ["surrounding location"]
    found = await world.post(f"{PATH}incident_map/", {"location": other["id"]})
    assert found["team_id"] == far["id"]
    assert (await world.post(f"{PATH}incident_map/", {}))["team_id"] == ""
    await world.post(f"{PATH}incident_map/", {"location": "Atlantis"}, expect=400)


@pytest.mark.proves(f"POST {PATH}usergrplist/")
async def test_the_teams_of_people_and_the_people_of_teams(world: World) -> None:
    one, two = await world.person(), await world.person()
    desk = await world.post(PATH, {"name": "Desk", "staff": [shown(one), shown(two)]})
    await world.post(PATH, {"name": "Board", "type": "cab", "staff": [shown(one)]})
    found = await world.post(f"{PATH}usergrplist/", {"users": [one.email, two.profile_id], "team_ids": [desk["id"]]})
    assert [[team["name"] for team in item["teams"]] for item in found["users"]] == [
        ["Board", "Desk"],
        ["Desk"],
    ]
    assert ids(found["teams"][0]["members"]) == [one.profile_id, two.profile_id]
    mine = await world.post(f"{PATH}usergrplist/", {}, by=one)
    assert [team["name"] for team in mine["users"][0]["teams"]] == ["Board", "Desk"]
    await world.post(f"{PATH}usergrplist/", {"users": ["nobody"]}, expect=400)


@pytest.mark.proves(f"GET {PATH}validate_team_change/")
async def test_a_change_is_checked_against_open_work(world: World) -> None:
    one, two = await world.person(), await world.person()
    desk = await world.post(PATH, {"name": "Desk", "staff": [shown(one), shown(two)]})
    check = f"{PATH}validate_team_change/"
    free = await world.get(check, params={"team_id": desk["id"]})
    assert free["valid"] is True
    empty = await world.get(check, params={"team_id": desk["id"], "remove": f"{one.email},{two.email}"})
    assert (empty["valid"], empty["msg"]) == (False, "Desk would have no members left.")
    incident = {
        "summary": "No network",
        "requester_email": "ann@acme.example",
        "support_group": desk["id"],
        "assignee": one.profile_id,
    }
    await world.post("/ux/sd/inci/incident/", incident)
    leaving = await world.get(check, params={"team_id": desk["id"], "remove": one.email})
    assert leaving["valid"] is False
    assert ids(leaving["members_left"]) == [two.profile_id]
    assert leaving["msg"] == "1 open incident of Desk would lose their assignee. Reassign them first."
    assert (await world.get(check, params={"team_id": desk["id"], "remove": two.email}))["valid"] is True
    blocked = await world.get(check, params={"team_id": desk["id"]})
    assert blocked["valid"] is False
    assert blocked["usages"][0]["resource"] == "incident"
    refused = await world.delete(f"{PATH}{desk['id']}/", expect=409)
    assert refused["error"] == blocked["msg"]
    load = await world.post(f"{PATH}incident_map/", {})
    assert load["results"][0]["open_incidents"] == 1
    assert load["results"][0]["by_member"] == {one.profile_id: 1, two.profile_id: 0}


@pytest.mark.proves(f"GET {PATH}options/")
async def test_options_offer_types_modules_and_people(world: World) -> None:
    await world.post("/ux/common/tag/tag/", {"tag": "field", "type": "user"})
    options = await world.get(f"{PATH}options/")
    assert [item["name"] for item in options["choices"]["type"]] == [
        "Approval",
        "CAB",
        "Technical/Operation",
        "Service desk",
    ]
    assert world.admin.profile_id in [item["id"] for item in options["choices"]["staffs"]]
    assert options["extra"]["tags"] == ["field"]


async def test_the_built_in_team_stays(world: World) -> None:
    async with world.platform.work(world.organization) as ctx:
        team = await service.make_defaults(ctx)
        assert (await service.make_defaults(ctx)).id == team.id
    await world.delete(f"{PATH}{team.id}/", expect=409)


async def test_lists_cost_four_statements_whatever_their_length(world: World, statements: Any) -> None:
    one = await world.person()
    await world.post(PATH, [{"name": f"Team {n}", "staff": [one.profile_id]} for n in range(60)])
    await world.get(PATH, params={"items_per_page": 5})
    for size in (5, 50):
        statements.ran.clear()
        await world.get(PATH, params={"items_per_page": size, "search": "team"})
        assert len([sql for sql in statements.ran if "auth" not in sql and "apikey" not in sql]) <= 4


async def test_another_organization_sees_nothing(world: World, stranger: World) -> None:
    made = await world.post(PATH, {"name": "Desk"})
    await stranger.get(f"{PATH}{made['id']}/", expect=404)
    await stranger.get(f"{PATH}validate_team_change/", params={"team_id": made["id"]}, expect=404)
    await stranger.post(f"{PATH}usergrplist/", {"team_ids": [made["id"]]}, expect=400)
    viewer = await world.granted({"team": ("view",)})
    await world.post(PATH, {"name": "Mine"}, by=viewer, expect=403)
