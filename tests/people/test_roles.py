"""Roles through the API: the privileges matrix and who may change it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support import World

PATH = "/ux/common/roles/profile/"
DOCUMENTED = {
    "role_name",
    "parent_role",
    "description",
    "group_id",
    "organization",
    "is_pre_configure",
    "role_type",
    "event_map",
    "last_update_time",
    "is_editable",
}


def section_of(document: dict[str, Any], module: str) -> dict[str, Any]:
    (found,) = [modules[module] for modules in document.values() if module in modules]
    return dict(found)


@pytest.mark.proves(f"POST {PATH}", f"GET {PATH}", f"GET {PATH}{{id}}/")
async def test_a_role_is_created_and_works(world: World) -> None:
    sample = {
        "role_name": "Clerk",
        "description": "Keeps departments",
        "selected_permissions": {
            "General": {"department": {"view": True, "add": True, "edit": False, "delete": False}}
        },
    }
    made = await world.post(PATH, sample, expect=201)
    assert section_of(made["data"]["selected_permissions"], "department")["add"] is True
    assert made["data"]["event_map"] == "department.add,department.view"
    world.roles["Clerk"] = made["id"]
    clerk = await world.person("Clerk")
    await world.post("/ux/common/department/department/", {"dept_name": "Finance"}, by=clerk, expect=201)
    await world.get(PATH, by=clerk, expect=403)
    listed = {row["role_name"]: row for row in (await world.get(PATH))["results"]}
    assert listed["Clerk"]["user_count"] == 1
    assert listed["Infraon Admin"]["is_editable"] is False
    assert listed["Infraon Admin"]["is_pre_configure"] is True
    assert listed["Approver"]["role_type"] == 2
    read = await world.get(f"{PATH}{made['id']}/")
    assert read.keys() >= DOCUMENTED
    assert read["group_id"] > listed["Infraon Admin"]["group_id"]


@pytest.mark.proves(f"PUT {PATH}{{id}}/")
async def test_a_changed_role_holds_at_once(world: World) -> None:
    clerk = await world.granted({"department": ("view",)})
    departments = "/ux/common/department/department/"
    await world.post(departments, {"dept_name": "A"}, by=clerk, expect=403)
    role = await world.get(f"{PATH}{world.roles[clerk.role]}/")
    for modules in role["selected_permissions"].values():
        if "department" in modules:
            modules["department"]["add"] = True
    changed = await world.put(f"{PATH}{role['id']}/", role)
    assert section_of(changed["data"]["selected_permissions"], "department") | {"view": True, "add": True}
    await world.post(departments, {"dept_name": "A"}, by=clerk, expect=201)
    # What a change does not mention stays as it was.
    off = {"selected_permissions": {"x": {"department": {"add": False}}}}
    await world.patch(f"{PATH}{role['id']}/", off)
    await world.get(departments, by=clerk)
    await world.post(departments, {"dept_name": "B"}, by=clerk, expect=403)
    history = await world.get(f"{PATH}{role['id']}/history/")
    assert history["results"][0]["changes"][0]["field"] == "selected_permissions"


@pytest.mark.proves(f"DELETE {PATH}{{id}}/")
async def test_a_role_in_use_is_not_deleted(world: World) -> None:
    clerk = await world.granted({"department": ("view",)})
    path = f"{PATH}{world.roles[clerk.role]}/"
    refused = await world.delete(path, expect=409)
    assert refused["error"].startswith(f"1 user has the role {clerk.role} (Person ")
    await world.delete(f"/ux/common/user/profile/{clerk.profile_id}/")
    await world.delete(path, expect=204)
    await world.get(path, expect=404)


async def test_a_role_of_a_key_is_not_deleted(world: World) -> None:
    made = await world.post(PATH, {"role_name": "Robot"}, expect=201)
    key = await world.post("/api/keys/", {"name": "Nightly", "role": "Robot"}, expect=201)
    refused = await world.delete(f"{PATH}{made['id']}/", expect=409)
    assert "Nightly" in refused["error"]
    await world.post(f"/api/keys/{key['id']}/revoke/")
    await world.delete(f"{PATH}{made['id']}/", expect=204)


async def test_built_in_roles_are_kept(world: World) -> None:
    admin = f"{PATH}{world.roles['Infraon Admin']}/"
    assert "cannot be edited" in (await world.patch(admin, {"description": "x"}, expect=409))["error"]
    assert "cannot be deleted" in (await world.delete(admin, expect=409))["error"]
    await world.delete(f"{PATH}{world.roles['Requester']}/", expect=409)
    await world.patch(f"{PATH}{world.roles['NOC Operator']}/", {"role_name": "Night watch"}, expect=409)
    await world.patch(f"{PATH}{world.roles['NOC Operator']}/", {"description": "Nights"})
    await world.delete(f"{PATH}{world.roles['NOC Operator']}/", expect=204)


async def test_a_role_is_cloned(world: World) -> None:
    made = await world.post(
        f"{PATH}{world.roles['IT Support Operator']}/clone/", {"role_name": "Night desk"}, expect=201
    )
    assert made["data"]["parent_role"] == "IT Support Operator"
    assert made["data"]["is_preconfigured"] is False
    original = await world.get(f"{PATH}{world.roles['IT Support Operator']}/")
    assert made["data"]["event_map"] == original["event_map"]
    everything = await world.post(
        f"{PATH}{world.roles['Infraon Admin']}/clone/", {"role_name": "Nearly all"}, expect=201
    )
    assert everything["data"]["is_admin"] is False
    assert section_of(everything["data"]["selected_permissions"], "user")["delete"] is True
    await world.post(f"{PATH}{made['id']}/clone/", {"role_name": "night DESK"}, expect=400)
    await world.post(f"{PATH}{made['id']}/clone/", {}, expect=400)


@pytest.mark.proves(f"GET {PATH}config/", f"GET {PATH}json/", f"GET {PATH}options/")
async def test_the_matrix_is_described(world: World) -> None:
    config = await world.get(f"{PATH}config/")
    modules = {module["name"]: module for section in config["sections"] for module in section["modules"]}
    assert modules["department"]["privileges"] == ["view", "add", "edit", "delete", "export"]
    blank = (await world.get(f"{PATH}json/"))["selected_permissions"]
    assert {name for part in blank.values() for name in part} == modules.keys()
    assert not any(on for part in blank.values() for module in part.values() for on in module.values())
    full = await world.get(f"{PATH}json/", params={"id": world.roles["Infraon Admin"]})
    assert all(
        on for part in full["selected_permissions"].values() for module in part.values() for on in module.values()
    )
    # The document can be posted as it came.
    await world.post(PATH, {"role_name": "Blank", "selected_permissions": blank}, expect=201)
    options = await world.get(f"{PATH}options/")
    assert "selected_permissions" in {field["name"] for field in options["fields"]}


@pytest.mark.parametrize(
    "document",
    [
        {"General": {"wizardry": {"view": True}}},
        {"General": {"department": {"fly": True}}},
        {"General": {"department": {"view": "perhaps"}}},
        {"General": {"department": ["view"]}},
        {"General": "all"},
        [1],
    ],
)
async def test_a_wrong_document_is_refused(world: World, document: Any) -> None:
    refused = await world.post(PATH, {"role_name": "Odd", "selected_permissions": document}, expect=400)
    assert list(refused["fields"]) == ["selected_permissions"]


async def test_nobody_makes_a_role_that_holds_more_than_they_do(world: World) -> None:
    keeper = await world.granted({"role": ("view", "add", "edit", "delete"), "department": ("view",)})
    own = f"{PATH}{world.roles[keeper.role]}/"
    more = {"selected_permissions": {"x": {"department": {"view": True, "delete": True}}}}
    refused = await world.patch(own, more, by=keeper, expect=403)
    assert refused["error"] == "You cannot make a role that may delete department: you may not yourself."
    await world.post(PATH, {"role_name": "More", **more}, by=keeper, expect=403)
    await world.post(f"{PATH}{world.roles['IT Manager']}/clone/", {"role_name": "More"}, by=keeper, expect=403)
    await world.patch(f"{PATH}{world.roles['IT Manager']}/", {"description": "x"}, by=keeper, expect=403)
    await world.delete(f"{PATH}{world.roles['IT Manager']}/", by=keeper, expect=403)
    less = {"selected_permissions": {"x": {"department": {"view": True}}}}
    await world.post(PATH, {"role_name": "Less", **less}, by=keeper, expect=201)


async def test_roles_of_others_are_out_of_reach(world: World, stranger: World) -> None:
    path = f"{PATH}{stranger.roles['Approver']}/"
    await world.get(path, expect=404)
    await world.patch(path, {"description": "x"}, expect=404)
    await world.delete(path, expect=404)
    await world.post(f"{path}clone/", {"role_name": "x"}, expect=404)
    await world.get(f"{PATH}json/", params={"id": stranger.roles["Approver"]}, expect=404)
