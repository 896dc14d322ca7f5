"""What the output of a device's shell says of it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any, NamedTuple

import msgspec

from mainstay.modules.monitoring.commands import cim, lists, network
from mainstay.modules.monitoring.templates.text import first, pattern
from mainstay.modules.monitoring.topology.estate import Heard

MAX_INTERFACES, MAX_PACKAGES = 2000, 10_000
KINDS = {"ether": "ethernet", "loopback": "loopback", "ppp": "ppp", "ipip": "tunnel", "sit": "tunnel", "gre": "tunnel",
         "none": "virtual"}  # fmt: skip
UNREAL = {"tmpfs", "devtmpfs", "overlay", "squashfs", "proc", "sysfs", "efivarfs", "ramfs", "nsfs", "fuse.snapfuse"}


class System(NamedTuple):
    """A system of the network: what asks it, how its answer is known, and where in it things stand."""

    key: str
    command: str
    sign: str
    vendor: str
    os: str
    version: tuple[str, ...]
    model: tuple[str, ...] = ()
    serial: tuple[str, ...] = ()
    name: tuple[str, ...] = ()
    type: str = ""
    banner: str = ""
    """What the identification string of its SSH server begins with."""
    more: str = ""
    """A second command, where the first one does not tell the serial number."""


UPTIME = r"(?m)^(\S+) uptime is"
SYSTEMS = (
    System("nxos", "show version", r"\(NX-OS\)", "Cisco", "NX-OS",
           (r"(?mi)^\s*(?:NXOS|system):\s+version (\S+)",), (r"(?mi)^\s*cisco (Nexus\S*(?: \S+)?) Chassis",),
           (r"(?i)Processor Board ID (\S+)",), (r"(?mi)^\s*Device name:\s*(\S+)",), "Switch"),
    System("iosxr", "show version", r"Cisco IOS XR Software", "Cisco", "IOS XR", (r"Version ([^\s\[,]+)",),
           (r"(?mi)^cisco (\S+(?: Series)?) \(",), (r"(?i)Processor board ID (\S+)",), (UPTIME,), "Router"),
    System("iosxe", "show version", r"Cisco IOS.XE Software", "Cisco", "IOS XE",
           (r"IOS.XE Software, Version (\S+)", r"Version ([^\s,]+)"),
           (r"(?mi)^Model number\s*:\s*(\S+)", r"(?mi)^cisco (\S+) \("),
           (r"(?mi)^System serial number\s*:\s*(\S+)", r"(?i)Processor board ID (\S+)"), (UPTIME,), "network"),
    System("ios", "show version", r"Cisco (?:IOS Software|Internetwork Operating System)", "Cisco", "IOS",
           (r"Version ([^\s,]+)",), (r"(?mi)^Model number\s*:\s*(\S+)", r"(?mi)^cisco (\S+) \("),
           (r"(?mi)^System serial number\s*:\s*(\S+)", r"(?i)Processor board ID (\S+)"), (UPTIME,), "network",
           "Cisco-"),
    System("asa", "show version", r"Cisco Adaptive Security Appliance", "Cisco", "ASA",
           (r"Appliance Software Version (\S+)",), (r"(?m)^Hardware:\s+([^\s,]+)",), (r"Serial Number: (\S+)",),
           (r"(?m)^(\S+) up \d+",), "Firewall"),
    System("eos", "show version", r"(?m)^Arista ", "Arista", "EOS", (r"Software image version: (\S+)",),
           (r"(?m)^Arista (\S+)",), (r"Serial number:\s*(\S+)",), (), "Switch"),
    System("junos", "show version", r"(?i)\bjunos\b", "Juniper", "Junos",
           (r"(?m)^Junos: (\S+)", r"JUNOS [^\[\n]*\[([^\]]+)\]"), (r"(?m)^Model: (\S+)",),
           (r"(?m)^Chassis\s+(\S+)",), (r"(?m)^Hostname: (\S+)",), "network", "", "show chassis hardware"),
    System("vrp", "display version", r"Versatile Routing Platform|VRP \(R\)", "Huawei", "VRP",
           (r"software, Version ([^\r\n]+)",), (r"(?mi)^HUAWEI (\S+).* uptime is",),
           (r"(?i)ESN[^:\n]*:\s*(\S+)",), (), "network", "HUAWEI-", "display esn"),
    System("comware", "display version", r"Comware", "H3C", "Comware", (r"Software, Version ([^,\s]+)",),
           (r"(?mi)^(?:H3C|HPE?) (\S+(?: \S+)?) uptime is",), (r"DEVICE_SERIAL_NUMBER\s*:\s*(\S+)",), (), "network",
           "Comware-", "display device manuinfo"),
    System("fortios", "get system status", r"(?m)^Version:\s*Forti", "Fortinet", "FortiOS", (r" v(\d[^,\s]*)",),
           (r"(?m)^Version:\s*(\S+)",), (r"(?m)^Serial-Number:\s*(\S+)",), (r"(?m)^Hostname:\s*(\S+)",), "Firewall",
           "FortiSSH"),
    System("panos", "show system info", r"(?m)^sw-version:", "Palo Alto Networks", "PAN-OS",
           (r"(?m)^sw-version: (\S+)",), (r"(?m)^model: (\S+)",), (r"(?m)^serial: (\S+)",),
           (r"(?m)^hostname: (\S+)",), "Firewall"),
    System("routeros", "/system resource print", r"platform: MikroTik", "MikroTik", "RouterOS",
           (r"(?m)^\s*version: (\S+)",), (r"(?m)^\s*board-name: ([^\r\n]+)",), (r"(?m)^\s*serial-number: (\S+)",), (),
           "Router", "ROSSSH", "/system routerboard print"),
)  # fmt: skip
_BY_KEY = {one.key: one for one in SYSTEMS}


@dataclass(slots=True, kw_only=True)
class Device:
    """What a device is, by its own words; what it does not say is empty."""

    name: str = ""
    host_name: str = ""
    vendor: str = ""
    os: str = ""
    version: str = ""
    model: str = ""
    serial: str = ""
    uuid: str = ""
    type: str = ""
    description: str = ""
    cpu_count: int | None = None
    memory_mb: int | None = None
    interfaces: list[dict[str, Any]] | None = None
    storage: list[dict[str, Any]] | None = None
    software: list[dict[str, Any]] | None = None
    hardware: list[dict[str, Any]] | None = None
    neighbours: list[Heard] | None = None
    """None: none of the lists was read."""
    partial: bool = False
    """Not all the lists of neighbours could be read."""
    problems: list[str] = field(default_factory=list)

    def shown(self) -> dict[str, str]:
        """Its identity, as forms and findings show it."""
        said = {"name": self.host_name or self.name, "vendor": self.vendor, "os": self.os, "version": self.version,
                "model": self.model, "serial": self.serial, "type": self.type}  # fmt: skip
        return {name: value[:500] for name, value in said.items() if value}


def family(banner: str) -> System | None:
    """The system of the network that an identification string names."""
    software = banner[4:].partition("-")[2] if banner.startswith("SSH-") else ""
    return next((one for one in SYSTEMS if one.banner and software.startswith(one.banner)), None)


def recognised(command: str, text: str) -> System | None:
    """Which system answers a command so."""
    return next((one for one in SYSTEMS if one.command == command and pattern(one.sign).search(text[:20_000])), None)


def device(heard: Mapping[str, str]) -> Device:
    """What a device is, from what it said."""
    if cim.is_windows(heard):
        return cim.fill(Device(), heard)
    return _network(heard) if "system" in heard else _unix(heard)


def _network(heard: Mapping[str, str]) -> Device:
    system = _BY_KEY[heard["system"]]
    text = f"{heard.get('version', '')}\n{heard.get('more', '')}"[:20_000]
    name = first(system.name, text) or first((r"@([\w.-]+)", r"([\w.-]+)"), heard.get("prompt", ""))
    made = Device(
        name=name.partition(".")[0], host_name=name, vendor=system.vendor, os=system.os,
        version=first(system.version, text), model=first(system.model, text), serial=first(system.serial, text),
        type=system.type, description=heard.get("version", "")[:500],
        problems=heard["unread"].splitlines() if heard.get("unread") else [],
    )  # fmt: skip
    made.partial = any(each in lists.NEIGHBOURS and each not in heard for each in lists.LISTS[system.key])
    for what, read in (("interfaces", network.interfaces), ("hardware", network.parts),
                       ("neighbours", network.neighbours)):  # fmt: skip
        try:
            setattr(made, what, read(heard))
        except ValueError as error:
            made.problems.append(f"The list of {what} was left out: {error}.")
    return made


def _unix(heard: Mapping[str, str]) -> Device:
    release = dict(line.split("=", 1) for line in heard.get("os", "").splitlines() if "=" in line)
    said = {name: value.strip().strip("\"'") for name, value in release.items()}
    kernel = heard.get("kernel", "").split()
    dmi = _files(heard.get("dmi", ""))
    board = heard.get("board", "")
    host = heard.get("host", "").split("\n")[0].strip()
    memory = first((r"MemTotal:\s*(\d+)",), heard.get("memory", ""))
    cpus = heard.get("cpus", "").strip()
    return Device(
        name=host.partition(".")[0], host_name=host, vendor=dmi.get("sys_vendor", ""),
        os=said.get("NAME", "").removesuffix(" GNU/Linux") or (kernel[0] if kernel else ""),
        version=said.get("VERSION_ID", "") or (kernel[1] if len(kernel) > 1 and not said.get("NAME") else ""),
        model=dmi.get("product_name", "") or board,
        serial=dmi.get("product_serial", "") or heard.get("board_serial", ""), uuid=dmi.get("product_uuid", "").lower(),
        type="Server", description=f"{said.get('PRETTY_NAME', '')} {heard.get('kernel', '')}".strip(),
        cpu_count=int(cpus) if cpus.isdecimal() and len(cpus) < 6 else None,
        memory_mb=int(memory) // 1024 if memory and len(memory) < 16 else None, interfaces=_interfaces(heard),
        storage=_storage(heard["df"]) if heard.get("df") else None,
        software=_software(heard["packages"]) if heard.get("packages") else None,
    )  # fmt: skip


def _files(text: str) -> dict[str, str]:
    """Output of ``grep -H .``: what is in each file, by the last part of its path."""
    lines = (line.partition(":") for line in text.splitlines())
    return {path.rpartition("/")[2]: value.strip() for path, _colon, value in lines if value.strip()}


def _interfaces(heard: Mapping[str, str]) -> list[dict[str, Any]] | None:
    try:
        links = msgspec.json.decode(heard.get("ip", "").encode(), type=list[dict[str, Any]])
    except msgspec.MsgspecError:
        return None
    physical = {line.split("/")[-2] for line in heard.get("physical", "").splitlines() if line.count("/") > 2}
    speeds = {}
    for line in heard.get("speed", "").splitlines():
        path, _colon, value = line.partition(":")
        if path.count("/") > 2 and value.strip().isdecimal() and len(value) < 9:
            speeds[path.split("/")[-2]] = int(value)
    made = []
    for link in links[:MAX_INTERFACES]:
        name, kind = str(link.get("ifname") or "")[:200], str(link.get("link_type") or "")
        if not name:
            continue
        flags = link.get("flags")
        mac = str(link.get("address") or "") if kind == "ether" else ""
        state = str(link.get("operstate") or "").lower()
        made.append({
            "key": name, "name": name, "if_index": _number(link.get("ifindex")),
            "alias": str(link.get("ifalias") or "")[:255], "kind": KINDS.get(kind, kind),
            "speed": speeds[name] * 1_000_000 if name in speeds else None,
            "mtu": _number(link.get("mtu")), "mac": mac,
            "admin_status": "up" if isinstance(flags, list) and "UP" in flags else "down",
            "oper_status": state if state in ("up", "down", "dormant") else "unknown", "is_port": name in physical,
            "addresses": _addresses(link.get("addr_info")),
        })  # fmt: skip
    return made


def _number(raw: Any) -> int | None:
    return raw if isinstance(raw, int) and 0 < raw < 2**31 else None


def _addresses(raw: Any) -> list[str]:
    made = []
    for one in raw if isinstance(raw, list) else ():
        try:
            address = ip_address(str(one.get("local"))) if isinstance(one, dict) else None
        except ValueError:
            continue
        # Those of loopback and of a link are everybody's and tell nothing.
        if address is not None and not address.is_loopback and not address.is_link_local:
            made.append(str(address))
    return made[:200]


def _storage(text: str) -> list[dict[str, Any]]:
    lines = text.splitlines()
    typed = bool(lines) and "Type" in lines[0].split()
    made = []
    for line in lines[1:]:
        words = line.split(None, 6 if typed else 5)
        if len(words) < (7 if typed else 6):
            continue
        kind = words[1] if typed else ""
        total, used, name = words[2 if typed else 1], words[3 if typed else 2], words[-1]
        if kind in UNREAL or not total.isdecimal() or not used.isdecimal() or int(total) == 0:
            continue
        made.append({
            "key": name[:200], "name": name[:255], "kind": "network" if kind.startswith("nfs") else "filesystem",
            "total": int(total[:15]) * 1024, "used": int(used[:15]) * 1024, "file_system": kind[:60],
        })  # fmt: skip
    return made


def _software(text: str) -> list[dict[str, Any]]:
    made: dict[str, dict[str, Any]] = {}
    for line in text.splitlines():
        state, _tab, rest = line.partition("\t")
        name, _tab, version = rest.partition("\t")
        if state.strip() == "ii" and name:
            made.setdefault(name, {"key": name[:200], "name": name[:255], "kind": "application",
                                   "version": version.strip()[:160]})  # fmt: skip
            if len(made) >= MAX_PACKAGES:
                break
    return list(made.values())
