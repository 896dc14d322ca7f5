"""Log lines put into the store for tests, as the intake would, and read back."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import polars

from mainstay.kernel.platform import Platform
from mainstay.kernel.telemetry.arrow import pa
from tests.support import World

_numbers = itertools.count(1_000_000)
MOMENT = pa.timestamp("us", "UTC")
TEXT = pa.string()
SCHEMA = pa.schema(
    {
        "organization": TEXT, "id": pa.uint64(), "received": MOMENT, "time": MOMENT, "source": TEXT, "host": TEXT,
        "ci": TEXT, "facility": pa.uint8(), "severity": pa.uint8(), "app": TEXT, "procid": TEXT, "msgid": TEXT,
        "message": TEXT, "fields": pa.map_(TEXT, TEXT), "tags": pa.list_(TEXT), "format": TEXT, "pipeline": TEXT,
        "raw": TEXT,
    }
)  # fmt: skip


def line(organization: str, message: str, ago: float = 60, **values: Any) -> dict[str, Any]:
    """A line received ``ago`` seconds ago."""
    moment = datetime.now(UTC) - timedelta(seconds=ago)
    made = {
        "organization": organization, "id": next(_numbers), "received": moment, "time": moment, "source": "192.0.2.1",
        "host": "core1", "ci": "", "facility": 4, "severity": 6, "app": "sshd", "procid": "", "msgid": "",
        "message": message, "fields": {}, "tags": [], "format": "rfc5424", "pipeline": "", "raw": "",
    }  # fmt: skip
    return {**made, **values}


async def store(platform: Platform, lines: list[dict[str, Any]]) -> None:
    """Store lines; they are found when this returns."""
    columns = []
    for field in SCHEMA:
        values = [row[field.name] for row in lines]
        if field.name == "fields":
            values = [list(value.items()) for value in values]
        columns.append(pa.array(values, field.type))
    assert platform.telemetry is not None
    await platform.telemetry.insert("log_lines", pa.Table.from_arrays(columns, schema=SCHEMA))


def frame(lines: list[dict[str, Any]]) -> polars.DataFrame:
    """Lines as the intake hands them on."""
    rows = [{**row, "fields": [{"key": k, "value": v} for k, v in row["fields"].items()]} for row in lines]
    return polars.DataFrame(rows, schema_overrides={"fields": polars.List(polars.Struct({"key": str, "value": str}))})


async def stored(world: World, text: str = "") -> list[dict[str, Any]]:
    """The organization's lines whose message has ``text``, in the order of receipt."""
    assert world.platform.telemetry is not None
    return await world.platform.telemetry.query(
        "SELECT * FROM log_lines WHERE organization = {organization:String} AND position(message, {text:String}) > 0 "
        "ORDER BY id",
        {"organization": world.organization, "text": text},
    )
