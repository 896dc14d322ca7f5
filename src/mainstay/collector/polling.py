"""Polling at the site: the devices that the server named, asked with the same code, the answers onto the spool.

Credentials are in memory only. While the server is away the last work is gone on with.
"""

from __future__ import annotations

import asyncio
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from mainstay.collector.spool import Full, Spool
from mainstay.modules.monitoring.collectors.wire import PolledDevice, Work
from mainstay.modules.monitoring.discovery.ping import Pinger
from mainstay.modules.monitoring.polling.asking import ask
from mainstay.modules.monitoring.polling.known import Known
from mainstay.modules.monitoring.polling.measured import encoded
from mainstay.modules.monitoring.polling.readings import Reading
from mainstay.modules.monitoring.snmp.ber import Malformed
from mainstay.modules.monitoring.snmp.client import Access, SnmpError
from mainstay.modules.monitoring.snmp.lines import Lines

log = structlog.stdlib.get_logger("mainstay.collector")
AT_ONCE, LIMIT, LOOK = 256, 30.0, 0.5
NO_CREDENTIAL = "Its credential is not there, or not active, any more."


@dataclass(slots=True)
class _Device:
    work: PolledDevice
    due: float
    running: bool = False
    known: Known = field(default_factory=Known)


class Polling:
    """Runs until it is cancelled."""

    def __init__(self, spool: Spool, told: Callable[[], None]) -> None:
        self._spool = spool
        self._told = told
        self._devices: dict[str, _Device] = {}
        self._access: dict[str, Access] = {}
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._pinger = Pinger()
        self._lines = Lines()
        self._polls: set[asyncio.Task[None]] = set()
        self.unkept = 0
        """Polls that the spool had no room for."""

    @property
    def devices(self) -> int:
        return len(self._devices)

    async def take_over(self, work: Work) -> None:
        """What is to be polled from now on."""
        access = {}
        for key, given in work.credentials.items():
            try:
                access[key] = await asyncio.to_thread(given.made)
            except (KeyError, ValueError) as error:
                log.error("a credential cannot be used", credential=key, error=str(error)[:200])
        self._access = access
        now, found = time.monotonic(), {}
        for item in work.devices:
            known = self._devices.get(item.ci)
            if known is None:
                # At a moment of its own, so that the devices are spread over the interval.
                phase = zlib.crc32(item.ci.encode()) % 10_000 / 10_000 * item.interval
                known = _Device(item, now + phase)
            if item.asked_at > (known.work.asked_at if known.work is not item else time.time() - item.interval):
                known.due = now
            known.work = item
            found[item.ci] = known
        self._devices = found

    async def run(self) -> None:
        while True:
            now = time.monotonic()
            for device in self._devices.values():
                if device.due <= now and not device.running:
                    # A poll that is late is left out rather than made up for.
                    device.due = max(device.due + device.work.interval, now + device.work.interval / 2)
                    device.running = True
                    task = asyncio.create_task(self._one(device))
                    self._polls.add(task)
                    task.add_done_callback(self._polls.discard)
            await asyncio.sleep(LOOK)

    async def _one(self, device: _Device) -> None:
        try:
            async with self._slots:
                made = await self.poll(device.work, device.known)
            await asyncio.to_thread(self._spool.append, "poll", made)
            self._told()
        except Full:
            self.unkept += 1
        except Exception as error:
            log.warning("poll failed", ci=device.work.ci, error=str(error), exc_info=error)
        finally:
            device.running = False

    async def poll(self, work: PolledDevice, known: Known | None = None) -> bytes:
        """One poll of one device, as it is handed over."""
        at, started = time.time(), time.monotonic()
        reading: Reading | None = None
        error = ""
        took, lost = await self._pinger.several(work.address) if work.ping else (None, None)
        if work.credential:
            access = self._access.get(work.credential)
            try:
                if access is None:
                    raise ValueError(NO_CREDENTIAL)
                async with asyncio.timeout(min(LIMIT, work.interval)):
                    reading = await ask(work.address, access, known=known, lines=self._lines)
            except TimeoutError:
                error = "It was not done in time."
            except (SnmpError, Malformed, ValueError, OSError) as failed:
                error = str(failed)[:500]
        return encoded(work.ci, at, time.monotonic() - started, took, lost, reading, error)
