"""The records of the Log Pipeline Configuration module: pipelines and lookup tables."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import insert, select

from mainstay.kernel.context import Context
from mainstay.kernel.errors import Conflict, Invalid
from mainstay.kernel.resource import Behaviour, Resource
from mainstay.modules.logs.grok import service as grok
from mainstay.modules.logs.grok.library import Library
from mainstay.modules.logs.pipeline import definitions as d
from mainstay.modules.logs.pipeline import service
from mainstay.modules.logs.pipeline.condition import ConditionError
from mainstay.modules.logs.pipeline.lookups import TableError, read_table
from mainstay.modules.logs.pipeline.running import StageRefused, World
from mainstay.modules.logs.pipeline.tables import LogLookupTable, LogPipeline, LogPipelineVersion

MODULE = "Log Pipeline Configuration"
CONTENT = ("condition", "stages")
MAX_PIPELINES = 200


class Pipelines(Behaviour[LogPipeline]):
    async def prepare(self, ctx: Context, rows: list[dict[str, Any]], given: Sequence[Mapping[str, Any]]) -> None:
        held = (await ctx.session.execute(select(LogPipeline.id).limit(MAX_PIPELINES + 1))).scalars().all()
        if len(held) + len(rows) > MAX_PIPELINES:
            raise Conflict(f"An organization has at most {MAX_PIPELINES} pipelines. Delete some first.")
        world = await service.world_of(ctx)
        for row in rows:
            row["stages"] = await checked(row.get("stages") or [], row.get("condition") or "", world)
            row["revision"], row["in_force"] = 1, 0
        # A new pipeline closes no circle: nothing refers to it yet.

    async def added(self, ctx: Context, rows: list[dict[str, Any]], given: Sequence[Mapping[str, Any]]) -> None:
        await keep(ctx, [(row["id"], 1, row["condition"], row["stages"]) for row in rows])
        _look_again(ctx)

    async def change(self, ctx: Context, entity: LogPipeline, values: dict[str, Any], given: Mapping[str, Any]) -> None:
        if any(name in values for name in CONTENT):
            stages, condition = values.get("stages", entity.stages), values.get("condition", entity.condition)
            values["stages"] = await checked(stages or [], condition or "", await service.world_of(ctx))
        if any(name in values and values[name] != getattr(entity, name) for name in CONTENT):
            values["revision"] = entity.revision + 1
        if "parent" in values or "stages" in values:
            stages, parent = values.get("stages", entity.stages), values.get("parent", entity.parent)
            await check_circle(ctx, entity.id, parent, stages)

    async def saved(
        self, ctx: Context, entity: LogPipeline, diff: list[dict[str, Any]], given: Mapping[str, Any]
    ) -> None:
        if any(change["field"] == "revision" for change in diff):
            note = str(given.get("note") or "")[:255]
            await keep(ctx, [(entity.id, entity.revision, entity.condition, entity.stages)], note)
        _look_again(ctx)

    async def removing(self, ctx: Context, entities: Sequence[LogPipeline]) -> None:
        gone = {entity.id: entity.name for entity in entities}
        for other_id, name, refers in await links(ctx):
            if other_id not in gone and (used := refers & gone.keys()):
                raise Conflict(f"{gone[min(used)]} is still used by the pipeline {name}. Change that first.")
        _look_again(ctx)

    async def decorate(self, ctx: Context, rows: list[dict[str, Any]]) -> None:
        for row in rows:
            row["state"] = state_of(row["enabled"], row["in_force"], row["revision"])


def state_of(enabled: bool, in_force: int, revision: int) -> str:
    """draft (nothing in force), stopped, running, or changed (runs, and a newer version is saved)."""
    if not in_force:
        return "draft"
    if not enabled:
        return "stopped"
    return "running" if in_force == revision else "changed"


class LookupTables(Behaviour[LogLookupTable]):
    async def prepare(self, ctx: Context, rows: list[dict[str, Any]], given: Sequence[Mapping[str, Any]]) -> None:
        for row in rows:
            await _read(row["content"])

    async def change(
        self, ctx: Context, entity: LogLookupTable, values: dict[str, Any], given: Mapping[str, Any]
    ) -> None:
        if "content" in values:
            await _read(values["content"])
        if values.get("name", entity.name) != entity.name:
            await self._unused(ctx, [entity])
        _look_again(ctx)

    async def removing(self, ctx: Context, entities: Sequence[LogLookupTable]) -> None:
        await self._unused(ctx, entities)
        _look_again(ctx)

    async def _unused(self, ctx: Context, entities: Sequence[LogLookupTable]) -> None:
        words = {word: entity.name for entity in entities for word in (entity.id, entity.name.lower())}
        for name, stages in await saved_stages(ctx):
            for spec in every(stages):
                if isinstance(spec, d.EnrichTable) and (spec.table in words or spec.table.lower() in words):
                    used = words.get(spec.table) or words[spec.table.lower()]
                    raise Conflict(f"{used} is still used by the pipeline {name}. Change that first.")


async def _read(content: str) -> None:
    try:
        await asyncio.to_thread(read_table, content)
    except TableError as error:
        raise Invalid.field("content", str(error)) from None


pipelines = Resource(
    LogPipeline,
    module=MODULE,
    path="/ux/log_pipeline/log_pipeline_configuration/",
    label="Log pipeline",
    title="name",
    area="logs",
    section="Logs",
    privileges=("view", "add", "edit", "delete", "execute", "export"),
    id_name="pipeline_id",
    extra={"stages": list[dict[str, Any]], "state": str},
    sort="position",
    reverse=False,
    behaviour=Pipelines(),
    natural_key="name",
    page="log_pipeline",
    sample={
        "name": "Web servers",
        "condition": 'app == "nginx"',
        "stages": [
            {"type": "grok", "patterns": ["%{COMBINEDAPACHELOG}"]},
            {"type": "date", "field": "timestamp", "formats": ["dd/MMM/yyyy:HH:mm:ss Z"]},
        ],
    },
)
lookup_tables = Resource(
    LogLookupTable,
    module=MODULE,
    path="/ux/log_pipeline/lookup_table/",
    label="Lookup table",
    title="name",
    area="logs",
    section="Logs",
    permission="log_pipeline",
    permission_label="Log pipelines",
    privileges=("view", "add", "edit", "delete", "execute", "export"),
    id_name="lookup_table_id",
    sort="name",
    reverse=False,
    behaviour=LookupTables(),
    natural_key="name",
    sample={"name": "Sites", "content": "prefix,site,region\nfra,Frankfurt,EU\n"},
)


async def checked(stages: Any, condition: str, world: World) -> list[dict[str, Any]]:
    """Stages in the documented spelling. Raises ``Invalid`` naming the stage and the way out."""
    try:
        await asyncio.to_thread(service.compiled, stages, condition, world)
    except ConditionError as error:
        raise Invalid.field("condition", str(error)) from None
    except (StageRefused, d.DefinitionError) as error:
        extra: dict[str, Any] = (
            {"stage": error.path, "rewrite": error.rewritten} if isinstance(error, StageRefused) else {}
        )
        raise Invalid(fields={"stages": [service.sentence(error)]}, **extra) from None
    made: list[dict[str, Any]] = msgspec.to_builtins(d.read(stages))
    return made


async def keep(ctx: Context, versions: Sequence[tuple[str, int, str, Any]], note: str = "") -> None:
    """Store versions: (pipeline, number, condition, stages)."""
    rows = [
        {"organization": ctx.organization, "pipeline": pipeline, "number": number, "condition": condition or "",
         "stages": stages, "note": note, "created_at": ctx.now, "created_by": ctx.principal.user,
         "created_by_name": ctx.principal.name}
        for pipeline, number, condition, stages in versions
    ]  # fmt: skip
    await ctx.session.execute(insert(LogPipelineVersion), rows)


def _look_again(ctx: Context) -> None:
    engine, organization = service.engine_of(ctx.platform), ctx.organization
    ctx.after_commit.append(lambda: engine.forget(organization))


def every(stages: Any) -> list[d.Stage]:
    """All stages, those inside others too."""
    out: list[d.Stage] = []
    for spec in d.read(stages) if isinstance(stages, list) and stages and isinstance(stages[0], dict) else stages:
        out.append(spec)
        if isinstance(spec, d.If):
            out += every(spec.then) + every(spec.otherwise)
    return out


async def saved_stages(ctx: Context) -> list[tuple[str, Any]]:
    """Pipelines' names with their stages, as edited and as in force."""
    edited = (await ctx.session.execute(select(LogPipeline.name, LogPipeline.stages))).all()
    running = select(LogPipeline.name, LogPipelineVersion.stages).join(
        LogPipelineVersion,
        (LogPipelineVersion.pipeline == LogPipeline.id) & (LogPipelineVersion.number == LogPipeline.in_force),
    )
    return [(row.name, row.stages) for row in (*edited, *(await ctx.session.execute(running)).all())]


