"""The collector as a whole: listens, polls, hands over, and says how it is."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import time
from pathlib import Path
from typing import Any

import msgspec
import structlog

from mainstay import __version__
from mainstay.collector.link import Away, Link, Refused
from mainstay.collector.listening import Listening
from mainstay.collector.polling import Polling
from mainstay.collector.scanning import Scanning
from mainstay.collector.sender import Sender
from mainstay.collector.spool import Spool, write_whole
from mainstay.kernel.services import cancelled
from mainstay.modules.monitoring.collectors.wire import Report, Work
from mainstay.settings import Settings

log = structlog.stdlib.get_logger("mainstay.collector")
TOUCH_SECONDS, STATUS_SECONDS, LAST_SECONDS = 10.0, 2.0, 5.0
BUSY_SECONDS, BUSY_TOUCHES = 1.0, 10
"""How often the server is asked while a discovery goes on, and how many times more when it seems done."""


class Running:
    """Everything a collector does, from ``start`` to ``stop``."""

    def __init__(self, settings: Settings) -> None:
        self.link = Link(settings)
        self.folder = folder_of(settings)
        self.spool = Spool(self.folder, settings.collector_spool_mb * 2**20)
        self.sender = Sender(self.spool, self.link)
        loop = asyncio.get_running_loop()

        def told() -> None:
            loop.call_soon_threadsafe(self.sender.told.set)

        self.listening = Listening(settings, self.spool, told)
        self.polling = Polling(self.spool, told)
        self.scanning = Scanning(self.spool, told)
        self._calm = 0
        self.name = ""
        self.note = ""
        self._tag = ""
        self._touched = 0.0
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin. Raises ``SettingError`` for what a person has to put right first."""
        await asyncio.to_thread(self.spool.open)
        await self.listening.start()
        self._tasks = [
            asyncio.create_task(self.sender.run(), name="collector-sender"),
            asyncio.create_task(self.polling.run(), name="collector-polling"),
            asyncio.create_task(self._touch(), name="collector-touch"),
            asyncio.create_task(self._tell(), name="collector-status"),
        ]
        for task in self._tasks:
            task.add_done_callback(_died)

    async def stop(self) -> None:
        """End; what was received is on the disk. What can be handed over at once is."""
        await self.listening.stop()
        await self.scanning.stop()
        until = time.monotonic() + LAST_SECONDS
        while (  # noqa: ASYNC110 - threads empty the spool, too
            self.spool.backlog[0] and not self.sender.problem and time.monotonic() < until
        ):
            await asyncio.sleep(0.05)
        await cancelled(*self._tasks)
        await asyncio.to_thread(self._write_status, False)
        await self.link.close()
        self.spool.close()

    async def _touch(self) -> None:
        """Fetch the work, say how things are; every few seconds."""
        while True:
            try:
                await self.touch()
                self._touched = time.time()
                self.sender.reached.set()
            except (Away, Refused, msgspec.MsgspecError) as error:
                # The sender reports when the server is away; here is only what it does not meet.
                self.note = self.note if isinstance(error, Away) else str(error)[:300]
                log.debug("no word with the server", reason=str(error)[:300])
            # While a discovery goes on, one order follows another.
            self._calm = 0 if self.scanning.busy else self._calm + 1
            await asyncio.sleep(BUSY_SECONDS if self._calm < BUSY_TOUCHES else TOUCH_SECONDS)

    async def touch(self) -> None:
        """One exchange with the server. Raises ``Away`` or ``Refused``."""
        known = {"If-None-Match": self._tag} if self._tag else {}
        answer = await self.link.request("GET", "/api/collector/configuration/", headers=known)
        if answer.status != 304:
            work = msgspec.json.decode(answer.content, type=Work)
            await self.polling.take_over(work)
            await self.scanning.take_over(work)
            self._tag, self.name, self.note = answer.headers.get("etag", ""), work.name, work.note
            log.info("took over the work", collector=work.name, devices=len(work.devices), note=work.note)
        await self.link.request("POST", "/api/collector/report/", msgspec.json.encode(self._report()))

    def _report(self) -> Report:
        segments, size = self.spool.backlog
        return Report(
            software=__version__, hostname=socket.gethostname(), backlog=segments, backlog_bytes=size,
            oldest=self.spool.oldest, received=self.listening.received,
            lost=self._lost, devices=self.polling.devices, error=self._trouble()[:500],
        )  # fmt: skip

    @property
    def _lost(self) -> int:
        return self.listening.lost + self.polling.unkept + self.scanning.unkept

    def _trouble(self) -> str:
        return " ".join(part for part in (self.listening.full, self.note, *self.listening.troubles) if part)

    async def _tell(self) -> None:
        while True:
            await asyncio.to_thread(self._write_status, True)
            await asyncio.sleep(STATUS_SECONDS)

    def _write_status(self, running: bool) -> None:
        segments, size = self.spool.backlog
        found: dict[str, Any] = {
            "running": running, "pid": os.getpid(), "at": time.time(), "name": self.name, "version": __version__,
            "handed_over": self.sender.handed_over, "backlog": segments, "backlog_bytes": size,
            "oldest": self.spool.oldest, "last_contact": self._touched, "received": self.listening.received,
            "lost": self._lost, "devices": self.polling.devices,
            "server_problem": self.sender.problem, "trouble": self._trouble(),
            "listeners": [
                {"name": stats.name, "port": stats.port, "received": stats.received}
                for stats in self.listening.listeners
            ],
        }  # fmt: skip
        try:
            write_whole(self.folder / "status.json", json.dumps(found).encode())
        except OSError as error:
            log.warning("status not written", error=str(error))


def _died(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        # Half a collector looks alive and is not: whoever watches the process starts it anew.
        log.critical("the collector ends", task=task.get_name(), exc_info=error)
        os._exit(70)


def folder_of(settings: Settings) -> Path:
    """Where a collector keeps its spool."""
    return settings.data_dir / "collector"


def status_of(settings: Settings) -> dict[str, Any] | None:
    """What the collector on this folder last said of itself."""
    try:
        found: dict[str, Any] = json.loads((folder_of(settings) / "status.json").read_text())
    except (OSError, ValueError):
        return None
    return found
