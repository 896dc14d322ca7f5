"""Statements that every request runs, straight on the driver.

For them SQLAlchemy's session, result and greenlet cost several times what the database does. It still writes the SQL
and converts the values; only the way to the driver is shorter. See decision 11.
"""

from __future__ import annotations

import asyncio
import re
import sqlite3
from abc import ABC, abstractmethod
from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import local
from time import perf_counter
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
READERS = 4
COPIED = 20
"""From so many rows on PostgreSQL takes them as a copy."""


class Direct:
    """A statement in the words of one database: its SQL, how values go in and how they come out."""

    __slots__ = ("_inward", "_names", "_outward", "_record", "columns", "sql", "table")

    def __init__(self, statement: Any, dialect: Any, columns: Sequence[str] | None = None) -> None:
        """``columns``: those that an insert gives values for."""
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
                    process = _documents(process)
                self._inward.append((bind.key, None, process))
        self.columns = [key for key, _value, _process in self._inward]
        outward = [
            (index, made)
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

    def many(self, rows: Sequence[Mapping[str, Any]]) -> list[tuple[Any, ...]]:
        """The driver's parameters for many rows: column by column, which takes half as long as row by row."""
        columns: list[Any] = []
        for key, value, process in self._inward:
            if not key:
                columns.append([value] * len(rows))
                continue
            held = [row[key] for row in rows]
            if process is None:
                columns.append(held)
            elif len(set(map(id, held))) == 1:
                # A stamp or a default: one object for all.
                columns.append([process(held[0])] * len(rows))
            else:
                columns.append([process(item) for item in held])
        return list(zip(*columns, strict=True))

    def read(self, raw: Sequence[Row]) -> Sequence[Row]:
        """What the driver answered, as values."""
        if not self._outward:
            return raw
        read = []
        for row in raw:
            out = list(row)
            for index, process in self._outward:
                out[index] = process(out[index])
            read.append(out)
        return read

    def first(self, rows: Sequence[Row]) -> Any:
        """The first row with its columns by name, or ``None``."""
        if self._record is None:
            kind: Any = namedtuple("Record", self._names, rename=True)  # type: ignore[misc]
            self._record = kind._make
        return self._record(rows[0]) if rows else None


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

    __slots__ = ("_columns", "_made", "_statement")

    def __init__(self, statement: Any, columns: Sequence[str] | None = None) -> None:
        self._statement, self._columns = statement, columns
        self._made: dict[str, Direct] = {}

    def on(self, database: Database) -> Direct:
        dialect = database.engine.dialect
        made = self._made.get(dialect.name)
        if made is None:
            made = self._made[dialect.name] = Direct(self._statement, dialect, self._columns)
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


async def insert(
    database: Database, session: AsyncSession, statement: Direct, rows: Sequence[Mapping[str, Any]]
) -> None:
    """Insert rows in the session's transaction."""
    connection = await _connection(database, session, statement)
    if len(rows) == 1:
        await _execute(database, connection, statement.sql, statement.values(rows[0]))
        return
    values = statement.many(rows)
    try:
        async with connection._execute_mutex:
            if database.is_sqlite:
                driver = connection._connection
                await driver._execute(sqlite._executemany, driver._conn, sqlite._pending(driver), statement.sql, values)
                return
            if connection._transaction is None:
                await connection._start_transaction()
            if len(rows) >= COPIED and all(statement.columns):
                await connection._connection.copy_records_to_table(
                    statement.table, records=values, columns=statement.columns
                )
            else:
                await connection._connection.executemany(statement.sql, values)
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


class Reader(ABC):
    """Connections of their own for statements that stand alone: no transaction to begin and to end around each."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @abstractmethod
    async def fetch(self, sql: str, values: list[Any]) -> Sequence[Row]:
        """The rows of one statement."""

    @abstractmethod
    async def close(self) -> None:
        """Close the connections."""


class SqliteReader(Reader):
    """Runs a statement on the spot, which takes less than handing it to a thread; one that takes long goes to one."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._path = str(database.engine.url.database)
        self._here: sqlite3.Connection | None = None
        self._until = 0.0
        self._slow: dict[str, int] = {}
        self._thread = local()
        self._opened: list[sqlite3.Connection] = []
        self._pool = ThreadPoolExecutor(READERS, thread_name_prefix="sqlite-reader")

    def _open(self) -> sqlite3.Connection:
        made = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False, cached_statements=500)
        for pragma in ("busy_timeout=0", "query_only=ON", "cache_size=-32768",
                       f"mmap_size={sqlite.MAPPED}", "temp_store=MEMORY"):  # fmt: skip
            made.execute(f"PRAGMA {pragma}").close()
        self._opened.append(made)
        return made

    def _over(self) -> int:
        return 1 if perf_counter() > self._until else 0

    def _there(self, sql: str, values: list[Any]) -> list[Any]:
        connection: sqlite3.Connection | None = getattr(self._thread, "connection", None)
        if connection is None:
            connection = self._thread.connection = self._open()
            connection.execute("PRAGMA busy_timeout=15000").close()
        return connection.execute(sql, values).fetchall()

    async def fetch(self, sql: str, values: list[Any]) -> Sequence[Row]:
        try:
            turns = self._slow.get(sql, 0)
            if turns:
                self._slow[sql] = turns - 1
            else:
                if self._here is None:
                    self._here = self._open()
                    self._here.set_progress_handler(self._over, 5000)
                self._until = perf_counter() + sqlite.AT_ONCE
                try:
                    return self._here.execute(sql, values).fetchall()
                except sqlite3.OperationalError as error:
                    if error.sqlite_errorcode not in (sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_BUSY):
                        raise
                if len(self._slow) > 1000:
                    self._slow.clear()
                # Perhaps it was the machine that was slow, or an unusual value: it is tried again later.
                self._slow[sql] = 100
            return await asyncio.get_running_loop().run_in_executor(self._pool, self._there, sql, values)
        except sqlite3.Error as error:
            raise DBAPIError.instance(sql, None, error, sqlite3.Error, hide_parameters=True) from error

    async def close(self) -> None:
        self._pool.shutdown(wait=True)
        self._here = None
        while self._opened:
            self._opened.pop().close()


