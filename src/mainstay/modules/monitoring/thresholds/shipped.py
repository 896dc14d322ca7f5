"""What Mainstay measures, and the thresholds that it ships."""

from __future__ import annotations

from typing import NamedTuple

from mainstay.modules.monitoring.thresholds.engine import AVERAGE, BELOW, Threshold


class Metric(NamedTuple):
    """A measurement: what it is called, and in which unit it is."""

    label: str
    unit: str


METRICS = {
    "availability": Metric("Availability", ""),
    "latency": Metric("Latency", "ms"),
    "loss": Metric("Packet loss", "%"),
    "uptime": Metric("Time since the start", "s"),
    "cpu": Metric("Processor use", "%"),
    "memory": Metric("Memory use", "%"),
    "storage": Metric("Storage use", "%"),
    "if_up": Metric("Interface is up", ""),
    "if_in": Metric("Incoming traffic", "bit/s"),
    "if_out": Metric("Outgoing traffic", "bit/s"),
    "if_in_use": Metric("Use of an interface, incoming", "%"),
    "if_out_use": Metric("Use of an interface, outgoing", "%"),
    "if_errors": Metric("Errors of an interface", "1/s"),
    "if_discards": Metric("Discards of an interface", "1/s"),
    "bgp_peer": Metric("BGP session is established", ""),
}

SHIPPED = (
    Threshold(metric="cpu", set_point=90, reset_point=80, event_class="Chassis | CPU | CPU Usage Above Threshold",
              label="Processor use"),
    Threshold(metric="memory", set_point=95, reset_point=90, label="Memory use",
              event_class="Chassis | Memory | Memory Usage Above Threshold"),
    Threshold(metric="storage", set_point=90, reset_point=85, hold=2, event_class="Storage Usage Above Threshold",
              label="Use of"),
    Threshold(metric="latency", set_point=500, reset_point=300, statistic=AVERAGE, points=3, hold=1, reset_hold=1,
              event_class="Latency Above Threshold", label="Latency", severity=3, unit=" ms"),
    Threshold(metric="loss", set_point=25, reset_point=5, statistic=AVERAGE, points=5, hold=1, reset_hold=1,
              event_class="Packet Loss Above Threshold", label="Packet loss", severity=3),
    Threshold(metric="if_in_use", set_point=90, reset_point=80, event_class="Interface Utilization Above Threshold",
              label="Incoming traffic of", severity=3),
    Threshold(metric="if_out_use", set_point=90, reset_point=80, event_class="Interface Utilization Above Threshold",
              label="Outgoing traffic of", severity=3),
    Threshold(metric="if_errors", set_point=10, reset_point=1, event_class="Interface Errors Above Threshold",
              label="Errors of", severity=3, unit=" a second"),
    Threshold(metric="if_discards", set_point=10, reset_point=1, event_class="Interface Discards Above Threshold",
              label="Discards of", severity=3, unit=" a second"),
    Threshold(metric="bgp_peer", condition=BELOW, set_point=0, reset_point=1, hold=1, reset_hold=1,
              event_class="Network | BGP | Peer Down", label="BGP session with", severity=2, unit="",
              set_message="The BGP session of {device} with {resource} is not established.",
              reset_message="The BGP session of {device} with {resource} is established again."),
)  # fmt: skip
