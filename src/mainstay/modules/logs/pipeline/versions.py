"""Versions of a pipeline: which are saved, which is in force."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import select

from mainstay.kernel import store, verbs
from mainstay.kernel.context import Context
from mainstay.kernel.errors import NotFound
from mainstay.modules.logs.pipeline import service
from mainstay.modules.logs.pipeline.resource import checked, keep, pipelines
from mainstay.modules.logs.pipeline.tables import LogPipeline, LogPipelineVersion


class Version(msgspec.Struct, kw_only=True):
    """A saved state of a pipeline."""

    number: int
    in_force: bool
    note: str
    created_at: str
    created_by_name: str
    condition: str
    stages: list[dict[str, Any]]


class Versions(msgspec.Struct, kw_only=True):
    """Every saved state, newest first."""

    count: int
    results: list[Version]


class VersionQuery(msgspec.Struct, kw_only=True):
    """Which version; 0: the newest."""

    version: int = 0


class Uploaded(msgspec.Struct, kw_only=True):
    """Which version runs now, and which ran before (0: none)."""

    status: str = "success"
    id: str
    version: int
    previous: int
    enabled: bool
    msg: str


class Rollback(msgspec.Struct, kw_only=True):
    """The version to return to."""

    version: int


@pipelines.action("GET", "upload_pipeline/{id}/", privilege="execute", write=True)
async def upload(ctx: Context, id: str, query: VersionQuery) -> Uploaded:
    """Put a saved version in force on the running engine"""
    entity = await verbs.entity_of(ctx, pipelines, id, lock=True)
    return await _put_in_force(ctx, entity, query.version or entity.revision)


async def _put_in_force(ctx: Context, entity: LogPipeline, number: int) -> Uploaded:
    version = await version_of(ctx, entity.id, number)
    await checked(version.stages, version.condition, await service.world_of(ctx))
    previous = entity.in_force
    entity.in_force, entity.uploaded_at = number, ctx.now
    await store.save(ctx, entity, action="upload")
    engine = service.engine_of(ctx.platform)
    ctx.after_commit.append(lambda: engine.forget(ctx.organization))
    off = "" if entity.enabled else " It is disabled: enable it to let it run."
    return Uploaded(id=entity.id, version=number, previous=previous, enabled=entity.enabled,
                    msg=f"Version {number} of {entity.name} is in force.{off}")  # fmt: skip


async def version_of(ctx: Context, pipeline: str, number: int) -> LogPipelineVersion:
    """A saved version. Raises ``NotFound``."""
    query = select(LogPipelineVersion).where(
        LogPipelineVersion.pipeline == pipeline, LogPipelineVersion.number == number
    )
    found = (await ctx.session.execute(query)).scalar_one_or_none()
    if found is None:
        raise NotFound(f"The pipeline has no version {number}.")
    return found


@pipelines.action("GET", "{id}/versions/")
async def versions(ctx: Context, id: str) -> Versions:
    """Every saved state of a pipeline, newest first"""
    entity = await verbs.entity_of(ctx, pipelines, id)
    query = (
        select(LogPipelineVersion).where(LogPipelineVersion.pipeline == entity.id)
        .order_by(LogPipelineVersion.number.desc()).limit(200)
    )  # fmt: skip
    rows = (await ctx.session.execute(query)).scalars().all()
    return Versions(
        count=len(rows),
        results=[
            Version(number=row.number, in_force=row.number == entity.in_force, note=row.note,
                    created_at=row.created_at.isoformat(), created_by_name=row.created_by_name,
                    condition=row.condition, stages=row.stages)
            for row in rows
        ],
    )  # fmt: skip


@pipelines.action("POST", "{id}/rollback/", privilege="execute")
async def rollback(ctx: Context, id: str, body: Rollback) -> Uploaded:
    """Return to an earlier version: it is saved as the newest and put in force"""
    entity = await verbs.entity_of(ctx, pipelines, id, lock=True)
    ctx.principal.require(pipelines.permission, "edit")
    old = await version_of(ctx, entity.id, body.version)
    entity.condition, entity.stages, entity.revision = old.condition, old.stages, entity.revision + 1
    await keep(ctx, [(entity.id, entity.revision, old.condition, old.stages)], f"Rollback to version {old.number}")
    return await _put_in_force(ctx, entity, entity.revision)
