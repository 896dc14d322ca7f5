"""Links from tables as devices have them: hand-made small networks with what is awkward about real ones."""

from __future__ import annotations

from typing import Any

import pytest

from mainstay.modules.monitoring.discovery import surroundings
from mainstay.modules.monitoring.discovery.reading import Answers
from mainstay.modules.monitoring.topology.engine import Device, Estate, Evidence, Heard, Line, draw
from mainstay.modules.monitoring.topology.ports import Port, Ports, mac_of


def mac(number: int) -> str:
    return f"00:1b:54:00:{number >> 8:02x}:{number & 255:02x}"


def switch(name: str, number: int, ports: int = 4, prefix: str = "GigabitEthernet0/", **more: Any) -> Device:
    listed = [Port(f"{prefix}{n}", n, mac=mac(number * 16 + n), speed=10**9) for n in range(1, ports + 1)]
    return Device(name, names=[name, f"{name}.example.net"], macs=[mac(number * 16)], ports=listed, **more)


def heard(local: str, chassis: str = "", port: str = "", **more: Any) -> Heard:
    return Heard(local=[local], chassis=chassis, port=[port] if port else [], **more)


def ends(lines: list[Line]) -> list[tuple[str, str, str, str]]:
    made = []
    for line in lines:
        far = line.far or f"?{line.unknown.kind if line.unknown else ''}"
        made.append((line.near, line.near_port, far, line.far_port))
    return sorted(made)


A, B, C = switch("a", 1), switch("b", 2), switch("c", 3)


@pytest.mark.parametrize(
    ("spelled", "name"),
    [
        ("GigabitEthernet0/1", "Gi0/1"), ("Gig 0/1", "Gi0/1"), ("gi0/1", "Gi0/1"), ("uplink to core", "Gi0/2"),
        ("0011.2233.4455", "Te1/1/1"), ("00-11-22-33-44-55", "Te1/1/1"), ("TenGigabitEthernet1/1/1", "Te1/1/1"),
        ("51", "Po1"), ("Port-channel1", "Po1"), ("1/1/1", "Te1/1/1"), ("Gi0/10", ""), ("", ""),
        ("ge-0/0/7.0", "ge-0/0/7"), ("Ethernet3", "eth3"),
    ],
)  # fmt: skip
def test_a_port_is_found_however_it_is_spelled(spelled: str, name: str) -> None:
    ports = Ports([
        Port("Gi0/1", 1), Port("Gi0/2", 2, alias="Uplink to core"), Port("Te1/1/1", 10, mac="00:11:22:33:44:55"),
        Port("Po1", 51, kind="lag", physical=False), Port("ge-0/0/7", 60), Port("eth3", 70),
    ])  # fmt: skip
    found = ports.find([spelled])
    assert (found.name if found else "") == name


def test_a_spelling_of_two_ports_means_neither_and_the_next_one_counts() -> None:
    ports = Ports([Port("1", 1, alias="server"), Port("2", 2, alias="server")])
    assert ports.find(["server"]) is None
    found = ports.find(["server", "2"])
    assert found is not None
    assert found.name == "2"


def test_addresses_are_read_in_every_punctuation() -> None:
    assert {mac_of(one) for one in ("001B.5400.000a", "00-1b-54-00-00-0A", "001b5400000a")} == {"00:1b:54:00:00:0a"}
    assert mac_of("Gi0/1") == mac_of("00:00:00:00:00:00") == ""


def test_both_ends_and_both_protocols_tell_of_one_link_once() -> None:
    told = {
        "a": Evidence(heard=[
            heard("Gi0/1", mac(32), "Gi0/2", name="b"),
            Heard(protocol="cdp", local=["GigabitEthernet0/1"], name="b.example.net", port=["GigabitEthernet0/2"]),
        ]),
        "b": Evidence(heard=[heard("GigabitEthernet0/2", mac(16), "GigabitEthernet0/1")]),
    }  # fmt: skip
    (line,) = draw(Estate([A, B]), told)
    assert ends([line]) == [("a", "GigabitEthernet0/1", "b", "GigabitEthernet0/2")]
    assert (line.protocols, line.told_by) == (["cdp", "lldp"], ["a", "b"])


def test_one_side_is_enough_and_spellings_nobody_knows_still_meet() -> None:
    one = {"a": Evidence(heard=[heard("Gi0/1", mac(32), "Gi0/2")])}
    assert ends(draw(Estate([A, B]), one)) == [("a", "GigabitEthernet0/1", "b", "GigabitEthernet0/2")]
    # Each end calls its port what it likes; the inventory knows neither.
    both = {
        "a": Evidence(heard=[heard("rack 4 left", mac(32), "behind the door")]),
        "b": Evidence(heard=[heard("patch 17", mac(16), "somewhere")]),
    }
    assert ends(draw(Estate([A, B]), both)) == [("a", "rack 4 left", "b", "patch 17")]


