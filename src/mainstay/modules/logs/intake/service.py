"""The service that listens for syslog and takes its lines to the store; also the door for lines that come by HTTP."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import polars as pl
import structlog

from mainstay.kernel.intake.batch import Batch, one_source
from mainstay.kernel.intake.certificate import server_context
from mainstay.kernel.intake.inbox import Inbox
from mainstay.kernel.intake.stats import ListenerStats
from mainstay.kernel.intake.storm import Storm, StormLimit
from mainstay.kernel.intake.tcp import TcpReceiver
from mainstay.kernel.intake.udp import UdpReceiver
from mainstay.kernel.services import Service
from mainstay.modules.logs.intake import retention, stages, tokens
from mainstay.modules.logs.intake.lines import FACILITY, FRAME, UNPARSED
from mainstay.modules.logs.intake.metrics import Exposed
from mainstay.modules.logs.intake.sources import Sources
from mainstay.modules.logs.intake.store import LogStore, store_of
from mainstay.modules.logs.intake.syslog import Sender, parse, texts
from mainstay.modules.logs.intake.tally import Tally
from mainstay.settings import SettingError

if TYPE_CHECKING:
    from mainstay.kernel.platform import Platform

log = structlog.get_logger("mainstay.logs")
INBOX = 200_000
"""Lines received and not yet parsed; a long one counts as several."""
WATCH_SECONDS = 5.0
LOSING_SECONDS = 300.0
STORM = "_storm"


class LogIntake(Service):
    """Listens on the ports of the settings. One that cannot be had is reported, and the others work."""

    def __init__(self, platform: Platform) -> None:
        super().__init__(platform)
        self.tally = Tally()
        self.sources: Sources = platform.memory.setdefault(Sources, Sources(platform))
        self.listeners: list[ListenerStats] = []
        self.troubles: dict[str, str] = {}
        """Listeners that do not listen, and why."""
        self.store: LogStore | None = None
        self.inbox: Inbox[Batch] | None = None
        self._lost_at = float("-inf")
        self._limit: StormLimit | None = None
        self._udp: list[UdpReceiver] = []
        self._tcp: list[TcpReceiver] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._exposed: Exposed | None = None

    async def start(self) -> None:
        if self.platform.telemetry is None:
            return
        settings = self.platform.settings
        self.store = store_of(self.platform)
        inbox: Inbox[Batch] = Inbox(INBOX, lambda batch: batch.weight)
        self.inbox = inbox
        await self.sources.look()
        host = settings.intake_host or settings.http_host
        if settings.syslog_source_limit > 0:
            self._limit = StormLimit(settings.syslog_source_limit, rate_of=self.sources.limit)
        if settings.syslog_port:
            udp = UdpReceiver("syslog-udp", host, settings.syslog_port, inbox.put, limit=self._limit)
            tcp = TcpReceiver("syslog-tcp", host, settings.syslog_port, inbox)
            try:
                udp.start()
                self._udp.append(udp)
                self.listeners.append(udp.stats)
            except OSError as error:
                self._trouble("syslog-udp", host, settings.syslog_port, error)
            await self._listen(tcp)
        if settings.syslog_tls_port:
            try:
                tls = server_context(settings)
            except (SettingError, OSError) as error:
                self._trouble("syslog-tls", host, settings.syslog_tls_port, error)
            else:
                await self._listen(TcpReceiver("syslog-tls", host, settings.syslog_tls_port, inbox, tls=tls))
        self._tasks = [
            asyncio.create_task(self._work(inbox), name="log-intake"),
            asyncio.create_task(self._watch(), name="log-intake-watch"),
            asyncio.create_task(retention.keep(self.platform), name="log-retention"),
        ]
        self._exposed = Exposed(self)
        self._exposed.register()

    async def _listen(self, receiver: TcpReceiver) -> None:
        try:
            await receiver.start()
        except OSError as error:
            self._trouble(receiver.stats.name, receiver.host, receiver.port, error)
        else:
            self._tcp.append(receiver)
            self.listeners.append(receiver.stats)

    def _trouble(self, name: str, host: str, port: int, error: Exception) -> None:
        reason = getattr(error, "strerror", None) or str(error)
        self.troubles[name] = f"Port {port} of {host or 'every address'}: {reason}."
        log.error("not listening", listener=name, host=host, port=port, error=str(error))

    async def stop(self) -> None:
        if self._exposed is not None:
            self._exposed.unregister()
        for udp in self._udp:
            await asyncio.to_thread(udp.stop)
        for tcp in self._tcp:
            await tcp.stop()
        if self.inbox is not None:
            self.inbox.close()
        for task in self._tasks[1:]:
            task.cancel()
        if self._tasks:
            _done, late = await asyncio.wait(self._tasks, timeout=20)
            for task in late:
                task.cancel()
        if self.store is not None:
            await self.store.close()
            self.platform.memory.pop(LogStore, None)

    async def _work(self, inbox: Inbox[Batch]) -> None:
        while (batch := await inbox.get()) is not None:
            senders = await self.sources.senders(batch.addresses)
            frame = await parsed(batch, senders)
            frame = await tokens.claim(self.platform, frame)
            self.tally.add(frame)
            await self.submit(frame)

    async def submit(self, frame: pl.DataFrame, *, patience: float | None = None) -> asyncio.Future[None]:
        """Take parsed lines through the pipelines to the store; done when they are stored. Waits for room, or raises
        ``Unavailable`` after ``patience`` seconds."""
        return await submit(self.platform, frame, patience=patience)

    async def _watch(self) -> None:
        dropped: dict[str, int] = {}
        limited = 0
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            kept_out = sum(stats.limited for stats in self.listeners)
            if kept_out > limited:
                limited, self._lost_at = kept_out, time.monotonic()
            for stats in self.listeners:
                lost = stats.look().kernel_dropped - dropped.get(stats.name, 0)
                if lost > 0:
                    dropped[stats.name], self._lost_at = stats.kernel_dropped, time.monotonic()
                    log.warning("the kernel dropped datagrams: they come too fast", listener=stats.name, datagrams=lost)
            if self._limit is not None and (storms := self._limit.summaries()):
                senders = await self.sources.senders([storm.address for storm in storms])
                # Not for long: a full store must not keep the drops from being noticed.
                with suppress(Exception):
                    await self.submit(_summaries(storms, senders), patience=WATCH_SECONDS)

    @property
    def losing(self) -> bool:
        """Whether datagrams were lost in the last minutes."""
        return time.monotonic() - self._lost_at < LOSING_SECONDS

    @property
    def lag(self) -> float:
        """Seconds that the oldest line here has waited."""
        return max(self.inbox.lag if self.inbox else 0.0, self.store.lag if self.store else 0.0)


async def submit(platform: Platform, frame: pl.DataFrame, *, patience: float | None = None) -> asyncio.Future[None]:
    """See ``LogIntake.submit``; for processes without that service, too."""
    store = store_of(platform)
    return await store.put(await stages.apply(platform, frame), patience=patience)


async def text_frame(platform: Platform, raw: bytes, organization: str, source: str) -> pl.DataFrame:
    """Lines of plain text from one sender whose organization is known, read as syslog."""
    lines = [line for line in raw.split(b"\n") if line.strip()]
    if not lines:
        return pl.DataFrame(schema=FRAME)
    sources = platform.memory.setdefault(Sources, Sources(platform))
    sender = Sender(source, organization, await sources.timezone(organization))
    batch = one_source(lines, source)
    return await asyncio.to_thread(parse, batch, [sender])


async def parsed(batch: Batch, senders: list[Sender]) -> pl.DataFrame:
    """The lines as rows; where the parser itself fails, as they are: no mistake of ours loses them."""
    try:
        return await asyncio.to_thread(parse, batch, senders)
    except Exception:
        log.exception("lines not parsed; kept as they are", lines=len(batch))
        return as_they_are(batch, senders)


def as_they_are(batch: Batch, senders: list[Sender]) -> pl.DataFrame:
    """Rows of lines that the parser fell over."""
    known = pl.DataFrame({
        "source": [sender.address for sender in senders], "organization": [sender.organization for sender in senders],
        "host": [sender.address for sender in senders], "ci": [sender.ci for sender in senders],
    })[pl.Series(batch.source)]  # fmt: skip
    received = pl.Series(batch.received).cast(pl.Datetime("us", "UTC"))
    return known.with_columns(
        received.alias("received"), received.alias("time"), texts(batch).alias("message"),
        pl.lit([UNPARSED], dtype=pl.List(pl.String)).alias("tags"), pl.lit("raw").alias("format"),
    )  # fmt: skip


def _summaries(storms: list[Storm], senders: list[Sender]) -> pl.DataFrame:
    now = datetime.fromtimestamp(time.time(), UTC)
    return pl.DataFrame([
        {"organization": sender.organization, "received": now, "time": now, "source": storm.address,
         "host": storm.address, "ci": sender.ci, "facility": FACILITY, "severity": 4, "app": "mainstay",
         "message": f"Storm limit: {storm.dropped} lines from {storm.address} were not stored within "
                    f"{max(1, round(storm.until - storm.since))} s, because they came faster than its limit.",
         "tags": [STORM], "format": "raw"}
        for storm, sender in zip(storms, senders, strict=True)
    ])  # fmt: skip
