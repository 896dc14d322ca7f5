"""Reading log lines: conditions, limits and pages. What other features of the logs search through."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from clickhouse_connect.driver.exceptions import ClickHouseError

from mainstay.kernel.context import Context
from mainstay.kernel.errors import ApiError, Invalid, NotFound, Unavailable
from mainstay.kernel.platform import Platform
from mainstay.modules.logs.search import columns, moments
from mainstay.modules.logs.search.parser import parse
from mainstay.modules.logs.search.query import Node, QueryError
from mainstay.modules.logs.search.shapes import Line, Range, RangeQuery
from mainstay.modules.logs.search.sql import Condition, micros
from mainstay.modules.logs.search.table import LINES

log = structlog.get_logger("mainstay.logs.search")

SECONDS = 10
MEMORY = 1 << 30
PAGE = 1000
DEFAULT_RANGE = timedelta(days=1)
SLICED, SLICES = timedelta(hours=12), 128
MANY: Mapping[str, Any] = {"ignore_data_skipping_indices": "hosts,apps,sources"}
"""Settings of the engine where lines are likely to be: nearly every granule has the host, and asking costs as much."""
FEW: Mapping[str, Any] = {"use_skip_indexes_on_data_read": 0}
"""Where hardly any are: which granules have them is better found out at once than in front of each."""
COLUMNS = ("id, time, received, source, host, ci, facility, severity, app, procid, msgid, message, fields, tags, "
           "format, pipeline, raw")  # fmt: skip
_CODE = re.compile(r"Code: (\d+)")


class TooMuch(ApiError):
    """400: the search costs more than a search may."""


def limits(seconds: float = SECONDS, memory: int = MEMORY) -> dict[str, Any]:
    """The engine's settings that bound one query."""
    return {"max_execution_time": seconds, "timeout_overflow_mode": "throw", "max_memory_usage": memory}


def invalid(error: QueryError, field: str = "query") -> Invalid:
    """The client's error for a query that cannot be read."""
    return Invalid(fields={field: [f"{error.message} (character {error.at + 1})"]}, position=error.at)


def node_of(text: str, field: str = "query") -> Node:
    """The tree of a query. Raises ``Invalid`` that names the place."""
    try:
        return parse(text)
    except QueryError as error:
        raise invalid(error, field) from None


@dataclass
class Chosen:
    """Lines of an organization: a condition, its parameters, and the range of time it holds for."""

    organization: str
    node: Node
    since: datetime | None
    until: datetime | None
    condition: Condition
    where: str
    """Of the query alone; ``clause`` adds organization and time."""

    def clause(self, *, timed: bool = True) -> str:
        parts = ["organization = {organization:String}"]
        if timed and self.since is not None:
            parts.append(f"time >= {self.condition.moment(self.since)}")
        if timed and self.until is not None:
            parts.append(f"time < {self.condition.moment(self.until)}")
        if self.where != "1":
            parts.append(self.where)
        return " AND ".join(parts)

    @property
    def parameters(self) -> dict[str, Any]:
        return {"organization": self.organization, **self.condition.parameters}


def choose(ctx: Context, wanted: Range | RangeQuery, *, default: timedelta | None = DEFAULT_RANGE) -> Chosen:
    """What a request asks for. Raises ``Invalid``."""
    try:
        zone = moments.zone(wanted.timezone)
    except moments.BadMoment as bad:
        raise Invalid.field("timezone", str(bad)) from None
    bounds: dict[str, datetime | None] = {}
    for name, value in (("from", wanted.since), ("to", wanted.until)):
        try:
            bounds[name] = None if value in (None, "") else moments.read(value, ctx.now, zone)
        except moments.BadMoment as bad:
            raise Invalid.field(name, str(bad)) from None
    since, until = bounds["from"], bounds["to"]
    if since is None and default is not None:
        since = (until or ctx.now) - default
    if since is not None and until is not None and since >= until:
        raise Invalid.field("to", "The end of the time range must be after its beginning.")
    node = node_of(wanted.query)
    return condition_of(ctx.organization, node, ctx.now, since, until, zone)