def test_two_cables_between_the_same_devices_stay_two() -> None:
    told = {
        "a": Evidence(heard=[heard("Gi0/1", mac(32), "Gi0/3"), heard("Gi0/2", mac(32), "Gi0/4")]),
        "b": Evidence(heard=[heard("Gi0/3", mac(16), "Gi0/1"), heard("Gi0/4", mac(16), "Gi0/2")]),
    }
    assert ends(draw(Estate([A, B]), told)) == [
        ("a", "GigabitEthernet0/1", "b", "GigabitEthernet0/3"), ("a", "GigabitEthernet0/2", "b", "GigabitEthernet0/4"),
    ]  # fmt: skip


@pytest.mark.parametrize("sides", [("a",), ("b",), ("a", "b")])
def test_members_of_an_aggregate_are_one_link_that_lists_them(sides: tuple[str, ...]) -> None:
    a = switch("a", 1)
    a.ports.append(Port("Port-channel1", 50, kind="lag", physical=False))
    b = switch("b", 2)
    b.ports.append(Port("ae0", 60, kind="lag", physical=False))
    every = {
        "a": Evidence(heard=[heard("Gi0/1", mac(32), "Gi0/3"), heard("Gi0/2", mac(32), "Gi0/4")], lags={1: 50, 2: 50}),
        "b": Evidence(heard=[heard("Gi0/3", mac(16), "Gi0/1"), heard("Gi0/4", mac(16), "Gi0/2")], lags={3: 60, 4: 60}),
    }
    (line,) = draw(Estate([a, b]), {side: every[side] for side in sides})
    assert line.members == [("GigabitEthernet0/1", "GigabitEthernet0/3"), ("GigabitEthernet0/2", "GigabitEthernet0/4")]
    assert line.near_port == ("Port-channel1" if "a" in sides else "GigabitEthernet0/1")
    if "b" in sides:
        assert line.far_port == "ae0"


@pytest.mark.parametrize(
    ("chassis", "name"),
    [
        (mac(32), ""), ("", "b"), ("", "B.example.net"), ("", "b(FOX1234ABCD)"), ("FOX1234ABCD", ""),
        ("192.0.2.7", ""), ("slot 1 of b", ""), ("", "SEP001B54000020"), ("b", ""),
    ],
)  # fmt: skip
def test_a_neighbour_is_recognised_by_a_chassis_of_every_subtype(chassis: str, name: str) -> None:
    b = switch("b", 2, marks=["fox1234abcd", "slot 1 of b"], addresses=["192.0.2.7"])
    (line,) = draw(Estate([A, b]), {"a": Evidence(heard=[heard("Gi0/1", chassis, name=name)])})
    assert line.far == "b"


def test_unknown_neighbours_are_told_once_and_a_shared_name_recognises_nobody() -> None:
    told = {"a": Evidence(heard=[
        heard("Gi0/1", "00:aa:bb:cc:dd:ee", "eth0", name="printer"),
        Heard(protocol="cdp", local=["Gi0/1"], name="printer.example.net", platform="JetDirect", address="192.0.2.9"),
        heard("Gi0/2", name="switch"),
    ])}  # fmt: skip
    twins = [switch("x", 8), switch("y", 9)]
    for twin in twins:
        twin.names = ["switch"]
    first, second = draw(Estate([A, *twins]), told)
    assert first.far == second.far == ""
    assert first.unknown is not None
    assert second.unknown is not None
    assert (first.unknown.name, first.unknown.platform, first.unknown.address) == ("printer", "JetDirect", "192.0.2.9")
    assert (first.far_port, first.protocols) == ("eth0", ["cdp", "lldp"])
    assert second.unknown.name == "switch"


def test_several_neighbours_on_one_port_are_on_a_segment() -> None:
    told = {"a": Evidence(heard=[heard("Gi0/1", mac(32), "Gi0/1"), heard("Gi0/1", mac(48), "Gi0/1")])}
    lines = draw(Estate([A, B, C]), told)
    assert ends(lines) == [
        ("a", "GigabitEthernet0/1", "?segment", ""), ("b", "GigabitEthernet0/1", "?segment", ""),
        ("c", "GigabitEthernet0/1", "?segment", ""),
    ]  # fmt: skip
    assert len({line.unknown.key for line in lines if line.unknown}) == 1


