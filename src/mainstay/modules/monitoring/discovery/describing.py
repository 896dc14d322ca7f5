"""From what a device answered to facts for the CMDB: its identity, its parts and its neighbours. Pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Any

from mainstay.modules.assets.cmdb.facts import Facts
from mainstay.modules.monitoring.commands.said import Device
from mainstay.modules.monitoring.discovery import surroundings
from mainstay.modules.monitoring.discovery.reading import Answers, Table, mac, number, text
from mainstay.modules.monitoring.templates import engine
from mainstay.modules.monitoring.templates.engine import Identity, Library, Part

STATES = {1: "up", 2: "down", 3: "testing", 4: "unknown", 5: "dormant", 6: "not present", 7: "lower layer down"}
IF_KINDS = {6: "ethernet", 24: "loopback", 53: "virtual", 131: "tunnel", 135: "vlan", 136: "vlan", 161: "lag",
            71: "wireless", 23: "ppp", 209: "bridge", 117: "ethernet"}  # fmt: skip
PHYSICAL = {6, 62, 69, 71, 117}
CLASSES = {1: "other", 2: "unknown", 3: "chassis", 4: "backplane", 5: "container", 6: "powerSupply", 7: "fan",
           8: "sensor", 9: "module", 10: "port", 11: "stack", 12: "cpu"}  # fmt: skip
STORAGES = {2: "memory", 3: "swap", 4: "filesystem", 5: "removable", 6: "floppy", 7: "optical", 8: "memory",
            9: "flash", 10: "network"}  # fmt: skip
CATEGORIES = {
    "switch": "Switch", "router": "Router", "firewall": "Firewall", "server": "Server", "printer": "Printer",
    "access point": "Access Point", "wireless": "Access Point", "wireless controller": "Wireless Controller",
    "load balancer": "Load Balancer", "ups": "UPS", "pdu": "PDU", "storage": "Storage System",
    "hypervisor": "Hypervisor",
    "ip phone": "IP Phone", "phone": "IP Phone", "camera": "Camera", "modem": "Modem", "power": "UPS",
    "network": "Network Device", "desktop": "Desktop", "workstation": "Desktop",
}  # fmt: skip
DPKG = re.compile(r"(?P<name>[a-z0-9][a-z0-9+.-]*)_(?P<version>[^_\s]+)_[a-z0-9-]+")
RPM = re.compile(
    r"(?P<name>\S+)-(?P<version>\d[^\s-]*-\d[^\s-]*?)(?:\.(?:noarch|x86_64|i[3-6]86|aarch64|armv7hl|ppc64le|s390x))?"
)
SHARED = frozenset({2, 3})
"""ipAddressType of addresses that are of several devices: anycast and broadcast (RFC 4293)."""
SERVERS = ("linux", "windows", "freebsd", "openbsd", "netbsd", "solaris", "aix", "hp-ux", "darwin", "macos")


def identify(found: Answers, library: Library) -> Identity:
    """What the device is."""
    said = found.scalars
    return library.identify(
        engine.Facts(
            sys_object_id=text(said.get("sys_object_id")), sys_descr=text(said.get("sys_descr")),
            values=found.values, parts=parts(found.rows("entity")),
        )
    )  # fmt: skip


def parts(table: Table) -> list[Part]:
    """The physical parts, as the identification reads them."""
    return [
        Part(
            index=index[0], kind=number(row.get(5)), descr=text(row.get(2)), name=text(row.get(7)),
            model=text(row.get(13)), serial=text(row.get(11)), software=text(row.get(10)), firmware=text(row.get(9)),
            contained_in=number(row.get(4)), vendor=text(row.get(12)),
        )
        for index, row in table.items()
    ]  # fmt: skip


def category(identity: Identity, services: int, known: frozenset[str]) -> str:
    """The category of the CMDB; empty where nothing fits. ``services``: sysServices, the layers it serves."""
    wanted = CATEGORIES.get(identity.type.lower(), identity.type)
    if not wanted and any(identity.os.lower().startswith(name) for name in SERVERS):
        wanted = "Server"
    if not wanted and identity.vendor:
        wanted = "Switch" if services & 2 else "Router" if services & 4 else ""
    if wanted in known:
        return wanted
    # Line cards, radio links and the like are devices of the network, whatever else they are.
    return "Network Device" if wanted and "Network Device" in known else ""


def facts(address: str, found: Answers, identity: Identity, known: frozenset[str]) -> Facts:
    """The device as facts. A kind of parts that could not be read is left out."""
    said = found.scalars
    name = text(said.get("sys_name"))
    kind, chassis = surroundings.chassis(found)
    attributes: dict[str, Any] = {
        "name": (name.partition(".")[0] if not _is_address(name) else name) or address,
        "host_name": name,
        "ip_address": address,
        "manufacturer": identity.vendor,
        "model": identity.model,
        "os_name": identity.os,
        "os_version": identity.version,
        "serial_number": identity.serial,
        "sys_object_id": text(said.get("sys_object_id")),
        "engine_id": _hex(said.get("engine_id")),
        "chassis_id": mac(chassis) if kind == surroundings.CHASSIS_MAC else "",
        "description": text(said.get("sys_descr")),
        "cpu_count": len(found.rows("processor")) or None,
        "memory_mb": number(said.get("memory_kb")) // 1024 or None,
    }
    own = addresses(found)
    made = Facts(
        ref=address, category=category(identity, number(said.get("sys_services")), known),
        attributes={key: _short(key, value) for key, value in attributes.items() if value not in ("", None)},
        addresses=list(dict.fromkeys([address, *(one for each in own.values() for one in each)])),
    )  # fmt: skip
    if "if" in found.tables:
        made.interfaces = interfaces(found, own)
    if found.rows("entity"):
        made.hardware = hardware(found.rows("entity"))
    if "storage" in found.tables:
        made.storage = storage(found.rows("storage"))
    if "installed" in found.tables or "running" in found.tables:
        made.software = software(found)
    return made


def of_shell(address: str, device: Device, category: str) -> Facts:
    """A device that was asked at its shell as facts."""
    attributes: dict[str, Any] = {
        "name": device.name or address, "host_name": device.host_name, "ip_address": address,
        "manufacturer": device.vendor, "model": device.model, "os_name": device.os, "os_version": device.version,
        "serial_number": device.serial, "uuid": device.uuid, "description": device.description,
        "cpu_count": device.cpu_count, "memory_mb": device.memory_mb,
    }  # fmt: skip
    own = [one for each in device.interfaces or () for one in each["addresses"]]
    return Facts(
        ref=address, category=category,
        attributes={key: _short(key, value) for key, value in attributes.items() if value not in ("", None)},
        addresses=list(dict.fromkeys([address, *own])), interfaces=device.interfaces, storage=device.storage,
        software=device.software, hardware=device.hardware,
    )  # fmt: skip


_LENGTHS = {"name": 255, "host_name": 255, "manufacturer": 120, "model": 160, "os_name": 160, "os_version": 120,
            "serial_number": 120, "uuid": 64, "sys_object_id": 160, "engine_id": 80, "chassis_id": 80}  # fmt: skip


def _short(key: str, value: Any) -> Any:
    return value[: _LENGTHS.get(key, 2000)] if isinstance(value, str) else value


def _hex(raw: Any) -> str:
    return raw[:32].hex() if isinstance(raw, bytes) else ""


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def addresses(found: Answers) -> dict[int, list[str]]:
    """The device's own addresses by interface. Those of loopback and broadcasts are everybody's and tell nothing."""
    made: dict[int, list[str]] = {}
    for index, row in found.rows("ip_old").items():
        _note(made, number(row.get(2)), bytes(arc & 255 for arc in index) if len(index) == 4 else b"")
    for index, row in found.rows("ip_new").items():
        # Type and length come before the octets (RFC 4293).
        if len(index) > 2 and index[1] in (4, 16) and len(index) == 2 + index[1] and number(row.get(4)) not in SHARED:
            _note(made, number(row.get(3)), bytes(arc & 255 for arc in index[2:]))
    return made


def _note(made: dict[int, list[str]], interface: int, octets: bytes) -> None:
    if len(octets) in (4, 16):
        address = ipaddress.ip_address(octets)
        listed = made.setdefault(interface, [])
        usable = not (address.is_loopback or address.is_unspecified or address.is_multicast or address.is_link_local)
        if usable and str(address) not in listed and len(listed) < 200:
            listed.append(str(address))


def interfaces(found: Answers, own: Mapping[int, list[str]]) -> list[dict[str, Any]]:
    """Interfaces, by name: numbers may change when a device starts again (RFC 2863)."""
    made: list[dict[str, Any]] = []
    seen: set[str] = set()
    more = found.rows("ifx")
    whole = surroundings.lags(found)
    names = {index[0]: (text(more.get(index, {}).get(1)) or text(row.get(2)))[:200]
             for index, row in found.rows("if").items()}  # fmt: skip
    for index, row in found.rows("if").items():
        also = more.get(index, {})
        name = text(also.get(1)) or text(row.get(2)) or str(index[0])
        if name in seen:
            name = f"{name} ({index[0]})"
        seen.add(name)
        speed = number(also.get(15)) * 1_000_000 or number(row.get(5))
        kind = number(row.get(3))
        above = whole.get(index[0], 0)
        made.append({
            "key": name[:200], "name": name[:255], "if_index": index[0], "lag": names.get(above, ""),
            "description": text(row.get(2)),
            "alias": text(also.get(18)), "kind": IF_KINDS.get(kind, str(kind)), "speed": speed or None,
            "mtu": number(row.get(4)) or None, "mac": mac(row.get(6)),
            "admin_status": STATES.get(number(row.get(7)), ""),
            "oper_status": STATES.get(number(row.get(8)), ""), "addresses": own.get(index[0], []),
            "is_port": kind in PHYSICAL,
        })  # fmt: skip
    return made


def hardware(table: Table) -> list[dict[str, Any]]:
    """The tree of physical parts."""
    return [
        {
            "key": str(index[0]), "parent_key": str(number(row.get(4)) or ""),
            "name": text(row.get(7)) or text(row.get(2)) or str(index[0]), "description": text(row.get(2)),
            "kind": CLASSES.get(number(row.get(5)), "other"), "position": number(row.get(6)),
            "hardware_revision": text(row.get(8)), "firmware": text(row.get(9)), "software": text(row.get(10)),
            "serial_number": text(row.get(11)), "manufacturer": text(row.get(12)), "model": text(row.get(13)),
            "is_fru": number(row.get(16)) == 1,
        }
        for index, row in table.items()
    ]  # fmt: skip


def storage(table: Table) -> list[dict[str, Any]]:
    """File systems and memory, in bytes."""
    made = []
    for index, row in table.items():
        unit = max(1, number(row.get(4), 1))
        kind = text(row.get(2)).rpartition(".")[2]
        name = text(row.get(3)) or str(index[0])
        made.append({
            "key": name[:200], "name": name[:255], "kind": STORAGES.get(int(kind) if kind.isdigit() else 0, "other"),
            "total": max(0, number(row.get(5))) * unit, "used": max(0, number(row.get(6))) * unit,
        })  # fmt: skip
    return made


def package(whole: str) -> tuple[str, str]:
    """Name and version of an entry of hrSWInstalledTable, which has one column for both (net-snmp, of dpkg and rpm)."""
    match = DPKG.fullmatch(whole) or RPM.fullmatch(whole)
    return (match["name"], match["version"]) if match else (whole, "")


def software(found: Answers) -> list[dict[str, Any]]:
    """What is installed, and what runs."""
    made: dict[tuple[str, str], dict[str, Any]] = {}
    for row in found.rows("installed").values():
        whole = text(row.get(2))
        if whole:
            name, version = package(whole)
            kind = "environment" if number(row.get(4)) == 2 else "application"
            # What an update replaces keeps its key; of two that are installed side by side the later is named in full.
            key = whole if (kind, name) in made else name
            made.setdefault((kind, key), {"key": key[:200], "name": name[:255], "version": version[:160], "kind": kind})
    for row in found.rows("running").values():
        name = text(row.get(2))
        if name and number(row.get(6)) == 4 and text(row.get(4)):
            made.setdefault(("process", name), {
                "key": f"process {name}"[:200], "name": name[:255], "kind": "process", "state": "running",
                "path": text(row.get(4))[:500],
            })  # fmt: skip
    return list(made.values())
