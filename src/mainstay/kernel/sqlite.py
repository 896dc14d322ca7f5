"""SQLite from asyncio with one trip to the connection's thread per statement.

The driver's cursor makes four (open, execute, fetch, close), each a switch of threads that costs more than a typical
statement. Rows are fetched in the same trip: every result is read whole here anyway. A transaction begins in the trip
of its first statement, and nobody waits for the end of one that wrote nothing.
"""

from __future__ import annotations

import collections
import sqlite3
from contextlib import suppress
from time import perf_counter
from typing import Any

from sqlalchemy.dialects.sqlite import aiosqlite
from sqlalchemy.dialects.sqlite.aiosqlite import AsyncAdapt_aiosqlite_connection, AsyncAdapt_aiosqlite_cursor
from sqlalchemy.util import EMPTY_DICT

AT_ONCE = 0.008
"""Seconds that a statement may keep the others waiting before it is given to a thread."""
PATIENCE = 15000
"""Milliseconds that a statement waits for another process's transaction."""
MAPPED = 2**31 - 2**16
"""Bytes of the file that are read without a system call each: the most that SQLite takes."""
_slow: dict[str, int] = {}


class Outcome:
    """What a statement left behind."""

    __slots__ = ("arraysize", "description", "lastrowid", "rowcount")

    def __init__(self, description: Any = None, rowcount: int = -1, lastrowid: int | None = None) -> None:
        self.description = description
        self.rowcount = rowcount
        self.lastrowid = lastrowid
        self.arraysize = 1

    async def close(self) -> None:
        """The real cursor is closed already."""


def begin(driver: Any, write: Any) -> None:
    """Begin a transaction with the next statement on this connection."""
    driver.mainstay_begin = "BEGIN IMMEDIATE" if write else "BEGIN"
    driver.mainstay_writes = bool(write)


def unfinished(driver: Any) -> bool:
    """Whether the connection is inside a transaction that nothing is about to end."""
    return bool(driver.in_transaction) and not getattr(driver, "mainstay_ending", False)


def _pending(driver: Any) -> str:
    statement: str = getattr(driver, "mainstay_begin", "")
    driver.mainstay_begin = ""
    return statement


def _execute(connection: Any, begin: str, operation: str, parameters: Any) -> tuple[Outcome, list[Any]]:
    if begin:
        connection.execute(begin).close()
    cursor = connection.execute(operation, parameters or ())
    try:
        rows = cursor.fetchall() if cursor.description else []
        return Outcome(cursor.description, cursor.rowcount, cursor.lastrowid), rows
    finally:
        cursor.close()


def _executemany(connection: Any, begin: str, operation: str, parameters: Any) -> Outcome:
    if begin:
        connection.execute(begin).close()
    cursor = connection.executemany(operation, parameters)
    try:
        return Outcome(None, cursor.rowcount, cursor.lastrowid)
    finally:
        cursor.close()


def _begun(driver: Any, begin: str) -> bool:
    """Whether the connection is in its transaction, after beginning it if that takes no wait."""
    if not begin:
        return bool(driver.in_transaction)
    if driver.in_transaction or not driver._tx.empty():
        return False  # its thread still ends the one before
    connection = driver._conn
    connection.execute("PRAGMA busy_timeout=0").close()
    try:
        connection.execute(begin).close()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
            raise
        return False
    finally:
        connection.execute(f"PRAGMA busy_timeout={PATIENCE}").close()
    return True


async def run(driver: Any, sql: str, values: list[Any]) -> list[Any]:
    """The rows of a small statement of a transaction.

    In one that writes, statements run where they are: the trip would take longer than they do. What proves slow takes
    it the next times, and so does the beginning where another process writes.
    """
    begin = _pending(driver)
    turns = _slow.get(sql, 0)
    if turns:
        _slow[sql] = turns - 1
    elif getattr(driver, "mainstay_writes", False) and _begun(driver, begin):
        until = perf_counter() + AT_ONCE
        rows = _execute(driver._conn, "", sql, values)[1]
        if perf_counter() > until:
            if len(_slow) > 1000:
                _slow.clear()
            _slow[sql] = 100
        return rows
    answered: tuple[Outcome, list[Any]] = await driver._execute(_execute, driver._conn, begin, sql, values)
    return answered[1]


class OneTripCursor(AsyncAdapt_aiosqlite_cursor):
    """A cursor whose statement, rows and closing are one call in the connection's thread."""

    __slots__ = ()

    def __init__(self, adapt_connection: Any) -> None:
        self._adapt_connection = adapt_connection
        self._connection = adapt_connection._connection
        self._cursor: Any = Outcome()
        self._soft_closed_memoized = EMPTY_DICT
        self._rows = collections.deque()

    async def _execute_async(self, operation: Any, parameters: Any) -> Any:
        connection: Any = self._connection
        async with self._adapt_connection._execute_mutex:
            self._cursor, rows = await connection._execute(
                _execute, connection._conn, _pending(connection), operation, parameters
            )
            self._rows = collections.deque(rows)
        return self

    async def _executemany_async(self, operation: Any, seq_of_parameters: Any) -> Any:
        connection: Any = self._connection
        async with self._adapt_connection._execute_mutex:
            self._cursor = await connection._execute(
                _executemany, connection._conn, _pending(connection), operation, seq_of_parameters
            )
        return self


def _rollback(driver: Any) -> None:
    # Where this fails the transaction stays open, and the pool does not hand the connection out again.
    with suppress(sqlite3.Error):
        driver._conn.rollback()
    driver.mainstay_ending = False


class OneTripConnection(AsyncAdapt_aiosqlite_connection):
    """A connection that spares the trips in which nothing happens."""

    __slots__ = ()
    _cursor_cls = OneTripCursor

    def commit(self) -> None:
        driver: Any = self._connection
        if not _pending(driver):
            super().commit()

    def rollback(self) -> None:
        """Give up the transaction. The next statement waits its turn behind it in the connection's thread."""
        driver: Any = self._connection
        begun = not _pending(driver)
        if begun and driver._connection and unfinished(driver):
            driver.mainstay_ending = True
            driver._tx.put_nowait((None, lambda: _rollback(driver)))


def install() -> None:
    """Use these connections for every SQLite database of the process."""
    aiosqlite.AsyncAdapt_aiosqlite_connection = OneTripConnection  # type: ignore[misc]
