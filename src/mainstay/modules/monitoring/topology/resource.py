"""The map of the network in the API: devices with their live state, and the links between them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import func, select

from mainstay.kernel import rows, store
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Invalid
from mainstay.kernel.operation import Group
from mainstay.modules.assets.categories import service as categories
from mainstay.modules.assets.cmdb.partlists import item_of
from mainstay.modules.assets.cmdb.resource import items
from mainstay.modules.assets.cmdb.tables import Ci
from mainstay.modules.assets.devicegroups import service as devicegroups
from mainstay.modules.assets.devicegroups.tables import DeviceGroup
from mainstay.modules.assets.relations.service import among
from mainstay.modules.monitoring.events.tables import Event
from mainstay.modules.monitoring.polling import metrics
from mainstay.modules.monitoring.polling.tables import Polled
from mainstay.modules.monitoring.topology.tables import TopologyEvidence, TopologyLink
from mainstay.modules.organization.locations import service as locations

MAX_LINKS, MAX_NODES, MAX_DEPTH = 20_000, 5000, 20
RECENT = timedelta(minutes=15)
"""How old a measurement may be that is shown as how it is now."""

topology = Group("Topology", "/api/topology/")


class MapQuery(msgspec.Struct, kw_only=True):
    """Which part of the network: a place, a device group, or an item and ``depth`` steps around it; else all of it.

    ``missing``: links that nobody tells of any more, too.
    """

    ci_id: str = ""
    depth: int = 2
    location: str = ""
    group: str = ""
    missing: bool = False
    limit: int = 2000


class Node(msgspec.Struct, kw_only=True):
    """A device; or, with ``kind`` neighbour or segment, something that is no item."""

    id: str
    kind: str = "item"
    name: str
    category: str = ""
    icon: str = ""
    address: str = ""
    manufacturer: str = ""
    model: str = ""
    availability: str = ""
    """up, down, unknown; empty: it is not polled."""
    severity: int = 0
    """The worst severity of its open events; 0: it has none."""
    events: int = 0
    note: str = ""
    """What else is known of something that is no item."""


class MapLink(msgspec.Struct, kw_only=True):
    """A link between two nodes."""

    id: str
    source: str
    source_port: str
    target: str
    target_port: str
    protocols: list[str]
    members: list[list[str]]
    speed: int | None
    """Megabits a second."""
    use: float | None
    """Percent of the speed, of the busier direction, where either end is polled."""
    up: bool | None
    """Whether the ports are up, where either end is polled."""
    first_seen: datetime
    last_seen: datetime
    missing_since: datetime | None


class NetworkMap(msgspec.Struct, kw_only=True):
    """Nodes and links. ``truncated``: there is more than was asked for."""

    nodes: list[Node]
    links: list[MapLink]
    truncated: bool
    hidden: int
    """Devices that are not in the caller's device groups."""


@topology.route("GET", "", permission=("asset", "view"))
async def read_map(ctx: Context, query: MapQuery) -> NetworkMap:
    """The map of the network: devices, how they are now, and the links between them"""
    if not 1 <= query.limit <= MAX_NODES:
        raise Invalid.field("limit", f"limit must be between 1 and {MAX_NODES:,}.")
    if not 0 <= query.depth <= MAX_DEPTH:
        raise Invalid.field("depth", f"depth must be between 0 and {MAX_DEPTH}.")
    wanted = select(TopologyLink).order_by(TopologyLink.id).limit(MAX_LINKS + 1)
    if not query.missing:
        wanted = wanted.where(TopologyLink.missing_since.is_(None))
    links = list((await ctx.session.execute(wanted)).scalars())
    truncated = len(links) > MAX_LINKS
    links = links[:MAX_LINKS]
    scope: Any = None
    if query.ci_id:
        scope = _around((await item_of(ctx, query.ci_id)).id, links, query.depth)
    nodes, hidden, more = await _nodes(ctx, query, links, scope)
    shown = [one for one in links if one.near in nodes and (not one.far or one.far in nodes)]
    unknown = _unknown(shown, set(nodes) if query.ci_id or query.location or query.group else None)
    shown = [one for one in shown if one.far or _id(one) in unknown]
    await _state(ctx, nodes)
    use, up = await _traffic(ctx, list(nodes))
    return NetworkMap(
        nodes=[*nodes.values(), *unknown.values()], links=[_shown(one, use, up) for one in shown],
        truncated=truncated or more, hidden=hidden,
    )  # fmt: skip


def _id(link: TopologyLink) -> str:
    return link.far or f"unknown:{link.unknown.get('key', link.id)}"


def _around(start: str, links: list[TopologyLink], depth: int) -> set[str]:
    """Items at most ``depth`` links away; what is no item is a step, too."""
    beside: dict[str, set[str]] = defaultdict(set)
    for one in links:
        beside[one.near].add(_id(one))
        beside[_id(one)].add(one.near)
    found, wave = {start}, {start}
    for _ in range(depth):
        wave = {other for one in wave for other in beside[one]} - found
        found |= wave
    return found


