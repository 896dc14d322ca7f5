"""Prometheus metrics of this process."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

registry = CollectorRegistry()
ProcessCollector(registry=registry)
PlatformCollector(registry=registry)

requests = Counter(
    "mainstay_http_requests_total", "Requests answered.", ["method", "route", "status"], registry=registry
)
latency = Histogram(
    "mainstay_http_request_seconds", "Time to answer.", ["method", "route"], registry=registry,
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)  # fmt: skip
live_clients = Gauge("mainstay_live_clients", "Open live-update streams.", registry=registry)
telemetry_dropped = Gauge("mainstay_telemetry_dropped_rows", "Telemetry rows given up.", registry=registry)


def observe(method: str, route: str, status: int, seconds: float) -> None:
    """Count one answered request."""
    requests.labels(method, route, str(status)).inc()
    latency.labels(method, route).observe(seconds)


def exposition() -> bytes:
    """The text format of the registry."""
    return generate_latest(registry)
