"""What a system of the network consists of and whom it hears, read at its prompt: on real SSH servers, and from lists
as every system prints them."""

from __future__ import annotations

from typing import Any

import asyncssh
import pytest
from sqlalchemy import update

from mainstay.modules.monitoring.commands import inventory, lists, network, said
from mainstay.modules.monitoring.discovery import leads
from mainstay.modules.monitoring.discovery.asking import Heard as Answered
from mainstay.modules.monitoring.discovery.asking import decoded, encoded
from mainstay.modules.monitoring.polling.tables import Polled
from mainstay.modules.monitoring.topology.estate import Heard
from tests.monitoring.devices import PASSWORD, USER, Switch
from tests.monitoring.netsnmp import free_port
from tests.monitoring.prompts import EOS, IOS, OTHERS
from tests.monitoring.test_discovery import ITEMS, configure, results, scan
from tests.monitoring.test_logins import VERSION, account
from tests.support import World

HARDWARE, LINKS = f"{ITEMS}hardware/", "/ux/common/cmdb/relation/"


class Arista(Switch):
    banner = "OpenSSH_7.8"


def edge(**left_out: str) -> Switch:
    return Switch({"show version": VERSION, **IOS, **left_out}, "edge-1#")


async def parts(world: World, what: str, item: str) -> dict[str, dict[str, Any]]:
    listed = await world.get(f"{ITEMS}{what}/", params={"ci_id": item, "items_per_page": 500})
    return {row["name"]: row for row in listed["results"]}


async def test_what_a_prompt_tells_is_stored_as_what_snmp_tells(world: World) -> None:
    port = free_port()
    one = await account(world, port, trust_new=True)
    discovery = await configure(world, host="127.0.0.77, 127.0.0.78", credentials=[one],
                                params={"ssh_port": port, "filter_by_ping": 0})  # fmt: skip
    switch, core = edge(), Arista(EOS, "core-1#")
    async with switch.serving("127.0.0.77", port), core.serving("127.0.0.78", port):
        await scan(world, discovery)
        found = await results(world, id=discovery)
        assert {address: (row["result"], row["problems"]) for address, row in found.items()} == {
            "127.0.0.77": ("added", []), "127.0.0.78": ("added", []),
        }  # fmt: skip
        await scan(world, discovery)
        assert {row["result"] for row in (await results(world, id=discovery)).values()} == {"unchanged"}
    heard = found["127.0.0.77"]["neighbours"]
    assert [(one["port"], one["name"], one["protocol"]) for one in heard] == [
        ("Gi1/0/1", "core-1.example.net", "lldp"), ("GigabitEthernet1/0/2", "SEP001122334455", "cdp"),
    ]  # fmt: skip
    items = {row["name"]: row["id"] for row in (await world.get(ITEMS))["results"]}
    assert set(items) == {"edge-1", "core-1"}
    ports = await parts(world, "interface", items["edge-1"])
    assert {name: (row["oper_status"], row["admin_status"], row["speed"], row["addresses"])
            for name, row in ports.items()} == {
        "Vl10": ("up", "up", 10**9, ["198.51.100.2"]), "Gi1/0/1": ("up", "up", 10**9, []),
        "Gi1/0/2": ("down", "down", 10**7, []), "Te1/0/48": ("down", "up", 10**10, []),
        "Po1": ("up", "up", 2 * 10**9, []),
    }  # fmt: skip
    first = ports["Gi1/0/1"]
    assert (first["mac"], first["alias"], first["description"], first["mtu"], first["is_port"]) == (
        "00:11:22:33:44:01", "to core-1", "GigabitEthernet1/0/1", 9198, True
    )  # fmt: skip
    hardware = await parts(world, "hardware", items["edge-1"])
    assert {row["name"]: (row["kind"], row["model"], row["serial_number"], row["parent_key"])
            for row in hardware.values()} == {
        "1": ("chassis", "WS-C2960X-48TS-L", "FOC1111X2YZ", ""),
        "Switch 1 - Power Supply 0": ("powerSupply", "PWR-C2-250WAC", "LIT1111AAAA", "1"),
        "TenGigabitEthernet1/0/48": ("module", "SFP-10G-SR", "AVD1111BBBB", "1"),
    }  # fmt: skip
    # One link, though each end tells of it and spells the port otherwise.
    (link,) = [row for row in (await world.get(LINKS))["results"] if row["origin"] == "discovery"]
    assert {link["source_port"], link["target_port"]} == {"Gi1/0/1", "Ethernet7"}


