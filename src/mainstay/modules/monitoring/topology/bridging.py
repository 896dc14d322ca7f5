"""Links from bridge tables, for ports on which no neighbour makes itself known. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from mainstay.modules.monitoring.topology.estate import BRIDGE, SEGMENT, VIRTUAL, Estate, Evidence, Line, Unknown, roots

Seen = dict[str, dict[str, set[str]]]
"""Bridge → port → the addresses learned there."""


def lines(estate: Estate, told: Mapping[str, Evidence], found: list[Line]) -> list[Line]:
    """Lines that the tables of the bridges show beside those that were found already."""
    above = roots(estate, told)
    # Who answers for an address: items that are known by their network address only are found by it.
    arp = {mac: address for evidence in told.values() for address, mac in evidence.arp.items()}
    seen = _seen(estate, told, above)
    busy = {
        (end, above.get((end, port), port))
        for line in found
        for end, port in ((line.near, line.near_port), (line.far, line.far_port))
    }
    linked = {frozenset((line.near, line.far)) for line in found if line.far}
    made: list[Line] = []
    single: dict[str, list[tuple[int, str, str]]] = defaultdict(list)
    for bridge, ports in seen.items():
        for port, macs in ports.items():
            if (bridge, port) in busy:
                continue
            owners = {owner for owner in (estate.owner(mac, arp) for mac in macs) if owner and owner != bridge}
            others = sorted(owner for owner in owners if owner in seen)
            if others:
                made += _between(estate, seen, busy, arp, bridge, port, others)
                continue
            for owner in owners:
                single[owner].append((len(macs), bridge, port))
    made = _once(made, linked)
    return [*made, *_ends(estate, seen, arp, single, linked)]


def _seen(estate: Estate, told: Mapping[str, Evidence], above: Mapping[tuple[str, str], str]) -> Seen:
    made: Seen = {}
    for device, evidence in told.items():
        ports = estate.ports.get(device)
        own = set(estate.devices[device].macs) | {one.mac for one in ports.listed} if ports else set()
        for mac, index in evidence.bridge.items():
            port = ports.by_index.get(index) if ports else None
            if port is not None and mac not in own and not mac.startswith(VIRTUAL):
                name = above.get((device, port.name), port.name)
                made.setdefault(device, {}).setdefault(name, set()).add(mac)
    return made


def _between(
    estate: Estate, seen: Seen, busy: set[tuple[str, str]], arp: Mapping[str, str], bridge: str, port: str,
    others: list[str],
) -> list[Line]:  # fmt: skip
    made: list[Line] = []
    for other in others:
        back = next((name for name, macs in seen[other].items() if any(
            estate.owner(mac, arp) == bridge for mac in macs)), "")  # fmt: skip
        if not back or (other, back) in busy or bridge > other:
            continue
        common = seen[bridge][port] & seen[other][back]
        if not common:
            made.append(Line(near=bridge, near_port=port, far=other, far_port=back, protocols=[BRIDGE],
                             told_by=[bridge, other]))  # fmt: skip
            continue
        between = {owner for owner in (estate.owner(mac, arp) for mac in common) if owner}
        if between & seen.keys():
            continue  # another bridge stands in between, and has links of its own
        unknown = Unknown(key=f"segment {bridge} {port}"[:200], kind=SEGMENT, count=len(common) + 2)
        made += [Line(near=end, near_port=name, protocols=[BRIDGE], told_by=[bridge, other], unknown=unknown)
                 for end, name in ((bridge, port), (other, back))]  # fmt: skip
        made += [Line(near=end, protocols=[BRIDGE], told_by=[bridge, other], unknown=unknown)
                 for end in sorted(between)]  # fmt: skip
    return made


def _once(made: list[Line], linked: set[frozenset[str]]) -> list[Line]:
    kept = []
    for line in made:
        ends = frozenset((line.near, line.far))
        if line.far and ends in linked:
            continue
        kept.append(line)
        if line.far:
            linked.add(ends)
    return kept


def _ends(
    estate: Estate, seen: Seen, arp: Mapping[str, str], single: Mapping[str, list[tuple[int, str, str]]],
    linked: set[frozenset[str]],
) -> list[Line]:  # fmt: skip
    """Devices that are no bridges: each on the port on which the fewest addresses are."""
    placed: dict[tuple[str, str], list[str]] = defaultdict(list)
    for owner, places in single.items():
        _few, bridge, port = min(places)
        if not any(owner in ends for ends in linked):
            placed[bridge, port].append(owner)
    made: list[Line] = []
    for (bridge, port), owners in placed.items():
        macs = seen[bridge][port]
        if len(owners) == 1 and all(estate.owner(mac, arp) == owners[0] for mac in macs):
            found = next((one.name for mac in sorted(macs) for one in estate.devices[owners[0]].ports
                          if one.mac == mac and one.physical), "")  # fmt: skip
            made.append(Line(near=bridge, near_port=port, far=owners[0], far_port=found, protocols=[BRIDGE],
                             told_by=[bridge]))  # fmt: skip
            continue
        unknown = Unknown(key=f"segment {bridge} {port}"[:200], kind=SEGMENT, count=len(macs))
        made.append(Line(near=bridge, near_port=port, protocols=[BRIDGE], told_by=[bridge], unknown=unknown))
        made += [Line(near=owner, protocols=[BRIDGE], told_by=[bridge], unknown=unknown) for owner in sorted(owners)]
    return made