class PostgresReader(Reader):
    """A few connections without transactions: one exchange per statement."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._idle: list[Any] = []
        self._room = asyncio.Semaphore(READERS)

    async def _open(self) -> Any:
        import asyncpg  # type: ignore[import-untyped]

        dialect: Any = self._database.engine.dialect
        places, options = dialect.create_connect_args(self._database.engine.url)
        options.pop("prepared_statement_cache_size", None)
        made = await asyncpg.connect(*places, **options, statement_cache_size=500)
        for kind in ("json", "jsonb"):
            await getattr(dialect, f"setup_asyncpg_{kind}_codec")(_Wrapped(made))
        return made

    async def fetch(self, sql: str, values: list[Any]) -> Sequence[Row]:
        import asyncpg

        async with self._room:
            while self._idle:
                connection = self._idle.pop()
                try:
                    rows = await connection.fetch(sql, *values)
                except (asyncpg.PostgresConnectionError, asyncpg.InterfaceError, OSError):
                    # The server went away meanwhile; nothing was changed, so a new connection may ask again.
                    connection.terminate()
                    continue
                except asyncpg.PostgresError as error:
                    self._idle.append(connection)
                    self._refused(sql, error)
                except BaseException:
                    connection.terminate()
                    raise
                self._idle.append(connection)
                return rows  # type: ignore[no-any-return]
            connection = await self._open()
            try:
                rows = await connection.fetch(sql, *values)
            except asyncpg.PostgresError as error:
                self._idle.append(connection)
                self._refused(sql, error)
            except BaseException:
                connection.terminate()
                raise
            self._idle.append(connection)
            return rows  # type: ignore[no-any-return]

    def _refused(self, sql: str, error: Exception) -> NoReturn:
        dbapi: Any = self._database.engine.dialect.dbapi
        kinds = dbapi._asyncpg_error_translate
        kind = next((kinds[each] for each in type(error).__mro__ if each in kinds), dbapi.Error)
        raise DBAPIError.instance(sql, None, kind(str(error), error), dbapi.Error, hide_parameters=True) from error

    async def close(self) -> None:
        while self._idle:
            await self._idle.pop().close()


class _Wrapped:
    """What SQLAlchemy's codecs take a connection from."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
