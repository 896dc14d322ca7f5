"""From what devices tell to links between them. Pure: no database, no clock.

What a device hears (LLDP, IEEE 802.1AB; CDP) is half a link; two halves that mean each other are one. Where nobody
speaks either, the bridge tables decide: two bridges are directly connected by the ports on which they see each other
when no address is seen on both (Lowekamp et al., 2001); a device is on the port on which it is alone. Members of an
aggregate (IEEE 802.1AX) are one link that lists them. What cannot be told is told as such: a neighbour that is no item,
and a segment on which several are.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mainstay.modules.monitoring.topology import bridging
from mainstay.modules.monitoring.topology.estate import (
    SEGMENT,
    Device,
    Estate,
    Evidence,
    Heard,
    Line,
    Unknown,
    marks_of,
    roots,
)


@dataclass(slots=True)
class _Half:
    """What one device tells of one neighbour on one port."""

    device: str
    port: str
    other: str
    far_port: str
    protocols: set[str]
    unknown: Unknown | None
    phone: bool = False


def draw(estate: Estate, told: Mapping[str, Evidence]) -> list[Line]:
    """Every link that the evidence shows, once."""
    halves = [half for device, evidence in told.items() for half in _halves(estate, device, evidence)]
    lines = _shared(halves)
    lines += bridging.lines(estate, told, lines)
    return _folded(estate, told, lines)


def _halves(estate: Estate, device: str, evidence: Evidence) -> list[_Half]:
    made: dict[tuple[str, str], _Half] = {}
    unknown: list[_Half] = []
    for heard in evidence.heard:
        other = estate.known(heard)
        port = estate.called(device, heard.local, heard.if_index)
        if other == device:
            continue  # a loop, or a device that hears itself
        if other:
            half = made.setdefault(
                (port, other), _Half(device, port, other, estate.called(other, heard.port), set(), None)
            )
        else:
            there = _same(unknown, port, heard)
            half = there or _Half(device, port, "", "".join(heard.port[:1]).strip(), set(), _unknown(heard))
            if there is None:
                unknown.append(half)
        half.protocols.add(heard.protocol)
        half.phone = half.phone or heard.phone
    return [*made.values(), *unknown]


def _unknown(heard: Heard) -> Unknown:
    marks = marks_of(heard)
    key = next((f"{kind} {word}" for kind, word in marks), "nameless")
    name = heard.name or heard.chassis or heard.address
    return Unknown(key=key[:200], name=name[:255], chassis=heard.chassis, address=heard.address,
                   platform=heard.platform[:255])  # fmt: skip


def _same(listed: list[_Half], port: str, heard: Heard) -> _Half | None:
    """The neighbour of this port that is meant by another protocol's words, too."""
    short = heard.name.lower().partition(".")[0].partition("(")[0]
    for half in listed:
        one = half.unknown
        if one is None or half.port != port:
            continue
        if (short and one.name.lower().partition(".")[0].partition("(")[0] == short) or (
            heard.address and one.address == heard.address
        ):
            one.platform = one.platform or heard.platform[:255]
            one.address = one.address or heard.address
            return half
    return None


def _shared(halves: list[_Half]) -> list[Line]:
    """Lines of halves; several neighbours on one port are on a segment, not each at the other end of a cable."""
    by_port: dict[tuple[str, str], list[_Half]] = defaultdict(list)
    for half in halves:
        by_port[half.device, half.port].append(half)
    direct: list[_Half] = []
    lines: list[Line] = []
    for (device, port), group in by_port.items():
        phones = [half for half in group if half.phone]
        if len(group) == 1 or not port:
            direct += group
        elif len(phones) == 1:
            # What is plugged into a telephone is heard through it.
            direct += phones
            lines += [_behind(phones[0], half) for half in group if half is not phones[0]]
        else:
            lines += _segment(device, port, group)
    return [*lines, *_paired(direct)]


