"""Operations of authentication: the documented token calls and the console's cookie session."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from typing import Any

import msgspec
from litestar.datastructures import Cookie
from sqlalchemy import delete, select

from mainstay.kernel import options, store
from mainstay.kernel.access import login, policy
from mainstay.kernel.access.auth import COOKIE, CSRF_COOKIE
from mainstay.kernel.access.tables import Organization, Session, User
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Forbidden, Invalid, NotFound, Unauthorized
from mainstay.kernel.operation import Group, Reply, Success
from mainstay.kernel.secrets import SecretError

authentication = Group("Authentication")
caller = Group("User Profile")


class Credentials(msgspec.Struct, kw_only=True):
    """A user name or e-mail address, and a password."""

    username: str = ""
    password: str = ""


class Token(msgspec.Struct, kw_only=True):
    """A token for ``Authorization: Bearer <token>`` (or bare), and whose it is."""

    token: str
    profile_id: str
    user: int
    username: str
    email: str
    full_name: str
    organization: str
    password_change_required: bool


class ConsoleSession(msgspec.Struct, kw_only=True):
    """Who is logged in at the console; ``csrf`` goes into ``X-CSRF-Token`` of every write."""

    user: dict[str, Any]
    csrf: str
    password_change_required: bool


class PasswordChange(msgspec.Struct, kw_only=True):
    current_password: str = ""
    new_password: str = ""


class PasswordPolicy(msgspec.Struct, kw_only=True):
    """The rules a new password has to keep."""

    min_length: int
    require_upper: bool
    require_lower: bool
    require_digit: bool
    require_symbol: bool
    max_age_days: int


class SessionRow(msgspec.Struct, kw_only=True):
    id: str
    kind: str
    created: datetime
    last_seen: datetime
    ip: str
    user_agent: str
    current: bool


class SessionList(msgspec.Struct, kw_only=True):
    results: list[SessionRow]


class Encrypted(msgspec.Struct, kw_only=True):
    """A password for ``/ux/api-token/``; opens on this server only, for five minutes."""

    password: str


async def _token(ctx: Context, username: Any, password: Any) -> Token:
    secret, account, _session = await login.log_in(ctx, username, password, "token")
    return Token(token=secret, profile_id=account.id, user=account.number, username=account.username,
                 email=account.email, full_name=account.full_name or account.username,
                 organization=account.organization, password_change_required=account.must_change_password)  # fmt: skip


@authentication.route("POST", "/ux/api-token-auth/", public=True)
async def api_token_auth(ctx: Context, body: Credentials) -> Token:
    """Get a token for a user name and password."""
    return await _token(ctx, body.username, body.password)


@authentication.route("POST", "/ux/api-token/", public=True)
async def api_token(ctx: Context, body: Credentials) -> Token:
    """Get a token; the password is base64, or what ``/ux/password_js_encrypt/`` returned."""
    return await _token(ctx, body.username, _decoded(ctx, body.password))


def _decoded(ctx: Context, password: str) -> str:
    if not password:
        return ""
    if password.startswith(SEALED):
        try:
            stamp, _, text = ctx.platform.vault.open(password[len(SEALED) :], "login").partition("\n")
        except SecretError:
            raise Invalid.field("password", "The encrypted password cannot be read. Encrypt it again.") from None
        if float(stamp) + 300 < ctx.now.timestamp():
            raise Invalid.field("password", "The encrypted password is older than five minutes. Encrypt it again.")
        return text
    try:
        return base64.b64decode(password, validate=True).decode()
    except (binascii.Error, ValueError):
        raise Invalid.field(
            "password", "The password must be base64. For plain text use /ux/api-token-auth/."
        ) from None


SEALED = "sealed."


@authentication.route("POST", "/ux/password_js_encrypt/", public=True)
async def password_js_encrypt(ctx: Context, body: Credentials) -> Encrypted:
    """Encrypt a password for ``/ux/api-token/``."""
    if not body.password:
        raise Invalid("Please provide password.")
    stamped = f"{ctx.now.timestamp()}\n{body.password[:1024]}"
    return Encrypted(password=SEALED + ctx.platform.vault.seal(stamped, "login"))


@authentication.route("POST", "/api/session", public=True)
async def start(ctx: Context, body: Credentials) -> ConsoleSession:
    """Log in at the console: sets the session cookie."""
    secret, account, session = await login.log_in(ctx, body.username, body.password, "cookie")
    secure = ctx.platform.settings.secure_cookies
    ctx.set_cookies += [
        Cookie(key=COOKIE, value=secret, httponly=True, samesite="lax", secure=secure, path="/"),
        Cookie(key=CSRF_COOKIE, value=session.csrf, samesite="lax", secure=secure, path="/"),
    ]
    name = await _organization_name(ctx, account.organization)
    return ConsoleSession(user=await login.profile(ctx, account, name), csrf=session.csrf,
                          password_change_required=account.must_change_password)  # fmt: skip


async def _organization_name(ctx: Context, organization: str) -> str:
    return str(await ctx.session.scalar(select(Organization.name).where(Organization.id == organization)) or "")


async def own_account(ctx: Context) -> User:
    """The caller's account. Raises ``Forbidden`` for a key that acts for nobody."""
    if not ctx.principal.profile_id:
        raise Forbidden("This API key does not act for a user.")
    return await store.get(ctx, User, ctx.principal.profile_id)


