"""Which discoveries look at the address of an item, below the Cmdb module."""

from __future__ import annotations

import ipaddress
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import select

from mainstay.kernel.context import Context
from mainstay.kernel.errors import ApiError
from mainstay.modules.assets.cmdb.chosen import chosen
from mainstay.modules.assets.cmdb.lookup import canonical
from mainstay.modules.assets.cmdb.resource import items
from mainstay.modules.assets.cmdb.tables import Ci
from mainstay.modules.monitoring.credentials.service import Span, inside, spans
from mainstay.modules.monitoring.discovery import params
from mainstay.modules.monitoring.discovery.cards import cards
from mainstay.modules.monitoring.discovery.service import addresses
from mainstay.modules.monitoring.discovery.tables import Discovery, Finding
from mainstay.modules.monitoring.discovery.targets import hosts


class CoverageInput(msgspec.Struct, kw_only=True):
    """Items, at most 500."""

    ci_ids: list[str]


class Covering(msgspec.Struct, kw_only=True):
    """A discovery that looks at an address. ``result``: what became of the address in its last run."""

    id: str
    name: str
    url: str
    enabled: bool
    last_run: datetime | None
    next_run: datetime | None
    result: str
    reason: str
    seen: datetime | None


class Covered(msgspec.Struct, kw_only=True):
    """``url``: the page of the discovery that looks at the item, else that for a new one."""

    ci_id: str
    name: str
    address: str
    covered: bool
    url: str
    discoveries: list[Covering]


class Coverage(msgspec.Struct, kw_only=True):
    """Which discoveries look at items."""

    results: list[Covered]


@cards.route("POST", "discovery-url/", permission=("discovery", "view"), write=False)
async def coverage(ctx: Context, body: CoverageInput) -> Coverage:
    """Which discoveries look at the addresses of items, what became of them there, and the page to go to"""
    ctx.principal.require(items.permission, "view")
    names = await chosen(ctx, body.ci_ids)
    wanted = select(Ci.id, Ci.ip_address).where(Ci.id.in_(names))
    where = {row.id: canonical(row.ip_address) for row in (await ctx.session.execute(wanted)).all()}
    listed = select(Discovery).order_by(Discovery.label, Discovery.id).limit(1000)
    found = [(row, *_spans(row)) for row in (await ctx.session.execute(listed)).scalars()]
    runs = {row.job_iteration_id: row.id for row, _in, _out in found if row.job_iteration_id}
    given = sorted(set(where.values()) - {""})
    told: Any = select(Finding.iteration, Finding.address, Finding.result, Finding.reason, Finding.seen)
    told = told.where(Finding.iteration.in_(sorted(runs)), Finding.address.in_(given))
    results = {(runs[row.iteration], row.address): row for row in (await ctx.session.execute(told)).all()}
    base = ctx.platform.settings.base_url
    made = []
    for ci, name in names.items():
        address = where.get(ci, "")
        looking = [
            _covering(row, base, results.get((row.id, address)))
            for row, within, without in found
            if address and _looks(address, within, without)
        ]
        url = looking[0].url if looking else f"{base}/discovery/create"
        made.append(
            Covered(ci_id=ci, name=name, address=address, covered=bool(looking), url=url, discoveries=looking)
        )  # fmt: skip
    return Coverage(results=made)


def _spans(row: Discovery) -> tuple[list[Span], list[Span]]:
    """What a discovery looks at, and what it leaves out. One that cannot be read looks at nothing."""
    try:
        ranges = [part.replace(" - ", "-") for part in (row.host, row.secondary_host) if part.strip()]
        within = [span for text in ranges for span in hosts(text)] + hosts(", ".join(addresses(row.csv_data)))
        return within, spans(", ".join(params.read(row.params)["exclude_ip_address"]))
    except ApiError:
        return [], []


def _looks(address: str, within: list[Span], without: list[Span]) -> bool:
    one = ipaddress.ip_address(address)
    return inside(one, within) and not inside(one, without)


def _covering(row: Discovery, base: str, result: Any) -> Covering:
    return Covering(
        id=row.id, name=row.label, url=f"{base}/discovery/{row.id}", enabled=row.is_enabled, last_run=row.last_run,
        next_run=row.next_run, result=result.result if result else "", reason=result.reason if result else "",
        seen=result.seen if result else None,
    )  # fmt: skip
