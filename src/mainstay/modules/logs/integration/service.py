"""What log sources say to others: whose an address is, which pipeline its lines take, when they are to go."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

import structlog
from sqlalchemy import func, select

from mainstay.kernel.access.tables import Organization
from mainstay.kernel.context import Context
from mainstay.kernel.database import ANY_ORGANIZATION
from mainstay.kernel.errors import Conflict, Invalid
from mainstay.kernel.platform import Platform
from mainstay.modules.logs.intake.sources import SourceRule, source_rules
from mainstay.modules.logs.integration import engine
from mainstay.modules.logs.integration.tables import LogIntegration
from mainstay.modules.logs.search.sql import micros
from mainstay.modules.logs.search.table import LINES

log = structlog.get_logger("mainstay.logs.integration")


@source_rules
async def rules(platform: Platform) -> Iterable[SourceRule]:
    """The networks of every organization's enabled sources; of two equal ones, the older claim counts."""
    async with platform.work(ANY_ORGANIZATION, write=False) as ctx:
        query = (
            select(LogIntegration.organization, LogIntegration.networks, LogIntegration.timezone,
                   LogIntegration.rate_limit)
            .where(LogIntegration.enabled.is_(True))
            .order_by(LogIntegration.creation_time, LogIntegration.id)
        )  # fmt: skip
        found = (await ctx.session.execute(query)).all()
    return [
        SourceRule(network=network, organization=row.organization, timezone=row.timezone, limit=row.rate_limit)
        for row in found
        for network in row.networks
    ]


async def claim(ctx: Context, networks: list[engine.Network], own: str = "") -> None:
    """Check that the caller's organization may have these networks. Raises ``Conflict`` or ``Invalid``."""
    if not networks:
        return
    if wide := [network for network in networks if engine.wide(network)]:
        everybody = select(func.count()).select_from(Organization).execution_options(any_organization=True)
        if ((await ctx.session.execute(everybody)).scalar() or 0) > 1:
            raise Invalid.field("networks", f"{wide[0]} is more than one of several organizations may claim. Name the "
                                            "networks that are yours.")  # fmt: skip
    query = (
        select(LogIntegration.id, LogIntegration.organization, LogIntegration.networks)
        .where(LogIntegration.enabled.is_(True))
        .execution_options(any_organization=True)
    )
    for row in (await ctx.session.execute(query)).all():
        if row.organization != ctx.organization:
            # A wide claim is from when there was one organization: what lies inside it can still be claimed.
            theirs = [network for network in engine.read(row.networks) if not engine.wide(network)]
            if (taken := engine.meeting(networks, theirs)) is not None:
                raise Conflict(f"{taken} is claimed already on this installation. Ask who runs it, or leave it out.")
        elif row.id != own and (same := set(networks) & set(engine.read(row.networks))):
            raise Conflict(f"Another log source has the network {min(map(str, same))} already.")


async def expire(platform: Platform) -> int:
    """Delete lines of sources that keep them for a shorter time than the installation; returns for how many sources."""
    if platform.telemetry is None:
        return 0
    async with platform.work(ANY_ORGANIZATION, write=False) as ctx:
        query = select(LogIntegration.organization, LogIntegration.networks, LogIntegration.retention).where(
            LogIntegration.retention > 0
        )
        found = (await ctx.session.execute(query)).all()
    done = 0
    for row in found:
        before = platform.now() - timedelta(days=row.retention)
        inside, parameters = _inside(engine.read(row.networks))
        if not inside:
            continue
        bound = {"organization": row.organization, "before": micros(before), **parameters}
        where = (
            "organization = {organization:String} AND received < fromUnixTimestamp64Micro({before:Int64}, 'UTC') "
            f"AND ({inside})"
        )
        old = await platform.telemetry.query(f"SELECT 1 AS one FROM {LINES} WHERE {where} LIMIT 1", bound)  # noqa: S608
        if old:
            await platform.telemetry.command(f"DELETE FROM {LINES} WHERE {where}", bound)  # noqa: S608
            done += 1
            log.info("old lines of a source deleted", organization=row.organization, days=row.retention)
    return done


def _inside(networks: list[engine.Network]) -> tuple[str, dict[str, str]]:
    """The condition that the sender is in one of the networks."""
    parts, parameters = [], {}
    for index, network in enumerate(networks):
        for name, address in (("first", network.network_address), ("last", network.broadcast_address)):
            parameters[f"{name}{index}"] = f"::ffff:{address}" if network.version == 4 else str(address)
        between = f"BETWEEN toIPv6({{first{index}:String}}) AND toIPv6({{last{index}:String}})"
        parts.append(f"ifNull(toIPv6OrNull(source) {between}, 0)")
    return " OR ".join(parts), parameters
