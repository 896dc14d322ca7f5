"""The front of a device out of its parts: which ports are on which card of which chassis. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Row = Mapping[str, Any]
UP, DOWN, OFF, UNKNOWN = "up", "down", "off", "unknown"
CHASSIS, CARDS = "chassis", ("module", "card", "line card")
SHOWN_BESIDE = ("powersupply", "fan")
# Gi1/0/24, xe-0/0/1:2, Ethernet3: numbers of chassis and slot, then that of the port.
_PLACE = re.compile(r"^[A-Za-z][A-Za-z -]*?((?:\d+[/.])*)(\d+)(?::(\d+))?$")


@dataclass(slots=True)
class Unit:
    """A chassis, or a member of a stack; ``part`` is None where the device tells no hardware."""

    part: Row | None
    modules: list[Module] = field(default_factory=list)
    beside: list[Row] = field(default_factory=list)
    """Power supplies and fans."""


@dataclass(slots=True)
class Module:
    """A card with its ports; without ``part`` the ports that are on no card, grouped by the slot in their names."""

    slot: str
    part: Row | None
    ports: list[Row] = field(default_factory=list)


def state(port: Row) -> str:
    """What the lamp of a port says: switched off by somebody is not the same as down."""
    if port["admin_status"] == "down":
        return OFF
    if port["oper_status"] == "up":
        return UP
    return DOWN if port["oper_status"] in ("down", "lowerLayerDown", "dormant") else UNKNOWN


def count(ports: Iterable[Row]) -> dict[str, int]:
    """How many ports are in each state."""
    found = dict.fromkeys((UP, DOWN, OFF, UNKNOWN), 0)
    for port in ports:
        found[state(port)] += 1
    return found


def slot_of(name: str) -> str:
    """The slot in the name of a port: ``1/0`` of Gi1/0/24; empty where there is none."""
    found = _PLACE.match(name.strip())
    return found.group(1).rstrip("/.") if found else ""


def natural(name: str) -> list[tuple[int, int, str]]:
    """What to sort names by so that port 10 comes after port 9."""
    return [
        (0, int(part), "") if part.isdecimal() else (1, 0, part.lower()) for part in re.split(r"(\d+)", name) if part
    ]


def path_of(part: Row, by_key: Mapping[str, Row]) -> list[Row]:
    """A part and what it is in, outwards. A device that tells circles gets an end."""
    found = [part]
    seen = {part["key"]}
    while (above := by_key.get(found[-1]["parent_key"])) is not None and above["key"] not in seen:
        found.append(above)
        seen.add(above["key"])
    return found


def arrange(hardware: Iterable[Row], ports: Iterable[Row]) -> list[Unit]:
    """Chassis by chassis, card by card, port by port, each in the order of its number."""
    parts = list(hardware)
    by_key = {part["key"]: part for part in parts}
    named: dict[str, Row] = {}
    for part in parts:
        if part["kind"] == "port":
            named.setdefault(part["name"], part)
            named.setdefault(part["description"], part)
    units: dict[str, Unit] = {}
    modules: dict[tuple[str, str], Module] = {}

    def unit(part: Row | None) -> Unit:
        return units.setdefault(part["key"] if part else "", Unit(part))

    def module(above: Row | None, card: Row | None, slot: str) -> Module:
        key = (above["key"] if above else "", card["key"] if card else f"slot {slot}")
        if key not in modules:
            modules[key] = Module(slot, card)
            unit(above).modules.append(modules[key])
        return modules[key]

    tops = [part for part in parts if part["kind"] == CHASSIS]
    for part in tops:
        unit(part)
    only = tops[0] if len(tops) == 1 else None
    for part in parts:
        above = _first(path_of(part, by_key)[1:], (CHASSIS,)) or only
        if part["kind"].lower() in CARDS:
            module(above, part, _slot(part, by_key))
        elif part["kind"].lower() in SHOWN_BESIDE:
            unit(above).beside.append(part)
    for port in ports:
        socket = named.get(port["name"]) or (named.get(port["description"]) if port["description"] else None)
        around = path_of(socket, by_key)[1:] if socket else []
        card, above = _first(around, CARDS), _first(around, (CHASSIS,)) or only
        slot = _slot(card, by_key) if card else port["slot"] or slot_of(port["name"])
        module(above, card, slot).ports.append(port)
    for one in units.values():
        one.modules.sort(key=lambda made: (natural(made.slot), natural(made.part["name"] if made.part else "")))
        for made in one.modules:
            made.ports.sort(key=lambda port: natural(port["name"]))
    return sorted(units.values(), key=lambda one: natural(one.part["name"]) if one.part else [])


def _first(parts: Iterable[Row], kinds: tuple[str, ...]) -> Row | None:
    return next((part for part in parts if part["kind"].lower() in kinds), None)


def _slot(card: Row, by_key: Mapping[str, Row]) -> str:
    """Where a card sits: the name of its slot, else its position."""
    above = by_key.get(card["parent_key"])
    if above is not None and above["kind"] in ("container", "slot"):
        return str(above["name"])
    return str(card["position"]) if card["position"] is not None and card["position"] >= 0 else ""
