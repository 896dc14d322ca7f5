"""Recurring work on log sources."""

from __future__ import annotations

from datetime import datetime

from mainstay.kernel import jobs
from mainstay.modules.logs.integration import service


@jobs.schedule("40 2 * * *", name="logs.expire")
async def expire(due: datetime) -> None:
    """Every night: lines of sources that are kept for a shorter time go."""
    await service.expire(jobs.services())
