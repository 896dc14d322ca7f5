"""Every single occurrence, in the telemetry store: what the counted row of an event was made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from mainstay.kernel.purge import purgeable_rows
from mainstay.kernel.telemetry.arrow import pa
from mainstay.kernel.telemetry.migrations import register_migration, register_retention
from mainstay.modules.monitoring.events.engine import Occurrence

if TYPE_CHECKING:
    from mainstay.kernel.telemetry import Telemetry, Writer

TABLE = "event_history"
COLUMNS: dict[str, Any] = {
    "organization": pa.string(), "time": pa.timestamp("us", "UTC"), "event": pa.string(), "event_class": pa.string(),
    "severity": pa.uint8(), "clear": pa.uint8(), "source": pa.string(), "host": pa.string(), "address": pa.string(),
    "resource": pa.string(), "message": pa.string(), "raw": pa.string(), "reference": pa.string(),
}  # fmt: skip

register_migration(
    "event_history",
    """CREATE TABLE IF NOT EXISTS event_history (
        organization LowCardinality(String),
        time DateTime64(6, 'UTC') CODEC(Delta, ZSTD),
        event String CODEC(ZSTD),
        event_class LowCardinality(String),
        severity UInt8,
        clear UInt8,
        source LowCardinality(String),
        host LowCardinality(String),
        address LowCardinality(String),
        resource String CODEC(ZSTD),
        message String CODEC(ZSTD),
        raw String CODEC(ZSTD),
        reference String CODEC(ZSTD)
    ) ENGINE = MergeTree ORDER BY (organization, event, time)
    SETTINGS non_replicated_deduplication_window = 1000""",
)
register_retention(TABLE, "time", lambda settings: settings.event_history_days)
purgeable_rows("events", TABLE, "time")


def writer(telemetry: Telemetry) -> Writer:
    """The batching writer of the history."""
    return telemetry.writer(TABLE, COLUMNS, capacity=500_000)


async def keep(into: Writer, organization: str, batch: Iterable[Occurrence]) -> None:
    """Take occurrences; waits while the store does not keep up, which holds up their sources."""
    rows = [
        (organization, item.at, item.event, item.event_class, item.severity, int(item.clear), item.source, item.host,
         item.address, item.resource, item.message, item.raw if item.raw != item.message else "", item.reference)
        for item in batch
    ]  # fmt: skip
    for row in rows[into.write_many(rows) :]:
        await into.put(row)


async def of_event(
    telemetry: Telemetry, organization: str, event: str, limit: int, offset: int
) -> tuple[int, Sequence[dict[str, Any]]]:
    """How often an event occurred, and one page of it, newest first."""
    where = "organization = {organization:String} AND event = {event:String}"
    bound = {"organization": organization, "event": event, "limit": limit, "offset": offset}
    (head,) = await telemetry.query(f"SELECT count() AS total FROM {TABLE} WHERE {where}", bound)  # noqa: S608
    rows = await telemetry.query(
        f"SELECT time, event_class, severity, clear, source, host, address, resource, message, raw, reference "  # noqa: S608
        f"FROM {TABLE} WHERE {where} ORDER BY time DESC LIMIT {{limit:UInt32}} OFFSET {{offset:UInt32}}",
        bound,
    )
    return int(head["total"]), rows
