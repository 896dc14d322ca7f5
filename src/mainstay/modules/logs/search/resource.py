"""The Log Search module of the API: saved searches, and the operations on log lines."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, or_

from mainstay.kernel.context import Context
from mainstay.kernel.errors import Forbidden, Invalid
from mainstay.kernel.operation import Group, Reply
from mainstay.kernel.resource import Behaviour, Resource
from mainstay.modules.logs.search import counting, export, moments, service, suggest, tail
from mainstay.modules.logs.search import shapes as s
from mainstay.modules.logs.search.parser import parse
from mainstay.modules.logs.search.query import QueryError, render
from mainstay.modules.logs.search.table import LINES
from mainstay.modules.logs.search.tables import LogSearch

VIEW, EXPORT = ("log_search", "view"), ("log_search", "export")


class LogSearches(Behaviour[LogSearch]):
    def normalise(self, data: dict[str, Any]) -> dict[str, Any]:
        out = dict(data)
        if isinstance(out.get("filter"), str):
            out.setdefault("query", out["filter"])
        return out

    async def prepare(self, ctx: Context, rows: list[dict[str, Any]], given: Sequence[Any]) -> None:
        for row in rows:
            _check(ctx, row)

    async def change(self, ctx: Context, entity: LogSearch, values: dict[str, Any], given: Any) -> None:
        _check(ctx, values)
        if values.get("shared", entity.shared) != entity.shared:
            _own(ctx, [entity], "share or unshare")

    async def removing(self, ctx: Context, entities: Sequence[LogSearch]) -> None:
        _own(ctx, entities, "delete")

    def visible(self, ctx: Context) -> ColumnElement[bool] | None:
        return or_(LogSearch.shared.is_(True), LogSearch.created_by == ctx.principal.user)


def _own(ctx: Context, entities: Sequence[LogSearch], what: str) -> None:
    who = ctx.principal
    if not who.is_admin and any(entity.created_by != who.user for entity in entities):
        raise Forbidden(f"Only its owner or an administrator can {what} a shared search.")


def _check(ctx: Context, values: dict[str, Any]) -> None:
    if values.get("query"):
        service.condition_of(ctx.organization, service.node_of(values["query"]), ctx.now)
    for name in ("time_from", "time_to"):
        if values.get(name):
            try:
                moments.read(values[name], ctx.now, moments.zone("UTC"))
            except moments.BadMoment as bad:
                raise Invalid.field(name, str(bad)) from None
    shown = values.get("columns")
    if shown is not None and not (
        isinstance(shown, list)
        and len(shown) <= 50
        and all(isinstance(item, str) and 0 < len(item) <= 210 for item in shown)
    ):
        raise Invalid.field("columns", "columns must be a list of at most 50 names.")


log_searches = Resource(
    LogSearch,
    module="Log Search",
    path="/ux/logmanagement/log_search/log_search/",
    label="Log search",
    plural="Log searches",
    permission_label="Log search",
    title="name",
    area="logs",
    section="Logs",
    id_name="log_search_id",
    behaviour=LogSearches(),
    custom_fields=False,
    page="log_search",
    sample={"name": "Failed log-ins", "query": '"failed password" app:sshd', "time_from": "now-1d", "shared": True},
)


@log_searches.action("POST", "logs/", write=False)
async def lines(ctx: Context, body: s.Search) -> s.Lines:
    """Search the log lines

    Newest first, a page at a time; without `from`, of the last day. The language of `query` is described in the
    documentation under Log Search.
    """
    started = time.perf_counter()
    service.between("limit", body.limit, 1, service.PAGE)
    if body.order not in ("newest", "oldest"):
        raise Invalid.field("order", "order must be newest or oldest.")
    chosen = service.choose(ctx, body)
    found = await service.page(
        ctx.platform, chosen, limit=body.limit + 1, cursor=body.cursor, newest=body.order == "newest"
    )
    more = len(found) > body.limit
    found = found[: body.limit]
    return s.Lines(
        results=[service.line(row) for row in found], count=len(found),
        next=service.cursor_of(found[-1]) if more else None, query=render(chosen.node),
        since=chosen.since, until=chosen.until, took_ms=_ms(started),
    )  # fmt: skip


logs = Group("Log Search", "/api/logs/")


def _ms(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 1)


@logs.route("POST", "histogram/", permission=VIEW, write=False)
async def histogram(ctx: Context, body: s.HistogramInput) -> s.Histogram:
    """How many lines over time, by severity"""
    started = time.perf_counter()
    service.between("buckets", body.buckets, 1, 500)
    chosen = service.choose(ctx, body)
    chosen.until = chosen.until or ctx.now
    assert chosen.since is not None
    if chosen.since >= chosen.until:
        raise Invalid.field("from", "The time range must begin in the past.")
    step = counting.step_of(chosen.since, chosen.until, body.buckets)
    bars = await counting.histogram(ctx, chosen, step)
    return s.Histogram(interval_seconds=step, since=chosen.since, until=chosen.until, buckets=bars,
                       total=sum(bar.count for bar in bars), took_ms=_ms(started))  # fmt: skip


@logs.route("POST", "facets/", permission=VIEW, write=False)
async def facets(ctx: Context, body: s.FacetsInput) -> s.Facets:
    """The most frequent values of fields"""
    started = time.perf_counter()
    names = body.fields if isinstance(body.fields, list) else body.fields.split(",")
    names = [name.strip() for name in names if name.strip()] or ["host", "app", "severity"]
    service.between("limit", body.limit, 1, 1000)
    if len(names) > 10:
        raise Invalid.field("fields", "At most 10 fields are counted at once.")
    chosen = service.choose(ctx, body)
    clause = chosen.clause()
    total = service.rows(ctx.platform, f"SELECT count() AS lines FROM {LINES} WHERE {clause}", chosen.parameters)  # noqa: S608
    counted, found = await asyncio.gather(total, counting.facets(ctx, chosen, names, body.limit))
    return s.Facets(results=found, total=counted[0]["lines"], took_ms=_ms(started))


@logs.route("GET", "fields/", permission=VIEW)
async def field_list(ctx: Context, query: s.RangeQuery) -> s.FieldList:
    """What can be searched by: columns, and the fields of the newest lines"""
    found, sampled = await counting.field_list(ctx, service.choose(ctx, query))
    return s.FieldList(results=found, sampled=sampled)


@logs.route("POST", "suggestions/", permission=VIEW, write=False)
async def suggestions(ctx: Context, body: s.SuggestInput) -> s.Suggestions:
    """What may come next in a query that is being typed"""
    service.between("limit", body.limit, 1, 100)
    position = len(body.query) if body.position is None else body.position
    service.between("position", position, 0, len(body.query))
    whole = s.Range(since=body.since, until=body.until, timezone=body.timezone)
    found = await suggest.suggest(ctx, service.choose(ctx, whole), body.query, position, body.limit)
    try:
        service.condition_of(ctx.organization, parse(body.query), ctx.now)
    except QueryError as error:
        return s.Suggestions(results=found, error=error.message, position=error.at)
    except Invalid as invalid:
        return s.Suggestions(results=found, error=invalid.error, position=invalid.extra.get("position"))
    return s.Suggestions(results=found)


@logs.route("GET", "lines/{id}/", permission=VIEW)
async def read_line(ctx: Context, id: str) -> s.Line:
    """One log line"""
    return service.line(await service.one(ctx, id))


@logs.route("GET", "surrounding/", permission=VIEW)
async def surrounding(ctx: Context, query: s.SurroundingQuery) -> s.Surrounding:
    """The lines before and after one, of the same source"""
    for name in ("before", "after"):
        service.between(name, getattr(query, name), 0, 500)
    row = await service.one(ctx, query.id)
    everything = service.node_of("")

    async def side(newest: bool, limit: int) -> list[dict[str, Any]]:
        if not limit:
            return []
        chosen = service.condition_of(ctx.organization, everything, ctx.now)
        # Lines of one source a day apart are not around each other.
        day = timedelta(days=1)
        chosen.since, chosen.until = (row["time"] - day, None) if newest else (None, row["time"] + day)
        same = f"source = {chosen.condition.bind(row['source'])}"
        return await service.page(
            ctx.platform, chosen, limit=limit, cursor=service.cursor_of(row), newest=newest, extra=same
        )

    before, after = await asyncio.gather(side(True, query.before), side(False, query.after))
    return s.Surrounding(
        before=[service.line(item) for item in reversed(before)], line=service.line(row),
        after=[service.line(item) for item in after],
    )  # fmt: skip


@logs.route("GET", "newer/", permission=VIEW)
async def newer(ctx: Context, query: s.NewerQuery) -> s.Newer:
    """Lines that came in since the last request; for clients that cannot take a stream"""
    service.between("limit", query.limit, 1, service.PAGE)
    if query.after and not (query.after.isascii() and query.after.isdigit() and int(query.after[:20]) < 2**64):
        raise Invalid.field("after", "after must be the one that came with the last answer.")
    wanted = s.Range(query=query.query, timezone=query.timezone)
    chosen = service.choose(ctx, wanted, default=None)
    recent = f"received >= {chosen.condition.moment(ctx.now - timedelta(minutes=10))}"
    if not query.after:
        found = await service.rows(
            ctx.platform,
            f"SELECT max(id) AS newest FROM {LINES} WHERE organization = {{organization:String}} AND {recent}",  # noqa: S608
            chosen.parameters,
        )
        return s.Newer(results=[], after=str(found[0]["newest"]))
    clause = chosen.clause()
    found = await service.rows(
        ctx.platform,
        f"SELECT {service.COLUMNS} FROM {LINES} WHERE {clause} AND {recent} AND id > {{after:UInt64}} "  # noqa: S608
        "ORDER BY id LIMIT {limit:UInt32}",
        {**chosen.parameters, "after": int(query.after), "limit": query.limit},
    )
    return s.Newer(results=[service.line(row) for row in found], after=str(found[-1]["id"]) if found else query.after)


@logs.route("GET", "tail/", permission=VIEW, returns=tail.EventStream)
async def follow(ctx: Context, query: s.NewerQuery) -> Reply:
    """Follow the log: server-sent events with the lines as they come in

    Event `lines` has `results`; `skipped` says that there were more than can be shown; `failed` why it ended.
    `Last-Event-ID` goes on where the connection broke off.
    """
    chosen = service.choose(ctx, s.Range(query=query.query, timezone=query.timezone), default=None)
    last = ctx.headers.get("last-event-id", query.after)
    after = int(last) if last.isascii() and last.isdigit() and len(last) < 20 else 0
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return Reply(stream=tail.follow(ctx.platform, chosen, after), media_type="text/event-stream", headers=headers)


@logs.route("GET", "export/", permission=EXPORT, returns=export.LogFile)
async def export_lines(ctx: Context, query: s.ExportQuery) -> Reply:
    """Log lines as a CSV file or as JSON lines, newest first"""
    names = [name.strip() for name in query.columns.split(",")]
    return await export.export(
        ctx.platform, service.choose(ctx, query), form=query.format, names=names, limit=query.limit
    )
