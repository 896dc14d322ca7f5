"""Invitations by e-mail, from sending to the first log-in."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from mainstay.kernel import options, store
from mainstay.kernel.access.tables import Invitation, User
from mainstay.kernel.mail import OutboxMail
from tests.support import PASSWORD, World

PATH = "/ux/common/user/profile/user_invite/"
ACCEPT = "/api/invitation/accept"


def token(row: dict[str, Any]) -> str:
    return str(row["link"]).partition("token=")[2]


async def accept(world: World, row: dict[str, Any], expect: int = 200, **values: str) -> Any:
    """Take up an invitation as a stranger to the system."""
    body = {"token": token(row), "password": PASSWORD, **values}
    answer = await world.client.post(ACCEPT, json=body)
    assert answer.status_code == expect, answer.text
    return answer.json()


@pytest.mark.proves(f"POST {PATH}")
async def test_several_people_are_invited_at_once(world: World) -> None:
    body = {"emails": "ann@example.com; ben@example.com,cid@example.com", "roles": "IT Support Operator"}
    answer = await world.post(PATH, body)
    assert [row["email"] for row in answer["invited"]] == [
        "ann@example.com",
        "ben@example.com",
        "cid@example.com",
    ]
    async with world.platform.work(world.organization) as ctx:
        mails = list((await ctx.session.execute(select(OutboxMail).order_by(OutboxMail.recipient))).scalars())
        stored = list((await ctx.session.execute(select(Invitation))).scalars())
    assert [mail.recipient for mail in mails] == ["ann@example.com", "ben@example.com", "cid@example.com"]
    assert answer["invited"][0]["link"] in mails[0].text
    # Only a hash of the link is kept, and it lives 36 hours.
    assert all(token(row) not in str(vars(kept)) for row in answer["invited"] for kept in stored)
    assert all(kept.expires_at - kept.creation_time == timedelta(hours=36) for kept in stored)
    assert await accept(world, answer["invited"][0], full_name="Ann Other") == {"status": "success"}
    (ann,) = (await world.get("/ux/common/user/profile/", params={"search": "ann@"}))["results"]
    assert (ann["name"], ann["username"], ann["profile"]) == (
        "Ann Other",
        "ann@example.com",
        "IT Support Operator",
    )
    await accept(world, answer["invited"][0], expect=400)


async def test_the_link_that_is_used_first_decides(world: World) -> None:
    answer = await world.post(PATH, {"emails": ["dee@example.com"], "roles": ["IT Manager", "NOC Operator"]})
    manager, operator = answer["invited"]
    assert (await world.get(PATH))["count"] == 2
    await accept(world, operator)
    await accept(world, manager, expect=400)
    (dee,) = (await world.get("/ux/common/user/profile/", params={"search": "dee@"}))["results"]
    assert dee["profile"] == "NOC Operator"
    assert (await world.get(PATH))["count"] == 0


async def test_pending_invitations_are_seen_resent_and_withdrawn(world: World) -> None:
    first = (await world.post(PATH, {"emails": "eve@example.com", "role": "Approver"}))["invited"][0]
    (pending,) = (await world.get(PATH))["results"]
    assert (pending["email"], pending["role_name"], pending["expired"]) == (
        "eve@example.com",
        "Approver",
        False,
    )
    again = await world.post(f"{PATH}{first['id']}/resend/")
    assert again["link"] != first["link"]
    await accept(world, first, expect=400)
    await world.delete(f"{PATH}{first['id']}/", expect=204)
    await accept(world, again, expect=400)
    assert (await world.get(PATH))["count"] == 0


async def test_a_link_expires_when_the_organization_says(world: World) -> None:
    async with world.platform.work(world.organization) as ctx:
        await options.put(ctx, {"invitation.hours": 2})
    row = (await world.post(PATH, {"emails": "flo@example.com", "role": "Approver"}))["invited"][0]
    async with world.platform.work(world.organization) as ctx:
        kept = await ctx.session.get_one(Invitation, row["id"])
        assert kept.expires_at - kept.creation_time == timedelta(hours=2)
        kept.expires_at = ctx.now - timedelta(seconds=1)
        await store.save(ctx, kept)
    refused = await accept(world, row, expect=400)
    assert refused["error"] == "This invitation has expired. Ask for a new one."
    assert (await world.get(PATH))["results"][0]["expired"] is True


async def test_an_account_without_a_password_gets_one_by_its_link(world: World) -> None:
    made = await world.post("/ux/common/user/profile/", {"email": "gil@example.com", "role": "Approver"}, expect=201)
    row = (await world.post(PATH, {"emails": "gil@example.com", "role": "IT Manager"}))["invited"][0]
    assert (await world.get(PATH))["count"] == 1
    await accept(world, row, full_name="Gil")
    async with world.platform.work(world.organization) as ctx:
        account = await ctx.session.get_one(User, made["id"])
        assert account.password_hash
        assert not account.must_change_password
        assert account.role_ids == [world.roles["Approver"]]


async def test_who_has_an_account_is_passed_over(world: World) -> None:
    someone = await world.person(password=True)
    body = {"emails": f"{someone.email}, hal@example.com", "role": "Approver"}
    answer = await world.post(PATH, body)
    assert [row["email"] for row in answer["invited"]] == ["hal@example.com"]
    assert answer["skipped"] == [{"email": someone.email, "reason": "This person has an account already."}]
    await world.post(PATH, {"emails": someone.email, "role": "Approver"}, expect=409)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"emails": "", "role": "Approver"}, "emails"),
        ({"emails": "ivy@example.com, nobody", "role": "Approver"}, "emails"),
        ({"emails": "ivy@example.com"}, "roles"),
        ({"emails": "ivy@example.com", "role": "Wizard"}, "roles"),
    ],
)
async def test_wrong_invitations_send_nothing(world: World, body: dict[str, Any], field: str) -> None:
    refused = await world.post(PATH, body, expect=400)
    assert list(refused["fields"]) == [field]
    async with world.platform.work(world.organization) as ctx:
        assert not list((await ctx.session.execute(select(OutboxMail))).scalars())


async def test_nobody_invites_to_more_than_they_hold(world: World) -> None:
    inviter = await world.granted({"user": ("view", "add")})
    await world.post(PATH, {"emails": "jon@example.com", "role": "Infraon Admin"}, by=inviter, expect=403)
    await world.post(PATH, {"emails": "jon@example.com", "role": inviter.role}, by=inviter)
    kept = (await world.post(PATH, {"emails": "kim@example.com", "role": "IT Manager"}))["invited"][0]
    await world.post(f"{PATH}{kept['id']}/resend/", by=inviter, expect=403)


async def test_the_password_policy_holds_here_too(world: World) -> None:
    row = (await world.post(PATH, {"emails": "lea@example.com", "role": "Approver"}))["invited"][0]
    refused = await accept(world, row, expect=400, password="short")
    assert refused["error"] == "The password needs at least 10 characters."
    # Nothing was used up by the failed attempt.
    await accept(world, row)


async def test_invitations_belong_to_their_organization(world: World, stranger: World) -> None:
    row = (await stranger.post(PATH, {"emails": "max@example.com", "role": "Approver"}))["invited"][0]
    assert (await world.get(PATH))["count"] == 0
    await world.post(f"{PATH}{row['id']}/resend/", expect=404)
    await world.delete(f"{PATH}{row['id']}/", expect=404)
    await accept(world, row)
    assert (await world.get("/ux/common/user/profile/", params={"search": "max"}))["count"] == 0
    assert (await stranger.get("/ux/common/user/profile/", params={"search": "max"}))["count"] == 1


async def test_deleting_the_account_withdraws_its_invitation(world: World) -> None:
    made = await world.post("/ux/common/user/profile/", {"email": "ned@example.com", "role": "Approver"}, expect=201)
    assert (await world.get(PATH))["count"] == 1
    await world.delete(f"/ux/common/user/profile/{made['id']}/")
    assert (await world.get(PATH))["count"] == 0
