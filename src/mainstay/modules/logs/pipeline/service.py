"""Pipelines at work: every batch of lines goes through its organization's pipelines before it is stored."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import structlog
from sqlalchemy import and_, func, select

from mainstay.kernel.context import Context
from mainstay.kernel.services import Service
from mainstay.modules.logs.grok import service as grok
from mainstay.modules.logs.grok.library import Library
from mainstay.modules.logs.grok.tables import GrokPattern
from mainstay.modules.logs.intake.stages import stage as intake_stage
from mainstay.modules.logs.pipeline import definitions as d
from mainstay.modules.logs.pipeline import health
from mainstay.modules.logs.pipeline.condition import Condition, ConditionError
from mainstay.modules.logs.pipeline.lookups import Places, TableError, read_table
from mainstay.modules.logs.pipeline.running import Pipeline, StageRefused, World, make, process
from mainstay.modules.logs.pipeline.stages.base import TIMEOUT, Meter, Run
from mainstay.modules.logs.pipeline.stages.flow import Route
from mainstay.modules.logs.pipeline.tables import LogLookupTable, LogPipeline, LogPipelineVersion

if TYPE_CHECKING:
    from mainstay.kernel.platform import Platform
    from mainstay.kernel.telemetry import Writer

log = structlog.get_logger("mainstay.logs.pipeline")
FRESH = 1.0
"""Seconds after which what another process changed is looked for."""
BUDGET = 10.0
"""Seconds that a batch may take; what is left then passes by, tagged. Usual is a tenth of a second."""
SUSPENDED = 60.0
"""Seconds that a pipeline which used the budget up is passed by."""
REPORT = 5.0
"""Seconds between two reports to the telemetry store."""


@dataclass(slots=True)
class Compiled:
    """An organization's pipelines in force."""

    stamp: Any = None
    checked: float = 0.0
    pipelines: list[Pipeline] = field(default_factory=list)
    """Those that lines are offered to, in order."""
    every: dict[str, Pipeline] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)
    """Pipelines that cannot run, and why."""
    suspended: dict[str, float] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)


