"""Requesters through the API: with and without a log-in."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from mainstay.kernel.access.login import start_session
from mainstay.kernel.access.tables import User
from mainstay.kernel.mail import OutboxMail
from tests.support import PASSWORD, World

PATH = "/ux/common/requester/profile/"
NEW = {"full_name": "Meera Nair", "email": "meera@example.com"}
SAMPLE: dict[str, Any] = {
    **NEW,
    "phone_number": "+91 98",
    "phone_ext": "+91",
    "land_line": "044",
    "is_login_active": True,
    "is_login_enable": True,
    "type": "External",
    "notify_email": ["boss@example.com"],
    "notify_phone": ["1"],
    "tags": ["vip"],
    "support_hub": "North",
    "designation": "Clerk",
    "department": "Finance",
    "organization_name": "Acme",
    "emp_type": "Permanent",
    "customer_id": "C1",
    "subscriber_id": "S1",
    "customer_site_group": "G",
    "joining_date": "2024-04-01",
    "business_segment": "B",
    "req_category": "Gold",
    "business_entity": "E",
    "branch_partner": "P",
    "sub_partner": "Q",
    "subscriber_status": "Live",
    "user_details": {
        "username": "meera",
        "password": PASSWORD,
        "confirm_password": PASSWORD,
        "reporting_id": "",
    },
    "location": {"street": "1 Beach Road", "city": "Chennai"},
}
DOCUMENTED = {
    "requester_id",
    "full_name",
    "email",
    "username",
    "phone_ext",
    "contact_number",
    "land_line",
    "type",
    "is_login_enable",
    "avatar_color",
    "work_location",
    "is_login_active",
    "phone_number",
    "user_id",
    "department",
    "requester_type",
    "user_details",
    "creation_time",
    "support_location",
    "emp_type",
    "tags",
    "notify_email",
    "notify_phone",
    "joining_date",
    "invited_user",
    "designation",
    "organization_name",
    "customer_id",
    "customer_entity_id",
    "subscriber_id",
    "customer_site_group",
    "profile_id",
    "employee_id",
    "base_location",
    "contact",
    "unmasked_full_name",
    "unmasked_email",
    "is_ad",
    "subscription_info",
    "is_profile_image",
    "source",
    "is_2fa_enabled",
}


@pytest.fixture
async def meera(world: World) -> dict[str, Any]:
    """A requester who may log in, made from the documented sample."""
    await world.post("/ux/common/department/department/", {"dept_name": "Finance"})
    return dict(await world.post(PATH, SAMPLE, expect=201))


async def account(world: World, profile_id: str) -> User:
    async with world.platform.work(world.organization) as ctx:
        return await ctx.session.get_one(User, profile_id)


async def session(world: World, profile_id: str) -> dict[str, str]:
    """The header of a fresh log-in of this account."""
    async with world.platform.work(world.organization) as ctx:
        token, _row = start_session(ctx, await ctx.session.get_one(User, profile_id), "token")
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.proves(f"POST {PATH}", f"GET {PATH}", f"GET {PATH}{{id}}/")
async def test_a_requester_is_created_with_an_account(world: World, meera: dict[str, Any]) -> None:
    read = await world.get(f"{PATH}{meera['id']}/")
    assert read.keys() >= DOCUMENTED
    assert (read["requester_type"], read["type"], read["department_name"]) == ("External", 2, "Finance")
    assert read["work_location"] == {"street": "1 Beach Road", "city": "Chennai"}
    assert (read["username"], read["joining_date"]) == ("meera", "2024-04-01")
    listed = await world.get(PATH, params={"search": "meera"})
    assert [row["user_id"] for row in listed["results"]] == [read["user_id"]]
    person = await account(world, read["profile_id"])
    assert (person.kind, person.role_ids) == ("requester", [world.roles["Requester"]])
    assert person.must_change_password
    # Requesters are no staff: the user pages do not show them.
    assert (await world.get("/ux/common/user/profile/"))["count"] == 1
    await world.get(f"/ux/common/user/profile/{read['profile_id']}/", expect=404)


async def test_many_without_log_in_and_without_address(world: World) -> None:
    made = await world.post(PATH, [{"full_name": "A"}, {"full_name": "B"}, NEW], expect=201)
    assert made["count"] == 3
    read = await world.get(f"{PATH}{made['ids'][2]}/")
    assert (read["profile_id"], read["user_id"]) == (None, None)
    refused = await world.post(PATH, {"full_name": "C", "email": "MEERA@example.com"}, expect=400)
    assert "email" in refused["fields"]
    await world.post(PATH, {"full_name": "C", "is_login_enable": True}, expect=400)


async def test_without_a_password_the_requester_gets_a_link(world: World) -> None:
    many = [{"full_name": f"R {n}", "email": f"r{n}@example.com", "is_login_enable": True} for n in range(3)]
    ids = (await world.post(PATH, many, expect=201))["ids"]
    rows = [await world.get(f"{PATH}{one}/") for one in ids]
    assert all(row["invited_user"] for row in rows)
    assert len({row["user_id"] for row in rows}) == 3
    async with world.platform.work(world.organization) as ctx:
        mails = (await ctx.session.execute(select(OutboxMail.recipient))).scalars()
        assert sorted(mails) == ["r0@example.com", "r1@example.com", "r2@example.com"]


@pytest.mark.proves(f"PUT {PATH}{{id}}/")
async def test_the_account_follows_the_requester(world: World, meera: dict[str, Any]) -> None:
    path = f"{PATH}{meera['id']}/"
    changed = await world.put(path, {**meera["data"], "full_name": "Meera N", "email": "mn@example.com"})
    person = await account(world, changed["data"]["profile_id"])
    assert (person.full_name, person.email, person.username) == ("Meera N", "mn@example.com", "meera")
    header = await session(world, person.id)
    assert (await world.client.get("/api/user", headers=header)).status_code in (200, 403)
    await world.patch(path, {"is_login_enable": False})
    assert (await world.client.get("/api/user", headers=header)).status_code == 401
    await world.patch(path, {"is_login_enable": True})
    assert (await account(world, person.id)).is_active
    await world.patch(path, {"user_details": {"password": "Another-horse-8", "confirm_password": "no"}}, expect=400)
    await world.patch(path, {"user_details": {"password": "Another-horse-8"}})
    assert (await account(world, person.id)).password_hash != person.password_hash


async def test_a_log_in_is_enabled_later(world: World) -> None:
    made = await world.post(PATH, NEW, expect=201)
    changed = await world.patch(f"{PATH}{made['id']}/", {"is_login_enable": True})
    assert changed["data"]["invited_user"] is True
    assert (await account(world, changed["data"]["profile_id"])).kind == "requester"


@pytest.mark.proves(f"DELETE {PATH}{{id}}/")
async def test_a_deleted_requester_cannot_log_in(world: World, meera: dict[str, Any]) -> None:
    header = await session(world, meera["data"]["profile_id"])
    await world.delete(f"{PATH}{meera['id']}/", expect=204)
    await world.get(f"{PATH}{meera['id']}/", expect=404)
    assert (await world.client.get("/api/user", headers=header)).status_code == 401
    # Name and address are free again.
    await world.post(PATH, SAMPLE, expect=201)


async def test_staff_who_ask_keep_their_account(world: World) -> None:
    someone = await world.person(password=True)
    made = await world.post(PATH, {"full_name": "Same", "email": someone.email, "is_login_enable": True}, expect=201)
    assert (made["data"]["profile_id"], made["data"]["is_staff"]) == (someone.profile_id, True)
    await world.post(f"{PATH}updateRequesterStatus/", {"requester_id": made["id"], "is_active": False})
    await world.delete(f"{PATH}{made['id']}/", expect=204)
    await world.get("/api/user", by=someone)
    again = await world.post(PATH, {"full_name": "Same", "email": someone.email}, expect=201)
    await world.delete(f"/ux/common/user/profile/{someone.profile_id}/")
    assert (await world.get(f"{PATH}{again['id']}/"))["profile_id"] is None


@pytest.mark.proves(f"POST {PATH}updateRequesterStatus/")
async def test_requesters_are_deactivated(world: World, meera: dict[str, Any]) -> None:
    header = await session(world, meera["data"]["profile_id"])
    other = await world.post(PATH, {"full_name": "No log-in"}, expect=201)
    ids = [meera["id"], other["id"]]
    assert (await world.post(f"{PATH}updateRequesterStatus/", {"ids": ids, "is_active": False}))["updated"] == 2
    assert (await world.client.get("/api/user", headers=header)).status_code == 401
    assert not (await account(world, meera["data"]["profile_id"])).is_active
    assert (await world.get(PATH, params={"filters": '{"is_login_active": false}'}))["count"] == 2
    await world.post(f"{PATH}updateRequesterStatus/", {"ids": ids, "is_login_active": True})
    assert (await account(world, meera["data"]["profile_id"])).is_active
    await world.post(f"{PATH}updateRequesterStatus/", {"ids": ids}, expect=400)
    await world.post(f"{PATH}updateRequesterStatus/", {"ids": ["nobody"], "is_active": True}, expect=400)


@pytest.mark.proves(f"POST {PATH}updateReportingMngr/")
async def test_a_reporting_manager_is_set(world: World, meera: dict[str, Any]) -> None:
    boss = await world.person(full_name="Bo Boss")
    one = await world.post(PATH, {"full_name": "One"}, expect=201)
    body = {"ids": [one["id"]], "reporting_id": boss.profile_id}
    assert (await world.post(f"{PATH}updateReportingMngr/", body))["updated"] == 1
    read = await world.get(f"{PATH}{one['id']}/")
    assert (read["user_details"]["reporting_id"], read["reporting_manager_name"]) == (
        boss.profile_id,
        "Bo Boss",
    )
    await world.post(f"{PATH}updateReportingMngr/", {"requester_id": one["id"], "reporting_id": meera["id"]})
    assert (await world.get(f"{PATH}{one['id']}/"))["reporting_manager"] == meera["data"]["profile_id"]
    # Somebody without an account cannot approve anything.
    await world.post(
        f"{PATH}updateReportingMngr/", {"requester_id": meera["id"], "reporting_id": one["id"]}, expect=409
    )
    await world.post(
        f"{PATH}updateReportingMngr/", {"requester_id": meera["id"], "reporting_id": meera["id"]}, expect=400
    )
    await world.post(f"{PATH}updateReportingMngr/", {"requester_id": one["id"], "reporting_id": ""})
    assert (await world.get(f"{PATH}{one['id']}/"))["reporting_manager"] is None


@pytest.mark.proves(f"POST {PATH}requester_details/")
async def test_a_requester_is_found_by_what_is_known(world: World, meera: dict[str, Any]) -> None:
    data = meera["data"]
    for known in (
        {"requester_id": meera["id"]},
        {"email": "MEERA@example.com"},
        {"profile_id": data["profile_id"]},
        {"user_id": data["user_id"]},
    ):
        assert (await world.post(f"{PATH}requester_details/", known))["requester_id"] == meera["id"]
    await world.post(f"{PATH}requester_details/", {"email": "nobody@example.com"}, expect=404)
    await world.post(f"{PATH}requester_details/", {}, expect=400)


@pytest.mark.proves(f"POST {PATH}create_new_requester/")
async def test_a_form_gets_its_requester_in_one_call(world: World) -> None:
    made = await world.post(f"{PATH}create_new_requester/", {"email": "new@example.com"})
    assert made["data"]["full_name"] == "new"
    again = await world.post(f"{PATH}create_new_requester/", {"email": "NEW@example.com", "full_name": "Other"})
    assert (again["id"], again["message"]) == (made["id"], "requester_found")
    assert (await world.get(PATH))["count"] == 1
    await world.post(f"{PATH}create_new_requester/", {}, expect=400)


@pytest.mark.proves(f"GET {PATH}initconfig/")
async def test_the_pages_get_what_they_need(world: World, meera: dict[str, Any]) -> None:
    config = await world.get(f"{PATH}initconfig/")
    assert config["requester_types"] == [{"id": 1, "name": "Internal"}, {"id": 2, "name": "External"}]
    assert (config["total"], config["active"], config["login_enabled"]) == (1, 1, 1)
    assert config["invitation_hours"] == 36
    assert "Finance" in [choice["name"] for choice in config["choices"]["department"]]


async def test_own_changes_reach_the_record(world: World, meera: dict[str, Any]) -> None:
    async with world.platform.work(world.organization) as ctx:
        person = await ctx.session.get_one(User, meera["data"]["profile_id"])
        person.must_change_password = False
        from mainstay.kernel import store

        await store.save(ctx, person)
    header = await session(world, person.id)
    body = {"full_name": "Meera Own", "phone": "77"}
    answer = await world.client.post("/ux/common/user/profile/myprofile/", json=body, headers=header)
    assert answer.status_code == 200, answer.text
    read = await world.get(f"{PATH}{meera['id']}/")
    assert (read["full_name"], read["phone_number"]) == ("Meera Own", "77")
    # The portal's people see no lists of people.
    assert (await world.client.get(PATH, headers=header)).status_code == 403


async def test_nobody_opens_accounts_beyond_their_own_rights(world: World) -> None:
    clerk = await world.granted({"requester": ("view", "add", "edit")})
    await world.post(PATH, NEW, by=clerk, expect=201)
    await world.post(
        PATH,
        {"full_name": "B", "email": "b@example.com", "is_login_enable": True},
        by=clerk,
        expect=403 if (await role_modules(world)) else 201,
    )


async def role_modules(world: World) -> bool:
    """Whether the Requester role holds anything on this installation."""
    role = await world.get(f"/ux/common/roles/profile/{world.roles['Requester']}/")
    return bool(role["event_map"])


async def test_requesters_of_others_are_out_of_reach(world: World, stranger: World) -> None:
    made = await stranger.post(PATH, NEW, expect=201)
    await world.get(f"{PATH}{made['id']}/", expect=404)
    await world.patch(f"{PATH}{made['id']}/", {"full_name": "x"}, expect=404)
    await world.delete(f"{PATH}{made['id']}/", expect=404)
    await world.post(f"{PATH}requester_details/", {"requester_id": made["id"]}, expect=404)
    await world.post(f"{PATH}updateRequesterStatus/", {"ids": [made["id"]], "is_active": False}, expect=400)
    assert (await world.post(f"{PATH}create_new_requester/", NEW))["id"] != made["id"]
