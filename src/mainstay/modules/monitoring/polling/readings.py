"""From answers to measurements: rates from counters. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

WRAP_32 = 2**32


class Counter(NamedTuple):
    """A counter as it was read: ``bits`` is 32 or 64."""

    value: int
    bits: int = 64


@dataclass(slots=True)
class Reading:
    """What a device answered to one poll."""

    up_ticks: int | None = None
    gauges: dict[tuple[str, str], float] = field(default_factory=dict)
    counters: dict[tuple[str, str], Counter] = field(default_factory=dict)
    speeds: dict[str, float] = field(default_factory=dict)
    """Octets a second, by interface."""
    scales: Mapping[str, float] = field(default_factory=dict)
    """What the rates of a template's counters are multiplied with, by measurement."""


@dataclass(slots=True)
class Before:
    """What the last poll of a device read."""

    at: float = 0.0
    up_ticks: int | None = None
    counters: dict[tuple[str, str], Counter] = field(default_factory=dict)


def restarted(before: Before, at: float, up_ticks: int | None) -> bool:
    """Whether the device began to count anew since; its clock (hundredths) wraps after 497 days without that."""
    if before.up_ticks is None or up_ticks is None or up_ticks >= before.up_ticks:
        return False
    passed = (at - before.at) * 100
    wrapped = up_ticks + WRAP_32 - before.up_ticks
    return not abs(wrapped - passed) < 6000


def rates(
    before: Before, at: float, counters: Mapping[tuple[str, str], Counter], limits: Mapping[str, float]
) -> dict[tuple[str, str], float]:
    """Changes a second, by counter and part; ``limits``: the most that is possible for a part, in octets a second.

    A 32-bit counter that went back has wrapped, if what that makes of it is possible; everything else that goes back
    was reset, and says nothing.
    """
    passed = at - before.at
    found: dict[tuple[str, str], float] = {}
    if passed <= 0:
        return found
    for key, now in counters.items():
        was = before.counters.get(key)
        if was is None or was.bits != now.bits:
            continue
        grown = now.value - was.value
        if grown < 0 and now.bits == 32:
            grown += WRAP_32
            most = limits.get(key[1], 0) or WRAP_32 / 2 / passed
            if grown / passed > most:
                continue
        if grown >= 0:
            found[key] = grown / passed
    return found
