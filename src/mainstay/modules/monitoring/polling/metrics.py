"""Measurements in the telemetry store: single ones, and their summaries of five minutes and an hour."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from mainstay.kernel.purge import purgeable_rows
from mainstay.kernel.telemetry import Telemetry, register_migration, register_retention
from mainstay.kernel.telemetry.arrow import pa

TABLE = "metrics"
_WORD = pa.dictionary(pa.int32(), pa.string())
"""Each text once per insert: the engine keeps them so, and takes them over without comparing."""
COLUMNS: dict[str, Any] = {
    "organization": _WORD, "ci": _WORD, "metric": _WORD, "resource": _WORD,
    "time": pa.timestamp("ms", "UTC"), "value": pa.float64(),
}  # fmt: skip
LIMITS: dict[str, Any] = {"batch_rows": 50_000, "batch_seconds": 1.0, "capacity": 250_000}
"""Of the writer: a large insert costs half of what five small ones do, and nobody waits for a measurement."""
SUMMARIES = {"metrics_5m": 300, "metrics_1h": 3600}


def milliseconds(moment: datetime) -> int:
    """A moment as samples have it."""
    return round(moment.timestamp() * 1000)


Sample = tuple[str, str, str, str, int, float]
"""One measurement, in the order of the columns, its time in milliseconds since 1970. A bare tuple: there are many of
them at once, and the collector of garbage looks at instances of classes again and again."""


def _summary(name: str, seconds: int) -> tuple[str, str]:
    # Sums and counts rather than averages: parts of one interval that arrive apart still add up. A backup that is
    # loaded counts them twice, which leaves the averages as they were.
    return (
        f"""CREATE TABLE IF NOT EXISTS {name} (
            organization LowCardinality(String), ci LowCardinality(String), metric LowCardinality(String),
            resource LowCardinality(String), time DateTime('UTC') CODEC(Delta, ZSTD),
            low SimpleAggregateFunction(min, Float64), high SimpleAggregateFunction(max, Float64),
            total SimpleAggregateFunction(sum, Float64), number SimpleAggregateFunction(sum, UInt64)
        ) ENGINE = AggregatingMergeTree ORDER BY (organization, ci, metric, resource, time)""",
        f"""CREATE MATERIALIZED VIEW IF NOT EXISTS {name}_fill TO {name} AS
            SELECT organization, ci, metric, resource,
                   toDateTime(toStartOfInterval(time, INTERVAL {seconds} second), 'UTC') AS time,
                   min(value) AS low, max(value) AS high, sum(value) AS total, count() AS number
            FROM (SELECT organization, ci, metric, resource, time, value FROM {TABLE})
            GROUP BY organization, ci, metric, resource, time""",  # noqa: S608
    )


def _filled(name: str, seconds: int) -> tuple[str, str]:
    # One row a sample: the table adds them up itself, as it does with parts of an interval that arrive apart. To group
    # them before costs as much as the insert of the samples, and of one poll no two are of the same measurement.
    return (
        f"DROP VIEW IF EXISTS {name}_fill",
        f"""CREATE MATERIALIZED VIEW IF NOT EXISTS {name}_fill TO {name} AS
            SELECT organization, ci, metric, resource,
                   toDateTime(toStartOfInterval(time, INTERVAL {seconds} second), 'UTC') AS time,
                   value AS low, value AS high, value AS total, toUInt64(1) AS number
            FROM {TABLE}""",  # noqa: S608
    )


register_migration(
    "0010_metrics",
    f"""CREATE TABLE IF NOT EXISTS {TABLE} (
        organization LowCardinality(String), ci LowCardinality(String), metric LowCardinality(String),
        resource LowCardinality(String), time DateTime64(3, 'UTC') CODEC(Delta, ZSTD),
        value Float64 CODEC(Gorilla, ZSTD)
    ) ENGINE = MergeTree ORDER BY (organization, ci, metric, resource, time)
    SETTINGS non_replicated_deduplication_window = 1000""",
    *_summary("metrics_5m", 300),
    *_summary("metrics_1h", 3600),
)
register_migration(
    "0011_metric_summaries", *(statement for name, seconds in SUMMARIES.items() for statement in _filled(name, seconds))
)
register_retention(TABLE, "time", lambda settings: settings.metric_days)
register_retention("metrics_5m", "time", lambda settings: settings.metric_5m_days)
register_retention("metrics_1h", "time", lambda settings: settings.metric_1h_days)
for _name, _table in (("rawdata", TABLE), ("minutesdata", "metrics_5m"), ("hoursdata", "metrics_1h")):
    purgeable_rows(_name, _table, "time")


def step_for(since: datetime, until: datetime) -> int:
    """Seconds between points: single measurements for half a day, then their summaries."""
    span = until - since
    return 0 if span <= timedelta(hours=12) else 300 if span <= timedelta(days=14) else 3600


class Line(NamedTuple):
    """The points of one measurement, in the order of time (seconds since 1970)."""

    metric: str
    resource: str
    times: list[float]
    averages: list[float]
    lows: list[float]
    highs: list[float]


def wide(step: int, since: datetime, until: datetime, points: int) -> int:
    """Seconds between points such that there are at most so many: a multiple of ``step``."""
    least = max(step, 1)
    return max(1, -(-int((until - since).total_seconds()) // (points * least))) * least


async def series(
    telemetry: Telemetry, organization: str, ci: str, metric: str, resource: str, since: datetime, until: datetime,
    step: int, every: int = 0,
) -> list[Line]:  # fmt: skip
    """The points of an item's measurements, by metric and part; at most 200,000. ``every``: seconds between points,
    where that is more than ``step``: those in between become one."""
    name = next((table for table, seconds in SUMMARIES.items() if seconds == step), TABLE)
    values, parts, at = "value AS average, value AS low, value AS high", "1", "time"
    group = ""
    if every > step:
        at = f"toStartOfInterval(time, INTERVAL {every:d} second)"
        group = "GROUP BY metric, resource, at"
        values = "avg(value) AS average, min(value) AS low, max(value) AS high"
        if step:
            values = "sum(total) / sum(number) AS average, min(low) AS low, max(high) AS high"
    elif step:
        # To put together here the few intervals that are still in several parts is cheaper than to group all of them.
        values, parts = "total / number AS average, low, high", "number"
    # A moment of the type that the table has: another one is compared row by row.
    moment = "DateTime('UTC')" if step else "DateTime64(3, 'UTC')"
    narrowed = "".join(
        f" AND {column} = {{{column}:String}}"
        for column, wanted in (("metric", metric), ("resource", resource))
        if wanted
    )
    # Arrays, and one thread: the order of the rows within is that of the part below, and few rows are quick to read.
    sql = (
        f"SELECT metric, resource, groupArray(seconds) AS times, groupArray(average) AS averages, "  # noqa: S608
        "groupArray(low) AS lows, groupArray(high) AS highs, groupArray(parts) AS numbers FROM ("
        f"SELECT metric, resource, {at} AS at, {parts} AS parts, {values}, "
        "toUnixTimestamp64Milli(toDateTime64(at, 3, 'UTC')) / 1000 AS seconds "
        f"FROM (SELECT * FROM {name} WHERE organization = {{organization:String}} AND ci = {{ci:String}}{narrowed} "
        f"AND time > {{since:{moment}}} AND time <= {{until:{moment}}}) "
        f"{group} ORDER BY metric, resource, at LIMIT 200000) GROUP BY metric, resource ORDER BY metric, resource"
    )
    bound = {"organization": organization, "ci": ci, "metric": metric, "resource": resource,
             "since": (since - timedelta(seconds=step)).astimezone(UTC), "until": until.astimezone(UTC)}  # fmt: skip
    rows = await telemetry.query(sql, bound, {"max_threads": 1})
    lines = [(Line(*(row[name] for name in Line._fields)), row["numbers"]) for row in rows]
    return [together(line, numbers) if step else line for line, numbers in lines]


def together(line: Line, numbers: Sequence[int]) -> Line:
    """The line with the parts of one interval as one point; ``numbers``: of how many values each part is."""
    if len(set(line.times)) == len(line.times):
        return line
    times, averages, lows, highs = list[float](), list[float](), list[float](), list[float]()
    held = 0
    for at, average, low, high, number in zip(*line[2:], numbers, strict=True):
        if times and at == times[-1]:
            held += number
            averages[-1] += (average - averages[-1]) * number / held
            lows[-1], highs[-1] = min(low, lows[-1]), max(high, highs[-1])
        else:
            held = number
            times.append(at)
            averages.append(average)
            lows.append(low)
            highs.append(high)
    return Line(line.metric, line.resource, times, averages, lows, highs)


async def summary(
    telemetry: Telemetry, organization: str, cis: list[str], metric: str, resource: str, since: datetime,
    until: datetime,
) -> list[dict[str, Any]]:  # fmt: skip
    """Last, lowest, highest and mean value of items' measurements, by item, metric and part; at most 20,000."""
    step = step_for(since, until)
    name = next((table for table, seconds in SUMMARIES.items() if seconds == step), TABLE)
    each = (
        "argMax(value, time) AS last, min(value) AS low, max(value) AS high, avg(value) AS average, count() AS points"
    )
    if step:
        # Of the parts of one interval that have not been put together yet any is as good as the other.
        each = (
            "argMax(total / number, time) AS last, min(low) AS low, max(high) AS high, "
            "sum(total) / sum(number) AS average, sum(number) AS points"
        )
    sql = (
        f"SELECT ci, metric, resource, max(time) AS last_time, {each} "  # noqa: S608
        f"FROM (SELECT * FROM {name} WHERE organization = {{organization:String}} AND ci IN {{cis:Array(String)}} "
        "AND ({metric:String} = '' OR metric = {metric:String}) "
        "AND ({resource:String} = '' OR resource = {resource:String}) "
        "AND time > {since:DateTime64(3, 'UTC')} AND time <= {until:DateTime64(3, 'UTC')}) "
        "GROUP BY ci, metric, resource ORDER BY ci, metric, resource LIMIT 20000"
    )
    if not cis:
        return []
    bound = {"organization": organization, "cis": cis, "metric": metric, "resource": resource,
             "since": (since - timedelta(seconds=step)).astimezone(UTC), "until": until.astimezone(UTC)}  # fmt: skip
    return await telemetry.query(sql, bound)
