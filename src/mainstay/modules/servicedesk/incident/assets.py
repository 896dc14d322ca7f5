"""The assets that an incident affects: configuration items by id, or whatever name was given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from mainstay.kernel.context import Context
from mainstay.modules.assets.cmdb.tables import Ci


async def named(ctx: Context, assets: Sequence[str]) -> list[dict[str, Any]]:
    """Assets as the API answers them; those that are configuration items have their names."""
    known: dict[str, Any] = {}
    if assets:
        query = select(Ci.id, Ci.name, Ci.display_id).where(Ci.id.in_(list(assets)))
        known = {row.id: row for row in (await ctx.session.execute(query)).all()}
    return [
        {
            "asset_id": asset,
            "name": known[asset].name if asset in known else asset,
            "display_id": known[asset].display_id if asset in known else None,
            "is_ci": asset in known,
        }
        for asset in assets
    ]
