"""How a discovery looks: the parameters of the scanner, with their limits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from mainstay.kernel.errors import Invalid
from mainstay.modules.monitoring.credentials.service import spans
from mainstay.modules.monitoring.discovery.knocking import MAX_PORTS

ALL = ["snmp", "icmp", "tcp", "ssh", "winrm"]


class Parameter(msgspec.Struct, kw_only=True, frozen=True):
    """One field of the scanner's form."""

    name: str
    label: str
    kind: str
    default: Any
    minimum: int | None = None
    maximum: int | None = None
    protocols: list[str] = []
    help: str = ""


FIELDS = (
    Parameter(name="filter_by_ping", label="Only addresses that answer ICMP", kind="boolean", default=True,
              protocols=ALL, help="Quicker; devices that do not answer echo requests are passed over, but for those "
              "that take TCP connections where these are tried."),
    Parameter(name="ping_monitor", label="Watch availability by ICMP", kind="boolean", default=True,
              protocols=ALL),
    Parameter(name="snmp_monitor", label="Poll by SNMP", kind="boolean", default=True, protocols=["snmp"]),
    Parameter(name="exclude_ip_address", label="Left out", kind="list", default=[], protocols=ALL,
              help="Addresses, networks and ranges that are never asked."),
    Parameter(name="rate", label="Packets a second", kind="integer", default=100, minimum=1, maximum=5000,
              protocols=ALL, help="Echo requests, connections and first questions together."),
    Parameter(name="at_once", label="Devices at once", kind="integer", default=32, minimum=1, maximum=256,
              protocols=["snmp", "ssh", "winrm"]),
    Parameter(name="tcp_ports", label="TCP ports", kind="ports", default=[22, 80, 443], minimum=1, maximum=MAX_PORTS,
              protocols=["tcp"], help="One of them open is a sign of life. At most 32 ports."),
    Parameter(name="tcp_at_once", label="Connections at once", kind="integer", default=128, minimum=1, maximum=1024,
              protocols=["tcp"], help="They count against the packets a second as well."),
    Parameter(name="ssh_port", label="SSH port", kind="integer", default=22, minimum=1, maximum=65535,
              protocols=["ssh"]),
    Parameter(name="device_seconds", label="Seconds for one device", kind="integer", default=60, minimum=5,
              maximum=600, protocols=["snmp", "ssh", "winrm"],
              help="What is not answered by then is left out, and told."),
    Parameter(name="software", label="Installed software", kind="boolean", default=True,
              protocols=["snmp", "ssh", "winrm"]),
    Parameter(name="processes", label="Running processes", kind="boolean", default=False, protocols=["snmp"]),
    Parameter(name="neighbours", label="Neighbours (LLDP, CDP)", kind="boolean", default=True,
              protocols=["snmp", "ssh"]),
    Parameter(name="bridges", label="Bridge and ARP tables", kind="boolean", default=True, protocols=["snmp"],
              help="They tell what is plugged in where nobody speaks LLDP or CDP."),
)  # fmt: skip


def read(given: Mapping[str, Any]) -> dict[str, Any]:
    """Every parameter's value. Raises ``Invalid`` naming what does not fit."""
    known = {one.name: one for one in FIELDS}
    for name in given:
        if name not in known:
            raise Invalid.field("params", f"There is no parameter {name[:60]!r}. There are: {', '.join(known)}.")
    return {name: _value(one, given.get(name, one.default)) for name, one in known.items()}


def _value(one: Parameter, raw: Any) -> Any:
    if one.kind == "boolean":
        if str(raw).lower() not in ("1", "0", "true", "false"):
            raise Invalid.field("params", f"{one.name} is 1 or 0.")
        return str(raw).lower() in ("1", "true")
    if one.kind == "list":
        words = raw if isinstance(raw, list) else [str(raw)]
        spans(", ".join(map(str, words)), "params")
        return [str(word) for word in words]
    if one.kind == "ports":
        return _ports(one, raw)
    try:
        number = int(raw)
    except (TypeError, ValueError):
        number = -1
    if not (one.minimum or 0) <= number <= (one.maximum or number):
        raise Invalid.field("params", f"{one.name} is a number from {one.minimum} to {one.maximum}.")
    return number


def _ports(one: Parameter, raw: Any) -> list[int]:
    words = raw if isinstance(raw, list) else str(raw).replace(",", " ").split()
    ports = [int(word) if str(word).isascii() and str(word).strip().isdecimal() else 0 for word in words]
    if not ports or len(ports) > (one.maximum or 0) or not all(1 <= port <= 65535 for port in ports):
        raise Invalid.field("params", f"{one.name} is a list of 1 to {one.maximum} ports, such as 22, 443.")
    return list(dict.fromkeys(ports))
