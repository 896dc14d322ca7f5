"""What everybody does about their own account."""

from __future__ import annotations

import base64

import pytest

from tests.support import PASSWORD, World

PATH = "/ux/common/user/profile/"


async def test_the_caller_is_told_who_they_are(world: World) -> None:
    someone = await world.person("Approver")
    me = await world.get("/api/user", by=someone)
    assert (me["profile_id"], me["user"], me["role"]) == (someone.profile_id, someone.user, "Approver")
    assert me["is_admin"] is False
    assert (await world.get("/api/user"))["is_admin"] is True


@pytest.mark.proves(f"GET {PATH}getmyprofile/", f"POST {PATH}myprofile/")
async def test_people_keep_their_own_profile(world: World) -> None:
    someone = await world.granted({"tag": ("view",)})
    mine = await world.get(f"{PATH}getmyprofile/", by=someone)
    assert mine["profile_id"] == someone.profile_id
    saved = await world.post(
        f"{PATH}myprofile/",
        {**mine, "full_name": "New Name", "phone": "123", "timezone": "Asia/Tokyo"},
        by=someone,
    )
    assert saved["data"]["name"] == "New Name"
    assert (await world.get(f"{PATH}{someone.profile_id}/"))["timezone"] == "Asia/Tokyo"


async def test_people_change_nothing_else_about_themselves(world: World) -> None:
    someone = await world.granted({"tag": ("view",)})
    for change in (
        {"role": "Infraon Admin"},
        {"email": "other@example.com"},
        {"is_active": False},
        {"username": "x"},
    ):
        await world.post(f"{PATH}myprofile/", change, by=someone, expect=403)
    await world.post(f"{PATH}myprofile/", {"profile_id": world.admin.profile_id, "phone": "1"}, by=someone, expect=403)
    await world.post(f"{PATH}myprofile/", {"timezone": "Mars/Olympus"}, by=someone, expect=400)
    me = await world.get(f"{PATH}{someone.profile_id}/")
    assert (me["role"], me["email"], me["is_active"]) == (someone.role, someone.email, True)


async def test_the_own_password_needs_the_current_one(world: World) -> None:
    someone = await world.person(password=True)
    wrong = {"current_password": "not it", "new_password": "Another-horse-8"}
    refused = await world.post(f"{PATH}myprofile/", wrong, by=someone, expect=400)
    assert refused["error"] == "The current password is not right."
    await world.post(f"{PATH}myprofile/", {**wrong, "current_password": PASSWORD, "phone": "42"}, by=someone)
    again = {"current_password": PASSWORD, "new_password": "Third-horse-99"}
    await world.post(f"{PATH}myprofile/", again, by=someone, expect=400)
    assert (await world.get(f"{PATH}getmyprofile/", by=someone))["phone"] == "42"


@pytest.mark.proves(f"POST {PATH}preference/")
async def test_preferences_are_kept(world: World) -> None:
    await world.post(f"{PATH}preference/", {"preferences": {"theme": "dark", "density": "compact"}})
    await world.post(f"{PATH}preference/", {"preferences": {"density": None, "language": "en"}})
    assert (await world.get("/api/user"))["preferences"] == {"theme": "dark", "language": "en"}
    await world.post(f"{PATH}preference/", {"preferences": {"big": "x" * 70_000}}, expect=400)


@pytest.mark.proves(f"POST {PATH}save-page-config/", f"GET {PATH}retrieve-page-config/")
async def test_pages_are_set_up_per_person(world: World) -> None:
    someone = await world.person()
    page = {
        "page": "incident.list",
        "config": {"columns": ["summary", "status"], "views": [{"name": "Mine"}]},
    }
    await world.post(f"{PATH}save-page-config/", page)
    await world.post(f"{PATH}save-page-config/", {**page, "config": {"columns": ["summary"]}})
    mine = await world.get(f"{PATH}retrieve-page-config/", params={"page": "incident.list"})
    assert mine == {"page": "incident.list", "config": {"columns": ["summary"]}}
    theirs = await world.get(f"{PATH}retrieve-page-config/", params={"page": "incident.list"}, by=someone)
    assert theirs["config"] == {}
    await world.get(f"{PATH}retrieve-page-config/", expect=400)


