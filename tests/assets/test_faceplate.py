"""The front of an item: panel, slots, and how cards and ports are configured."""

from __future__ import annotations

from typing import Any

import pytest

from mainstay.modules.assets.cmdb import panel
from tests.assets.test_items import PATH, make
from tests.support import Statements, World


def port(name: str, oper: str = "up", admin: str = "up", **more: Any) -> dict[str, Any]:
    return {"name": name, "oper_status": oper, "admin_status": admin, "is_port": True, **more}


HARDWARE: list[dict[str, Any]] = [
    {"key": "1", "name": "Chassis", "class": "chassis", "serial": "CH1", "model": "C9404R"},
    {"key": "10", "name": "Slot 1", "class": "container", "parent": "1", "position": 1},
    {"key": "11", "name": "Line card", "class": "module", "parent": "10", "serial": "LC1", "model": "LC-48",
     "firmware": "1.2", "software": "17.9"},
    {"key": "12", "name": "Gi1/0/9", "class": "port", "parent": "11"},
    {"key": "13", "name": "Gi1/0/10", "class": "port", "parent": "11"},
    {"key": "20", "name": "Slot 2", "class": "container", "parent": "1", "position": 2},
    {"key": "30", "name": "PSU A", "class": "powerSupply", "parent": "1", "model": "PWR-C4"},
]  # fmt: skip
INTERFACES = [
    port("Gi1/0/10", alias="to core", speed=10**9, vlan="10,20", lag="Po1", mtu=1500, ip_addresses=["10.0.0.1"]),
    port("Gi1/0/9", "down", vlan="9", lag="Po1"),
    port("Mgmt0", "down", "down"),
    {"name": "Po1", "oper_status": "up", "admin_status": "up"},
]


async def front(world: World, name: str = "sw-front", interfaces: Any = INTERFACES, hardware: Any = HARDWARE) -> str:
    item = await make(world, name, "Switch", model="C9404R", ip_address="10.0.0.1", os_version="17.9")
    await world.post(f"{PATH}save-inventory/", {"ci_id": item, "interfaces": interfaces, "hardware": hardware})
    return item


@pytest.mark.proves(f"GET {PATH}panel-view/")
async def test_the_panel_shows_each_port_in_its_place(
    world: World, stranger: World, statements: Statements
) -> None:  # fmt: skip
    item = await front(world)
    params = {"ci_id": item}
    found = await world.get(f"{PATH}panel-view/", params=params)
    (unit,) = found["units"]
    assert (unit["serial_number"], [part["name"] for part in unit["supplies"]]) == ("CH1", ["PSU A"])
    on_none, card = unit["modules"]
    assert (on_none["id"], [one["name"] for one in on_none["ports"]]) == ("", ["Mgmt0"])
    assert (card["slot"], card["serial_number"]) == ("Slot 1", "LC1")
    assert [(one["name"], one["state"]) for one in card["ports"]] == [("Gi1/0/9", "down"), ("Gi1/0/10", "up")]
    assert found["states"] == {"up": 1, "down": 1, "off": 1, "unknown": 0}
    # A port that is switched is shown so.
    await world.post(f"{PATH}save-inventory/", {"ci_id": item, "interfaces": [port("Gi1/0/9")]})
    found = await world.get(f"{PATH}panel-view/", params=params)
    assert found["states"] == {"up": 2, "down": 0, "off": 1, "unknown": 0}
    statements.ran.clear()
    await world.get(f"{PATH}panel-view/", params=params)
    few = len(statements.ran)
    big = await front(world, "sw-big", [port(f"Gi1/0/{number}") for number in range(300)])
    statements.ran.clear()
    found = await world.get(f"{PATH}panel-view/", params={"ci_id": big})
    assert (len(statements.ran), found["states"]["up"]) == (few, 300)
    nobody = await world.granted({"incident": ("view",)})
    await world.get(f"{PATH}panel-view/", params=params, by=nobody, expect=403)
    await stranger.get(f"{PATH}panel-view/", params=params, expect=404)
    await world.get(f"{PATH}panel-view/", expect=400)


async def test_a_device_without_hardware_parts_has_its_ports_by_slot(world: World) -> None:
    names = ("Te2/1/1", "Gi1/0/2", "Gi1/0/1")
    item = await front(world, "sw-plain", [port(name) for name in names], [])
    (unit,) = (await world.get(f"{PATH}panel-view/", params={"ci_id": item}))["units"]
    assert [(one["slot"], [each["name"] for each in one["ports"]]) for one in unit["modules"]] == [
        ("1/0", ["Gi1/0/1", "Gi1/0/2"]), ("2/1", ["Te2/1/1"])
    ]  # fmt: skip


