"""Many records at once are stored, and told of in the trail, as each would be alone."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import select

from mainstay.kernel import store
from mainstay.kernel.changes import Change
from mainstay.kernel.record import new_id, new_ids
from mainstay.modules.assets.cmdb.tables import Ci
from tests.support import World

ROWS: list[dict[str, Any]] = [
    {"name": "plain", "tags": ["a", "b"], "cpu_count": 4, "cost": 1.5},
    {"name": 'quote " and \\ and \n and \u2028 and é', "description": "x" * 3000, "custom_field_data": {"a": [1, "ä"]}},
    {"name": "dates", "purchase_date": date(2026, 1, 31), "last_seen": datetime(2026, 1, 31, 9, 30, tzinfo=UTC)},
    {"name": "nothing", "tags": [], "cpu_count": 0, "environment": None, "description": "", "custom_field_data": {}},
]


async def _trail(world: World, ids: list[str]) -> list[tuple[str, int, Any, str, int, datetime]]:
    async with world.platform.work(world.organization, write=False) as ctx:
        query = select(Change).where(Change.resource == "ci", Change.record_id.in_(ids))
        found = {row.record_id: row for row in (await ctx.session.execute(query)).scalars()}
    return [
        (
            row.action,
            row.version,
            sorted(row.changes, key=lambda item: item["field"]),
            row.actor_name,
            row.actor,
            row.at,
        )
        for row in map(found.__getitem__, ids)
    ]


@pytest.mark.parametrize("times", [1, 6])  # on PostgreSQL few rows go another way than many
async def test_the_trail_of_many_says_what_that_of_each_alone_says(world: World, times: int) -> None:
    rows = [
        {**row, "display_id": f"T-{turn}-{index}", "category": new_id(), "is_demo_data": True}
        for turn in range(times)
        for index, row in enumerate(ROWS)
    ]
    async with world.platform.work(world.organization) as ctx:
        now = ctx.now
        alone = []
        for row in rows:
            (one,) = await store.add_many(ctx, Ci, [{**row, "display_id": f"one {row['display_id']}"}])
            alone.append(one["id"])
        many = [row["id"] for row in await store.add_many(ctx, Ci, rows)]
    assert alone + many == sorted(alone + many)
    each, together = await _trail(world, alone), await _trail(world, many)
    for row, one, other in zip(rows, each, together, strict=True):
        name = next(entry for entry in one[2] if entry["field"] == "display_id")
        name["new"] = row["display_id"]
        assert one == other
        assert other[5] == now
        told = {entry["field"] for entry in other[2]}
        assert {field for field, value in row.items() if value and field != "is_demo_data"} <= told
        assert all(entry["old"] is None and entry["new"] for entry in other[2])


def test_ids_made_at_once_ascend_with_those_made_alone() -> None:
    made = [new_id(), *new_ids(3000), new_id(), *new_ids(1), *new_ids(2000), new_id()]
    assert made == sorted(set(made))
    assert {len(one) for one in made} == {25}
