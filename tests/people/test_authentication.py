"""Log-in, tokens, console sessions and lock-out, as a client from outside sees them."""

from __future__ import annotations

import asyncio
import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update

from mainstay.kernel import options
from mainstay.kernel.access.tables import LoginAttempt, Session, User
from mainstay.kernel.platform import Platform
from mainstay.kernel.record import new_id
from tests.people.doors import TOKEN, Door, bearer, enter
from tests.support import PASSWORD, Someone, World

BASE64, SEAL = "/ux/api-token/", "/ux/password_js_encrypt/"
WRONG = {"error": "Incorrect username or password."}


@pytest.mark.proves(f"POST {TOKEN}")
async def test_a_token_is_got_and_used(door: Door, ann: Someone) -> None:
    made = await door.post(TOKEN, {"username": "ann", "password": PASSWORD})
    assert (made["profile_id"], made["user"], made["username"]) == (ann.profile_id, ann.user, "ann")
    for header in (f"Bearer {made['token']}", f"Token {made['token']}", made["token"]):
        me = await door.client.get("/api/user", headers={"Authorization": header})
        assert me.json()["profile_id"] == ann.profile_id
    # The e-mail address serves as well, in any case.
    await door.post(TOKEN, {"username": ann.email.upper(), "password": PASSWORD})
    form = await door.client.post(TOKEN, data={"username": "ann", "password": PASSWORD})
    assert form.status_code == 200
    async with door.world.platform.work(door.world.organization) as ctx:
        stored = (await ctx.session.execute(select(Session.token_hash))).scalars()
        assert made["token"] not in set(stored)
        assert (await ctx.session.get_one(User, ann.profile_id)).last_login is not None


@pytest.mark.parametrize(
    ("body", "status", "answer"),
    [
        ({}, 400, {"error": "Please provide username."}),
        ({"password": "x"}, 400, {"error": "Please provide username."}),
        ({"username": "  ", "password": "x"}, 400, {"error": "Please provide username."}),
        ({"username": "ann"}, 400, {"error": "Please provide password."}),
        ({"username": "ann", "password": ""}, 400, {"error": "Please provide password."}),
        ({"username": "ann", "password": "wrong"}, 401, WRONG),
        ({"username": "nobody", "password": PASSWORD}, 401, WRONG),
    ],
)
async def test_errors_are_exact(door: Door, ann: Someone, body: Any, status: int, answer: Any) -> None:
    assert await door.post(TOKEN, body, status) == answer


async def test_calls_without_right_credentials_are_refused(door: Door) -> None:
    none = await door.client.get("/api/user")
    assert (none.status_code, none.json()) == (403, {"error": "API key is missing."})
    bad = await door.client.get("/api/user", headers={"Authorization": "ApiKey ms_wrong"})
    assert (bad.status_code, bad.json()) == (401, {"error": "Invalid API key."})
    stale = await door.client.get("/api/user", headers=bearer("nothing"))
    assert (stale.status_code, stale.json()) == (401, {"error": "Invalid token."})
    cookie = await door.client.get("/api/user", headers={"Cookie": "mainstay_session=nothing"})
    assert (cookie.status_code, cookie.json()) == (
        401,
        {"error": "Your session has ended. Please log in again."},
    )


async def test_who_is_inactive_or_has_no_password_learns_nothing(door: Door, ann: Someone) -> None:
    await door.world.patch(f"/ux/common/user/profile/{ann.profile_id}/", {"is_active": False})
    assert await door.post(TOKEN, {"username": "ann", "password": PASSWORD}, 401) == WRONG
    other = await door.world.person()
    assert await door.post(TOKEN, {"username": other.username, "password": ""}, 400)
    assert await door.post(TOKEN, {"username": other.username, "password": "anything"}, 401) == WRONG


@pytest.mark.proves(f"POST {BASE64}", f"POST {SEAL}")
async def test_the_password_may_come_encoded_or_sealed(door: Door, ann: Someone) -> None:
    coded = base64.b64encode(PASSWORD.encode()).decode()
    assert (await door.post(BASE64, {"username": "ann", "password": coded}))["profile_id"] == ann.profile_id
    refused = await door.post(BASE64, {"username": "ann", "password": PASSWORD}, 400)
    assert list(refused["fields"]) == ["password"]
    assert await door.post(BASE64, {"username": "ann", "password": base64.b64encode(b"no").decode()}, 401) == WRONG
    assert await door.post(BASE64, {"username": "ann"}, 400) == {"error": "Please provide password."}
    sealed = (await door.client.post(SEAL, data={"password": PASSWORD})).json()["password"]
    assert PASSWORD not in sealed
    assert (await door.post(BASE64, {"username": "ann", "password": sealed}))["profile_id"] == ann.profile_id
    other = (await door.client.post(SEAL, data={"password": PASSWORD})).json()["password"]
    assert other != sealed
    await door.post(BASE64, {"username": "ann", "password": sealed[:-6] + "AAAAA="}, 400)
    assert (await door.client.post(SEAL, data={})).json() == {"error": "Please provide password."}


