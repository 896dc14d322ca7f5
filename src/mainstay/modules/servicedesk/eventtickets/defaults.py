"""The trigger that every organization has: incidents for critical and major events. It waits to be switched on."""

from __future__ import annotations

from sqlalchemy import select

from mainstay.kernel import store
from mainstay.kernel.context import Context
from mainstay.modules.monitoring.events.tables import CRITICAL, MAJOR
from mainstay.modules.servicedesk.eventtickets import engine
from mainstay.modules.servicedesk.eventtickets.tables import EventTrigger

NAME = "Critical and major events"


async def make_defaults(ctx: Context, *, active: bool = False, notify: str = "") -> EventTrigger:
    """The shipped trigger, made once; ``active`` and ``notify`` (a user's id) for a demonstration."""
    known = await store.find(ctx, select(EventTrigger).where(EventTrigger.is_preconfigured.is_(True)))
    if known is None:
        known = await store.add(
            ctx,
            EventTrigger(
                name=NAME, description="One incident per device while it has critical or major events.",
                status=engine.INACTIVE, conditions={"severity": [CRITICAL, MAJOR]}, by_severity={},
                group_by=engine.BY_CI, tag=["monitoring"], notify_users=[], notify_emails=[], is_preconfigured=True,
            ),
        )  # fmt: skip
    if active:
        known.status = engine.ACTIVE
        known.notify_users = [notify] if notify else []
        await store.save(ctx, known)
    return known
