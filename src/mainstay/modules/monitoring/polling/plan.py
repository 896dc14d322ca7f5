"""What the values of a device mean: worked out once for the rows that it has, applied to every poll. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mainstay.modules.monitoring.discovery.reading import number
from mainstay.modules.monitoring.polling.readings import Counter, Reading
from mainstay.modules.monitoring.snmp.ber import Oid
from mainstay.modules.monitoring.templates.statistics import Statistic

Key = tuple[str, str]
"""A measurement and the part of the device that it is of."""
Keys = Sequence[Key | None]
"""By row, in the order of the column; of a row without one nothing is taken."""
Columns = Mapping[Oid, Sequence[Any]]
"""The plain values of each column that the device has."""
Step = Callable[[Columns, Reading], None]


@dataclass(slots=True)
class Plan:
    """What is read out of a device's columns. ``statistics``: those of its template, which are part of it."""

    statistics: tuple[Statistic, ...] = ()
    steps: list[Step] = field(default_factory=list)
    scales: dict[str, float] = field(default_factory=dict)

    def read(self, columns: Columns, up_ticks: int | None) -> Reading:
        """The measurements in these values."""
        found = Reading(up_ticks, scales=self.scales)
        for step in self.steps:
            step(columns, found)
        return found


def counts(top: Oid, keys: Keys, bits: int) -> Step:
    """Counters, of so many bits."""

    def step(columns: Columns, found: Reading) -> None:
        counters, new, kind = found.counters, tuple.__new__, Counter
        for key, raw in zip(keys, columns.get(top, ()), strict=True):
            if raw.__class__ is int and raw >= 0 and key is not None:
                counters[key] = new(kind, (raw, bits))

    return step


def states(top: Oid, keys: Keys, good: int) -> Step:
    """1 where the value is ``good``, else 0."""

    def step(columns: Columns, found: Reading) -> None:
        gauges = found.gauges
        for key, raw in zip(keys, columns.get(top, ()), strict=True):
            if key is not None:
                gauges[key] = 1.0 if raw == good else 0.0

    return step


def sessions(told: Oid, wanted: Oid, rows: Sequence[tuple[Key, int, int]], good: int, stopped: int) -> Step:
    """1 where the state is ``good``, else 0; nothing of what was stopped on purpose. By measurement the place of the
    state and (-1: there is none) that of what is wanted."""

    def step(columns: Columns, found: Reading) -> None:
        now, aim = columns[told], columns.get(wanted, ())
        for key, at, there in rows:
            if there < 0 or aim[there] != stopped:
                found.gauges[key] = 1.0 if now[at] == good else 0.0

    return step


def amounts(top: Oid, keys: Keys, scale: float) -> Step:
    """Numbers as they are, also where a device holds them as text, such as a load of "0.17"."""

    def step(columns: Columns, found: Reading) -> None:
        for key, raw in zip(keys, columns.get(top, ()), strict=True):
            try:
                amount = float(raw)
            except (TypeError, ValueError, OverflowError):
                continue
            if key is not None and math.isfinite(amount):
                found.gauges[key] = amount * scale

    return step


def mean(top: Oid, key: Key) -> Step:
    """The mean of a column."""

    def step(columns: Columns, found: Reading) -> None:
        loads = [number(raw) for raw in columns[top]]
        found.gauges[key] = sum(loads) / len(loads)

    return step


def shares(sizes: Oid, used: Oid, rows: Sequence[tuple[Key, int, int]]) -> Step:
    """How much is used, in percent: by measurement the place of its size and (-1: there is none) that of its use."""

    def step(columns: Columns, found: Reading) -> None:
        whole, part = columns[sizes], columns.get(used, ())
        for key, at, there in rows:
            size = number(whole[at])
            if size > 0:
                taken = number(part[there]) if there >= 0 else 0
                found.gauges[key] = min(100.0, 100 * max(0, taken) / size)

    return step


def speeds(top: Oid, names: Sequence[str | None]) -> Step:
    """What interfaces can carry, told in megabits a second."""

    def step(columns: Columns, found: Reading) -> None:
        for name, raw in zip(names, columns.get(top, ()), strict=True):
            if name is not None and number(raw) > 0:
                found.speeds[name] = raw * 125_000.0

    return step
