"""Compiled pipelines, and batches of lines through them. Pure: what is outside comes in as functions."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import polars as pl
from polars.exceptions import PolarsError

from mainstay.modules.logs.grok.engine import Refused
from mainstay.modules.logs.grok.library import Library
from mainstay.modules.logs.grok.pacing import OutOfTime, until
from mainstay.modules.logs.grok.tree import LinearError
from mainstay.modules.logs.pipeline import definitions as d
from mainstay.modules.logs.pipeline.batch import Batch
from mainstay.modules.logs.pipeline.condition import Condition, ConditionError
from mainstay.modules.logs.pipeline.formats import FormatError
from mainstay.modules.logs.pipeline.stages.base import TIMEOUT, Run, Stage, run_stages
from mainstay.modules.logs.pipeline.stages.change import Date, Mask, Remove, Rename, Set
from mainstay.modules.logs.pipeline.stages.enrich import EnrichCmdb, EnrichGeo, EnrichTable, Locate, Table
from mainstay.modules.logs.pipeline.stages.extract import Csv, Grok, Json, KeyValue
from mainstay.modules.logs.pipeline.stages.flow import Drop, If, Route


@dataclass(slots=True, kw_only=True)
class World:
    """What stages refer to by name while they are compiled."""

    library: Library
    tables: Mapping[str, Table] = field(default_factory=dict)
    """By id and by name in lower case."""
    pipelines: Mapping[str, str] = field(default_factory=dict)
    """Id, and name in lower case → id."""
    locate: Locate | None = None


@dataclass(slots=True, kw_only=True)
class Pipeline:
    """One pipeline in force: the condition that lines must meet, its stages, and its children."""

    id: str
    name: str
    version: int
    condition: Condition
    stages: list[Stage]
    children: list[Pipeline] = field(default_factory=list)
    passing: bool = False
    """Whether lines it has worked on are offered to the pipelines that follow."""

    def run(self, batch: Batch, run: Run) -> Batch:
        """Its stages, then each child's for the lines that meet the child's condition."""
        started, lines_in = time.perf_counter(), len(batch)
        run.depth += 1
        try:
            batch = run_stages(self.stages, batch, run, self.id)
            for child in self.children:
                batch, _ = child.offered(batch, run)
        finally:
            run.depth -= 1
        meter = run.meter(self.id, "")
        meter.lines_in += lines_in
        meter.lines_out += len(batch)
        meter.dropped += lines_in - len(batch)
        meter.seconds += time.perf_counter() - started
        return batch

    def offered(self, batch: Batch, run: Run, free: pl.Series | None = None) -> tuple[Batch, pl.Series | None]:
        """Work on the lines that meet the condition (of those that are ``free``); answers all of them."""
        if not len(batch):
            return batch, None
        mask = self.condition.mask(batch)
        if mask is None or mask.all():
            return self.run(batch, run), mask
        if not mask.any():
            return batch, mask
        return Batch.merge([self.run(batch.where(mask), run), batch.where(~mask)]), mask


NAME = "pipeline"
PART = 4_000
"""Lines that are worth a core of their own."""
CORES = pl.thread_pool_size()
_workers = ThreadPoolExecutor(CORES, thread_name_prefix="log-pipelines")


def process(pipelines: list[Pipeline], frame: pl.DataFrame, run: Run) -> pl.DataFrame:
    """Lines of one organization through its pipelines: the first whose condition a line meets has it.

    The frame itself is answered when no pipeline wants any line. Ends soon after the run's deadline; lines that were
    not worked on by then are tagged. A large frame is divided among the cores, as no line needs another.
    """
    number = min(CORES, len(frame) // PART)
    if number < 2 or run.seen:
        return _timed(pipelines, frame, run)
    size = -(-len(frame) // number)
    parts = [frame.slice(start, size) for start in range(0, len(frame), size)]
    runs = [run.apart() for _ in parts]
    done = list(_workers.map(_timed, [pipelines] * number, parts, runs))
    for own in runs:
        run.gather(own)
    if all(out is part for out, part in zip(done, parts, strict=True)):
        return frame
    # A part that no pipeline wanted gets the columns of the others.
    even = [Batch.of(part).finish() if out is part else out for out, part in zip(done, parts, strict=True)]
    return pl.concat(even, how="diagonal")


def _timed(pipelines: list[Pipeline], frame: pl.DataFrame, run: Run) -> pl.DataFrame:
    with until(run.deadline):
        return _process(pipelines, frame, run)


def _process(pipelines: list[Pipeline], frame: pl.DataFrame, run: Run) -> pl.DataFrame:
    batch, done, touched = Batch.of(frame), [], False
    for pipeline in pipelines:
        if not len(batch):
            break
        try:
            mask = pipeline.condition.mask(batch)
        except OutOfTime:
            touched = True
            batch.tag(pl.repeat(True, len(batch), eager=True), TIMEOUT)
            break
        if mask is not None and not mask.any():
            continue
        touched = True
        every = mask is None or mask.all()
        mine = batch if mask is None or every else batch.where(mask)
        mine.frame = mine.frame.with_columns(pl.lit(pipeline.name).alias(NAME))
        mine = _counted(pipeline, mine, run)
        rest = None if mask is None or every else batch.where(~mask)
        if pipeline.passing:
            batch = mine if rest is None else Batch.merge([mine, rest])
            continue
        done.append(mine)
        batch = Batch(batch.frame.clear(), untouched=True) if rest is None else rest
    if not touched:
        return frame
    return Batch.merge([*done, batch]).finish()


def _counted(pipeline: Pipeline, batch: Batch, run: Run) -> Batch:
    out = pipeline.run(batch, run)
    failing = [name for name in out.frame.columns if name.startswith("t:_")]
    if failing:
        run.meter(pipeline.id, "").failed += int(out.frame.select(pl.any_horizontal(failing).sum()).item())
    return out


MAKERS: dict[type[d.Base], Callable[[str, Any, World], Stage]] = {
    d.Grok: lambda path, spec, world: Grok(path, spec, world.library),
    d.KeyValue: lambda path, spec, world: KeyValue(path, spec),
    d.Json: lambda path, spec, world: Json(path, spec),
    d.Csv: lambda path, spec, world: Csv(path, spec),
    d.Date: lambda path, spec, world: Date(path, spec),
    d.Rename: lambda path, spec, world: Rename(path, spec),
    d.Remove: lambda path, spec, world: Remove(path, spec),
    d.Set: lambda path, spec, world: Set(path, spec),
    d.Drop: lambda path, spec, world: Drop(path, spec),
    d.Mask: lambda path, spec, world: Mask(path, spec),
    d.EnrichGeo: lambda path, spec, world: EnrichGeo(path, spec, world.locate),
    d.EnrichCmdb: lambda path, spec, world: EnrichCmdb(path, spec),
    d.EnrichTable: lambda path, spec, world: EnrichTable(path, spec, _table(spec, world)),
    d.Route: lambda path, spec, world: Route(path, spec, _pipeline(spec, world)),
    d.If: lambda path, spec, world: If(
        path, spec, make(spec.then, world, f"{path}.then."), make(spec.otherwise, world, f"{path}.else.")
    ),
}


def _table(spec: d.EnrichTable, world: World) -> Table | None:
    if not spec.table:
        return None
    found = world.tables.get(spec.table) or world.tables.get(spec.table.lower())
    if found is None:
        raise d.DefinitionError(f"There is no lookup table {spec.table[:60]!r}.")
    return found


def _pipeline(spec: d.Route, world: World) -> str:
    if not spec.pipeline:
        return ""
    found = world.pipelines.get(spec.pipeline) or world.pipelines.get(spec.pipeline.lower())
    if found is None:
        raise d.DefinitionError(f"There is no pipeline {spec.pipeline[:60]!r}.")
    return found


class StageRefused(ValueError):
    """A stage that cannot be used: which, why, and the expression to use instead if one is known."""

    def __init__(self, path: str, reason: str, rewritten: str | None = None) -> None:
        super().__init__(reason)
        self.path = path
        self.reason = reason
        self.rewritten = rewritten

    def sentence(self) -> str:
        steps = [f"stage {int(part) + 1}" if part.isdigit() else part for part in self.path.split(".")]
        instead = f" Instead: {self.rewritten}" if self.rewritten else ""
        return f"{', '.join(steps).capitalize()}: {self.reason}{instead}"


def make(specs: list[d.Stage], world: World, prefix: str = "") -> list[Stage]:
    """Stages from their definitions. Raises ``StageRefused``."""
    made = []
    for number, spec in enumerate(specs):
        path = f"{prefix}{number}"
        try:
            stage = MAKERS[type(spec)](path, spec, world)
        except Refused as refused:
            raise StageRefused(path, refused.reason, refused.rewritten) from None
        except LinearError as error:
            raise StageRefused(path, error.reason) from None
        except (d.DefinitionError, ConditionError, FormatError) as error:
            raise StageRefused(path, str(error)) from None
        except PolarsError:
            raise StageRefused(path, "An expression is too large for the engine.") from None
        except StageRefused:
            raise
        except ValueError as error:
            raise StageRefused(path, str(error)) from None
        if spec.enabled:
            made.append(stage)
    return made


def written(stages: list[Stage]) -> int:
    """Fields that the stages name, those inside conditional stages too."""
    total = 0
    for stage in stages:
        total += stage.writes
        if isinstance(stage, If):
            total += written(stage.then) + written(stage.otherwise)
    return total
