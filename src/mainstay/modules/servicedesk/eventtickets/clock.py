"""What waits for its time: worked from a table, so that a restart forgets nothing and does nothing twice."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress

import structlog
from sqlalchemy import delete, select
from sqlalchemy.exc import SQLAlchemyError

from mainstay.kernel.access.tables import Organization
from mainstay.kernel.context import Context
from mainstay.kernel.database import ANY_ORGANIZATION
from mainstay.kernel.platform import Platform
from mainstay.kernel.services import Service
from mainstay.modules.organization.business_hours import service as business_hours
from mainstay.modules.servicedesk.eventtickets import acting, engine, matching, settling, tickets
from mainstay.modules.servicedesk.eventtickets.tables import EventTrigger, TriggerDue

log = structlog.get_logger("mainstay.event_triggers")
TICK = 1.0
"""Seconds between looks at the table; what is due is done at most this much late."""
BATCH = 1000


class TriggerClock(Service):
    """Works what is due, in every process that works; they share it."""

    _task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="event-trigger-clock")

    async def stop(self) -> None:
        """A batch that is cut off is rolled back and comes again."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        pause = TICK
        while True:
            await asyncio.sleep(pause)
            try:
                await work_due(self.platform)
                pause = TICK
            except SQLAlchemyError as error:
                pause = min(pause * 2, 30)
                log.warning("due triggers wait", error=str(error)[:300])
            except Exception:
                pause = min(pause * 2, 30)
                log.exception("due triggers failed")


async def work_due(platform: Platform) -> int:
    """Do everything whose time has come, in all organizations; returns how much it was."""
    async with platform.work(ANY_ORGANIZATION, write=False) as ctx:
        query = select(TriggerDue.organization).where(TriggerDue.due_at <= ctx.now).distinct()
        waiting = list((await ctx.session.execute(query)).scalars())
        known = set((await ctx.session.execute(select(Organization.id))).scalars()) if waiting else set()
    done = 0
    for organization in waiting:
        while organization in known:
            async with platform.work(organization) as ctx:
                some = await _work(ctx)
            done += some
            if not some:
                break
    return done


async def _work(ctx: Context) -> int:
    rows: list[TriggerDue] = []
    for kind, most in ((acting.OPEN, BATCH), (acting.RESOLVE, acting.AT_ONCE)):
        query = select(TriggerDue).where(TriggerDue.due_at <= ctx.now, TriggerDue.kind == kind)
        query = query.order_by(TriggerDue.due_at, TriggerDue.id).limit(most)
        if not ctx.platform.database.is_sqlite:
            query = query.with_for_update(skip_locked=True)
        rows += (await ctx.session.execute(query)).scalars()
    if not rows:
        return 0
    gone = delete(TriggerDue).where(TriggerDue.id.in_([row.id for row in rows]))
    await ctx.session.execute(gone.execution_options(synchronize_session=False))
    wanted = sorted({row.trigger for row in rows})
    triggers = {item.id: item for item in await acting.active_triggers(ctx, wanted)}
    for trigger_id in wanted:
        trigger = triggers.get(trigger_id)
        if trigger is None or trigger.status != engine.ACTIVE:
            continue
        mine = [row for row in rows if row.trigger == trigger_id]
        await _open(ctx, trigger, [row for row in mine if row.kind == acting.OPEN])
        again = [row for row in mine if row.kind == acting.RESOLVE]
        if again:
            subjects = [row.subject for row in again]
            await settling.settle_incidents(ctx, subjects, waited=True, before=max(row.attempts for row in again))
    return len(rows)


async def _open(ctx: Context, trigger: EventTrigger, rows: Sequence[TriggerDue]) -> None:
    if not rows:
        return
    ids = [row.subject for row in rows]
    if trigger.business_hours:
        # The hours may have been changed while it waited.
        hours = await business_hours.of(ctx, trigger.business_hours)
        if not hours.is_open(ctx.now):
            then = hours.next_open(ctx.now) if trigger.outside_hours == engine.WAIT else None
            if then is not None:
                await acting.wait(ctx, acting.OPEN, trigger.id, ids, then)
            return
    fit = await matching.fitting(ctx, trigger, ids)
    linked = await tickets.rules_of(ctx, sorted(fit))
    fit = {item for item in fit if not linked.get((item, trigger.id))}
    if fit:
        await acting.attempt(ctx, trigger, fit, before=max(row.attempts for row in rows))
