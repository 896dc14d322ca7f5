"""What a pipeline would do: lines through its stages, with every stage's output. Nothing is stored."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import polars as pl

from mainstay.kernel.context import Context
from mainstay.kernel.errors import Invalid, Unavailable
from mainstay.modules.logs.intake.lines import FRAME, TABLE
from mainstay.modules.logs.pipeline import service
from mainstay.modules.logs.pipeline.batch import Batch
from mainstay.modules.logs.pipeline.resource import checked
from mainstay.modules.logs.pipeline.running import Pipeline, process
from mainstay.modules.logs.pipeline.stages.base import Run, Stage

MAX_LINES = 200
SECONDS = 5.0
FILTERS = ("source", "host", "app", "ci", "format", "pipeline")


class Change(msgspec.Struct, kw_only=True):
    """A line after a stage: what the stage set, took away and tagged."""

    line: int
    """Which of the preview's lines, from 0."""
    set: dict[str, str]
    removed: list[str]
    tags: list[str]


class StageOutput(msgspec.Struct, kw_only=True):
    """What one stage did. ``path``: 2 is the third stage, 2.then.0 the first inside it."""

    pipeline: str
    path: str
    type: str
    name: str
    lines_in: int
    lines_out: int
    failed: int
    seconds: float
    changes: list[Change]
    dropped: list[int]


class PreviewLine(msgspec.Struct, kw_only=True):
    """A line before and after the pipeline; ``after`` is null when it is dropped."""

    id: str
    applies: bool
    before: dict[str, Any]
    after: dict[str, Any] | None


class Preview(msgspec.Struct, kw_only=True):
    """A pipeline's work on a few lines."""

    count: int
    applies: int
    """Lines that meet the condition."""
    dropped: int
    failed: int
    stages: list[StageOutput]
    lines: list[PreviewLine]


async def recent(ctx: Context, wanted: dict[str, str], limit: int, minutes: int) -> pl.DataFrame:
    """The organization's newest stored lines that have these values."""
    telemetry = ctx.platform.telemetry
    if telemetry is None:
        raise Unavailable("The telemetry store is not open in this process.")
    conditions = ["organization = {organization:String}", "received > {since:DateTime64(6)}"]
    values: dict[str, Any] = {
        "organization": ctx.organization, "limit": limit, "since": datetime.now(UTC) - timedelta(minutes=minutes),
    }  # fmt: skip
    for name, value in wanted.items():
        conditions.append("positionCaseInsensitive(message, {search:String}) > 0" if name == "search"
                          else f"{name} = {{{name}:String}}")  # fmt: skip
        values[name] = value
    columns = ", ".join(FRAME)
    rows = await telemetry.query(
        f"SELECT {columns} FROM {TABLE} WHERE {' AND '.join(conditions)} ORDER BY id DESC LIMIT {{limit:UInt32}}",  # noqa: S608
        values,
    )
    for row in rows:
        row["fields"] = [{"key": key, "value": value} for key, value in row["fields"].items()]
        row["tags"] = list(row["tags"])
    return pl.DataFrame(rows, schema=FRAME)


def pasted(organization: str, lines: list[str], now: datetime) -> pl.DataFrame:
    """Lines as if they had just come in as plain text."""
    frame = pl.DataFrame({"message": lines}, schema={"message": pl.String}).with_columns(
        organization=pl.lit(organization), id=pl.int_range(pl.len(), dtype=pl.UInt64), received=pl.lit(now),
        time=pl.lit(now), source=pl.lit("127.0.0.1"), facility=pl.lit(1, dtype=pl.UInt8),
        severity=pl.lit(6, dtype=pl.UInt8), format=pl.lit("raw"),
    )  # fmt: skip
    return frame.with_columns(
        pl.lit(None, dtype=kind).alias(name) for name, kind in FRAME.items() if name not in frame.columns
    ).select(pl.col(name).cast(kind) if name in ("received", "time") else pl.col(name) for name, kind in FRAME.items())


