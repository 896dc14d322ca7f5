"""The windows of an organization, for whoever raises events."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from mainstay.kernel.context import Context
from mainstay.modules.monitoring.maintenance.engine import Window, networks
from mainstay.modules.monitoring.maintenance.tables import Maintenance


def window_of(row: Any) -> Window:
    """A stored row (or a mapping's namespace) as a window."""
    return Window(
        id=row.id, start=row.start, end=row.end, recurrence=row.recurrence, weekdays=tuple(row.weekdays or ()),
        month_day=row.month_day, until=row.until, timezone=row.timezone or "UTC", everything=row.everything,
        cis=frozenset(row.cis or ()), hosts=row.hosts or (), networks=networks(row.networks or ()),
        classes=row.classes or (), rules=row.rules or (),
    )  # fmt: skip


async def windows(ctx: Context) -> list[Window]:
    """Every window that is enabled."""
    found = (await ctx.session.execute(select(Maintenance).where(Maintenance.enabled.is_(True)))).scalars()
    return [window_of(row) for row in found]
