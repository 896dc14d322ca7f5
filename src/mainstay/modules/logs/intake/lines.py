"""The table ``log_lines`` and its rows as data frames.

A frame has the columns of ``FRAME`` in any order. ``fields`` is a list of ``{key, value}`` per line there (Polars has
no map), a map in the table. Missing columns and missing values are empty.
"""

from __future__ import annotations

import secrets
import threading
import time
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from mainstay.kernel.purge import purgeable_rows
from mainstay.kernel.signals import FIRST_MS
from mainstay.kernel.telemetry import register_migration, register_retention
from mainstay.kernel.telemetry.arrow import pa

TABLE = "log_lines"
PAIR = pl.Struct({"key": pl.String, "value": pl.String})
TIME = pl.Datetime("us", "UTC")
FRAME: dict[str, Any] = {
    "organization": pl.String,
    "id": pl.UInt64,
    "received": TIME,
    "time": TIME,
    "source": pl.String,
    "host": pl.String,
    "ci": pl.String,
    "facility": pl.UInt8,
    "severity": pl.UInt8,
    "app": pl.String,
    "procid": pl.String,
    "msgid": pl.String,
    "message": pl.String,
    "fields": pl.List(PAIR),
    "tags": pl.List(pl.String),
    "format": pl.String,
    "pipeline": pl.String,
    "raw": pl.String,
}
_REPEATED = ("organization", "source", "host", "ci", "app", "msgid", "format", "pipeline")
_OFTEN_EMPTY = ("ci", "procid", "msgid", "pipeline", "raw")
UNPARSED = "_unparsed"
# What a line is that does not say: facility user, severity notice (RFC 3164, 4.3.3).
FACILITY, SEVERITY = 1, 5

register_migration(
    "0100_log_lines",
    # A part holds at most so much that the oldest can go by themselves when the space is used up; and parts are merged
    # sixteen at a time instead of five, since at high rates the merging costs more than the inserts. The last 256 MiB
    # of the disk are left to the rest of the product.
    f"""CREATE TABLE IF NOT EXISTS {TABLE} (
        organization LowCardinality(String),
        id UInt64 CODEC(Delta, ZSTD),
        received DateTime64(6, 'UTC') CODEC(Delta, ZSTD),
        time DateTime64(6, 'UTC') CODEC(Delta, ZSTD),
        source LowCardinality(String),
        host LowCardinality(String),
        ci LowCardinality(String),
        facility UInt8,
        severity UInt8,
        app LowCardinality(String),
        procid String CODEC(ZSTD),
        msgid LowCardinality(String),
        message String CODEC(ZSTD),
        fields Map(LowCardinality(String), String) CODEC(ZSTD),
        tags Array(LowCardinality(String)),
        format LowCardinality(String),
        pipeline LowCardinality(String),
        raw String CODEC(ZSTD)
    ) ENGINE = MergeTree PARTITION BY toDate(received) ORDER BY (organization, time, id)
    SETTINGS non_replicated_deduplication_window = 1000, ttl_only_drop_parts = 1,
        max_bytes_to_merge_at_max_space_in_pool = 2147483648,
        merge_selector_base = 16, min_free_disk_bytes_to_perform_insert = 268435456""",
)
register_migration(
    "0110_log_days_merged",
    # Every part costs a search about a millisecond. A day that is over takes no more lines, so an hour later it becomes
    # one part, unless that would be larger than a part may be: one more merge of each line, when nothing is urgent.
    f"""ALTER TABLE {TABLE} MODIFY SETTING min_age_to_force_merge_seconds = 3600,
        min_age_to_force_merge_on_partition_only = 1, enable_max_bytes_limit_for_min_age_to_force_merge = 1""",
)
register_retention(TABLE, "received", lambda settings: settings.log_days)
purgeable_rows("syslog", TABLE, "received")


class Numbers:
    """The ids of lines: rising with the time of receipt, also when the clock jumps back, and different in every
    process. 40 bits of milliseconds, 10 of the process, 13 of a count."""

    def __init__(self, process: int | None = None) -> None:
        self._process = secrets.randbelow(1024) if process is None else process
        self._last = 0
        self._lock = threading.Lock()

    def take(self, count: int) -> NDArray[np.uint64]:
        """``count`` new ids."""
        with self._lock:
            first = max(self._last + 1, (time.time_ns() // 1_000_000 - FIRST_MS) << 13)
            self._last = first + count - 1
        ticks = np.arange(first, first + count, dtype=np.uint64)
        low = ticks & np.uint64(0x1FFF)
        return ((ticks >> np.uint64(13)) << np.uint64(23)) | np.uint64(self._process << 13) | low


def complete(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with exactly the columns of the table, in order, nothing missing."""
    missing = [pl.lit(None, dtype=kind).alias(name) for name, kind in FRAME.items() if name not in frame.columns]
    if missing:
        frame = frame.with_columns(missing)
    now = pl.lit(time.time_ns() // 1000).cast(TIME)
    return frame.select(
        pl.col(name).cast(kind).fill_null(pl.lit([], dtype=kind)) if isinstance(kind, pl.List)
        else pl.coalesce(pl.col(name).cast(kind), "received", now) if name in ("time", "received")
        else pl.col(name).cast(kind).fill_null(FACILITY if name == "facility" else SEVERITY if name == "severity"
                                               else 0 if name == "id" else "")
        for name, kind in FRAME.items()
    )  # fmt: skip


def to_arrow(frame: pl.DataFrame) -> Any:
    """A complete frame as the pyarrow table that the store takes. A column that is empty in all of it is left out."""
    skip = ["tags", "fields", *(name for name in _OFTEN_EMPTY if not frame[name].str.len_bytes().sum())]
    table = frame.drop(skip).to_arrow(compat_level=pl.CompatLevel.oldest())
    for at, name in enumerate(table.schema.names):
        if name in _REPEATED:
            # The engine takes a dictionary as it is; plain text it would have to look up line by line.
            table = table.set_column(at, name, table.column(at).combine_chunks().dictionary_encode())
    if frame["tags"].list.len().sum():
        table = table.append_column("tags", _list(frame["tags"], pa.string()))
    pairs = frame["fields"]
    if not pairs.list.len().sum():
        return table
    flat = pairs.explode(empty_as_null=False).struct.unnest()
    # A key or value that is missing would make the engine refuse all of the batch.
    keys, values = (flat[name].fill_null("").to_arrow().cast(pa.string()) for name in ("key", "value"))
    return table.append_column("fields", pa.MapArray.from_arrays(_offsets(pairs), keys, values))


def _list(series: pl.Series, kind: Any) -> Any:
    flat = series.explode(empty_as_null=False)
    return pa.ListArray.from_arrays(_offsets(series), flat.fill_null("").to_arrow().cast(kind))


def _offsets(series: pl.Series) -> Any:
    out = np.zeros(len(series) + 1, dtype=np.int32)
    np.cumsum(series.list.len().to_numpy(), out=out[1:])
    return pa.array(out)
