"""The event engine as a service: hears what came in, classifies it, and keeps the live rows."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import structlog
from sqlalchemy import select

from mainstay.kernel import options
from mainstay.kernel.context import Context
from mainstay.kernel.generation import CONFIGURATION, Generation
from mainstay.kernel.services import Service
from mainstay.kernel.signals import LINES, RAW_EVENTS, RawEvent
from mainstay.modules.monitoring.eventrules import library
from mainstay.modules.monitoring.eventrules.matcher import Matcher
from mainstay.modules.monitoring.events import ingest, settings
from mainstay.modules.monitoring.events.classify import Rules, occurrences
from mainstay.modules.monitoring.events.engine import Policy, State

if TYPE_CHECKING:
    from mainstay.kernel.platform import Platform

log = structlog.get_logger("mainstay.events")
TICK = 1.0
"""Seconds between two reports of counts to the consoles that are open."""
REPORTED = 500
"""Rows whose counts are reported at once; a console that shows more asks for the list."""


@dataclass(slots=True)
class Setup:
    """One organization's rules and policy, as of a generation of its configuration."""

    generation: int
    rules: Rules
    policy: Policy
    extra: dict[str, Any] = field(default_factory=dict)


class EventEngine(Service):
    """Subscribed to raw events and log lines as long as the process works."""

    def __init__(self, platform: Platform) -> None:
        super().__init__(platform)
        self._setups: dict[str, Setup] = {}
        self._counts: dict[str, dict[str, dict[str, Any]]] = {}
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        library.rules()
        self._task = asyncio.create_task(self._tell(), name="event-counts")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def take(self, organization: str, batch: Sequence[RawEvent]) -> list[State]:
        """Classify and store raw events of one organization; returns when they are committed."""
        async with self.platform.work(organization) as ctx:
            touched = await self.within(ctx, batch)
        return touched

    async def within(self, ctx: Context, batch: Sequence[RawEvent]) -> list[State]:
        """The same in a transaction that is under way."""
        setup = await self.setup(ctx)
        found = [item for raw in batch for item in occurrences(raw, setup.rules, ctx.now)]
        if not found:
            return []
        touched = await ingest.store_batch(ctx, found, setup.policy)
        ctx.after_commit.append(lambda: self._note(ctx.organization, touched))
        return touched

    async def setup(self, ctx: Context) -> Setup:
        """The organization's rules and policy; read again when its configuration changed."""
        number = int(await ctx.session.scalar(select(Generation.number)) or 0)
        known = self._setups.get(ctx.organization)
        if known is None or known.generation != number:
            known = self._setups[ctx.organization] = await self._load(ctx, number)
        return known

    async def _load(self, ctx: Context, number: int) -> Setup:
        reopen, turns, minutes = await options.get(ctx, settings.REOPEN, settings.FLAP_TURNS, settings.FLAP_MINUTES)
        policy = Policy(
            reopen=timedelta(minutes=reopen), flap_turns=turns, flap_window=timedelta(minutes=minutes)
        )  # fmt: skip
        return Setup(number, Rules(matcher=_shipped()), policy)

    def _note(self, organization: str, touched: Sequence[State]) -> None:
        """Remember counts for the consoles; what changed its state is in the change feed."""
        live = self.platform.live
        if live is None or not live.streams:
            return
        waiting = self._counts.setdefault(organization, {})
        for state in touched:
            if state.first is None and state.added:
                known = waiting.setdefault(state.id, {"id": state.id, "added": 0})
                known["added"] += state.added
                known["last_seen"], known["severity"] = state.last_seen, state.severity

    async def _tell(self) -> None:
        while True:
            await asyncio.sleep(TICK)
            waiting, self._counts = self._counts, {}
            live = self.platform.live
            if live is None:
                continue
            for organization, rows in waiting.items():
                every = sorted(rows.values(), key=lambda row: row["last_seen"], reverse=True)
                live.publish(organization, "event_counts", {"events": every[:REPORTED], "more": len(every) > REPORTED},
                             permission="event")  # fmt: skip


_matchers: list[Matcher] = []


def _shipped() -> Matcher:
    """The shipped rules alone: one matcher for every organization that has none of its own."""
    if not _matchers:
        _matchers.append(Matcher(library.rules()))
    return _matchers[0]


@RAW_EVENTS.subscribe
async def hear_events(platform: Platform, batch: list[RawEvent]) -> None:
    """Raw events of any organization; done when they are committed."""
    engine = platform.service(EventEngine)
    if engine is None:
        return
    by_organization: dict[str, list[RawEvent]] = {}
    for raw in batch:
        by_organization.setdefault(raw.organization, []).append(raw)
    for organization, items in by_organization.items():
        await engine.take(organization, items)


CONFIGURATION.update({"event_rule", "maintenance"})
__all__ = ["LINES", "EventEngine", "hear_events"]