async def test_what_a_prompt_does_not_tell_takes_nothing_away(world: World) -> None:
    port = free_port()
    one = await account(world, port, trust_new=True)
    discovery = await configure(world, host="127.0.0.77", credentials=[one],
                                params={"ssh_port": port, "filter_by_ping": 0})  # fmt: skip
    switch = edge()
    async with switch.serving("127.0.0.77", port):
        await scan(world, discovery)
        (item,) = [row["id"] for row in (await world.get(ITEMS))["results"]]
        # Not for this user, no such command, and a device that hangs up in the middle.
        switch.answers["show interfaces"] = "% Authorization failed."
        del switch.answers["show inventory"]
        await scan(world, discovery)
        (told,) = (await results(world, id=discovery)).values()
        assert [each for each in told["problems"] if "show" in each] == ["show interfaces: % Authorization failed."]
        assert len(await parts(world, "interface", item)) == 5
        assert all(row["missing_since"] is None for row in (await parts(world, "hardware", item)).values())
        # Whoever is polled by SNMP told its parts by other names there.
        switch.answers |= {**IOS, "show inventory": IOS["show inventory"].replace("AVD1111BBBB", "AVD2222CCCC")}
        async with world.platform.work(world.organization) as ctx:
            await ctx.session.execute(update(Polled).where(Polled.ci == item).values(snmp=True))
        await scan(world, discovery)
        assert (await parts(world, "hardware", item))["TenGigabitEthernet1/0/48"]["serial_number"] == "AVD1111BBBB"
        async with world.platform.work(world.organization) as ctx:
            await ctx.session.execute(update(Polled).where(Polled.ci == item).values(snmp=False))
        await scan(world, discovery)
        assert (await parts(world, "hardware", item))["TenGigabitEthernet1/0/48"]["serial_number"] == "AVD2222CCCC"


async def test_only_what_is_wanted_is_asked_for() -> None:
    switch, port = edge(), free_port()
    key = asyncssh.import_public_key(switch.key.export_public_key())
    secrets = {"password": PASSWORD}
    async with switch.serving("127.0.0.79", port):
        first = await inventory.read("127.0.0.79", port, USER, secrets, key, banner="SSH-2.0-Cisco-1.25", parts=False)
        assert (sorted(first), switch.commands) == (["prompt", "system", "version"], ["show version"])
        switch.commands.clear()
        second = await inventory.read("127.0.0.79", port, USER, secrets, key, banner="SSH-2.0-Cisco-1.25",
                                      neighbours=False)  # fmt: skip
        assert switch.commands == ["show version", "show interfaces", "show inventory"]
        # Pages of a list are put together without what was between them.
        assert second["interfaces"] == IOS["show interfaces"].strip()
        # What takes too long is left out, and told; what was read before is kept.
        switch.stuck = "show lldp neighbors detail"
        third = await inventory.read("127.0.0.79", port, USER, secrets, key, banner="SSH-2.0-Cisco-1.25", seconds=0.5)
    assert "not done after" in third["unread"]
    device = said.device(third)
    assert (device.model, device.partial, len(device.interfaces or ())) == ("WS-C2960X-48TS-L", True, 5)


