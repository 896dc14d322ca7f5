"""From a request's credentials to its principal: one SQL statement each way."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, select, update

from mainstay.kernel.access.tables import ApiKey, Organization, Role, Session, User
from mainstay.kernel.context import Context, Principal
from mainstay.kernel.errors import Forbidden, Unauthorized
from mainstay.kernel.generation import Generation
from mainstay.kernel.secrets import token_hash

KEY_PREFIX = "ms_"
COOKIE = "mainstay_session"
CSRF_COOKIE = "mainstay_csrf"
SEEN_EVERY = timedelta(minutes=1)
"""How stale ``last_seen`` may be: a write per request would make every read a write."""


async def principal_of(ctx: Context, method: str) -> tuple[Principal, bool]:
    """The caller, and whether ``last_seen`` is due. ``ctx`` is in a session of any organization.

    Raises ``Unauthorized`` for credentials that do not hold, ``Forbidden`` where there are none.
    """
    header = ctx.headers.get("authorization", "")
    if header:
        scheme, _, rest = header.partition(" ")
        value = rest.strip()
        if scheme.lower() == "apikey":
            return await _by_key(ctx, value)
        token = value if scheme.lower() in ("bearer", "token", "jwt") and value else header.strip()
        if token.startswith(KEY_PREFIX):
            return await _by_key(ctx, token)
        return await _by_session(ctx, token, "token", "Invalid token.")
    cookie = _cookie(ctx.headers.get("cookie", ""), COOKIE)
    if cookie:
        who, due = await _by_session(ctx, cookie, "cookie", "Your session has ended. Please log in again.")
        if method not in ("GET", "HEAD", "OPTIONS") and (
            not who.csrf or ctx.headers.get("x-csrf-token", "") != who.csrf
        ):
            raise Forbidden("The request does not carry this session's CSRF token (X-CSRF-Token).")
        return who, due
    raise Forbidden("API key is missing.")


def _cookie(header: str, name: str) -> str:
    for part in header.split(";"):
        key, _, value = part.strip().partition("=")
        if key == name:
            return value
    return ""


async def _by_key(ctx: Context, key: str) -> tuple[Principal, bool]:
    row = (
        await ctx.session.execute(
            select(ApiKey, Role, User, Organization, Generation.number.label("generation"))
            .join(Organization, Organization.id == ApiKey.organization)
            .outerjoin(Generation, Generation.organization == ApiKey.organization)
            .outerjoin(Role, Role.id == ApiKey.role)
            .outerjoin(User, User.id == ApiKey.acts_as)
            .where(ApiKey.key_hash == token_hash(key))
        )
    ).first()
    if row is None or row.ApiKey.revoked or row.Role is None:
        raise Unauthorized("Invalid API key.")
    api_key: ApiKey = row.ApiKey
    if api_key.expires_at and api_key.expires_at <= ctx.now:
        raise Unauthorized("This API key has expired.")
    # The key of somebody who was deleted or deactivated is not a key for nobody.
    if api_key.acts_as and (row.User is None or not row.User.is_active):
        raise Unauthorized("Invalid API key.")
    _host_agrees(ctx, row.Organization)
    account: User | None = row.User
    who = Principal(
        organization=api_key.organization,
        organization_name=row.Organization.name,
        user=account.number if account else 0,
        profile_id=account.id if account else "",
        username=account.username if account else api_key.name,
        name=account.full_name or account.username if account else f"API key {api_key.name}",
        email=account.email if account else "",
        kind=account.kind if account else "apikey",
        by_key=True,
        roles=(row.Role.id,),
        privileges=privileges(ctx, row.Role),
        is_admin=row.Role.is_admin,
        session_id=api_key.id,
        generation=row.generation or 0,
    )
    return who, _due(api_key.last_used_at, ctx.now)


async def _by_session(ctx: Context, token: str, kind: str, refusal: str) -> tuple[Principal, bool]:
    row = (
        await ctx.session.execute(
            select(Session, User, Organization, Generation.number.label("generation"))
            .join(Organization, Organization.id == Session.organization)
            .outerjoin(Generation, Generation.organization == Session.organization)
            .join(User, User.number == Session.user)
            .where(Session.token_hash == token_hash(token), Session.kind == kind)
        )
    ).first()
    hours = ctx.platform.settings.session_hours
    if row is None or not row.User.is_active or row.Session.last_seen + timedelta(hours=hours) <= ctx.now:
        raise Unauthorized(refusal)
    _host_agrees(ctx, row.Organization)
    return await account_principal(ctx, row), _due(row.Session.last_seen, ctx.now)


async def account_principal(ctx: Context, row: Row[Any]) -> Principal:
    """The principal of a row with ``Session``, ``User`` and ``Organization``."""
    account: User = row.User
    roles = await _known_roles(ctx, account, row.generation or 0)
    merged: frozenset[tuple[str, str]] = frozenset().union(*(privileges(ctx, role) for role in roles))
    return Principal(
        organization=account.organization,
        organization_name=row.Organization.name,
        user=account.number,
        profile_id=account.id,
        username=account.username,
        name=account.full_name or account.username,
        email=account.email,
        kind=account.kind,
        roles=tuple(role.id for role in roles),
        privileges=merged,
        is_admin=any(role.is_admin for role in roles),
        session_id=row.Session.id,
        must_change_password=account.must_change_password,
        csrf=row.Session.csrf,
        generation=row.generation or 0,
    )


async def _known_roles(ctx: Context, account: User, generation: int) -> list[Role]:
    # Authentication precedes the principal, so this keeps its own memory under the same generation number.
    memory: dict[str, tuple[int, dict[str, Role]]] = ctx.platform.memory.setdefault("roles", {})
    kept = memory.get(account.organization)
    if kept is None or kept[0] != generation:
        rows = (await ctx.session.execute(select(Role).where(Role.organization == account.organization))).scalars()
        kept = (generation, {role.id: role for role in rows})
        memory[account.organization] = kept
    return [kept[1][role_id] for role_id in account.role_ids if role_id in kept[1]]


async def roles_of(ctx: Context, account: User) -> list[Role]:
    """The account's roles that still exist."""
    if not account.role_ids:
        return []
    query = select(Role).where(Role.id.in_(account.role_ids), Role.organization == account.organization)
    return list((await ctx.session.execute(query)).scalars())


