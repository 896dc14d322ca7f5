"""Which items a classification shows, and the ones every organization starts with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, and_, func, select, true

from mainstay.kernel import query, rows, store
from mainstay.kernel.context import Context
from mainstay.kernel.errors import NotFound
from mainstay.kernel.record import new_id
from mainstay.modules.assets.categories import service as categories
from mainstay.modules.assets.classification.tables import ItemClassification
from mainstay.modules.assets.cmdb.tables import CONSUMABLE, FIXED_ASSET, IT_ASSET, SOFTWARE, Ci

MAX_DEPTH = 10
# name, part of, categories, type, filters
DEFAULTS: tuple[tuple[str, str, tuple[str, ...], int | None, list[Any]], ...] = (
    ("IT assets", "", (), IT_ASSET, []),
    ("Network", "IT assets", ("Network Device",), None, []),
    ("Servers", "IT assets", ("Server", "Hypervisor"), None, []),
    ("End-user devices", "IT assets", ("Workstation", "Mobile Device", "Printer"), None, []),
    ("Virtual", "IT assets", ("Virtual",), None, []),
    ("Fixed assets", "", (), FIXED_ASSET, []),
    ("Consumables", "", (), CONSUMABLE, []),
    ("Software", "", (), SOFTWARE, []),
    ("Critical items", "", (), None, [{"field": "criticality", "condition": "equal", "value": 1}]),
    ("Not allocated", "", (), None, [{"field": "allocation", "condition": "empty"}]),
)


async def make(ctx: Context, by_name: Mapping[str, str]) -> None:
    """Create the defaults in the caller's organization; ``by_name``: its categories' ids."""
    ids = {row[0]: new_id() for row in DEFAULTS}
    await store.add_many(
        ctx,
        ItemClassification,
        [
            {
                "id": ids[name],
                "classification_name": name,
                "parent": ids.get(above),
                "categories": [by_name[one] for one in kinds if one in by_name],
                "cmdb_class": type_,
                "classification_filters": filters,
                "is_preconfigured": True,
            }
            for name, above, kinds, type_, filters in DEFAULTS
        ],
    )


async def every(ctx: Context) -> dict[str, ItemClassification]:
    """The classifications by id."""
    found = await ctx.session.execute(select(ItemClassification).order_by(ItemClassification.classification_name))
    return {row.id: row for row in found.scalars()}


async def condition(
    ctx: Context, key: str, known: Mapping[str, ItemClassification] | None = None
) -> ColumnElement[bool]:
    """The condition on the items of a classification: its own, and of those that it is part of."""
    known = known or await every(ctx)
    if key not in known:
        raise NotFound(f"There is no item classification {key[:64]!r}.")
    parts: list[ColumnElement[bool]] = [true()]
    here: str | None = key
    for _ in range(MAX_DEPTH):
        row = known.get(here or "")
        if row is None:
            break
        parts.append(await own(ctx, row.categories, row.cmdb_class, row.classification_filters))
        here = row.parent
    return and_(*parts)


async def own(ctx: Context, kinds: list[str], type_: int | None, filters: Any) -> ColumnElement[bool]:
    """The condition that a classification itself makes. Raises ``Invalid``."""
    parts: list[ColumnElement[bool]] = [true()]
    if kinds:
        tree = await categories.classes(ctx)
        parts.append(Ci.category.in_(sorted({one for key in kinds for one in categories.below(tree, key)})))
    if type_ is not None:
        parts.append(Ci.asset_type == type_)
    source = await rows.source(ctx, ctx.platform.registry.resources["ci"])
    ruled = query.where(source, query.parse_filters(filters))
    if ruled is not None:
        parts.append(ruled)
    return and_(*parts)


async def counts(ctx: Context, known: Mapping[str, ItemClassification]) -> dict[str, int]:
    """How many items each shows, as far as the caller may see them; one statement."""
    res = ctx.platform.registry.resources["ci"]
    asked = []
    for number, key in enumerate(known):
        statement: Any = select(func.count()).select_from(Ci).where(await condition(ctx, key, known))
        asked.append(rows.restricted(ctx, res, statement).scalar_subquery().label(f"n{number}"))
    if not asked:
        return {}
    return dict(zip(known, (await ctx.session.execute(select(*asked))).one(), strict=True))