def test_what_is_plugged_into_a_telephone_is_behind_it() -> None:
    phone, desk = Device("phone", names=["SEP1"]), Device("desk", names=["desk"])
    told = {"a": Evidence(heard=[heard("Gi0/1", name="SEP1", phone=True), heard("Gi0/1", name="desk")])}
    assert ends(draw(Estate([A, phone, desk]), told)) == [
        ("a", "GigabitEthernet0/1", "phone", ""), ("desk", "", "phone", "")
    ]  # fmt: skip


def server(name: str, number: int) -> Device:
    return Device(name, names=[name], ports=[Port("eth0", 1, mac=mac(number))])


def test_bridges_that_see_no_address_in_common_are_wired_and_servers_are_where_they_are_alone() -> None:
    # web - a - b - c - db: nobody speaks LLDP.
    web, db = server("web", 900), server("db", 901)
    told = {
        "a": Evidence(bridge={mac(900): 1, mac(32): 2, mac(48): 2, mac(901): 2}),
        "b": Evidence(bridge={mac(16): 1, mac(900): 1, mac(48): 2, mac(901): 2}),
        "c": Evidence(bridge={mac(16): 1, mac(32): 1, mac(900): 1, mac(901): 2}),
    }
    lines = draw(Estate([A, B, C, web, db]), told)
    assert ends(lines) == [
        ("a", "GigabitEthernet0/1", "web", "eth0"), ("a", "GigabitEthernet0/2", "b", "GigabitEthernet0/1"),
        ("b", "GigabitEthernet0/2", "c", "GigabitEthernet0/1"), ("c", "GigabitEthernet0/2", "db", "eth0"),
    ]  # fmt: skip
    assert {tuple(line.protocols) for line in lines} == {("bridge",)}


def test_several_addresses_on_a_port_are_no_direct_link() -> None:
    # An unmanaged switch with a known server and two others behind it; an access port with two strangers is nothing.
    told = {"a": Evidence(bridge={mac(900): 1, mac(902): 1, mac(903): 1, mac(904): 2, mac(905): 2})}
    lines = draw(Estate([A, server("web", 900)]), told)
    assert ends(lines) == [("a", "GigabitEthernet0/1", "?segment", ""), ("web", "", "?segment", "")]
    assert {line.unknown.count for line in lines if line.unknown} == {3}


def test_an_unmanaged_switch_between_two_bridges_shows_as_a_segment() -> None:
    told = {
        "a": Evidence(bridge={mac(32): 2, mac(900): 2}),
        "b": Evidence(bridge={mac(16): 1, mac(900): 1}),
    }
    assert ends(draw(Estate([A, B, server("web", 900)]), told)) == [
        ("a", "GigabitEthernet0/2", "?segment", ""), ("b", "GigabitEthernet0/1", "?segment", ""),
        ("web", "", "?segment", ""),
    ]  # fmt: skip


def test_a_port_with_a_neighbour_is_an_uplink_and_shared_addresses_place_nobody() -> None:
    told = {
        "a": Evidence(heard=[heard("Gi0/2", mac(32), "Gi0/1")],
                      bridge={mac(32): 2, mac(900): 2, "00:00:5e:00:01:0a": 1}),
        "b": Evidence(bridge={mac(16): 1, mac(900): 3}),
    }  # fmt: skip
    assert ends(draw(Estate([A, B, server("web", 900)]), told)) == [
        ("a", "GigabitEthernet0/2", "b", "GigabitEthernet0/1"), ("b", "GigabitEthernet0/3", "web", "eth0"),
    ]  # fmt: skip


def test_an_item_known_by_its_address_only_is_found_through_arp() -> None:
    camera = Device("camera", names=["192.0.2.50"], addresses=["192.0.2.50"])
    told = {"a": Evidence(bridge={"00:aa:00:00:00:01": 3}), "b": Evidence(arp={"192.0.2.50": "00:aa:00:00:00:01"})}
    assert ends(draw(Estate([A, B, camera]), told)) == [("a", "GigabitEthernet0/3", "camera", "")]


