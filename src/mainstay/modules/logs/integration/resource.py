"""The Log Integraion module of the API: log sources, and what forms about log lines need."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import select

from mainstay.kernel.context import Context
from mainstay.kernel.errors import Conflict, Invalid
from mainstay.kernel.operation import Reply
from mainstay.kernel.resource import Behaviour, Resource
from mainstay.modules.logs.integration import engine, service
from mainstay.modules.logs.integration.tables import LogIntegration
from mainstay.modules.logs.search import columns, counting, export, moments, suggest
from mainstay.modules.logs.search import service as search
from mainstay.modules.logs.search import shapes as s
from mainstay.modules.logs.search.table import LINES
from mainstay.modules.logs.search.tables import LogSearch
from mainstay.modules.people.users.tables import UserPageConfig

PAGE = "log_search"
"""The console's page whose columns ``get_data_view/`` answers; saved with save-page-config/."""
READ_ONLY = frozenset({"id", "received"})
"""Columns that a pipeline may read but not set."""


class LogIntegrations(Behaviour[LogIntegration]):
    def normalise(self, data: dict[str, Any]) -> dict[str, Any]:
        text = data.get("networks")
        if isinstance(text, str) and not text.lstrip().startswith("["):
            return {**data, "networks": text.replace(",", " ").split()}
        return data

    async def prepare(self, ctx: Context, rows: list[dict[str, Any]], given: Sequence[Mapping[str, Any]]) -> None:
        claimed: list[engine.Network] = []
        for row in rows:
            _check(row)
            if row.get("enabled") is not False:
                claimed += engine.read(row.get("networks") or [])
        if len(set(claimed)) < len(claimed):
            raise Conflict("Two of these log sources have the same network.")
        await service.claim(ctx, claimed)

    async def change(
        self, ctx: Context, entity: LogIntegration, values: dict[str, Any], given: Mapping[str, Any]
    ) -> None:
        _check(values)
        if values.get("enabled", entity.enabled):
            await service.claim(ctx, engine.read(values.get("networks", entity.networks)), entity.id)


def _check(values: dict[str, Any]) -> None:
    if values.get("networks"):
        try:
            values["networks"] = engine.write(engine.read(values["networks"]))
        except engine.BadNetwork as bad:
            raise Invalid.field("networks", str(bad)) from None
    elif "networks" in values:
        values["networks"] = []
    if values.get("timezone"):
        try:
            moments.zone(values["timezone"])
        except moments.BadMoment as bad:
            raise Invalid.field("timezone", str(bad)) from None
    items = values.get("cis")
    if items is not None and not (
        isinstance(items, list) and len(items) <= 1000 and all(isinstance(item, str) for item in items)
    ):
        raise Invalid.field("cis", "cis must be a list of at most 1,000 ids.")


integrations = Resource(
    LogIntegration,
    module="Log Integraion",
    path="/ux/logmanagement/log_integration/",
    label="Log source",
    permission_label="Log sources",
    title="name",
    area="logs",
    section="Logs",
    id_name="log_integration_id",
    behaviour=LogIntegrations(),
    custom_fields=False,
    sample={"name": "Dublin switches", "kind": "syslog", "networks": ["10.1.0.0/16"], "timezone": "Europe/Dublin"},
)


class Door(msgspec.Struct, kw_only=True):
    """One way to send lines here."""

    kind: str
    protocol: str
    url: str
    address: str
    port: int
    enabled: bool
    help: str


class Doors(msgspec.Struct, kw_only=True):
    results: list[Door]


class Sender(msgspec.Struct, kw_only=True):
    """Who sends lines."""

    source: str
    host: str
    ci: str
    ci_name: str
    lines: int
    first_seen: datetime
    last_seen: datetime
    integration: str | None
    integration_name: str


class Senders(msgspec.Struct, kw_only=True):
    results: list[Sender]
    count: int


class SendersInput(s.Range, kw_only=True):
    """Which senders: by a query on their lines, and by words in address or host. Of the last week by default."""

    search: str = ""
    known: bool | None = None
    """Only those that are a configuration item, or only those that are none."""
    limit: int = 200


class ExportInput(s.Range, kw_only=True):
    format: str = "csv"
    columns: list[str] | str = []
    limit: int = 100_000


class ViewQuery(msgspec.Struct, kw_only=True):
    """The view of a saved search (its id), else the caller's own."""

    search: str = ""


class ViewColumn(msgspec.Struct, kw_only=True):
    name: str
    label: str
    kind: str
    visible: bool
    width: int | None = None


class DataView(msgspec.Struct, kw_only=True):
    """Which columns a list of lines shows, in order."""

    page: str
    saved: bool
    columns: list[ViewColumn]


class ExportConfigs(msgspec.Struct, kw_only=True):
    formats: list[dict[str, str]]
    columns: list[s.FieldInfo]
    default_columns: list[str]
    max_rows: int
    default_rows: int


class PipelineColumn(s.FieldInfo, kw_only=True):
    writable: bool


class PipelineColumns(msgspec.Struct, kw_only=True):
    results: list[PipelineColumn]
    sampled: int


