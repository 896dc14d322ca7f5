"""The API access log: one row per request, kept for ``MAINSTAY_ACCESS_LOG_DAYS`` days."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from mainstay.kernel.telemetry.arrow import pa
from mainstay.kernel.telemetry.migrations import register_migration, register_retention

if TYPE_CHECKING:
    from mainstay.kernel.telemetry.store import Telemetry

ACCESS_LOG = "access_log"
COLUMNS: dict[str, Any] = {
    "time": pa.timestamp("ms", "UTC"),
    "organization": pa.string(),
    "actor": pa.string(),
    "method": pa.string(),
    "path": pa.string(),
    "route": pa.string(),
    "status": pa.uint16(),
    "duration_ms": pa.float32(),
    "bytes": pa.uint32(),
    "ip": pa.string(),
    "user_agent": pa.string(),
    "request_id": pa.string(),
}


class AccessLogRow(NamedTuple):
    """One request, in the order of the columns. ``time`` is aware; ``bytes`` is the response's size."""

    time: datetime
    organization: str
    actor: str
    method: str
    path: str
    route: str
    status: int
    duration_ms: float
    bytes: int
    ip: str
    user_agent: str
    request_id: str


register_migration(
    "0001_access_log",
    """CREATE TABLE IF NOT EXISTS access_log (
        time DateTime64(3, 'UTC') CODEC(Delta, ZSTD),
        organization LowCardinality(String),
        actor LowCardinality(String),
        method LowCardinality(String),
        path String CODEC(ZSTD),
        route LowCardinality(String),
        status UInt16,
        duration_ms Float32,
        bytes UInt32,
        ip LowCardinality(String),
        user_agent LowCardinality(String),
        request_id String,
        INDEX path_tokens path TYPE text(tokenizer = 'splitByNonAlpha')
    ) ENGINE = MergeTree ORDER BY (organization, time)
    SETTINGS non_replicated_deduplication_window = 1000""",
)
register_retention(ACCESS_LOG, "time", lambda settings: settings.access_log_days)


async def search_access_log(
    telemetry: Telemetry,
    organization: str,
    since: datetime | None = None,
    until: datetime | None = None,
    text: str = "",
    status: int | None = None,
    limit: int = 100,
) -> list[dict[str, Any]]:
    """The organization's requests from ``since`` (included) to ``until`` (not), newest first, at most
    ``limit``.

    ``text`` finds requests whose path holds all its words, or whose actor, address or request id it is.
    ``status`` below 10 is a class (5 means 500 to 599). Keys of a row are the columns; ``time`` is aware
    (UTC).
    """
    where = ["organization = {organization:String}"]
    parameters: dict[str, Any] = {"organization": organization, "limit": max(0, limit)}
    for name, moment, comparison in (("since", since, ">="), ("until", until, "<")):
        if moment is not None:
            where.append(f"time {comparison} fromUnixTimestamp64Milli({{{name}:Int64}}, 'UTC')")
            parameters[name] = int(moment.timestamp() * 1000)
    if text.strip():
        parameters["text"] = text.strip()
        either = [f"{column} = {{text:String}}" for column in ("actor", "ip", "request_id")]
        words = re.findall(r"[0-9A-Za-z]+", text)[:16]
        if words:
            # Words match by whole token, which is what the index on path can answer without reading the
            # column.
            either.append(" AND ".join(f"hasToken(path, {{word{at}:String}})" for at in range(len(words))))
            parameters.update({f"word{at}": word for at, word in enumerate(words)})
        where.append(f"({' OR '.join(f'({clause})' for clause in either)})")
    if status is not None:
        where.append("intDiv(status, 100) = {status:UInt16}" if status < 10 else "status = {status:UInt16}")
        parameters["status"] = status
    return await telemetry.query(
        f"SELECT {', '.join(COLUMNS)} FROM {ACCESS_LOG} WHERE {' AND '.join(where)} "  # noqa: S608
        "ORDER BY time DESC LIMIT {limit:UInt32}",
        parameters,
    )