@pytest.mark.proves(f"GET {PATH}slottooltip/")
async def test_what_a_slot_holds(world: World, stranger: World) -> None:
    item = await front(world)
    path = f"{PATH}slottooltip/"
    found = await world.get(path, params={"ci_id": item, "slot": "Slot 1"})
    assert (found["empty"], found["card"]["serial_number"], found["path"]) == (False, "LC1", ["Chassis"])
    assert (found["parts"], found["states"]) == (3, {"up": 1, "down": 1, "off": 0, "unknown": 0})
    by_card = await world.get(path, params={"ci_id": item, "slot": found["card"]["id"]})
    assert (by_card["kind"], by_card["states"]) == ("module", found["states"])
    assert (await world.get(path, params={"ci_id": item, "slot": "20"}))["empty"] is True
    await world.get(path, params={"ci_id": item, "slot": "Slot 9"}, expect=404)
    await world.get(path, params={"ci_id": item}, expect=400)
    await stranger.get(path, params={"ci_id": item, "slot": "Slot 1"}, expect=404)


@pytest.mark.proves(f"GET {PATH}configuration-card-details/", f"GET {PATH}congiguration-inventory-details/")
async def test_how_cards_and_item_are_configured(world: World, stranger: World) -> None:
    item = await front(world)
    path = f"{PATH}configuration-card-details/"
    found = (await world.get(path, params={"ci_id": item}))["results"]
    card = next(one for one in found if one["serial_number"] == "LC1")
    assert (card["firmware"], card["software"], card["states"]["up"]) == ("1.2", "17.9", 1)
    assert {one["name"]: (one["vlan"], one["mtu"], one["lag"]) for one in card["ports"]} == {
        "Gi1/0/9": ("9", None, "Po1"), "Gi1/0/10": ("10,20", 1500, "Po1")
    }  # fmt: skip
    assert (await world.get(path, params={"ci_id": item, "card": card["id"]}))["results"] == [card]
    await world.get(path, params={"ci_id": item, "card": "none"}, expect=404)
    await stranger.get(path, params={"ci_id": item}, expect=404)

    setup = await world.get(f"{PATH}congiguration-inventory-details/", params={"ci_id": item})
    assert setup["os_version"] == "17.9"
    assert [(one["address"], one["management"], one["interface"]) for one in setup["addresses"]] == [
        ("10.0.0.1", True, "Gi1/0/10")
    ]  # fmt: skip
    assert [one["vlan"] for one in setup["vlans"]] == ["9", "10", "20"]
    assert setup["aggregates"] == [{"name": "Po1", "members": ["Gi1/0/10", "Gi1/0/9"]}]
    assert (setup["interfaces"], setup["switched_off"], setup["unnamed"]) == (4, ["Mgmt0"], [])
    assert setup["software"] == [{"part": "Line card", "firmware": "1.2", "software": "17.9"}]
    await world.post(f"{PATH}save-inventory/", {"ci_id": item, "interfaces": [port("Gi1/0/9", vlan="30")]})
    setup = await world.get(f"{PATH}congiguration-inventory-details/", params={"ci_id": item})
    assert (setup["unnamed"], [one["vlan"] for one in setup["vlans"]]) == (["Gi1/0/9"], ["10", "20", "30"])
    await stranger.get(f"{PATH}congiguration-inventory-details/", params={"ci_id": item}, expect=404)


@pytest.mark.parametrize(
    ("name", "slot"),
    [("Gi1/0/24", "1/0"), ("xe-0/0/1:2", "0/0"), ("Ethernet3", ""), ("eth0", ""), ("GigabitEthernet 2/1", "2"),
     ("lo", ""), ("", ""), ("1/2/3", "")],
)  # fmt: skip
def test_slots_in_names(name: str, slot: str) -> None:
    assert panel.slot_of(name) == slot


def test_parts_that_contain_each_other_end() -> None:
    empty = {"kind": "container", "description": "", "position": None}
    one = {**empty, "key": "1", "parent_key": "2", "name": "one"}
    other = {**empty, "key": "2", "parent_key": "1", "name": "other"}
    assert [part["key"] for part in panel.path_of(one, {"1": one, "2": other})] == ["1", "2"]
    assert panel.arrange([one, other], []) == []


def test_names_in_their_natural_order() -> None:
    names = ["Gi1/0/10", "Gi1/0/9", "Gi1/0/1", "", "10", "9"]
    assert sorted(names, key=panel.natural) == ["", "9", "10", "Gi1/0/1", "Gi1/0/9", "Gi1/0/10"]
