"""What the receiver needs of organizations: their credentials, configurations, MIBs and choices."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import structlog
from sqlalchemy import ColumnElement, select

from mainstay.kernel import options
from mainstay.kernel.access.tables import Organization
from mainstay.kernel.context import Context
from mainstay.kernel.database import ANY_ORGANIZATION
from mainstay.kernel.errors import Invalid
from mainstay.kernel.generation import CONFIGURATION
from mainstay.kernel.listed import among, bound
from mainstay.kernel.record import Record
from mainstay.kernel.secrets import SecretError
from mainstay.modules.monitoring.mibs.service import trees_of
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

    default: bool = False
    communities: list[tuple[bytes, Door]] = field(default_factory=list)
    users: list[Door] = field(default_factory=list)
    setup: Setup | None = None
    """None where there is no door: then no trap is this organization's, and most organizations have none."""


def purpose(credential: str, name: str) -> str:
    """What a secret is sealed for."""
    return f"trap_credential/{credential}/{name}"


async def parts_of(platform: Platform, organizations: Collection[str]) -> dict[str, Part]:
    """Read the shares of these organizations, in as many statements for all as for one."""
    parts = {name: Part() for name in organizations}
    async with platform.work(ANY_ORGANIZATION, write=False) as ctx:
        defaults = select(Organization.id).where(Organization.is_default.is_(True))
        chosen = await options.of_each(ctx, parts, settings.PUBLIC, settings.UNCONFIGURED)
        for name in (await ctx.session.execute(defaults)).scalars():
            if name in parts:
                parts[name].default = True
                if chosen[name][0]:
                    parts[name].communities.append((b"public", Door(name, "", "public", LOCAL)))
        active = select(TrapCredential).where(TrapCredential.status == ACTIVE, _of(ctx, TrapCredential, parts))
        for row in (await ctx.session.execute(active.order_by(TrapCredential.id))).scalars():
            try:
                await _door(ctx, row, parts[row.organization])
            except (SecretError, Invalid, ValueError, KeyError) as error:
                log.error("trap credential cannot be used", credential=row.name, error=str(error)[:200])
        reached = [name for name, part in parts.items() if part.communities or part.users]
        if not reached:
            return parts
        configurations = select(*(getattr(TrapConfiguration, name) for name in FIELDS)).where(
            TrapConfiguration.status == ACTIVE, _of(ctx, TrapConfiguration, reached)
        ).order_by(TrapConfiguration.id)  # fmt: skip
        rows = [row._asdict() for row in (await ctx.session.execute(configurations)).all()]
        trees = await trees_of(ctx, reached)
    # Hundreds of configurations take a while to make ready.
    found = await asyncio.to_thread(_rules, rows)
    for name in reached:
        parts[name].setup = Setup(Namer(trees[name]), found.get(name, {}), chosen[name][1])
    return parts


def _of(ctx: Context, model: type[Record], organizations: Iterable[str]) -> ColumnElement[bool]:
    sqlite = ctx.platform.database.is_sqlite
    return among(sqlite, model.organization, bound(sqlite, "organizations", organizations))


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
        part.users.append(Door(row.organization, row.id, row.name, networks, user))
    else:
        door = Door(row.organization, row.id, row.name, networks)
        part.communities.append((secrets.get("community", "").encode(), door))


def _rules(rows: Iterable[dict[str, Any]]) -> dict[str, dict[str, list[rules.Rule]]]:
    """Each organization's rules by the OIDs of the traps they look at."""
    found: dict[str, dict[str, list[rules.Rule]]] = {}
    for row in rows:
        mine = found.setdefault(row["organization"], {})
        try:
            for rule in rules.make(row):
                mine.setdefault(row["trap_clear_oid" if rule.ends else "trap_oid"], []).append(rule)
        except Invalid as error:
            log.error("trap configuration cannot be used", configuration=row["name"], error=str(error))
    return found


FIELDS = tuple(column.key for column in TrapConfiguration.__table__.columns)
