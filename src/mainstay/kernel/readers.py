"""Connections of their own for statements that only read: no transaction to begin and to end around each."""

from __future__ import annotations

import asyncio
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter
from typing import TYPE_CHECKING, Any, NoReturn

from sqlalchemy.exc import DBAPIError

from mainstay.kernel import sqlite
from mainstay.kernel.direct import Row

if TYPE_CHECKING:
    from mainstay.kernel.database import Database

READERS = 4


class Reader(ABC):
    """Runs statements that stand alone."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @abstractmethod
    async def fetch(self, sql: str, values: list[Any], *, beside: bool = False) -> Sequence[Row]:
        """The rows of one statement. ``beside``: others are asked at the same time."""

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
        self._rested: list[sqlite3.Connection] = []
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
        # The one used last, whatever thread this is: it has most of what is asked for in its cache.
        try:
            connection = self._rested.pop()
        except IndexError:
            connection = self._open()
            connection.execute("PRAGMA busy_timeout=15000").close()
        try:
            return connection.execute(sql, values).fetchall()
        finally:
            self._rested.append(connection)

    async def fetch(self, sql: str, values: list[Any], *, beside: bool = False) -> Sequence[Row]:
        try:
            turns = self._slow.get(sql, 0)
            if turns:
                self._slow[sql] = turns - 1
            elif not beside:
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
        # Names of many links are joined to a few rows, in the order given. To weigh the other orders takes the server
        # 5 ms for each page of a list, twice what it then takes to read it.
        await made.execute("SET join_collapse_limit = 3")
        for kind in ("json", "jsonb"):
            await getattr(dialect, f"setup_asyncpg_{kind}_codec")(_Wrapped(made))
        return made

    async def fetch(self, sql: str, values: list[Any], *, beside: bool = False) -> Sequence[Row]:
        import asyncpg

        async with self._room:
            while True:
                kept = bool(self._idle)
                connection = self._idle.pop() if kept else await self._open()
                try:
                    rows = await connection.fetch(sql, *values)
                except (asyncpg.PostgresConnectionError, asyncpg.InterfaceError, OSError) as error:
                    connection.terminate()
                    if not kept:
                        self._refused(sql, error)
                    # The server went away meanwhile; nothing was changed, so another connection may ask again.
                except asyncpg.PostgresError as error:
                    self._idle.append(connection)
                    self._refused(sql, error)
                except BaseException:
                    connection.terminate()
                    raise
                else:
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
