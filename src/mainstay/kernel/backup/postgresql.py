"""PostgreSQL: every table through COPY in one repeatable-read snapshot. Needs no client program, and the text
format of COPY is the same in every version of the server."""

from __future__ import annotations

from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path
from typing import IO, Any

import psycopg
import sqlalchemy as sa
from psycopg import sql

from mainstay.kernel.backup.archive import BackupError, Damaged, Table, compressed, decompressed
from mainstay.kernel.backup.dump import Dump
from mainstay.kernel.database import migration_config
from mainstay.settings import Settings

JOBS = "dbos"
LEDGERS = {"alembic_version", "dbos.dbos_migrations"}
"""Tables that building the schema fills."""
FEED = ("change", "feed_position")
FOLDER, SUFFIX = "database/", ".copy.zst"

_TABLES = (
    "SELECT CASE WHEN n.nspname = %(jobs)s THEN n.nspname || '.' ELSE '' END || c.relname FROM pg_class c "
    "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = {kind} AND "
    "(n.nspname = current_schema() OR n.nspname = %(jobs)s) ORDER BY 1"
)
_COLUMNS = (
    "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped "
    "AND attgenerated = '' ORDER BY attnum"
)
_REFERENCES = "SELECT DISTINCT confrelid::oid FROM pg_constraint WHERE contype = 'f' AND conrelid = %s::regclass"


def dump(settings: Settings, work: Path) -> Dump:
    """One snapshot of the database, a part per table below ``work``."""
    with _connect(settings) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        names = [name for name in _names(connection, "r") if name not in LEDGERS]
        if "organization" not in names:
            raise BackupError("The database is empty. Run `mainstay init` first.")
        revision = _one(connection, "SELECT version_num FROM alembic_version")
        result = Dump(kind="postgresql", revision=str(revision), tables=[])
        if "attachment" in names:
            result.digests.update(row[0] for row in connection.execute("SELECT DISTINCT digest FROM attachment"))
        for name in _ordered(connection, names):
            columns = [row[0] for row in connection.execute(_COLUMNS, (_quoted(name).as_string(connection),))]
            path = work / f"{name}{SUFFIX}"
            copy = sql.SQL("COPY {} ({}) TO STDOUT").format(_quoted(name), _list(columns))
            with connection.cursor() as cursor:
                with compressed(path) as out, cursor.copy(copy) as stream:
                    for piece in stream:
                        out.write(piece)
                result.tables.append(Table(name=name, rows=cursor.rowcount, columns=columns))
            result.files.append((f"{FOLDER}{path.name}", path))
        for name in _names(connection, "S"):
            query = sql.SQL("SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM {}").format(_quoted(name))
            result.sequences[name] = int(_one(connection, query))
    return result


def check_empty(settings: Settings, revision: str) -> None:
    """Raise ``BackupError`` unless the database has no tables, or the backup's tables without a row."""
    with _connect(settings) as connection:
        names = _names(connection, "r")
        filled = [
            name
            for name in names
            if name not in LEDGERS and _one(connection, sql.SQL("SELECT EXISTS (SELECT FROM {})").format(_quoted(name)))
        ]
        other = "alembic_version" in names and _one(connection, "SELECT max(version_num) FROM alembic_version")
        unknown = bool(names) and "alembic_version" not in names and not all(n.startswith(JOBS) for n in names)
    if filled or unknown or other not in (False, None, revision):
        where = f" (the table {filled[0]} has rows)" if filled else ""
        raise BackupError(
            f"The database is not empty{where}. Create an empty one and name it in MAINSTAY_DATABASE_URL."
        )


def load(
    settings: Settings,
    parts: Iterator[tuple[str, IO[bytes]]],
    tables: list[Table],
    sequences: dict[str, int],
    revision: str,
) -> None:
    """Build the schema of the backup's revision and load the tables, in one transaction.

    Raises ``Damaged`` when a table has another number of rows than was backed up.
    """
    # Each takes a while to load, and a backup needs neither.
    from alembic import command
    from dbos import DBOS

    from mainstay.kernel.jobs.steps import create_tables

    command.upgrade(migration_config(settings), revision)
    if any(table.name.startswith(f"{JOBS}.") for table in tables):
        DBOS.migrate(settings.sync_database_url)
    engine = sa.create_engine(settings.sync_database_url, poolclass=sa.NullPool)
    create_tables(engine)
    known = {table.name: table for table in tables}
    with _connect(settings) as connection:
        present = set(_names(connection, "r"))
        for name, stream in parts:
            table = known[name.removeprefix(FOLDER).removesuffix(SUFFIX)]
            if table.name not in present:
                if table.rows:
                    raise BackupError(f"The backup holds the table {table.name}, which this version does not have.")
                continue
            copy = sql.SQL("COPY {} ({}) FROM STDIN").format(_quoted(table.name), _list(table.columns))
            with connection.cursor() as cursor:
                with cursor.copy(copy) as target:
                    for piece in decompressed(stream):
                        target.write(piece)
                if cursor.rowcount != table.rows:
                    raise Damaged(f"The table {table.name} has {cursor.rowcount} rows, not the {table.rows} backed up.")
        for name, value in sequences.items():
            if value:
                connection.execute("SELECT setval(%s::regclass, %s)", (_quoted(name).as_string(connection), value))
        _make_past(connection, present)


def _make_past(connection: psycopg.Connection[Any], present: set[str]) -> None:
    """Move the change feed's transaction numbers, which are the old server's, below every number of this one.

    Else they would lie in the future and hold up the feed's consumers. Their order stays, and so do the
    consumers' positions.
    """
    tables = [name for name in FEED if name in present]
    newest = [
        _one(connection, sql.SQL("SELECT coalesce(max(transaction), 0) FROM {}").format(_quoted(name)))
        for name in tables
    ]
    for name in tables:
        shift = sql.SQL("UPDATE {} SET transaction = transaction - {}").format(
            _quoted(name), sql.Literal(max(newest) + 1)
        )
        connection.execute(shift)


def _connect(settings: Settings) -> psycopg.Connection[Any]:
    return psycopg.connect(settings.sync_database_url.replace("postgresql+psycopg", "postgresql"))


def _names(connection: psycopg.Connection[Any], kind: str) -> list[str]:
    query = sql.SQL(_TABLES).format(kind=sql.Literal(kind))
    return [row[0] for row in connection.execute(query, {"jobs": JOBS})]


def _ordered(connection: psycopg.Connection[Any], names: list[str]) -> list[str]:
    """Tables after those they refer to."""
    numbers: dict[Any, str] = {}
    for name in names:
        numbers[_one(connection, "SELECT %s::regclass::oid", _quoted(name).as_string(connection))] = name
    graph = TopologicalSorter[str]()
    for name in names:
        rows = connection.execute(_REFERENCES, (_quoted(name).as_string(connection),))
        graph.add(name, *(numbers[row[0]] for row in rows if row[0] in numbers and numbers[row[0]] != name))
    return list(graph.static_order())


def _one(connection: psycopg.Connection[Any], query: Any, *values: Any) -> Any:
    row = connection.execute(query, values or None).fetchone()
    return row[0] if row else None


def _quoted(name: str) -> sql.Identifier:
    return sql.Identifier(*name.split("."))


def _list(columns: list[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, columns))
