"""SQLite from asyncio with one trip to the connection's thread per statement.

The driver's cursor makes four (open, execute, fetch, close), each a switch of threads that costs more than a typical
statement. Rows are fetched in the same trip: every result is read whole here anyway. A transaction begins in the trip
of its first statement, and nobody waits for the end of one that wrote nothing.
"""

from __future__ import annotations

import collections
import sqlite3
from contextlib import suppress
from typing import Any

from sqlalchemy.dialects.sqlite import aiosqlite
from sqlalchemy.dialects.sqlite.aiosqlite import AsyncAdapt_aiosqlite_connection, AsyncAdapt_aiosqlite_cursor
from sqlalchemy.util import EMPTY_DICT


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


def begin(driver: Any, statement: str) -> None:
    """Begin a transaction with the next statement on this connection."""
    driver.mainstay_begin = statement


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
