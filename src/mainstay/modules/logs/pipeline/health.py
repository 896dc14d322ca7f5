"""How pipelines are doing: what passed through each of their stages, kept in the telemetry store."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from mainstay.kernel.telemetry import Writer, register_migration, register_retention
from mainstay.kernel.telemetry.arrow import pa
from mainstay.modules.logs.pipeline.stages.base import Meter

if TYPE_CHECKING:
    from mainstay.kernel.telemetry import Telemetry

TABLE = "log_pipeline_health"
COUNTS = ("lines_in", "lines_out", "dropped", "failed", "timeouts")
COLUMNS: dict[str, Any] = {
    "time": pa.timestamp("ms", "UTC"), "organization": pa.string(), "pipeline": pa.string(), "version": pa.uint32(),
    "stage": pa.string(), **{name: pa.uint64() for name in COUNTS}, "seconds": pa.float64(),
}  # fmt: skip

register_migration(
    "0210_log_pipeline_health",
    f"""CREATE TABLE IF NOT EXISTS {TABLE} (
        time DateTime64(3, 'UTC') CODEC(Delta, ZSTD),
        organization LowCardinality(String),
        pipeline LowCardinality(String),
        version UInt32,
        stage LowCardinality(String),
        lines_in UInt64, lines_out UInt64, dropped UInt64, failed UInt64, timeouts UInt64,
        seconds Float64
    ) ENGINE = MergeTree ORDER BY (organization, pipeline, time)
    SETTINGS non_replicated_deduplication_window = 1000""",
)
register_retention(TABLE, "time", lambda _settings: 30)


def write(writer: Writer, key: tuple[str, str, int, str], meter: Meter) -> bool:
    """Take what passed since the last time; ``key`` is (organization, pipeline, version, stage)."""
    counts = [getattr(meter, name) for name in COUNTS]
    organization, pipeline, version, stage = key
    return writer.write((datetime.now(UTC), organization, pipeline, version, stage, *counts, meter.seconds))


async def passed(
    telemetry: Telemetry, organization: str, pipelines: Sequence[str], minutes: int
) -> dict[tuple[str, str], Meter]:
    """What passed in the last minutes: (pipeline, stage) → counts. Of each pipeline, what its newest version had."""
    sums = ", ".join(f"sum({name}) AS {name}" for name in (*COUNTS, "seconds"))
    rows = await telemetry.query(
        f"SELECT pipeline, stage, {sums} FROM {TABLE} WHERE organization = {{organization:String}} "  # noqa: S608
        "AND pipeline IN {pipelines:Array(String)} AND time > {since:DateTime64(3)} GROUP BY pipeline, stage",
        {
            "organization": organization, "pipelines": list(pipelines),
            "since": datetime.now(UTC) - timedelta(minutes=minutes),
        },
    )  # fmt: skip
    return {
        (row["pipeline"], row["stage"]): Meter(
            **{name: int(row[name]) for name in COUNTS}, seconds=float(row["seconds"])
        )
        for row in rows
    }
