"""A partner's portal account: made when the partner is given a password, closed when the partner goes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select

from mainstay.kernel import store
from mainstay.kernel.access import bootstrap, login
from mainstay.kernel.access.resource import may_grant
from mainstay.kernel.access.tables import REQUESTER, Role, User
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Invalid
from mainstay.kernel.query import holds_any
from mainstay.modules.people.partners.tables import Partner

PORTAL_ROLE = "Requester"


async def make_account(ctx: Context, name: str, email: str, password: Any) -> User:
    """An account for the self-service portal. Raises ``Invalid`` or ``Forbidden``."""
    if not email:
        raise Invalid.field("email", "Please provide a business e-mail: the partner logs in with it.")
    taken = select(User.id).where(
        or_(func.lower(User.email) == email.lower(), func.lower(User.username) == email.lower())
    )
    if await ctx.session.scalar(taken.limit(1)):
        raise Invalid.field("email", "Another account already uses this e-mail address.")
    role = await store.find(ctx, select(Role).where(Role.role_name == PORTAL_ROLE))
    if role is None or not role.portal_only:
        raise Invalid.field("password", "The portal role Requester is missing; without it a partner cannot log in.")
    await may_grant(ctx, role.id)
    account = await bootstrap.make_user(ctx, username=email, email=email, full_name=name, kind=REQUESTER,
                                        role_ids=[role.id])  # fmt: skip
    await login.set_password(ctx, account, password, must_change=True)
    await store.save(ctx, account, action="password")
    return account


async def change_password(ctx: Context, profile_id: str, password: Any) -> None:
    """A new password for the partner's account; its sessions end."""
    account = await store.get(ctx, User, profile_id, lock=True)
    for role_id in account.role_ids:
        # The account may have been given more since; who could not grant that must not take the account over.
        await may_grant(ctx, role_id)
    await login.set_password(ctx, account, password, must_change=True)
    await store.save(ctx, account, action="password")
    await login.end_sessions(ctx, account)


async def close_accounts(ctx: Context, profile_ids: Sequence[str]) -> None:
    """The accounts of partners that go can no longer log in."""
    if profile_ids:
        await store.update_many(ctx, User, list(profile_ids), {"is_active": False})


def operated_by(ctx: Context, profile_id: str) -> ColumnElement[bool]:
    """The condition that a user works for the partner."""
    return holds_any(ctx.platform.database.is_sqlite, Partner.partner_operators, [profile_id])