async def test_a_sealed_password_is_good_for_five_minutes(portal: Platform, door: Door, ann: Someone) -> None:
    stamp = (datetime.now(UTC) - timedelta(minutes=6)).timestamp()
    old = "sealed." + portal.vault.seal(f"{stamp}\n{PASSWORD}", "login")
    refused = await door.post(BASE64, {"username": "ann", "password": old}, 400)
    assert refused["error"] == "The encrypted password is older than five minutes. Encrypt it again."


async def test_an_account_is_locked_after_failures(door: Door, ann: Someone) -> None:
    for _ in range(5):
        await door.post(TOKEN, {"username": "ann", "password": "wrong"}, 401)
    locked = await door.client.post(TOKEN, json={"username": "ANN", "password": PASSWORD})
    assert locked.status_code == 429
    assert locked.json() == {"error": "Too many failed log-ins. Try again in 15 minutes."}
    assert 880 < int(locked.headers["retry-after"]) <= 900
    # The lock is on the account, from wherever; others are not held up by it.
    other = await door.world.person(password=True)
    await door.token(other)
    past = datetime.now(UTC) - timedelta(seconds=1)
    async with door.world.platform.work("*") as ctx:
        await ctx.session.execute(update(LoginAttempt).values(blocked_until=past))
    await door.token(ann)


async def test_a_name_that_does_not_exist_is_locked_just_the_same(door: Door) -> None:
    for _ in range(5):
        await door.post(TOKEN, {"username": "ghost", "password": "wrong"}, 401)
    await door.post(TOKEN, {"username": "ghost", "password": "wrong"}, 429)


async def test_the_organization_sets_the_lock(door: Door, ann: Someone) -> None:
    async with door.world.platform.work(door.world.organization) as ctx:
        await options.put(ctx, {"login.max_attempts": 3, "login.lock_minutes": 1})
    for _ in range(2):
        await door.post(TOKEN, {"username": "ann", "password": "wrong"}, 401)
    await door.token(ann)  # a right one forgives
    for _ in range(3):
        await door.post(TOKEN, {"username": "ann", "password": "wrong"}, 401)
    locked = await door.client.post(TOKEN, json={"username": "ann", "password": PASSWORD})
    assert (locked.status_code, int(locked.headers["retry-after"]) <= 60) == (429, True)


async def test_a_source_that_guesses_is_slowed_down(door: Door, portal: Platform, ann: Someone) -> None:
    for number in range(30):
        await door.post(TOKEN, {"username": f"guess{number}", "password": "wrong"}, 401)
    blocked = await door.client.post(TOKEN, json={"username": "ann", "password": PASSWORD})
    assert blocked.status_code == 429
    assert int(blocked.headers["retry-after"]) <= 300
    elsewhere = enter(portal, door.world)
    async with elsewhere.client:
        await elsewhere.token(ann)


async def test_guesses_at_once_are_all_counted(door: Door, ann: Someone) -> None:
    tries = [door.client.post(TOKEN, json={"username": "ann", "password": f"wrong{n}"}) for n in range(12)]
    statuses = sorted(answer.status_code for answer in await asyncio.gather(*tries))
    assert statuses.count(200) == 0
    assert 429 in statuses
    assert (await door.client.post(TOKEN, json={"username": "ann", "password": PASSWORD})).status_code == 429


async def test_the_console_logs_in_with_a_cookie(door: Door, ann: Someone) -> None:
    answer = await door.client.post("/api/session", json={"username": "ann", "password": PASSWORD})
    body = answer.json()
    assert (body["user"]["profile_id"], body["password_change_required"]) == (ann.profile_id, False)
    cookies = {part.split("=")[0]: part for part in answer.headers.get_list("set-cookie")}
    assert "HttpOnly" in cookies["mainstay_session"]
    assert "HttpOnly" not in cookies["mainstay_csrf"]
    assert all("samesite=lax" in cookie.lower() for cookie in cookies.values())
    assert (await door.client.get("/api/session")).json()["user"]["username"] == "ann"
    # Reading needs the cookie only; writing needs the token of this very session too.
    page = {"page": "p", "config": {}}
    path = "/ux/common/user/profile/save-page-config/"
    refused = await door.client.post(path, json=page)
    assert refused.status_code == 403
    assert refused.json() == {"error": "The request does not carry this session's CSRF token (X-CSRF-Token)."}
    assert (await door.client.post(path, json=page, headers={"X-CSRF-Token": "guess"})).status_code == 403
    assert (await door.client.post(path, json=page, headers={"X-CSRF-Token": body["csrf"]})).status_code == 200
    assert (await door.client.delete("/api/session")).status_code == 403
    ended = await door.client.delete("/api/session", headers={"X-CSRF-Token": body["csrf"]})
    assert ended.status_code == 204
    assert (await door.client.get("/api/session")).status_code == 403  # the cookie is gone
    kept = {"Cookie": f"mainstay_session={cookies['mainstay_session'].split('=')[1].split(';')[0]}"}
    assert (await door.client.get("/api/session", headers=kept)).status_code == 401


