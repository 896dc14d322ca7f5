"""The schedule of the log rules."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from mainstay.kernel import jobs
from mainstay.modules.logs.rules import service

SETTLE = timedelta(seconds=2)
"""Lines of the minute that just ended are stored by then."""


@jobs.schedule("* * * * *", name="logs.rules")
async def evaluate(due: datetime) -> None:
    """Every minute, once per installation: the rules of which a window has ended."""
    now = datetime.now(UTC)
    minute = now.replace(second=0, microsecond=0)
    await asyncio.sleep(max(0.0, (minute + SETTLE - now).total_seconds()))
    await service.run_due(jobs.services(), datetime.now(UTC))
