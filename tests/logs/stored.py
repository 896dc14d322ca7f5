"""Log lines put into the store for tests, the way the intake stores them."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import polars

from mainstay.kernel.platform import Platform
from mainstay.modules.logs.intake.lines import FRAME, TABLE, complete, to_arrow

_numbers = itertools.count(1_000_000)


def line(organization: str, message: str, ago: float = 60, **values: Any) -> dict[str, Any]:
    """A line received ``ago`` seconds ago."""
    moment = datetime.now(UTC) - timedelta(seconds=ago)
    made = {
        "organization": organization, "id": next(_numbers), "received": moment, "time": moment, "source": "192.0.2.1",
        "host": "core1", "ci": "", "facility": 4, "severity": 6, "app": "sshd", "procid": "", "msgid": "",
        "message": message, "fields": {}, "tags": [], "format": "rfc5424", "pipeline": "", "raw": "",
    }  # fmt: skip
    return {**made, **values}


async def store(platform: Platform, lines: list[dict[str, Any]], *, indexed: bool = True) -> None:
    """Store lines; they are found when this returns. Not ``indexed``: as large inserts under load are."""
    assert platform.telemetry is not None
    settings = {} if indexed else {"materialize_skip_indexes_on_insert": 0}
    await platform.telemetry.insert(TABLE, to_arrow(frame(lines)), settings=settings)


def frame(lines: list[dict[str, Any]]) -> polars.DataFrame:
    """Lines as the intake hands them on."""
    rows = [{**row, "fields": [{"key": k, "value": v} for k, v in row["fields"].items()]} for row in lines]
    return complete(polars.DataFrame(rows, schema=FRAME))
