"""Thresholds in the API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import select

from mainstay.kernel.context import Context
from mainstay.kernel.errors import Invalid
from mainstay.kernel.resource import Behaviour, Resource
from mainstay.modules.assets.cmdb.partlists import item_of
from mainstay.modules.monitoring.polling.tables import Polled
from mainstay.modules.monitoring.templates.service import statistic_keys
from mainstay.modules.monitoring.thresholds import service
from mainstay.modules.monitoring.thresholds.engine import ABOVE, VALUE, Rules, Threshold, effective
from mainstay.modules.monitoring.thresholds.shipped import METRICS, SHIPPED
from mainstay.modules.monitoring.thresholds.tables import SCOPES, MonitorThreshold

NEEDS = {"group": ("device_group",), "category": ("category",), "item": ("ci",), "resource": ("ci", "resource")}
SHOWN = ("metric", "scope", "device_group", "category", "ci", "resource", "condition", "set_point", "reset_point")


class Thresholds(Behaviour[MonitorThreshold]):
    async def prepare(self, ctx: Context, rows: list[dict[str, Any]], given: Sequence[Mapping[str, Any]]) -> None:
        for row in rows:
            await _check(ctx, row)

    async def change(
        self, ctx: Context, entity: MonitorThreshold, values: dict[str, Any], given: Mapping[str, Any]
    ) -> None:
        await _check(ctx, {**{name: getattr(entity, name) for name in SHOWN}, **values})

    async def decorate(self, ctx: Context, rows: list[dict[str, Any]]) -> None:
        for row in rows:
            if "poll_points" in row and "breached_percent" in row:
                row["effective_poll_points"] = effective(row["poll_points"] or 1, row["breached_percent"] or 100)

    async def options(self, ctx: Context) -> dict[str, Any]:
        own = await statistic_keys(ctx)
        known: dict[str, tuple[str, str]] = {**own, **METRICS}
        return {"metrics": [{"id": key, "name": name, "unit": unit} for key, (name, unit) in known.items()]}


async def _check(ctx: Context, row: Mapping[str, Any]) -> None:
    metric = row.get("metric") or ""
    if metric not in METRICS and metric not in await statistic_keys(ctx):
        raise Invalid.field("metric", f"{metric[:60]!r} is not measured. Measured are: {', '.join(METRICS)}, and the "
                            "statistics of device templates.")  # fmt: skip
    scope = row.get("scope") or "organization"
    for name in NEEDS.get(scope, ()):
        if not row.get(name):
            raise Invalid.field(name, f"Please say which {name.replace('_', ' ').replace('ci', 'item')} it is about.")
    points = row.get("set_point"), row.get("reset_point")
    if None not in points:
        upwards = (row.get("condition") or ABOVE) == ABOVE
        if points[0] < points[1] if upwards else points[0] > points[1]:  # type: ignore[operator]
            side = "below" if upwards else "above"
            raise Invalid.field("reset_point", f"The reset point must not be on the far side of the set point: it is "
                                f"{side} it, or the same.")  # fmt: skip


thresholds = Resource(
    MonitorThreshold,
    module="Thresholds",
    path="/api/thresholds/",
    label="Threshold",
    title="name",
    area="monitoring",
    section="Monitoring",
    extra={"effective_poll_points": int},
    behaviour=Thresholds(),
    natural_key="name",
    sample={"name": "Processors of routers", "metric": "cpu", "set_point": 80, "reset_point": 70, "severity": 1},
)


class InForce(msgspec.Struct, kw_only=True):
    """A threshold as it counts. ``id`` is empty for one that is shipped."""

    id: str
    metric: str
    label: str
    unit: str
    scope: str
    resource: str
    condition: str
    statistic: str
    set_point: float
    reset_point: float
    poll_points: int
    effective_poll_points: int
    hold_unit: str
    set_hold: float
    reset_hold: float
    severity: int
    event_class: str
    alarm: bool
    breached: list[str]
    """Of an item: the parts that are beyond it now."""


class ForceList(msgspec.Struct, kw_only=True):
    """Thresholds, for each measurement the narrowest first: the first that is about a part counts."""

    results: list[InForce]


class ForceQuery(msgspec.Struct, kw_only=True):
    """``ci_id``: what counts for this item; empty: what is shipped."""

    ci_id: str = ""


@thresholds.action("GET", "in-force/")
async def in_force(ctx: Context, query: ForceQuery) -> ForceList:
    """The thresholds that are shipped, or those that count for an item"""
    if not query.ci_id:
        return ForceList(results=[_shown(one, []) for one in SHIPPED])
    item = await item_of(ctx, query.ci_id)
    rules = await service.of_item(ctx, item.id, item.category)
    polled = select(Polled.breached).where(Polled.ci == item.id)
    breached = list((await ctx.session.execute(polled)).scalar() or [])
    return ForceList(results=[_shown(one, _beyond(one, rules, breached)) for one in rules.every()])


def _beyond(one: Threshold, rules: Rules, breached: list[list[str]]) -> list[str]:
    return [held[1] for held in breached if held[0] == one.metric and rules.pick(*held[:2]) is one]


def _shown(one: Threshold, breached: list[str]) -> InForce:
    known = METRICS.get(one.metric)
    scope = next((name for name, level in SCOPES.items() if level == one.level), "shipped")
    return InForce(
        id=one.mark.partition("/")[0], metric=one.metric, label=known.label if known else one.label or one.metric,
        unit=known.unit if known else one.unit.strip(), scope=scope, resource=one.part, condition=one.condition,
        statistic=one.statistic or VALUE, set_point=one.set_point, reset_point=one.reset_point, poll_points=one.points,
        effective_poll_points=effective(one.points, one.percent), hold_unit="seconds" if one.seconds else "polls",
        set_hold=one.hold, reset_hold=one.reset_hold, severity=one.severity, event_class=one.event_class,
        alarm=one.alarm, breached=breached,
    )  # fmt: skip
