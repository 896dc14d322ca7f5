"""Log-in, log-out and passwords: lock-out per account, rate limit per source, no hint whether an account exists."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, func, or_, select
from sqlalchemy.dialects.postgresql import insert

from mainstay.kernel import options, store
from mainstay.kernel.access import policy
from mainstay.kernel.access.auth import privileges, roles_of
from mainstay.kernel.access.tables import LoginAttempt, Organization, Session, User
from mainstay.kernel.context import Context, Principal
from mainstay.kernel.errors import ApiError, Invalid, TooManyRequests, Unauthorized
from mainstay.kernel.record import new_id
from mainstay.kernel.secrets import new_token, password_hash, password_matches, token_hash

SOURCE_LIMIT = 30
SOURCE_WINDOW = timedelta(minutes=5)
_NOBODY = password_hash("an account that does not exist")


async def organization_of(ctx: Context, host: str) -> Organization | None:
    """The organization that a host name names, else the default one."""
    label = host.split(":")[0].split(".")[0].lower()
    domain = ctx.platform.settings.domain.lower()
    if domain and host.split(":")[0].lower().endswith("." + domain):
        named = await ctx.session.scalar(select(Organization).where(Organization.slug == label))
        return named
    query = select(Organization).order_by(Organization.is_default.desc(), Organization.creation_time)
    return (await ctx.session.execute(query.limit(1))).scalars().first()


async def log_in(ctx: Context, username: Any, password: Any, kind: str) -> tuple[str, User, Session]:
    """A new session's secret, the account and the session.

    ``ctx`` is in a writing session of any organization. The error of a failed attempt is returned to the caller as
    ``LoginFailed`` *after* the counters are written: raise it outside the transaction, or they are lost.
    """
    if not isinstance(username, str) or not username.strip():
        raise Invalid("Please provide username.")
    if not isinstance(password, str) or not password:
        raise Invalid("Please provide password.")
    organization = await organization_of(ctx, ctx.host)
    name = username.strip().lower()[:255].replace("\x00", "")
    org_id = organization.id if organization else ""
    account = await _account(ctx, org_id, name)
    rules = await _rules(ctx, org_id)
    source, target = f"ip:{ctx.ip}", f"user:{token_hash(org_id + name)[:40]}"
    if not ctx.platform.database.is_sqlite:
        # Guesses at one account stand in line, or a burst of them would all be let in before the first is counted.
        await _attempt(ctx, target)
    await _refuse_blocked(ctx, source, target)
    # Hashing takes tens of milliseconds of a core: off the event loop, and also for names that do not exist.
    stored = account.password_hash if account and account.password_hash else _NOBODY
    right = await asyncio.to_thread(password_matches, stored, password[:1024])
    if not (right and account and account.is_active and account.password_hash):
        await _count(ctx, source, SOURCE_LIMIT, SOURCE_WINDOW, SOURCE_WINDOW)
        minutes = timedelta(minutes=int(rules["login.lock_minutes"]))
        await _count(ctx, target, int(rules["login.max_attempts"]), minutes, minutes)
        raise LoginFailed("Incorrect username or password.")
    await ctx.session.execute(delete(LoginAttempt).where(LoginAttempt.key == target))
    age = int(rules["password.max_age_days"])
    changed = account.password_changed_at or account.creation_time
    if age and changed + timedelta(days=age) <= ctx.now:
        account.must_change_password = True
    account.last_login = ctx.now
    secret, session = start_session(ctx, account, kind)
    await ctx.session.flush()
    return secret, account, session


class LoginFailed(Unauthorized):
    """Raised with counters pending: the transaction is to be committed all the same."""

    commit = True


def start_session(ctx: Context, account: User, kind: str) -> tuple[str, Session]:
    """A session row for the account; returns the secret that is only known now."""
    secret = new_token()
    session = Session(
        id=new_id(),
        organization=account.organization,
        token_hash=token_hash(secret),
        csrf=new_token() if kind == "cookie" else "",
        kind=kind,
        user=account.number,
        created=ctx.now,
        last_seen=ctx.now,
        ip=ctx.ip[:64],
        user_agent=ctx.headers.get("user-agent", "")[:300],
    )
    ctx.session.add(session)
    return secret, session


async def _account(ctx: Context, organization: str, name: str) -> User | None:
    query = select(User).where(
        User.organization == organization,
        or_(func.lower(User.username) == name, func.lower(User.email) == name),
    )
    return (await ctx.session.execute(query.order_by(func.lower(User.username) != name).limit(1))).scalars().first()


async def _rules(ctx: Context, organization: str) -> dict[str, Any]:
    rows = await ctx.session.execute(
        select(options.OrganizationOption).where(options.OrganizationOption.organization == organization)
    )
    chosen = {row.name: row.value for row in rows.scalars()}
    return {name: chosen.get(name, spec.default) for name, spec in options.declared().items()}


async def _refuse_blocked(ctx: Context, *keys: str) -> None:
    rows = (await ctx.session.execute(select(LoginAttempt).where(LoginAttempt.key.in_(keys)))).scalars()
    until = max((row.blocked_until for row in rows if row.blocked_until), default=None)
    if until and until > ctx.now:
        seconds = int((until - ctx.now).total_seconds()) + 1
        raise TooManyRequests(f"Too many failed log-ins. Try again in {-(-seconds // 60)} minutes.", seconds)


async def _attempt(ctx: Context, key: str) -> LoginAttempt:
    """The counter of a key, locked until the transaction ends."""
    if ctx.platform.database.is_sqlite:
        found = await ctx.session.get(LoginAttempt, key)
    else:
        found = None
        made = insert(LoginAttempt).values(key=key, failures=0, window_start=ctx.now).on_conflict_do_nothing()
        while found is None:  # a log-in that succeeds meanwhile takes the row away
            await ctx.session.execute(made)
            query = select(LoginAttempt).where(LoginAttempt.key == key).with_for_update()
            found = (await ctx.session.execute(query)).scalars().first()
    if found is None:
        found = LoginAttempt(key=key, failures=0, window_start=ctx.now)
        ctx.session.add(found)
    return found


async def _count(ctx: Context, key: str, limit: int, window: timedelta, block: timedelta) -> None:
    row = await _attempt(ctx, key)
    if row.window_start + window <= ctx.now:
        row.failures, row.window_start, row.blocked_until = 0, ctx.now, None
    row.failures += 1
    if row.failures >= limit:
        row.blocked_until = ctx.now + block
        row.failures, row.window_start = 0, ctx.now
    await ctx.session.flush()


async def check_policy(ctx: Context, password: Any, username: str, email: str, full_name: str) -> None:
    """Raises ``Invalid`` naming ``password`` when the organization's policy does not allow it for this person."""
    if not isinstance(password, str) or not password:
        raise Invalid("Please provide password.")
    rules = await options.get(ctx, *policy.RULES)
    found = policy.problems(password, rules, [username, email.split("@")[0], *full_name.split()])
    if found:
        raise Invalid(fields={"password": found})