class SuggestQuery(s.RangeQuery, kw_only=True):
    """Either ``query`` with the cursor's ``position``, or the values of a ``field`` that begin with ``search``."""

    position: int | None = None
    field: str = ""
    search: str = ""
    pipeline: str = ""
    limit: int = 12


@integrations.action("GET", "_url/")
async def doors(ctx: Context) -> Doors:
    """Where this server takes log lines"""
    settings = ctx.platform.settings
    address = settings.intake_host or settings.http_host
    if address in ("", "0.0.0.0", "::"):  # noqa: S104 - everywhere: the name the caller used leads here
        address = ctx.host.rsplit(":", 1)[0] or address
    shown = f"[{address}]" if ":" in address else address
    made = [
        Door(kind="syslog", protocol=protocol, url=f"{protocol}://{shown}:{port}", address=address, port=port,
             enabled=port > 0, help=words)
        for protocol, port, words in (
            ("udp", settings.syslog_port, "Syslog, RFC 5424 and RFC 3164. Nothing is acknowledged."),
            ("tcp", settings.syslog_port, "Syslog with octet counting or a line each (RFC 6587)."),
            ("tls", settings.syslog_tls_port, "Syslog over TLS (RFC 5425)."),
        )
    ]  # fmt: skip
    base = settings.base_url
    made += [
        Door(kind=kind, protocol=base.partition(":")[0], url=base + path, address=settings.http_host,
             port=settings.http_port, enabled=True, help=words)
        for kind, path, words in (
            ("http", "/api/logs/", "One JSON object a line; answered when stored. Needs an API key."),
            ("otlp", "/v1/logs", "OpenTelemetry logs (OTLP/HTTP); answered when stored. Needs an API key."),
        )
    ]  # fmt: skip
    return Doors(results=made)


@integrations.action("POST", "cmdb_filter/", write=False)
async def senders(ctx: Context, body: SendersInput) -> Senders:
    """Who sends lines, by a filter on them: address, configuration item where known, and how much"""
    search.between("limit", body.limit, 1, 1000)
    chosen = search.choose(ctx, body, default=timedelta(days=7))
    having = ""
    parameters: dict[str, Any] = {"limit": body.limit}
    if body.search.strip():
        having = " AND position(lower(concat(source, ' ', last_host)), lower({search:String})) > 0"
        parameters["search"] = body.search.strip()
    if body.known is not None:
        having += " AND last_ci != ''" if body.known else " AND last_ci = ''"
    clause = chosen.clause()
    found = await search.rows(
        ctx.platform,
        "SELECT source, anyLast(host) AS last_host, anyLast(ci) AS last_ci, count() AS number, "  # noqa: S608
        f"min(received) AS first_seen, max(received) AS last_seen FROM {LINES} WHERE {clause} "
        f"GROUP BY source HAVING 1{having} ORDER BY number DESC, source LIMIT {{limit:UInt32}}",
        {**parameters, **chosen.parameters},
    )
    query = select(LogIntegration.id, LogIntegration.name, LogIntegration.networks)
    known = [
        (network, row.id, row.name)
        for row in (await ctx.session.execute(query)).all()
        for network in engine.read(row.networks)
    ]
    known.sort(key=lambda item: -item[0].prefixlen)
    names = await _names(ctx, {row["last_ci"] for row in found} - {""})
    made = []
    for row in found:
        owner = _owner(row["source"], known)
        made.append(
            Sender(source=row["source"], host=row["last_host"], ci=row["last_ci"],
                   ci_name=names.get(row["last_ci"], ""), lines=row["number"], first_seen=row["first_seen"],
                   last_seen=row["last_seen"],
                   integration=owner[0] if owner else None, integration_name=owner[1] if owner else "")
        )  # fmt: skip
    return Senders(results=made, count=len(made))


async def _names(ctx: Context, ids: set[str]) -> dict[str, str]:
    """Names of configuration items, where the caller may see them."""
    res = ctx.platform.registry.resources.get("ci")
    if res is None or not ids or not ctx.principal.can(res.permission, "view"):
        return {}
    query = select(res.model.id, getattr(res.model, res.title)).where(res.model.id.in_(ids))
    return {row[0]: row[1] for row in (await ctx.session.execute(query)).all()}


def _owner(source: str, known: list[tuple[engine.Network, str, str]]) -> tuple[str, str] | None:
    try:
        (address,) = engine.read([source])
    except engine.BadNetwork:
        return None
    return next(
        ((record, name) for network, record, name in known if engine.meeting([address], [network]) is not None), None
    )


@integrations.action("POST", "export_data/", privilege="export", write=False, returns=export.LogFile)
async def export_data(ctx: Context, body: ExportInput) -> Reply:
    """Log lines as a file, newest first"""
    names = body.columns if isinstance(body.columns, list) else [name.strip() for name in body.columns.split(",")]
    return await export.export(ctx.platform, search.choose(ctx, body), form=body.format, names=names, limit=body.limit)


