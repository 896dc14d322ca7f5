"""The SQLite file: copied through the online backup API while others write to it."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import IO

from sqlalchemy.engine import make_url

from mainstay.kernel.backup.archive import BackupError, Damaged, Table, compressed, decompressed
from mainstay.kernel.backup.dump import Dump
from mainstay.settings import Settings

PART = "database.sqlite.zst"


def database_path(settings: Settings) -> Path:
    return Path(str(make_url(settings.sync_database_url).database))


def dump(settings: Settings, work: Path) -> Dump:
    """One snapshot of the database as a part below ``work``."""
    source, copy = database_path(settings), work / "database.sqlite"
    if not source.is_file():
        raise BackupError(f"There is no database at {source} to back up. Check MAINSTAY_DATA_DIR.")
    with closing(sqlite3.connect(source, timeout=30)) as live, closing(sqlite3.connect(copy)) as made:
        # In one step: a copy in several would start over with every write of another process.
        live.backup(made, pages=-1)
        made.execute("PRAGMA journal_mode=DELETE")
        problem = made.execute("PRAGMA quick_check(1)").fetchone()[0]
        if problem != "ok":
            raise BackupError(f"The database {source} is damaged: {problem}. Restore the last good backup.")
        result = Dump(kind="sqlite", revision=_revision(made), tables=_counts(made))
        if any(table.name == "attachment" for table in result.tables):
            result.digests.update(row[0] for row in made.execute("SELECT DISTINCT digest FROM attachment"))
    with copy.open("rb") as file, compressed(work / PART) as out:
        while piece := file.read(1 << 20):
            out.write(piece)
    copy.unlink()
    result.files.append((PART, work / PART))
    return result


def check_empty(settings: Settings) -> None:
    path = database_path(settings)
    if path.exists():
        raise BackupError(f"There is a database at {path} already. Restore where there is none.")


def load(settings: Settings, parts: Iterator[tuple[str, IO[bytes]]], tables: list[Table]) -> None:
    """Write the database file and compare its tables with the manifest."""
    path = database_path(settings)
    path.parent.mkdir(parents=True, exist_ok=True)
    for _name, stream in parts:
        with path.open("wb") as file:
            shutil.copyfileobj(_Pieces(stream), file, 1 << 20)
            file.flush()
            os.fsync(file.fileno())
    with closing(sqlite3.connect(path)) as made:
        problem = made.execute("PRAGMA quick_check(1)").fetchone()[0]
        if problem != "ok":
            raise Damaged(f"The database of the backup is damaged: {problem}.")
        found = {table.name: table.rows for table in _counts(made)}
    for table in tables:
        if found.get(table.name) != table.rows:
            raise Damaged(f"The table {table.name} has {found.get(table.name)} rows, not the {table.rows} backed up.")


def remove(path: Path) -> None:
    """Take away a database that a restore did not finish."""
    for end in ("", "-wal", "-shm", "-journal"):
        path.with_name(path.name + end).unlink(missing_ok=True)


def _revision(connection: sqlite3.Connection) -> str:
    try:
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.OperationalError:
        row = None
    if row is None:
        raise BackupError("The database is empty. Run `mainstay init` first.")
    return str(row[0])


def _counts(connection: sqlite3.Connection) -> list[Table]:
    query = "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
    names = [row[0] for row in connection.execute(query) if not row[0].startswith("sqlite_")]
    return [
        Table(name=name, rows=connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0])  # noqa: S608
        for name in names
    ]


class _Pieces:
    """A zstd stream as a file object."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._pieces = decompressed(stream)

    def read(self, _size: int = -1) -> bytes:
        return next(self._pieces, b"")