async def _nodes(
    ctx: Context, query: MapQuery, links: list[TopologyLink], scope: set[str] | None
) -> tuple[dict[str, Node], int, bool]:
    columns = (Ci.id, Ci.name, Ci.category, Ci.ip_address, Ci.manufacturer, Ci.model)
    if scope is None:
        # What was asked for its neighbours belongs on the map, though it may have none.
        scope = {end for one in links for end in (one.near, one.far) if end}
        asked = select(TopologyEvidence.ci).limit(MAX_NODES)
        scope |= set((await ctx.session.execute(asked)).scalars())
    wanted: Any = select(*columns).where(among(ctx, Ci.id, scope))
    if query.location:
        inside = locations.inside(await locations.tree(ctx), query.location)
        wanted = wanted.where(Ci.location.in_(inside))
    if query.group:
        group = await store.get(ctx, DeviceGroup, query.group)
        wanted = wanted.where(await devicegroups.condition(ctx, group))
    known = await categories.classes(ctx)
    made: dict[str, Node] = {}
    seen = rows.restricted(ctx, items, wanted)
    found = (await ctx.session.execute(seen.order_by(Ci.name, Ci.id).limit(query.limit + 1))).all()
    for key, name, category, address, maker, model in found[: query.limit]:
        one = known.get(category)
        made[key] = Node(id=key, name=name, category=one.name if one else "", icon=one.icon if one else "",
                         address=address, manufacturer=maker, model=model)  # fmt: skip
    hidden = 0
    if ctx.principal.groups:
        every = wanted.with_only_columns(func.count(Ci.id))
        hidden = max(0, int(await ctx.session.scalar(every) or 0) - len(found))
    return made, hidden, len(found) > query.limit


def _unknown(links: list[TopologyLink], inside: set[str] | None) -> dict[str, Node]:
    """What links lead to that is no item; of a part of the network, segments that at least one item of it is on."""
    made: dict[str, Node] = {}
    for one in links:
        if one.far or (inside is not None and one.near not in inside):
            continue
        facts = one.unknown
        count = facts.get("count", 0)
        about = [facts.get("platform", ""), facts.get("chassis", ""), f"{count} addresses" if count else ""]
        made.setdefault(_id(one), Node(
            id=_id(one), kind=facts.get("kind", "neighbour"), name=facts.get("name", ""),
            address=facts.get("address", ""), note=", ".join(part for part in about if part),
        ))  # fmt: skip
    return made


async def _state(ctx: Context, nodes: dict[str, Node]) -> None:
    """The worst open event of each item, and whether it is reached."""
    worst = (
        select(Event.ci, func.min(Event.severity), func.count())
        .where(Event.cleared.is_(False), Event.ci.is_not(None), among(ctx, Event.ci, nodes))
        .group_by(Event.ci)
    )
    for ci, severity, number in (await ctx.session.execute(worst)).all():
        nodes[str(ci)].severity, nodes[str(ci)].events = severity, number
    polled = select(Polled.ci, Polled.state).where(Polled.enabled.is_(True), among(ctx, Polled.ci, nodes))
    for ci, state in (await ctx.session.execute(polled)).all():
        nodes[ci].availability = state


async def _traffic(
    ctx: Context, nodes: Collection[str]
) -> tuple[dict[tuple[str, str], float], dict[tuple[str, str], bool]]:
    """How busy ports are in percent, and whether they are up, by item and name of the port."""
    use: dict[tuple[str, str], float] = {}
    up: dict[tuple[str, str], bool] = {}
    telemetry = ctx.platform.telemetry
    if telemetry is None or not nodes:
        return use, up
    sql = (
        f"SELECT ci, resource, metric, argMax(value, time) AS last FROM {metrics.TABLE} "  # noqa: S608
        "WHERE organization = {organization:String} AND has({items:Array(String)}, ci) "
        "AND metric IN ('if_in_use', 'if_out_use', 'if_up') AND time > {since:DateTime64(3, 'UTC')} "
        "GROUP BY ci, resource, metric"
    )
    bound = {"organization": ctx.organization, "items": list(nodes), "since": (ctx.now - RECENT).astimezone(UTC)}
    for row in await telemetry.query(sql, bound):
        key = row["ci"], row["resource"]
        if row["metric"] == "if_up":
            up[key] = row["last"] >= 1
        else:
            use[key] = max(use.get(key, 0.0), row["last"])
    return use, up


def _shown(one: TopologyLink, use: dict[tuple[str, str], float], up: dict[tuple[str, str], bool]) -> MapLink:
    ends = [(one.near, one.near_port), (one.far, one.far_port)]
    ends += [(end, port) for pair in one.members for end, port in zip((one.near, one.far), pair, strict=False)]
    whole = [use[end] for end in ends[:2] if end in use]
    busy = whole or [use[end] for end in ends[2:] if end in use]
    states = [up[end] for end in ends[:2] if end in up]
    return MapLink(
        id=one.id, source=one.near, source_port=one.near_port, target=_id(one), target_port=one.far_port,
        protocols=one.protocols, members=one.members, speed=one.speed or None,
        use=round(max(busy), 1) if busy else None, up=all(states) if states else None,
        first_seen=one.first_seen, last_seen=one.last_seen, missing_since=one.missing_since,
    )  # fmt: skip


__all__ = ["topology"]
