"""What an editor of pipelines needs: previews, the values that lines have, expressions tried, kinds of stages."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import select

from mainstay.kernel import verbs
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Invalid, Unavailable
from mainstay.modules.logs.grok import resource as grok
from mainstay.modules.logs.intake.lines import TABLE
from mainstay.modules.logs.pipeline import definitions as d
from mainstay.modules.logs.pipeline import preview as previews
from mainstay.modules.logs.pipeline import service
from mainstay.modules.logs.pipeline.batch import CODES, READABLE, WRITABLE
from mainstay.modules.logs.pipeline.condition import OPERATORS
from mainstay.modules.logs.pipeline.preview import Preview
from mainstay.modules.logs.pipeline.resource import pipelines
from mainstay.modules.logs.pipeline.stages.base import FAILURE, TIMEOUT
from mainstay.modules.logs.pipeline.stages.change import KINDS
from mainstay.modules.logs.pipeline.tables import LogLookupTable, LogPipeline
from mainstay.modules.logs.pipeline.versions import version_of

FAILURES = {
    "grok": "_grokfailure", "kv": "_kvfailure", "json": "_jsonfailure", "csv": "_csvfailure", "date": "_datefailure",
    "enrich_table": "_lookupfailure", "enrich_geo": "_geofailure", "enrich_cmdb": "_cmdbfailure",
    "route": "_routefailure",
}  # fmt: skip


class PreviewInput(msgspec.Struct, kw_only=True):
    """What to try on which lines: a saved pipeline (its newest version, or ``version``) or stages not yet saved; on
    pasted lines, or on the newest stored ones with these values."""

    pipeline: str = ""
    version: int = 0
    stages: Any = None
    condition: str | None = None
    lines: list[str] | str | None = None
    source: str = ""
    host: str = ""
    app: str = ""
    ci: str = ""
    format: str = ""
    search: str = ""
    limit: int = 20
    minutes: int = 1440
    ignore_condition: bool = False
    """Run the stages also on lines that the pipeline is not for."""


@pipelines.action("GET", "get_asset_Preview_data/")
async def asset_preview(ctx: Context, query: PreviewInput, body: Any) -> Preview:
    """Recent or pasted lines through a pipeline, with the output of every stage

    Parameters come in the query or, as JSON, in the body.
    """
    wanted = msgspec.convert(body, PreviewInput, strict=False) if isinstance(body, dict) and body else query
    return await _preview(ctx, wanted)


@pipelines.action("POST", "preview/", write=False)
async def try_out(ctx: Context, body: PreviewInput) -> Preview:
    """Recent or pasted lines through a pipeline, with the output of every stage"""
    return await _preview(ctx, body)


async def _preview(ctx: Context, wanted: PreviewInput) -> Preview:
    stages, condition, identity = wanted.stages, wanted.condition, ""
    if wanted.pipeline:
        entity = await verbs.entity_of(ctx, pipelines, wanted.pipeline)
        identity = entity.id
        saved: Any = await version_of(ctx, entity.id, wanted.version) if wanted.version else entity
        stages = saved.stages if stages is None else stages
        condition = saved.condition if condition is None else condition
    if isinstance(stages, str):
        try:
            stages = msgspec.json.decode(stages)
        except (msgspec.DecodeError, RecursionError):
            raise Invalid.field("stages", "The stages must be JSON.") from None
    if not 1 <= wanted.limit <= previews.MAX_LINES:
        raise Invalid.field("limit", f"limit must be between 1 and {previews.MAX_LINES}.")
    if not 1 <= wanted.minutes <= 525_600:
        raise Invalid.field("minutes", "minutes must be between 1 and 525600.")
    lines = wanted.lines.splitlines() if isinstance(wanted.lines, str) else wanted.lines
    if lines:
        if any(len(line) > 100_000 for line in lines):
            raise Invalid.field("lines", "A pasted line has at most 100,000 characters.")
        frame = previews.pasted(ctx.organization, lines, ctx.now)
    else:
        # Pasted lines are the caller's own; stored ones need the right to see them, which this operation is about.
        chosen = {name: getattr(wanted, name) for name in ("source", "host", "app", "ci", "format", "search")}
        frame = await previews.recent(
            ctx, {name: value for name, value in chosen.items() if value}, wanted.limit, wanted.minutes
        )
    return await previews.preview(
        ctx, stages or [], condition or "", frame, ignore_condition=wanted.ignore_condition, identity=identity
    )


class FilterQuery(msgspec.Struct, kw_only=True):
    """Of which time, and which values: those that contain ``search``."""

    hours: int = 24
    search: str = ""
    limit: int = 50


class Value(msgspec.Struct, kw_only=True):
    """A value that lines have, and how many of them."""

    value: str
    lines: int
    condition: str
    """The condition that asks for it."""


class FilterData(msgspec.Struct, kw_only=True):
    """What recent lines can be told apart by."""

    hours: int
    lines: int
    filters: dict[str, list[Value]]


@pipelines.action("GET", "get_asset_filter_data/")
async def asset_filters(ctx: Context, query: FilterQuery) -> FilterData:
    """The senders, hosts, applications, items and formats of recent lines, for a pipeline's condition"""
    if not 1 <= query.hours <= 24 * 366 or not 1 <= query.limit <= 1000:
        raise Invalid.field("hours", "hours must be between 1 and 8784, limit between 1 and 1000.")
    telemetry = ctx.platform.telemetry
    if telemetry is None:
        raise Unavailable("The telemetry store is not open in this process.")
    names = [*previews.FILTERS, "severity", "facility"]
    values = {"organization": ctx.organization, "hours": query.hours, "search": query.search, "limit": query.limit}
    where = "organization = {organization:String} AND received > now64(6) - toIntervalHour({hours:UInt32})"
    found: dict[str, list[Value]] = {}
    for name in names:
        rows = await telemetry.query(
            f"SELECT toString({name}) AS value, count() AS n FROM {TABLE} WHERE {where} "  # noqa: S608
            "AND positionCaseInsensitive(value, {search:String}) > 0 AND value != '' "
            "GROUP BY value ORDER BY n DESC, value LIMIT {limit:UInt32}",
            values,
        )
        found[name] = [
            Value(value=row["value"], lines=int(row["n"]), condition=f"{name} == {_quoted(row['value'])}")
            for row in rows
        ]
    (total,) = await telemetry.query(f"SELECT count() AS n FROM {TABLE} WHERE {where}", values)  # noqa: S608
    return FilterData(hours=query.hours, lines=int(total["n"]), filters=found)


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


