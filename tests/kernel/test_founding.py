"""What organizations start with, also those that are older than a feature."""

from __future__ import annotations

from sqlalchemy import delete, select, update

from mainstay.kernel.access import bootstrap
from mainstay.kernel.access.tables import Organization
from mainstay.modules.organization.business_hours.tables import BusinessHoursProfile
from tests.support import World

PROFILES = "/api/business-hours/"


async def test_an_older_organization_gets_what_new_ones_have_once(world: World) -> None:
    assert (await world.get(PROFILES))["count"] == 1
    async with world.platform.work("*") as ctx:
        found = (await ctx.session.execute(select(Organization).where(Organization.id == world.organization))).scalar()
        assert found is not None
        left = [name for name in found.founded if name != "business_hours"]
        assert len(left) == len(found.founded) - 1
        # As it was before the feature came.
        await ctx.session.execute(
            update(Organization).where(Organization.id == world.organization).values(founded=left)
        )
    async with world.platform.work(world.organization) as ctx:
        await ctx.session.execute(delete(BusinessHoursProfile))
    for _ in range(2):
        await bootstrap.complete(world.platform)
        assert (await world.get(PROFILES))["count"] == 1