def privileges(ctx: Context, role: Role) -> frozenset[tuple[str, str]]:
    """``(module, privilege)`` pairs of a role; kept per version of the role."""
    cache: dict[tuple[str, int], frozenset[tuple[str, str]]] = ctx.platform.memory.setdefault("privileges", {})
    key = (role.id, role.version)
    if key not in cache:
        if len(cache) > 2000:
            cache.clear()
        cache[key] = flatten(role.selected_permissions)
    return cache[key]


def flatten(permissions: dict[str, Any]) -> frozenset[tuple[str, str]]:
    """``{section: {module: {privilege: bool}}}`` as the set of what is granted."""
    found = set()
    for modules in permissions.values():
        if not isinstance(modules, dict):
            continue
        for module, granted in modules.items():
            if isinstance(granted, dict):
                found.update((module, name) for name, on in granted.items() if on is True)
    return frozenset(found)


def _due(seen: datetime | None, now: datetime) -> bool:
    return seen is None or now - seen > SEEN_EVERY


def _host_agrees(ctx: Context, organization: Organization) -> None:
    # On a host name of one organization the keys of another are worth nothing.
    domain = ctx.platform.settings.domain
    host = ctx.host.split(":")[0].lower()
    if domain and host.endswith("." + domain.lower()) and host.split(".")[0] != organization.slug:
        raise Unauthorized("These credentials belong to another organization.")


async def touch(ctx: Context, who: Principal) -> None:
    """Note that the key or session was used (``ctx`` writes)."""
    if who.by_key:
        statement = update(ApiKey).where(ApiKey.id == who.session_id).values(last_used_at=ctx.now)
    else:
        statement = update(Session).where(Session.id == who.session_id).values(last_seen=ctx.now)
    await ctx.session.execute(statement.execution_options(synchronize_session=False))
