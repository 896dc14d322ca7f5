"""Categories: the tree, what items have from it, and what may not be."""

from __future__ import annotations

import pytest

from tests.assets.test_items import CATEGORY as PATH
from tests.assets.test_items import PATH as ITEMS
from tests.assets.test_items import make
from tests.support import World


async def category(world: World, name: str, **values: object) -> str:
    made = await world.post(PATH, {"name": name, **values}, expect=201)
    found: str = made["id"]
    return found


async def of(world: World, name: str) -> dict[str, object]:
    found: dict[str, object] = (await world.get(PATH, params={"filters": f'{{"name": "{name}"}}'}))["results"][0]
    return found


@pytest.mark.proves(f"POST {PATH}", f"GET {PATH}", f"GET {PATH}{{id}}/", f"PUT {PATH}{{id}}/")
async def test_items_have_what_their_category_and_those_above_say(world: World) -> None:
    blades = await category(
        world,
        "Blade Server",
        parent="Server",
        attributes=[
            {"label": "Bay", "type": "numeric", "required": True},
            {"label": "Colour", "kind": "dropdown", "choices": ["Red", "Blue"]},
        ],
        identifiers=[["asset_tag"]],
        sections=[{"name": "Identity", "fields": [{"field": "manufacturer", "required": True}]}],
    )
    read = await world.get(f"{PATH}{blades}/")
    assert read["path"] == ["Hardware", "Server", "Blade Server"]
    assert [item["key"] for item in read["attributes"]] == ["bay", "colour"]
    refused = await world.post(ITEMS, {"name": "b1", "category": "Blade Server"}, expect=400)
    assert set(refused["fields"]) == {"custom_field_data.bay", "manufacturer"}
    given = {"name": "b1", "category": "blade server", "manufacturer": "Dell", "asset_tag": "T-1"}
    wrong = {"bay": "x", "colour": "Red"}
    assert "bay" in str(await world.post(ITEMS, {**given, "custom_field_data": wrong}, expect=400))
    elsewhere = {**given, "custom_field_data": {"bay": 1, "port_count": 4}}
    assert "not an attribute of Blade Server" in (await world.post(ITEMS, elsewhere, expect=400))["error"]
    # From Server it has the form factor, and its serial number identifies.
    good = {**given, "serial_number": "S-1", "custom_field_data": {"bay": 1, "form_factor": "Blade"}}
    await world.post(ITEMS, good, expect=201)
    for mark in ({"serial_number": "S-1"}, {"asset_tag": "t-1"}):
        twice = {**given, "asset_tag": "T-2", "name": "b2", "custom_field_data": {"bay": 2}, **mark}
        assert "has this" in (await world.post(ITEMS, twice, expect=400))["error"]
    listed = await world.get(ITEMS, params={"filters": '{"field": "bay", "condition": "less", "value": 3}'})
    assert listed["count"] == 1
    changed = await world.put(f"{PATH}{blades}/", {**read, "identifiers": []})
    assert changed["data"]["identifiers"] == []


async def test_what_makes_no_sense_is_refused(world: World) -> None:
    server = await of(world, "Server")
    blade = await category(world, "Blade Server", parent="Server")
    circle = await world.patch(f"{PATH}{server['category_id']}/", {"parent": blade}, expect=400)
    assert "cannot be part of itself" in circle["error"]
    for attributes, word in (
        ([{"label": "Name", "key": "name"}], "every item has already"),
        ([{"label": "Ports", "key": "port_count", "kind": "text"}], "Another category has port_count as integer"),
        ([{"label": "Colour", "kind": "choice"}], "needs choices"),
        ([{"label": "A", "kind": "colour-ish"}], "is not a kind"),
        ([{"label": "A"}, {"label": "a"}], "twice"),
        ({"a": 1}, "list"),
    ):
        refused = await world.post(PATH, {"name": "X", "attributes": attributes}, expect=400)
        assert word in refused["error"], refused
    assert "not a field" in (await world.post(PATH, {"name": "X", "identifiers": [["nonsense"]]}, expect=400))["error"]
    group = await world.post(ITEMS, {"name": "x", "category": "Hardware"}, expect=400)
    assert "only groups other categories" in group["error"]


@pytest.mark.proves(f"DELETE {PATH}{{id}}/")
async def test_a_category_in_use_stays_and_says_what_uses_it(world: World) -> None:
    blade = await category(world, "Blade Server", parent="Server")
    item = await make(world, "b1", "Blade Server")
    used = await world.delete(f"{PATH}{blade}/", expect=409)
    assert used["error"] == (
        "The category Blade Server is still used by 1 item (category). Change them first, then delete it."
    )
    inner = await category(world, "Mini Blade", parent="Blade Server")
    await world.delete(f"{ITEMS}{item}/", expect=204)
    assert "1 category (part of)" in (await world.delete(f"{PATH}{blade}/", expect=409))["error"]
    await world.delete(f"{PATH}{inner}/", expect=204)
    await world.delete(f"{PATH}{blade}/", expect=204)
    await world.get(f"{PATH}{blade}/", expect=404)


async def test_a_new_identifier_is_refused_while_items_share_the_value(world: World) -> None:
    for name in ("a", "b"):
        await make(world, name, "Rack", serial_number="SAME")
    rack = await of(world, "Rack")
    refused = await world.patch(f"{PATH}{rack['category_id']}/", {"identifiers": [["serial_number"]]}, expect=409)
    assert "stands in the way" in refused["error"]
    assert (await world.get(f"{PATH}{rack['category_id']}/"))["identifiers"] == []


@pytest.mark.proves(
    f"GET {PATH}all_options/",
    f"GET {PATH}custom_options/",
    f"GET {PATH}dropdown_options_for_all_tab/",
    f"GET {PATH}audit_template_options/",
)
async def test_editors_get_the_tree_the_fields_and_the_choices(world: World) -> None:
    await make(world, "sw", "Switch")
    every = await world.get(f"{PATH}all_options/", params={"category": "Network Device"})
    (top,) = every["categories"]
    switch = next(node for node in top["children"] if node["name"] == "Switch")
    assert (switch["items"], switch["identifiers"]) == (1, [["serial_number"], ["asset_tag"]])
    assert {"port_count", "stack_members"} <= {item["key"] for item in switch["attributes"]}
    assert "serial_number" in [item["key"] for item in every["fields"]]
    custom = await world.get(f"{PATH}custom_options/", params={"category": "Switch"})
    ports = next(item for item in custom["attributes"] if item["key"] == "port_count")
    assert [one["name"] for one in ports["categories"]] == ["Switch"]
    tabs = (await world.get(f"{PATH}dropdown_options_for_all_tab/"))["tabs"]
    assert {"In Stock", "Retired"} <= {one["name"] for one in tabs["General"]["status"]}
    audit = await world.get(f"{PATH}audit_template_options/")
    assert "location" in [item["key"] for item in audit["fields"]]
    viewer = await world.granted({"asset": ("view",)})
    await world.get(f"{PATH}all_options/", by=viewer, expect=403)
