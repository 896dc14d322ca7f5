"""Performance of items, below the Cmdb module: what is measured of them, the values, and what their page shows."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import select, update

from mainstay.kernel.context import Context
from mainstay.kernel.errors import Invalid, NotFound, Unavailable
from mainstay.kernel.operation import Group
from mainstay.kernel.rows import restricted
from mainstay.kernel.telemetry import Telemetry
from mainstay.modules.assets.cmdb.chosen import chosen
from mainstay.modules.assets.cmdb.partlists import OnePart, item_of, one_of
from mainstay.modules.assets.cmdb.parts import CiResource
from mainstay.modules.assets.cmdb.resource import items
from mainstay.modules.assets.cmdb.tables import Ci
from mainstay.modules.monitoring.polling import metrics
from mainstay.modules.monitoring.polling.actions import Series, SeriesQuery, read_series
from mainstay.modules.monitoring.polling.tables import Polled
from mainstay.modules.monitoring.templates.service import statistic_keys
from mainstay.modules.monitoring.thresholds.shipped import METRICS

performance = Group("Cmdb", "/ux/common/cmdb/profile/")
MOST = 500
HIDDEN = frozenset({"uptime", "if_up", "if_in_use", "if_out_use"})
"""Not shown on the page of a device unless they are chosen: they are told elsewhere, or by another measurement."""
OF_KIND = {
    "cpu": ("cpu",), "memory": ("memory",), "disk": ("storage",),
    "interface": ("if_in", "if_out", "if_in_use", "if_out_use", "if_errors", "if_discards", "if_up"),
}  # fmt: skip


class Stat(msgspec.Struct, kw_only=True):
    """A measurement of an item or of one of its parts, over the time asked for."""

    ci_id: str
    ci_name: str = ""
    metric: str
    label: str
    unit: str
    resource: str
    last: float
    last_time: datetime
    low: float
    high: float
    average: float
    points: int


class Stats(msgspec.Struct, kw_only=True):
    """Measurements."""

    since: datetime
    until: datetime
    results: list[Stat]


class StatQuery(msgspec.Struct, kw_only=True):
    """``ci_id``: the item. ``metric``, ``resource`` narrow it down; the last day, unless it says more."""

    ci_id: str = ""
    metric: str = ""
    resource: str = ""
    since: datetime | None = None
    until: datetime | None = None


def telemetry_of(ctx: Context) -> Telemetry:
    found = ctx.platform.telemetry
    if found is None:
        raise Unavailable("Measurements are not stored in this process.")
    return found


async def labels(ctx: Context) -> dict[str, tuple[str, str]]:
    """What measurements are called, and their units."""
    return {**(await statistic_keys(ctx)), **METRICS}


async def stats_of(
    ctx: Context, names: dict[str, str], metric: str, resource: str, since: datetime | None, until: datetime | None
) -> Stats:
    """The measurements of items, each with its last value and what it was over the time."""
    until = until or ctx.now
    since = since or until - timedelta(days=1)
    if since.tzinfo is None or until.tzinfo is None or not since < until:
        raise Invalid.field("since", "since must be before until, both with their zone: 2026-01-31T22:00:00Z.")
    rows = await metrics.summary(telemetry_of(ctx), ctx.organization, sorted(names), metric, resource, since, until)
    known = await labels(ctx)
    return Stats(since=since, until=until, results=[
        Stat(ci_id=row["ci"], ci_name=names[row["ci"]], metric=row["metric"], resource=row["resource"],
             label=known.get(row["metric"], (row["metric"], ""))[0], unit=known.get(row["metric"], ("", ""))[1],
             last=row["last"], last_time=row["last_time"], low=row["low"], high=row["high"], average=row["average"],
             points=row["points"])
        for row in rows
    ])  # fmt: skip


async def _of_item(ctx: Context, query: StatQuery) -> Stats:
    item = await item_of(ctx, query.ci_id)
    return await stats_of(ctx, {item.id: item.name}, query.metric, query.resource, query.since, query.until)


@performance.route("GET", "available_stats/", permission=("asset", "view"))
async def available(ctx: Context, query: StatQuery) -> Stats:
    """What is measured of an item, with the last values"""
    return await _of_item(ctx, query)


class StatName(msgspec.Struct, kw_only=True):
    """A measurement, for a choice."""

    id: str
    name: str
    unit: str
    resources: list[str]


class StatNames(msgspec.Struct, kw_only=True):
    """Measurements, for a choice."""

    results: list[StatName]


def _names(found: Stats) -> list[StatName]:
    made: dict[str, StatName] = {}
    for one in found.results:
        name = made.setdefault(one.metric, StatName(id=one.metric, name=one.label, unit=one.unit, resources=[]))
        if one.resource and one.resource not in name.resources:
            name.resources.append(one.resource)
    return list(made.values())


@performance.route("GET", "get-stat-list/", permission=("asset", "view"))
async def stat_list(ctx: Context, query: StatQuery) -> StatNames:
    """The measurements of an item and the parts that have them, for a choice"""
    return StatNames(results=_names(await _of_item(ctx, query)))


class Filters(msgspec.Struct, kw_only=True):
    """What measurements can be narrowed down by. ``steps``: seconds between points."""

    metrics: list[StatName]
    steps: list[int]
    kept_days: dict[str, int]


@performance.route("GET", "perf-filters/", permission=("asset", "view"))
async def filters(ctx: Context, query: StatQuery) -> Filters:
    """The measurements, parts and steps that performance data of an item can be asked by"""
    settings = ctx.platform.settings
    return Filters(
        metrics=_names(await _of_item(ctx, query)), steps=[0, *metrics.SUMMARIES.values()],
        kept_days={"0": settings.metric_days, "300": settings.metric_5m_days, "3600": settings.metric_1h_days},
    )  # fmt: skip


class GridInput(msgspec.Struct, kw_only=True):
    """Which items (at most 500), measurements and times; without items those that are polled, the first 500 by name."""

    ci_ids: list[str] = []
    metric: str = ""
    resource: str = ""
    since: datetime | None = None
    until: datetime | None = None


async def _seen(ctx: Context, ids: list[str]) -> dict[str, str]:
    """Items by id, as far as the caller may see them; without ids those that are polled. Raises ``NotFound`` for one
    that is not there."""
    if ids:
        return await chosen(ctx, ids, MOST)
    wanted: Any = select(Ci.id, Ci.name).where(Ci.id.in_(select(Polled.ci))).order_by(Ci.name, Ci.id).limit(MOST)
    rows = (await ctx.session.execute(restricted(ctx, items, wanted))).all()
    return {row.id: row.name for row in rows}


@performance.route("POST", "performance-stats-grid/", permission=("asset", "view"), write=False)
async def grid(ctx: Context, body: GridInput) -> Stats:
    """The measurements of several items side by side: last, lowest, highest and average"""
    names = await _seen(ctx, body.ci_ids)
    return await stats_of(ctx, names, body.metric, body.resource, body.since, body.until)


class ResourceStats(msgspec.Struct, kw_only=True):
    """The measurements of a resource of an item."""

    id: str
    ci_id: str
    name: str
    kind: str
    series: list[Series]


@performance.route("GET", "resource-stat-data/", permission=("asset", "view"))
async def resource_stats(ctx: Context, query: OnePart) -> ResourceStats:
    """What was measured of one resource of an item in the last hour"""
    one = await one_of(ctx, CiResource, query.id)
    part = "" if one["kind"] == "cpu" else one["name"]
    found = await read_series(ctx, SeriesQuery(ci_id=one["ci"], resource=part))
    wanted = OF_KIND.get(one["kind"])
    series = [item for item in found.series if item.resource == part and (wanted is None or item.metric in wanted)]
    return ResourceStats(id=one["id"], ci_id=one["ci"], name=one["name"], kind=one["kind"], series=series)


@performance.route("GET", "pm-list/", permission=("asset", "view"))
async def pm_list(ctx: Context, query: StatQuery) -> Stats:
    """The performance measurements of an item with their values over the time"""
    return await _of_item(ctx, query)


class PmInput(msgspec.Struct, kw_only=True):
    """Which measurements of which item; ``metrics`` empty: all. ``step``: 0, 300 or 3600; left out: by the time."""

    ci_id: str
    metrics: list[str] = []
    resource: str = ""
    since: datetime | None = None
    until: datetime | None = None
    step: int | None = None


class PmData(msgspec.Struct, kw_only=True):
    """Measurements over time."""

    since: datetime
    until: datetime
    step: int
    series: list[Series]


@performance.route("POST", "pm-data/", permission=("asset", "view"), write=False)
async def pm_data(ctx: Context, body: PmInput) -> PmData:
    """Performance measurements of an item over time"""
    only = body.metrics[0] if len(body.metrics) == 1 else ""
    asked = SeriesQuery(ci_id=body.ci_id, metric=only, resource=body.resource, since=body.since, until=body.until,
                        step=body.step)  # fmt: skip
    found = await read_series(ctx, asked)
    series = [one for one in found.series if not body.metrics or one.metric in body.metrics]
    return PmData(since=found.since, until=found.until, step=found.step, series=series)


class Labels(msgspec.Struct, kw_only=True):
    """Names and units of measurements."""

    results: list[dict[str, str]]


@performance.route("GET", "pm-stat-label/", permission=("asset", "view"))
async def pm_labels(ctx: Context) -> Labels:
    """What every measurement is called, and in which unit it is"""
    known = await labels(ctx)
    return Labels(results=[{"id": key, "name": name, "unit": unit} for key, (name, unit) in known.items()])


class Display(msgspec.Struct, kw_only=True):
    """What the page of an item shows (``displayed``), and what was measured in the last day (``options``)."""

    ci_id: str
    displayed: list[str]
    chosen: bool
    options: list[StatName]


class DisplayQuery(msgspec.Struct, kw_only=True):
    """The item."""

    ci_id: str = ""


@performance.route("GET", "display-options/", permission=("asset", "view"))
async def display_options(ctx: Context, query: DisplayQuery) -> Display:
    """Which measurements the page of an item shows, and which it could"""
    item = await item_of(ctx, query.ci_id)
    chosen = (await ctx.session.execute(select(Polled.display).where(Polled.ci == item.id))).scalar()
    options = _names(await stats_of(ctx, {item.id: item.name}, "", "", None, None))
    # Also what was not measured lately: the page may show an earlier time.
    known = dict.fromkeys([*(await labels(ctx)), *(one.id for one in options)])
    shown = list(chosen or [key for key in known if key not in HIDDEN])
    return Display(ci_id=item.id, displayed=shown, chosen=bool(chosen), options=options)


class DisplayInput(msgspec.Struct, kw_only=True):
    """Measurements that the page of an item shows; none: those that it shows of every item."""

    ci_id: str
    metrics: list[str] = []


@performance.route("POST", "add-display/", permission=("asset", "edit"))
async def add_display(ctx: Context, body: DisplayInput) -> Display:
    """Choose which measurements the page of an item shows"""
    item = await item_of(ctx, body.ci_id)
    known = await labels(ctx)
    wrong = [one for one in body.metrics if one not in known]
    if wrong or len(body.metrics) > 100:
        raise Invalid.field("metrics", f"{(wrong or ['That much'])[0][:60]!r} is not measured.")
    stored = update(Polled).where(Polled.ci == item.id).values(display=list(dict.fromkeys(body.metrics)))
    done: Any = await ctx.session.execute(stored.execution_options(synchronize_session=False))
    if not done.rowcount:
        raise NotFound("The item is not polled.")
    return await display_options(ctx, DisplayQuery(ci_id=item.id))