def _behind(phone: _Half, half: _Half) -> Line:
    near = phone.other or half.other
    if not near:
        return _line(half)
    far, unknown = (half.other, half.unknown) if phone.other else ("", phone.unknown)
    return Line(near=near, far=far, far_port=half.far_port if far else "", protocols=sorted(half.protocols),
                told_by=[half.device], unknown=unknown)  # fmt: skip


def _segment(device: str, port: str, group: list[_Half]) -> list[Line]:
    unknown = Unknown(key=f"segment {device} {port}"[:200], kind=SEGMENT, count=len(group))
    protocols = sorted({protocol for half in group for protocol in half.protocols})
    made = [Line(near=device, near_port=port, protocols=protocols, told_by=[device], unknown=unknown)]
    for half in group:
        if half.other:
            made.append(Line(near=half.other, near_port=half.far_port, protocols=sorted(half.protocols),
                             told_by=[device], unknown=unknown))  # fmt: skip
        else:
            made.append(_line(half))
    return made


def _line(half: _Half) -> Line:
    return Line(near=half.device, near_port=half.port, far=half.other, far_port=half.far_port,
                protocols=sorted(half.protocols), told_by=[half.device], unknown=half.unknown)  # fmt: skip


def _paired(halves: list[_Half]) -> list[Line]:
    """Halves that mean each other as one line: each end's port is what that end calls it."""
    waiting: dict[tuple[str, str], list[Line]] = defaultdict(list)
    lines: list[Line] = []
    cables = Counter((half.device, half.other) for half in halves)
    for half in halves:
        if not half.other:
            lines.append(_line(half))
            continue
        answers = waiting[half.other, half.device]
        sure = [one for one in answers if one.near_port == half.far_port or one.far_port == half.port]
        # Where neither spelling fits, the only cable told from each side is the same.
        both = cables[half.device, half.other] == cables[half.other, half.device] == 1
        loose = answers if not sure and both else []
        found = next(iter(sure or loose), None)
        if found is None:
            line = _line(half)
            lines.append(line)
            waiting[half.device, half.other].append(line)
        else:
            answers.remove(found)
            found.far_port = half.port
            found.protocols = sorted({*found.protocols, *half.protocols})
            found.told_by = [*found.told_by, half.device]
    return lines


def _folded(estate: Estate, told: Mapping[str, Evidence], lines: list[Line]) -> list[Line]:
    """Members of an aggregate as one link that lists them; ends in a settled order."""
    above = roots(estate, told)
    aggregates = {(device, whole) for (device, _), whole in above.items()}
    made: dict[Any, Line] = {}
    for line in lines:
        if line.far and line.far < line.near:
            line.near, line.near_port, line.far, line.far_port = line.far, line.far_port, line.near, line.near_port
        near = above.get((line.near, line.near_port), line.near_port)
        far = above.get((line.far, line.far_port), line.far_port)
        member = (near, far) != (line.near_port, line.far_port)
        whole = member or (line.near, near) in aggregates or (line.far, far) in aggregates
        other = line.far or (line.unknown.key if line.unknown else "")
        # One end is enough to know that they belong together.
        by = (near, "") if (line.near, near) in aggregates else ("", far) if whole else (near, far)
        kept = made.get((line.near, other, by))
        pair = (line.near_port, line.far_port)
        if kept is None:
            line.near_port, line.far_port = near, far
            line.members = [pair] if member else []
            made[line.near, other, by] = line
            continue
        kept.protocols = sorted({*kept.protocols, *line.protocols})
        kept.told_by = list(dict.fromkeys([*kept.told_by, *line.told_by]))
        if member and pair not in kept.members:
            kept.members = sorted([*kept.members, pair])
        elif not member and whole:
            kept.near_port, kept.far_port = near or kept.near_port, far or kept.far_port
    for line in made.values():
        line.told_by = sorted(set(line.told_by))
    return list(made.values())


__all__ = ["Device", "Estate", "Evidence", "Heard", "Line", "Unknown", "draw", "marks_of"]
