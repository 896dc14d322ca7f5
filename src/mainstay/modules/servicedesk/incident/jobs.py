"""Recurring work on incidents."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from mainstay.kernel import jobs
from mainstay.kernel.access.tables import Organization
from mainstay.kernel.database import ANY_ORGANIZATION
from mainstay.kernel.platform import Platform
from mainstay.modules.organization.async_tasks.service import RECURRING
from mainstay.modules.servicedesk.incident import service
from mainstay.modules.servicedesk.incident.tables import Incident

RECURRING["incident.auto_close"] = service.close_due


@jobs.schedule("* * * * *", name="incident.auto_close")
async def auto_close_due(due: datetime) -> None:
    """Every minute, wherever the jobs run."""
    await auto_close(jobs.services())


async def auto_close(platform: Platform) -> int:
    """Close every resolved incident whose time has come, in all organizations; returns how many.

    The deadline is a column of the incident, so nothing is forgotten when the process dies; a run that is cut off
    leaves whole transactions behind and the next one goes on.
    """
    async with platform.work(ANY_ORGANIZATION, write=False) as ctx:
        due = select(Incident.organization).where(Incident.auto_close_at <= ctx.now, Incident.is_deleted.is_(False))
        waiting = list((await ctx.session.execute(due.distinct())).scalars())
        known = set((await ctx.session.execute(select(Organization.id))).scalars())
    closed = 0
    for organization in waiting:
        while organization in known:
            async with platform.work(organization) as ctx:
                done = await service.close_due(ctx)
            closed += done
            if not done:
                break
    return closed
