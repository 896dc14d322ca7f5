"""Items that a request names, by id or Asset ID."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from mainstay.kernel.context import Context
from mainstay.kernel.errors import Invalid, NotFound
from mainstay.kernel.rows import restricted
from mainstay.modules.assets.cmdb.resource import items
from mainstay.modules.assets.cmdb.tables import Ci

MOST = 500


async def chosen(ctx: Context, ids: Sequence[str], most: int = MOST) -> dict[str, str]:
    """Names by id, as far as the caller may see the items, with one statement.

    Raises ``Invalid`` for none or too many, ``NotFound`` for one that is not there."""
    if not 1 <= len(ids) <= most:
        raise Invalid.field("ci_ids", f"Please name one to {most} items.")
    wanted: Any = select(Ci.id, Ci.display_id, Ci.name).order_by(Ci.name, Ci.id)
    wanted = wanted.where(Ci.id.in_(ids) | Ci.display_id.in_(ids)).limit(most)
    rows = (await ctx.session.execute(restricted(ctx, items, wanted))).all()
    missing = set(ids) - {row.id for row in rows} - {row.display_id for row in rows}
    if missing:
        raise NotFound(f"There is no item {min(missing)[:40]!r}.")
    return {row.id: row.name for row in rows}


def split(ids: str) -> list[str]:
    """Ids out of a query parameter, separated by commas."""
    return list(dict.fromkeys(part.strip() for part in ids.split(",") if part.strip()))
