"""Syslog lines that a collector received: stored as if their senders had sent them here, once."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import polars as pl

from mainstay.kernel.errors import Unavailable
from mainstay.kernel.handover import HandOver, hand_over, joined, unpacked
from mainstay.kernel.signals import LINES
from mainstay.modules.logs.intake import stages, tokens
from mainstay.modules.logs.intake.lines import TABLE, Numbers, complete, to_arrow
from mainstay.modules.logs.intake.service import LogIntake, parsed
from mainstay.modules.logs.intake.sources import Sources

if TYPE_CHECKING:
    from mainstay.kernel.platform import Platform

_numbers = Numbers()


@hand_over("syslog")
async def lines(platform: Platform, given: HandOver) -> None:
    """Parse, put through the pipelines and store; an insert of its own, so that its token tells a repetition."""
    if platform.telemetry is None:
        raise Unavailable("This process has no telemetry store.")
    batch = await asyncio.to_thread(lambda: joined([unpacked(raw) for raw in given.records]))
    sources = platform.memory.setdefault(Sources, Sources(platform))
    senders = await sources.senders_of(given.organization, batch.addresses)
    frame = await parsed(batch, senders)
    frame = await tokens.claim(platform, frame)
    counted = frame
    frame = await stages.apply(platform, frame)
    if len(frame):
        frame = frame.with_columns(pl.Series("id", _numbers.take(len(frame))))
        frame, table = await asyncio.to_thread(_prepared, frame)
        await platform.telemetry.insert(TABLE, table, given.token)
    service = platform.service(LogIntake)
    if service is not None:
        service.tally.add(counted)
    if len(frame):
        # The handlers' errors are logged where they happen; the lines are stored.
        with suppress(Exception):
            await LINES.publish(platform, frame)


def _prepared(frame: pl.DataFrame) -> tuple[pl.DataFrame, Any]:
    whole = complete(frame)
    return whole, to_arrow(whole)
