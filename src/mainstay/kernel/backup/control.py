"""How a backup gets at the embedded telemetry store, which belongs to the serving process: a Unix socket on
which that process exports the store on request, for as long as the caller stays connected."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import structlog

from mainstay.kernel.backup.archive import BackupError
from mainstay.kernel.backup.folder import Claim, owner
from mainstay.kernel.telemetry import Telemetry
from mainstay.settings import Settings

log = structlog.get_logger("mainstay.backup")
SOCKET = "control.sock"
EXPORTS = "exports"
LONGEST = 100
"""Bytes that fit into a Unix socket's address on every system."""


class Control:
    """The socket of a serving process."""

    def __init__(self, settings: Settings, telemetry: Telemetry) -> None:
        self._exports = settings.data_dir / EXPORTS
        self._telemetry = telemetry
        self._path = settings.data_dir.resolve() / SOCKET
        self._private: Path | None = None
        self._server: asyncio.Server | None = None
        self._one = asyncio.Lock()

    async def start(self, claim: Claim, **facts: object) -> None:
        """Listen, and publish where."""
        # What a killed process was exporting.
        await asyncio.to_thread(shutil.rmtree, self._exports, ignore_errors=True)
        if len(str(self._path).encode()) > LONGEST:
            self._private = Path(tempfile.mkdtemp(prefix="mainstay-"))
            self._path = self._private / SOCKET
        self._path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._answer, str(self._path))
        self._path.chmod(0o600)
        claim.publish(socket=str(self._path), **facts)

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        self._path.unlink(missing_ok=True)
        if self._private is not None:
            self._private.rmdir()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        folder: Path | None = None
        try:
            request = json.loads(await reader.readline())
            if request.get("do") != "export telemetry":
                raise ValueError(f"unknown request {request.get('do')!r}")
            async with self._one:
                self._exports.mkdir(mode=0o700, exist_ok=True)
                folder = Path(tempfile.mkdtemp(dir=self._exports))
                answer: dict[str, object] = {
                    "tables": await self._telemetry.backup(folder),
                    "folder": str(folder),
                }
        except Exception as error:  # The caller is told, and the server goes on.
            log.warning("telemetry export failed", error=str(error))
            answer = {"error": str(error) or type(error).__name__}
        with suppress(OSError):
            writer.write(json.dumps(answer).encode() + b"\n")
            await writer.drain()
            # The files stay until the caller hangs up, or dies.
            await reader.read()
            writer.close()
        if folder is not None:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


@contextmanager
def exported(settings: Settings, seconds: float = 15.0) -> Iterator[tuple[Path, dict[str, int]]]:
    """Have the owner of the data folder export its telemetry: the files, for the body, and rows per table.

    Blocking. Raises ``BackupError`` when it does not answer.
    """
    until = time.monotonic() + seconds
    while True:
        facts = owner(settings)
        if facts is not None and "socket" in facts:
            break
        # It starts or stops just now.
        if facts is None or time.monotonic() >= until:
            what = f"process {facts['pid']}" if facts and "pid" in facts else "process"
            raise BackupError(
                f"The {what} that uses {settings.data_dir} does not take requests. Try again, or stop it."
            )
        time.sleep(0.1)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(3600)
        try:
            connection.connect(facts["socket"])
            connection.sendall(b'{"do": "export telemetry"}\n')
            with connection.makefile("rb") as stream:
                answer = json.loads(stream.readline() or b'{"error": "it stopped"}')
        except (OSError, ValueError) as error:
            raise BackupError(
                f"The server (process {facts.get('pid')}) does not answer: {error}. Try again, or stop it."
            ) from error
        if "error" in answer:
            raise BackupError(f"The running server could not export its telemetry: {answer['error']}")
        yield Path(answer["folder"]), answer["tables"]
