"""Stages that decide where lines go: if, drop, route."""

from __future__ import annotations

import polars as pl

from mainstay.modules.logs.pipeline import definitions as d
from mainstay.modules.logs.pipeline.batch import Batch
from mainstay.modules.logs.pipeline.condition import Condition
from mainstay.modules.logs.pipeline.stages.base import Run, Stage, run_stages

MAX_DEPTH = 5
"""Pipelines that a line goes through one inside the other."""


class If(Stage):
    kind = "if"

    def __init__(self, path: str, spec: d.If, then: list[Stage], otherwise: list[Stage]) -> None:
        if not spec.when.strip():
            raise d.DefinitionError("A conditional stage needs its condition: when.")
        super().__init__(path, spec.name, "")
        self.condition = Condition(spec.when)
        self.then, self.otherwise = then, otherwise

    def apply(self, batch: Batch, run: Run, pipeline: str) -> tuple[Batch, pl.Series | None]:
        mask = self.condition.mask(batch)
        if mask is None or mask.all():
            return run_stages(self.then, batch, run, pipeline), None
        if not mask.any():
            return run_stages(self.otherwise, batch, run, pipeline), None
        parts = [
            run_stages(self.then, batch.where(mask), run, pipeline),
            run_stages(self.otherwise, batch.where(~mask), run, pipeline),
        ]
        return Batch.merge(parts), None


class Drop(Stage):
    kind = "drop"

    def __init__(self, path: str, spec: d.Drop) -> None:
        super().__init__(path, spec.name, spec.when)

    def apply(self, batch: Batch, run: Run, pipeline: str) -> tuple[Batch, pl.Series | None]:
        return batch.where(pl.repeat(False, len(batch), eager=True)), None


class Route(Stage):
    kind = "route"

    def __init__(self, path: str, spec: d.Route, pipeline: str) -> None:
        super().__init__(path, spec.name, spec.when)
        if not (spec.tags or spec.remove_tags or spec.pipeline):
            raise d.DefinitionError("Give tags, remove_tags or pipeline.")
        for tag in (*spec.tags, *spec.remove_tags):
            if not tag.strip() or len(tag) > 100 or len(spec.tags) + len(spec.remove_tags) > 50:
                raise d.DefinitionError("A route has at most 50 tags of 1 to 100 characters.")
        self.tags, self.remove_tags, self.pipeline = spec.tags, spec.remove_tags, pipeline

    def apply(self, batch: Batch, run: Run, pipeline: str) -> tuple[Batch, pl.Series | None]:
        every = pl.repeat(True, len(batch), eager=True)
        for tag in self.remove_tags:
            batch.untag(tag)
        for tag in self.tags:
            batch.tag(every, tag)
        if not self.pipeline:
            return batch, None
        other = run.pipelines.get(self.pipeline)
        if other is None or run.depth >= MAX_DEPTH:
            batch.tag(every, "_routefailure")
            return batch, every
        return other.run(batch, run), None