@integrations.action("GET", "get_export_configs/")
async def export_configs(ctx: Context) -> ExportConfigs:
    """What an export can be: formats, columns and the most rows"""
    found, _sampled = await counting.field_list(ctx, search.choose(ctx, s.Range()))
    return ExportConfigs(
        formats=[{"id": "csv", "name": "CSV", "media_type": export.FORMATS["csv"]},
                 {"id": "jsonl", "name": "JSON lines", "media_type": export.FORMATS["jsonl"]}],
        columns=found, default_columns=list(export.DEFAULT), max_rows=export.MOST, default_rows=100_000,
    )  # fmt: skip


@integrations.action("GET", "get_data_view/")
async def data_view(ctx: Context, query: ViewQuery) -> DataView:
    """The columns of a list of lines: of a saved search, else as the caller set them up, else the usual ones"""
    chosen: list[Any] = []
    if query.search:
        statement = select(LogSearch.columns).where(
            LogSearch.id == query.search,
            LogSearch.shared.is_(True) | (LogSearch.created_by == ctx.principal.user),
        )
        found = (await ctx.session.execute(statement)).scalar()
        if found is None:
            raise Invalid.field("search", "There is no such saved search.")
        chosen = found
    elif ctx.principal.profile_id:
        own = select(UserPageConfig.config).where(
            UserPageConfig.profile == ctx.principal.profile_id, UserPageConfig.page == PAGE
        )
        kept = (await ctx.session.execute(own)).scalar() or {}
        columns_kept = kept.get("columns")
        chosen = columns_kept if isinstance(columns_kept, list) else []
    shown = [item for item in map(_column, chosen) if item is not None]
    saved = bool(shown)
    if not shown:
        shown = [_shown(name) for name in export.DEFAULT]
    have = {item.name for item in shown}
    shown += [_shown(name, visible=False) for name in columns.COLUMNS if name not in have]
    return DataView(page=PAGE, saved=saved, columns=shown)


def _shown(name: str, *, visible: bool = True, width: int | None = None) -> ViewColumn:
    column = columns.find(name)
    return ViewColumn(name=column.name, label=column.label, kind=column.kind, visible=visible, width=width)


def _column(kept: Any) -> ViewColumn | None:
    """A column as pages keep it: its name, or an object with it."""
    if isinstance(kept, str) and kept:
        return _shown(kept)
    if isinstance(kept, dict) and isinstance(kept.get("name"), str) and kept["name"]:
        width = kept.get("width")
        return _shown(kept["name"], visible=kept.get("visible") is not False,
                      width=width if isinstance(width, int) and not isinstance(width, bool) else None)  # fmt: skip
    return None


@integrations.action("GET", "get_log_columns/")
async def log_columns(ctx: Context, query: s.RangeQuery) -> s.FieldList:
    """The columns of log lines, and the fields that the newest lines have"""
    found, sampled = await counting.field_list(ctx, search.choose(ctx, query))
    return s.FieldList(results=found, sampled=sampled)


@integrations.action("GET", "get_log_columns_for_pipeline/")
async def pipeline_columns(ctx: Context, query: SuggestQuery) -> PipelineColumns:
    """What a pipeline can read, and which of it it can set"""
    found, sampled = await counting.field_list(ctx, _through(search.choose(ctx, query), query.pipeline))
    made = [PipelineColumn(**msgspec.structs.asdict(item), writable=item.name not in READ_ONLY) for item in found]
    return PipelineColumns(results=made, sampled=sampled)


def _through(chosen: search.Chosen, pipeline: str) -> search.Chosen:
    """Only lines that a pipeline worked on."""
    if pipeline:
        chosen.where = f"({chosen.where}) AND pipeline = {chosen.condition.bind(pipeline)}"
    return chosen


@integrations.action("GET", "get_log_filter_suggestions/")
async def filter_suggestions(ctx: Context, query: SuggestQuery) -> s.Suggestions:
    """What may come next in a filter that is being typed, or the values of a field"""
    return await _suggestions(ctx, query)


@integrations.action("GET", "get_log_filter_suggestions_for_pipeline/")
async def pipeline_suggestions(ctx: Context, query: SuggestQuery) -> s.Suggestions:
    """As get_log_filter_suggestions/, from the lines of one pipeline"""
    return await _suggestions(ctx, query)


async def _suggestions(ctx: Context, query: SuggestQuery) -> s.Suggestions:
    search.between("limit", query.limit, 1, 100)
    whole = s.Range(since=query.since, until=query.until, timezone=query.timezone)
    chosen = _through(search.choose(ctx, whole), query.pipeline)
    if query.field:
        found = await suggest.values(ctx, chosen, columns.find(query.field), query.search, query.limit)
        return s.Suggestions(
            results=[s.Suggestion(text=item, label=item, kind="value", start=0, end=len(query.search))
                     for item in found]
        )  # fmt: skip
    position = len(query.query) if query.position is None else query.position
    search.between("position", position, 0, len(query.query))
    return s.Suggestions(results=await suggest.suggest(ctx, chosen, query.query, position, query.limit))