def condition_of(
    organization: str, node: Node, now: datetime, since: datetime | None = None, until: datetime | None = None,
    zone: Any = None,
) -> Chosen:  # fmt: skip
    """The lines a tree means. Raises ``Invalid``."""
    condition = Condition(now, zone or moments.zone("UTC"))
    try:
        where = condition.of(node)
    except QueryError as error:
        raise invalid(error) from None
    return Chosen(organization, node, since, until, condition, where)


async def rows(
    platform: Platform, sql: str, parameters: Mapping[str, Any], *, seconds: float = SECONDS,
    settings: Mapping[str, Any] | None = None,
) -> list[dict[str, Any]]:  # fmt: skip
    """Rows of a bounded SELECT. Raises ``TooMuch`` or ``Unavailable``."""
    if platform.telemetry is None:
        raise Unavailable("The log store is not open in this process.")
    try:
        return await platform.telemetry.query(sql, parameters, {**limits(seconds), **(settings or {})})
    except ClickHouseError as error:
        raise _explained(error, seconds) from None


def _explained(error: ClickHouseError, seconds: float) -> ApiError:
    found = _CODE.search(str(error))
    code = int(found.group(1)) if found else 0
    if code in (159, 160):
        return TooMuch(
            f"The search took longer than {seconds:g} seconds and was stopped. Choose a shorter time range, or add a "
            "whole word or field:value that fewer lines have.", code="search_timeout",
        )  # fmt: skip
    if code in (241, 158, 396, 307, 191):
        return TooMuch(
            "The search needs more memory than one search may take and was stopped. Choose a shorter time range, or "
            "a narrower query.", code="search_memory",
        )  # fmt: skip
    if code == 427:
        return Invalid.field("query", "This regular expression is not accepted by the log store.")
    log.error("log store refused", error=str(error)[:1000])
    return Unavailable("The log store cannot answer now. Please try again.")


def line(row: Mapping[str, Any]) -> Line:
    """A row as it is answered."""
    return Line(
        **{**row, "id": str(row["id"]), "tags": list(row["tags"])},
        facility_name=columns.level_name("facility", row["facility"]),
        severity_name=columns.level_name("severity", row["severity"]),
    )


def cursor_of(row: Mapping[str, Any]) -> str:
    """The place of a row in the order of time."""
    return f"{micros(row['time'])}.{row['id']}"


def _place(cursor: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d{1,18})\.(\d{1,20})", cursor, re.ASCII)
    if found is None or int(found.group(2)) >= 2**64:
        raise Invalid.field("cursor", "This is no cursor; send the one that came as 'next'.")
    return int(found.group(1)), int(found.group(2))


async def page(
    platform: Platform, chosen: Chosen, *, limit: int, cursor: str = "", newest: bool = True, seconds: float = SECONDS,
    extra: str = "",
) -> list[dict[str, Any]]:  # fmt: skip
    """Rows in the order of time, after the cursor. Follows the table's own order, so that few parts are read."""
    clause = chosen.clause()
    if extra:
        clause += f" AND {extra}"
    parameters = dict(chosen.parameters)
    edge = chosen.until or platform.now()
    if cursor:
        parameters["cursor_time"], parameters["cursor_id"] = _place(cursor)
        sign = "<" if newest else ">"
        moment = "fromUnixTimestamp64Micro({cursor_time:Int64}, 'UTC')"
        # The first condition alone lets the engine skip to the place.
        clause += f" AND time {sign}= {moment} AND (time, id) {sign} ({moment}, {{cursor_id:UInt64}})"
        edge = datetime.fromtimestamp(parameters["cursor_time"] / 1_000_000, UTC)
    if not newest or chosen.since is None or edge - chosen.since < SLICED:
        return await _read(platform, clause, parameters, limit, newest, seconds, {})
    since, bottom = chosen.since, edge - (edge - chosen.since) / SLICES
    found: list[dict[str, Any]] = []

    async def between(top: datetime, bottom: datetime, settings: Mapping[str, Any]) -> list[dict[str, Any]]:
        within = f"{clause} AND NOT {_after('top')} AND {_after('bottom')}"
        bounds = {"top": micros(top), "bottom": micros(bottom)}
        return await _read(platform, within, {**parameters, **bounds}, limit - len(found), newest, seconds, settings)

    # A long range has many parts, each of which costs to open: mostly the last of it has enough lines.
    found = await _read(platform, f"{clause} AND {_after('bottom')}", {**parameters, "bottom": micros(bottom)}, limit,
                        newest, seconds, MANY)  # fmt: skip
    if not found:
        # Are they rare, or were there no lines at all lately?
        last = await _last(platform, chosen.organization, since, bottom, edge, seconds)
        if last is None:
            return []
        if last < bottom:
            edge = last + timedelta(microseconds=1)
            bottom = edge - (edge - since) / SLICES
            found = await between(edge, bottom, MANY)
    while len(found) < limit and bottom > since:
        top, bottom = bottom, _further(since, edge, bottom, len(found), limit)
        found += await between(top, bottom, MANY if found else FEW)
    return found


