"""What every organization starts with: categories and types of relations."""

from __future__ import annotations

from sqlalchemy import select

from mainstay.kernel.access.bootstrap import on_founding
from mainstay.kernel.access.tables import Organization
from mainstay.kernel.context import Context
from mainstay.kernel.database import ANY_ORGANIZATION
from mainstay.kernel.services import Service
from mainstay.modules.assets.categories import defaults as categories
from mainstay.modules.assets.classification import service as classification
from mainstay.modules.assets.relations import defaults as relations
from mainstay.modules.assets.relations.tables import RelationType


@on_founding
async def make(ctx: Context) -> None:
    """The defaults of a new organization."""
    await categories.make(ctx)
    await relations.make(ctx)
    await classification.make(ctx)


class AssetDefaults(Service):
    """Gives organizations that are older than this module what new ones have."""

    async def start(self) -> None:
        async with self.platform.work(ANY_ORGANIZATION, write=False) as ctx:
            have = set(
                (
                    await ctx.session.execute(
                        select(RelationType.organization).distinct().execution_options(include_deleted=True)
                    )
                ).scalars()
            )
            missing = [key for key in (await ctx.session.execute(select(Organization.id))).scalars() if key not in have]
        for organization in missing:
            async with self.platform.work(organization) as ctx:
                await make(ctx)
