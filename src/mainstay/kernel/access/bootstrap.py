"""Making an organization and its first accounts: what the command line and the tests start from."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, select

from mainstay.kernel import store
from mainstay.kernel.access.auth import KEY_PREFIX
from mainstay.kernel.access.tables import ApiKey, Organization, Role, User
from mainstay.kernel.context import Context, system
from mainstay.kernel.database import ANY_ORGANIZATION, confine
from mainstay.kernel.errors import Conflict, Invalid
from mainstay.kernel.generation import Generation
from mainstay.kernel.record import new_id
from mainstay.kernel.secrets import new_token, token_hash

if TYPE_CHECKING:
    from mainstay.kernel.platform import Platform

ADMIN_ROLE = "Infraon Admin"
NUMBERS_LOCK = 0x6D61696E
"""Advisory lock under which account numbers are handed out (PostgreSQL; SQLite has one writer)."""


Hook = Callable[[Context], Awaitable[Any]]
_founders: dict[str, Hook] = {}


def on_founding(name: str) -> Callable[[Hook], Hook]:
    """Call ``hook(ctx)`` once for every organization, to give it what its users expect to find.

    For a new one as it is made; for one that is older than the feature at the next start (``complete``).
    """

    def add(hook: Hook) -> Hook:
        _founders[name] = hook
        return hook

    return add


async def complete(platform: Platform) -> None:
    """Give organizations that are older than a feature what new ones have of it."""
    async with platform.work(ANY_ORGANIZATION, write=False) as ctx:
        rows = (await ctx.session.execute(select(Organization.id, Organization.founded))).all()
    for row in rows:
        if set(_founders) - set(row.founded):
            async with platform.work(ANY_ORGANIZATION) as ctx:
                organization = await ctx.session.get_one(Organization, row.id, with_for_update=True)
                await _found(ctx, organization)


async def _found(ctx: Context, organization: Organization) -> None:
    confine(ctx.session, organization.id)
    inside = replace(ctx, principal=system(organization.id), cache={})
    for name, hook in _founders.items():
        if name not in organization.founded:
            await hook(inside)
    confine(ctx.session, ANY_ORGANIZATION)
    organization.founded = sorted({*organization.founded, *_founders})
    await ctx.session.flush()


async def make_organization(ctx: Context, slug: str, name: str) -> Organization:
    """A new tenant with its default roles. ``ctx`` works on any organization.

    Raises ``Conflict`` when the slug is taken, ``Invalid`` when it is no host label (RFC 1123).
    """
    slug = slug.strip().lower()
    if not slug or len(slug) > 63 or not slug.replace("-", "").isalnum() or slug[0] == "-" or slug[-1] == "-":
        raise Invalid.field("slug", "The short name must be letters, digits and hyphens, such as acme.")
    if await ctx.session.scalar(select(Organization.id).where(Organization.slug == slug)):
        raise Conflict(f"There is already an organization {slug!r}.")
    first = not await ctx.session.scalar(select(func.count()).select_from(Organization))
    organization = Organization(
        id=new_id(), slug=slug, name=name.strip() or slug, is_default=first, creation_time=ctx.now, founded=[]
    )
    ctx.session.add(organization)
    await ctx.session.flush()
    await ctx.session.execute(insert(Generation).values(organization=organization.id, number=1))
    await _found(ctx, organization)
    return organization


async def next_number(ctx: Context) -> int:
    """The next account number of the installation."""
    if not ctx.platform.database.is_sqlite:
        # Two new accounts wait for each other here instead of one of them failing at the unique index.
        await ctx.session.execute(select(func.pg_advisory_xact_lock(NUMBERS_LOCK)))
    query = select(func.max(User.number)).execution_options(include_deleted=True, any_organization=True)
    return int(await ctx.session.scalar(query) or 0) + 1


def random_password() -> str:
    """A password for a first log-in: readable, and strong under every policy."""
    letters = "abcdefghjkmnpqrstuvwxyz"
    words = ["".join(secrets.choice(letters) for _ in range(4)) for _ in range(3)]
    return f"{words[0].capitalize()}-{words[1]}-{words[2]}-{secrets.randbelow(90) + 10}"


async def make_user(ctx: Context, **values: Any) -> User:
    """A new account with the next number."""
    account = User(number=await next_number(ctx), **values)
    await store.add(ctx, account)
    return account


async def make_key(
    ctx: Context, name: str, role: Role, acts_as: User | None, expires_at: datetime | None = None
) -> str:
    """A new API key; returns the key, which is only known now."""
    key = KEY_PREFIX + new_token()
    await store.add(
        ctx,
        ApiKey(name=name, prefix=key[:10], key_hash=token_hash(key), role=role.id,
               acts_as=acts_as.id if acts_as else None, expires_at=expires_at),
    )  # fmt: skip
    return key
