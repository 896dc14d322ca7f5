"""Matching with an end: a call into the engine cannot be interrupted, so what it gets at once is bounded.

The worst an expression can cost is its size times the length of the text. Columns are cut so that this product stays
near a second or two on an ordinary machine, and the time is looked at in between.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import pairwise

import numpy as np
import polars as pl

WORK = 200_000_000
"""States times bytes of one call. Measured worst: about 100 million a second; usual: fifty times as many."""
_deadline: ContextVar[float | None] = ContextVar("deadline", default=None)


class OutOfTime(RuntimeError):
    """The time given is used up."""


@contextmanager
def until(deadline: float) -> Iterator[None]:
    """Matching inside ends at ``deadline`` (``time.monotonic``) with ``OutOfTime``."""
    token = _deadline.set(deadline)
    try:
        yield
    finally:
        _deadline.reset(token)


def longest(size: int) -> int:
    """Bytes of the longest line that an expression of this size is tried on."""
    return min(65_536, 2 * WORK // max(size, 1))


def paced(lines: pl.Series, size: int, call: Callable[[pl.Series], pl.Series]) -> pl.Series:
    """``call(lines)``, in parts where there is much to do. Raises ``OutOfTime``."""
    most = max(4096, WORK // max(size, 1))
    bytes_of = lines.str.len_bytes().fill_null(0)
    if int(bytes_of.sum()) <= most:
        _look()
        return call(lines)
    number = np.cumsum(bytes_of.to_numpy(), dtype=np.int64) // most
    starts = [0, *(np.flatnonzero(np.diff(number)) + 1).tolist(), len(lines)]
    parts = []
    for begin, end in pairwise(starts):
        _look()
        parts.append(call(lines[begin:end]))
    return pl.concat(parts)


def _look() -> None:
    deadline = _deadline.get()
    if deadline is not None and time.monotonic() > deadline:
        raise OutOfTime
