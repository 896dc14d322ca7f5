"""Addresses and networks that people name: of devices a configuration is for, of senders a community is valid for."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from typing import Any

from mainstay.kernel.errors import Invalid

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def named(document: Any) -> list[Network]:
    """The addresses and networks that a configuration applies to. Raises ``Invalid``."""
    given: list[Any] = []
    if isinstance(document, Mapping):
        for name in ("addresses", "networks", "devices", "ips"):
            part = document.get(name, [])
            given += part if isinstance(part, list) else [part]
    elif isinstance(document, list):
        given = document
    if not given:
        raise Invalid.field("applies_to", 'Please name the devices: {"addresses": ["192.0.2.0/24"]}.')
    return networks([str(item.get("ip_address", "")) if isinstance(item, Mapping) else str(item) for item in given],
                    "applies_to")  # fmt: skip


def networks(given: Sequence[str], name: str) -> list[Network]:
    """Addresses and networks. Raises ``Invalid`` naming the field."""
    found = []
    for item in given:
        try:
            found.append(ipaddress.ip_network(item.strip(), strict=False))
        except ValueError:
            raise Invalid.field(name, f"{item[:60]!r} is no address or network such as 192.0.2.0/24.") from None
    return found
