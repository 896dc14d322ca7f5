"""What time alone changes: windows begin and end, suppressions run out, flapping calms down, news grow old."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, Select, and_, exists, false, or_, select, true

from mainstay.kernel.access.tables import Organization
from mainstay.kernel.context import Context
from mainstay.kernel.database import ANY_ORGANIZATION
from mainstay.modules.monitoring.eventrules import catalogue
from mainstay.modules.monitoring.events import ingest, placing, service
from mainstay.modules.monitoring.events.engine import calmed
from mainstay.modules.monitoring.events.setup import Setup, Setups
from mainstay.modules.monitoring.events.storm import RULE
from mainstay.modules.monitoring.events.tables import INFORMATIONAL, Event, step_of
from mainstay.modules.monitoring.maintenance.tables import Maintenance

if TYPE_CHECKING:
    from mainstay.kernel.platform import Platform

STORM_CALM = timedelta(minutes=10)
"""A storm that nothing was added to for so long is over."""
AT_ONCE = 1000


async def everywhere(platform: Platform, setups: Setups, now: datetime | None = None) -> None:
    """One look at every organization that has events, or windows which may begin."""
    has = (exists().where(table.organization == Organization.id) for table in (Event, Maintenance))
    async with platform.work(ANY_ORGANIZATION, write=False) as ctx:
        organizations = list((await ctx.session.execute(select(Organization.id).where(or_(*has)))).scalars())
    for organization in organizations:
        async with platform.work(organization, write=False) as ctx:
            ctx.now = now or ctx.now
            setup = await setups.of(ctx)
            due = await something_due(ctx, setup)
        if due:
            async with platform.work(organization) as ctx:
                ctx.now = now or ctx.now
                await once(ctx, setup)


async def something_due(ctx: Context, setup: Setup) -> bool:
    """Whether an organization may have anything to do: most have not, and then nothing is written."""
    if any(window.active(ctx.now) for window in setup.windows):
        return True
    tests = [
        select(Event.id).where(Event.cleared == false(), Event.maintenance.is_not(None)),
        select(Event.id).where(Event.suppressed == true(), Event.suppressed_until <= ctx.now),
        select(Event.id).where(Event.flapping == true()),
        _old(ctx, setup).limit(1),
    ]
    for test in tests:
        if (await ctx.session.execute(test.limit(1))).first() is not None:
            return True
    return False


async def once(ctx: Context, setup: Setup) -> None:
    """Do what is due in one organization."""
    await ingest.alone(ctx)
    await placing.attend(ctx, setup.windows)
    over = select(Event.id).where(Event.suppressed == true(), Event.suppressed_until <= ctx.now).limit(AT_ONCE)
    await service.unsuppress(ctx, list((await ctx.session.execute(over)).scalars()))
    flapping = await ingest.flapping(ctx)
    await ingest.write(ctx, [state for state in flapping if calmed(state, setup.policy, ctx.now)])
    old = list((await ctx.session.execute(_old(ctx, setup).limit(AT_ONCE))).scalars())
    await service.clear(ctx, old)


def _old(ctx: Context, setup: Setup) -> Select[str]:
    """Live rows that nothing will ever end, and that are old enough: storms that are over, and old news."""
    tests = [(Event.rule == RULE) & _unseen_since(ctx.now - STORM_CALM)]
    if setup.auto_clear_hours:
        tests.append(
            (Event.original_severity == INFORMATIONAL)
            & _unseen_since(ctx.now - timedelta(hours=setup.auto_clear_hours))
            & Event.event_class.not_in(_ended())
        )
    query = select(Event.id).where(Event.cleared == false(), or_(*tests))
    return query.order_by(Event.seen_step, Event.last_seen)


def _unseen_since(at: datetime) -> ColumnElement[bool]:
    return and_(Event.seen_step <= step_of(at), Event.last_seen < at)


@cache
def _ended() -> tuple[str, ...]:
    """The classes that another class ends."""
    return tuple(name for name, kind in catalogue.classes().items() if kind.cleared_by)
