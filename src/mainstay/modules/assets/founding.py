"""What every organization starts with: categories and types of relations."""

from __future__ import annotations

from mainstay.kernel.access.bootstrap import on_founding
from mainstay.kernel.context import Context
from mainstay.modules.assets.categories import defaults as categories
from mainstay.modules.assets.classification import service as classification
from mainstay.modules.assets.relations import defaults as relations


@on_founding("assets")
async def make(ctx: Context) -> None:
    """The defaults of a new organization."""
    by_name = await categories.make(ctx)
    await relations.make(ctx)
    await classification.make(ctx, by_name)