def test_tables_of_a_device_become_evidence() -> None:
    octets = bytes.fromhex("001b54000020")
    found = Answers(
        scalars={"chassis_kind": 7, "chassis_id": b"core-a"},
        tables={
            "if": {(10,): {2: "GigabitEthernet1/0/1", 3: 6}, (11,): {2: "GigabitEthernet1/0/2", 3: 6},
                   (50,): {2: "Port-channel1", 3: 161}},
            "ifx": {(10,): {1: "Gi1/0/1"}, (50,): {1: "Po1"}},
            "lldp_ports": {(1,): {2: 5, 3: b"Gi1/0/1", 4: "uplink"}},
            "lldp": {(99, 1, 1): {4: 4, 5: octets, 6: 3, 7: octets, 8: "port 1", 9: "b", 12: b"\x28\x00"},
                     (99, 2, 1): {4: 5, 5: b"\x01\xc0\x00\x02\x07", 6: 5, 7: b"eth0", 12: b"\x04"}},
            "lldp_addresses": {(99, 1, 1, 1, 4, 192, 0, 2, 9): {3: 2}},
            "cdp": {(11, 3): {4: b"\xc0\x00\x02\x08", 6: "sw(FOX1)", 7: "Eth1/1", 8: "N3K", 9: b"\0\0\0\x90"}},
            "lag": {(10,): {13: 50}, (50,): {13: 50}, (11,): {13: 0}},
            "stack": {(50, 11): {3: 1}, (0, 50): {3: 1}},
            "bridge_ports": {(1,): {2: 10}, (2,): {2: 11}},
            "fdb": {tuple(octets): {2: 2}, (1, 2, 3): {2: 2}},
            "vlan_fdb": {(20, *octets): {2: 1}, (20, 0, 1, 2, 3, 4, 5): {2: 1}, (20, 0, 1, 2, 3, 4, 6): {2: 0}},
            "arp_old": {(10, 192, 0, 2, 9): {2: octets}}, "arp_new": {(10, 1, 4, 192, 0, 2, 10): {4: octets}},
        },
    )  # fmt: skip
    made = surroundings.evidence(found, {})
    assert made.chassis == "core-a"
    first, second, third = made.heard
    assert (first.local, first.if_index, first.chassis, first.port) == (
        ["Gi1/0/1", "uplink"], 10, "00:1b:54:00:00:20", ["00:1b:54:00:00:20", "port 1"]
    )  # fmt: skip
    assert (first.address, first.phone) == ("192.0.2.9", False)
    assert (second.chassis, second.if_index, second.phone) == ("192.0.2.7", 11, True)
    assert (third.local, third.name, third.address, third.phone) == (
        ["GigabitEthernet1/0/2"], "sw(FOX1)", "192.0.2.8", True
    )  # fmt: skip
    assert made.bridge == {"00:1b:54:00:00:20": 11, "00:01:02:03:04:05": 10}
    assert made.arp == {"192.0.2.9": "00:1b:54:00:00:20", "192.0.2.10": "00:1b:54:00:00:20"}
    assert made.lags == {10: 50, 11: 50}
    assert not made.partial
    del found.tables["fdb"]
    assert surroundings.evidence(found, {}).partial


def test_the_newer_tables_of_lldp_are_read_where_the_older_ones_are_empty() -> None:
    octets = bytes.fromhex("001b54000020")
    newer: dict[str, Any] = {
        "if": {(10,): {2: "eth1/0/1", 3: 6}}, "ifx": {(10,): {1: "e1"}},
        "lldp_2_ports": {(10,): {2: 5, 3: b"Ethernet1", 4: "uplink"}},
        # The same neighbour, heard by two of the group addresses; another one on a port without a row of its own.
        "lldp_2": {(99, 10, 1, 1): {5: 4, 6: octets, 7: 5, 8: b"xe-0/0/1", 9: "to b", 10: "b", 13: b"\x28\x00"},
                   (99, 10, 2, 1): {5: 4, 6: octets, 7: 5, 8: b"xe-0/0/1", 10: "b"},
                   (99, 11, 1, 4): {5: 5, 6: b"\x01\xc0\x00\x02\x07", 7: 3, 8: octets, 13: b"\x04"}},
        "lldp_2_addresses": {(99, 10, 2, 1, 1, 4, 192, 0, 2, 9): {3: 2}},
    }  # fmt: skip
    found = Answers(scalars={"chassis_kind_2": 7, "chassis_id_2": b"leaf-a"}, tables=newer)
    made = surroundings.evidence(found, {"bridges": False})
    assert made.chassis == "leaf-a"
    first, second = made.heard
    assert (first.local, first.if_index, first.chassis, first.port, first.name, first.address) == (
        ["Ethernet1", "uplink"], 10, "00:1b:54:00:00:20", ["xe-0/0/1", "to b"], "b", "192.0.2.9"
    )  # fmt: skip
    assert (second.local, second.if_index, second.chassis, second.port, second.phone) == (
        ["11"], 11, "192.0.2.7", ["00:1b:54:00:00:20"], True
    )  # fmt: skip
    older = {"lldp": {(1, 2, 3): {4: 7, 5: b"old", 6: 5, 7: b"p1", 9: "c"}}}
    (only,) = surroundings.lldp(Answers(tables={**newer, **older}))
    assert only.name == "c"
    assert [one.name for one in surroundings.lldp(found)] == ["b", ""]