async def _last(
    platform: Platform, organization: str, since: datetime, bottom: datetime, edge: datetime, seconds: float
) -> datetime | None:
    """The time of the newest line of a range, or of one that is after ``bottom``; None where the range has no line."""
    seen = platform.memory.setdefault(_Seen, _Seen())
    if bottom <= seen.get(organization, since) <= edge:
        return seen[organization]  # type: ignore[no-any-return]
    found = await rows(
        platform,
        f"SELECT time FROM {LINES} WHERE organization = {{organization:String}} AND {_after('bottom')} "  # noqa: S608
        "AND time <= fromUnixTimestamp64Micro({top:Int64}, 'UTC') ORDER BY time DESC, id DESC LIMIT 1",
        {"organization": organization, "bottom": micros(since), "top": micros(edge)}, seconds=seconds,
    )  # fmt: skip
    if found:
        seen[organization] = found[0]["time"]
    return found[0]["time"] if found else None


class _Seen(dict[str, datetime]):
    """Of an organization, the time of a line that is, or was, among its newest."""


def _after(name: str) -> str:
    return f"(time >= fromUnixTimestamp64Micro({{{name}:Int64}}, 'UTC'))"


def _further(since: datetime, edge: datetime, bottom: datetime, found: int, limit: int) -> datetime:
    """How far to read back from ``bottom`` for the lines that are missing, when so many were found from there on.

    Twice as far as they would be at the same rate, and no less than so far, or all that is left where that is near.
    """
    if not found:
        return since
    read, left = edge - bottom, bottom - since
    more = max(read, read * 2 * (limit - found) / found)
    return bottom - more if left - more > read else since


async def _read(
    platform: Platform, clause: str, parameters: Mapping[str, Any], limit: int, newest: bool, seconds: float,
    settings: Mapping[str, Any],
) -> list[dict[str, Any]]:  # fmt: skip
    way = "DESC" if newest else "ASC"
    return await rows(
        platform,
        f"SELECT {COLUMNS} FROM {LINES} WHERE {clause} ORDER BY time {way}, id {way} LIMIT {{limit:UInt32}}",  # noqa: S608
        {**parameters, "limit": limit}, seconds=seconds, settings=settings,
    )  # fmt: skip


async def one(ctx: Context, line_id: str) -> dict[str, Any]:
    """A line by its number. Raises ``NotFound``."""
    if not (line_id.isascii() and line_id.isdigit() and len(line_id) <= 20 and int(line_id) < 2**64):
        raise NotFound(f"No log line has the id {line_id[:64]!r}.")
    found = await rows(
        ctx.platform,
        f"SELECT {COLUMNS} FROM {LINES} WHERE organization = {{organization:String}} AND id = {{id:UInt64}} LIMIT 1",  # noqa: S608
        {"organization": ctx.organization, "id": int(line_id)},
    )
    if not found:
        raise NotFound(f"No log line has the id {line_id[:64]!r}. It may be older than lines are kept.")
    return found[0]


def between(name: str, value: int, lowest: int, highest: int) -> int:
    """The value. Raises ``Invalid`` when it is outside."""
    if not lowest <= value <= highest:
        raise Invalid.field(name, f"{name} must be between {lowest:,} and {highest:,}.")
    return value
