"""The open telemetry store: queries and commands off the event loop, writers, backup."""

from __future__ import annotations

import asyncio
import fcntl
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self, TypeVar

import clickhouse_connect
import structlog
from clickhouse_connect.driver.exceptions import ClickHouseError

from mainstay.kernel.telemetry import access_log, dump, migrations
from mainstay.kernel.telemetry.arrow import pa
from mainstay.kernel.telemetry.writer import Writer
from mainstay.settings import Settings

log = structlog.stdlib.get_logger("mainstay.telemetry")
Result = TypeVar("Result")

THREADS = 4
"""Calls to a server at once; reads of the embedded engine at once."""


class TelemetryError(RuntimeError):
    """The telemetry store cannot be opened or read; the text says what to do."""


class TelemetryInUse(TelemetryError):
    """The embedded store's folder is open in another process."""


class Telemetry:
    """The telemetry store. ``await Telemetry.open(settings)`` ... ``await telemetry.close()``.

    The client blocks, so calls run in threads. A handle of the embedded engine is not to be used by two threads at
    once, but there may be several on one folder: one thread writes, and each of a few that read has its own, so that
    a search does not wait behind inserts. A process can hold one embedded store at a time.
    """

    def __init__(self, client: Any, executor: ThreadPoolExecutor, readers: _Readers | None) -> None:
        self._client = client
        self._executor = executor
        self._readers = readers
        self._writers: list[Writer] = []
        self._closed = False

    @classmethod
    async def open(cls, settings: Settings) -> Self:
        """Open the store (creating the folder), and apply migrations.

        Raises ``TelemetryInUse`` when another process holds the folder, ``TelemetryError`` when the store
        does not answer.
        """
        dsn = settings.clickhouse_dsn
        embedded = dsn.startswith("chdb:")
        started = time.perf_counter()
        executor = ThreadPoolExecutor(1 if embedded else THREADS, thread_name_prefix="telemetry")

        def connect() -> Any:
            folder = Path("/" + dsn.removeprefix("chdb:").lstrip("/")) if embedded else None
            if folder is not None:
                folder.mkdir(parents=True, exist_ok=True)
            try:
                # Without a session id a server's client may be shared by threads.
                options: dict[str, Any] = {} if embedded else {"autogenerate_session_id": False}
                client = clickhouse_connect.get_client(dsn=dsn, tz_mode="aware", **options)
            except ClickHouseError as error:
                raise _opening_error(folder, error) from error
            try:
                migrations.migrate(client, settings)
            except BaseException:
                client.close()
                raise
            return client

        try:
            client = await asyncio.get_running_loop().run_in_executor(executor, connect)
        except BaseException:
            executor.shutdown(wait=False)
            raise
        log.info("telemetry opened", embedded=embedded, seconds=round(time.perf_counter() - started, 2))
        return cls(client, executor, _Readers(dsn) if embedded else None)

    async def close(self) -> None:
        """Flush the writers, then close. What a writer cannot store within its time is counted in the log."""
        if self._closed:
            return
        await asyncio.gather(*(writer.close() for writer in self._writers))
        self._closed = True
        if self._readers is not None:
            await asyncio.get_running_loop().run_in_executor(self._executor, self._readers.close)
        await asyncio.get_running_loop().run_in_executor(self._executor, self._client.close)
        self._executor.shutdown(wait=True)

    @property
    def embedded(self) -> bool:
        """Whether the engine is a part of this process."""
        return self._readers is not None

    async def run(self, call: Callable[[Any], Result]) -> Result:
        """``call(client)`` in the thread that writes; its result. For what the other methods do not cover."""
        if self._closed:
            raise TelemetryError("The telemetry store is closed.")
        return await asyncio.get_running_loop().run_in_executor(self._executor, call, self._client)

    async def read(self, call: Callable[[Any], Result]) -> Result:
        """``call(client)`` beside the writes; its result. It sees every row whose insert was answered before."""
        if self._closed:
            raise TelemetryError("The telemetry store is closed.")
        if self._readers is None:
            return await self.run(call)
        return await asyncio.get_running_loop().run_in_executor(self._readers.executor, self._readers.call, call)

    async def query(
        self, sql: str, parameters: Mapping[str, Any] | None = None, settings: Mapping[str, Any] | None = None
    ) -> list[dict[str, Any]]:
        """Rows of a SELECT as ``{column: value}``. Bind values as ``{name:Type}``; times come back aware
        (UTC). ``settings`` are the engine's for this query, such as ``max_execution_time``.

        Raises ``clickhouse_connect``'s ``DatabaseError`` for SQL that the engine refuses.
        """
        bound, limits = dict(parameters or {}), dict(settings or {})
        return await self.read(
            lambda client: list(client.query(sql, parameters=bound, settings=limits).named_results())
        )

    async def command(self, sql: str, parameters: Mapping[str, Any] | None = None) -> Any:
        """Run a statement that returns no rows (DDL, ``OPTIMIZE``); the engine's short answer."""
        bound = dict(parameters or {})
        return await self.run(lambda client: client.command(sql, parameters=bound))

    async def insert(self, table: str, batch: Any, token: str = "", settings: Mapping[str, Any] | None = None) -> None:
        """Store a pyarrow table; it outlives the process when this returns. A batch that comes again with the same
        ``token`` (a retry after an answer that got lost) is stored once."""
        chosen = {**(settings or {}), **({"insert_deduplication_token": token} if token else {})}

        def write(client: Any) -> None:
            # Not client.insert_arrow(), which does the same but loads pandas (see arrow.py).
            buffer = pa.BufferOutputStream()
            with pa.ipc.new_file(buffer, batch.schema) as out:
                out.write_table(batch)
            written = buffer.getvalue()
            content = memoryview(written) if self.embedded else written.to_pybytes()
            client.raw_insert(table, batch.schema.names, content, chosen, fmt="Arrow")

        await self.run(write)

    def writer(self, table: str, columns: Mapping[str, Any], **limits: Any) -> Writer:
        """A batching writer of ``table``; ``columns`` maps names to pyarrow types, in the order of a row's
        values.

        ``limits`` are those of ``Writer`` (rows and seconds). Closed with the store.
        """

        async def insert(batch: Any, token: str) -> None:
            await self.insert(table, batch, token)

        writer = Writer(table, columns, insert, **limits)
        self._writers.append(writer)
        return writer

    def access_log(self) -> Writer:
        """A writer of the API access log; rows are ``AccessLogRow``."""
        return self.writer(access_log.ACCESS_LOG, access_log.COLUMNS)

    async def backup(self, target_dir: Path) -> dict[str, int]:
        """Write every table into ``target_dir`` (made if missing); rows per table.

        Each table is one consistent snapshot. Rows still in a writer are flushed first.
        """
        await asyncio.gather(*(writer.drain() for writer in self._writers))
        return await self.run(lambda client: dump.export(client, target_dir))

    async def restore(self, source_dir: Path) -> dict[str, int]:
        """Load what ``backup`` wrote into this store, whose tables must be empty; rows per table.

        Raises ``TelemetryError`` when the folder holds no backup, a table is not empty, or a file is damaged.
        """
        try:
            return await self.run(lambda client: dump.load(client, source_dir))
        except dump.DumpError as error:
            raise TelemetryError(str(error)) from error


