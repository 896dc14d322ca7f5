"""What items are made of: stored, listed, as a tree, and as resources."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mainstay.modules.assets.cmdb import inventory
from mainstay.modules.assets.cmdb.parts import PARTS
from tests.assets.test_items import PATH, make
from tests.support import World

INTERFACES = [
    {
        "ifIndex": 1,
        "name": "Gi0/1",
        "ifDescr": "GigabitEthernet0/1",
        "mac": "00:1b:54:aa:00:01",
        "speed": 10**9,
        "oper_status": "up",
        "admin_status": "up",
        "is_port": True,
        "lag": "Po1",
        "type": "ethernetCsmacd",
    },
    {"ifIndex": 2, "name": "Gi0/2", "oper_status": "down", "admin_status": "up", "is_port": True, "lag": "Po1"},
    {"ifIndex": 3, "name": "Gi0/3", "oper_status": "down", "admin_status": "down", "is_port": True, "speed": 10**9},
    {"ifIndex": 10, "name": "Po1", "oper_status": "up", "admin_status": "up"},
    {"ifIndex": 11, "name": "Vlan10", "oper_status": "up", "ip_addresses": ["10.0.0.1"]},
]
HARDWARE = [
    {"key": "1", "name": "Chassis", "class": "chassis", "serial": "CH1", "model": "C9300", "position": 1},
    {"key": "2", "name": "Slot 1", "class": "container", "parent": "1", "position": 1},
    {
        "key": "3",
        "name": "Uplink module",
        "class": "module",
        "parent": "2",
        "serial": "MOD1",
        "model": "NM-8X",
        "vendor": "Cisco",
        "is_fru": True,
    },
    {"key": "4", "name": "Gi0/1", "class": "port", "parent": "3"},
]
SOFTWARE = [
    {"name": "nginx", "version": "1.24", "publisher": "F5"},
    {"name": "sshd", "kind": "service", "state": "running"},
    {"name": "openjdk", "kind": "environment", "version": "21"},
    {"name": "ixgbe", "kind": "driver"},
]
STORAGE = [
    {"name": "/", "total": 10**12, "used": 10**11, "fs": "ext4"},
    {"name": "RAM", "kind": "memory", "total": 2**34},
]


async def stocked(world: World) -> str:
    item = await make(world, "sw-1", "Switch", os_name="IOS XE", os_version="17.9", rack="R1", memory_mb=8192)
    await world.post(
        f"{PATH}save-inventory/",
        {"ci_id": item, "interfaces": INTERFACES, "hardware": HARDWARE, "software": SOFTWARE, "storage": STORAGE},
    )
    return item


def names(answer: dict[str, Any]) -> list[str]:
    return [row["name"] for row in answer["results"]]


@pytest.mark.proves(
    f"POST {PATH}save-inventory/", f"GET {PATH}interface/", f"GET {PATH}interface-list/", f"GET {PATH}port-list/",
    f"GET {PATH}port-inventory/", f"GET {PATH}adapter-list/", f"GET {PATH}port-channel/",
    f"GET {PATH}interface-sidebar/", f"GET {PATH}interface-card-data/", f"GET {PATH}port-data/",
)  # fmt: skip
async def test_interfaces_and_ports(world: World) -> None:
    item = await stocked(world)
    mine = {"ci_id": item}
    every = await world.get(f"{PATH}interface/", params=mine)
    assert names(every) == ["Gi0/1", "Gi0/2", "Gi0/3", "Po1", "Vlan10"]
    assert every["results"][4]["addresses"] == ["10.0.0.1"]
    assert every["results"][0]["kind"] == "ethernetCsmacd"
    assert names(await world.get(f"{PATH}interface/", params={"search": "00:1b:54"})) == ["Gi0/1"]
    assert names(await world.get(f"{PATH}interface/", params={**mine, "sort": "name", "reverse": True}))[0] == "Vlan10"
    assert names(await world.get(f"{PATH}interface-list/", params={**mine, "items_per_page": 2})) == ["Gi0/1", "Gi0/2"]
    assert names(await world.get(f"{PATH}port-list/", params=mine)) == ["Gi0/1", "Gi0/2", "Gi0/3"]
    other = await make(world, "sw-0", "Switch")
    await world.post(f"{PATH}save-inventory/", {"ci_id": other, "interfaces": [{"name": "p1", "is_port": True}]})
    assert names(await world.get(f"{PATH}port-inventory/")) == ["p1", "Gi0/1", "Gi0/2", "Gi0/3"]
    assert names(await world.get(f"{PATH}adapter-list/", params=mine)) == ["Gi0/1", "Gi0/2", "Gi0/3"]
    (channel,) = (await world.get(f"{PATH}port-channel/", params=mine))["results"]
    assert (channel["name"], [row["name"] for row in channel["members"]]) == ("Po1", ["Gi0/1", "Gi0/2"])
    first = every["results"][0]
    beside = await world.get(f"{PATH}interface-sidebar/", params={"id": first["id"]})
    assert (beside["lag"]["name"], beside["hardware"]["parent_key"]) == ("Po1", "3")
    card = await world.get(f"{PATH}interface-card-data/", params=mine)
    assert (card["total"], card["ports"], card["up"], card["down"], card["admin_down"]) == (5, 3, 3, 1, 1)
    assert card["by_speed"] == [{"speed": 10**9, "count": 2}]
    await world.post(
        "/ux/common/cmdb/relation/",
        {"source": item, "type": "Connects to", "target": other, "source_port": "Gi0/1", "target_port": "p1"},
    )
    port = await world.get(f"{PATH}port-data/", params={"id": first["id"]})
    assert [row["target"] for row in port["relations"]] == [other]
    refused = await world.get(f"{PATH}interface/", params={"sort": "addresses"}, expect=400)
    assert "sort" in refused["fields"]


@pytest.mark.proves(
    f"GET {PATH}hardware/", f"GET {PATH}hardware-inv/", f"GET {PATH}component-inventory/", f"GET {PATH}all-card-inv/",
    f"GET {PATH}stack-list/", f"GET {PATH}hw-inv-options/", f"GET {PATH}inv-retrieve/", f"GET {PATH}slot/",
    f"GET {PATH}inventory-tree/", f"GET {PATH}inventory-tree-data/", f"GET {PATH}inventory-tree-summary/",
    f"GET {PATH}physical_summary/",
)  # fmt: skip
async def test_hardware_parts_and_the_tree(world: World) -> None:
    item = await stocked(world)
    mine = {"ci_id": item}
    assert set(names(await world.get(f"{PATH}hardware/", params=mine))) == {
        "Chassis",
        "Slot 1",
        "Uplink module",
        "Gi0/1",
    }
    assert names(await world.get(f"{PATH}hardware-inv/", params={"search": "mod1"})) == ["Uplink module"]
    assert names(await world.get(f"{PATH}component-inventory/", params=mine)) == ["Chassis", "Uplink module"]
    assert names(await world.get(f"{PATH}all-card-inv/")) == ["Uplink module"]
    assert names(await world.get(f"{PATH}stack-list/", params=mine)) == ["Chassis"]
    options = await world.get(f"{PATH}hw-inv-options/")
    assert {"name": "module", "count": 1} in options["kinds"]
    module = (await world.get(f"{PATH}all-card-inv/"))["results"][0]
    assert (await world.get(f"{PATH}inv-retrieve/", params={"id": module["id"]}))["path"] == ["Chassis", "Slot 1"]
    (slot,) = (await world.get(f"{PATH}slot/", params=mine))["slots"]
    assert (slot["name"], slot["holds"][0]["serial_number"]) == ("Slot 1", "MOD1")
    tree = await world.get(f"{PATH}inventory-tree/", params=mine)
    hardware = next(node for node in tree["children"] if node["key"] == "hardware")
    (chassis,) = hardware["children"]
    assert chassis["children"][0]["children"][0]["children"][0]["name"] == "Gi0/1"
    below = await world.get(f"{PATH}inventory-tree-data/", params={**mine, "node": "hardware", "key": "2"})
    assert (below["part"]["name"], names(below)) == ("Slot 1", ["Uplink module"])
    top = await world.get(f"{PATH}inventory-tree-data/", params={**mine, "node": "hardware"})
    assert names(top) == ["Chassis"]
    summary = await world.get(f"{PATH}inventory-tree-summary/", params=mine)
    assert {group["group"]: group["count"] for group in summary["groups"]}["interfaces"] == 5
    thing = await world.get(f"{PATH}physical_summary/", params=mine)
    assert (thing["rack"], thing["memory_mb"], thing["ports"]) == ("R1", 8192, 3)


async def test_parts_that_contain_each_other_in_a_circle_are_still_listed(world: World) -> None:
    item = await make(world)
    circle = [{"key": "1", "name": "a", "parent": "2"}, {"key": "2", "name": "b", "parent": "1"}]
    await world.post(f"{PATH}save-inventory/", {"ci_id": item, "hardware": circle})
    tree = await world.get(f"{PATH}inventory-tree/", params={"ci_id": item})
    hardware = next(node for node in tree["children"] if node["key"] == "hardware")
    assert [node["name"] for node in hardware["children"]] == ["a", "b"]


@pytest.mark.proves(
    f"GET {PATH}software-inv-list/", f"GET {PATH}software-app-list/", f"GET {PATH}software-service-list/",
    f"GET {PATH}software-env-list/", f"GET {PATH}driver-list/", f"GET {PATH}os-data/",
)  # fmt: skip
async def test_software(world: World) -> None:
    item = await stocked(world)
    mine = {"ci_id": item}
    assert set(names(await world.get(f"{PATH}software-inv-list/", params=mine))) == {
        "nginx",
        "sshd",
        "openjdk",
        "ixgbe",
    }
    assert names(await world.get(f"{PATH}software-inv-list/", params={"search": "f5"})) == ["nginx"]
    assert names(await world.get(f"{PATH}software-app-list/", params=mine)) == ["nginx"]
    assert names(await world.get(f"{PATH}software-service-list/", params=mine)) == ["sshd"]
    assert names(await world.get(f"{PATH}software-env-list/", params=mine)) == ["openjdk"]
    assert names(await world.get(f"{PATH}driver-list/", params=mine)) == ["ixgbe"]
    system = await world.get(f"{PATH}os-data/", params=mine)
    assert (system["os_version"], system["software"], system["services"]) == ("17.9", 1, 1)
    assert [(row["name"], row["total"]) for row in system["file_systems"]] == [("/", 10**12)]


async def test_what_is_no_longer_reported_is_missing_and_comes_back(world: World) -> None:
    item = await stocked(world)
    less = {"ci_id": item, "software": SOFTWARE[:1], "complete": True}
    assert (await world.post(f"{PATH}save-inventory/", less))["changed"] == ["software"]
    assert names(await world.get(f"{PATH}software-inv-list/", params={"ci_id": item})) == ["nginx"]
    gone = await world.get(f"{PATH}software-inv-list/", params={"ci_id": item, "missing": True})
    assert len(gone["results"]) == 4
    newer = {"ci_id": item, "software": [{**SOFTWARE[0], "version": "1.26"}, SOFTWARE[1]]}
    await world.post(f"{PATH}save-inventory/", newer)
    again = await world.get(f"{PATH}software-inv-list/", params={"ci_id": item})
    assert [(row["name"], row["version"]) for row in again["results"]] == [("nginx", "1.26"), ("sshd", "")]
    told = (await world.get(f"{PATH}{item}/history/"))["results"][0]["changes"]
    assert {"field": "software.nginx.version", "old": "1.24", "new": "1.26"}.items() <= told[1].items()
    assert (await world.post(f"{PATH}save-inventory/", newer))["changed"] == []


@pytest.mark.proves(
    f"GET {PATH}resources/", f"POST {PATH}resources/", f"POST {PATH}saveResource/", f"GET {PATH}resources-list/",
    f"GET {PATH}resources-list-options/", f"GET {PATH}save-resources-list/", f"POST {PATH}perform_bulk_edit_resource/",
    f"GET {PATH}resourse/", f"GET {PATH}resource-data/", f"POST {PATH}getResDetails/", f"GET {PATH}getResDropdownList/",
)  # fmt: skip
async def test_resources_of_an_item(world: World) -> None:
    item = await stocked(world)
    mine = {"ci_id": item}
    wanted = [{"name": "CPU 1", "kind": "cpu"}, {"name": "Gi0/1", "kind": "interface", "criticality": 1}]
    made = (await world.post(f"{PATH}resources/", {"ci_id": item, "resources": wanted}))["results"]
    assert {row["name"] for row in made} == {"CPU 1", "Gi0/1"}
    saved = await world.post(f"{PATH}saveResource/", {"ci_id": item, "name": "sshd", "kind": "service"})
    changed = await world.post(f"{PATH}saveResource/", {"id": saved["id"], "alias": "Secure shell", "kind": "service"})
    assert (changed["id"], changed["data"]["name"], changed["data"]["alias"]) == (saved["id"], "sshd", "Secure shell")
    refused = await world.post(f"{PATH}saveResource/", {"ci_id": item, "name": "x", "kind": "soul"}, expect=400)
    assert "kind" in refused["fields"]
    listed = await world.get(f"{PATH}resources-list/", params=mine)
    ids = {row["name"]: row["id"] for row in listed["results"]}
    assert set(ids) == {"CPU 1", "Gi0/1", "sshd"}
    watched = await world.get(f"{PATH}save-resources-list/", params={**mine, "ids": ids["CPU 1"]})
    assert (watched["monitored"], watched["changed"]) == (1, 2)
    options = await world.get(f"{PATH}resources-list-options/", params=mine)
    assert {"kind": "cpu", "count": 1, "monitored": 1} in options["counts"]
    edit = {"ids": list(ids.values()), "values": {"criticality": 2, "is_monitored": True}}
    assert (await world.post(f"{PATH}perform_bulk_edit_resource/", edit))["updated"] == 3
    every = await world.get(f"{PATH}resources/", params=mine)
    assert {(row["criticality"], row["is_monitored"]) for row in every["results"]} == {(2, True)}
    bad = {"ids": list(ids.values()), "values": {"ci": "other"}}
    assert "values" in (await world.post(f"{PATH}perform_bulk_edit_resource/", bad, expect=400))["fields"]
    assert (await world.get(f"{PATH}resourse/", params={"id": ids["sshd"]}))["alias"] == "Secure shell"
    behind = await world.get(f"{PATH}resource-data/", params={"id": ids["Gi0/1"]})
    assert behind["part"]["speed"] == 10**9
    details = await world.post(f"{PATH}getResDetails/", {"ids": list(ids.values())})
    assert {row["ci_name"] for row in details["results"]} == {"sw-1"}
    choice = await world.get(f"{PATH}getResDropdownList/", params=mine)
    assert "Secure shell" in names(choice)


@pytest.mark.proves(f"POST {PATH}validate_resource_csv/")
async def test_a_file_of_resources_is_checked_line_by_line(world: World) -> None:
    item = await make(world, "srv-9")
    text = (
        "Asset,Resource name,Kind,Criticality,Monitored\nsrv-9,CPU,cpu,Critical,yes\nCI-000001,Disk C,disk,Low,no\n"
        "nobody,x,cpu,Low,no\nsrv-9,y,cpu,Tremendous,no\n"
    )
    checked = await world.call(
        "POST", f"{PATH}validate_resource_csv/", files={"file": ("r.csv", text.encode(), "text/csv")}
    )
    assert (checked["valid"], checked["invalid"]) == (2, 2)
    assert [(error["row"], error["field"]) for error in checked["errors"]] == [(4, "asset"), (5, "criticality")]
    stored = await world.post(f"{PATH}resources/", {"resources": checked["resources"]})
    assert {(row["name"], row["ci"], row["criticality"]) for row in stored["results"]} == {
        ("CPU", item, 1),
        ("Disk C", item, 4),
    }


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=300), st.binary(max_size=5), st.just(["::1"])
)
NAMES = st.sampled_from(["key", "name", "ifIndex", "speed", "mac", "addresses", "is_port", "details", "total", "x"])


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.dictionaries(NAMES, VALUES, max_size=5), max_size=3))
def test_whatever_an_agent_says_fits_the_columns(parts: list[dict[str, Any]]) -> None:
    for model in PARTS.values():
        for key, values in inventory.clean(model, parts).items():
            assert 0 < len(key) <= 200
            assert set(values) <= {*inventory.columns_of(model)}
            for name, value in values.items():
                kind = model.__table__.c[name].type
                if isinstance(value, str):
                    assert len(value) <= kind.length
                    value.encode()
                if isinstance(value, int) and not isinstance(value, bool):
                    assert abs(value) < 2**63
