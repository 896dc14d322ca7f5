"""Where others work on lines between parsing and storing: pipelines register here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import polars as pl
import structlog

if TYPE_CHECKING:
    from mainstay.kernel.platform import Platform

log = structlog.get_logger("mainstay.logs")
Stage = Callable[["Platform", pl.DataFrame], Awaitable[pl.DataFrame]]
FAILED = "_pipelinefailure"
_stages: list[Stage] = []


def stage(call: Stage) -> Stage:
    """Decorator: ``async def call(platform, frame) -> frame`` sees every batch, of any organization, before it is
    stored. It may leave rows out, add some and change every column but ``organization``, ``id`` and ``received``."""
    _stages.append(call)
    return call


def first(call: Stage) -> Stage:
    """Decorator: the same, before every other: what it leaves out no pipeline sees."""
    _stages.insert(0, call)
    return call


async def apply(platform: Platform, frame: pl.DataFrame) -> pl.DataFrame:
    """The frame after every stage. One that fails is left out and its lines are tagged: no error loses them."""
    for call in _stages:
        try:
            frame = await call(platform, frame)
        except Exception:
            log.exception("stage failed", stage=call.__qualname__, lines=len(frame))
            mark = pl.lit([FAILED], dtype=pl.List(pl.String))
            frame = frame.with_columns(pl.concat_list(pl.col("tags").fill_null([]), mark).alias("tags"))
    return frame
