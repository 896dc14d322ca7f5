"""Statements that every request runs, straight on the driver.

For them SQLAlchemy's session, result and greenlet cost several times what the database does. It still writes the SQL
and converts the values; only the way to the driver is shorter. See decision 11.
"""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections import namedtuple
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

from sqlalchemy import JSON, Float, Numeric
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.compiler import SQLCompiler

from mainstay.kernel import sqlite
from mainstay.kernel.statements import ANY_ORGANIZATION

if TYPE_CHECKING:
    from mainstay.kernel.database import Database

Row = Sequence[Any]
_NONE: Mapping[str, Any] = {}
COPIED = 20
"""From so many rows on PostgreSQL takes them as a copy."""


class Direct:
    """A statement in the words of one database: its SQL, how values go in and how they come out."""

    __slots__ = ("_inward", "_names", "_outward", "_record", "columns", "sql", "table")

    def __init__(
        self, statement: Any, dialect: Any, columns: Sequence[str] | None = None, written: Collection[str] = ()
    ) -> None:
        """``columns``: those that an insert gives values for; ``written``: documents that are JSON text already."""
        given = None if columns is None else list(columns)
        compiled: SQLCompiler = statement.compile(dialect=dialect, column_keys=given, for_executemany=given is not None)
        held: dict[str, Any] = dict(compiled.construct_params(_check=False))
        known: dict[str, Any] = dict(compiled._bind_processors)
        self.sql = str(compiled)
        order: Sequence[str] = compiled.positiontup or ()
        if compiled.post_compile_params or compiled.literal_execute_params:
            # Lists of values, which are part of the statement.
            expanded = compiled._process_parameters_for_postcompile(held)
            self.sql, order = expanded.statement, expanded.positiontup or ()
            held.update(expanded.additional_parameters)
            known.update(expanded.processors)
        self.table: str = statement.table.name if given is not None else ""
        self._inward: list[tuple[str, Any, Callable[[Any], Any] | None]] = []
        for name in order:
            bind, process = compiled.binds.get(name), known.get(name)
            if bind is None or not bind.required:
                value = held[name]
                self._inward.append(("", process(value) if process else value, None))
            else:
                if process is not None and isinstance(bind.type, JSON):
                    process = None if bind.key in written else _documents(process)
                self._inward.append((bind.key, None, process))
        self.columns = [key for key, _value, _process in self._inward]
        outward = [
            (index, made, isinstance(entry.type, JSON))
            for index, entry in enumerate(compiled._result_columns)
            if (made := entry.type._cached_result_processor(dialect, _code(entry.type))) is not None
        ]
        self._outward = outward
        self._names = [entry.keyname for entry in compiled._result_columns]
        self._record: Any = None

    def values(self, given: Mapping[str, Any]) -> list[Any]:
        """The driver's parameters."""
        return [
            (process(given[key]) if process is not None else given[key]) if key else value
            for key, value, process in self._inward
        ]

    def many(self, rows: Sequence[Mapping[str, Any]], alike: Mapping[str, Any] = _NONE) -> list[tuple[Any, ...]]:
        """The driver's parameters for many rows: column by column, which takes half as long as row by row.

        ``alike``: the values that are the same in all of them.
        """
        return list(zip(*self._columns(rows, alike), strict=True))

    def compact(
        self, rows: Sequence[Mapping[str, Any]], alike: Mapping[str, Any] = _NONE
    ) -> tuple[str, list[tuple[Any, ...]]]:
        """An insert of many rows for SQLite, where what is empty in all of them stands in the statement: most columns
        of most records hold nothing, and binding that takes as long as storing it."""
        columns, words = [], []
        for held in self._columns(rows, alike):
            first = held[0]
            word = _NOTHING.get(first) if first is None or first.__class__ is str else None
            if word is None or held.count(first) < len(held):
                word = "?"
                columns.append(held)
            words.append(word)
        head, _values, places = self.sql.partition(" VALUES ")
        if places != f"({', '.join('?' * len(words))})" or not columns:
            return self.sql, self.many(rows, alike)
        return f"{head} VALUES ({', '.join(words)})", list(zip(*columns, strict=True))

    def _columns(self, rows: Sequence[Mapping[str, Any]], alike: Mapping[str, Any]) -> Iterator[list[Any]]:
        for key, value, process in self._inward:
            if not key:
                yield [value] * len(rows)
                continue
            if key in alike:
                yield [process(alike[key]) if process is not None else alike[key]] * len(rows)
                continue
            held = [row[key] for row in rows]
            if process is None:
                yield held
            elif len(set(map(id, held))) == 1:
                # A stamp or a default: one object for all.
                yield [process(held[0])] * len(rows)
            else:
                yield [process(item) for item in held]

    def read(self, raw: Sequence[Row]) -> Sequence[Row]:
        """What the driver answered, as values."""
        if not self._outward or not raw:
            return raw
        # Column by column: most columns of most lists hold nothing, or the same in every row.
        columns: list[Sequence[Any]] = list(zip(*raw, strict=True))
        for index, process, document in self._outward:
            column = columns[index]
            first = column[0]
            alike = column.count(first) == len(column)
            if alike and first is None:
                continue
            if alike and document and first in _EMPTY:
                make = _EMPTY[first]
                columns[index] = [make() for _ in column]
            elif alike and not document:
                columns[index] = [process(first)] * len(column)
            else:
                columns[index] = [process(value) for value in column]
        return list(zip(*columns, strict=True))

    def first(self, rows: Sequence[Row]) -> Any:
        """The first row with its columns by name, or ``None``."""
        if self._record is None:
            kind: Any = namedtuple("Record", self._names, rename=True)  # type: ignore[misc]
            self._record = kind._make
        return self._record(rows[0]) if rows else None


