"""Requesters and their portal accounts: what the module and other features may call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import func, select

from mainstay.kernel import links, store
from mainstay.kernel.access import bootstrap, login
from mainstay.kernel.access.tables import REQUESTER, User
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Conflict, Invalid
from mainstay.kernel.record import new_id
from mainstay.modules.people.invitations import service as invitations
from mainstay.modules.people.requesters.tables import Requester
from mainstay.modules.people.roles.service import portal_role
from mainstay.modules.people.users import service as users

MANUAL = "Manual"


async def open_accounts(ctx: Context, rows: Sequence[dict[str, Any]], details: Sequence[Mapping[str, Any]]) -> None:
    """Give every row (of a new requester, or of one about to be enabled) its account, set-wise.

    Whoever has an account with this address keeps it. ``details`` holds ``username`` and ``password``.
    Raises ``Invalid``.
    """
    wanting = [(row, detail) for row, detail in zip(rows, details, strict=True) if row.get("is_login_enable")]
    missing = [row for row, _detail in wanting if not row.get("email")]
    if missing:
        raise Invalid.field(
            "email", f"{missing[0].get('full_name') or 'A requester'} needs an e-mail address to log in."
        )
    await _link(ctx, [row for row in rows if row.get("email")])
    wanting = [(row, detail) for row, detail in wanting if not row.get("profile_id")]
    if not wanting:
        return
    role = await portal_role(ctx)
    await users.may_give(ctx, [role.id])
    if sum(bool(users.read_password(dict(detail))) for _row, detail in wanting) > users.MAX_PASSWORDS:
        raise Invalid.field(
            "user_details",
            f"At most {users.MAX_PASSWORDS} requesters can get a password at once. "
            "Leave it out: each gets a link to choose one.",
        )
    number = await bootstrap.next_number(ctx)
    accounts, invited = [], []
    for offset, (row, detail) in enumerate(wanting):
        username = str(detail.get("username") or row["email"]).strip()[:255]
        account: dict[str, Any] = {
            "id": new_id(),
            "number": number + offset,
            "username": username,
            "email": row["email"],
            "full_name": row["full_name"],
            "kind": REQUESTER,
            "role_ids": [role.id],
            "password_history": [],
            "is_active": row.get("is_login_active", True),
            "phone": row.get("phone_number", ""),
            "must_change_password": False,
        }
        password = users.read_password(dict(detail))
        if password:
            hashed = await users.hashed(ctx, password, username, row["email"], row["full_name"])
            account.update(password_hash=hashed, password_changed_at=ctx.now, must_change_password=True)
        elif account["is_active"]:
            invited.append(
                invitations.Invited(
                    email=row["email"],
                    role=role.id,
                    target=account["id"],
                    name=row["full_name"],
                    kind=REQUESTER,
                )
            )
        row["profile_id"] = account["id"]
        accounts.append(account)
    await store.add_many(ctx, User, accounts)
    await invitations.send(ctx, invited)


async def _link(ctx: Context, rows: Sequence[dict[str, Any]]) -> None:
    emails = {row["email"].lower() for row in rows if not row.get("profile_id")}
    found: dict[str, str] = {}
    wanted = sorted(emails)
    for start in range(0, len(wanted), store.CHUNK):
        query = select(User.id, User.email).where(func.lower(User.email).in_(wanted[start : start + store.CHUNK]))
        found.update({row.email.lower(): row.id for row in await ctx.session.execute(query)})
    for row in rows:
        if not row.get("profile_id") and row["email"].lower() in found:
            row["profile_id"] = found[row["email"].lower()]


async def account_of(ctx: Context, requester: Requester) -> User | None:
    """The requester's own account; ``None`` where there is none or where it is a staff member's."""
    if not requester.profile_id:
        return None
    account = await store.find(ctx, select(User).where(User.id == requester.profile_id), lock=True)
    return account if account is not None and account.kind == REQUESTER else None


async def follow(ctx: Context, requester: Requester, given: Mapping[str, Any]) -> None:
    """Bring the account in line with the requester: open, closed, renamed, a new password."""
    detail = given.get("user_details") if isinstance(given.get("user_details"), dict) else {}
    account = await account_of(ctx, requester)
    if account is None:
        if requester.is_login_enable and requester.is_login_active and not requester.profile_id:
            names = ("email", "full_name", "phone_number", "is_login_active", "is_login_enable", "profile_id")
            row = {name: getattr(requester, name) for name in names}
            await open_accounts(ctx, [row], [detail or {}])
            requester.profile_id = row["profile_id"]
            await store.save(ctx, requester)
        return
    account.full_name, account.phone = requester.full_name, requester.phone_number
    if requester.email:
        if account.username == account.email:
            account.username = requester.email
        account.email = requester.email
    elif requester.is_login_enable:
        raise Invalid.field("email", "A requester who may log in needs an e-mail address.")
    if detail and detail.get("username"):
        account.username = str(detail["username"]).strip()[:255]
    password = users.read_password(detail)
    if password:
        await users.within_reach(ctx, [account])
        await login.set_password(ctx, account, password, must_change=True)
    wanted = requester.is_login_enable and requester.is_login_active
    ending = account.is_active and not wanted
    starting = wanted and not account.is_active
    account.is_active = wanted
    await store.save(ctx, account)
    if ending:
        await users.gone(ctx, [account], deleted=False)
    if starting and not account.password_hash:
        await invitations.send(
            ctx,
            [
                invitations.Invited(
                    email=account.email,
                    role=account.role_ids[0],
                    target=account.id,
                    name=account.full_name,
                    kind=REQUESTER,
                )
            ],
        )


async def set_active(ctx: Context, requesters: Sequence[Requester], active: bool) -> int:
    """Activate or deactivate requesters and their accounts, set-wise; returns how many changed."""
    changing = [row for row in requesters if row.is_login_active != active]
    done = await store.update_many(ctx, Requester, [row.id for row in changing], {"is_login_active": active})
    accounts = await _portal_accounts(
        ctx, [row.profile_id for row in changing if row.profile_id and (row.is_login_enable or not active)]
    )
    moving = [account for account in accounts if account.is_active != active]
    await store.update_many(ctx, User, [account.id for account in moving], {"is_active": active})
    if not active:
        await users.gone(ctx, moving, deleted=False)
    return done


async def remove_accounts(ctx: Context, requesters: Sequence[Requester]) -> None:
    """Delete the portal accounts of requesters that are being deleted."""
    accounts = await _portal_accounts(ctx, [row.profile_id for row in requesters if row.profile_id])
    await users.gone(ctx, accounts, deleted=True)
    await store.remove_many(ctx, User, [account.id for account in accounts])


async def _portal_accounts(ctx: Context, ids: Sequence[str]) -> list[User]:
    found: list[User] = []
    for start in range(0, len(ids), store.CHUNK):
        query = select(User).where(User.id.in_(list(ids[start : start + store.CHUNK])), User.kind == REQUESTER)
        found += (await ctx.session.execute(query)).scalars()
    return found


@users.on_leaving
async def _unlink(ctx: Context, ids: Sequence[str], deleted: bool) -> None:
    """A deleted account is nobody's any more."""
    if not deleted:
        return
    for start in range(0, len(ids), store.CHUNK):
        part = list(ids[start : start + store.CHUNK])
        query = select(Requester.id).where(Requester.profile_id.in_(part))
        linked = list((await ctx.session.execute(query)).scalars())
        await store.update_many(ctx, Requester, linked, {"profile_id": None})


@users.on_own_change
async def _rename(ctx: Context, account: User) -> None:
    """A requester's profile in the portal and the requester's record say the same."""
    if account.kind != REQUESTER:
        return
    requester = await store.find(ctx, select(Requester).where(Requester.profile_id == account.id), lock=True)
    if requester is not None:
        requester.full_name, requester.phone_number = account.full_name or requester.full_name, account.phone
        await store.save(ctx, requester)


async def manager_of(ctx: Context, given: str) -> str:
    """The profile id of a reporting manager, given as user or requester. Raises ``Invalid``, ``Conflict``."""
    known = await links.look_up(ctx, "user", [given])
    if given.lower() in known:
        return known[given.lower()]
    requester = await store.find(ctx, select(Requester).where(Requester.id == given))
    if requester is None:
        raise Invalid.field("reporting_id", f"There is no user {given[:80]!r}.")
    if not requester.profile_id:
        raise Conflict(f"{requester.full_name} has no account and cannot be a reporting manager.")
    return requester.profile_id
