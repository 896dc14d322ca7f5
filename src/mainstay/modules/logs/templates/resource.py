"""The operations on log templates."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec

from mainstay.kernel.context import Context
from mainstay.kernel.errors import Invalid, NotFound
from mainstay.kernel.operation import Group
from mainstay.modules.logs.search import service as search
from mainstay.modules.logs.search import shapes as s
from mainstay.modules.logs.search.parser import LONGEST_REGEX
from mainstay.modules.logs.search.query import And, Compare, Node, Pattern, Regex, Words, join, render
from mainstay.modules.logs.templates import engine
from mainstay.modules.logs.templates.service import TABLE

templates = Group("Log Search", "/api/logs/templates/")
VIEW = ("log_search", "view")
SORTS = {"count": "lines DESC", "first_seen": "first_seen DESC", "last_seen": "last_seen DESC", "rare": "lines"}


class TemplatesQuery(msgspec.Struct, kw_only=True):
    """Templates of lines in a time range (by the hour); ``search`` looks in their text."""

    since: str | None = msgspec.field(default=None, name="from")
    until: str | None = msgspec.field(default=None, name="to")
    timezone: str = "UTC"
    search: str = ""
    app: str = ""
    new: bool = False
    """Only those first seen in the time range."""
    sort: str = "count"
    """count, first_seen, last_seen or rare."""
    limit: int = 100


class Template(msgspec.Struct, kw_only=True):
    """Lines that differ in values only; ``<*>`` stands for a value."""

    id: str
    template: str
    app: str
    count: int
    """Lines in the range; extrapolated where only a sample was looked at."""
    share: float
    """Of all lines with a template in the range."""
    first_seen: datetime
    """Ever."""
    last_seen: datetime
    new: bool
    """First seen in the range."""
    example: str
    example_id: str
    query: str
    """Finds its lines."""


class TemplateList(msgspec.Struct, kw_only=True):
    results: list[Template]
    count: int
    total: int
    """Lines with a template in the range."""


class LinesQuery(s.RangeQuery, kw_only=True):
    limit: int = 50
    cursor: str = ""


@templates.route("GET", "", permission=VIEW)
async def listing(ctx: Context, query: TemplatesQuery) -> TemplateList:
    """Kinds of log lines, with how often and since when they come"""
    search.between("limit", query.limit, 1, 1000)
    if query.sort not in SORTS:
        raise Invalid.field("sort", f"sort must be one of: {', '.join(SORTS)}.")
    chosen = search.choose(ctx, s.Range(since=query.since, until=query.until, timezone=query.timezone))
    conditions, parameters = [], {"limit": query.limit}
    if query.search.strip():
        conditions.append("position(lower(text_now), lower({search:String})) > 0")
        parameters["search"] = query.search.strip()  # type: ignore[assignment]
    if query.app:
        conditions.append("lower(its_app) = lower({app:String})")
        parameters["app"] = query.app  # type: ignore[assignment]
    if query.new:
        conditions.append("first_seen >= since")
    rows = await _rows(ctx, chosen, conditions, parameters, SORTS[query.sort])
    made = [_template(row) for row in rows]
    return TemplateList(results=made, count=len(made), total=int(rows[0]["total"]) if rows else 0)


async def _rows(
    ctx: Context, chosen: search.Chosen, conditions: list[str], parameters: dict[str, Any], order: str
) -> list[dict[str, Any]]:
    since = chosen.since or ctx.now - timedelta(days=1)
    until = chosen.until or ctx.now + timedelta(days=1)
    bound = {
        **parameters, "organization": ctx.organization, "since": int(since.timestamp()),
        "until": int(until.timestamp()),
    }  # fmt: skip
    where = " AND ".join(["lines > 0", *conditions])
    return await search.rows(
        ctx.platform,
        "WITH toStartOfHour(toDateTime({since:UInt32}, 'UTC')) AS since, toDateTime({until:UInt32}, 'UTC') AS until "  # noqa: S608
        "SELECT * FROM (SELECT *, sum(lines) OVER () AS total, first_seen >= since AS is_new FROM ("
        "SELECT template, anyLast(app) AS its_app, argMax(text, last) AS text_now, "
        "sumIf(log_templates.lines, hour >= since AND hour < until) AS lines, min(first) AS first_seen, "
        "max(last) AS last_seen, argMax(example, last) AS its_example, argMax(example_id, last) AS its_line "
        f"FROM {TABLE} WHERE organization = {{organization:String}} GROUP BY template)) WHERE {where} "
        f"ORDER BY {order}, template LIMIT {{limit:UInt32}}",
        bound,
    )


def query_of(app: str, text: str) -> Node:
    """The query that finds a template's lines."""
    parts: list[Node] = [Words(Pattern((phrase,))) for phrase in engine.phrases(text)]
    if app:
        parts.insert(0, Compare("app", "=", Pattern((app,))))
    parts.append(Regex("message", engine.expression(text, LONGEST_REGEX - 10)))
    return join(And, parts)


def _template(row: dict[str, Any]) -> Template:
    text, app = row["text_now"], row["its_app"]
    return Template(
        id=str(row["template"]), template=text, app=app, count=row["lines"],
        share=round(row["lines"] / row["total"], 4) if row["total"] else 0.0, first_seen=row["first_seen"],
        last_seen=row["last_seen"], new=bool(row["is_new"]), example=row["its_example"],
        example_id=str(row["its_line"]), query=render(query_of(app, text)),
    )  # fmt: skip


@templates.route("GET", "{id}/lines/", permission=VIEW)
async def lines(ctx: Context, id: str, query: LinesQuery) -> s.Lines:
    """The lines of a template, newest first; `query` narrows them"""
    if not (id.isascii() and id.isdigit() and int(id[:20]) < 2**64):
        raise NotFound(f"No log template has the id {id[:64]!r}.")
    found = await search.rows(
        ctx.platform,
        f"SELECT anyLast(app) AS its_app, argMax(text, last) AS text_now FROM {TABLE} "  # noqa: S608
        "WHERE organization = {organization:String} AND template = {template:UInt64} GROUP BY template",
        {"organization": ctx.organization, "template": int(id)},
    )
    if not found:
        raise NotFound(f"No log template has the id {id[:64]!r}.")
    search.between("limit", query.limit, 1, search.PAGE)
    node = join(And, [query_of(found[0]["its_app"], found[0]["text_now"]), search.node_of(query.query)])
    asked = search.choose(ctx, query)
    chosen = search.condition_of(ctx.organization, node, ctx.now, asked.since, asked.until, asked.condition.zone)
    rows = await search.page(ctx.platform, chosen, limit=query.limit + 1, cursor=query.cursor)
    more = len(rows) > query.limit
    rows = rows[: query.limit]
    return s.Lines(
        results=[search.line(row) for row in rows], count=len(rows), query=render(node),
        next=search.cursor_of(rows[-1]) if more else None, since=chosen.since, until=chosen.until, took_ms=0.0,
    )  # fmt: skip
