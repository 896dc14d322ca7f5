"""Configuration items through the API."""

from __future__ import annotations

import pytest

from mainstay.kernel import query, rows
from mainstay.modules.assets.cmdb import lookup
from mainstay.modules.assets.cmdb.resource import items
from tests.support import World

PATH = "/ux/common/cmdb/profile/"
CATEGORY = "/ux/common/cmdb/category/"


async def make(world: World, name: str = "srv-01", category: str = "Server", **values: object) -> str:
    made = await world.post(PATH, {"name": name, "category": category, **values}, expect=201)
    found: str = made["id"]
    return found


@pytest.mark.proves(f"POST {PATH}", f"GET {PATH}", f"GET {PATH}{{id}}/")
async def test_an_item_is_created_listed_and_read(world: World) -> None:
    made = await world.post(
        PATH,
        {
            "ci_name": "core-sw-01",
            "category": "Switch",
            "serial_number": "FCW2140L0GH",
            "ip_address": "192.0.2.10",
            "mac_address": "00-1B-54-AA-BB-CC",
            "custom_field_data": {"port_count": 48},
        },
        expect=201,
    )
    assert made["data"]["ci_id"] == made["id"]
    assert made["data"]["display_id"] == "CI-000001"
    assert made["data"]["source"] == "api"
    listed = await world.get(PATH, params={"filters": '{"port_count": 48}'})
    assert [row["ci_name"] for row in listed["results"]] == ["core-sw-01"]
    read = await world.get(f"{PATH}{made['id']}/")
    assert (read["category_name"], read["status_name"], read["mac_address"]) == (
        "Switch",
        "In Use",
        "00:1b:54:aa:bb:cc",
    )
    assert (await world.get(f"{PATH}ci-000001/"))["ci_id"] == made["id"]
    async with world.platform.work(world.organization, write=False) as ctx:
        found = await lookup.by_address(ctx, ["192.0.2.10", "::ffff:192.0.2.10", "192.0.2.11", "nonsense"])
    assert set(found) == {"192.0.2.10", "::ffff:192.0.2.10"}
    assert found["192.0.2.10"] == (made["id"], "core-sw-01")


@pytest.mark.proves(f"PUT {PATH}{{id}}/", f"DELETE {PATH}{{id}}/")
async def test_an_item_is_changed_and_deleted(world: World) -> None:
    item = await make(world, ip_address="192.0.2.20")
    changed = await world.put(f"{PATH}{item}/", {"ci_id": item, "ci_name": "srv-02", "ip_address": "2001:DB8::1"})
    assert (changed["data"]["name"], changed["data"]["ip_address"]) == ("srv-02", "2001:db8::1")
    async with world.platform.work(world.organization, write=False) as ctx:
        assert set(await lookup.by_address(ctx, ["192.0.2.20", "2001:db8:0::1"])) == {"2001:db8:0::1"}
    await world.delete(f"{PATH}{item}/", expect=204)
    async with world.platform.work(world.organization, write=False) as ctx:
        assert not await lookup.by_address(ctx, ["2001:db8::1"])


async def test_the_life_cycle_has_legal_moves_only(world: World) -> None:
    item = await make(world, status="In Stock")
    refused = await world.patch(f"{PATH}{item}/", {"status": "Disposed"}, expect=409)
    assert refused["error"].startswith("An item that is In Stock cannot become Disposed. Allowed: In Installation, ")
    refused = await world.patch(f"{PATH}{item}/", {"status": "Allocated"}, expect=400)
    assert "status" in refused["fields"]
    given = {"status": "Allocated", "used_by": world.admin.profile_id}
    assert (await world.patch(f"{PATH}{item}/", given))["data"]["allocation"] == "allocated"
    taken = (await world.patch(f"{PATH}{item}/", {"status": "Returned"}))["data"]
    assert (taken["allocation"], taken["used_by"]) == ("deallocated", None)


async def test_identifiers_are_unique_where_the_category_says_so(world: World) -> None:
    await make(world, serial_number="SN-1")
    refused = await world.post(PATH, {"name": "b", "category": "Server", "serial_number": "sn-1"}, expect=400)
    assert refused["fields"] == {"serial_number": ["srv-01 (CI-000001) has this serial number already."]}
    await make(world, "c", "Rack", serial_number="SN-1")
    await make(world, "d", serial_number="To be filled by O.E.M.")
    await make(world, "e", serial_number="To be filled by O.E.M.")


@pytest.mark.parametrize(("name", "ranged"), [("name", True), ("manufacturer", False)])
async def test_what_an_index_holds_in_small_letters_is_looked_up_there(world: World, name: str, ranged: bool) -> None:
    await world.post(PATH, [{"name": f"Core {n}", "manufacturer": f"ACME {n}", "category": "Switch"} for n in range(3)])
    value = {"name": "core 1", "manufacturer": "acme 1"}[name]
    found = await world.get(PATH, params={"filters": f'{{"{name}": "{value}"}}'})
    assert [row["name"] for row in found["results"]] == ["Core 1"]
    async with world.platform.work(world.organization, write=False) as ctx:
        origin = await rows.source(ctx, items)
    for origin.sqlite in (True, False):
        said = str(query.where(origin, {name: value}))
        assert (f"lower(ci.{name}) >=" in said) is (ranged and not origin.sqlite)
