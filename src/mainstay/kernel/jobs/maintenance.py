"""The engine's own housekeeping."""

from __future__ import annotations

from datetime import datetime, timedelta

from mainstay.kernel.jobs.control import retire
from mainstay.kernel.jobs.registry import schedule

KEPT = timedelta(days=30)


@schedule("30 2 * * *", name="jobs.retire")
async def retire_old(due: datetime) -> None:
    """Forget jobs that finished a month ago."""
    await retire(KEPT)
