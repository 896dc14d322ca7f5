"""What a computer with Windows is, from instances of CIM classes. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from mainstay.modules.monitoring.commands.said import Device

SOFTWARE, UNREAD = "win_software", "unread"
QUERIES = {
    "win_system": "SELECT Caption,Version,BuildNumber,OSArchitecture,ProductType,CSName,TotalVisibleMemorySize "
    "FROM Win32_OperatingSystem",
    "win_computer": "SELECT Name,DNSHostName,Domain,PartOfDomain,Manufacturer,Model,NumberOfLogicalProcessors "
    "FROM Win32_ComputerSystem",
    "win_bios": "SELECT SerialNumber FROM Win32_BIOS",
    "win_product": "SELECT UUID,IdentifyingNumber FROM Win32_ComputerSystemProduct",
    "win_adapters": "SELECT Index,InterfaceIndex,Name,NetConnectionID,NetConnectionStatus,MACAddress,Speed,"
    "PhysicalAdapter,ConfigManagerErrorCode FROM Win32_NetworkAdapter WHERE NetConnectionID IS NOT NULL",
    "win_addresses": "SELECT Index,IPAddress,MTU FROM Win32_NetworkAdapterConfiguration WHERE IPEnabled = TRUE",
    "win_volumes": "SELECT DeviceID,VolumeName,Size,FreeSpace,FileSystem FROM Win32_LogicalDisk WHERE DriveType = 3",
    "win_disks": "SELECT Index,Model,SerialNumber,FirmwareRevision,Manufacturer FROM Win32_DiskDrive",
    "win_memory": "SELECT DeviceLocator,BankLabel,PartNumber,SerialNumber,Manufacturer FROM Win32_PhysicalMemory",
}
IDENTITY = ("win_system", "win_computer", "win_bios", "win_product")
CONNECTED, DISABLED, UNKNOWN_SPEED = "2", "22", 2**63 - 1
"""NetConnectionStatus, ConfigManagerErrorCode, and the speed of what is not connected."""
MOST, WORKSTATION = 2000, "1"
NO_SERIAL = {"none", "to be filled by o.e.m.", "default string", "system serial number", "0", "not specified",
             "not applicable"}  # fmt: skip
Row = Mapping[str, Any]


def is_windows(heard: Mapping[str, str]) -> bool:
    """Whether this was said by a computer with Windows."""
    return IDENTITY[0] in heard


def fill(made: Device, heard: Mapping[str, str]) -> Device:
    """Write what was said into a device."""
    system, computer, bios, product = (_first(heard, name) for name in IDENTITY)
    name = _text(computer, "DNSHostName") or _text(system, "CSName") or _text(computer, "Name")
    domain = _text(computer, "Domain") if _text(computer, "PartOfDomain").lower() == "true" else ""
    caption = _text(system, "Caption").removeprefix("Microsoft ").strip()
    made.name, made.host_name = name, f"{name}.{domain}" if name and domain else name
    made.vendor, made.model = _text(computer, "Manufacturer"), _text(computer, "Model")
    made.os, made.version = caption or "Windows", _text(system, "Version")
    made.serial = _serial(_text(bios, "SerialNumber")) or _serial(_text(product, "IdentifyingNumber"))
    made.uuid = _text(product, "UUID").lower()
    made.type = "Desktop" if _text(system, "ProductType") == WORKSTATION else "Server"
    said = (_text(system, "Caption"), _text(system, "Version"), _text(system, "OSArchitecture"))
    made.description = " ".join(word for word in said if word)
    made.cpu_count = _number(computer, "NumberOfLogicalProcessors")
    kilobytes = _number(system, "TotalVisibleMemorySize")
    made.memory_mb = kilobytes // 1024 if kilobytes else None
    made.interfaces = _interfaces(heard) if "win_adapters" in heard and "win_addresses" in heard else None
    made.storage = _storage(heard) if "win_volumes" in heard else None
    made.hardware = _hardware(heard) if "win_disks" in heard and "win_memory" in heard else None
    made.software = _software(heard) if SOFTWARE in heard else None
    made.problems = [heard[UNREAD]] if heard.get(UNREAD) else []
    return made


def _rows(heard: Mapping[str, str], name: str) -> Sequence[Row]:
    try:
        return msgspec.json.decode(heard.get(name, "[]"), type=list[dict[str, Any]])[:MOST]
    except msgspec.MsgspecError:
        return []


def _first(heard: Mapping[str, str], name: str) -> Row:
    return next(iter(_rows(heard, name)), {})


def _text(row: Row, name: str) -> str:
    value = row.get(name)
    value = next(iter(value), "") if isinstance(value, list) else value
    return str(value or "").replace("\x00", "").strip()


def _number(row: Row, name: str) -> int | None:
    word = _text(row, name)
    return int(word) if word.isascii() and word.isdecimal() and len(word) < 19 else None


def _serial(word: str) -> str:
    return "" if word.lower() in NO_SERIAL else word


def _interfaces(heard: Mapping[str, str]) -> list[dict[str, Any]]:
    configured = {_text(row, "Index"): row for row in _rows(heard, "win_addresses")}
    made = []
    for row in _rows(heard, "win_adapters"):
        name, own = _text(row, "NetConnectionID"), configured.get(_text(row, "Index"), {})
        speed = _number(row, "Speed")
        status = _text(row, "NetConnectionStatus")
        made.append({
            "key": name[:200], "name": name[:255], "description": _text(row, "Name")[:255],
            "if_index": _number(row, "InterfaceIndex"), "kind": "ethernet", "mac": _text(row, "MACAddress"),
            "speed": speed if speed and speed < UNKNOWN_SPEED else None, "mtu": _number(own, "MTU"),
            "admin_status": "down" if _text(row, "ConfigManagerErrorCode") == DISABLED else "up",
            "oper_status": "up" if status == CONNECTED else "down" if status else "unknown",
            "is_port": _text(row, "PhysicalAdapter").lower() == "true", "addresses": _addresses(own.get("IPAddress")),
        })  # fmt: skip
    return [one for one in made if one["key"]]


def _addresses(raw: Any) -> list[str]:
    made = []
    for word in raw if isinstance(raw, list) else [raw] if raw else ():
        try:
            address = ip_address(str(word))
        except ValueError:
            continue
        if not address.is_loopback and not address.is_link_local:
            made.append(str(address))
    return made[:200]


def _storage(heard: Mapping[str, str]) -> list[dict[str, Any]]:
    made = []
    for row in _rows(heard, "win_volumes"):
        name, total = _text(row, "DeviceID"), _number(row, "Size")
        if name and total:
            made.append({
                "key": name[:200], "name": name[:255], "kind": "filesystem", "total": total,
                "used": max(0, total - (_number(row, "FreeSpace") or 0)), "label": _text(row, "VolumeName")[:120],
                "file_system": _text(row, "FileSystem")[:60],
            })  # fmt: skip
    return made


def _hardware(heard: Mapping[str, str]) -> list[dict[str, Any]]:
    disks = [(f"Disk {_text(row, 'Index')}", "disk", row, "Model") for row in _rows(heard, "win_disks")]
    memory = [(f"Memory {_text(row, 'BankLabel')} {_text(row, 'DeviceLocator')}".replace("  ", " ").strip(), "memory",
               row, "PartNumber") for row in _rows(heard, "win_memory")]  # fmt: skip
    return [
        {"key": name[:200], "name": name[:255], "kind": kind, "model": _text(row, model)[:160],
         "serial_number": _serial(_text(row, "SerialNumber"))[:120], "manufacturer": _text(row, "Manufacturer")[:120],
         "firmware": _text(row, "FirmwareRevision")[:120]}
        for name, kind, row, model in (*disks, *memory)
    ]  # fmt: skip


def _software(heard: Mapping[str, str]) -> list[dict[str, Any]]:
    made: dict[str, dict[str, Any]] = {}
    for row in _rows(heard, SOFTWARE):
        if name := _text(row, "DisplayName"):
            made.setdefault(name, {
                "key": name[:200], "name": name[:255], "kind": "application",
                "version": _text(row, "DisplayVersion")[:160], "publisher": _text(row, "Publisher")[:160],
            })  # fmt: skip
    return list(made.values())
