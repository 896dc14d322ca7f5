"""From a request's credentials to its principal: one SQL statement each way."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, bindparam, false, select, update

from mainstay.kernel import direct
from mainstay.kernel.access.tables import ApiKey, Organization, Role, Session, User
from mainstay.kernel.context import Context, Principal
from mainstay.kernel.errors import Forbidden, Unauthorized
from mainstay.kernel.generation import Generation
from mainstay.kernel.secrets import token_hash
from mainstay.kernel.statements import plain

KEY_PREFIX = "ms_"
COOKIE = "mainstay_session"
CSRF_COOKIE = "mainstay_csrf"
SEEN_EVERY = timedelta(minutes=1)
"""How stale ``last_seen`` may be: a write per request would make every read a write."""


Hook = Callable[[Context, Principal], Awaitable[None]]
_hooks: list[Hook] = []


def on_authentication(hook: Hook) -> Hook:
    """Call ``hook(ctx, who)`` for every caller that was recognised, in a session of any organization.

    It runs with every request: it must answer from memory while ``who.generation`` is the same.
    """
    _hooks.append(hook)
    return hook


async def principal_of(ctx: Context, method: str) -> tuple[Principal, bool]:
    """The caller, and whether ``last_seen`` is due. ``ctx`` is in a session of any organization.

    Raises ``Unauthorized`` for credentials that do not hold, ``Forbidden`` where there are none.
    """
    who, due = await _recognise(ctx, method)
    for hook in _hooks:
        await hook(ctx, who)
    return who, due


async def _recognise(ctx: Context, method: str) -> tuple[Principal, bool]:
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


# Built once: every request runs one of these, and building a statement costs more than running it.
_ACCOUNT = (
    User.id.label("profile_id"), User.number, User.username, User.full_name, User.email, User.kind, User.is_active,
    User.role_ids, User.must_change_password,
)  # fmt: skip
_TENANT = (
    Organization.name.label("organization_name"),
    Organization.slug,
    Generation.number.label("generation"),
)
_KEY = direct.Statement(
    plain(select(
        ApiKey.id, ApiKey.organization, ApiKey.name, ApiKey.role, ApiKey.acts_as, ApiKey.expires_at, ApiKey.revoked,
        ApiKey.last_used_at, *_ACCOUNT, *_TENANT,
    )
    .join(Organization, Organization.id == ApiKey.organization)
    .outerjoin(Generation, Generation.organization == ApiKey.organization)
    .outerjoin(User, and_(User.id == ApiKey.acts_as, User.is_deleted == false()))
    .where(ApiKey.key_hash == bindparam("secret"), ApiKey.is_deleted == false()))
)  # fmt: skip
_SESSION = direct.Statement(
    plain(
        select(Session.id, Session.organization, Session.csrf, Session.last_seen, *_ACCOUNT, *_TENANT)
        .join(Organization, Organization.id == Session.organization)
        .outerjoin(Generation, Generation.organization == Session.organization)
        .join(User, and_(User.number == Session.user, User.is_deleted == false()))
        .where(Session.token_hash == bindparam("secret"), Session.kind == bindparam("session_kind"))
    )
)


async def _first(ctx: Context, statement: direct.Statement, given: dict[str, Any]) -> Any:
    database = ctx.platform.database
    made = statement.on(database)
    return made.first(await direct.run(database, ctx.session, made, given))


async def _by_key(ctx: Context, key: str) -> tuple[Principal, bool]:
    row = await _first(ctx, _KEY, {"secret": token_hash(key)})
    if row is None or row.revoked:
        raise Unauthorized("Invalid API key.")
    if row.expires_at and row.expires_at <= ctx.now:
        raise Unauthorized("This API key has expired.")
    # The key of somebody who was deleted or deactivated is not a key for nobody.
    if row.acts_as and not row.is_active:
        raise Unauthorized("Invalid API key.")
    roles = await _known_roles(ctx, row.organization, [row.role], row.generation or 0)
    if not roles:
        raise Unauthorized("Invalid API key.")
    _host_agrees(ctx, row.slug)
    who = _principal(ctx, row, roles)
    who.by_key = True
    if not row.acts_as:
        who.username, who.name, who.kind = row.name, f"API key {row.name}", "apikey"
    return who, _due(row.last_used_at, ctx.now)


async def _by_session(ctx: Context, token: str, kind: str, refusal: str) -> tuple[Principal, bool]:
    row = await _first(ctx, _SESSION, {"secret": token_hash(token), "session_kind": kind})
    hours = ctx.platform.settings.session_hours
    if row is None or not row.is_active or row.last_seen + timedelta(hours=hours) <= ctx.now:
        raise Unauthorized(refusal)
    _host_agrees(ctx, row.slug)
    roles = await _known_roles(ctx, row.organization, row.role_ids, row.generation or 0)
    who = _principal(ctx, row, roles)
    who.csrf, who.must_change_password = row.csrf, row.must_change_password
    return who, _due(row.last_seen, ctx.now)


def _principal(ctx: Context, row: Any, roles: Sequence[Role]) -> Principal:
    return Principal(
        organization=row.organization,
        organization_name=row.organization_name,
        user=row.number or 0,
        profile_id=row.profile_id or "",
        username=row.username or "",
        name=row.full_name or row.username or "",
        email=row.email or "",
        kind=row.kind or "",
        roles=tuple(role.id for role in roles),
        privileges=frozenset().union(*(privileges(ctx, role) for role in roles)),
        is_admin=any(role.is_admin for role in roles),
        session_id=row.id,
        generation=row.generation or 0,
    )


async def _known_roles(ctx: Context, organization: str, wanted: Sequence[str], generation: int) -> list[Role]:
    # Authentication precedes the principal, so this keeps its own memory under the same generation number.
    memory: dict[str, tuple[int, dict[str, Role]]] = ctx.platform.memory.setdefault("roles", {})
    kept = memory.get(organization)
    if kept is None or kept[0] != generation:
        rows = (await ctx.session.execute(select(Role).where(Role.organization == organization))).scalars()
        kept = (generation, {role.id: role for role in rows})
        memory[organization] = kept
    return [kept[1][role_id] for role_id in wanted if role_id in kept[1]]


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
    found: set[tuple[str, str]] = set()
    for modules in permissions.values():
        if not isinstance(modules, dict):
            continue
        for module, granted in modules.items():
            if isinstance(granted, dict):
                found.update((module, name) for name, on in granted.items() if on is True)
    return frozenset(found)


def _due(seen: datetime | None, now: datetime) -> bool:
    return seen is None or now - seen > SEEN_EVERY


def _host_agrees(ctx: Context, slug: str) -> None:
    # On a host name of one organization the keys of another are worth nothing.
    domain = ctx.platform.settings.domain
    host = ctx.host.split(":")[0].lower()
    if domain and host.endswith("." + domain.lower()) and host.split(".")[0] != slug:
        raise Unauthorized("These credentials belong to another organization.")


async def touch(ctx: Context, who: Principal) -> None:
    """Note that the key or session was used (``ctx`` writes)."""
    if who.by_key:
        statement = update(ApiKey).where(ApiKey.id == who.session_id).values(last_used_at=ctx.now)
    else:
        statement = update(Session).where(Session.id == who.session_id).values(last_seen=ctx.now)
    await ctx.session.execute(statement.execution_options(synchronize_session=False))
