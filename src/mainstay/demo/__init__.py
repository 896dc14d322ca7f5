"""A demonstration: the organization Northwind IT with people, teams and a month of incidents.

Everything is made through the features' own services, at the time and by the person it claims to be from, so
that histories, numbers and counters are real. All of it is one transaction: it is there, or it is not.
"""

from __future__ import annotations

from random import Random

from sqlalchemy import func, select, update

from mainstay.demo.people import AGENTS
from mainstay.demo.story import Story
from mainstay.kernel.access.tables import ApiKey, Role, User
from mainstay.kernel.context import Context, Principal
from mainstay.kernel.platform import Platform
from mainstay.kernel.record import Base, Record
from mainstay.modules.servicedesk.eventtickets import defaults as event_triggers

FIRST = AGENTS[0][0]


async def populate(platform: Platform, admin: User, password: str) -> bool:
    """Fill the administrator's organization, once; whether it was done now. The agents get ``password``."""
    who = Principal(
        organization=admin.organization,
        user=admin.number,
        profile_id=admin.id,
        is_admin=True,
        username=admin.username,
        name=admin.full_name,
        email=admin.email,
        kind="staff",
    )
    async with platform.work(admin.organization, who) as ctx:
        query = select(func.count()).select_from(User).where(User.username == FIRST)
        if await ctx.session.scalar(query.execution_options(include_deleted=True)):
            return False
        story = Story(ctx, Random(7))  # noqa: S311 - the same story each time, no secret
        await story.people(password)
        await story.incidents()
        await event_triggers.activate(ctx, admin.id)
        await story.notifications(admin.id)
        await _mark(ctx, admin)
    return True


async def _mark(ctx: Context, admin: User) -> None:
    """Mark what was made as demonstration data."""
    for mapper in Base.registry.mappers:
        model = mapper.class_
        if not issubclass(model, Record) or model in (Role, ApiKey):
            continue
        mark = update(model).values(is_demo_data=True).execution_options(synchronize_session=False)
        await ctx.session.execute(mark.where(model.id != admin.id))