async def links(ctx: Context) -> list[tuple[str, str, set[str]]]:
    """Pipelines and those that they refer to: (id, name, ids of the parent and of what it routes to)."""
    rows = (await ctx.session.execute(select(LogPipeline.id, LogPipeline.name, LogPipeline.parent))).all()
    ids = {row.name.lower(): row.id for row in rows} | {row.id: row.id for row in rows}
    by_name: dict[str, set[str]] = {row.name: {row.parent} if row.parent else set() for row in rows}
    for name, stages in await saved_stages(ctx):
        by_name[name] |= _routes(stages, ids)
    return [(row.id, row.name, by_name[row.name]) for row in rows]


def _routes(stages: Any, ids: Mapping[str, str]) -> set[str]:
    words = [spec.pipeline for spec in every(stages) if isinstance(spec, d.Route) and spec.pipeline]
    return {ids.get(word) or ids.get(word.lower(), "") for word in words} - {""}


async def check_circle(ctx: Context, pipeline: str, parent: str | None, stages: Any) -> None:
    """Refuse a parent or a route through which lines would come back to the pipeline. Raises ``Invalid``."""
    rows = (await ctx.session.execute(select(LogPipeline.id, LogPipeline.name, LogPipeline.parent))).all()
    ids = {row.name.lower(): row.id for row in rows} | {row.id: row.id for row in rows}
    onward: dict[str, set[str]] = {row.id: set() for row in rows}
    for row in rows:
        above = parent if row.id == pipeline else row.parent
        if above:
            onward.setdefault(above, set()).add(row.id)
    for name, others in await saved_stages(ctx):
        if ids[name.lower()] != pipeline:
            onward[ids[name.lower()]] |= _routes(others, ids)
    onward[pipeline] |= _routes(stages, ids)
    seen, left = set(), list(onward[pipeline])
    while left:
        reached = left.pop()
        if reached == pipeline:
            raise Invalid.field("parent" if parent else "stages", "Lines would go round in a circle: the pipeline is "
                                "reached again from its own routes or children.")  # fmt: skip
        if reached not in seen:
            seen.add(reached)
            left += onward.get(reached, set())


async def _patterns_changed(ctx: Context, library: Library) -> list[str]:
    """Pipelines that a change of grok patterns would break."""
    after, before = await service.world_of(ctx, library), await service.world_of(ctx)
    broken: list[str] = []
    for name, stages in await saved_stages(ctx):
        try:
            await asyncio.to_thread(service.compiled, stages, "", after)
        except (StageRefused, d.DefinitionError) as error:
            try:
                await asyncio.to_thread(service.compiled, stages, "", before)
            except (StageRefused, d.DefinitionError):
                continue
            broken.append(f"the pipeline {name} ({service.sentence(error)})")
    return list(dict.fromkeys(broken))


grok.USERS.append(_patterns_changed)
