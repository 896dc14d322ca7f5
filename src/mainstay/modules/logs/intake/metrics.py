"""The intake's numbers for Prometheus, read when they are asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from mainstay.kernel import metrics

if TYPE_CHECKING:
    from mainstay.modules.logs.intake.service import LogIntake

_PER_LISTENER = (
    ("received", "Messages received."),
    ("bytes", "Bytes received."),
    ("kernel_dropped", "Datagrams that the kernel had no room for."),
    ("limited", "Messages not stored because their source sent more than its limit."),
    ("oversized", "Messages cut at the longest line."),
    ("refused", "Connections refused."),
)


class Exposed(Collector):
    """A collector on one service."""

    def __init__(self, intake: LogIntake) -> None:
        self._intake = intake

    def register(self) -> None:
        metrics.registry.register(self)

    def unregister(self) -> None:
        metrics.registry.unregister(self)

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        listeners = [stats.look() for stats in self._intake.listeners]
        for name, text in _PER_LISTENER:
            family = CounterMetricFamily(f"mainstay_intake_{name}", text, labels=["listener"])
            for stats in listeners:
                family.add_metric([stats.name], getattr(stats, name))
            yield family
        yield CounterMetricFamily("mainstay_log_lines_parsed", "Log lines parsed.",
                                  value=self._intake.tally.received - self._intake.tally.unparsed)  # fmt: skip
        yield CounterMetricFamily(
            "mainstay_log_lines_unparsed", "Log lines kept raw.", value=self._intake.tally.unparsed
        )
        store = self._intake.store
        yield CounterMetricFamily("mainstay_log_lines_stored", "Log lines stored.", value=store.stored if store else 0)
        yield GaugeMetricFamily("mainstay_log_intake_lag_seconds", "Age of the oldest line that waits.",
                                value=self._intake.lag)  # fmt: skip
