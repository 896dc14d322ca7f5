"""What the receiver needs of an organization: its credentials, configurations, MIBs and choices."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import structlog
from sqlalchemy import select

from mainstay.kernel import options
from mainstay.kernel.access.tables import Organization
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Invalid
from mainstay.kernel.generation import CONFIGURATION
from mainstay.kernel.secrets import SecretError
from mainstay.modules.monitoring.mibs.service import tree_of
from mainstay.modules.monitoring.snmp.usm import User
from mainstay.modules.monitoring.traps import addresses, rules, settings
from mainstay.modules.monitoring.traps.cases import Setup
from mainstay.modules.monitoring.traps.doors import LOCAL, Door
from mainstay.modules.monitoring.traps.naming import Namer
from mainstay.modules.monitoring.traps.tables import ACTIVE, USER, TrapConfiguration, TrapCredential

if TYPE_CHECKING:
    from mainstay.kernel.platform import Platform

log = structlog.get_logger("mainstay.traps")
CONFIGURATION.update({"trap_configuration", "trap_credential"})


@dataclass(slots=True)
class Part:
    """One organization's share of what the receiver knows."""

    setup: Setup
    default: bool = False
    communities: list[tuple[bytes, Door]] = field(default_factory=list)
    users: list[Door] = field(default_factory=list)


def purpose(credential: str, name: str) -> str:
    """What a secret is sealed for."""
    return f"trap_credential/{credential}/{name}"


async def part_of(platform: Platform, organization: str) -> Part:
    """Read an organization's share."""
    async with platform.work(organization, write=False) as ctx:
        public, unconfigured = await options.get(ctx, settings.PUBLIC, settings.UNCONFIGURED)
        default = bool(await ctx.session.scalar(select(Organization.is_default).where(Organization.id == organization)))
        part = Part(Setup(Namer(await tree_of(ctx)), await _rules(ctx), unconfigured), default)
        found = list(
            (await ctx.session.execute(select(TrapCredential).where(TrapCredential.status == ACTIVE))).scalars()
        )
        if default and public:
            part.communities.append((b"public", Door(organization, "", "public", LOCAL)))
        for row in found:
            try:
                await _door(ctx, row, part)
            except (SecretError, Invalid, ValueError, KeyError) as error:
                log.error("trap credential cannot be used", credential=row.name, error=str(error)[:200])
    return part


async def _door(ctx: Context, row: TrapCredential, part: Part) -> None:
    vault = ctx.platform.vault
    secrets = {name: vault.open(text, purpose(row.id, name)) for name, text in row.sealed.items()}
    given = [item for item in (text.strip() for text in row.networks.split(",")) if item]
    networks = tuple(addresses.networks(given, "networks"))
    if row.kind == USER:
        # Stretching a password takes milliseconds.
        user = await asyncio.to_thread(
            User, row.username, row.auth_protocol or "", secrets.get("auth_password", ""),
            row.privacy_protocol or "", secrets.get("privacy_password", ""),
        )  # fmt: skip
        part.users.append(Door(ctx.organization, row.id, row.name, networks, user))
    else:
        door = Door(ctx.organization, row.id, row.name, networks)
        part.communities.append((secrets.get("community", "").encode(), door))


async def _rules(ctx: Context) -> dict[str, list[rules.Rule]]:
    """Active configurations by the OIDs of the traps they look at."""
    found: dict[str, list[rules.Rule]] = {}
    query = select(TrapConfiguration).where(TrapConfiguration.status == ACTIVE).order_by(TrapConfiguration.id)
    for row in (await ctx.session.execute(query)).scalars():
        values: dict[str, Any] = {name: getattr(row, name) for name in FIELDS}
        try:
            for rule in rules.make(values):
                oid = row.trap_clear_oid if rule.ends else row.trap_oid
                found.setdefault(oid, []).append(rule)
        except Invalid as error:
            log.error("trap configuration cannot be used", configuration=row.name, error=str(error))
    return found


FIELDS = tuple(column.key for column in TrapConfiguration.__table__.columns)
