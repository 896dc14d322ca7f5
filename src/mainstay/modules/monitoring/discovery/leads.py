"""Addresses that a device tells of, which a discovery with seeds follows: neighbours, ARP, next hops. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterable, Iterator
from typing import Any, NamedTuple

from mainstay.modules.monitoring.credentials.service import Address
from mainstay.modules.monitoring.discovery import describing, surroundings
from mainstay.modules.monitoring.discovery.reading import Answers
from mainstay.modules.monitoring.topology.estate import CDP, LLDP, Heard

ARP, ROUTES = "arp", "routes"
WAYS = (LLDP, CDP, ARP, ROUTES)
MAX_LEADS = 10_000
"""Addresses of one device that are followed."""
TOLD = {LLDP: "by LLDP", CDP: "by CDP", ARP: "in the ARP table", ROUTES: "as a next hop of routes"}
IPV4, IPV6 = 1, 2
"""InetAddressType (RFC 4001)."""


class Lead(NamedTuple):
    """An address, how a device tells of it, and at which of its ports."""

    address: str
    way: str
    port: str


def of(found: Answers, ways: Collection[str]) -> list[Lead]:
    """Where this device leads, the surest ways first; its own addresses lead nowhere."""
    own = {address for each in describing.addresses(found).values() for address in each}
    return _kept(_all(found, ways), own)


def heard(neighbours: Iterable[Heard], own: Collection[str], ways: Collection[str]) -> list[Lead]:
    """Where the neighbours lead that a device told of at its prompt."""
    return _kept((Lead(one.address, one.protocol, one.local[0]) for one in neighbours if one.protocol in ways), own)


def _kept(told: Iterable[Lead], own: Collection[str]) -> list[Lead]:
    made: dict[str, Lead] = {}
    for one in told:
        if one.address and one.address not in own and _usable(ipaddress.ip_address(one.address)):
            made.setdefault(one.address, one)
            if len(made) >= MAX_LEADS:
                break
    return list(made.values())


def _usable(address: Address) -> bool:
    # Addresses of a link only mean something on that link.
    return not (address.is_unspecified or address.is_multicast or address.is_link_local)


def _all(found: Answers, ways: Collection[str]) -> Iterator[Lead]:
    answering = {mac: address for address, (mac, _port) in surroundings.answering(found).items()}
    for way, told in ((LLDP, surroundings.lldp), (CDP, surroundings.cdp)):
        if way in ways:
            for one in told(found):
                # One that names no address may be in the ARP table under its chassis' address of IEEE 802.
                yield Lead(one.address or answering.get(one.chassis, ""), way, one.local[0] if one.local else "")
    if ARP in ways:
        for address, (_mac, index) in surroundings.answering(found).items():
            yield Lead(address, ARP, surroundings.port(found, index))
    if ROUTES in ways:
        for address, index in hops(found).items():
            yield Lead(address, ROUTES, surroundings.port(found, index))


def hops(found: Answers) -> dict[str, int]:
    """Next hops and the ifIndex towards them (IP-FORWARD-MIB)."""
    made: dict[str, int] = {}
    # Destination, mask, type of service, next hop.
    for index, row in found.rows("routes_old").items():
        if len(index) == 13:
            _note(made, index[9:], row.get(5))
    for index, row in found.rows("routes_new").items():
        _note(made, _hop(index), row.get(7))
    return made


def _hop(index: tuple[int, ...]) -> tuple[int, ...]:
    """The next hop in an index of inetCidrRouteTable: type, destination, prefix, policy, type, next hop (RFC 4292)."""
    at = 0
    try:
        at = 2 + index[1]  # destination
        at += 2 + index[at + 1]  # prefix, policy
        kind, length = index[at], index[at + 1]
    except IndexError:
        return ()
    octets = index[at + 2 :]
    return octets if kind in (IPV4, IPV6) and len(octets) == length else ()


def _note(made: dict[str, int], arcs: tuple[int, ...], interface: Any) -> None:
    if len(arcs) in (4, 16) and all(0 <= arc <= 255 for arc in arcs):
        made.setdefault(str(ipaddress.ip_address(bytes(arcs))), interface if isinstance(interface, int) else 0)


def reason(lead: Lead, device: str) -> str:
    """Why an address is looked at."""
    return f"Found {TOLD.get(lead.way, lead.way)} on {device}{f' port {lead.port}' if lead.port else ''}."[:400]


__all__ = ["WAYS", "Lead", "heard", "of", "reason"]