@authentication.route("GET", "/api/session")
async def current(ctx: Context) -> ConsoleSession:
    """Who is logged in at the console."""
    if not ctx.principal.csrf:
        raise Unauthorized("There is no console session.")
    account = await own_account(ctx)
    return ConsoleSession(user=await login.profile(ctx, account, ctx.principal.organization_name),
                          csrf=ctx.principal.csrf, password_change_required=account.must_change_password)  # fmt: skip


async def end_own(ctx: Context) -> None:
    """End the session of this request and drop its cookies."""
    await ctx.session.execute(delete(Session).where(Session.id == ctx.principal.session_id))
    ctx.set_cookies += [Cookie(key=name, value="", max_age=0, path="/") for name in (COOKIE, CSRF_COOKIE)]


@authentication.route("DELETE", "/api/session", status=204)
async def end(ctx: Context) -> None:
    """Log out of the console."""
    await end_own(ctx)


@authentication.route("GET", "/api/sessions")
async def sessions(ctx: Context) -> SessionList:
    """The caller's log-ins."""
    query = select(Session).where(Session.user == ctx.principal.user).order_by(Session.last_seen.desc())
    rows = list((await ctx.session.execute(query)).scalars())
    return SessionList(results=[SessionRow(**row) for row in login.describe_sessions(rows, ctx.principal)])


@authentication.route("DELETE", "/api/sessions/{id}", status=204)
async def end_session(ctx: Context, id: str) -> None:
    """End one of the caller's log-ins."""
    ended = await ctx.session.execute(delete(Session).where(Session.id == id, Session.user == ctx.principal.user))
    if not ended.rowcount:  # type: ignore[attr-defined]
        raise NotFound("There is no such session.")


@authentication.route("POST", "/api/session/password")
async def change_password(ctx: Context, body: PasswordChange) -> Success:
    """Change the caller's own password; ends the caller's other sessions."""
    if not ctx.principal.profile_id:
        raise Forbidden("An API key has no password.")
    await login.change_own_password(ctx, body.current_password, body.new_password)
    return Success()


@authentication.route("GET", "/api/password-policy", public=True)
async def password_policy(ctx: Context) -> PasswordPolicy:
    """The rules a new password has to keep."""
    organization = await login.organization_of(ctx, ctx.host)
    ctx.session.sync_session.info["organization"] = organization.id if organization else "-"
    values = await options.get(ctx, *policy.RULES)
    return PasswordPolicy(**dict(zip(PasswordPolicy.__struct_fields__, values, strict=True)))


@caller.route("GET", "/api/user")
async def user(ctx: Context) -> Reply:
    """The caller."""
    if not ctx.principal.profile_id:
        who = ctx.principal
        return Reply({"profile_id": "", "user": who.user, "username": who.username, "email": "", "full_name": who.name,
                      "organization": who.organization, "organization_name": who.organization_name,
                      "is_admin": who.is_admin})  # fmt: skip
    account = await own_account(ctx)
    return Reply(await login.profile(ctx, account, ctx.principal.organization_name))
