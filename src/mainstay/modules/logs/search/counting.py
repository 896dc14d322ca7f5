"""Lines counted: over time, by value, by field."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from mainstay.kernel.context import Context
from mainstay.kernel.errors import Invalid
from mainstay.modules.logs.search import columns, service
from mainstay.modules.logs.search.columns import Column
from mainstay.modules.logs.search.query import And, Compare, Everything, Node, Not, Or, Pattern, render, walk
from mainstay.modules.logs.search.shapes import Bucket, Facet, FieldInfo, Value
from mainstay.modules.logs.search.sql import Condition, micros
from mainstay.modules.logs.search.table import LINES

STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 604_800,
         2_592_000)  # fmt: skip
MOST_BUCKETS = 1000
SAMPLE = 50_000
"""The newest lines that names of fields and suggested values are taken from."""
UNCOUNTED = frozenset({"message", "raw", "time", "received", "id"})
MINUTE = "toStartOfMinute(time)"

OPERATORS: dict[str, tuple[str, ...]] = {
    "text": (":", "=", "!=", "~"), "word": (":", "!=", "~"), "address": (":", "!=", "~"), "list": (":", "!=", "~"),
    "level": (":", "!=", "<=", ">=", "<", ">"), "number": (":", "!=", "<=", ">=", "<", ">"),
    "time": (">=", "<", ">", "<="), "field": (":", "!=", "<=", ">=", "<", ">", "~"),
}  # fmt: skip


def step_of(since: datetime, until: datetime, buckets: int) -> int:
    """Seconds per bar, a round number, for about this many bars."""
    wanted = (until - since).total_seconds() / buckets
    return next((step for step in STEPS if step >= wanted), STEPS[-1])


async def histogram(ctx: Context, chosen: service.Chosen, step: int) -> list[Bucket]:
    """Bars from ``since`` to ``until``, which must be set; empty ones included."""
    since, until = chosen.since, chosen.until
    assert since is not None
    assert until is not None
    first, last = micros(since) // (step * 1_000_000), (micros(until) - 1) // (step * 1_000_000)
    if last - first >= MOST_BUCKETS:
        raise Invalid.field("from", "The time range is too long for a histogram. Choose a later beginning.")
    counts: dict[int, dict[str, int]] = {}
    parameters = {**chosen.parameters, "step": step}
    for row in await service.rows(ctx.platform, _counts(chosen, step, parameters), parameters):
        severities = counts.setdefault(row["bar"], {})
        severities[str(row["severity"])] = severities.get(str(row["severity"]), 0) + row["lines"]
    return [
        Bucket(time=datetime.fromtimestamp(bar * step, UTC), count=sum(counts.get(bar, {}).values()),
               severities=counts.get(bar, {}))
        for bar in range(first, last + 1)
    ]  # fmt: skip


def _counts(chosen: service.Chosen, step: int, parameters: dict[str, Any]) -> str:
    since, until = chosen.since, chosen.until
    assert since is not None
    assert until is not None
    minute = timedelta(minutes=1)
    start = (
        since if since == since.replace(second=0, microsecond=0) else since.replace(second=0, microsecond=0) + minute
    )
    end = until.replace(second=0, microsecond=0)
    if step < 60 or start >= end or not by_severity(chosen.node):
        return _count("time", chosen, parameters, since, until)
    # Whole minutes are counted already, by the table's projection; only what hangs over is counted now.
    parts = [_count(MINUTE, chosen, parameters, start, end)]
    if since < start:
        parts.append(_count("time", chosen, parameters, since, start))
    if end < until:
        parts.append(_count("time", chosen, parameters, end, until))
    return " UNION ALL ".join(parts)


def _count(moment: str, chosen: service.Chosen, parameters: dict[str, Any], since: datetime, until: datetime) -> str:
    names = f"from{len(parameters)}", f"to{len(parameters)}"
    seconds = moment != "time"
    for name, value in zip(names, (since, until), strict=True):
        parameters[name] = int(value.timestamp()) if seconds else micros(value)
    low, high = (
        f"toDateTime({{{name}:UInt32}}, 'UTC')" if seconds else f"fromUnixTimestamp64Micro({{{name}:Int64}}, 'UTC')"
        for name in names
    )
    return (
        f"SELECT intDiv(toUnixTimestamp({moment}), {{step:UInt32}}) AS bar, severity, count() AS lines FROM {LINES} "  # noqa: S608
        f"WHERE organization = {{organization:String}} AND {moment} >= {low} AND {moment} < {high} AND {chosen.where} "
        "GROUP BY bar, severity"
    )


def by_severity(node: Node) -> bool:
    """Whether the query asks for nothing but severities."""
    return all(
        isinstance(item, Everything | And | Or | Not) or (isinstance(item, Compare) and item.column == "severity")
        for item in walk(node)
    )


def value_of(column: Column, condition: Condition) -> str:
    """The expression of a column's value as text."""
    if column.kind == "field":
        return f"fields[{condition.bind(columns.key_of(column))}]"
    if column.kind == "list":
        return "arrayJoin(if(empty(tags), [''], tags))"
    return f"toString({column.name})"


