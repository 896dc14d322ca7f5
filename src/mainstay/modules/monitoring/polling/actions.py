"""Measurements in the API."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from mainstay.kernel.context import Context
from mainstay.kernel.errors import Invalid, Unavailable
from mainstay.kernel.operation import Group
from mainstay.modules.assets.cmdb.partlists import item_of
from mainstay.modules.monitoring.polling import metrics
from mainstay.modules.monitoring.templates.service import statistic_keys
from mainstay.modules.monitoring.thresholds.shipped import METRICS

measurements = Group("Metrics", "/api/metrics/")


class SeriesQuery(msgspec.Struct, kw_only=True):
    """Which measurements of which item: ``metric`` and ``resource`` narrow it down; the last hour, unless it says more.

    ``step``: seconds between points: 0 (as measured), 300 or 3600; left out: by the length of time.
    """

    ci_id: str = ""
    metric: str = ""
    resource: str = ""
    since: datetime | None = None
    until: datetime | None = None
    step: int | None = None


class Point(msgspec.Struct, kw_only=True):
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
    telemetry = ctx.platform.telemetry
    if telemetry is None:
        raise Unavailable("Measurements are not stored in this process.")
    rows = await metrics.series(
        telemetry, ctx.organization, item.id, query.metric, query.resource, since, until, step
    )  # fmt: skip
    made: dict[tuple[str, str], list[Point]] = {}
    for row in rows:
        point = Point(time=row["time"], value=row["average"], low=row["low"], high=row["high"])
        made.setdefault((row["metric"], row["resource"]), []).append(point)
    known: dict[str, tuple[str, str]] = {**(await statistic_keys(ctx)), **METRICS}
    listed = [
        Series(metric=metric, resource=part, label=known.get(metric, (metric, ""))[0],
               unit=known.get(metric, ("", ""))[1], points=points)
        for (metric, part), points in made.items()
    ]  # fmt: skip
    return SeriesAnswer(ci_id=item.id, since=since, until=until, step=step, series=listed)
