"""Merged incidents: which belong together. ``parent`` is the incident that one was merged into."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select

from mainstay.kernel import store
from mainstay.kernel.context import Context
from mainstay.modules.servicedesk.incident.tables import Incident

DEPTH = 20
"""Merges of merges that are followed; nobody goes that far, and a mistake in the data must not hang a request."""


async def root(ctx: Context, entity: Incident, *, lock: bool = False) -> Incident:
    """The incident that this one's work goes on in: itself, unless it was merged."""
    for _ in range(DEPTH):
        if entity.parent is None:
            break
        found = await store.find(ctx, select(Incident).where(Incident.id == entity.parent), lock=lock)
        if found is None:
            break
        entity = found
    return entity


async def merged_into(ctx: Context, incident_ids: Collection[str]) -> dict[str, str]:
    """Every incident merged into one of these, directly or by way of others → the one of these it ended in."""
    ends = {item: item for item in incident_ids}
    wave = list(ends)
    for _ in range(DEPTH):
        if not wave:
            break
        rows = (await ctx.session.execute(select(Incident.id, Incident.parent).where(Incident.parent.in_(wave)))).all()
        fresh = {row.id: ends[row.parent] for row in rows if row.id not in ends and row.parent}
        ends.update(fresh)
        wave = list(fresh)
    return {item: end for item, end in ends.items() if item not in incident_ids}