async def set_password(ctx: Context, account: User, password: Any, *, must_change: bool = False) -> None:
    """Give an account a new password under the organization's policy; ends its other sessions.

    Raises ``Invalid`` naming ``password``.
    """
    await check_policy(ctx, password, account.username, account.email, account.full_name)
    (keep,) = await options.get(ctx, policy.HISTORY)
    old = [account.password_hash, *account.password_history][: int(keep)]
    for stored in old:
        used: bool = await asyncio.to_thread(password_matches, stored, password)
        if used:
            raise Invalid.field("password", "This password was used before. Choose a new one.")
    account.password_history = [stored for stored in old if stored]
    account.password_hash = await asyncio.to_thread(password_hash, password)
    account.password_changed_at = ctx.now
    account.must_change_password = must_change
    if account.number:
        await end_sessions(ctx, account, except_id=ctx.principal.session_id)


async def end_sessions(ctx: Context, account: User, *, except_id: str = "") -> None:
    """Log the account out everywhere (but for one session)."""
    await ctx.session.execute(delete(Session).where(Session.user == account.number, Session.id != except_id))


async def unlock(ctx: Context, account: User) -> None:
    """Forget the account's failed log-ins, under either of its names."""
    names = {account.username.lower(), account.email.lower()}
    keys = [f"user:{token_hash(account.organization + name)[:40]}" for name in names]
    await ctx.session.execute(delete(LoginAttempt).where(LoginAttempt.key.in_(keys)))


async def change_own_password(ctx: Context, current: Any, new: Any) -> None:
    """The caller's own password. Raises ``Invalid`` when the current one is wrong."""
    account = await store.get(ctx, User, ctx.principal.profile_id, lock=True)
    if not isinstance(current, str) or not await asyncio.to_thread(
        password_matches, account.password_hash, current[:1024]
    ):
        raise Invalid.field("current_password", "The current password is not right.")
    await set_password(ctx, account, new)
    await store.save(ctx, account, action="password")


async def profile(ctx: Context, account: User, organization_name: str) -> dict[str, Any]:
    """What ``GET /api/user`` tells about an account."""
    roles = await roles_of(ctx, account)
    granted: dict[str, list[str]] = {}
    for role in roles:
        for module, privilege in sorted(privileges(ctx, role)):
            granted.setdefault(module, [])
            if privilege not in granted[module]:
                granted[module].append(privilege)
    return {
        "profile_id": account.id, "user": account.number, "username": account.username, "email": account.email,
        "full_name": account.full_name or account.username, "name": account.full_name or account.username,
        "organization": account.organization, "organization_name": organization_name,
        "role": roles[0].role_name if roles else "", "roles": [{"id": r.id, "name": r.role_name} for r in roles],
        "permissions": granted, "preferences": account.preferences, "timezone": account.timezone,
        "profile_image": account.profile_image,
        "is_admin": any(role.is_admin for role in roles), "kind": account.kind, "is_active": account.is_active,
        "password_change_required": account.must_change_password,
    }  # fmt: skip


def describe_sessions(rows: Sequence[Session], who: Principal) -> list[dict[str, Any]]:
    return [
        {"id": row.id, "kind": row.kind, "created": row.created, "last_seen": row.last_seen, "ip": row.ip,
         "user_agent": row.user_agent, "current": row.id == who.session_id}
        for row in rows
    ]  # fmt: skip


__all__ = [
    "ApiError",
    "LoginFailed",
    "change_own_password",
    "end_sessions",
    "log_in",
    "set_password",
    "start_session",
]
