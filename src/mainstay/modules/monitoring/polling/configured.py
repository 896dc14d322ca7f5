"""How items are monitored, below the Cmdb module: where, with what, by whom and how often; and what it could be."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import select

from mainstay.kernel.context import Context
from mainstay.modules.assets.cmdb.partlists import item_of
from mainstay.modules.assets.cmdb.tables import Ci
from mainstay.modules.monitoring.collectors.engine import site_of
from mainstay.modules.monitoring.collectors.service import sites
from mainstay.modules.monitoring.collectors.tables import Collector
from mainstay.modules.monitoring.credentials import service as credentials
from mainstay.modules.monitoring.polling.asked import ItemsInput
from mainstay.modules.monitoring.polling.performance import labels, performance
from mainstay.modules.monitoring.polling.switching import LONGEST, SHORTEST, planned
from mainstay.modules.monitoring.polling.tables import INTERVAL, Polled
from mainstay.modules.monitoring.templates.tables import DeviceTemplate
from mainstay.modules.monitoring.thresholds import service as thresholds
from mainstay.modules.monitoring.thresholds.engine import Rules


class Configured(msgspec.Struct, kw_only=True):
    """How an item is monitored. ``thresholds``: how many of the organization's own are about it, besides those that
    come with the product; ``collector`` empty: it is asked from here."""

    ci_id: str
    name: str
    address: str
    polled: bool
    enabled: bool
    ping: bool
    snmp: bool
    interval: int
    credential: str
    credential_name: str
    collector: str
    collector_name: str
    thresholds: int
    display: list[str]
    problem: str


class ConfiguredList(msgspec.Struct, kw_only=True):
    """How items are monitored."""

    results: list[Configured]


@performance.route("POST", "congiguration-details/", permission=("asset", "view"), write=False)
async def details(ctx: Context, body: ItemsInput) -> ConfiguredList:
    """How items are monitored: address, credential, interval, collector and thresholds"""
    found = await planned(ctx, body.ci_ids, "")
    ids = [one.ci_id for one in found]
    polled = {row.ci: row for row in (await ctx.session.execute(select(Polled).where(Polled.ci.in_(ids)))).scalars()}
    known = await sites(ctx)
    names = {row.id: row.name for row in (await ctx.session.execute(select(Collector.id, Collector.name))).all()}
    categories = select(Ci.id, Ci.category).where(Ci.id.in_(ids))
    places = {(ctx.organization, row.id): row.category for row in (await ctx.session.execute(categories)).all()}
    own = await thresholds.in_force(ctx.platform, places)
    results = []
    for one in found:
        row = polled.get(one.ci_id)
        site = site_of(one.address, known)
        results.append(Configured(
            ci_id=one.ci_id, name=one.name, address=one.address, polled=one.polled, enabled=one.enabled,
            ping=row.ping if row else False, snmp=row.snmp if row else False, interval=one.interval,
            credential=one.credential, credential_name=one.credential_name, collector=site.id if site else "",
            collector_name=names.get(site.id, "") if site else "", problem=one.problem,
            thresholds=_own(own.get((ctx.organization, one.ci_id))), display=list(row.display) if row else [],
        ))  # fmt: skip
    return ConfiguredList(results=results)


def _own(rules: Rules | None) -> int:
    return 0 if rules is None else len(rules.every()) - len(thresholds.shipped().every())


class ConfigQuery(msgspec.Struct, kw_only=True):
    """The item, to be offered what is for it; without one everything."""

    ci_id: str = ""


class Choices(msgspec.Struct, kw_only=True):
    """What the monitoring of an item can be set to. Intervals are in seconds."""

    ci_id: str
    credentials: list[dict[str, Any]]
    collectors: list[dict[str, Any]]
    templates: list[dict[str, Any]]
    metrics: list[dict[str, str]]
    shortest_interval: int
    longest_interval: int
    usual_interval: int


@performance.route("GET", "get-config-options/", permission=("asset", "view"))
async def choices(ctx: Context, query: ConfigQuery) -> Choices:
    """What the monitoring of an item can be set to: the credentials that are for its address, collectors, templates,
    measurements and intervals

    Credentials, collectors and templates only as far as the caller may see them."""
    item = await item_of(ctx, query.ci_id) if query.ci_id else None
    address = item.ip_address if item is not None else ""
    may = ctx.principal.can
    listed: list[dict[str, Any]] = []
    if may("credential", "view"):
        listed = [
            {"id": row.id, "name": row.name, "kind": row.kind, "scope": row.scope}
            for row in (await ctx.session.execute(credentials.active())).scalars()
            if not address or credentials.fits(row, address)
        ]
    collectors: list[dict[str, Any]] = []
    if may("collector", "view"):
        site = site_of(address, await sites(ctx)) if address else None
        every = select(Collector.id, Collector.name, Collector.state).order_by(Collector.name, Collector.id)
        collectors = [
            {"id": row.id, "name": row.name, "state": row.state, "in_charge": site is not None and site.id == row.id}
            for row in (await ctx.session.execute(every)).all()
        ]
    templates: list[dict[str, Any]] = []
    if may("device_template", "view"):
        enabled: Any = select(DeviceTemplate.id, DeviceTemplate.product, DeviceTemplate.sysobjectid)
        enabled = enabled.where(DeviceTemplate.is_enabled.is_(True)).order_by(DeviceTemplate.product, DeviceTemplate.id)
        templates = [
            {"id": row.id, "name": row.product, "sysobjectid": row.sysobjectid}
            for row in (await ctx.session.execute(enabled.limit(1000))).all()
        ]
    return Choices(
        ci_id=item.id if item is not None else "", credentials=listed, collectors=collectors, templates=templates,
        metrics=[{"id": key, "name": name, "unit": unit} for key, (name, unit) in (await labels(ctx)).items()],
        shortest_interval=SHORTEST, longest_interval=LONGEST, usual_interval=INTERVAL,
    )  # fmt: skip
