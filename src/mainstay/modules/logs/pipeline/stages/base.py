"""What every stage is, and what a run of stages carries along."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import polars as pl

from mainstay.modules.logs.grok.pacing import OutOfTime
from mainstay.modules.logs.pipeline.batch import Batch
from mainstay.modules.logs.pipeline.condition import Condition

if TYPE_CHECKING:
    from mainstay.modules.logs.pipeline.running import Pipeline

TIMEOUT = "_pipelinetimeout"
FAILURE = "_stagefailure"


@dataclass(slots=True)
class Meter:
    """What passed through a pipeline or one of its stages."""

    lines_in: int = 0
    lines_out: int = 0
    dropped: int = 0
    failed: int = 0
    timeouts: int = 0
    seconds: float = 0.0

    def add(self, other: Meter) -> None:
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


@dataclass(slots=True)
class Run:
    """One batch's way: what stages may ask of the outside, until when, and what was counted."""

    deadline: float
    cmdb: Callable[[Collection[str]], Mapping[str, tuple[str, str]]] | None = None
    """Addresses → (item's id, name)."""
    pipelines: Mapping[str, Pipeline] = field(default_factory=dict)
    """Those that may be routed to, by id."""
    meters: dict[tuple[str, str], Meter] = field(default_factory=dict)
    """(pipeline's id, stage's path) → what passed; the path of the pipeline itself is empty."""
    errors: dict[str, str] = field(default_factory=dict)
    """Pipeline's id → the last unexpected error."""
    seen: Callable[[str, Stage, Batch, Batch, float], None] | None = None
    """For previews: called after every stage with its pipeline, what went in and what came out."""
    depth: int = 0

    def meter(self, pipeline: str, path: str) -> Meter:
        return self.meters.setdefault((pipeline, path), Meter())

    def apart(self) -> Run:
        """The same run for a part of the lines, which counts by itself."""
        return replace(self, meters={}, errors={})

    def gather(self, part: Run) -> None:
        """Add what a part of the lines counted."""
        for (pipeline, path), meter in part.meters.items():
            self.meter(pipeline, path).add(meter)
        self.errors |= part.errors


class Stage(ABC):
    """Base of the stages."""

    kind = ""
    writes = 0
    """Fields that it names; those that only the data knows do not count."""

    def __init__(self, path: str, name: str, when: str) -> None:
        self.path = path
        """Where it is: ``2`` is the third stage, ``2.then.0`` the first of its then."""
        self.name = name
        self.when = Condition(when)

    @abstractmethod
    def apply(self, batch: Batch, run: Run, pipeline: str) -> tuple[Batch, pl.Series | None]:
        """Work on the lines; answers them and which of them failed (None: none did)."""


def run_stages(stages: list[Stage], batch: Batch, run: Run, pipeline: str) -> Batch:
    """One stage after the other. A stage that breaks leaves its lines as they are, tagged."""
    for stage in stages:
        if not len(batch):
            break
        if time.monotonic() > run.deadline:
            _timed_out(batch, run, pipeline)
            break
        batch = _one(stage, batch, run, pipeline)
    return batch


def _timed_out(batch: Batch, run: Run, pipeline: str) -> None:
    run.meter(pipeline, "").timeouts += len(batch)
    batch.tag(pl.repeat(True, len(batch), eager=True), TIMEOUT)


def _one(stage: Stage, batch: Batch, run: Run, pipeline: str) -> Batch:
    started = time.perf_counter()
    before = batch.copy() if run.seen else batch
    parts: list[Batch] = []
    try:
        mask = stage.when.mask(batch)
    except OutOfTime:
        _timed_out(batch, run, pipeline)
        return batch
    mine = batch
    if mask is not None and not mask.all():
        if not mask.any():
            if run.seen:
                run.seen(pipeline, stage, batch.where(mask), batch.where(mask), 0.0)
            return batch
        mine, parts = batch.where(mask), [batch.where(~mask)]
        before = mine.copy()
    meter = run.meter(pipeline, stage.path)
    lines_in = len(mine)
    try:
        # On a copy (columns are shared): a stage that breaks half-way has changed nothing.
        out, failed = stage.apply(mine.copy(), run, pipeline)
        failures = 0 if failed is None else int(failed.sum())
    except OutOfTime:
        _timed_out(mine, run, pipeline)
        out, failures = mine, 0
    except Exception as error:
        run.errors[pipeline] = f"Stage {stage.path} ({stage.kind}): {type(error).__name__}: {error}"[:500]
        mine.tag(pl.repeat(True, lines_in, eager=True), FAILURE)
        out, failures = mine, lines_in
    seconds = time.perf_counter() - started
    meter.add(Meter(lines_in, len(out), lines_in - len(out), failures, 0, seconds))
    if run.seen:
        run.seen(pipeline, stage, before, out.copy(), seconds)
    return Batch.merge([out, *parts]) if parts else out
