"""The telemetry table of received traps."""

from __future__ import annotations

from binascii import b2a_base64
from collections.abc import Sequence
from datetime import datetime
from itertools import chain
from typing import TYPE_CHECKING, Any

from mainstay.kernel.purge import purgeable_rows
from mainstay.kernel.telemetry import register_migration, register_retention
from mainstay.kernel.telemetry.arrow import pa

if TYPE_CHECKING:
    from mainstay.kernel.telemetry import Telemetry
    from mainstay.modules.monitoring.traps.decoder import Row

TABLE = "traps"
COLUMNS: dict[str, Any] = {
    "organization": pa.string(),
    "id": pa.uint64(),
    "received": pa.timestamp("us", "UTC"),
    "source": pa.string(),
    "agent": pa.string(),
    "version": pa.string(),
    "credential": pa.string(),
    "inform": pa.bool_(),
    "oid": pa.string(),
    "name": pa.string(),
    "uptime": pa.uint32(),
    "resource": pa.string(),
    "message": pa.string(),
    "severity": pa.uint8(),
    "configuration": pa.string(),
    "variables": pa.map_(pa.string(), pa.string()),
    "raw": pa.string(),
}
SCHEMA = pa.schema(list(COLUMNS.items()))

register_migration(
    "0010_traps",
    """CREATE TABLE IF NOT EXISTS traps (
        organization LowCardinality(String),
        id UInt64 CODEC(Delta, ZSTD),
        received DateTime64(6, 'UTC') CODEC(Delta, ZSTD),
        source LowCardinality(String),
        agent LowCardinality(String),
        version LowCardinality(String),
        credential LowCardinality(String),
        inform Bool,
        oid LowCardinality(String),
        name LowCardinality(String),
        uptime UInt32 CODEC(ZSTD),
        resource LowCardinality(String),
        message String CODEC(ZSTD),
        severity UInt8,
        configuration LowCardinality(String),
        variables Map(LowCardinality(String), String) CODEC(ZSTD),
        raw String CODEC(ZSTD)
    ) ENGINE = MergeTree ORDER BY (organization, received, id)
    SETTINGS non_replicated_deduplication_window = 1000""",
)
register_retention(TABLE, "received", lambda settings: settings.trap_days)
purgeable_rows("traps", TABLE, "received")


_SHARED = ("organization", "source", "agent", "version", "credential", "inform", "oid", "name", "resource", "severity",
           "configuration")  # fmt: skip


def table_of(rows: Sequence[Row]) -> Any:
    """Rows as a pyarrow table. Takes milliseconds per thousand: not for the event loop."""
    cases, numbers, received, uptimes, texts, values, packets = zip(*rows, strict=True)
    known = {case: at for at, case in enumerate(dict.fromkeys(cases))}
    # What traps of a case have in common is converted once.
    which = pa.array([known[case] for case in cases], pa.int32())
    columns = {name: pa.array([getattr(case, name) for case in known], COLUMNS[name]).take(which) for name in _SHARED}
    names = pa.array([case.names for case in known], pa.list_(pa.string())).take(which)
    columns["variables"] = pa.MapArray.from_arrays(
        names.offsets, names.values, pa.array(list(chain.from_iterable(values)), pa.string())
    )
    raw = [b2a_base64(packet, newline=False) for packet in packets]
    for name, given in (("id", numbers), ("received", received), ("uptime", uptimes), ("message", texts), ("raw", raw)):
        columns[name] = pa.array(given, COLUMNS[name])
    return pa.Table.from_arrays([columns[name] for name in COLUMNS], schema=SCHEMA)


async def search(
    telemetry: Telemetry,
    organization: str,
    *,
    text: str = "",
    source: str = "",
    name: str = "",
    configured: bool | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    number: int | None = None,
    limit: int = 50,
    offset: int = 0,
) -> tuple[int, list[dict[str, Any]]]:
    """How many traps fit, and a page of them, newest first."""
    where = ["organization = {organization:String}"]
    bound: dict[str, Any] = {"organization": organization, "limit": limit, "offset": offset}
    for label, moment, comparison in (("since", since, ">="), ("until", until, "<")):
        if moment is not None:
            where.append(f"received {comparison} fromUnixTimestamp64Micro({{{label}:Int64}}, 'UTC')")
            bound[label] = int(moment.timestamp() * 1_000_000)
    if source:
        where.append("(source = {source:String} OR agent = {source:String})")
        bound["source"] = source
    if name:
        where.append("(name = {name:String} OR oid = {name:String})")
        bound["name"] = name
    if text:
        where.append(
            "(positionCaseInsensitiveUTF8(message, {text:String}) > 0 OR positionCaseInsensitiveUTF8(name, "
            "{text:String}) > 0 OR startsWith(oid, {text:String}) OR source = {text:String} OR agent = {text:String})"
        )
        bound["text"] = text
    if configured is not None:
        where.append("configuration != ''" if configured else "configuration = ''")
    if number is not None:
        where.append("id = {number:UInt64}")
        bound["number"] = number
    condition = " AND ".join(where)
    counted = await telemetry.query(f"SELECT count() AS n FROM {TABLE} WHERE {condition}", bound)  # noqa: S608
    rows = await telemetry.query(
        f"SELECT {', '.join(COLUMNS)} FROM {TABLE} WHERE {condition} "  # noqa: S608
        "ORDER BY received DESC, id DESC LIMIT {limit:UInt32} OFFSET {offset:UInt64}",
        bound,
    )
    return int(counted[0]["n"]), rows
