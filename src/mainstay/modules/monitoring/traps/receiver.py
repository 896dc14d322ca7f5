"""The trap receiver as a service: listens, decodes in a thread, stores, answers informs, hands events on."""

from __future__ import annotations

import asyncio
import json
import secrets
import uuid
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from mainstay.kernel.database import ANY_ORGANIZATION
from mainstay.kernel.generation import Generation
from mainstay.kernel.intake.batch import Batch
from mainstay.kernel.intake.inbox import Inbox
from mainstay.kernel.intake.storm import StormLimit
from mainstay.kernel.intake.udp import UdpReceiver
from mainstay.kernel.services import Service
from mainstay.kernel.signals import RAW_EVENTS, RawEvent
from mainstay.modules.monitoring.snmp.usm import MAX_BOOTS, Engine
from mainstay.modules.monitoring.traps import loading, store
from mainstay.modules.monitoring.traps.decoder import Decoder, Outcome, Packet
from mainstay.modules.monitoring.traps.doors import Doors

if TYPE_CHECKING:
    from mainstay.kernel.platform import Platform

log = structlog.get_logger("mainstay.traps")

ROWS = 10_000
"""Traps decoded in one go: a tenth of a second of work, or some tenths where their forms are new."""
BATCH_SECONDS, BUSY_SECONDS = 0.05, 0.25
"""How long a trap waits for others, where few come and where they come all the time: an insert costs much the same for
a thousand rows and for five thousand."""
WAITING = 100_000
"""Traps held in memory while the store lags; more wait in the socket's buffer."""
LOOK = 1.0
"""Seconds between looks at the configuration."""
TOGETHER = 200
"""Organizations whose configuration is read in one go."""
STORM_REPORT = 5.0
STORM_OVER = 60.0
RETRIES = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)


def engine_of(folder: Path) -> Engine:
    """This installation's engine: an id for life, and the number of its starts (RFC 3411, RFC 3414)."""
    path = folder / "snmp-engine.json"
    kept = json.loads(path.read_text()) if path.is_file() else {}
    # Format 5 of RFC 3411: octets of our own choice, below no registered enterprise.
    engine_id = bytes.fromhex(kept.get("engine_id") or (b"\x80\x00\x00\x00\x05" + secrets.token_bytes(8)).hex())
    boots = min(int(kept.get("boots", 0)) + 1, MAX_BOOTS)
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps({"engine_id": engine_id.hex(), "boots": boots}))
    temporary.replace(path)
    return Engine(engine_id, boots)