EXPECTED: dict[str, dict[str, tuple[Any, ...]]] = {
    "nxos": {"mgmt0": ("up", 10**9, ["198.51.100.4"], "50:87:89:d4:00:01"),
             "Ethernet1/1": ("down", 25 * 10**9, [], "50:87:89:d4:00:08")},
    "iosxr": {"GigabitEthernet0/0/0/0": ("up", 10**9, ["203.0.113.9"], "0c:11:67:52:00:01")},
    "asa": {"GigabitEthernet0/0": ("up", 10**9, ["203.0.113.17"], "00:13:c4:80:00:01"),
            "GigabitEthernet0/3": ("down", 10**9, [], "00:13:c4:80:00:04")},
    "junos": {"ge-0/0/0": ("up", None, [], "2c:6b:f5:00:00:01"), "ge-0/0/0.0": ("up", None, ["203.0.113.21"], ""),
              "ge-0/0/1": ("down", None, [], "")},
    "vrp": {"GigabitEthernet0/0/1": ("up", 10**9, [], "4c:1f:cc:11:00:01"),
            "Vlanif10": ("up", None, ["198.51.100.6"], "4c:1f:cc:11:00:00")},
    "comware": {"GigabitEthernet1/0/1": ("up", 10**9, [], "70:f9:6d:00:00:01"),
                "Vlan-interface1": ("down", 10**9, ["198.51.100.8"], "")},
    "fortios": {"port1": ("up", None, ["198.51.100.10"], ""), "ssl.root": ("down", None, [], "")},
    "panos": {"ethernet1/1": ("up", 10**9, ["198.51.100.11"], "00:1b:17:00:01:10"),
              "ethernet1/2": ("down", None, [], "00:1b:17:00:01:11")},
    "routeros": {"ether1": ("up", None, ["198.51.100.12"], "cc:2d:e0:00:00:01"),
                 "ether2": ("down", None, [], "cc:2d:e0:00:00:02")},
}  # fmt: skip
HEARD = {
    "nxos": Heard(protocol="cdp", local=["Ethernet1/1"], port=["Ethernet1/36"], name="agg-1(FDO2222BBBB)",
                  address="198.51.100.9", platform="N9K-C9336C-FX2"),
    "iosxr": Heard(local=["GigabitEthernet0/0/0/0"], chassis="00:26:98:15:00:01", port=["Te0/1/0/3", "to xr-1"],
                   name="pe-2.example.net", address="203.0.113.10"),
    "junos": Heard(local=["ge-0/0/0"], chassis="00:1c:73:00:00:01", port=["Ethernet9"], name="core-1.example.net"),
    "vrp": Heard(local=["GigabitEthernet0/0/1"], chassis="00:11:22:33:44:00", port=["GigabitEthernet1/0/24", "to vrp"],
                 name="edge-1", address="198.51.100.2"),
    "routeros": Heard(local=["ether1"], chassis="00:11:22:33:44:00", port=["Gi1/0/9"], name="edge-1",
                      address="198.51.100.2", platform="Cisco"),
}  # fmt: skip
SERIALS = {
    "nxos": {"Chassis": "FDO21111ABC", "Fan 1": ""}, "iosxr": {"0/RSP0": "FOC1111AAAA"},
    "asa": {"Chassis": "JMX1111AAAA"}, "comware": {"Slot 1": "210235A1CVX111000001"},
    "junos": {"Chassis": "JN1111111AFB", "PS 0": "QCS1111A", "FPC 0": "YL1111", "FPC 0 CPU": "YL2222",
              "FPC 0 MIC 0": "YL3333", "FPC 0 MIC 0 PIC 0 XCVR 0": "AM1111"},
}  # fmt: skip


@pytest.mark.parametrize("system", sorted(OTHERS))
def test_lists_of_every_system_are_read(system: str) -> None:
    heard = {"system": system, **OTHERS[system]}
    found = network.interfaces(heard) or []
    assert {one["name"]: (one["oper_status"], one["speed"], one["addresses"], one["mac"])
            for one in found} == EXPECTED[system]  # fmt: skip
    assert (network.neighbours(heard) or []) == ([HEARD[system]] if system in HEARD else [])
    assert {one["name"]: one["serial_number"] for one in network.parts(heard) or ()} == SERIALS.get(system, {})


def test_every_system_has_lists_and_every_list_its_template() -> None:
    assert set(lists.LISTS) == {one.key for one in said.SYSTEMS}
    for system, known in lists.LISTS.items():
        assert lists.INTERFACES in known, system
        for listing in known.values():
            # No line stops the reading, however strange or long it is.
            assert len(lists.rows(listing.template, "@@ nonsense\n" + "x" * 5000 + "\n? ! ?")) <= 1, listing.template


def test_a_list_that_takes_too_long_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "SECONDS", -1.0)
    listed = {name: IOS[listing.command] for name, listing in lists.LISTS["ios"].items()}
    device = said.device({"system": "ios", "version": VERSION, "prompt": "edge-1#", **listed})
    assert (device.serial, device.interfaces, device.hardware, device.neighbours) == ("FOC1111X2YZ", None, None, None)
    assert len([each for each in device.problems if "too long" in each]) == 3


def test_a_long_answer_travels_without_its_longest_list() -> None:
    heard = Answered("192.0.2.1", said={"system": "ios", "version": "v", "interfaces": "x" * 5000, "lldp": "y" * 100})
    made = decoded(encoded(heard, 1000))
    assert sorted(made.said) == ["lldp", "system", "version"]
    assert any("interfaces" in each for each in made.refused)


def test_neighbours_at_a_prompt_lead_on() -> None:
    told = [Heard(local=["Gi1"], address="192.0.2.2"), Heard(protocol="cdp", local=["Gi2"], address="192.0.2.3"),
            Heard(local=["Gi3"], address="192.0.2.1"), Heard(local=["Gi4"])]  # fmt: skip
    assert leads.heard(told, ["192.0.2.1"], ["lldp"]) == [leads.Lead("192.0.2.2", "lldp", "Gi1")]
    assert [one.address for one in leads.heard(told, ["192.0.2.1"], ["lldp", "cdp"])] == ["192.0.2.2", "192.0.2.3"]
