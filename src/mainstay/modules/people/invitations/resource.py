"""Operations of invitations: they belong to the User Profile module; taking one up is public."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import func, select

from mainstay.kernel import links, store
from mainstay.kernel.access.tables import REQUESTER, Invitation, Role, User
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Conflict, Invalid
from mainstay.kernel.operation import Group, Page, Success
from mainstay.kernel.query import ListQuery
from mainstay.kernel.trail import envelope, paged
from mainstay.modules.people.invitations import service
from mainstay.modules.people.users.service import may_give

invitations = Group("User Profile")
PATH = "/ux/common/user/profile/user_invite/"


class Invite(msgspec.Struct, kw_only=True):
    """Addresses split by ``;`` or ``,`` (or a list), and one role or several, by id or name.

    Under several roles, each address gets a link per role; the one that is used first decides.
    """

    emails: Any = ""
    email: Any = ""
    roles: Any = None
    role: Any = None


class InvitedRow(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One invitation that was made. ``link`` is told only where no mail server is set up."""

    id: str
    email: str
    role: str | None
    expires_at: datetime
    link: str = ""


class SkippedRow(msgspec.Struct, kw_only=True):
    email: str
    reason: str


class InviteAnswer(msgspec.Struct, kw_only=True):
    status: str = "success"
    msg: str = ""
    invited: list[InvitedRow]
    skipped: list[SkippedRow]


class PendingRow(msgspec.Struct, kw_only=True):
    """An invitation that nobody has used yet."""

    id: str
    email: str
    role: str | None
    role_name: str | None
    kind: str
    creation_time: datetime
    expires_at: datetime
    expired: bool


class PendingPage(Page, kw_only=True):
    results: list[PendingRow]


class Acceptance(msgspec.Struct, kw_only=True):
    """The link's token and the chosen password."""

    token: str = ""
    password: str = ""
    full_name: str = ""


async def _roles(ctx: Context, body: Invite) -> list[str]:
    raw = body.roles if body.roles not in (None, "", []) else body.role
    items = raw if isinstance(raw, list) else [part.strip() for part in str(raw or "").replace(";", ",").split(",")]
    wanted = [str(item.get("id", item.get("name", ""))) if isinstance(item, dict) else str(item) for item in items]
    wanted = list(dict.fromkeys(item.strip()[:255] for item in wanted if item and item.strip()))
    if not wanted:
        raise Invalid.field("roles", "Please provide roles.")
    if len(wanted) > 20:
        raise Invalid.field("roles", "At most 20 roles can be given at once.")
    known = await links.look_up(ctx, "role", wanted)
    for item in wanted:
        if item.lower() not in known:
            raise Invalid.field("roles", f"There is no role {item[:80]!r}.")
    return list(dict.fromkeys(known[item.lower()] for item in wanted))


@invitations.route("POST", PATH, permission=("user", "add"))
async def user_invite(ctx: Context, body: Invite) -> InviteAnswer:
    """Invite people by e-mail, under one role or several."""
    emails = service.addresses(body.emails or body.email)
    roles = await _roles(ctx, body)
    await may_give(ctx, roles)
    low = [email.lower() for email in emails]
    existing = (await ctx.session.execute(select(User).where(func.lower(User.email).in_(low)))).scalars()
    by_email = {account.email.lower(): account for account in existing}
    people: list[service.Invited] = []
    skipped: list[SkippedRow] = []
    for email in emails:
        account = by_email.get(email.lower())
        if account is None:
            people += [service.Invited(email=email, role=role) for role in roles]
        elif account.password_hash or account.kind == REQUESTER or not account.is_active:
            reason = "This person has an account already." if account.is_active else "This account is not active."
            skipped.append(SkippedRow(email=email, reason=reason))
        else:
            people.append(
                service.Invited(
                    email=email,
                    role=next(iter(account.role_ids), None),
                    target=account.id,
                    name=account.full_name,
                )
            )
    if not people:
        raise Conflict("Everybody here has an account already. Nobody was invited.")
    for account in by_email.values():
        await service.withdraw(ctx, targets=[account.id])
    made = await service.send(ctx, people)
    show = not ctx.platform.settings.smtp_host
    rows = [
        InvitedRow(
            id=row["id"],
            email=row["email"],
            role=row["role"],
            expires_at=row["expires_at"],
            link=row["link"] if show else "",
        )
        for row in made
    ]
    return InviteAnswer(invited=rows, skipped=skipped, msg=f"{len(rows)} invitations sent.")


@invitations.route("GET", PATH, permission=("user", "view"))
async def pending(ctx: Context, query: ListQuery) -> PendingPage:
    """Invitations that nobody has used yet, newest first."""
    statement: Any = (
        select(Invitation, Role.role_name)
        .outerjoin(Role, Role.id == Invitation.role)
        .where(Invitation.accepted_at.is_(None))
        .order_by(Invitation.creation_time.desc(), Invitation.id.desc())
    )
    if query.search:
        statement = statement.where(func.lower(Invitation.email).contains(query.search.lower(), autoescape=True))
    total, found = await paged(ctx, statement, query)
    rows = [
        PendingRow(
            id=row.id,
            email=row.email,
            role=row.role,
            role_name=name,
            kind=row.kind,
            creation_time=row.creation_time,
            expires_at=row.expires_at,
            expired=row.expires_at <= ctx.now,
        )
        for row, name in found
    ]
    shape = envelope(query, total, rows)
    return PendingPage(**{name: getattr(shape, name) for name in Page.__struct_fields__})


async def _pending(ctx: Context, id: str) -> Invitation:
    found = await store.get(ctx, Invitation, id, lock=True)
    if found.accepted_at is not None:
        raise Conflict("This invitation was used already.")
    return found


@invitations.route("POST", PATH + "{id}/resend/", permission=("user", "add"))
async def resend(ctx: Context, id: str) -> InvitedRow:
    """Send an invitation again with a new link; the old link stops working."""
    found = await _pending(ctx, id)
    await may_give(ctx, [found.role] if found.role else [])
    link = await service.resend(ctx, found)
    return InvitedRow(
        id=found.id,
        email=found.email,
        role=found.role,
        expires_at=found.expires_at,
        link="" if ctx.platform.settings.smtp_host else link,
    )


@invitations.route("DELETE", PATH + "{id}/", permission=("user", "add"), status=204)
async def withdraw(ctx: Context, id: str) -> None:
    """Withdraw an invitation: its link stops working."""
    await store.remove(ctx, await _pending(ctx, id))


@invitations.route("POST", "/api/invitation/accept", public=True)
async def accept(ctx: Context, body: Acceptance) -> Success:
    """Take up an invitation with the token of its link: choose a password, then log in."""
    await service.accept(ctx, body.token, body.password, body.full_name)
    return Success()
