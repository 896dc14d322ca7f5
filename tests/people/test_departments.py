"""Departments through the API."""

from __future__ import annotations

import pytest

from tests.support import World

PATH = "/ux/common/department/department/"


@pytest.mark.proves(f"POST {PATH}", f"GET {PATH}", f"GET {PATH}{{id}}/")
async def test_a_department_is_created_listed_and_read(world: World) -> None:
    made = await world.post(PATH, {"dept_name": "Finance", "description": "Money"}, expect=201)
    assert made["status"] == "success"
    assert made["data"]["dept_id"] == made["id"]
    listed = await world.get(PATH, params={"search": "fin"})
    assert [row["name"] for row in listed["results"]] == ["Finance"]
    read = await world.get(f"{PATH}{made['id']}/")
    assert read["ci_descr"] == "Money"
    assert read["created_by"] == world.admin.user


@pytest.mark.proves(f"PUT {PATH}{{id}}/", f"DELETE {PATH}{{id}}/")
async def test_a_department_is_changed_and_deleted(world: World) -> None:
    made = await world.post(PATH, {"dept_name": "Finance"})
    changed = await world.put(f"{PATH}{made['id']}/", {**made["data"], "dept_name": "Treasury"})
    assert changed["data"]["dept_name"] == "Treasury"
    history = await world.get(f"{PATH}{made['id']}/history/")
    assert history["results"][0]["changes"] == [
        {"label": "Name", "field": "dept_name", "old": "Finance", "new": "Treasury"}
    ]
    await world.delete(f"{PATH}{made['id']}/", expect=204)
    await world.get(f"{PATH}{made['id']}/", expect=404)


@pytest.mark.proves(f"POST {PATH}multidelete/", f"GET {PATH}options/")
async def test_several_departments_are_deleted_at_once(world: World) -> None:
    made = await world.post(PATH, [{"dept_name": "A"}, {"dept_name": "B"}, {"dept_name": "C"}], expect=201)
    assert (await world.post(f"{PATH}multidelete/", {"ids": made["ids"][:2]}))["deleted"] == 2
    assert [row["dept_name"] for row in (await world.get(PATH))["results"]] == ["C"]
    options = await world.get(f"{PATH}options/")
    assert {"dept_name", "dept_head"} <= {item["name"] for item in options["fields"]}


async def test_names_are_unique_without_regard_to_case(world: World) -> None:
    await world.post(PATH, {"dept_name": "Finance"})
    refused = await world.post(PATH, {"dept_name": "FINANCE"}, expect=400)
    assert refused["fields"] == {"dept_name": ["Another record already has this dept name."]}


async def test_people_let_go_of_a_deleted_department(world: World) -> None:
    made = await world.post(PATH, {"dept_name": "Finance", "dept_head": [{"profile_id": world.admin.profile_id}]})
    assert made["data"]["dept_head"] == world.admin.profile_id
    person = await world.person(department=made["id"])
    team = await world.post("/ux/common/teams/profile/", {"name": "Accounts", "department": "Finance"})
    assert team["data"]["department"] == made["id"]
    await world.delete(f"{PATH}{made['id']}/", expect=204)
    assert (await world.get(f"/ux/common/teams/profile/{team['id']}/"))["department"] is None
    user = await world.get(f"/ux/common/user/profile/{person.profile_id}/")
    assert not user["department"]
    history = await world.get(f"/ux/common/teams/profile/{team['id']}/history/")
    assert history["results"][0]["changes"][0]["old"] == made["id"]


async def test_either_name_of_a_field_can_be_edited(world: World) -> None:
    made = await world.post(PATH, {"dept_name": "Finance", "description": "Money"})
    changed = await world.put(f"{PATH}{made['id']}/", {**made["data"], "name": "Treasury", "ci_descr": "Gold"})
    assert (changed["data"]["dept_name"], changed["data"]["description"]) == ("Treasury", "Gold")
