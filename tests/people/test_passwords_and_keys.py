"""Passwords and API keys: policy, history, first log-in, expiry, revocation."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from mainstay.kernel import options, store
from mainstay.kernel.access.tables import ApiKey, User
from mainstay.kernel.http.idempotency import IdempotencyKey
from tests.people.doors import TOKEN, Door, bearer
from tests.support import PASSWORD, Someone, World


async def test_the_first_password_must_be_changed(door: Door) -> None:
    world = door.world
    body = {"email": "new@example.com", "username": "newbie", "role": "Infraon Admin", "password": PASSWORD}
    await world.post("/ux/common/user/profile/", body, expect=201)
    made = await door.post(TOKEN, {"username": "newbie", "password": PASSWORD})
    assert made["password_change_required"] is True
    header = bearer(made["token"])
    refused = await door.client.get("/ux/common/user/profile/", headers=header)
    assert refused.status_code == 403
    assert refused.json() == {
        "error": "Please change your password first.",
        "code": "password_change_required",
    }
    assert (await door.client.get("/api/user", headers=header)).json()["password_change_required"] is True
    change = {"current_password": PASSWORD, "new_password": PASSWORD}
    same = await door.client.post("/api/session/password", json=change, headers=header)
    assert same.json()["error"] == "This password was used before. Choose a new one."
    change["new_password"] = "Fresh-horse-42"
    assert (await door.client.post("/api/session/password", json=change, headers=header)).json() == {
        "status": "success"
    }
    assert (await door.client.get("/ux/common/user/profile/", headers=header)).status_code == 200
    await door.post(TOKEN, {"username": "newbie", "password": PASSWORD}, 401)
    assert (await door.post(TOKEN, {"username": "newbie", "password": "Fresh-horse-42"}))[
        "password_change_required"
    ] is False


async def test_a_new_password_ends_the_other_log_ins(door: Door, ann: Someone) -> None:
    here, elsewhere = await door.token(ann), await door.token(ann)
    change = {"current_password": "wrong", "new_password": "Fresh-horse-42"}
    refused = await door.client.post("/api/session/password", json=change, headers=bearer(here))
    assert refused.json()["fields"] == {"current_password": ["The current password is not right."]}
    change["current_password"] = PASSWORD
    await door.client.post("/api/session/password", json=change, headers=bearer(here))
    assert (await door.client.get("/api/user", headers=bearer(elsewhere))).status_code == 401
    assert (await door.client.get("/api/user", headers=bearer(here))).status_code == 200


@pytest.mark.parametrize(
    ("password", "sentence"),
    [
        ("Short-1", "The password needs at least 12 characters."),
        ("no-upper-case-1", "The password needs an upper-case letter."),
        ("NO-LOWER-CASE-1", "The password needs a lower-case letter."),
        ("No-Digit-At-All", "The password needs a digit."),
        ("NoSymbolAtAll12", "The password needs a symbol."),
        ("Aa1-Aa1-Aa1-Quist", "The password must not contain your name or e-mail address."),
    ],
)
async def test_the_policy_is_the_organizations(door: Door, ann: Someone, password: str, sentence: str) -> None:
    rules = {
        "password.min_length": 12,
        "password.require_upper": True,
        "password.require_lower": True,
        "password.require_digit": True,
        "password.require_symbol": True,
    }
    async with door.world.platform.work(door.world.organization) as ctx:
        await options.put(ctx, rules)
    policy = (await door.client.get("/api/password-policy")).json()
    assert policy == {
        "min_length": 12,
        "require_upper": True,
        "require_lower": True,
        "require_digit": True,
        "require_symbol": True,
        "max_age_days": 0,
    }
    change = {"current_password": PASSWORD, "new_password": password}
    token = await door.token(ann)
    refused = await door.client.post("/api/session/password", json=change, headers=bearer(token))
    assert (refused.status_code, refused.json()["fields"]["password"]) == (400, [sentence])


async def test_old_passwords_do_not_return_too_soon(door: Door, ann: Someone) -> None:
    async with door.world.platform.work(door.world.organization) as ctx:
        await options.put(ctx, {"password.history": 2})
    header = bearer(await door.token(ann))

    async def change(old: str, new: str) -> int:
        body = {"current_password": old, "new_password": new}
        return (await door.client.post("/api/session/password", json=body, headers=header)).status_code

    assert await change(PASSWORD, "Second-horse-8") == 200
    assert await change("Second-horse-8", PASSWORD) == 400
    assert await change("Second-horse-8", "Third-horse-99") == 200
    assert await change("Third-horse-99", PASSWORD) == 200


async def test_passwords_come_of_age(door: Door, ann: Someone) -> None:
    async with door.world.platform.work(door.world.organization) as ctx:
        await options.put(ctx, {"password.max_age_days": 30})
        account = await ctx.session.get_one(User, ann.profile_id)
        account.password_changed_at = ctx.now - timedelta(days=31)
        await store.save(ctx, account)
    made = await door.post(TOKEN, {"username": "ann", "password": PASSWORD})
    assert made["password_change_required"] is True


async def test_passwords_are_kept_as_argon2id_and_never_told(door: Door, ann: Someone) -> None:
    async with door.world.platform.work(door.world.organization) as ctx:
        stored = (await ctx.session.get_one(User, ann.profile_id)).password_hash
    assert stored.startswith("$argon2id$")
    path = f"/ux/common/user/profile/{ann.profile_id}/"
    told = str(await door.world.get(path)) + str(await door.world.get(f"{path}history/"))
    assert "argon2" not in told
    assert "password_hash" not in str(await door.world.get(path))


async def test_keys_are_shown_once_expire_and_are_revoked(world: World) -> None:
    made = await world.post("/api/keys/", {"name": "Nightly", "role": "Approver"}, expect=201)
    key = made["data"]["key"]
    caller = replace(world.admin, key=key)
    assert (await world.get("/api/user", by=caller))["profile_id"] == world.admin.profile_id
    listed = next(row for row in (await world.get("/api/keys/"))["results"] if row["name"] == "Nightly")
    assert listed["prefix"] == key[:10]
    assert key not in str(listed)
    async with world.platform.work(world.organization) as ctx:
        stored = await ctx.session.get_one(ApiKey, made["id"])
        assert key not in str(vars(stored))
        assert len(stored.key_hash) == 64
    # The key holds what its role holds, not what its maker holds.
    await world.get("/ux/common/roles/profile/", by=caller, expect=403)
    await world.post(f"/api/keys/{made['id']}/revoke/")
    assert await world.get("/api/user", by=caller, expect=401) == {"error": "Invalid API key."}

    soon = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    short = await world.post("/api/keys/", {"name": "Short", "role": "Approver", "expires_at": soon}, expect=201)
    caller = replace(world.admin, key=short["data"]["key"])
    await world.get("/api/user", by=caller)
    async with world.platform.work(world.organization) as ctx:
        statement = update(ApiKey).where(ApiKey.id == short["id"]).values(expires_at=ctx.now - timedelta(seconds=1))
        await ctx.session.execute(statement.execution_options(synchronize_session=False))
    assert await world.get("/api/user", by=caller, expect=401) == {"error": "This API key has expired."}
    await world.post(
        "/api/keys/", {"name": "Late", "role": "Approver", "expires_at": "2020-01-01T00:00:00Z"}, expect=400
    )


async def test_nobody_makes_a_key_beyond_their_own_rights(world: World) -> None:
    maker = await world.granted({"apikey": ("view", "add")})
    await world.post("/api/keys/", {"name": "Up", "role": "Infraon Admin"}, by=maker, expect=403)
    await world.post("/api/keys/", {"name": "Even", "role": maker.role}, by=maker, expect=201)


async def test_a_key_of_a_deleted_user_is_not_a_key_for_nobody(world: World) -> None:
    someone = await world.person()
    await world.delete(f"/ux/common/user/profile/{someone.profile_id}/")
    # Even if somebody brought the key itself back.
    async with world.platform.work(world.organization) as ctx:
        await ctx.session.execute(
            update(ApiKey)
            .where(ApiKey.acts_as == someone.profile_id)
            .values(revoked=False)
            .execution_options(synchronize_session=False)
        )
    await world.get("/api/user", by=someone, expect=401)


async def test_a_new_key_that_is_kept_for_a_repetition_is_sealed(world: World) -> None:
    given, header = {"name": "Twice", "role": "Approver"}, {"Idempotency-Key": "one key only"}
    made = await world.post("/api/keys/", given, headers=header, expect=201)
    again = await world.post("/api/keys/", given, headers=header, expect=201)
    assert again == made
    async with world.platform.work(world.organization) as ctx:
        (kept,) = (await ctx.session.execute(select(IdempotencyKey.body))).scalars()
    secret = made["data"]["key"]
    assert secret.encode() not in kept
