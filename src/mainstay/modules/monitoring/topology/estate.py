"""What devices tell of their surroundings, and how one is recognised by another. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import msgspec

from mainstay.modules.monitoring.topology.ports import Port, Ports, mac_of

NEIGHBOUR, SEGMENT = "neighbour", "segment"
LLDP, CDP, BRIDGE = "lldp", "cdp", "bridge"
VIRTUAL = ("00:00:5e:00:01", "00:00:5e:00:02", "00:00:0c:07:ac", "00:00:0c:9f:f")
"""Addresses that routers share (VRRP, HSRP): they say nothing about where one of them is."""


class Heard(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A neighbour as a device heard it."""

    protocol: str = LLDP
    local: list[str] = []
    """The own port, as it is called; the surest spelling first."""
    if_index: int = 0
    chassis: str = ""
    port: list[str] = []
    """The neighbour's port, as the neighbour calls it."""
    name: str = ""
    address: str = ""
    platform: str = ""
    phone: bool = False


class Evidence(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What one device knows of its surroundings."""

    chassis: str = ""
    """What it calls itself in LLDP, when that is no address of IEEE 802."""
    heard: list[Heard] = []
    bridge: dict[str, int] = {}
    """Addresses it has learned, and the ifIndex of the port."""
    arp: dict[str, str] = {}
    """Network addresses and who answers for them."""
    lags: dict[int, int] = {}
    """ifIndex of a member, and of its aggregate."""
    partial: bool = False
    """Some of it could not be read."""


class Unknown(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What a link leads to that is no item."""

    key: str
    kind: str = NEIGHBOUR
    name: str = ""
    chassis: str = ""
    address: str = ""
    platform: str = ""
    count: int = 0
    """Of a segment: how many addresses are on it."""


class Line(msgspec.Struct, kw_only=True):
    """A link. ``far`` is empty where it leads to something unknown."""

    near: str
    near_port: str = ""
    far: str = ""
    far_port: str = ""
    protocols: list[str] = []
    members: list[tuple[str, str]] = []
    told_by: list[str] = []
    unknown: Unknown | None = None


@dataclass(slots=True)
class Device:
    """An item, as far as others can recognise it."""

    id: str
    names: list[str] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)
    macs: list[str] = field(default_factory=list)
    marks: list[str] = field(default_factory=list)
    """Serial number, chassis: whatever else it may be called by."""
    ports: list[Port] = field(default_factory=list)


def marks_of(heard: Heard) -> list[tuple[str, str]]:
    """What a neighbour can be recognised by, the surest first."""
    name, chassis = heard.name.strip().lower(), heard.chassis.strip().lower()
    # NX-OS adds the serial number in brackets; phones are named by their address.
    plain, _, serial = name.partition("(")
    mac = mac_of(chassis) or (mac_of(plain[3:]) if plain.startswith("sep") else mac_of(plain))
    marks = [("mac", mac), ("mark", serial.rstrip(")")), ("address", heard.address), ("address", chassis),
             ("name", plain), ("name", plain.partition(".")[0]), ("mark", chassis), ("name", chassis),
             ("name", chassis.partition(".")[0])]  # fmt: skip
    return list(dict.fromkeys((kind, word.strip()) for kind, word in marks if word.strip()))


class Estate:
    """The items by what they are recognised by. A mark of several items says nothing."""

    def __init__(self, devices: Iterable[Device]) -> None:
        self.devices = {device.id: device for device in devices}
        self.ports = {device.id: Ports(device.ports) for device in self.devices.values()}
        self._by: dict[tuple[str, str], str] = {}
        for device in self.devices.values():
            names = [name.strip().lower() for name in device.names]
            marks = {
                *(("mac", mac) for mac in device.macs), *(("address", one) for one in device.addresses),
                *(("mac", port.mac) for port in device.ports), *(("name", name) for name in names),
                *(("name", name.partition(".")[0]) for name in names if not name.replace(".", "").isdigit()),
                *(("mark", mark.strip().lower()) for mark in device.marks),
            }  # fmt: skip
            for mark in marks:
                if mark[1]:
                    self._by[mark] = device.id if self._by.get(mark, device.id) == device.id else ""

    def known(self, heard: Heard) -> str:
        """The item that was heard; empty: it is none."""
        return next((self._by[mark] for mark in marks_of(heard) if self._by.get(mark)), "")

    def owner(self, mac: str, arp: Mapping[str, str] | None = None) -> str:
        """The item of an address of IEEE 802."""
        return self._by.get(("mac", mac), "") or self._by.get(("address", (arp or {}).get(mac, "")), "")

    def called(self, device: str, words: Iterable[str], if_index: int = 0) -> str:
        """The port's name in the inventory; the first spelling where it is not in there."""
        given = [word for word in words if word.strip()]
        ports = self.ports.get(device)
        found = ports.find(given) if ports else None
        if found is None and ports and if_index:
            found = ports.by_index.get(if_index)
        return found.name if found else (given[0].strip() if given else "")


def roots(estate: Estate, told: Mapping[str, Evidence]) -> dict[tuple[str, str], str]:
    """The aggregate of every member: (device, port) → the aggregate's port."""
    made = {}
    for device, evidence in told.items():
        ports = estate.ports.get(device)
        for member, above in evidence.lags.items():
            one, whole = (ports.by_index.get(member), ports.by_index.get(above)) if ports else (None, None)
            if one is not None and whole is not None and one is not whole:
                made[device, one.name] = whole.name
    return made
