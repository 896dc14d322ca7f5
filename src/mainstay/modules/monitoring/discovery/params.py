"""How a discovery looks: the parameters of the scanner, with their limits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from mainstay.kernel.errors import Invalid
from mainstay.modules.monitoring.credentials.service import spans


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
              protocols=["snmp", "icmp"], help="Quicker; devices that do not answer echo requests are passed over."),
    Parameter(name="ping_monitor", label="Watch availability by ICMP", kind="boolean", default=True,
              protocols=["snmp", "icmp"]),
    Parameter(name="snmp_monitor", label="Poll by SNMP", kind="boolean", default=True, protocols=["snmp"]),
    Parameter(name="exclude_ip_address", label="Left out", kind="list", default=[], protocols=["snmp", "icmp"],
              help="Addresses, networks and ranges that are never asked."),
    Parameter(name="rate", label="Addresses a second", kind="integer", default=100, minimum=1, maximum=5000,
              protocols=["snmp", "icmp"]),
    Parameter(name="at_once", label="Devices at once", kind="integer", default=32, minimum=1, maximum=256,
              protocols=["snmp"]),
    Parameter(name="device_seconds", label="Seconds for one device", kind="integer", default=60, minimum=5,
              maximum=600, protocols=["snmp"], help="What is not answered by then is left out, and told."),
    Parameter(name="software", label="Installed software", kind="boolean", default=True, protocols=["snmp"]),
    Parameter(name="processes", label="Running processes", kind="boolean", default=False, protocols=["snmp"]),
    Parameter(name="neighbours", label="Neighbours (LLDP, CDP)", kind="boolean", default=True, protocols=["snmp"]),
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
    try:
        number = int(raw)
    except (TypeError, ValueError):
        number = -1
    if not (one.minimum or 0) <= number <= (one.maximum or number):
        raise Invalid.field("params", f"{one.name} is a number from {one.minimum} to {one.maximum}.")
    return number
