"""What is received at the site: syslog over UDP, TCP and TLS, and traps, with sender and time, onto the spool."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable
from datetime import UTC, datetime

import structlog

from mainstay.collector.spool import Full, Spool
from mainstay.kernel.handover import packed
from mainstay.kernel.intake.batch import Batch, one_source
from mainstay.kernel.intake.certificate import server_context
from mainstay.kernel.intake.inbox import Inbox
from mainstay.kernel.intake.stats import ListenerStats
from mainstay.kernel.intake.storm import StormLimit
from mainstay.kernel.intake.tcp import TcpReceiver
from mainstay.kernel.intake.udp import UdpReceiver
from mainstay.modules.monitoring.snmp import message
from mainstay.modules.monitoring.snmp.ber import Malformed
from mainstay.modules.monitoring.snmp.message import Message, Pdu
from mainstay.settings import SettingError, Settings

log = structlog.stdlib.get_logger("mainstay.collector")
SYSLOG, TRAP = "syslog", "trap"
WAITING = 100_000
ROOM_SECONDS, WATCH_SECONDS = 0.5, 5.0
HEAD = "<44>1 {at} {host} mainstay-collector - - - "
"""Facility syslog, severity warning."""


class Listening:
    """The listeners of a collector. One that cannot be had is reported, and the others work."""

    def __init__(self, settings: Settings, spool: Spool, told: Callable[[], None]) -> None:
        self._settings = settings
        self._spool = spool
        self._told = told
        self.listeners: list[ListenerStats] = []
        self.troubles: list[str] = []
        self.unkept = 0
        """Datagrams that the spool had no room for."""
        self.full = ""
        """Why nothing can be kept now; empty when it can."""
        self._reported = 0
        self._udp: list[UdpReceiver] = []
        self._tcp: list[TcpReceiver] = []
        self._limits: list[tuple[str, StormLimit]] = []
        self._inboxes: list[Inbox[Batch]] = []
        self._work: list[asyncio.Task[None]] = []
        self._watching: asyncio.Task[None] | None = None

    async def start(self) -> None:
        settings = self._settings
        # Unlike a server, which may be for this machine only, a collector is there for its network.
        host = settings.intake_host
        if settings.syslog_port:
            self._datagrams("syslog-udp", SYSLOG, host, settings.syslog_port, settings.syslog_source_limit)
            await self._streams("syslog-tcp", host, settings.syslog_port, False)
        if settings.syslog_tls_port:
            await self._streams("syslog-tls", host, settings.syslog_tls_port, True)
        if settings.trap_port:
            self._datagrams("traps", TRAP, host, settings.trap_port, settings.trap_source_limit)
        self._watching = asyncio.create_task(self._watch(), name="collector-watch")

    def _datagrams(self, name: str, kind: str, host: str, port: int, rate: int) -> None:
        limit = StormLimit(rate) if rate else None
        inbox: Inbox[Batch] = Inbox(WAITING, lambda batch: batch.weight)
        receiver = UdpReceiver(name, host, port, inbox.put, limit=limit)
        try:
            receiver.start()
        except OSError as error:
            self._trouble(name, port, error)
            return
        self._udp.append(receiver)
        self.listeners.append(receiver.stats)
        if limit is not None:
            self._limits.append((kind, limit))
        self._inboxes.append(inbox)
        self._work.append(asyncio.create_task(self._lossy(kind, inbox, receiver), name=name))

    async def _streams(self, name: str, host: str, port: int, tls: bool) -> None:
        inbox: Inbox[Batch] = Inbox(WAITING, lambda batch: batch.weight)
        try:
            context = server_context(self._settings) if tls else None
            # None is every address here, where the empty text is for datagrams.
            receiver = TcpReceiver(name, host, port, inbox, tls=context)
            await receiver.start()
        except (OSError, SettingError) as error:
            self._trouble(name, port, error)
            return
        self._tcp.append(receiver)
        self.listeners.append(receiver.stats)
        self._inboxes.append(inbox)
        self._work.append(asyncio.create_task(self._patient(inbox), name=name))

    def _trouble(self, name: str, port: int, error: Exception) -> None:
        self.troubles.append(f"{name}: port {port} cannot be had: {getattr(error, 'strerror', None) or error}.")
        log.error("not listening", listener=name, port=port, error=str(error))

    async def stop(self) -> None:
        """Take no more; what was received is kept."""
        if self._watching is not None:
            self._watching.cancel()
        for udp in self._udp:
            await asyncio.to_thread(udp.stop)
        for tcp in self._tcp:
            await tcp.stop()
        for inbox in self._inboxes:
            inbox.close()
        if self._work:
            _done, late = await asyncio.wait(self._work, timeout=10)
            for task in late:
                task.cancel()
        await self._summarise()

    async def _lossy(self, kind: str, inbox: Inbox[Batch], receiver: UdpReceiver) -> None:
        """Datagrams: who sent them cannot be told to wait, so what does not fit is counted."""
        while (batch := await inbox.get()) is not None:
            if not await self._keep(kind, batch):
                self.unkept += len(batch)
            elif kind == TRAP:
                for answer, sender in await asyncio.to_thread(confirmations, batch):
                    receiver.send(answer, sender)

    async def _patient(self, inbox: Inbox[Batch]) -> None:
        """Streams: until there is room the inbox fills, and its senders are held back."""
        while (batch := await inbox.get()) is not None:
            while not await self._keep(SYSLOG, batch):  # noqa: ASYNC110 - the spool is emptied by another task's calls
                await asyncio.sleep(ROOM_SECONDS)

    async def _keep(self, kind: str, batch: Batch) -> bool:
        try:
            await asyncio.to_thread(lambda: self._spool.append(kind, packed(batch)))
        except Full as error:
            if not self.full:
                log.error("nothing can be kept: datagrams are lost, streams held back", reason=str(error))
            self.full = str(error)
            return False
        if self.full:
            log.info("what is received is kept again")
        self.full = ""
        self._told()
        return True

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            await self._summarise()

    @property
    def received(self) -> int:
        return sum(stats.received for stats in self.listeners)

    @property
    def lost(self) -> int:
        """Since the start: had no room in the spool or in the kernel, or came faster than their limit."""
        return self.unkept + sum(stats.look().kernel_dropped + stats.limited for stats in self.listeners)

    async def _summarise(self) -> None:
        """Say what was lost, as log lines that go the way of the others."""
        found: list[tuple[str, str]] = []
        for kind, limit in self._limits:
            what = "traps" if kind == TRAP else "lines"
            found += [
                (storm.address, f"Storm limit: {storm.dropped} {what} from {storm.address} were not taken: they came "
                                "faster than its limit.")
                for storm in limit.summaries()
            ]  # fmt: skip
        unkept = self.unkept + sum(stats.look().kernel_dropped for stats in self.listeners)
        if unkept > self._reported:
            found.append(("127.0.0.1", f"{unkept - self._reported} datagrams were lost at this collector: it had no "
                                       "room for them."))  # fmt: skip
        head = HEAD.format(at=datetime.fromtimestamp(time.time(), UTC).isoformat(), host=socket.gethostname() or "-")
        for address, text in found:
            if not await self._keep(SYSLOG, one_source([(head + text).encode()], address)):
                return
        self._reported = unkept


def confirmations(batch: Batch) -> list[tuple[bytes, tuple[str, int]]]:
    """The answers to the informs among these traps; they are due once the informs are kept.

    Those of version 3 would have to be opened with secrets that are not here: their senders go on unconfirmed.
    """
    found: list[tuple[bytes, tuple[str, int]]] = []
    for packet, sender, _received in batch.rows():
        try:
            got = message.decode(packet)
        except (Malformed, ValueError, IndexError):
            continue
        if isinstance(got, Message) and isinstance(got.pdu, Pdu) and got.pdu.kind == message.INFORM:
            answer = Pdu(message.RESPONSE, got.pdu.request_id, 0, 0, got.pdu.varbinds)
            found.append((message.encode(got.version, got.community, answer), sender))
    return found
