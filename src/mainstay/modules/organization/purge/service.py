"""What is old goes: every night, in every organization that says so."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import select, update

from mainstay.kernel import jobs
from mainstay.kernel.database import ANY_ORGANIZATION
from mainstay.kernel.platform import Platform
from mainstay.kernel.purge import purgers
from mainstay.modules.organization.purge.tables import KINDS, Purge

log = structlog.stdlib.get_logger("mainstay.purge")


@jobs.schedule("10 3 * * *", name="purge")
async def due(moment: datetime) -> None:
    """Purge every organization."""
    await everywhere(jobs.services())


async def everywhere(platform: Platform) -> int:
    """Purge every organization that wants it; how many do."""
    async with platform.work(ANY_ORGANIZATION, write=False) as ctx:
        query = select(Purge.organization).where(Purge.is_enabled.is_(True), Purge.is_deleted.is_(False))
        found = list((await ctx.session.execute(query.distinct())).scalars())
    for organization in found:
        await purge(platform, organization)
    return len(found)


def in_force(rows: Iterable[Purge]) -> dict[str, int]:
    """Kind → days, the shortest that anybody says."""
    found: dict[str, int] = {}
    for row in rows:
        for name in KINDS:
            days = getattr(row, name)
            if days:
                found[name] = min(days, found.get(name, days))
    return found


async def purge(platform: Platform, organization: str) -> dict[str, Any]:
    """Let go what is older than this organization keeps it; how much of each kind went. One kind that cannot go does
    not keep the others."""
    async with platform.work(organization, write=False) as ctx:
        rows = list((await ctx.session.execute(select(Purge).where(Purge.is_enabled.is_(True)))).scalars())
        ids, days, now = [row.id for row in rows], in_force(rows), ctx.now
    told: dict[str, Any] = {}
    for name, number in days.items():
        try:
            told[name] = await purgers()[name](platform, organization, now - timedelta(days=number))
        except Exception as error:
            log.exception("what is old does not go", kind=name, organization=organization)
            told[name] = f"It did not go: {str(error)[:200]}"
    async with platform.work(organization) as ctx:
        # Noted beside the records, not as a change of theirs: nobody edited them.
        noted = update(Purge).where(Purge.id.in_(ids)).values(last_run=now, last_result=told)
        await ctx.session.execute(noted.execution_options(synchronize_session=False))
    log.info("purged", organization=organization, **{name: str(number) for name, number in told.items()})
    return told
