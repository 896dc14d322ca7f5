"""Log lines as a file: streamed a batch at a time, so that memory does not grow with their number."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import msgspec

from mainstay.kernel.errors import Invalid
from mainstay.kernel.operation import Reply
from mainstay.kernel.platform import Platform
from mainstay.kernel.transfer import csv_bytes
from mainstay.modules.logs.search import columns, service
from mainstay.modules.logs.search.columns import Column

MOST = 1_000_000
BATCH = 5000
SECONDS = 30
DEFAULT = ("time", "host", "severity", "app", "message")
FORMATS = {"csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson"}


class LogFile:
    """An answer that is a file of lines."""

    __mainstay_media__ = ("text/csv", "application/x-ndjson")


def shown(names: Sequence[str]) -> list[Column]:
    """The columns of these names."""
    return [columns.find(name) for name in names if name]


async def export(platform: Platform, chosen: service.Chosen, *, form: str, names: Sequence[str], limit: int) -> Reply:
    """The file. Raises ``Invalid``, or ``TooMuch`` when the first batch already is."""
    if form not in FORMATS:
        raise Invalid.field("format", f"format must be one of: {', '.join(FORMATS)}.")
    service.between("limit", limit, 1, MOST)
    picked = shown(names)
    if form == "csv" and not picked:
        picked = shown(DEFAULT)
    first = await service.page(platform, chosen, limit=min(BATCH, limit), seconds=SECONDS)
    stream = _stream(platform, chosen, first, form, picked, limit)
    headers = {"Content-Disposition": f'attachment; filename="log-lines.{form}"'}
    return Reply(stream=stream, media_type=FORMATS[form], headers=headers)


async def _stream(
    platform: Platform, chosen: service.Chosen, batch: list[dict[str, Any]], form: str, picked: list[Column], limit: int
) -> AsyncIterator[bytes]:
    if form == "csv":
        yield csv_bytes([[column.name for column in picked]], start=True)
    sent = 0
    while batch:
        yield await asyncio.to_thread(_encoded, batch, form, picked)
        sent += len(batch)
        if len(batch) < BATCH or sent >= limit:
            return
        # When a batch takes too long the download breaks off, which a client notices; a short file it would not.
        cursor = service.cursor_of(batch[-1])
        batch = await service.page(platform, chosen, limit=min(BATCH, limit - sent), cursor=cursor, seconds=SECONDS)


def _encoded(batch: list[dict[str, Any]], form: str, picked: list[Column]) -> bytes:
    if form == "csv":
        return csv_bytes([[_cell(column, row) for column in picked] for row in batch])
    lines = [msgspec.to_builtins(service.line(row)) for row in batch]
    if picked:
        lines = [{column.name: _plain(column, row) for column in picked} for row in batch]
    return b"".join(msgspec.json.encode(item) + b"\n" for item in lines)


def _plain(column: Column, row: dict[str, Any]) -> Any:
    if column.kind == "field":
        return row["fields"].get(columns.key_of(column), "")
    if column.kind == "level":
        return columns.level_name(column.name, row[column.name])
    return str(row["id"]) if column.name == "id" else row[column.name]


def _cell(column: Column, row: dict[str, Any]) -> Any:
    found = _plain(column, row)
    if isinstance(found, list | tuple):
        return ", ".join(found)
    return found.isoformat() if column.kind == "time" else found
