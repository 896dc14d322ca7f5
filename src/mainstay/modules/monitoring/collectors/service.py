"""Collectors' tokens, what each has to do, and how far it has handed over."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from sqlalchemy import delete, select, update

from mainstay.kernel import store
from mainstay.kernel.access.auth import KEY_PREFIX
from mainstay.kernel.access.tables import ApiKey, Role
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Conflict, Forbidden
from mainstay.kernel.record import new_id
from mainstay.kernel.secrets import new_token, token_hash
from mainstay.modules.monitoring.collectors.engine import Site
from mainstay.modules.monitoring.collectors.tables import Collector, CollectorSpool
from mainstay.modules.monitoring.credentials.service import spans
from mainstay.modules.people.roles.service import permissions

if TYPE_CHECKING:
    from mainstay.kernel.platform import Platform

ROLE = "Collector"
MODULE = "collector_link"
SPOOLS = 20
"""Spools remembered of one collector: each new disk is one, and so is each time that it starts over."""


async def new_key(ctx: Context, name: str) -> tuple[str, str, str]:
    """A key that can do a collector's work and nothing else: its id, its first letters, and the key, known only now."""
    role = await store.find(ctx, select(Role).where(Role.role_name == ROLE))
    if role is None:
        wanted = permissions(ctx.platform.registry.grantable(), {MODULE: ("add",)})
        role = Role(role_name=ROLE, description="For the tokens of collectors: fetches their work, hands over.",
                    selected_permissions=wanted, is_preconfigured=True)  # fmt: skip
        await store.add(ctx, role)
    token = KEY_PREFIX + new_token()
    row = ApiKey(name=f"Collector {name} {new_id()[-6:]}"[:255], prefix=token[:10], key_hash=token_hash(token),
                 role=role.id, acts_as=None)  # fmt: skip
    await store.add(ctx, row)
    return row.id, row.prefix, token


async def revoke_keys(ctx: Context, ids: list[str]) -> None:
    """End these keys at once."""
    if ids:
        await store.update_many(ctx, ApiKey, ids, {"revoked": True})


async def forget(ctx: Context, collectors: Sequence[str]) -> None:
    """Remove what only a collector that is there has."""
    gone = delete(CollectorSpool).where(CollectorSpool.collector.in_(list(collectors)))
    await ctx.session.execute(gone.execution_options(synchronize_session=False))


async def of_token(ctx: Context) -> Collector:
    """The collector whose token was shown. Raises ``Forbidden`` for every other caller, and for one that is off."""
    found = None
    if ctx.principal.by_key and not ctx.principal.profile_id:
        found = await store.find(ctx, select(Collector).where(Collector.key == ctx.principal.session_id))
    if found is None:
        raise Forbidden("Only a collector does this, with its own token.")
    if not found.enabled:
        raise Forbidden("This collector is turned off.", code="collector_disabled")
    return found


def private(ctx: Context) -> bool:
    """Whether nobody between here and the caller can read along: TLS, or this machine."""
    if urlsplit(ctx.url).scheme == "https":
        return True
    try:
        return ipaddress.ip_address(ctx.ip).is_loopback
    except ValueError:
        return False


async def sites(ctx: Context) -> list[Site]:
    """The organization's collectors, the oldest first."""
    query = select(Collector.id, Collector.enabled, Collector.networks).order_by(Collector.creation_time, Collector.id)
    rows = (await ctx.session.execute(query)).all()
    return [Site(row.id, row.enabled, tuple(spans(row.networks, "networks"))) for row in rows]


async def sites_everywhere(ctx: Context) -> dict[str, list[Site]]:
    """Every organization's collectors; ``ctx`` is in a session of any organization."""
    query = select(Collector.organization, Collector.id, Collector.enabled, Collector.networks)
    found: dict[str, list[Site]] = {}
    for row in (await ctx.session.execute(query.order_by(Collector.creation_time, Collector.id))).all():
        found.setdefault(row.organization, []).append(
            Site(row.id, row.enabled, tuple(spans(row.networks, "networks")))
        )  # fmt: skip
    return found


async def acknowledged(ctx: Context, collector: str, spool: str, first: int) -> int:
    """The last segment of a spool that is stored; of a spool that is not known, the one before its first."""
    query = select(CollectorSpool.acknowledged).where(
        CollectorSpool.collector == collector, CollectorSpool.spool == spool
    )
    known: int | None = await ctx.session.scalar(query)
    return first - 1 if known is None else known


async def acknowledge(ctx: Context, collector: Collector, spool: str, sequence: int) -> None:
    """Note that a segment is stored, in the transaction that says so to nobody else."""
    mine = (CollectorSpool.collector == collector.id, CollectorSpool.spool == spool)
    noted: Any = await ctx.session.execute(
        update(CollectorSpool).where(*mine, CollectorSpool.acknowledged < sequence)
        .values(acknowledged=sequence, at=ctx.now).execution_options(synchronize_session=False)
    )  # fmt: skip
    if not noted.rowcount and await ctx.session.scalar(select(CollectorSpool.acknowledged).where(*mine)) is None:
        ctx.session.add(CollectorSpool(organization=ctx.organization, collector=collector.id, spool=spool,
                                       acknowledged=sequence, at=ctx.now))  # fmt: skip
        await ctx.session.flush()
        await _forget_old_spools(ctx, collector.id)
    await note(ctx, collector.id, {"handed_over": Collector.handed_over + 1, "last_seen": ctx.now})


async def _forget_old_spools(ctx: Context, collector: str) -> None:
    query = (
        select(CollectorSpool.spool).where(CollectorSpool.collector == collector)
        .order_by(CollectorSpool.at.desc(), CollectorSpool.spool).offset(SPOOLS).limit(100)
    )  # fmt: skip
    old = list((await ctx.session.execute(query)).scalars())
    if old:
        gone = delete(CollectorSpool).where(CollectorSpool.collector == collector, CollectorSpool.spool.in_(old))
        await ctx.session.execute(gone.execution_options(synchronize_session=False))


async def note(ctx: Context, collector: str, values: dict[str, Any]) -> None:
    """Write what a collector says of itself. It comes every few seconds: it is no change for the trail."""
    statement = update(Collector).where(Collector.id == collector).values(**values)
    await ctx.session.execute(statement.execution_options(synchronize_session=False))


def turn(platform: Platform, collector: str) -> Any:
    """The lock under which one collector's batches are taken in this process."""
    import asyncio

    locks = platform.memory.setdefault("collector_turns", {})
    return locks.setdefault(collector, asyncio.Lock())


def gap(expected: int) -> Conflict:
    """What a collector is told whose batches do not follow one another."""
    return Conflict(f"Segment {expected} is expected next.", code="sequence", expected=expected)
