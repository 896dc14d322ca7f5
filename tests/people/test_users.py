"""Users through the API: accounts, their roles, activation, what nobody may do."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from mainstay.kernel.access.tables import ApiKey, Session, User
from mainstay.kernel.mail import OutboxMail
from tests.support import PASSWORD, World

PATH = "/ux/common/user/profile/"
NEW = {"email": "ravi@example.com", "name": "Ravi Kumar", "username": "ravi", "role": "IT Support Operator"}


@pytest.mark.proves(f"POST {PATH}", f"GET {PATH}", f"GET {PATH}{{id}}/")
async def test_a_user_is_created_listed_and_read(world: World) -> None:
    sample = {
        **NEW,
        "password": PASSWORD,
        "confirm_password": PASSWORD,
        "landline": "044 123",
        "phone": "+91 98",
        "timezone": "Asia/Kolkata",
        "is_active": True,
        "organization_role": "",
        "first_name": "Ravi",
        "dashboard": "",
    }
    made = await world.post(PATH, sample, expect=201)
    user = made["data"]
    assert user["profile_id"] == made["id"]
    assert user["user"] > world.admin.user
    assert (user["name"], user["actual_username"], user["profile"]) == (
        "Ravi Kumar",
        "ravi",
        "IT Support Operator",
    )
    listed = await world.get(PATH, params={"search": "ravi"})
    assert [row["email"] for row in listed["results"]] == ["ravi@example.com"]
    read = await world.get(f"{PATH}{made['id']}/")
    documented = {
        "profile_id",
        "user",
        "profile",
        "creation_time",
        "profile_image",
        "avatar",
        "email",
        "name",
        "is_active",
        "department",
        "last_loggged_in",
        "customer_id",
        "customer_entity_id",
        "actual_username",
        "is_multiple_customer_user",
        "is_profile_image",
        "is_ad",
    }
    assert documented <= read.keys()
    async with world.platform.work(world.organization) as ctx:
        stored = await ctx.session.get_one(User, made["id"])
        assert stored.must_change_password
        assert stored.password_hash.startswith("$argon2id$")


async def test_numbers_run_on_and_never_return(world: World) -> None:
    many = [{**NEW, "email": f"u{n}@example.com", "username": f"u{n}"} for n in range(3)]
    ids = (await world.post(PATH, many, expect=201))["ids"]
    numbers = [(await world.get(f"{PATH}{one}/"))["user"] for one in ids]
    assert numbers == [numbers[0], numbers[0] + 1, numbers[0] + 2]
    await world.delete(f"{PATH}{ids[2]}/", expect=204)
    assert (await world.post(PATH, NEW, expect=201))["data"]["user"] > numbers[2]


async def test_a_user_without_a_password_is_sent_a_link(world: World) -> None:
    made = await world.post(PATH, {**NEW, "username": ""}, expect=201)
    assert made["data"]["username"] == "ravi@example.com"
    async with world.platform.work(world.organization) as ctx:
        mails = list((await ctx.session.execute(select(OutboxMail))).scalars())
    assert [mail.recipient for mail in mails] == ["ravi@example.com"]
    assert "/invite?token=" in mails[0].text


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"email": "nobody"}, "email"),
        ({"role": ""}, "role_ids"),
        ({"role": "Wizard"}, "role_ids"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"password": PASSWORD, "confirm_password": "Something-else-1"}, "confirm_password"),
        ({"password": "short"}, "password"),
        ({"password": "ravi-ravi-ravi-1"}, "password"),
        ({"email": "ADMIN@{slug}.example"}, "email"),
    ],
)
async def test_wrong_input_is_named(world: World, wrong: dict[str, str], field: str) -> None:
    wrong = {name: value.replace("{slug}", world.slug) for name, value in wrong.items()}
    wrong = {
        name: f"admin@{world.slug}.example" if value.startswith("ADMIN@") else value for name, value in wrong.items()
    }
    refused = await world.post(PATH, {**NEW, **wrong}, expect=400)
    assert list(refused["fields"]) == [field], refused
    assert (await world.get(PATH))["count"] == 1


@pytest.mark.proves(f"PUT {PATH}{{id}}/", f"DELETE {PATH}{{id}}/", f"GET {PATH}options/")
async def test_a_user_is_changed_and_deleted(world: World) -> None:
    made = await world.post(PATH, NEW, expect=201)
    changed = await world.put(
        f"{PATH}{made['id']}/", {**made["data"], "designation": "Engineer", "role_ids": ["IT Manager"]}
    )
    assert changed["data"]["designation"] == "Engineer"
    assert changed["data"]["profile"] == "IT Manager"
    options = await world.get(f"{PATH}options/")
    assert {"email", "role_ids", "timezone"} <= {field["name"] for field in options["fields"]}
    assert "Infraon Admin" in [choice["name"] for choice in options["choices"]["role_ids"]]
    await world.delete(f"{PATH}{made['id']}/", expect=204)
    await world.get(f"{PATH}{made['id']}/", expect=404)
    # The name and the address are free again.
    await world.post(PATH, NEW, expect=201)


async def test_an_administrator_resets_a_password(world: World) -> None:
    someone = await world.person(password=True)
    await world.patch(f"{PATH}{someone.profile_id}/", {"password": "Another-horse-8"})
    async with world.platform.work(world.organization) as ctx:
        assert (await ctx.session.get_one(User, someone.profile_id)).must_change_password
    history = await world.get(f"{PATH}{someone.profile_id}/history/")
    assert "argon2" not in str(history)
    refused = await world.patch(f"{PATH}{world.admin.profile_id}/", {"password": "Another-horse-8"}, expect=400)
    assert "/api/session/password" in refused["error"]


@pytest.mark.proves(f"POST {PATH}updateactiveusers/", f"GET {PATH}activeuser_list/", f"POST {PATH}active_users/")
async def test_users_are_deactivated_and_activated(world: World) -> None:
    first, second = await world.person(full_name="Bea One"), await world.person(full_name="Cem Two")
    answer = await world.post(
        f"{PATH}updateactiveusers/", {"ids": [first.profile_id, second.profile_id], "is_active": False}
    )
    assert answer == {"status": "success", "updated": 2}
    await world.get("/api/user", by=first, expect=401)
    active = await world.get(f"{PATH}activeuser_list/")
    assert [row["profile_id"] for row in active["results"]] == [world.admin.profile_id]
    await world.post(f"{PATH}updateactiveusers/", {"profile_id": first.profile_id, "is_active": True})
    found = await world.post(f"{PATH}active_users/", {"search": "bea"})
    assert [row["user"] for row in found["results"]] == [first.user]
    assert (await world.post(f"{PATH}active_users/", {"search": "cem"}))["count"] == 0
    await world.get("/api/user", by=first)


@pytest.mark.parametrize("way", ["patch", "delete", "multidelete", "updateactiveusers"])
async def test_who_leaves_is_logged_out_and_their_keys_stop(world: World, way: str) -> None:
    someone = await world.person(password=True)
    async with world.platform.work(world.organization) as ctx:
        from mainstay.kernel.access.login import start_session

        token, _row = start_session(ctx, await ctx.session.get_one(User, someone.profile_id), "token")
    as_session = {"Authorization": f"Bearer {token}"}
    assert (await world.client.get("/api/user", headers=as_session)).status_code == 200
    if way == "patch":
        await world.patch(f"{PATH}{someone.profile_id}/", {"is_active": False})
    elif way == "delete":
        await world.delete(f"{PATH}{someone.profile_id}/")
    elif way == "multidelete":
        await world.post(f"{PATH}multidelete/", {"ids": [someone.profile_id]})
    else:
        await world.post(f"{PATH}updateactiveusers/", {"ids": [someone.profile_id], "is_active": False})
    gone = await world.client.get("/api/user", headers=as_session)
    assert (gone.status_code, gone.json()) == (401, {"error": "Invalid token."})
    assert await world.get("/api/user", by=someone, expect=401) == {"error": "Invalid API key."}
    async with world.platform.work(world.organization) as ctx:
        assert not list((await ctx.session.execute(select(Session).where(Session.user == someone.user))).scalars())
        key = (await ctx.session.execute(select(ApiKey).where(ApiKey.acts_as == someone.profile_id))).scalar_one()
        assert key.revoked == ("delete" in way)


async def test_the_last_administrator_stays(world: World) -> None:
    async with world.platform.work(world.organization) as ctx:
        from mainstay.kernel.access import bootstrap
        from mainstay.kernel.access.tables import Role

        role = await ctx.session.get_one(Role, world.roles["Infraon Admin"])
        key = await bootstrap.make_key(ctx, "nobody's", role, None)
    world.admin.key, own = key, world.admin.key
    path = f"{PATH}{world.admin.profile_id}/"
    last = "This is the last active administrator. Make somebody else an administrator first."
    assert (await world.patch(path, {"is_active": False}, expect=409))["error"] == last
    assert (await world.patch(path, {"role": "Approver"}, expect=409))["error"] == last
    assert (await world.delete(path, expect=409))["error"] == last
    off = {"ids": [world.admin.profile_id], "is_active": False}
    assert (await world.post(f"{PATH}updateactiveusers/", off, expect=409))["error"] == last
    # A second one, who is not active, does not count; an active one does.
    second = await world.person("Infraon Admin", is_active=False)
    await world.patch(path, {"is_active": False}, expect=409)
    await world.patch(f"{PATH}{second.profile_id}/", {"is_active": True})
    await world.patch(path, {"role": "Approver"})
    await world.delete(f"{PATH}{second.profile_id}/", expect=409)
    world.admin.key = own


async def test_nobody_removes_themselves(world: World) -> None:
    second = await world.person("Infraon Admin")
    await world.delete(f"{PATH}{second.profile_id}/", by=second, expect=409)
    await world.patch(f"{PATH}{second.profile_id}/", {"is_active": False}, by=second, expect=409)
    await world.delete(f"{PATH}{second.profile_id}/")


async def test_nobody_gives_or_changes_more_than_they_hold(world: World) -> None:
    keeper = await world.granted({"user": ("view", "add", "edit", "delete"), "tag": ("view",)})
    await world.post(PATH, {**NEW, "role": "Infraon Admin"}, by=keeper, expect=403)
    await world.post(PATH, {**NEW, "role": "IT Manager"}, by=keeper, expect=403)
    made = await world.post(PATH, {**NEW, "role": keeper.role}, by=keeper, expect=201)
    await world.patch(f"{PATH}{made['id']}/", {"role": "Infraon Admin"}, by=keeper, expect=403)
    await world.patch(f"{PATH}{keeper.profile_id}/", {"role": "Infraon Admin"}, by=keeper, expect=403)
    admin = f"{PATH}{world.admin.profile_id}/"
    refused = await world.patch(admin, {"password": "Taken-over-99"}, by=keeper, expect=403)
    assert refused["error"] == "You cannot change a user who has privileges that you do not have."
    await world.patch(admin, {"email": "mine@example.com"}, by=keeper, expect=403)
    await world.delete(admin, by=keeper, expect=403)
    await world.post(
        f"{PATH}updateactiveusers/",
        {"ids": [world.admin.profile_id], "is_active": False},
        by=keeper,
        expect=403,
    )


async def test_permissions_are_named(world: World) -> None:
    looker = await world.granted({"user": ("view",)})
    refused = await world.post(PATH, NEW, by=looker, expect=403)
    assert refused["permission"] == "user.add"
    outsider = await world.granted({"tag": ("view",)})
    await world.get(PATH, by=outsider, expect=403)
    await world.get(f"{PATH}activeuser_list/", by=outsider, expect=403)
    await world.post(f"{PATH}updateactiveusers/", {"ids": ["x"], "is_active": True}, by=looker, expect=403)


async def test_other_organizations_are_out_of_reach(world: World, stranger: World) -> None:
    target = stranger.admin.profile_id
    await world.get(f"{PATH}{target}/", expect=404)
    await world.patch(f"{PATH}{target}/", {"is_active": False}, expect=404)
    await world.delete(f"{PATH}{target}/", expect=404)
    await world.post(f"{PATH}updateactiveusers/", {"ids": [target], "is_active": False}, expect=400)
    await world.post(PATH, {**NEW, "role": stranger.roles["Approver"]}, expect=400)
    assert (await world.post(f"{PATH}active_users/", {"ids": [target]}))["count"] == 0


async def test_a_list_costs_few_statements(world: World, statements: object) -> None:
    await world.post(PATH, [{**NEW, "email": f"m{n}@example.com", "username": f"m{n}"} for n in range(40)], expect=201)
    await world.get(PATH)
    statements.ran.clear()  # type: ignore[attr-defined]
    assert len((await world.get(PATH, params={"sort": "full_name"}))["results"]) == 41
    # One more is the authentication.
    assert len(statements.ran) <= 5, statements.ran  # type: ignore[attr-defined]
