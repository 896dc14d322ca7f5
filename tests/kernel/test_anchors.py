"""Pages far into a list: found from a known position near them, and right whatever changed since."""

from __future__ import annotations

import json
from typing import Any

from mainstay.kernel.anchors import MOST, SPACING, Anchors
from tests.support import Statements, World

INCIDENTS = "/ux/sd/inci/incident/"


def test_the_nearest_position_before_a_page_is_known() -> None:
    known = Anchors()
    assert known.before(10_000) is None
    for position in (600, 2_000, 1_200):
        known.keep(7, position, f"value {position}", f"id {position}")
    assert known.before(599) is None
    assert known.before(600) == (600, "value 600", "id 600")
    assert known.before(1_999) == (1_200, "value 1200", "id 1200")
    assert known.before(2_500) == (2_000, "value 2000", "id 2000")
    # The end of the list may be nearer.
    assert known.before(10**6) is None


def test_positions_close_together_are_kept_once() -> None:
    known = Anchors()
    for position in range(50, 3 * SPACING, 50):
        known.keep(1, position, position, "x")
    assert [known.before(at) for at in (SPACING - 1, SPACING, 2 * SPACING - 1, 2 * SPACING)] == [
        None, (SPACING, SPACING, "x"), (SPACING, SPACING, "x"), (2 * SPACING, 2 * SPACING, "x")
    ]  # fmt: skip


def test_a_change_forgets_them_and_their_number_is_bounded() -> None:
    known = Anchors()
    for step in range(1, MOST + 50):
        known.keep(1, step * SPACING, step, "x")
    assert known.before(MOST * SPACING + 1) == (MOST * SPACING, MOST, "x")
    assert known.before((MOST + 20) * SPACING) is None
    known.keep(2, 5_000, "newer", "y")
    assert known.head == 2
    assert known.before(4_999) is None


async def test_pages_in_any_order_are_those_of_the_whole_list(world: World, statements: Statements) -> None:
    count = 1150
    await world.post(INCIDENTS, [{"summary": f"Line {number % 40}"} for number in range(count)])

    async def page(number: int, **more: Any) -> list[str]:
        asked = {"items_per_page": 100, "page": number, "filters": json.dumps({"status": "New"}), **more}
        return [row["incident_id"] for row in (await world.get(INCIDENTS, params=asked))["results"]]

    for order in ({"sort": "creation_time", "reverse": "true"}, {"sort": "summary"}):
        whole = [each for number in (1, 2, 3) for each in await page(number, items_per_page=500, **order)]
        assert len(set(whole)) == count
        # Forward leaves positions behind, backward and the far end use them.
        for number in (*range(1, 13), *range(12, 0, -1), 9):
            assert await page(number, **order) == whole[(number - 1) * 100 : number * 100], (order, number)
        assert await page(13, **order) == []
    # Another length, so that the answer is not one that was kept.
    statements.ran.clear()
    assert await page(7, items_per_page=99, sort="summary") == whole[594:693]
    (listed,) = (sql for sql in statements.ran if "LIMIT" in sql)
    assert "summary >= " in listed, listed
    assert not any("count(" in sql for sql in statements.ran), statements.ran

    # Beyond the end nothing is looked for, once the number of rows is known.
    statements.ran.clear()
    assert await page(2, filters=json.dumps({"status": "Analysis"})) == []
    assert not any("incident.id" in sql and "LIMIT" in sql for sql in statements.ran), statements.ran

    gone = whole[0]
    await world.put(f"{INCIDENTS}{gone}/", {"status": "Responded"})
    assert await page(7, sort="summary") == whole[601:701]
    (made,) = (await world.post(INCIDENTS, [{"summary": "Line 0"}]))["ids"]
    now = whole[1:]
    now.insert(len(range(0, count, 40)) - 1, made)  # behind the others of this summary
    assert await page(7, sort="summary") == now[600:700]
