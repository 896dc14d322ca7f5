"""From answers to measurements: rates from counters, thresholds with hold counts. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

WRAP_32 = 2**32


@dataclass(slots=True)
class Counter:
    """A counter as it was read: ``bits`` is 32 or 64."""

    value: int
    bits: int = 64


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """When a measurement becomes an event, and when it is over. ``hold``: so many polls one after the other."""

    metric: str
    set_point: float
    reset_point: float
    hold: int = 3
    reset_hold: int = 2
    severity: int = 2
    event_class: str = ""
    label: str = ""
    unit: str = "%"


SHIPPED = (
    Threshold(metric="cpu", set_point=90, reset_point=80, event_class="Chassis | CPU | CPU Usage Above Threshold",
              label="Processor use"),
    Threshold(metric="memory", set_point=95, reset_point=90, label="Memory use",
              event_class="Chassis | Memory | Memory Usage Above Threshold"),
    Threshold(metric="storage", set_point=90, reset_point=85, hold=2, event_class="Storage Usage Above Threshold",
              label="Use of"),
    Threshold(metric="if_in_use", set_point=90, reset_point=80, event_class="Interface Utilization Above Threshold",
              label="Incoming traffic of", severity=3),
    Threshold(metric="if_out_use", set_point=90, reset_point=80, event_class="Interface Utilization Above Threshold",
              label="Outgoing traffic of", severity=3),
    Threshold(metric="if_errors", set_point=10, reset_point=1, event_class="Interface Errors Above Threshold",
              label="Errors of", severity=3, unit=" a second"),
)  # fmt: skip


@dataclass(slots=True)
class Watch:
    """Which thresholds of a device are exceeded, and how long the others have been on their way."""

    breached: set[tuple[str, str]] = field(default_factory=set)
    counts: dict[tuple[str, str], int] = field(default_factory=dict)

    def judge(self, rule: Threshold, resource: str, value: float) -> bool | None:
        """True: it is exceeded from now on; False: it is over; None: nothing new."""
        key = (rule.metric, resource)
        is_out = key in self.breached
        towards = value <= rule.reset_point if is_out else value >= rule.set_point
        self.counts[key] = self.counts.get(key, 0) + 1 if towards else 0
        if not towards or self.counts[key] < (rule.reset_hold if is_out else rule.hold):
            return None
        self.counts[key] = 0
        if is_out:
            self.breached.discard(key)
            return False
        self.breached.add(key)
        return True
