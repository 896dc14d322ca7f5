"""What holds for every account: who may change whom, the last administrator, what leaving means."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from zoneinfo import available_timezones

from sqlalchemy import delete, select

from mainstay.kernel import query, references, store
from mainstay.kernel.access.auth import privileges
from mainstay.kernel.access.login import check_policy
from mainstay.kernel.access.tables import STAFF, ApiKey, Role, Session, User
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Conflict, Forbidden, Invalid
from mainstay.kernel.secrets import password_hash

Hook = Callable[[Context, Sequence[str], bool], Awaitable[None]]
_leaving: list[Hook] = []
_followers: list[Callable[[Context, User], Awaitable[None]]] = []
MAX_PASSWORDS = 100
"""Passwords that one call may set: each costs tens of milliseconds of a core, while the database waits."""


def on_leaving(hook: Hook) -> Hook:
    """Call ``hook(ctx, profile ids, deleted)`` in the transaction that deactivates or deletes accounts."""
    _leaving.append(hook)
    return hook


def on_own_change(
    hook: Callable[[Context, User], Awaitable[None]],
) -> Callable[[Context, User], Awaitable[None]]:
    """Call ``hook(ctx, account)`` after somebody changed their own profile."""
    _followers.append(hook)
    return hook


async def tell_followers(ctx: Context, account: User) -> None:
    for hook in _followers:
        await hook(ctx, account)


async def may_give(ctx: Context, role_ids: Collection[str], refusal: str = "") -> None:
    """Nobody hands out more than they hold. Raises ``Forbidden``."""
    if ctx.principal.is_admin or not role_ids:
        return
    found = (await ctx.session.execute(select(Role).where(Role.id.in_(sorted(role_ids))))).scalars()
    for role in found:
        if role.is_admin or not privileges(ctx, role) <= ctx.principal.privileges:
            raise Forbidden(
                refusal or f"You cannot give the role {role.role_name}: it has privileges that you do not have."
            )


async def within_reach(ctx: Context, accounts: Sequence[User]) -> None:
    """Nobody changes an account that holds more than they do. Raises ``Forbidden``."""
    others = {role for account in accounts if account.id != ctx.principal.profile_id for role in account.role_ids}
    await may_give(ctx, others, "You cannot change a user who has privileges that you do not have.")


async def keep_an_administrator(ctx: Context, going: Collection[str]) -> None:
    """Raises ``Conflict`` when no active administrator would be left without these accounts."""
    admin_roles = list((await ctx.session.execute(select(Role.id).where(Role.is_admin.is_(True)))).scalars())
    if not admin_roles:
        return
    sqlite = ctx.platform.database.is_sqlite
    active = select(User.id).where(
        User.is_active.is_(True), User.kind == STAFF, query.holds_any(sqlite, User.role_ids, admin_roles)
    )
    # Locked: two administrators who remove each other at the same moment must not both succeed.
    if not sqlite:
        active = active.order_by(User.id).with_for_update()
    ids = set((await ctx.session.execute(active)).scalars())
    if ids and ids <= set(going):
        raise Conflict("This is the last active administrator. Make somebody else an administrator first.")


def not_oneself(ctx: Context, ids: Collection[str], what: str) -> None:
    """Raises ``Conflict`` when the caller is among them."""
    if ctx.principal.profile_id and ctx.principal.profile_id in ids:
        raise Conflict(f"You cannot {what} your own account. Ask another administrator.")


async def gone(ctx: Context, accounts: Sequence[User], *, deleted: bool) -> None:
    """After accounts were deactivated or are being deleted: end their log-ins and tell who needs to know."""
    if not accounts:
        return
    numbers, ids = [account.number for account in accounts], [account.id for account in accounts]
    for start in range(0, len(ids), store.CHUNK):
        await ctx.session.execute(
            delete(Session)
            .where(Session.user.in_(numbers[start : start + store.CHUNK]))
            .execution_options(synchronize_session=False)
        )
    if deleted:
        await _forget(ctx, ids)
    for hook in _leaving:
        await hook(ctx, ids, deleted)


async def _forget(ctx: Context, ids: Sequence[str]) -> None:
    for start in range(0, len(ids), store.CHUNK):
        part = list(ids[start : start + store.CHUNK])
        keys = select(ApiKey.id).where(ApiKey.acts_as.in_(part), ApiKey.revoked.is_(False))
        revoked = list((await ctx.session.execute(keys)).scalars())
        await store.update_many(ctx, ApiKey, revoked, {"revoked": True})
        # Heads, members, managers: what only points at them lets go. A ticket or a leave keeps the name.
        fields = [
            (res, spec)
            for res, spec in references.holders(ctx, "user")
            if res.area in references.CLEARED and not spec.required and not spec.read_only
        ]
        known = {(res.name, spec.name): (res, spec) for res, spec in fields}
        for use in await references.uses(ctx, fields, part):
            await references.clear(ctx, *known[use.resource, use.field], part)


async def set_active(ctx: Context, accounts: Sequence[User], active: bool) -> int:
    """Activate or deactivate accounts, set-wise; returns how many changed. Raises ``Conflict``."""
    changing = [account for account in accounts if account.is_active != active]
    ids = [account.id for account in changing]
    await within_reach(ctx, changing)
    if not active:
        not_oneself(ctx, ids, "deactivate")
        await keep_an_administrator(ctx, ids)
    done = await store.update_many(ctx, User, ids, {"is_active": active})
    if not active:
        await gone(ctx, changing, deleted=False)
    return done


def read_password(given: object) -> str:
    """The password in a profile's input, checked against its confirmation; empty where there is none.

    Raises ``Invalid``.
    """
    if not isinstance(given, dict):
        return ""
    password, again = given.get("password"), given.get("confirm_password")
    if password in (None, ""):
        return ""
    if not isinstance(password, str):
        raise Invalid.field("password", "The password must be text.")
    if again not in (None, "") and again != password:
        raise Invalid.field("confirm_password", "The two passwords are not the same.")
    return password


async def hashed(ctx: Context, password: str, username: str, email: str, full_name: str) -> str:
    """The hash of a new account's password. Raises ``Invalid`` when the policy does not allow it."""
    await check_policy(ctx, password, username, email, full_name)
    return await asyncio.to_thread(password_hash, password)


_zones: frozenset[str] = frozenset()


def check_timezone(name: str | None) -> None:
    """Raises ``Invalid`` for a time zone that is none."""
    global _zones
    _zones = _zones or frozenset(available_timezones())
    if name and name not in _zones:
        raise Invalid.field("timezone", f"{name[:60]!r} is not a time zone. Use a name such as Asia/Kolkata or UTC.")
