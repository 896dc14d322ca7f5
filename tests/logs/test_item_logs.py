"""Log intake of single items: switched off and on, counted, and who did it."""

from __future__ import annotations

import pytest

from mainstay.modules.logs.intake.sources import Sources
from tests.assets.test_items import PATH, make
from tests.logs.lines_in import receive
from tests.support import Statements, World


@pytest.mark.proves(f"PUT {PATH}add-remove-log/")
async def test_lines_of_an_item_are_kept_out_and_taken_again(world: World, stranger: World) -> None:
    item = await make(world, "noisy-1", "Switch", ip_address="198.18.79.1")
    other = await make(world, "calm-1", "Switch", ip_address="198.18.79.2")
    assert [row["message"] for row in await receive(world, "one", "two", ci=[item, other])] == ["one", "two"]
    body = {"ci_ids": [item], "action": "remove", "reason": "debug left on"}
    done = await world.put(f"{PATH}add-remove-log/", body)
    (state,) = done["results"]
    assert (done["changed"], state["enabled"], state["reason"]) == (1, False, "debug left on")
    assert (state["by"], bool(state["since"])) == ("Ada Admin", True)
    assert [row["message"] for row in await receive(world, "three", "four", "5", ci=[item, other, ""])] == ["four", "5"]
    assert await receive(world, "six", ci=item) == []
    # Twice is no change, and no line in the history.
    assert (await world.put(f"{PATH}add-remove-log/", body))["changed"] == 0
    assert (await world.put(f"{PATH}add-remove-log/", {"ci_ids": [item, other], "action": "add"}))["changed"] == 1
    assert [row["message"] for row in await receive(world, "seven", ci=item)] == ["seven"]
    history = (await world.get(f"{PATH}{item}/history/"))["results"]
    assert [entry["action"] for entry in history].count("log intake") == 2

    looker = await world.granted({"asset": ("view", "edit")})
    await world.put(f"{PATH}add-remove-log/", body, by=looker, expect=403)
    await stranger.put(f"{PATH}add-remove-log/", body, expect=404)
    await world.put(f"{PATH}add-remove-log/", {**body, "action": "toggle"}, expect=400)
    await world.put(f"{PATH}add-remove-log/", {**body, "ci_ids": []}, expect=400)


async def test_the_gate_knows_items_by_the_address_that_sent(world: World) -> None:
    item = await make(world, "noisy-2", "Switch", ip_address="198.18.79.3")
    await world.post(
        "/ux/logmanagement/log_integration/", {"name": "N", "networks": ["198.18.79.0/24"]}, expect=201
    )  # fmt: skip
    (sender,) = await Sources(world.platform).senders(["198.18.79.3"])
    assert sender.ci == item
    await world.put(f"{PATH}add-remove-log/", {"ci_ids": [item], "action": "remove"})
    assert await receive(world, "hidden", source=sender.address, ci=sender.ci) == []


@pytest.mark.proves(f"GET {PATH}log_url/")
async def test_where_the_lines_of_an_item_are(world: World, stranger: World) -> None:
    item = await make(world, "talker-1", "Switch")
    await receive(world, "fine", "broken", ci=item, severity=[6, 3])
    found = await world.get(f"{PATH}log_url/", params={"ci_id": item})
    assert (found["lines"], found["errors"], found["dropped"], found["log"]["enabled"]) == (2, 1, 0, True)
    assert f"/logs/search?q=ci%3A{item}" in found["url"]
    assert found["last_received"]
    lines = await world.post("/ux/logmanagement/log_search/log_search/logs/", {"query": f"ci:{item}"})
    assert lines["count"] == 2
    await world.put(f"{PATH}add-remove-log/", {"ci_ids": [item], "action": "remove"})
    await receive(world, "lost", "lost too", ci=item)
    found = await world.get(f"{PATH}log_url/", params={"ci_id": item})
    assert (found["lines"], found["dropped"], found["log"]["enabled"]) == (2, 2, False)
    assert (await world.get(f"{PATH}log_url/", params={"ci_id": await make(world, "mute", "Switch")}))["lines"] == 0
    await stranger.get(f"{PATH}log_url/", params={"ci_id": item}, expect=404)
    for wanted in ({"asset": ("view",)}, {"log_search": ("view",)}):
        nobody = await world.granted(wanted)  # type: ignore[arg-type]
        await world.get(f"{PATH}log_url/", params={"ci_id": item}, by=nobody, expect=403)


@pytest.mark.proves(f"POST {PATH}log-config-audit/")
async def test_who_switched(world: World, stranger: World, statements: Statements) -> None:
    made = [await make(world, f"sw-{number}", "Switch") for number in range(6)]
    first, second = made[0], made[1]
    await world.put(f"{PATH}add-remove-log/", {"ci_ids": [first], "action": "remove", "reason": "why"})
    await world.put(f"{PATH}add-remove-log/", {"ci_ids": [second], "action": "remove"})
    await world.put(f"{PATH}add-remove-log/", {"ci_ids": [first], "action": "add"})
    await world.patch(f"{PATH}{first}/", {"description": "not about logs"})
    path = f"{PATH}log-config-audit/"
    found = await world.post(path, {})
    assert [(row["ci_id"], row["enabled"], row["reason"]) for row in found["results"]] == [
        (first, True, ""), (second, False, ""), (first, False, "why")
    ]  # fmt: skip
    assert (await world.post(path, {"ci_ids": [second]}))["count"] == 1
    assert (await world.post(path, {"until": "2020-01-01T00:00:00Z"}))["count"] == 0
    await world.post(path, {"since": "2020-01-01T00:00:00"}, expect=400)
    assert (await stranger.post(path, {}))["count"] == 0
    statements.ran.clear()
    await world.post(path, {})
    few = len(statements.ran)
    await world.put(f"{PATH}add-remove-log/", {"ci_ids": made, "action": "remove"})
    statements.ran.clear()
    assert (await world.post(path, {}))["count"] == 8
    assert len(statements.ran) == few
