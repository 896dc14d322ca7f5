"""Many records at once are stored, and told of in the trail, as each would be alone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import select

from mainstay.kernel import store
from mainstay.kernel.changes import Change
from mainstay.kernel.errors import Invalid
from mainstay.kernel.fields import MANY
from mainstay.kernel.http.body import MAX_DEPTH, check_depth
from mainstay.kernel.record import new_id, new_ids
from mainstay.kernel.validation import read_rows, read_values
from mainstay.modules.assets.cmdb.resource import PATH, items
from mainstay.modules.assets.cmdb.tables import Ci
from tests.support import Statements, World

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


async def test_many_items_cost_the_same_few_statements(world: World, statements: Statements | None) -> None:
    assert statements is not None

    def batch_of(count: int, batch: str) -> list[dict[str, Any]]:
        common = {"category": "Switch", "manufacturer": "Cisco"}
        return [
            {
                **common,
                "name": f"{batch}-{n}",
                "serial_number": f"{batch}-{n}-sn",
                "ip_address": f"10.1.{n >> 8}.{n & 255}",
            }
            for n in range(count)
        ]

    await world.post(PATH, batch_of(30, "first"))
    counts = []
    for count in (30, 1200):
        start = len(statements.ran)
        await world.post(PATH, batch_of(count, f"batch {count}"))
        counts.append(len(statements.ran) - start)
    assert counts[0] == counts[1], counts
    # Who calls; the categories' names; who has such values; the numbers; items, trail, identities, addresses.
    assert counts[0] <= 10, statements.ran[-counts[0] :]


VALUES: list[Any] = ["a", " b ", "", None, "ä", "a\x00", "1", 1, True, 1.0, [], ["a"], {"id": "1"}, {}, "2026-01-31",
                     "x" * 300, "\ud800", "yes", 2**70, "1e3", "High", "high", 3]  # fmt: skip


def test_values_of_many_rows_are_read_as_each_is() -> None:
    fields = {name: spec for name, spec in items.fields.items() if not spec.read_only}
    for name, spec in fields.items():
        known = {"name": "n", "category": "c"}
        rows = [known | {name: value} for value in (*VALUES, *VALUES)]
        for row, (values, errors) in zip(rows, read_rows(fields, rows), strict=True):
            try:
                alone = (read_values(fields, row, partial=False), {})
            except Invalid as invalid:
                alone = ({}, invalid.extra["fields"])
            assert (errors, {} if errors else values) == (alone[1], alone[0]), (name, row[name])
            kept = values.get(name)
            assert type(kept) is type(alone[0].get(name)) or errors, (name, row[name])
        if spec.kind in MANY:
            made = [values[name] for values, errors in read_rows(fields, rows) if not errors]
            assert len(set(map(id, made))) == len(made), "no two rows share a list"


@pytest.mark.parametrize("wrap", [lambda value: [1, value], lambda value: {"a": "x", "b": value}])
def test_a_body_is_refused_beyond_its_depth_whatever_it_is_made_of(wrap: Callable[[Any], Any]) -> None:
    made: Any = "x"
    for _ in range(MAX_DEPTH + 1):
        made = wrap(made)
    check_depth(made)
    for levels in (1, 5000):
        for _ in range(levels):
            made = wrap(made)
        with pytest.raises(Invalid, match="nested too deeply"):
            check_depth(made)
