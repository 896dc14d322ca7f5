"""Measurements in the API."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import msgspec

from mainstay.kernel.context import Context
from mainstay.kernel.errors import Invalid, Unavailable
from mainstay.kernel.operation import Group
from mainstay.modules.assets.cmdb.partlists import item_of
from mainstay.modules.monitoring.polling import metrics
from mainstay.modules.monitoring.templates.service import statistic_keys
from mainstay.modules.monitoring.thresholds.shipped import METRICS

MOST_POINTS = 10_000
SPARK_STEP, SPARK_POINTS = 300, 48
"""Of the lines that are drawn beside interfaces: seconds between points, and how many of them."""
measurements = Group("Metrics", "/api/metrics/")


class SeriesQuery(msgspec.Struct, kw_only=True):
    """Which measurements of which item: ``metric`` and ``resource`` narrow it down; the last hour, unless it says more.

    ``step``: seconds between points: 0 (as measured), 300 or 3600; left out: by the length of time. ``points``: about
    so many of each measurement; those in between are put together.
    """

    ci_id: str = ""
    metric: str = ""
    resource: str = ""
    since: datetime | None = None
    until: datetime | None = None
    step: int | None = None
    points: int = 0


class Point(msgspec.Struct, gc=False):
    """One point; of a summary the mean, the lowest and the highest."""

    time: datetime
    value: float
    low: float
    high: float


class Series(msgspec.Struct, kw_only=True):
    """The points of one measurement."""

    metric: str
    resource: str
    label: str
    unit: str
    points: list[Point]


class SeriesAnswer(msgspec.Struct, kw_only=True):
    """Measurements of an item."""

    ci_id: str
    since: datetime
    until: datetime
    step: int
    series: list[Series]


@measurements.route("GET", "", permission=("asset", "view"))
async def read_series(ctx: Context, query: SeriesQuery) -> SeriesAnswer:
    """The measurements of an item over time"""
    item = await item_of(ctx, query.ci_id)
    until = query.until or ctx.now
    since = query.since or until - timedelta(hours=1)
    if since.tzinfo is None or until.tzinfo is None:
        raise Invalid.field("since", "A time needs its zone, such as 2026-01-31T22:00:00Z.")
    if not since < until:
        raise Invalid.field("since", "since must be before until.")
    step = metrics.step_for(since, until) if query.step is None else query.step
    if step not in (0, *metrics.SUMMARIES.values()):
        raise Invalid.field("step", "step is 0, 300 or 3600.")
    if not 0 <= query.points <= MOST_POINTS:
        raise Invalid.field("points", f"points is 1 to {MOST_POINTS:,}; 0: all.")
    every = metrics.wide(step, since, until, query.points) if query.points else 0
    telemetry = ctx.platform.telemetry
    if telemetry is None:
        raise Unavailable("Measurements are not stored in this process.")
    lines = await metrics.series(
        telemetry, ctx.organization, item.id, query.metric, query.resource, since, until, step, every
    )  # fmt: skip
    known: dict[str, tuple[str, str]] = {**(await statistic_keys(ctx)), **METRICS}
    # Lines of one item have their points at the same moments: each is made once.
    moments = {at: datetime.fromtimestamp(at, UTC) for at in {at for line in lines for at in line.times}}
    listed = [
        Series(metric=line.metric, resource=line.resource, label=known.get(line.metric, (line.metric, ""))[0],
               unit=known.get(line.metric, ("", ""))[1], points=_points(line, moments))
        for line in lines
    ]  # fmt: skip
    return SeriesAnswer(ci_id=item.id, since=since, until=until, step=max(step, every), series=listed)


def _points(line: metrics.Line, moments: Mapping[float, datetime]) -> list[Point]:
    return list(map(Point, map(moments.__getitem__, line.times), line.averages, line.lows, line.highs))


class TrafficQuery(msgspec.Struct, kw_only=True):
    """Of which item."""

    ci_id: str = ""


class Traffic(msgspec.Struct, kw_only=True):
    """Bits a second in and out of one interface, a value for each step; null: nothing was measured."""

    resource: str
    inbound: list[float | None]
    outbound: list[float | None]


class TrafficAnswer(msgspec.Struct, kw_only=True):
    """The traffic of all interfaces of an item; the first value ends at ``since`` plus a step."""

    ci_id: str
    since: datetime
    step: int
    interfaces: list[Traffic]


@measurements.route("GET", "traffic/", permission=("asset", "view"))
async def traffic(ctx: Context, query: TrafficQuery) -> TrafficAnswer:
    """The traffic of all interfaces of an item in the last four hours, small enough to be drawn beside each"""
    item = await item_of(ctx, query.ci_id)
    telemetry = ctx.platform.telemetry
    if telemetry is None:
        raise Unavailable("Measurements are not stored in this process.")
    until = datetime.fromtimestamp(ctx.now.timestamp() // SPARK_STEP * SPARK_STEP + SPARK_STEP, UTC)
    since = until - timedelta(seconds=SPARK_STEP * SPARK_POINTS)
    made: dict[str, Traffic] = {}
    for metric, name in (("if_in", "inbound"), ("if_out", "outbound")):
        lines = await metrics.series(telemetry, ctx.organization, item.id, metric, "", since, until, SPARK_STEP)
        for line in lines:
            one = made.setdefault(line.resource, Traffic(
                resource=line.resource, inbound=[None] * SPARK_POINTS, outbound=[None] * SPARK_POINTS
            ))  # fmt: skip
            values = getattr(one, name)
            for at, value in zip(line.times, line.averages, strict=True):
                place = int((at - since.timestamp()) // SPARK_STEP)
                if 0 <= place < SPARK_POINTS:
                    values[place] = round(value)
    return TrafficAnswer(ci_id=item.id, since=since, step=SPARK_STEP, interfaces=list(made.values()))
