"""Business hours for other features."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from sqlalchemy import select

from mainstay.kernel import store
from mainstay.kernel.access.bootstrap import on_founding
from mainstay.kernel.calendar import ALWAYS, BusinessHours
from mainstay.kernel.context import Context
from mainstay.modules.organization.business_hours import engine
from mainstay.modules.organization.business_hours.tables import BusinessHoursProfile
from mainstay.modules.people.leaves.tables import Holiday

ALL_DAY = "24x7"


async def of(ctx: Context, profile_id: str | None) -> BusinessHours:
    """The hours of a profile; of the default one where none is named; round the clock where there is none."""
    wanted = profile_id or ""
    return (await of_many(ctx, [wanted]))[wanted]


async def of_many(ctx: Context, profile_ids: Collection[str]) -> dict[str, BusinessHours]:
    """The hours of several profiles, by id; an empty id is the default profile. At most two statements."""
    query = select(BusinessHoursProfile).where(
        BusinessHoursProfile.id.in_(list(profile_ids)) | BusinessHoursProfile.is_default.is_(True)
    )
    rows = list((await ctx.session.execute(query)).scalars())
    known = {row.id: row for row in rows}
    default = next((row for row in rows if row.is_default), None)
    days: frozenset[date] = frozenset()
    if any(row.observe_holidays for row in rows):
        days = frozenset((await ctx.session.execute(select(Holiday.date))).scalars())
    made = {}
    for wanted in profile_ids:
        row = known.get(wanted) or default
        made[wanted] = calendar(row, days) if row else ALWAYS
    return made


def calendar(row: BusinessHoursProfile, holidays: frozenset[date]) -> BusinessHours:
    """The calendar of one profile; ``holidays`` are the organization's."""
    return engine.hours(
        row.timezone or "UTC", row.hours, row.holidays, holidays if row.observe_holidays else frozenset()
    )


@on_founding("business_hours")
async def make_defaults(ctx: Context) -> None:
    """The profile of a new organization: round the clock."""
    await store.add(
        ctx,
        BusinessHoursProfile(
            name=ALL_DAY, description="Round the clock, every day.", timezone="UTC", hours=engine.ROUND_THE_CLOCK,
            holidays={}, is_default=True, is_preconfigured=True,
        ),
    )  # fmt: skip
