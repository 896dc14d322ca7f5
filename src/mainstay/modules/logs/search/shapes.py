"""What the operations on log lines take and answer."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec


class Range(msgspec.Struct, kw_only=True):
    """Which lines: a query in the search language, and a time range."""

    query: str = ""
    since: Any = msgspec.field(default=None, name="from")
    """ISO 8601, seconds or milliseconds since 1970, or such as now-15m. Left out: a day ago."""
    until: Any = msgspec.field(default=None, name="to")
    """As ``from``; this moment is not included. Left out: no end."""
    timezone: str = "UTC"
    """For times without a zone."""


class Search(Range, kw_only=True):
    """Lines of a range, a page at a time."""

    limit: int = 50
    cursor: str = ""
    """From ``next`` of the page before."""
    order: str = "newest"
    """newest or oldest first."""


class RangeQuery(msgspec.Struct, kw_only=True):
    """Which lines, in the URL."""

    query: str = ""
    since: str | None = msgspec.field(default=None, name="from")
    until: str | None = msgspec.field(default=None, name="to")
    timezone: str = "UTC"


class Line(msgspec.Struct, kw_only=True):
    """A stored log line."""

    id: str
    time: datetime
    received: datetime
    source: str
    host: str
    ci: str
    facility: int
    facility_name: str
    severity: int
    severity_name: str
    app: str
    procid: str
    msgid: str
    message: str
    fields: dict[str, str]
    tags: list[str]
    format: str
    pipeline: str
    raw: str


class Lines(msgspec.Struct, kw_only=True):
    """A page of lines. ``next`` is the cursor of the page after, null at the end."""

    results: list[Line]
    count: int
    next: str | None
    query: str
    """The query as it was understood."""
    since: datetime | None = msgspec.field(name="from")
    until: datetime | None = msgspec.field(name="to")
    took_ms: float


class HistogramInput(Range, kw_only=True):
    """How many lines over time; about ``buckets`` bars."""

    buckets: int = 60


class Bucket(msgspec.Struct, kw_only=True):
    time: datetime
    count: int
    severities: dict[str, int]
    """Severity (0 to 7) → lines."""


class Histogram(msgspec.Struct, kw_only=True):
    """Lines over time; bars without lines included."""

    interval_seconds: int
    since: datetime = msgspec.field(name="from")
    until: datetime = msgspec.field(name="to")
    total: int
    buckets: list[Bucket]
    took_ms: float


class FacetsInput(Range, kw_only=True):
    """The most frequent values of fields."""

    fields: list[str] | str = []
    limit: int = 10


class Value(msgspec.Struct, kw_only=True):
    value: str
    label: str
    count: int
    query: str
    """The condition that finds it."""


class Facet(msgspec.Struct, kw_only=True):
    field: str
    label: str
    values: list[Value]
    distinct: int
    """How many values there are, about."""
    missing: int
    """Lines without a value."""


class Facets(msgspec.Struct, kw_only=True):
    results: list[Facet]
    total: int
    took_ms: float


class FieldInfo(msgspec.Struct, kw_only=True):
    """Something to search by."""

    name: str
    label: str
    kind: str
    help: str
    operators: list[str]
    count: int | None = None
    """Lines that have it, of those looked at; null for columns that every line has."""


class FieldList(msgspec.Struct, kw_only=True):
    results: list[FieldInfo]
    sampled: int
    """The newest lines looked at for their own fields."""


class SurroundingQuery(msgspec.Struct, kw_only=True):
    """The lines around one, of the same source."""

    id: str
    before: int = 10
    after: int = 10


class Surrounding(msgspec.Struct, kw_only=True):
    """Oldest first."""

    before: list[Line]
    line: Line
    after: list[Line]


class NewerQuery(msgspec.Struct, kw_only=True):
    """Lines that came in after the one of this id; without it, where to begin."""

    query: str = ""
    after: str = ""
    limit: int = 200
    timezone: str = "UTC"


class Newer(msgspec.Struct, kw_only=True):
    """Oldest first. Send ``after`` with the next request."""

    results: list[Line]
    after: str


class ExportQuery(RangeQuery, kw_only=True):
    """Lines as a file: ``format`` csv or jsonl, ``columns`` separated by commas."""

    format: str = "csv"
    columns: str = ""
    limit: int = 100_000


class SuggestInput(Range, kw_only=True):
    """What may come next in a query; ``position`` is the cursor's, by default the end."""

    position: int | None = None
    limit: int = 12


class Suggestion(msgspec.Struct, kw_only=True):
    text: str
    label: str
    kind: str
    """field, operator, value or keyword."""
    start: int
    """``text`` replaces the query from here ..."""
    end: int
    """... to here."""


class Suggestions(msgspec.Struct, kw_only=True):
    results: list[Suggestion]
    error: str = ""
    """What is wrong with the query as it stands; empty when nothing is."""
    position: int | None = None
    """Where it is wrong."""
