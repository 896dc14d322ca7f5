"""Wireless controllers, below the Cmdb module: how their access points are, in numbers."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import func, select

from mainstay.kernel.context import Context
from mainstay.modules.assets.cmdb.partlists import item_of
from mainstay.modules.assets.cmdb.tables import Ci
from mainstay.modules.assets.cmdb.topology import points_of
from mainstay.modules.monitoring.events.tables import SEVERITIES, Event
from mainstay.modules.monitoring.polling.performance import performance
from mainstay.modules.monitoring.polling.tables import DOWN, UNKNOWN, UP, Polled

MOST = 1000


class ControllerQuery(msgspec.Struct, kw_only=True):
    """The controller."""

    ci_id: str = ""


class Point(msgspec.Struct, kw_only=True):
    """An access point. ``state``: up, down or unknown; ``not polled`` where nobody asks it."""

    ci_id: str
    name: str
    address: str
    model: str
    state: str
    open_events: int


class ControllerStats(msgspec.Struct, kw_only=True):
    """How the access points of a controller are. At most 1,000 are listed, those that are down first."""

    ci_id: str
    name: str
    total: int
    states: dict[str, int]
    models: dict[str, int]
    open_events: dict[str, int]
    results: list[Point]


@performance.route("GET", "controller-stats/", permission=("asset", "view"))
async def stats(ctx: Context, query: ControllerQuery) -> ControllerStats:
    """The access points of a wireless controller in numbers: up, down, by model, and their open events"""
    item = await item_of(ctx, query.ci_id)
    ids = (await points_of(ctx, item))[:MOST]
    wanted: Any = select(Ci.id, Ci.name, Ci.ip_address, Ci.model, Polled.state, Polled.enabled)
    wanted = wanted.outerjoin(Polled, Polled.ci == Ci.id).where(Ci.id.in_(ids)).order_by(Ci.name, Ci.id)
    rows = (await ctx.session.execute(wanted)).all()
    counted: Any = select(Event.ci, Event.severity, func.count()).where(Event.ci.in_(ids), Event.cleared.is_(False))
    events: dict[str, int] = {}
    severities: dict[str, int] = {}
    called = {choice.id: choice.name for choice in SEVERITIES}
    for ci, severity, number in (await ctx.session.execute(counted.group_by(Event.ci, Event.severity))).all():
        events[ci] = events.get(ci, 0) + number
        name = called.get(severity, str(severity))
        severities[name] = severities.get(name, 0) + number
    points = [
        Point(ci_id=row.id, name=row.name, address=row.ip_address, model=row.model,
              state=row.state if row.enabled else "not polled", open_events=events.get(row.id, 0))
        for row in rows
    ]  # fmt: skip
    points.sort(key=lambda one: one.state != DOWN)
    states = dict.fromkeys((UP, DOWN, UNKNOWN, "not polled"), 0)
    models: dict[str, int] = {}
    for one in points:
        states[one.state] += 1
        models[one.model] = models.get(one.model, 0) + 1
    return ControllerStats(
        ci_id=item.id, name=item.name, total=len(points), states=states, models=models, open_events=severities,
        results=points,
    )  # fmt: skip
