"""The trigger that every organization has: incidents for critical and major events. It waits to be switched on."""

from __future__ import annotations

from sqlalchemy import select

from mainstay.kernel import store
from mainstay.kernel.access.bootstrap import on_founding
from mainstay.kernel.context import Context
from mainstay.modules.monitoring.events.tables import CRITICAL, MAJOR
from mainstay.modules.servicedesk.eventtickets import engine
from mainstay.modules.servicedesk.eventtickets.tables import EventTrigger

NAME = "Critical and major events"


@on_founding("event_triggers")
async def make_defaults(ctx: Context) -> None:
    """The shipped trigger, switched off."""
    await store.add(
        ctx,
        EventTrigger(
            name=NAME, description="One incident per device while it has critical or major events.",
            status=engine.INACTIVE, conditions={"severity": [CRITICAL, MAJOR]}, by_severity={},
            group_by=engine.BY_CI, tag=["monitoring"], notify_users=[], notify_emails=[], is_preconfigured=True,
        ),
    )  # fmt: skip


async def activate(ctx: Context, notify: str) -> None:
    """Switch the shipped trigger on, with e-mail to a user (id): for a demonstration."""
    found = await store.find(ctx, select(EventTrigger).where(EventTrigger.is_preconfigured.is_(True)))
    if found is not None:
        found.status, found.notify_users = engine.ACTIVE, [notify]
        await store.save(ctx, found)