async def preview(
    ctx: Context, stages: Any, condition: str, frame: pl.DataFrame, *, ignore_condition: bool, identity: str = ""
) -> Preview:
    """The lines through the stages. Raises ``Invalid`` for stages that cannot be used."""
    if len(frame) > MAX_LINES:
        raise Invalid.field("lines", f"A preview takes at most {MAX_LINES} lines.")
    world = await service.world_of(ctx)
    tidy = await checked(stages, condition, world)
    made, when = await asyncio.to_thread(service.compiled, tidy, condition, world)
    current = await service.engine_of(ctx.platform).current(ctx.organization)
    pipeline = Pipeline(id=identity or "preview", name="preview", version=0, condition=when, stages=made)
    known = current.every.get(identity)
    pipeline.children = known.children if known else []
    loop = asyncio.get_running_loop()

    def cmdb(addresses: Any) -> Any:
        call = service.look_up(ctx.platform, ctx.organization, addresses)
        return asyncio.run_coroutine_threadsafe(call, loop).result(timeout=SECONDS)

    run = Run(deadline=time.monotonic() + SECONDS, cmdb=cmdb, pipelines=current.every)
    names = {item.id: item.name for item in current.every.values()} | {pipeline.id: ""}
    return await asyncio.to_thread(_work, pipeline, frame, run, names, ignore_condition)


def _work(pipeline: Pipeline, frame: pl.DataFrame, run: Run, names: dict[str, str], ignore_condition: bool) -> Preview:
    outputs: list[StageOutput] = []

    def seen(owner: str, stage: Stage, before: Batch, after: Batch, seconds: float) -> None:
        outputs.append(_output(names.get(owner, owner), stage, before, after, seconds))

    run.seen = seen
    # The id says which line it is; what is stored is found by it again.
    numbered = frame.with_columns(pl.int_range(pl.len(), dtype=pl.UInt64).alias("id"))
    mask = pipeline.condition.mask(Batch.of(numbered)) if not ignore_condition else None
    chosen = numbered if mask is None else numbered.filter(mask)
    whole = Pipeline(**{name: getattr(pipeline, name) for name in pipeline.__slots__})
    if ignore_condition:
        whole.condition = type(pipeline.condition)("")
    done = process([whole], chosen, run) if len(chosen) else chosen
    after = {row["id"]: _plain(row) for row in done.with_columns(pipeline=pl.lit("")).to_dicts()}
    applies = set(chosen["id"].to_list())
    lines = []
    for number, row in enumerate(numbered.to_dicts()):
        lines.append(
            PreviewLine(
                id=str(frame["id"][number]), applies=number in applies, before=_plain(row),
                after=after.get(number) if number in applies else _plain(row),
            )
        )  # fmt: skip
    failed = sum(1 for row in after.values() if any(tag.startswith("_") for tag in row["tags"]))
    owners = list(dict.fromkeys(["", *(item.pipeline for item in outputs)]))
    # A conditional stage reports after the stages inside it; it is shown before them.
    outputs.sort(key=lambda item: (owners.index(item.pipeline), order(item.path)))
    return Preview(
        count=len(frame), applies=len(applies), dropped=len(applies) - len(after), failed=failed,
        stages=outputs, lines=lines,
    )  # fmt: skip


def order(path: str) -> list[Any]:
    """A stage's place among all, from its path."""
    return [int(part) if part.isdigit() else {"then": 0, "else": 1}.get(part, 2) for part in path.split(".")]


def _output(owner: str, stage: Stage, before: Batch, after: Batch, seconds: float) -> StageOutput:
    old = {row["id"]: _plain(row) for row in before.copy().finish().to_dicts()}
    new = {row["id"]: _plain(row) for row in after.copy().finish().to_dicts()}
    changes = []
    for number, row in new.items():
        was = old.get(number, {"fields": {}, "tags": []})
        values = {
            name: value for name, value in row.items() if name not in ("fields", "tags") and value != was.get(name)
        }
        values |= {name: value for name, value in row["fields"].items() if was["fields"].get(name) != value}
        removed = sorted(was["fields"].keys() - row["fields"].keys())
        tags = [tag for tag in row["tags"] if tag not in was["tags"]]
        if values or removed or tags:
            changes.append(Change(line=number, set={k: str(v) for k, v in values.items()}, removed=removed, tags=tags))
    return StageOutput(
        pipeline=owner, path=stage.path, type=stage.kind, name=stage.name, lines_in=len(old), lines_out=len(new),
        failed=sum(1 for change in changes if any(tag.startswith("_") for tag in change.tags)),
        seconds=round(seconds, 6), changes=changes, dropped=sorted(old.keys() - new.keys()),
    )  # fmt: skip


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """A row as JSON shows it: fields as an object, times as text, no organization and numbers of its own."""
    out = {name: value for name, value in row.items() if name not in ("organization", "id", "fields", "tags")}
    for name in ("received", "time"):
        out[name] = out[name].isoformat() if out[name] else ""
    out = {name: "" if value is None else value for name, value in out.items()}
    out["fields"] = {pair["key"]: pair["value"] for pair in row["fields"] or []}
    out["tags"] = list(row["tags"] or [])
    return out
