"""Lines handed to the intake as its listeners do, and lines as they are stored."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import polars as pl

from mainstay.modules.logs.intake.lines import FRAME
from mainstay.modules.logs.intake.service import submit
from tests.support import World

RECEIVED = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def frame(organization: str, lines: list[str], **columns: Any) -> pl.DataFrame:
    """Parsed lines. ``columns``: one value for all, or a list."""
    now = datetime.now(UTC)
    given = {
        "organization": organization, "received": now, "time": now, "source": "192.0.2.10", "host": "web01",
        "app": "app", "facility": 1, "severity": 6, "format": "rfc3164", **columns, "message": lines,
    }  # fmt: skip
    size = len(lines)
    rows = {name: value if isinstance(value, list) else [value] * size for name, value in given.items()}
    if "fields" in rows:
        rows["fields"] = [[{"key": key, "value": value} for key, value in one.items()] for one in rows["fields"]]
    return pl.DataFrame(rows, schema={name: FRAME[name] for name in rows})


async def receive(world: World, *lines: str, **columns: Any) -> list[dict[str, Any]]:
    """Take lines through the intake; answers them as stored, in order."""
    telemetry = world.platform.telemetry
    assert telemetry is not None
    (before,) = await telemetry.query("SELECT max(id) AS id FROM log_lines")
    stored = await submit(world.platform, frame(world.organization, list(lines), **columns))
    await stored
    rows = await telemetry.query(
        "SELECT * FROM log_lines WHERE organization = {organization:String} AND id > {id:UInt64} ORDER BY id",
        {"organization": world.organization, "id": before["id"]},
    )
    return [dict(row) for row in rows]
