"""What a device tells of its neighbours, its bridge table and its aggregates, as evidence for the topology. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from typing import Any

from mainstay.modules.monitoring.discovery.reading import LLDP_2, PARTS_OF, Answers, Table, mac, number, text
from mainstay.modules.monitoring.topology.estate import CDP, LLDP, Evidence, Heard

MAX_HEARD = 2000
CHASSIS_MAC, CHASSIS_ADDRESS, PORT_MAC, PORT_ADDRESS, PORT_ALIAS = 4, 5, 3, 4, 1
LAG = 161
"""ifType of an aggregate."""
LLDP_PHONE, CDP_PHONE = 0x04, 0x80


def evidence(found: Answers, params: Mapping[str, Any]) -> Evidence:
    """What the device knows of its surroundings."""
    wanted = [name for part in ("neighbours", "bridges") if params.get(part, True) for name in PARTS_OF[part]]
    if not any(name in found.tables for name in LLDP_2):
        # They were not asked for: a collector of an older version.
        wanted = [name for name in wanted if name not in LLDP_2]
    kind, own = chassis(found)
    return Evidence(
        chassis="" if kind == CHASSIS_MAC else label(kind, own, CHASSIS_MAC, CHASSIS_ADDRESS)[:255],
        heard=[*lldp(found), *cdp(found)], bridge=bridge(found), arp=arp(found), lags=lags(found),
        partial=any(name not in found.tables for name in wanted),
    )  # fmt: skip


def chassis(found: Answers) -> tuple[int, Any]:
    """What the device calls itself in LLDP: the kind of name, and the name."""
    said = found.scalars
    if number(said.get("chassis_kind")):
        return number(said.get("chassis_kind")), said.get("chassis_id")
    return number(said.get("chassis_kind_2")), said.get("chassis_id_2")


def shown(found: Answers) -> list[dict[str, str]]:
    """The neighbours as findings show them."""
    return listed((*lldp(found), *cdp(found)))


def listed(heard: Iterable[Heard]) -> list[dict[str, str]]:
    """Neighbours as findings show them."""
    return [
        {"port": (one.local[0] if one.local else str(one.if_index))[:200], "chassis": one.chassis[:200],
         "remote_port": (one.port[0] if one.port else "")[:200], "name": one.name[:255], "address": one.address,
         "protocol": one.protocol, "platform": one.platform[:200]}
        for one in heard
    ]  # fmt: skip


def label(kind: int, raw: Any, mac_kind: int, address_kind: int) -> str:
    """A chassis or a port of any subtype as text (IEEE 802.1AB, 8.5.2 and 8.5.3)."""
    if not isinstance(raw, bytes):
        return text(raw)
    if kind == address_kind and len(raw) in (5, 17):
        # The family stands before the octets.
        return str(ipaddress.ip_address(raw[1:]))
    if len(raw) == 6 and (kind == mac_kind or not raw.isascii() or not text(raw).isprintable()):
        return mac(raw)
    return text(raw)


def _words(*given: str) -> list[str]:
    return list(dict.fromkeys(word for word in given if word))


def port(found: Answers, index: int) -> str:
    """What an interface is called; empty where that is not known."""
    return next(iter(_interface(found, index)), "")


def _interface(found: Answers, index: int) -> list[str]:
    return _words(text(found.rows("ifx").get((index,), {}).get(1)), text(found.rows("if").get((index,), {}).get(2)))


def lldp(found: Answers) -> list[Heard]:
    """Neighbours heard by LLDP (LLDP-MIB; LLDP-V2-MIB where that is empty)."""
    if not found.rows("lldp"):
        return _lldp_2(found)
    ports = {index[-1]: row for index, row in found.rows("lldp_ports").items()}
    bridged = {index[0]: number(row.get(2)) for index, row in found.rows("bridge_ports").items()}
    reached = _reached(found.rows("lldp_addresses"), 3)
    made = []
    for index, row in list(found.rows("lldp").items())[:MAX_HEARD]:
        if len(index) == 3:
            local = ports.get(index[1], {})
            # Without a table of ports the number is that of the bridge, or of the interface itself.
            one = _heard(row, local, bridged.get(index[1], index[1]), reached.get(index, ""))
            one.local = one.local or [str(index[1])]
            made.append(one)
    return made


def _lldp_2(found: Answers) -> list[Heard]:
    reached = _reached(found.rows("lldp_2_addresses"), 4)
    ports = found.rows("lldp_2_ports")
    made: dict[tuple[int, int], Heard] = {}
    for index, row in list(found.rows("lldp_2").items())[:MAX_HEARD]:
        if len(index) == 4:
            # Its columns stand one further on. A neighbour that sends to several groups is one.
            older = {column - 1: value for column, value in row.items()}
            one = _heard(older, ports.get((index[1],), {}), index[1], reached.get(index, ""))
            one.local = one.local or _interface(found, index[1]) or [str(index[1])]
            known = made.setdefault((index[1], index[3]), one)
            known.address = known.address or one.address
    return list(made.values())


def _reached(table: Table, length: int) -> dict[tuple[int, ...], str]:
    """Management addresses by the index of the neighbour, which takes so many numbers; kind, length, octets follow."""
    made: dict[tuple[int, ...], str] = {}
    for index in table:
        size = index[length + 1] if len(index) > length + 2 else 0
        if size in (4, 16) and len(index) == length + 2 + size:
            octets = bytes(arc & 255 for arc in index[length + 2 :])
            made.setdefault(index[:length], str(ipaddress.ip_address(octets)))
    return made


def _heard(row: Mapping[int, Any], local: Mapping[int, Any], if_index: int, address: str) -> Heard:
    can = row.get(12)
    return Heard(
        protocol=LLDP, if_index=if_index, address=address,
        local=_words(label(number(local.get(2)), local.get(3), PORT_MAC, PORT_ADDRESS), text(local.get(4))),
        chassis=label(number(row.get(4)), row.get(5), CHASSIS_MAC, CHASSIS_ADDRESS),
        port=_words(label(number(row.get(6)), row.get(7), PORT_MAC, PORT_ADDRESS), text(row.get(8))),
        name=text(row.get(9)), phone=isinstance(can, bytes) and bool(can) and bool(can[0] & LLDP_PHONE),
    )  # fmt: skip


def cdp(found: Answers) -> list[Heard]:
    """Neighbours heard by CDP (CISCO-CDP-MIB)."""
    made = []
    for index, row in list(found.rows("cdp").items())[:MAX_HEARD]:
        if len(index) != 2:
            continue
        address, can = row.get(4), row.get(9)
        octets = address if isinstance(address, bytes) and len(address) in (4, 16) and any(address) else b""
        made.append(Heard(
            protocol=CDP, local=_interface(found, index[0]), if_index=index[0], port=_words(text(row.get(7))),
            name=text(row.get(6)), address=str(ipaddress.ip_address(octets)) if octets else "",
            platform=text(row.get(8)), phone=isinstance(can, bytes) and bool(can) and bool(can[-1] & CDP_PHONE),
        ))  # fmt: skip
    return made


def bridge(found: Answers) -> dict[str, int]:
    """Learned addresses and the ifIndex of their port (BRIDGE-MIB, Q-BRIDGE-MIB)."""
    ports = {index[0]: number(row.get(2)) for index, row in found.rows("bridge_ports").items()}
    made: dict[str, int] = {}
    for name, skip in (("fdb", 0), ("vlan_fdb", 1)):
        for index, row in found.rows(name).items():
            address = mac(bytes(arc & 255 for arc in index[skip:]))
            port = number(row.get(2))
            if address and port:
                made.setdefault(address, ports.get(port, 0 if ports else port))
    return {address: port for address, port in made.items() if port}


def arp(found: Answers) -> dict[str, str]:
    """Network addresses and who answers for them (IP-MIB)."""
    return {address: owner for address, (owner, _port) in answering(found).items()}


def answering(found: Answers) -> dict[str, tuple[str, int]]:
    """Network addresses, who answers for each, and the ifIndex where (ipNetToMediaTable, ipNetToPhysicalTable)."""
    made: dict[str, tuple[str, int]] = {}
    for index, row in found.rows("arp_old").items():
        if len(index) == 5:
            _answers(made, index[0], bytes(arc & 255 for arc in index[1:]), row.get(2))
    for index, row in found.rows("arp_new").items():
        if len(index) > 3 and index[1] in (1, 2) and len(index) == 3 + index[2]:
            _answers(made, index[0], bytes(arc & 255 for arc in index[3:]), row.get(4))
    return made


def _answers(made: dict[str, tuple[str, int]], interface: int, octets: bytes, raw: Any) -> None:
    address = mac(raw)
    if len(octets) in (4, 16) and address and address != "ff:ff:ff:ff:ff:ff":
        made.setdefault(str(ipaddress.ip_address(octets)), (address, interface))


def lags(found: Answers) -> dict[int, int]:
    """Members of aggregates: ifIndex of each, and of the aggregate (IEEE8023-LAG-MIB, ifStackTable)."""
    kinds = {index[0]: number(row.get(3)) for index, row in found.rows("if").items()}
    made = {}
    for index in found.rows("stack"):
        if len(index) == 2 and all(index) and kinds.get(index[0]) == LAG and kinds.get(index[1]) != LAG:
            made[index[1]] = index[0]
    for index, row in found.rows("lag").items():
        above = number(row.get(13))
        if above and above != index[0] and above in kinds:
            made[index[0]] = above
    return made
