"""Traps that a collector received: decoded, stored and made events of as if their senders had sent them here, once."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterator
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import select

from mainstay.kernel.errors import Unavailable
from mainstay.kernel.generation import Generation
from mainstay.kernel.handover import HandOver, hand_over, joined, unpacked
from mainstay.kernel.signals import RAW_EVENTS
from mainstay.modules.monitoring.snmp.usm import Engine
from mainstay.modules.monitoring.traps import loading, store
from mainstay.modules.monitoring.traps.decoder import Decoder, Outcome, Packet
from mainstay.modules.monitoring.traps.doors import Doors

if TYPE_CHECKING:
    from mainstay.kernel.platform import Platform

log = structlog.get_logger("mainstay.traps")
REPORTED = 1000


class Remote:
    """The decoder of one collector's traps. It opens the doors of the collector's organization only, and its clock is
    that of the collector: an authenticated trap that waited an hour there is not late."""

    def __init__(self, organization: str) -> None:
        self.organization = organization
        self.generation = -1
        self.now = 0.0
        # Its own id is for informs of version 3, which nobody can send to a collector.
        engine = Engine(b"\x80\x00\x00\x00\x05" + secrets.token_bytes(8), 1, lambda: self.now)
        self.decoder = Decoder(engine)
        self._reported: set[tuple[str, str, str]] = set()

    async def refresh(self, platform: Platform) -> None:
        """Take over what was changed in configurations, credentials, MIBs and options."""
        async with platform.work(self.organization, write=False) as ctx:
            number = await ctx.session.scalar(select(Generation.number)) or 0
        if number == self.generation:
            return
        part = (await loading.parts_of(platform, [self.organization]))[self.organization]
        self.decoder.setups = {self.organization: part.setup} if part.setup else {}
        self.decoder.doors = Doors(part.communities, part.users)
        self.generation = number

    def decode(self, given: HandOver) -> tuple[Outcome, object]:
        """The traps in these records. Takes a while: not for the event loop."""
        outcome = self.decoder.take(self._packets(given))
        return outcome, store.table_of(outcome.rows) if outcome.rows else None

    def _packets(self, given: HandOver) -> Iterator[Packet]:
        for packet, sender, received in joined([unpacked(raw) for raw in given.records]).rows():
            self.now = received / 1_000_000
            yield packet, sender, received

    def report(self, collector: str) -> None:
        """Say whose traps were not accepted, once each."""
        for key, stranger in self.decoder.strangers.items():
            if key not in self._reported and len(self._reported) < REPORTED:
                self._reported.add(key)
                log.warning("trap refused", collector=collector, source=stranger.source, reason=stranger.reason,
                            who=stranger.who)  # fmt: skip


@hand_over("trap")
async def traps(platform: Platform, given: HandOver) -> None:
    """Decode, store, publish the events; an insert of its own, so that its token tells a repetition."""
    if platform.telemetry is None:
        raise Unavailable("This process has no telemetry store.")
    known: dict[str, Remote] = platform.memory.setdefault("collector_traps", {})
    # What fails half-way comes again, and is then not to be taken for a repetition.
    remote = known.pop(given.collector, None) or Remote(given.organization)
    await remote.refresh(platform)
    outcome, table = await asyncio.to_thread(remote.decode, given)
    if outcome.rows:
        await platform.telemetry.insert(store.TABLE, table, given.token)
        remote.decoder.stored(outcome)
    remote.report(given.collector)
    known[given.collector] = remote
    if outcome.events:
        try:
            await RAW_EVENTS.publish(platform, outcome.events)
        except Exception as error:
            # The traps themselves are stored; a handler that fails must not keep those behind them.
            log.error("events of traps were not taken", events=len(outcome.events), error=str(error)[:300])
