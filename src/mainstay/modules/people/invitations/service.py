"""Inviting people and taking up an invitation: what other features may call."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from html import escape
from typing import Any

from sqlalchemy import func, select

from mainstay.kernel import mail, options, store
from mainstay.kernel.access import bootstrap, login
from mainstay.kernel.access.tables import STAFF, Invitation, Organization, Role, User
from mainstay.kernel.context import Context, Principal
from mainstay.kernel.errors import Conflict, Invalid
from mainstay.kernel.fields import Field
from mainstay.kernel.options import option
from mainstay.kernel.record import new_id
from mainstay.kernel.secrets import new_token, token_hash
from mainstay.kernel.validation import BadValue, read
from mainstay.modules.people.users.service import on_leaving

HOURS = option(
    "invitation.hours",
    "integer",
    36,
    "Hours an invitation's link can be used",
    section="Users",
    minimum=1,
    maximum=24 * 60,
)
MAX_ADDRESSES = 200
_EMAIL = Field(name="emails", kind="email", label="Every address", max_length=254)


@dataclass(frozen=True, slots=True, kw_only=True)
class Invited:
    """Whom to invite as what. ``target``: the account that waits for its first password."""

    email: str
    role: str | None
    target: str | None = None
    name: str = ""
    kind: str = STAFF


def addresses(raw: Any) -> list[str]:
    """E-mail addresses from text split by ``;`` or ``,``, or from a list. Raises ``Invalid``."""
    parts = raw if isinstance(raw, list) else re.split(r"[;,\s]+", str(raw or ""))
    found: dict[str, str] = {}
    for part in parts:
        text = str(part).strip()
        if not text:
            continue
        try:
            found.setdefault(text.lower(), str(read(_EMAIL, text)))
        except BadValue:
            raise Invalid.field("emails", f"{text[:80]!r} is not an e-mail address. Nobody was invited.") from None
    if not found:
        raise Invalid.field("emails", "Please provide emails.")
    if len(found) > MAX_ADDRESSES:
        raise Invalid.field("emails", f"At most {MAX_ADDRESSES} people can be invited at once.")
    return list(found.values())


async def send(ctx: Context, people: Sequence[Invited]) -> list[dict[str, Any]]:
    """Store invitations and queue their mails, set-wise; each row also carries its ``link``."""
    if not people:
        return []
    (hours,) = await options.get(ctx, HOURS)
    expires = ctx.now + timedelta(hours=int(hours))
    tokens = [new_token() for _ in people]
    rows = [
        {
            "id": new_id(),
            "email": person.email,
            "token_hash": token_hash(token),
            "role": person.role,
            "kind": person.kind,
            "target": person.target,
            "expires_at": expires,
        }
        for person, token in zip(people, tokens, strict=True)
    ]
    made = await store.add_many(ctx, Invitation, rows)
    organization = await _organization(ctx)
    mails = []
    for person, token, row in zip(people, tokens, made, strict=True):
        row["link"] = link(ctx, token)
        mails.append(letter(person.email, person.name, organization, row["link"], int(hours)))
    await mail.queue_many(ctx, mails)
    return made


async def resend(ctx: Context, invitation: Invitation) -> str:
    """A new link for an invitation, with its full time; the old one stops working. Returns the link."""
    (hours,) = await options.get(ctx, HOURS)
    token = new_token()
    invitation.token_hash = token_hash(token)
    invitation.expires_at = ctx.now + timedelta(hours=int(hours))
    await store.save(ctx, invitation, action="resend")
    fresh = link(ctx, token)
    await mail.queue_many(ctx, [letter(invitation.email, "", await _organization(ctx), fresh, int(hours))])
    return fresh


def link(ctx: Context, token: str) -> str:
    return f"{ctx.platform.settings.base_url}/invite?token={token}"


def letter(email: str, name: str, organization: str, url: str, hours: int) -> mail.Mail:
    """The mail that carries an invitation."""
    hello = f"Hello {name}," if name else "Hello,"
    body = (
        f"You are invited to {organization} on Mainstay. Choose a password here to begin:",
        f"The link can be used once, within {hours} hours. If you did not expect it, ignore this e-mail.",
    )
    text = f"{hello}\n\n{body[0]}\n\n{url}\n\n{body[1]}\n"
    html = (
        f'<p>{escape(hello)}</p><p>{escape(body[0])}</p><p><a href="{escape(url)}">{escape(url)}</a></p>'
        f"<p>{escape(body[1])}</p>"
    )
    return mail.Mail(email, f"Your invitation to {organization}", text, html)


async def _organization(ctx: Context) -> str:
    return str(await ctx.session.scalar(select(Organization.name).where(Organization.id == ctx.organization)) or "")


async def accept(ctx: Context, token: str, password: str, full_name: str) -> User:
    """Take up an invitation: the account gets its password, or is made. Raises ``Invalid``, ``Conflict``.

    ``ctx`` comes from a public call: the invitation says which organization it is about.
    """
    refused = Invalid.field("token", "This invitation does not exist, was used, or was withdrawn. Ask for a new one.")
    query = select(Invitation).where(Invitation.token_hash == token_hash(token))
    invitation = await store.find(ctx, query, lock=True) if token else None
    if invitation is None or invitation.accepted_at is not None:
        raise refused
    if invitation.expires_at <= ctx.now:
        raise Invalid.field("token", "This invitation has expired. Ask for a new one.")
    ctx.session.sync_session.info["organization"] = invitation.organization
    ctx.principal = Principal(organization=invitation.organization, username=invitation.email, name=invitation.email)
    account = await _account(ctx, invitation, full_name.replace("\x00", "").strip()[:255])
    ctx.principal.user, ctx.principal.profile_id = account.number, account.id
    await login.set_password(ctx, account, password)
    await store.save(ctx, account, action="accept_invitation")
    invitation.accepted_at = ctx.now
    await store.save(ctx, invitation, action="accept")
    await withdraw(ctx, email=invitation.email)
    return account


async def _account(ctx: Context, invitation: Invitation, full_name: str) -> User:
    if invitation.target:
        account = await store.find(ctx, select(User).where(User.id == invitation.target), lock=True)
        if account is None or not account.is_active:
            raise Conflict("This account is not active. Ask an administrator.")
        if account.password_hash:
            raise Conflict("This account has a password already. Log in with it.")
        if full_name:
            account.full_name = full_name
        return account
    role = await store.find(ctx, select(Role).where(Role.id == invitation.role))
    if role is None:
        raise Conflict("The role of this invitation does not exist any more. Ask for a new invitation.")
    taken = select(User.id).where(func.lower(User.email) == invitation.email.lower())
    if await ctx.session.scalar(taken):
        raise Conflict("There is already a user with this e-mail address. Log in instead.")
    return await bootstrap.make_user(
        ctx,
        username=invitation.email,
        email=invitation.email,
        role_ids=[role.id],
        kind=invitation.kind,
        full_name=full_name or invitation.email.split("@")[0],
    )


async def withdraw(ctx: Context, *, email: str = "", role: str = "", targets: Sequence[str] = ()) -> int:
    """Take back pending invitations: of an address, for a role, to accounts."""
    query = select(Invitation.id).where(Invitation.accepted_at.is_(None))
    if email:
        query = query.where(func.lower(Invitation.email) == email.lower())
    if role:
        query = query.where(Invitation.role == role)
    if targets:
        query = query.where(Invitation.target.in_(list(targets)))
    return await store.remove_many(ctx, Invitation, list((await ctx.session.execute(query)).scalars()))


@on_leaving
async def _leave(ctx: Context, ids: Sequence[str], deleted: bool) -> None:
    for start in range(0, len(ids), store.CHUNK):
        await withdraw(ctx, targets=ids[start : start + store.CHUNK])
