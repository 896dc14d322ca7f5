"""SQLite from asyncio with one trip to the connection's thread per statement.

The driver's cursor makes four (open, execute, fetch, close), each a switch of threads that costs more than a typical
statement. Rows are fetched in the same trip: every result is read whole here anyway.
"""

from __future__ import annotations

import collections
from typing import Any

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


def _execute(connection: Any, operation: str, parameters: Any) -> tuple[Outcome, list[Any]]:
    cursor = connection.execute(operation, parameters or ())
    try:
        rows = cursor.fetchall() if cursor.description else []
        return Outcome(cursor.description, cursor.rowcount, cursor.lastrowid), rows
    finally:
        cursor.close()


def _executemany(connection: Any, operation: str, parameters: Any) -> Outcome:
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
            self._cursor, rows = await connection._execute(_execute, connection._conn, operation, parameters)
            self._rows = collections.deque(rows)
        return self

    async def _executemany_async(self, operation: Any, seq_of_parameters: Any) -> Any:
        connection: Any = self._connection
        async with self._adapt_connection._execute_mutex:
            self._cursor = await connection._execute(_executemany, connection._conn, operation, seq_of_parameters)
        return self


def install() -> None:
    """Use this cursor for every SQLite connection of the process."""
    AsyncAdapt_aiosqlite_connection._cursor_cls = OneTripCursor
