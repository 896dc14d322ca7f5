"""Tables out to files and back, for the backup: one ``<table>.native.zst`` each, and a manifest with
checksums.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mainstay.kernel.telemetry.arrow import pa
from mainstay.kernel.telemetry.migrations import LEDGER

FORMAT = 1
MANIFEST = "telemetry.json"
CHUNK = 1 << 20


class DumpError(ValueError):
    """The folder is no backup of this kind, or the store is not empty."""


def export(client: Any, folder: Path) -> dict[str, int]:
    """Write all tables below ``folder`` on a ``clickhouse_connect`` client; rows per table."""
    folder.mkdir(parents=True, exist_ok=True)
    tables: dict[str, dict[str, Any]] = {}
    for name, columns in _tables(client).items():
        names = ", ".join(f"`{column}`" for column in columns)
        path = folder / f"{name}.native.zst"
        size = 0
        stream = client.raw_stream(f"SELECT {names} FROM `{name}`", fmt="Native")  # noqa: S608
        try:
            with pa.CompressedOutputStream(pa.OSFile(str(path), "wb"), "zstd") as out:
                while chunk := stream.read(CHUNK):
                    size += len(chunk)
                    out.write(chunk)
        finally:
            stream.close()
        tables[name] = {"columns": columns, "size": size, "sha256": _digest(path)}
    # Last, so that a folder with a manifest is a whole backup.
    (folder / MANIFEST).write_text(json.dumps({"format": FORMAT, "tables": tables}, indent=1))
    return {name: _count(client, name) for name in tables}


def load(client: Any, folder: Path) -> dict[str, int]:
    """Load what ``export`` wrote into the empty tables of a migrated store; rows per table.

    Raises ``DumpError``, before anything is written, when a table is missing or not empty or a file is
    damaged.
    """
    try:
        manifest = json.loads((folder / MANIFEST).read_text())
    except (OSError, ValueError) as error:
        raise DumpError(f"{folder} holds no telemetry backup: {error}") from error
    if manifest.get("format") != FORMAT:
        raise DumpError(f"{folder} holds a telemetry backup of format {manifest.get('format')}, not {FORMAT}.")
    present = _tables(client)
    for name in manifest["tables"]:
        if name not in present:
            raise DumpError(f"The backup holds the telemetry table {name}, which this version does not have.")
        if _count(client, name):
            raise DumpError(f"The telemetry table {name} is not empty. Restore into an empty folder.")
        path = folder / f"{name}.native.zst"
        if not path.is_file() or _digest(path) != manifest["tables"][name]["sha256"]:
            raise DumpError(f"The backup file {path.name} is missing or damaged.")
    for name, about in manifest["tables"].items():
        if about["size"]:
            client.raw_insert(
                name,
                column_names=about["columns"],
                insert_block=_chunks(folder / f"{name}.native.zst"),
                fmt="Native",
                # Equal blocks in a backup are rows of their own, not a retry.
                settings={"insert_deduplicate": 0},
            )
    return {name: _count(client, name) for name in manifest["tables"]}


def _tables(client: Any) -> dict[str, list[str]]:
    """Columns that can be inserted, of every table that holds rows of its own."""
    rows = client.query(
        "SELECT c.table, c.name FROM system.columns c JOIN system.tables t ON t.database = c.database AND "
        "t.name = c.table WHERE c.database = currentDatabase() AND t.engine LIKE '%MergeTree' AND "
        "c.default_kind NOT IN ('MATERIALIZED', 'ALIAS') AND t.name NOT LIKE '.inner%' AND "
        "t.name != {ledger:String} ORDER BY c.table, c.position",
        parameters={"ledger": LEDGER},
    ).result_rows
    tables: dict[str, list[str]] = {}
    for table, column in rows:
        tables.setdefault(table, []).append(column)
    return tables


def _count(client: Any, table: str) -> int:
    return int(client.query(f"SELECT count() FROM `{table}`").result_rows[0][0])  # noqa: S608


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _chunks(path: Path) -> Iterator[bytes]:
    with pa.CompressedInputStream(pa.OSFile(str(path), "rb"), "zstd") as source:
        while chunk := source.read(CHUNK):
            yield chunk