async def facets(ctx: Context, chosen: service.Chosen, names: Sequence[str], limit: int) -> list[Facet]:
    """The most frequent values of each of the fields."""
    wanted = [columns.find(name) for name in names]
    for column in wanted:
        if column.name in UNCOUNTED:
            raise Invalid.field("fields", f"The values of {column.name} are not counted; choose another field.")
    expressions = [value_of(column, chosen.condition) for column in wanted]
    parameters = {**chosen.parameters, "limit": limit}
    clause = chosen.clause()
    parameters.update(chosen.parameters)
    return list(
        await asyncio.gather(
            *(
                _facet(ctx, column, expression, clause, parameters)
                for column, expression in zip(wanted, expressions, strict=True)
            )
        )
    )


async def _facet(ctx: Context, column: Column, expression: str, clause: str, parameters: dict[str, Any]) -> Facet:
    counted = f"SELECT {expression} AS value, count() AS lines FROM {LINES} WHERE {clause} GROUP BY value"  # noqa: S608
    found = await service.rows(
        ctx.platform,
        "SELECT value, lines, count() OVER () AS distinct_values, "  # noqa: S608
        f"sum(if(value = '', lines, 0)) OVER () AS missing FROM ({counted}) "
        "ORDER BY value = '', lines DESC, value LIMIT {limit:UInt32}",
        parameters,
    )
    missing = int(found[0]["missing"]) if found else 0
    return Facet(
        field=column.name, label=column.label, missing=missing,
        distinct=int(found[0]["distinct_values"]) - (1 if missing else 0) if found else 0,
        values=[value(column, row["value"], row["lines"]) for row in found if row["value"] != ""],
    )  # fmt: skip


def value(column: Column, text: str, count: int) -> Value:
    """One value, with its label and the condition that finds it."""
    label, term = text, text
    if column.kind == "level" and text.isdigit():
        label = term = columns.level_name(column.name, int(text))
    return Value(value=text, label=label, count=count, query=render(Compare(column.name, ":", Pattern((term,)))))


async def keys(ctx: Context, chosen: service.Chosen) -> tuple[dict[str, int], int]:
    """Keys of ``fields`` in the newest lines, with how many have them; and how many lines were looked at."""
    newest = (
        f"SELECT mapKeys(fields) AS names FROM {LINES} WHERE {chosen.clause()} "  # noqa: S608
        "ORDER BY time DESC, id DESC LIMIT {sample:UInt32}"
    )
    found = await service.rows(
        ctx.platform,
        f"SELECT '' AS name, count() AS lines FROM ({newest}) UNION ALL "  # noqa: S608
        f"SELECT arrayJoin(names) AS name, count() AS lines FROM ({newest}) WHERE notEmpty(names) GROUP BY name "
        "ORDER BY lines DESC LIMIT 1000",
        {**chosen.parameters, "sample": SAMPLE},
    )
    sampled = sum(row["lines"] for row in found if row["name"] == "")
    ranked = sorted((row for row in found if row["name"] != ""), key=lambda row: (-row["lines"], row["name"]))
    return {row["name"]: row["lines"] for row in ranked}, sampled


async def field_list(ctx: Context, chosen: service.Chosen) -> tuple[list[FieldInfo], int]:
    """Everything that can be searched by: columns, then the lines' own fields by frequency."""
    found, sampled = await keys(ctx, chosen)
    own = [(columns.find(columns.PREFIX + name), count) for name, count in found.items()]
    listed = [(column, None) for column in columns.COLUMNS.values()]
    return [
        FieldInfo(name=column.name, label=column.label, kind=column.kind, help=column.help,
                  operators=list(OPERATORS[column.kind]), count=count)
        for column, count in [*listed, *own]
    ], sampled  # fmt: skip