class LogPipelines(Service):
    """The engine of this process."""

    def __init__(self, platform: Platform) -> None:
        super().__init__(platform)
        self._compiled: dict[str, Compiled] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        self._meters: dict[tuple[str, str, int, str], Meter] = {}
        self._writer: Writer | None = None
        self._places: Places | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self._report(), name="log-pipelines")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        await self.flush()

    def forget(self, organization: str) -> None:
        """Look for changes with the next batch."""
        if organization in self._compiled:
            self._compiled[organization].checked = 0.0

    async def current(self, organization: str) -> Compiled:
        """The pipelines in force, compiled again if anything they are made from changed."""
        known = self._compiled.get(organization)
        if known is not None and time.monotonic() - known.checked < FRESH:
            return known
        async with self._locks.setdefault(organization, asyncio.Lock()):
            known = self._compiled.get(organization)
            now = time.monotonic()
            if known is not None and now - known.checked < FRESH:
                return known
            async with self.platform.work(organization, write=False) as ctx:
                stamp = await _stamp(ctx)
                if known is None or known.stamp != stamp:
                    known = await self._load(ctx)
                    known.stamp = stamp
            known.checked = now
            self._compiled[organization] = known
            return known

    async def _load(self, ctx: Context) -> Compiled:
        made = Compiled()
        columns = (LogPipeline.id, LogPipeline.name, LogPipeline.parent, LogPipeline.passing, LogPipeline.in_force)
        query = (
            select(*columns, LogPipelineVersion.condition, LogPipelineVersion.stages)
            .join(LogPipelineVersion, and_(LogPipelineVersion.pipeline == LogPipeline.id,
                                           LogPipelineVersion.number == LogPipeline.in_force))
            .where(LogPipeline.enabled.is_(True))
            .order_by(LogPipeline.position, LogPipeline.creation_time, LogPipeline.id)
        )  # fmt: skip
        rows = (await ctx.session.execute(query)).all()
        if not rows:
            return made
        world = await world_of(ctx)
        for row in rows:
            try:
                stages, condition = await asyncio.to_thread(compiled, row.stages, row.condition, world)
            except (StageRefused, d.DefinitionError, ConditionError) as refused:
                made.broken[row.id] = sentence(refused)
                log.error("pipeline cannot run", pipeline=row.name, error=made.broken[row.id])
                continue
            made.every[row.id] = Pipeline(id=row.id, name=row.name, version=row.in_force, condition=condition,
                                          stages=stages, passing=row.passing)  # fmt: skip
        for row in rows:
            pipeline = made.every.get(row.id)
            if pipeline is None:
                continue
            if not row.parent:
                made.pipelines.append(pipeline)
            elif row.parent in made.every:
                made.every[row.parent].children.append(pipeline)
        return made

    @property
    def places(self) -> Places | None:
        """The geo databases of the installation, opened when first asked for."""
        files = [Path(part.strip()) for part in self.platform.settings.geo_database.split(",") if part.strip()]
        if self._places is None and files:
            try:
                self._places = Places(files)
            except ValueError as error:
                log.error("geo database", error=str(error))
        return self._places

    async def process(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Lines of any organizations, each through the pipelines of its own."""
        if frame.is_empty():
            return frame
        names = frame["organization"].unique().to_list()
        if len(names) == 1:
            return await self._own(names[0], frame)
        parts = frame.partition_by("organization", maintain_order=True)
        done = [await self._own(part["organization"][0], part) for part in parts]
        return pl.concat(done, how="diagonal_relaxed")

    async def _own(self, organization: str, frame: pl.DataFrame) -> pl.DataFrame:
        current = await self.current(organization)
        if not current.pipelines:
            return frame
        loop = asyncio.get_running_loop()

        def cmdb(addresses: Collection[str]) -> Mapping[str, tuple[str, str]]:
            # Called in the worker's thread; the look-up belongs to the loop.
            found = asyncio.run_coroutine_threadsafe(look_up(self.platform, organization, addresses), loop)
            return found.result(timeout=BUDGET)

        return await asyncio.to_thread(self._work, organization, current, frame, cmdb)

    def _work(self, organization: str, current: Compiled, frame: pl.DataFrame, cmdb: Any) -> pl.DataFrame:
        started = time.monotonic()
        run = Run(deadline=started + BUDGET, cmdb=cmdb, pipelines=current.every)
        done = process(_awake(current), frame, run)
        self._count(organization, current, run, len(frame), time.monotonic() - started)
        return done

    def _count(self, organization: str, current: Compiled, run: Run, lines: int, seconds: float) -> None:
        """Count what passed; suspend what took too long."""
        for (pipeline, stage), meter in run.meters.items():
            known = current.every.get(pipeline)
            key = (organization, pipeline, known.version if known else 0, stage)
            self._meters.setdefault(key, Meter()).add(meter)
        for pipeline, error in run.errors.items():
            if current.errors.get(pipeline) != error:
                log.error("stage failed", pipeline=pipeline, error=error)
            current.errors[pipeline] = error
        if seconds > BUDGET and run.meters:
            slowest = max((item for item in run.meters.items() if not item[0][1]), key=lambda item: item[1].seconds)
            pipeline = slowest[0][0]
            current.suspended[pipeline] = time.monotonic() + SUSPENDED
            current.errors[pipeline] = f"Took {seconds:.0f} s for {lines:,} lines; passed by for {SUSPENDED:.0f} s."
            log.error("pipeline suspended", pipeline=pipeline, seconds=round(seconds, 1), lines=lines)

    async def flush(self) -> None:
        """Hand what was counted to the telemetry store."""
        telemetry = self.platform.telemetry
        if telemetry is None or not self._meters:
            return
        if self._writer is None:
            self._writer = telemetry.writer(health.TABLE, health.COLUMNS, batch_seconds=0.05)
        counted, self._meters = self._meters, {}
        for key, meter in counted.items():
            health.write(self._writer, key, meter)
        await self._writer.drain()

    async def _report(self) -> None:
        while True:
            await asyncio.sleep(REPORT)
            await self.flush()


def _awake(current: Compiled) -> list[Pipeline]:
    """The pipelines; a suspended one only tags its lines."""
    now = time.monotonic()
    if not any(until > now for until in current.suspended.values()):
        return current.pipelines
    tag = Route("0", d.Route(tags=[TIMEOUT]), "")
    return [
        replace(item, stages=[tag], children=[]) if current.suspended.get(item.id, 0.0) > now else item
        for item in current.pipelines
    ]


def engine_of(platform: Platform) -> LogPipelines:
    """The running engine; one without reports in a process that does not work."""
    found = platform.service(LogPipelines)
    if found is None:
        found = platform.memory.setdefault(LogPipelines, LogPipelines(platform))
    return found


@intake_stage
async def process_lines(platform: Platform, frame: pl.DataFrame) -> pl.DataFrame:
    """What the intake calls for every batch before it is stored."""
    return await engine_of(platform).process(frame)


async def look_up(platform: Platform, organization: str, addresses: Collection[str]) -> dict[str, tuple[str, str]]:
    """The configuration items of addresses: id and name."""
    return {}


async def _stamp(ctx: Context) -> tuple[int, ...]:
    """A number that differs after every change to what pipelines are made from: record versions only rise."""
    sums = [
        select(func.coalesce(func.sum(model.version), 0)).scalar_subquery()
        for model in (LogPipeline, GrokPattern, LogLookupTable)
    ]
    row = (await ctx.session.execute(select(*sums).execution_options(include_deleted=True))).one()
    return tuple(row)


async def world_of(ctx: Context, library: Library | None = None) -> World:
    """What stages of this organization may refer to."""
    tables: dict[str, Any] = {}
    rows = await ctx.session.execute(select(LogLookupTable.id, LogLookupTable.name, LogLookupTable.content))
    for row in rows.all():
        with suppress(TableError):
            tables[row.id] = tables[row.name.lower()] = await asyncio.to_thread(read_table, row.content)
    names: dict[str, str] = {}
    for other in (await ctx.session.execute(select(LogPipeline.id, LogPipeline.name))).all():
        names[other.id] = names[other.name.lower()] = other.id
    return World(
        library=library or await grok.library(ctx), tables=tables, pipelines=names,
        locate=engine_of(ctx.platform).places,
    )  # fmt: skip


def compiled(stages: Any, condition: str, world: World) -> tuple[list[Any], Condition]:
    """Stages and condition of a pipeline. Raises ``StageRefused``, ``DefinitionError`` or ``ConditionError``."""
    return make(d.read(stages), world), Condition(condition)


def sentence(error: Exception) -> str:
    """Why a pipeline is refused."""
    return error.sentence() if isinstance(error, StageRefused) else str(error)
