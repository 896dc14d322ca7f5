"""From lists of a network system to interfaces, neighbours and parts as the CMDB keeps them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from ipaddress import ip_address, ip_interface
from typing import Any

from mainstay.modules.monitoring.commands import lists
from mainstay.modules.monitoring.commands.lists import LISTS, Row
from mainstay.modules.monitoring.topology import estate
from mainstay.modules.monitoring.topology.estate import Heard
from mainstay.modules.monitoring.topology.ports import mac_of

MOST = 5000
SHORT = {
    "FastEthernet": "Fa", "GigabitEthernet": "Gi", "TwoGigabitEthernet": "Tw", "FiveGigabitEthernet": "Fi",
    "TenGigabitEthernet": "Te", "TwentyFiveGigE": "Twe", "FortyGigabitEthernet": "Fo", "HundredGigE": "Hu",
    "AppGigabitEthernet": "Ap", "Ethernet": "Et", "Port-channel": "Po", "Vlan": "Vl", "Loopback": "Lo", "Tunnel": "Tu",
    "Serial": "Se", "Null": "Nu", "BDI": "BD",
}  # fmt: skip
"""Names of IOS as SNMP tells them (ifName): by these its interfaces are the same, whichever way they were asked for."""
KINDS = (
    (re.compile(r"^(?:vl|vlan|vlanif|vlan-interface|irb|bdi|bvi)[. -]?\d", re.I), "vlan"),
    (re.compile(r"^(?:in)?lo(?:opback)?[. ]?\d", re.I), "loopback"),
    (re.compile(r"^(?:tu|tunnel|gre|st|wg|ipip|ip-)[-.]?\w*\d", re.I), "tunnel"),
    (re.compile(r"^(?:po|port-channel|bundle-ether|ae|eth-trunk|bridge-aggregation|route-aggregation|bond)-?\d", re.I),
     "lag"),
    (re.compile(r"^(?:[a-z-]*ethernet|[a-z]*gige?|\d+ge|xge|fa|gi|te|et|eth|ether|ge|xe|fe|port|sfp[a-z-]*|mgmt|"
                r"ma|management|mgmteth|fxp|em|wan|lan|dmz|internal)[- ]?\d*(?:/[a-z]*\d+)*(?::\d+)?$", re.I),
     "ethernet"),
)  # fmt: skip
TYPES = {"ether": "ethernet", "physical": "ethernet", "vlan": "vlan", "bridge": "bridge", "loopback": "loopback",
         "aggregate": "lag", "bond": "lag", "wlan": "wireless", "wifi": "wireless", "tunnel": "tunnel"}  # fmt: skip
STATES = ("link_status", "line_status", "protocol_status", "admin_state", "status", "state")
UNITS = {"k": 1_000, "m": 1_000_000, "g": 1_000_000_000}
CLASSES = (
    ("chassis", re.compile(r"^(?:chassis|system|\d+|switch \d+|slot self)$", re.I)),
    ("powerSupply", re.compile(r"\bpower\b|\bpsu\b|\bps\b|\bpem\b", re.I)),
    ("fan", re.compile(r"\bfan", re.I)),
)
NOTHING = ("-", "--", "N/A", "[n/a]", "BUILTIN")
EOS = (("PWR", "Power Supply"), ("FAN", "Fan"))
JUNOS = ("fpm", "ps", "re", "tfeb", "qxm", "afeb", "cb", "fpc", "cpu", "mic", "pic", "xcvr", "fan")
_SPEED = re.compile(r"(\d+(?:\.\d+)?)\s*([kmg]?)", re.I)
_JUNOS_PORT = re.compile(r"^Physical interface: ([^\s,]+),")
_JUNOS_MAC = re.compile(r"^\s+Current address: ([0-9a-f:]{17}),", re.I)


def rows(heard: Mapping[str, str], kind: str) -> list[Row] | None:
    """The rows of a list; None where the device did not give it. Raises ``ValueError``."""
    listing = LISTS[heard["system"]].get(kind)
    if listing is None or kind not in heard:
        return None
    # The template for Junos takes one word for the state of a port.
    text = heard[kind].replace("Administratively down,", "Administratively-down,")
    found = lists.rows(listing.template, text)[:MOST]
    # To that for Comware every line of one word is the name of a port.
    return [row for row in found if row.get("line_status", True)]


def interfaces(heard: Mapping[str, str]) -> list[dict[str, Any]] | None:
    """Interfaces with their addresses; None where they could not be read."""
    found = rows(heard, lists.INTERFACES)
    if not found:
        return None  # every device has one: a list without any was not understood
    system = heard["system"]
    macs = _junos_macs(heard[lists.INTERFACES]) if system == "junos" else {}
    also: dict[str, list[str]] = {}
    for row in rows(heard, lists.ADDRESSES) or ():
        also.setdefault(_text(row, "interface"), []).append(_text(row, "ip"))
    made: dict[str, dict[str, Any]] = {}
    for row in found:
        long = _text(row, "interface", "name")
        name = _short(long) if system in ("ios", "iosxe") else long
        if not name:
            continue
        part = _interface(row, system, name, macs.get(long, ""), also.get(long, []))
        part["description"] = long[:255] if long != name else ""
        known = made.setdefault(name, part)
        if known is not part:  # PAN-OS tells of ports and of their addresses in two tables
            known["addresses"] = list(dict.fromkeys([*known["addresses"], *part["addresses"]]))
    return list(made.values())


def _interface(row: Row, system: str, name: str, mac: str, addresses: Iterable[str]) -> dict[str, Any]:
    said = [word.lower() for each in STATES if (word := _text(row, each))]
    if system == "routeros":
        # Flags: X is disabled, R runs, and what does neither has none.
        said = [{"x": "disabled", "r": "up"}.get("".join(said), "down")]
    off = any(word in each for each in said for word in ("admin", "disable"))
    up = bool(said) and not off and all(each.startswith(("up", "enabled")) for each in said)
    shown = next((word for shape, word in KINDS if shape.search(name)), "virtual")
    kind = TYPES.get(_text(row, "type").lower(), shown)
    own = [*_words(row, "ip_address"), *_words(row, "local"), *addresses]
    return {
        "key": name[:200], "name": name[:255],
        "alias": _text(row, "description", "interface_description", "comment")[:255], "kind": kind,
        "speed": _speed(row), "mtu": _number(_text(row, "mtu", "actual_mtu")),
        "mac": mac_of(mac) or next((one for one in map(mac_of, _words(row, "mac_address", "hw_address")) if one), ""),
        "admin_status": "down" if off else "up", "oper_status": "up" if up else "down" if said else "unknown",
        "is_port": kind == "ethernet" and "." not in name,
        "addresses": list(dict.fromkeys(one for one in map(_address, own) if one))[:200],
    }  # fmt: skip


def neighbours(heard: Mapping[str, str]) -> list[Heard] | None:
    """Neighbours heard by LLDP and CDP; None where it was not asked for them."""
    if not any(kind in heard for kind in lists.NEIGHBOURS):
        return None
    return [
        one for kind, protocol in ((lists.LLDP, estate.LLDP), (lists.CDP, estate.CDP))
        for row in rows(heard, kind) or () if (one := _neighbour(row, protocol, heard["system"])) is not None
    ]  # fmt: skip


def _neighbour(row: Row, protocol: str, system: str) -> Heard | None:
    local = _text(row, "local_interface", "interface")
    if system == "routeros":
        local = local.partition(",")[0]  # "ether1,bridge": the port before what it is part of
    if not local:
        return None
    name = _text(row, "neighbor_name", "neighbor", "identity")
    chassis = _text(row, "chassis_id", "mac_address") if protocol == estate.LLDP else ""
    if protocol == estate.CDP:
        # NX-OS adds the serial number, by which it is recognised more surely.
        name = _text(row, "chassis_id") or name
    can = _text(row, "capabilities")
    ports = [_text(row, each) for each in
             ("neighbor_port_id", "neighbor_interface", "neighbor_port_description", "interface_name",
              "neighbor_interface_description")]  # fmt: skip
    return Heard(
        protocol=protocol, local=[local[:200]], chassis=(mac_of(chassis) or chassis)[:200],
        port=list(dict.fromkeys(each[:200] for each in ports if each)), name=name[:255],
        address=next((one for one in map(_address, _words(
            row, "mgmt_address", "management_ip", "interface_ip", "ip_address", "ipv4_address")) if one), ""),
        platform=_text(row, "platform", "board")[:200],
        phone="phone" in can.lower() or "T" in re.split(r"[^A-Za-z]+", can),
    )  # fmt: skip


def parts(heard: Mapping[str, str]) -> list[dict[str, Any]] | None:
    """The physical parts; None where there is no list of them."""
    found = rows(heard, lists.PARTS)
    if not found:
        return None
    if shape := {"junos": _junos_parts, "eos": _eos_parts}.get(heard["system"]):
        found = shape(found)
    made: dict[str, dict[str, Any]] = {}
    for row in found:
        slot = " ".join(each for each in (_text(row, "slot_type"), _text(row, "slot_id")) if each)
        name = _text(row, "name") or slot or _text(row, "descr", "pid")
        model, serial = _text(row, "pid", "device_name"), _text(row, "sn", "device_serial_number")
        if name and (model or serial):
            made.setdefault(name[:200], {
                "key": name[:200], "name": name[:255], "description": _text(row, "descr")[:255], "model": model[:160],
                "kind": _class(name, _text(row, "descr")), "serial_number": serial[:120],
                "hardware_revision": _text(row, "vid")[:80], "manufacturer": _text(row, "vendor_name")[:120],
            })  # fmt: skip
    cases = [one["key"] for one in made.values() if one["kind"] == "chassis"]
    for one in made.values():
        if len(cases) == 1 and one["key"] != cases[0]:
            one["parent_key"] = cases[0]
    return list(made.values())


def _class(*words: str) -> str:
    """As ENTITY-MIB calls it: a name says it more surely than a description, in which other parts are named, too."""
    return next((kind for word in words for kind, shape in CLASSES if shape.search(word)), "module")


def _eos_parts(found: Iterable[Row]) -> list[Row]:
    """Named by what they are and where they sit; the first is the device itself."""
    made: list[Row] = []
    for number, row in enumerate(found):
        word = next((each for sign, each in EOS if _text(row, "pid").startswith(sign)), _text(row, "descr") or "Slot")
        made.append({**row, "name": "Chassis" if not number else f"{word} {_text(row, 'port')}".strip()})
    return made


def _junos_parts(found: Iterable[Row]) -> list[Row]:
    """One row for each part: the template has a set of columns for each kind of them, and repeats what contains it."""
    made: dict[tuple[str, str, str], Row] = {}
    for row in found:
        if row.get("chassis_description"):
            model, serial = _text(row, "chassis_description"), _text(row, "chassis_serial_number")
            made["chassis", "", ""] = {"name": "Chassis", "descr": model, "pid": model, "sn": serial}
        slot = " ".join(f"{kind.upper()} {_text(row, f'{kind}_number')}" for kind in ("fpc", "mic", "pic")
                        if _text(row, f"{kind}_number"))  # fmt: skip
        for kind in JUNOS:
            number, serial = _text(row, f"{kind}_number"), _text(row, f"{kind}_serial_number")
            descr, part = _text(row, f"{kind}_description"), _text(row, f"{kind}_part")
            if not (descr or part) or (kind == "cpu" and not serial):
                continue
            within = f"{slot} " if kind == "xcvr" and slot else ""
            name = f"{within}{kind.upper()}{f' {number}' if number else ''}"
            if kind in ("cpu", "mic", "pic") and _text(row, "fpc_number"):
                name = f"FPC {_text(row, 'fpc_number')} {name}"
            made[kind, name, serial] = {"name": name, "descr": descr, "pid": part, "sn": serial,
                                        "vid": _text(row, f"{kind}_version")}  # fmt: skip
    return list(made.values())


def _junos_macs(text: str) -> dict[str, str]:
    made, name = {}, ""
    for line in text.split("\n")[: lists.LINES]:
        if port := _JUNOS_PORT.match(line[: lists.LINE]):
            name = port[1]
        elif name and (mac := _JUNOS_MAC.match(line[: lists.LINE])):
            made[name] = mac[1]
    return made


def _short(name: str) -> str:
    word = re.match(r"[A-Za-z-]+", name)
    return SHORT.get(word[0], word[0]) + name[word.end() :] if word else name


def _words(row: Row, *names: str) -> list[str]:
    found: list[str] = []
    for name in names:
        value = row.get(name) or ""
        found += [value.strip()] if isinstance(value, str) else [one.strip() for one in value]
    return found


def _text(row: Row, *names: str) -> str:
    """The first of these columns that says something."""
    return next((word for word in _words(row, *names) if word and word not in NOTHING), "")


def _address(word: str) -> str:
    try:
        found = ip_interface(word).ip if "/" in word else ip_address(word)
    except ValueError:
        return ""
    usable = not (found.is_loopback or found.is_unspecified or found.is_link_local or found.is_multicast)
    return str(found) if usable else ""


def _number(word: str) -> int | None:
    return int(word) if word.isascii() and word.isdecimal() and len(word) < 10 else None


def _speed(row: Row) -> int | None:
    """In bits a second: megabits where no unit is told."""
    for word in (_text(row, "bandwidth"), _text(row, "speed")):
        found = _SPEED.search(word.lower().replace("a-", ""))
        if found and float(found[1]):
            return int(float(found[1]) * UNITS[found[2] or "m"])
    return None