class _Readers:
    """Threads that read the embedded engine, each with a handle of its own, opened when it is first needed."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._own = threading.local()
        self._clients: list[Any] = []
        self.executor = ThreadPoolExecutor(THREADS, thread_name_prefix="telemetry-read")

    def call(self, call: Callable[[Any], Result]) -> Result:
        client = getattr(self._own, "client", None)
        if client is None:
            client = self._own.client = clickhouse_connect.get_client(dsn=self._dsn, tz_mode="aware")
            self._clients.append(client)
        return call(client)

    def close(self) -> None:
        self.executor.shutdown(wait=True, cancel_futures=True)
        for client in self._clients:
            client.close()


def _opening_error(folder: Path | None, error: ClickHouseError) -> TelemetryError:
    if folder is not None and _locked(folder / "status"):
        return TelemetryInUse(
            f"The telemetry folder {folder} is in use by another Mainstay process. Stop it, or set "
            "MAINSTAY_TELEMETRY_URL to a ClickHouse server."
        )
    where = f"in {folder}" if folder is not None else "at MAINSTAY_TELEMETRY_URL"
    return TelemetryError(f"The telemetry store {where} cannot be opened: {str(error).splitlines()[0]}")


def _locked(path: Path) -> bool:
    """Whether a process holds the engine's lock file; the engine's own error does not tell."""
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
