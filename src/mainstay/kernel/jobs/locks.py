"""Named locks between the processes of an installation, freed when their holder dies."""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Protocol

import sqlalchemy as sa


class Lease(Protocol):
    """A held lock."""

    def alive(self) -> bool:
        """Whether the lock is still ours (a database connection may have been cut)."""

    def release(self) -> None:
        """Free the lock."""


class Locks(Protocol):
    def claim(self, name: str) -> Lease | None:
        """The lock ``name`` (fit for a file name), or None when anybody, this process included, holds it.

        Blocks briefly.
        """


class _FileLease:
    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def alive(self) -> bool:
        return True

    def release(self) -> None:
        os.close(self._descriptor)


class FileLocks:
    """Locks for processes on one machine: files in ``folder``, held by the kernel."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def claim(self, name: str) -> Lease | None:
        descriptor = os.open(self._folder / name, os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            return None
        return _FileLease(descriptor)


class _AdvisoryLease:
    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def alive(self) -> bool:
        try:
            self._connection.execute(sa.text("SELECT 1"))
        except sa.exc.DBAPIError:
            return False
        return True

    def release(self) -> None:
        # Said, not only hung up: the server notices the end of a connection a moment later.
        with suppress(sa.exc.DBAPIError):
            self._connection.execute(sa.text("SELECT pg_advisory_unlock_all()"))
        self._connection.invalidate()
        self._connection.close()


class AdvisoryLocks:
    """Locks for processes on one PostgreSQL database: advisory locks, each on its own connection."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def claim(self, name: str) -> Lease | None:
        connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        try:
            if connection.execute(sa.select(sa.func.pg_try_advisory_lock(_number(name)))).scalar_one():
                return _AdvisoryLease(connection)
        except BaseException:
            connection.close()
            raise
        connection.close()
        return None


def _number(name: str) -> int:
    digest = hashlib.blake2b(f"mainstay.jobs/{name}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


@asynccontextmanager
async def holding(locks: Locks, name: str, seconds: float = 30.0) -> AsyncIterator[None]:
    """Hold the lock ``name`` for the body. ``TimeoutError`` when it does not come free in ``seconds``."""
    async with asyncio.timeout(seconds):
        while True:
            lease = await asyncio.to_thread(locks.claim, name)
            if lease is not None:
                break
            await asyncio.sleep(0.02)
    try:
        yield
    finally:
        await asyncio.to_thread(lease.release)
