"""What a device is: vendor, operating system, version and model from what it answers over SNMP.

Pure: facts and rules in, an identity out. Rules name a prefix of sysObjectID, an expression for sysDescr (both RFC
3418), where version and model stand in the description, and which objects hold them besides (ENTITY-MIB, RFC 6933, or
the vendor's own). Expressions run in linear time (RE2), so that no device and no rule can stall a discovery.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from os.path import commonprefix
from typing import Any

import re2

LONGEST = 2000
"""Characters of a description that are looked at."""

CHASSIS, STACK = 3, 11
"""entPhysicalClass of what a device as a whole is (RFC 6933)."""


class BadRule(ValueError):
    """A rule that cannot be used; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """An object that holds a part of the identity, and which part of its value."""

    oid: str
    expression: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """One rule: what it matches, and what that makes of a device."""

    vendor: str
    os: str
    oid: str = ""
    """Prefix of sysObjectID; with ``=`` in front the whole of it."""
    descr: str = ""
    type: str = ""
    version: tuple[str, ...] = ()
    model: tuple[str, ...] = ()
    get: Mapping[str, Ask] = field(default_factory=dict)
    """What to ask the device for: ``version``, ``model``, ``serial``."""
    template: str = ""
    """Id of the organization's own template that this rule comes from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A row of entPhysicalTable."""

    index: int
    kind: int
    descr: str = ""
    name: str = ""
    model: str = ""
    serial: str = ""
    software: str = ""
    firmware: str = ""
    contained_in: int = 0
    vendor: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a device answered."""

    sys_object_id: str = ""
    sys_descr: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    """Objects that a rule asked for, by OID."""
    parts: Sequence[Part] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What a device is; what is not known is empty."""

    vendor: str = ""
    os: str = ""
    version: str = ""
    model: str = ""
    type: str = ""
    serial: str = ""
    template: str = ""


def compile_rule(system: System) -> System:
    """Check a rule's expressions. Raises ``BadRule``."""
    asked = [ask.expression for ask in system.get.values() if ask.expression]
    for expression in (system.descr, *system.version, *system.model, *asked):
        pattern(expression)
    return system


_patterns: dict[str, Any] = {}


def pattern(expression: str) -> Any:
    """A compiled expression, from memory where it was used before. Raises ``BadRule``."""
    found = _patterns.get(expression)
    if found is None:
        try:
            found = re2.compile(expression)
        except re2.error as error:
            text = error.args[0].decode() if isinstance(error.args[0], bytes) else str(error.args[0])
            raise BadRule(f"{expression[:80]!r} cannot be used: {text}.") from None
        if len(_patterns) > 20_000:
            _patterns.clear()
        _patterns[expression] = found
    return found


def _digits(oid: str) -> str:
    return oid.strip().lstrip(".=").rstrip(".")


class Library:
    """Rules arranged by sysObjectID, so that a look-up costs the length of the OID and not the number of rules."""

    def __init__(self, systems: Iterable[System], models: Mapping[str, Sequence[str]]) -> None:
        self._by_prefix: dict[str, list[System]] = {}
        for system in systems:
            self._by_prefix.setdefault(_digits(system.oid), []).append(system)
        self.models = models
        """Model names by sysObjectID."""

    def candidates(self, sys_object_id: str) -> list[System]:
        """Rules whose prefix fits, the longest prefix first, in their order otherwise; at the end those without one."""
        oid = _digits(sys_object_id)
        found: list[System] = []
        arcs = oid.split(".") if oid else []
        for length in range(len(arcs), 0, -1):
            for system in self._by_prefix.get(".".join(arcs[:length]), ()):
                if not system.oid.startswith("=") or length == len(arcs):
                    found.append(system)
        return [*found, *self._by_prefix.get("", ())]

    def match(self, facts: Facts) -> System | None:
        """The rule that says what this device is: the longest OID wins, then one that knows the description.

        A rule without a description stands back behind one of a shorter OID that knows it: a maker's number for a
        product line says less than a description that names the system.
        """
        descr = facts.sys_descr[:LONGEST]
        best: tuple[tuple[int, int], System] | None = None
        for system in self.candidates(facts.sys_object_id):
            if system.descr and not pattern(system.descr).search(descr):
                continue
            length = len(_digits(system.oid).split(".")) if system.oid else 0
            rank = (length + (1 if system.descr and length else 0), 1 if system.descr else 0)
            if best is None or rank > best[0]:
                best = (rank, system)
        return best[1] if best else None

    def identify(self, facts: Facts) -> Identity:
        """What the device is; empty where nothing is known of it."""
        system = self.match(facts)
        if system is None:
            chassis = whole(facts.parts)
            if chassis is None:
                return Identity()
            return Identity(vendor=chassis.vendor, model=chassis.model, version=chassis.software, serial=chassis.serial)
        descr = facts.sys_descr[:LONGEST]
        chassis = whole(facts.parts)
        asked = {name: answer(ask, facts.values.get(ask.oid, "")) for name, ask in system.get.items()}
        version = asked.get("version") or first(system.version, descr) or (chassis.software if chassis else "")
        return Identity(
            vendor=system.vendor or (chassis.vendor if chassis else ""),
            os=system.os,
            version=version.strip(" ,;"),
            model=self._model(system, facts, descr, asked, chassis),
            type=system.type,
            serial=asked.get("serial") or (chassis.serial if chassis else ""),
            template=system.template,
        )

    def _model(self, system: System, facts: Facts, descr: str, asked: Mapping[str, str], chassis: Part | None) -> str:
        known = self.models.get(_digits(facts.sys_object_id), ())
        own = [part.model.strip() for part in facts.parts if part.model.strip()]
        if len(known) == 1:
            return known[0]
        # Several products share a number: the parts list or the description says which of them it is.
        for name in sorted(known, key=len, reverse=True):
            if name in own or name.lower() in descr.lower():
                return name
        found = asked.get("model", "") or (chassis.model.strip() if chassis else "")
        return (found or family(known) or first(system.model, descr)).strip(" ,;")


def family(names: Sequence[str]) -> str:
    """What the names of a product line have in common; the first name where that says too little."""
    common = commonprefix(list(names)).rstrip("-/ ")  # noqa: RUF071 - by character is what is meant
    return common if len(common) >= 3 else (names[0] if names else "")


def first(expressions: Sequence[str], text: str) -> str:
    """What the first expression that finds something finds: its first group that took part, else all of it."""
    for expression in expressions:
        found = pattern(expression).search(text)
        if found:
            groups = [group for group in found.groups() if group]
            value: str = groups[0] if groups else found.group(0)
            if value.strip():
                return value.strip()
    return ""


def answer(ask: Ask, value: str) -> str:
    """The wanted part of what a device answered."""
    text = value[:LONGEST].replace("\x00", "").strip().strip('"')
    return first((ask.expression,), text) if ask.expression else text


def whole(parts: Sequence[Part]) -> Part | None:
    """The part that stands for the device: its chassis, the first of a stack, else the outermost one with a model."""
    for kinds in ((CHASSIS,), (STACK,)):
        known = [part for part in parts if part.kind in kinds and (part.model.strip() or part.serial.strip())]
        if known:
            chosen = min(known, key=lambda part: (not part.model.strip(), part.index))
            if not chosen.software:
                inner = [part for part in parts if part.software.strip()]
                return replace(chosen, software=min(inner, key=lambda part: part.index).software) if inner else chosen
            return chosen
    outer = [part for part in parts if part.contained_in == 0 and part.model.strip()]
    return min(outer, key=lambda part: part.index) if outer else None