async def test_a_token_is_no_cookie_and_a_cookie_no_token(door: Door, ann: Someone) -> None:
    token = await door.token(ann)
    assert (await door.client.get("/api/user", headers={"Cookie": f"mainstay_session={token}"})).status_code == 401
    await door.client.post("/api/session", json={"username": "ann", "password": PASSWORD})
    cookie = door.client.cookies["mainstay_session"]
    door.client.cookies.clear()
    assert (await door.client.get("/api/user", headers=bearer(cookie))).status_code == 401


async def test_log_ins_are_listed_and_ended(door: Door, ann: Someone) -> None:
    first, second = await door.token(ann), await door.token(ann)
    other = await door.token(await door.world.person(password=True))
    rows = (await door.client.get("/api/sessions", headers=bearer(first))).json()["results"]
    assert [row["kind"] for row in rows] == ["token", "token"]
    (current,) = [row for row in rows if row["current"]]
    (older,) = [row for row in rows if not row["current"]]
    assert (await door.client.delete(f"/api/sessions/{current['id']}", headers=bearer(other))).status_code == 404
    assert (await door.client.delete(f"/api/sessions/{older['id']}", headers=bearer(first))).status_code == 204
    assert (await door.client.get("/api/user", headers=bearer(second))).status_code == 401
    assert (await door.client.get("/api/user", headers=bearer(first))).status_code == 200


@pytest.mark.proves("POST /ux/common/user/profile/logout/")
async def test_logging_out_ends_the_token(door: Door, ann: Someone) -> None:
    token = await door.token(ann)
    done = await door.client.post("/ux/common/user/profile/logout/", headers=bearer(token), json={})
    assert done.json() == {"status": "success"}
    assert (await door.client.get("/api/user", headers=bearer(token))).status_code == 401


async def test_an_unused_session_ends(door: Door, ann: Someone) -> None:
    token = await door.token(ann)
    async with door.world.platform.work("*") as ctx:
        idle = ctx.now - timedelta(hours=ctx.platform.settings.session_hours, minutes=1)
        await ctx.session.execute(update(Session).where(Session.user == ann.user).values(last_seen=idle))
    assert (await door.client.get("/api/user", headers=bearer(token))).status_code == 401


async def test_credentials_hold_in_their_own_organization_only(
    portal: Platform, door: Door, stranger: World, ann: Someone
) -> None:
    theirs = enter(portal, stranger)
    async with theirs.client:
        assert await theirs.post(TOKEN, {"username": "ann", "password": PASSWORD}, 401) == WRONG
        token = await door.token(ann)
        wrong = {"error": "These credentials belong to another organization."}
        for header in (bearer(token), {"Authorization": f"ApiKey {ann.key}"}):
            answer = await theirs.client.get("/api/user", headers=header)
            assert (answer.status_code, answer.json()) == (401, wrong)
        assert (await theirs.client.get("/api/sessions", headers=bearer(token))).status_code == 401
    # The same name may exist in both; each log-in finds its own.
    namesake = await stranger.person(password=True, username="ann")
    again = enter(portal, stranger)
    async with again.client:
        assert (await again.post(TOKEN, {"username": "ann", "password": PASSWORD}))["profile_id"] == namesake.profile_id


async def test_a_failed_log_in_leaves_no_session(door: Door, ann: Someone) -> None:
    await door.post(TOKEN, {"username": "ann", "password": "wrong"}, 401)
    async with door.world.platform.work(door.world.organization) as ctx:
        assert await ctx.session.scalar(select(func.count()).select_from(Session)) == 0


@pytest.mark.parametrize(
    "body", [{"username": ["ann"], "password": "x"}, {"username": "ann", "password": {"a": 1}}, [], "text", 7]
)
async def test_odd_bodies_are_a_plain_refusal(door: Door, body: Any) -> None:
    answer = await door.client.post(TOKEN, json=body)
    assert answer.status_code == 400
    assert answer.json()["error"]


async def test_long_and_strange_input_does_no_harm(door: Door) -> None:
    await door.post(TOKEN, {"username": "a" * 10_000, "password": "b" * 100_000}, 401)
    await door.post(TOKEN, {"username": "ann' OR 1=1 --", "password": "x"}, 401)
    await door.post(TOKEN, {"username": f"{new_id()}\u202e", "password": "x"}, 401)