@pipelines.action("GET", "grok_pattern/")
async def grok_pattern(ctx: Context, query: grok.PatternQuery) -> grok.NamedPatterns:
    """Every pattern that a grok stage can refer to"""
    return await grok.all_patterns(ctx, query)


class GrokQuery(msgspec.Struct, kw_only=True):
    """An expression, and a line (or several, one per line) to try it on."""

    pattern: str = ""
    grok_pattern: str = ""
    line: str = ""
    lines: str = ""
    sample: str = ""


@pipelines.action("GET", "grok_response/")
async def grok_response(ctx: Context, query: GrokQuery, body: Any) -> grok.TrialAnswer:
    """Try an expression on lines: the fields found, the matched length, or why it does not match

    Parameters come in the query or, as JSON, in the body.
    """
    wanted = msgspec.convert(body, GrokQuery, strict=False) if isinstance(body, dict) and body else query
    text = wanted.lines or wanted.line or wanted.sample
    return await grok.trial(
        ctx, grok.Trial(pattern=wanted.pattern or wanted.grok_pattern, lines=text.splitlines() if text else [])
    )


class Named(msgspec.Struct, kw_only=True):
    """A record that stages refer to."""

    id: str
    name: str


class StageType(msgspec.Struct, kw_only=True):
    """A kind of stage: what it does, what it takes (JSON schema), and how a line is tagged that it fails on."""

    type: str
    description: str
    failure_tag: str
    schema: dict[str, Any]


class PipelineOptions(msgspec.Struct, kw_only=True):
    """What an editor of pipelines needs."""

    stages: list[StageType]
    operators: dict[str, str]
    columns: list[str]
    """Names that mean a column of the line; every other name is a field."""
    writable_columns: list[str]
    severities: list[str]
    mask_kinds: list[str]
    date_formats: list[str]
    engine_tags: dict[str, str]
    lookup_tables: list[Named]
    pipelines: list[Named]
    geo: bool
    """Whether the installation has a geo database."""


@pipelines.action("GET", "get_options/")
async def get_options(ctx: Context) -> PipelineOptions:
    """The kinds of stages, the condition language and what stages can refer to"""
    (schemas,), components = msgspec.json.schema_components([list[d.Stage]], ref_template="#/{name}")
    del schemas
    tables = await ctx.session.execute(select(LogLookupTable.id, LogLookupTable.name).order_by(LogLookupTable.name))
    others = await ctx.session.execute(select(LogPipeline.id, LogPipeline.name).order_by(LogPipeline.name))
    return PipelineOptions(
        stages=[
            StageType(type=str(kind.__struct_config__.tag), description=" ".join((kind.__doc__ or "").split()),
                      failure_tag=FAILURES.get(str(kind.__struct_config__.tag), ""), schema=components[kind.__name__])
            for kind in d.STAGES
        ],
        operators=OPERATORS | {"has": "the line has this field"},
        columns=sorted(READABLE), writable_columns=sorted(WRITABLE | {"time"}),
        severities=list(CODES["severity"]), mask_kinds=list(KINDS), date_formats=["ISO8601", "UNIX", "UNIX_MS"],
        engine_tags={
            FAILURE: "A stage broke on the line; the line is as it was before it.",
            TIMEOUT: "The pipeline took too long; the line passed by.",
            "_typefailure": "A value was not of the type it should have; its text is kept.",
        },
        lookup_tables=[Named(id=row.id, name=row.name) for row in tables],
        pipelines=[Named(id=row.id, name=row.name) for row in others],
        geo=service.engine_of(ctx.platform).places is not None,
    )  # fmt: skip