_NOTHING = {None: "NULL", "": "''", "{}": "'{}'", "[]": "'[]'"}
_EMPTY: dict[str, Callable[[], Any]] = {"{}": dict, "[]": list}


def _documents(process: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Most documents of most rows are empty; those are written once."""
    nothing = {dict: process({}), list: process([])}

    def quick(value: Any) -> Any:
        return process(value) if value else nothing.get(value.__class__) or process(value)

    return quick


def _code(kind: Any) -> int | None:
    """PostgreSQL's number of the types for which SQLAlchemy asks it."""
    if isinstance(kind, Float):
        return 701
    return 1700 if isinstance(kind, Numeric) else None


class Statement:
    """A statement that is kept: put into the words of a database when it first runs there."""

    __slots__ = ("_columns", "_made", "_statement", "_written")

    def __init__(self, statement: Any, columns: Sequence[str] | None = None, written: Collection[str] = ()) -> None:
        self._statement, self._columns, self._written = statement, columns, written
        self._made: dict[str, Direct] = {}

    def on(self, database: Database) -> Direct:
        dialect = database.engine.dialect
        made = self._made.get(dialect.name)
        if made is None:
            made = self._made[dialect.name] = Direct(self._statement, dialect, self._columns, self._written)
        return made


async def run(database: Database, session: AsyncSession, statement: Direct, given: Mapping[str, Any]) -> Sequence[Row]:
    """The rows of a statement: in the session's transaction, or beside it while the session only reads and has none."""
    values = statement.values(given)
    info = session.sync_session.info
    if info.get("reading") and not session.in_transaction():
        database.watch(statement.sql)
        return statement.read(await database.reader.fetch(statement.sql, values))
    connection = await _connection(database, session, statement)
    return statement.read(await _execute(database, connection, statement.sql, values))


async def run_all(
    database: Database, session: AsyncSession, asked: Sequence[tuple[Direct, Mapping[str, Any]]], *, much: bool
) -> list[Sequence[Row]]:
    """The rows of each of several statements. Where they are ``much`` and the session only reads, side by side; each
    then sees what is committed as it begins, also where the session is in a transaction."""
    if not much or len(asked) < 2 or not session.sync_session.info.get("reading"):
        return [await run(database, session, statement, given) for statement, given in asked]
    for statement, _given in asked:
        database.watch(statement.sql)
    fetch = partial(database.reader.fetch, beside=True)
    found = await asyncio.gather(*(fetch(statement.sql, statement.values(given)) for statement, given in asked))
    return [statement.read(rows) for (statement, _given), rows in zip(asked, found, strict=True)]


async def insert(
    database: Database,
    session: AsyncSession,
    statement: Direct,
    rows: Sequence[Mapping[str, Any]],
    alike: Mapping[str, Any] = _NONE,
) -> None:
    """Insert rows in the session's transaction. ``alike``: the values that are the same in all of them, which need not
    be in the rows."""
    connection = await _connection(database, session, statement)
    if len(rows) == 1:
        await _execute(database, connection, statement.sql, statement.values({**rows[0], **alike}))
        return
    packed = statement.compact(rows, alike) if database.is_sqlite else (statement.sql, statement.many(rows, alike))
    sql, values = packed
    try:
        async with connection._execute_mutex:
            if database.is_sqlite:
                driver = connection._connection
                await driver._execute(sqlite._executemany, driver._conn, sqlite._pending(driver), sql, values)
                return
            if connection._transaction is None:
                await connection._start_transaction()
            if len(rows) >= COPIED and all(statement.columns):
                await connection._connection.copy_records_to_table(
                    statement.table, records=values, columns=statement.columns
                )
            else:
                await connection._connection.executemany(sql, values)
    except Exception as error:
        _raise(database, connection, statement.sql, error)


async def insert_with(
    database: Database,
    session: AsyncSession,
    first: Direct,
    row: Mapping[str, Any],
    second: Direct,
    beside: Mapping[str, Any],
) -> None:
    """Insert a row each into two tables, on PostgreSQL in one exchange."""
    connection = await _connection(database, session, first)
    values, others = first.values(row), second.values(beside)
    if database.is_sqlite:
        await _execute(database, connection, first.sql, values)
        await _execute(database, connection, second.sql, others)
        return
    sql = _together.get((first.sql, second.sql))
    if sql is None:
        # The text of an insert holds no literals: every "$1" in it is a parameter.
        behind = _PARAMETER.sub(lambda found: f"${int(found[1]) + len(values)}", second.sql)
        sql = _together[(first.sql, second.sql)] = f"WITH inserted AS ({first.sql}) {behind}"
    await _execute(database, connection, sql, values + others)


_PARAMETER = re.compile(r"\$(\d+)")
_together: dict[tuple[str, str], str] = {}


async def commit(database: Database, session: AsyncSession) -> None:
    """End the session's transaction; without SQLAlchemy's part where it has nothing left to write."""
    sync = session.sync_session
    held = sync.info.get("connection")
    if held is None or held.closed or not sync._is_clean() or sync.in_nested_transaction():
        await session.commit()
        return
    connection = held.connection.dbapi_connection
    driver = connection._connection
    try:
        if not database.is_sqlite:
            if connection._transaction is not None:
                await connection._call_and_discard(connection._transaction.commit)
        elif not sqlite._pending(driver):
            await driver._execute(driver._conn.commit)
    except Exception as error:
        _raise(database, connection, "COMMIT", error)


async def _connection(database: Database, session: AsyncSession, statement: Direct) -> Any:
    """The driver's connection of the session's transaction, as SQLAlchemy wraps it."""
    sync = session.sync_session
    held = sync.info.get("connection")
    if held is None or held.closed:
        held = (await session.connection()).sync_connection
        assert held is not None
        sync.info["connection"] = held
    if sync.info.get("organization") != ANY_ORGANIZATION:
        database.watch(statement.sql)
    return held.connection.dbapi_connection


async def _execute(database: Database, connection: Any, sql: str, values: list[Any]) -> Sequence[Row]:
    driver = connection._connection
    try:
        async with connection._execute_mutex:
            if database.is_sqlite:
                return await sqlite.run(driver, sql, values)
            if connection._transaction is None:
                await connection._start_transaction()
            return await driver.fetch(sql, *values)  # type: ignore[no-any-return]
    except Exception as error:
        _raise(database, connection, sql, error)


def _raise(database: Database, connection: Any, sql: str, error: Exception) -> NoReturn:
    """The error as SQLAlchemy would raise it."""
    dialect: Any = database.engine.dialect
    if not isinstance(error, sqlite3.Error):
        try:
            connection._handle_exception(error)
        except Exception as translated:
            error = translated
    if isinstance(error, dialect.dbapi.Error):
        raise DBAPIError.instance(sql, None, error, dialect.dbapi.Error, hide_parameters=True) from error
    raise error
