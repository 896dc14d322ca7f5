"""What is connected by radio to the access points of a controller, below the Cmdb module."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import select

from mainstay.kernel import trail
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Invalid
from mainstay.kernel.operation import Group, Page
from mainstay.kernel.query import MAX_PAGE, ListQuery
from mainstay.kernel.rows import restricted
from mainstay.modules.assets.cmdb.partlists import item_of
from mainstay.modules.assets.cmdb.parts import CiInterface
from mainstay.modules.assets.cmdb.resource import items
from mainstay.modules.assets.cmdb.tables import Ci
from mainstay.modules.assets.cmdb.topology import points_of
from mainstay.modules.monitoring.topology.estate import Evidence
from mainstay.modules.monitoring.topology.tables import TopologyEvidence

RADIO = "wireless"
"""The kind of an interface of ifType ieee80211 (71)."""
POINTS = 1000
clients = Group("Cmdb", "/ux/common/cmdb/profile/")


class ClientQuery(ListQuery, kw_only=True):
    """The controller, or one access point. ``search``: part of an address, or of the name of an access point."""

    ci_id: str = ""


class Station(msgspec.Struct, kw_only=True):
    """A station that an access point has learned behind a radio. ``address``: as far as ARP tells it; ``ci_id``: the
    item that has this hardware address, as far as the caller may see it."""

    mac: str
    address: str
    point: str
    point_name: str
    interface: str
    seen: datetime
    ci_id: str = ""
    ci_name: str = ""


@clients.route("GET", "controller-clients/", permission=("asset", "view"))
async def stations(ctx: Context, query: ClientQuery) -> Page:
    """The stations behind the radios of a controller's access points, from their bridge tables as last discovered"""
    size, page = query.items_per_page, query.page
    if not 1 <= size <= MAX_PAGE or not 1 <= page <= 10**6:
        raise Invalid.field("items_per_page", f"items_per_page must be between 1 and {MAX_PAGE}, and page 1 or more.")
    item = await item_of(ctx, query.ci_id)
    points = [item.id, *(await points_of(ctx, item))[:POINTS]]
    told = select(TopologyEvidence.ci, TopologyEvidence.facts, TopologyEvidence.seen, Ci.name)
    told = told.join(Ci, Ci.id == TopologyEvidence.ci).where(TopologyEvidence.ci.in_(points))
    rows = (await ctx.session.execute(told)).all()
    wanted: Any = select(CiInterface.ci, CiInterface.if_index, CiInterface.name).where(
        CiInterface.ci.in_(points), CiInterface.kind == RADIO, CiInterface.missing_since.is_(None)
    )
    radios = {(row.ci, row.if_index): row.name for row in (await ctx.session.execute(wanted)).all()}
    evidence = {row.ci: msgspec.convert(row.facts, Evidence, strict=False) for row in rows}
    addresses = {mac: address for one in evidence.values() for address, mac in one.arp.items()}
    found = [
        Station(mac=mac, address=addresses.get(mac, ""), point=row.ci, point_name=row.name,
                interface=radios[row.ci, index], seen=row.seen)
        for row in rows
        for mac, index in evidence[row.ci].bridge.items()
        if (row.ci, index) in radios
    ]  # fmt: skip
    word = query.search.strip().lower()
    found = [one for one in found if word in f"{one.mac} {one.address} {one.point_name}".lower()]
    found.sort(key=lambda one: (one.point_name, one.point, one.interface, one.mac))
    shown = found[(page - 1) * size : page * size]
    owners: Any = select(CiInterface.mac, Ci.id, Ci.name).join(Ci, Ci.id == CiInterface.ci)
    owners = owners.where(CiInterface.mac.in_([one.mac for one in shown])).order_by(Ci.id)
    known = {row.mac: row for row in (await ctx.session.execute(restricted(ctx, items, owners))).all()}
    for one in shown:
        if one.mac in known:
            one.ci_id, one.ci_name = known[one.mac].id, known[one.mac].name
    return trail.envelope(query, len(found), shown)