@pytest.mark.proves(
    f"POST {PATH}user_clocks_data/", f"GET {PATH}get_user_clocks_data/", f"GET {PATH}get_user_clocks_status/"
)
async def test_people_clock_in_and_out(world: World) -> None:
    someone = await world.granted({"tag": ("view",)})
    assert (await world.get(f"{PATH}get_user_clocks_status/", by=someone))["status"] == "out"
    await world.post(f"{PATH}user_clocks_data/", {"action": "out"}, by=someone, expect=409)
    started = await world.post(f"{PATH}user_clocks_data/", {"action": "in", "note": "early"}, by=someone)
    assert started["data"]["clock_out"] is None
    await world.post(f"{PATH}user_clocks_data/", {"action": "in"}, by=someone, expect=409)
    status = await world.get(f"{PATH}get_user_clocks_status/", by=someone)
    assert (status["clocked_in"], status["since"]) == (True, started["data"]["clock_in"])
    await world.post(f"{PATH}user_clocks_data/", {"action": "out"}, by=someone)
    await world.post(f"{PATH}user_clocks_data/", {"action": "in"}, by=someone)
    times = await world.get(f"{PATH}get_user_clocks_data/", by=someone)
    assert times["count"] == 2
    assert [row["note"] for row in times["results"]] == ["", "early"]
    await world.post(f"{PATH}user_clocks_data/", {"action": "sideways"}, by=someone, expect=400)
    # Others see the times only with the right to see users.
    theirs = await world.get(f"{PATH}get_user_clocks_data/", params={"profile_id": someone.profile_id})
    assert theirs["count"] == 2
    await world.get(
        f"{PATH}get_user_clocks_data/", params={"profile_id": world.admin.profile_id}, by=someone, expect=403
    )
    past = {"profile_id": someone.profile_id, "end": "2020-01-01T00:00:00Z"}
    assert (await world.get(f"{PATH}get_user_clocks_data/", params=past))["count"] == 0


async def test_deactivation_clocks_out(world: World) -> None:
    someone = await world.person()
    await world.post(f"{PATH}user_clocks_data/", {"action": "in"}, by=someone)
    await world.patch(f"{PATH}{someone.profile_id}/", {"is_active": False})
    times = await world.get(f"{PATH}get_user_clocks_data/", params={"profile_id": someone.profile_id})
    assert times["results"][0]["clock_out"] is not None


async def test_clock_times_stay_in_their_organization(world: World, stranger: World) -> None:
    await stranger.post(f"{PATH}user_clocks_data/", {"action": "in"})
    await world.get(f"{PATH}get_user_clocks_data/", params={"profile_id": stranger.admin.profile_id}, expect=404)


async def test_a_key_for_nobody_has_no_profile(world: World) -> None:
    from mainstay.kernel.access import bootstrap
    from mainstay.kernel.access.tables import Role

    async with world.platform.work(world.organization) as ctx:
        role = await ctx.session.get_one(Role, world.roles["Infraon Admin"])
        world.admin.key = await bootstrap.make_key(ctx, "robot", role, None)
    await world.get(f"{PATH}getmyprofile/", expect=403)
    await world.post(f"{PATH}user_clocks_data/", {"action": "in"}, expect=403)
    await world.post(f"{PATH}logout/", expect=403)
    assert (await world.get("/api/user"))["profile_id"] == ""


PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)


def picture(content: bytes = PNG, kind: str = "image/png") -> dict[str, str]:
    return {"name": "me.png", "data": f"data:{kind};base64,{base64.b64encode(content).decode()}"}


async def test_a_picture_of_oneself_is_set_seen_replaced_and_removed(world: World, stranger: World) -> None:
    someone = await world.granted({"tag": ("view",)})
    other = await world.granted({})
    made = await world.post(f"{PATH}picture/", picture(), by=someone)
    shown = (await world.get(f"{PATH}{someone.profile_id}/"))["picture"]
    assert shown == made["picture"]
    assert (await world.get("/api/user", by=someone))["profile_image"] == made["profile_image"]
    # Everybody who is logged in sees it; another organization does not.
    seen = await world.send("GET", shown, by=other)
    assert (seen.content, seen.headers["content-type"]) == (PNG, "image/png")
    assert seen.headers["x-content-type-options"] == "nosniff"
    await stranger.get(shown, expect=404)
    # It is no file of the account, and another picture has another address.
    assert (await world.get(f"{PATH}{someone.profile_id}/attachments/"))["results"] == []
    again = await world.post(f"{PATH}picture/", picture(b"GIF89a" + bytes(9), "image/gif"), by=someone)
    assert again["picture"] != shown
    assert (await world.send("GET", again["picture"], by=other)).content.startswith(b"GIF89a")
    await world.delete(f"{PATH}picture/", by=someone, expect=204)
    await world.get(again["picture"], by=other, expect=404)
    me = await world.get(f"{PATH}{someone.profile_id}/")
    assert (me["picture"], me["is_profile_image"]) == ("", False)


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({}, 400),
        (picture(b"<svg onload=alert(1)>", "image/svg+xml"), 415),
        (picture(b"<html><script>", "image/png"), 415),
        (picture(PNG, "text/html"), 415),
        (picture(b"RIFF\0\0\0\0WAVE", "image/webp"), 415),
        (picture(PNG + bytes(2**20)), 413),
    ],
)
async def test_what_is_no_picture_is_refused(world: World, given: dict[str, str], status: int) -> None:
    someone = await world.granted({})
    refused = await world.post(f"{PATH}picture/", given, by=someone, expect=status)
    assert refused["error"]
    assert (await world.get(f"{PATH}{someone.profile_id}/"))["picture"] == ""
