"""Keeping log lines within their space: the oldest go when the table is larger than the settings allow.

By age they go by the table's own TTL (``lines``).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from mainstay.modules.logs.intake.lines import TABLE

if TYPE_CHECKING:
    from mainstay.kernel.platform import Platform
    from mainstay.kernel.telemetry import Telemetry

log = structlog.get_logger("mainstay.logs")
INTERVAL = 60.0


async def keep(platform: Platform) -> None:
    """Look every minute."""
    limit = platform.settings.log_max_gb * 2**30
    while limit > 0 and platform.telemetry is not None:
        await asyncio.sleep(INTERVAL)
        try:
            await trim(platform.telemetry, limit)
        except Exception as error:
            log.warning("the space of log lines is not kept now", error=str(error)[:300])


async def trim(telemetry: Telemetry, limit: int) -> int:
    """Drop the oldest parts of the table until it takes ``limit`` bytes at most; the lines that went.

    A part holds lines that came in one after the other, of one day and 2 GiB at most, so that little more goes than
    must. The newest part always stays.
    """
    parts = await telemetry.query(
        "SELECT name, rows, bytes_on_disk AS size FROM system.parts WHERE database = currentDatabase() "
        "AND table = {table:String} AND active ORDER BY partition_id DESC, max_block_number DESC",
        {"table": TABLE},
    )
    used, gone = 0, 0
    for at, part in enumerate(parts):
        used += part["size"]
        if used > limit and at > 0:
            # A part that was merged meanwhile is not there any more; the next look finds what it became.
            await telemetry.command(f"ALTER TABLE {TABLE} DROP PART {{name:String}}", {"name": part["name"]})
            gone += part["rows"]
    if gone:
        log.info("log lines dropped for space", lines=gone)
    return gone
