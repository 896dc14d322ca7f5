"""Which pipelines there are and how they are doing."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import select

from mainstay.kernel import verbs
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Invalid, Unavailable
from mainstay.modules.logs.pipeline import health, service
from mainstay.modules.logs.pipeline.preview import order
from mainstay.modules.logs.pipeline.resource import links, pipelines, state_of
from mainstay.modules.logs.pipeline.stages.base import Meter
from mainstay.modules.logs.pipeline.tables import LogPipeline


class ChildQuery(msgspec.Struct, kw_only=True):
    """Whose children; empty: the whole tree."""

    pipeline: str = ""


class PipelineItem(msgspec.Struct, kw_only=True):
    """A pipeline in a list. ``problem``: why it cannot run."""

    id: str
    pipeline_id: str
    name: str
    state: str
    enabled: bool
    position: int
    parent: str | None
    revision: int
    in_force: int
    problem: str
    children: list[str]


class ChildData(msgspec.Struct, kw_only=True):
    """Children of a pipeline in the order they run, and the pipelines that could become one."""

    pipeline: str
    results: list[PipelineItem]
    candidates: list[PipelineItem]


class PipelineList(msgspec.Struct, kw_only=True):
    """Every pipeline in the order in which lines are offered to them."""

    count: int
    results: list[PipelineItem]


async def _items(ctx: Context) -> list[PipelineItem]:
    query = select(LogPipeline).order_by(LogPipeline.position, LogPipeline.creation_time, LogPipeline.id)
    rows = (await ctx.session.execute(query)).scalars().all()
    current = await service.engine_of(ctx.platform).current(ctx.organization)
    return [
        PipelineItem(
            id=row.id, pipeline_id=row.id, name=row.name, enabled=row.enabled, position=row.position, parent=row.parent,
            state="broken" if row.id in current.broken else state_of(row.enabled, row.in_force, row.revision),
            revision=row.revision, in_force=row.in_force, problem=current.broken.get(row.id, ""),
            children=[other.id for other in rows if other.parent == row.id],
        )
        for row in rows
    ]  # fmt: skip


@pipelines.action("GET", "get_pipeline_list/")
async def pipeline_list(ctx: Context) -> PipelineList:
    """Every pipeline in the order in which lines are offered to them, and whether it runs"""
    items = await _items(ctx)
    return PipelineList(count=len(items), results=items)


@pipelines.action("GET", "get_child_pipeline_data/")
async def child_pipelines(ctx: Context, query: ChildQuery) -> ChildData:
    """Children of a pipeline, and the pipelines that could become one"""
    items = await _items(ctx)
    if not query.pipeline:
        return ChildData(pipeline="", results=[item for item in items if item.parent], candidates=[])
    entity = await verbs.entity_of(ctx, pipelines, query.pipeline)
    known = {item.id: item for item in items}
    above, at = {entity.id}, known[entity.id]
    while at.parent and at.parent in known and at.parent not in above:
        above.add(at.parent)
        at = known[at.parent]
    # A pipeline that leads here, by its children or its routes, would lead lines round in a circle.
    leading = {
        other for other, _name, refers in await links(ctx) if entity.id in refers and known[other].parent is None
    }
    return ChildData(
        pipeline=entity.id,
        results=[item for item in items if item.parent == entity.id],
        candidates=[
            item for item in items if item.parent is None and item.id not in above and item.id not in leading
        ],
    )  # fmt: skip


class HealthQuery(msgspec.Struct, kw_only=True):
    """Of which pipeline (empty: all), and of how many minutes back."""

    pipeline: str = ""
    minutes: int = 60


class StageHealth(msgspec.Struct, kw_only=True):
    """What passed a stage. ``microseconds``: per line."""

    path: str
    type: str
    name: str
    lines_in: int
    lines_out: int
    failed: int
    seconds: float
    microseconds: float


class PipelineHealth(msgspec.Struct, kw_only=True):
    """What passed a pipeline."""

    id: str
    name: str
    state: str
    version: int
    problem: str
    lines_in: int
    lines_out: int
    dropped: int
    failed: int
    timeouts: int
    seconds: float
    microseconds: float
    stages: list[StageHealth]


class Health(msgspec.Struct, kw_only=True):
    """``status``: healthy, or degraded when a pipeline cannot run, breaks or takes too long."""

    status: str
    minutes: int
    lines_in: int
    lines_out: int
    dropped: int
    failed: int
    results: list[PipelineHealth]


@pipelines.action("GET", "get_logstash_health/")
async def engine_health(ctx: Context, query: HealthQuery) -> Health:
    """Lines in and out, failures and time of every pipeline and stage"""
    if not 1 <= query.minutes <= 43_200:
        raise Invalid.field("minutes", "minutes must be between 1 and 43200.")
    telemetry = ctx.platform.telemetry
    if telemetry is None:
        raise Unavailable("The telemetry store is not open in this process.")
    engine = service.engine_of(ctx.platform)
    await engine.flush()
    items = await _items(ctx)
    if query.pipeline:
        entity = await verbs.entity_of(ctx, pipelines, query.pipeline)
        items = [item for item in items if item.id == entity.id]
    passed = await health.passed(telemetry, ctx.organization, [item.id for item in items], query.minutes)
    current = await engine.current(ctx.organization)
    results = [_health(item, passed, current) for item in items]
    tops = [item for item in results if next(i for i in items if i.id == item.id).parent is None]
    degraded = any(item.problem or item.timeouts for item in results)
    return Health(
        status="degraded" if degraded else "healthy", minutes=query.minutes, results=results,
        lines_in=sum(item.lines_in for item in tops), lines_out=sum(item.lines_out for item in tops),
        dropped=sum(item.dropped for item in results if item in tops), failed=sum(item.failed for item in tops),
    )  # fmt: skip


def _health(item: PipelineItem, passed: dict[tuple[str, str], Meter], current: service.Compiled) -> PipelineHealth:
    whole = passed.get((item.id, ""), Meter())
    running = current.every.get(item.id)
    kinds = {stage.path: stage for stage in _all(running.stages)} if running else {}
    stages = [
        StageHealth(
            path=path, type=kinds[path].kind if path in kinds else "", name=kinds[path].name if path in kinds else "",
            lines_in=meter.lines_in, lines_out=meter.lines_out, failed=meter.failed, seconds=round(meter.seconds, 6),
            microseconds=_each(meter),
        )
        for (pipeline, path), meter in sorted(passed.items(), key=lambda pair: order(pair[0][1]))
        if pipeline == item.id and path
    ]  # fmt: skip
    return PipelineHealth(
        id=item.id, name=item.name, state=item.state, version=item.in_force,
        problem=item.problem or current.errors.get(item.id, ""), lines_in=whole.lines_in, lines_out=whole.lines_out,
        dropped=whole.dropped, failed=whole.failed, timeouts=whole.timeouts, seconds=round(whole.seconds, 6),
        microseconds=_each(whole), stages=stages,
    )  # fmt: skip


def _each(meter: Meter) -> float:
    return round(meter.seconds / meter.lines_in * 1e6, 3) if meter.lines_in else 0.0


def _all(stages: list[Any]) -> list[Any]:
    return [inner for stage in stages for inner in (stage, *_all([*getattr(stage, "then", ()),
                                                                  *getattr(stage, "otherwise", ())]))]  # fmt: skip