class TrapReceiver(Service):
    """Receives on ``MAINSTAY_TRAP_PORT``; ``listen`` opens a port of the caller's choice."""

    def __init__(self, platform: Platform) -> None:
        super().__init__(platform)
        self.receiver: UdpReceiver | None = None
        self.problem = ""
        self.lost = 0
        """Traps that could not be stored."""
        self.working = 0
        """Batches that are decoded or handed on just now."""
        self._generations: dict[str, int] = {}
        self._parts: dict[str, loading.Part] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._limit: StormLimit | None = None
        self._storms: dict[str, float] = {}
        self._refreshing = asyncio.Lock()
        self.decoder: Decoder | None = None
        self._inbox: Inbox[Batch] | None = None

    async def start(self) -> None:
        port = self.platform.settings.trap_port
        if port:
            try:
                await self.listen(port)
            except OSError as error:
                # The service desk goes on without traps; the console says why there are none.
                self.problem = f"Port {port} cannot be used for traps: {error.strerror or error}."
                log.error("trap port not available", port=port, error=str(error))

    async def listen(self, port: int, *, limit: int | None = None, watch: bool = True) -> int:
        """Open the port (0: any) and begin; the port in use. ``watch``: follow changes of the configuration."""
        settings = self.platform.settings
        self.decoder = Decoder(await asyncio.to_thread(engine_of, settings.data_dir))
        await self.refresh()
        rate = settings.trap_source_limit if limit is None else limit
        self._limit = StormLimit(rate) if rate else None
        inbox: Inbox[Batch] = Inbox(WAITING)
        receiver = UdpReceiver("traps", settings.intake_host or settings.http_host, port, inbox.put, batch_rows=ROWS,
                               batch_seconds=BATCH_SECONDS, busy_seconds=BUSY_SECONDS, limit=self._limit)  # fmt: skip
        receiver.start()
        self.receiver, self._inbox = receiver, inbox
        self._tasks = [asyncio.create_task(self._work(inbox, self.decoder), name="traps")]
        if watch:
            self._tasks += [
                asyncio.create_task(self._repeat(LOOK, self.refresh), name="traps-configuration"),
                asyncio.create_task(self._repeat(STORM_REPORT, self.report_storms), name="traps-storms"),
            ]
        log.info("traps received", port=receiver.port)
        return receiver.port

    async def stop(self) -> None:
        """Take no more; what was received is stored."""
        if self.receiver is None or self._inbox is None:
            return
        inbox, self._inbox = self._inbox, None
        await asyncio.to_thread(self.receiver.stop)
        inbox.close()
        work, *others = self._tasks
        await work
        for task in others:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        self.receiver, self._tasks = None, []

    async def _work(self, inbox: Inbox[Batch], decoder: Decoder) -> None:
        finishing: asyncio.Task[None] | None = None
        while (batch := await inbox.get()) is not None:
            self.working += 1
            try:
                outcome, table = await asyncio.to_thread(_decode, decoder, batch)
            except Exception:
                log.exception("traps lost: the batch could not be taken apart", traps=len(batch))
                self.lost += len(batch)
                self.working -= 1
                continue
            self._answer(outcome.answers)
            # One batch is stored while the next is decoded; their order stays.
            if finishing is not None:
                await finishing
            finishing = asyncio.create_task(self._finish(decoder, outcome, table), name="traps-store")
        if finishing is not None:
            await finishing

    def _answer(self, answers: list[tuple[bytes, tuple[str, int]]]) -> None:
        if self.receiver is not None:
            for packet, sender in answers:
                self.receiver.send(packet, sender)

    async def _finish(self, decoder: Decoder, outcome: Outcome, table: object) -> None:
        if outcome.rows and await self._store(table, len(outcome.rows)):
            decoder.stored(outcome)
            self._answer(outcome.confirmations)
        if outcome.events:
            await self._publish(outcome.events)
        self.working -= 1

    async def _publish(self, events: list[RawEvent]) -> None:
        try:
            await RAW_EVENTS.publish(self.platform, events)
        except Exception as error:
            # The traps themselves are stored; a handler that fails must not end the reception.
            log.error("events of traps were not taken", events=len(events), error=str(error)[:300])

    async def _store(self, table: object, rows: int) -> bool:
        """Whether the rows are stored. After some tries they are given up and counted: others wait behind them."""
        telemetry = self.platform.telemetry
        if telemetry is None:
            return False
        token = uuid.uuid4().hex
        for pause in (*RETRIES, None):
            try:
                await telemetry.insert(store.TABLE, table, token)
                self.problem = ""
                return True
            except Exception as error:
                self.problem = f"Traps cannot be stored: {str(error).splitlines()[0][:200]}"
                log.warning("traps not stored", rows=rows, error=str(error)[:300], again=pause)
            if pause is None or self._inbox is None:
                break
            await asyncio.sleep(pause)
        self.lost += rows
        return False

    async def _repeat(self, seconds: float, call: Callable[[], Awaitable[None]]) -> None:
        while True:
            await asyncio.sleep(seconds)
            try:
                await call()
            except SQLAlchemyError as error:
                log.warning("trap configuration not read", error=str(error)[:300])

    async def refresh(self) -> None:
        """Take over what was changed in configurations, credentials, MIBs and options."""
        async with self._refreshing:
            await self._refresh()

    async def _refresh(self) -> None:
        if self.decoder is None:
            return
        async with self.platform.work(ANY_ORGANIZATION, write=False) as ctx:
            found = (await ctx.session.execute(select(Generation.organization, Generation.number))).all()
        numbers = {row.organization: row.number for row in found}
        changed = [name for name, number in numbers.items() if self._generations.get(name) != number]
        gone = self._parts.keys() - numbers.keys()
        for start in range(0, len(changed), TOGETHER):
            self._parts |= await loading.parts_of(self.platform, changed[start : start + TOGETHER])
        for organization in gone:
            del self._parts[organization]
        self._generations = numbers
        if changed or gone:
            parts = [self._parts[name] for name in sorted(self._parts)]
            self.decoder.setups = {name: part.setup for name, part in self._parts.items() if part.setup}
            self.decoder.doors = Doors(
                [item for part in parts for item in part.communities], [item for part in parts for item in part.users]
            )

    def is_default(self, organization: str) -> bool:
        """Whether this is the installation's first organization."""
        part = self._parts.get(organization)
        return part is not None and part.default

    async def report_storms(self) -> None:
        """Say what the storm limit kept out since the last report, and which storms are over."""
        if self._limit is None or self.decoder is None:
            return
        now = asyncio.get_running_loop().time()
        events = []
        for storm in self._limit.summaries():
            self._storms[storm.address] = now
            text = (f"Trap storm from {storm.address}: {storm.dropped} traps in {storm.until - storm.since:.0f} s "
                    f"beyond {self._limit.rate:g} a second were not taken")  # fmt: skip
            log.warning("trap storm", source=storm.address, dropped=storm.dropped)
            events += self._storm_events(storm.address, text, clear=False, dropped=storm.dropped)
        for address, at in list(self._storms.items()):
            if now - at > STORM_OVER:
                del self._storms[address]
                events += self._storm_events(address, f"The trap storm from {address} is over", clear=True)
        if events:
            await self._publish(events)

    def _storm_events(self, address: str, text: str, *, clear: bool, dropped: int = 0) -> list[RawEvent]:
        decoder = self.decoder
        assert decoder is not None
        known = {organization for organization, source in decoder.accepted_from if source == address}
        known = known or {name for name, part in self._parts.items() if part.default}
        return [
            RawEvent(
                organization=name, source="trap", at=self.platform.now(), message=text, address=address,
                severity=None if clear else 3, event_class="Trap | Storm", key="trap storm", clear=clear,
                variables={"dropped": str(dropped)},
            )
            for name in sorted(known)
        ]  # fmt: skip


def _decode(decoder: Decoder, batch: Batch) -> tuple[Outcome, object]:
    packets: list[Packet] = list(batch.rows())
    outcome = decoder.take(packets)
    return outcome, store.table_of(outcome.rows) if outcome.rows else None
