"""What a device is: vendor, operating system, version and model from what it answers over SNMP.

Pure: facts and rules in, an identity out. Rules name a prefix of sysObjectID, an expression for sysDescr (both RFC
3418), where version and model stand in the description, and which objects hold them besides (ENTITY-MIB, RFC 6933, or
the vendor's own). Expressions run in linear time (RE2), so that no device and no rule can stall a discovery.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import re2

from mainstay.modules.monitoring.templates.text import (
    LONGEST,
    behind,
    family,
    first,
    meant,
    pattern,
    plain,
    unnamed,
)

CHASSIS, STACK = 3, 11
"""entPhysicalClass of what a device as a whole is (RFC 6933)."""

ENTERPRISES = "1.3.6.1.4.1."

SYSTEMS = frozenset(("Linux", "FreeBSD", "OpenBSD", "NetBSD"))
"""Systems that stand for their maker, and on which others build their devices."""

MANY = 4
"""Expressions under one number that are tried all at once rather than one by one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """An object that holds a part of the identity, and which part of its value."""

    oid: str
    """An instance; a column with ``.*`` at its end stands for its first row."""
    expression: str = ""
    orelse: Ask | None = None
    """What to ask where this says nothing."""

    def oids(self) -> list[str]:
        return [self.oid, *(self.orelse.oids() if self.orelse else ())]


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """One rule: what it matches, and what that makes of a device."""

    vendor: str
    os: str
    oid: str = ""
    """Prefix of sysObjectID; with ``=`` in front the whole of it."""
    descr: str = ""
    has: Ask | None = None
    """An object that the device must have."""
    type: str = ""
    version: tuple[str, ...] = ()
    model: tuple[str, ...] = ()
    version_form: str = ""
    """What the found version stands in, at ``{}``."""
    written: bool = False
    """The description names the product, ENTITY-MIB only the chassis by its order number."""
    get: Mapping[str, Ask] = field(default_factory=dict)
    """What to ask the device for: ``vendor``, ``version``, ``model``, ``serial``."""
    template: str = ""
    """Id of the organization's own template that this rule comes from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class General:
    """Where any device may say what its maker's rule leaves open."""

    get: Mapping[str, Mapping[str, Ask]] = field(default_factory=dict)
    """What to ask, by type of device; of every device under the empty one."""
    version: tuple[str, ...] = ()
    model: tuple[str, ...] = ()
    maker: Callable[[int], str] = field(default=lambda _number: "")
    """Who holds an enterprise number."""

    def asks(self, kind: str) -> list[tuple[str, Ask]]:
        """The type's own first."""
        own = self.get.get(kind, {}) if kind else {}
        return [*own.items(), *self.get.get("", {}).items()]


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
    for expression in (system.descr, *system.version, *system.model):
        pattern(expression)
    for ask in (system.has, *system.get.values()):
        while ask is not None:
            pattern(ask.expression)
            ask = ask.orelse
    return system


def _digits(oid: str) -> str:
    return oid.strip().lstrip(".=").rstrip(".")


class Shelf:
    """The rules under one number."""

    def __init__(self) -> None:
        self.rules: list[System] = []
        self._together: Any = None

    def fitting(self, descr: str) -> list[System]:
        """Those that the description fits, in their order."""
        if self._together is None and sum(1 for rule in self.rules if rule.descr) > MANY:
            self._together = re2.Set.SearchSet()
            for rule in self.rules:
                pattern(rule.descr)
                self._together.Add(rule.descr)
            self._together.Compile()
        # Nothing found may also mean that the description was too much for all of them together.
        if self._together is not None and (found := self._together.Match(descr)):
            return [self.rules[index] for index in sorted(found)]
        return [rule for rule in self.rules if not rule.descr or pattern(rule.descr).search(descr)]


class Library:
    """Rules arranged by sysObjectID, so that a look-up costs the length of the OID and not the number of rules."""

    def __init__(
        self, systems: Iterable[System], models: Mapping[str, Sequence[str]], general: General | None = None
    ) -> None:
        self._by_prefix: dict[str, Shelf] = {}
        for system in systems:
            self._by_prefix.setdefault(_digits(system.oid), Shelf()).rules.append(system)
        self.models = models
        """Model names by sysObjectID."""
        self.general = general or General()
        self._of_vendor: dict[str, list[System]] = {}
        for shelf in self._by_prefix.values() if general else ():
            for rule in shelf.rules:
                self._of_vendor.setdefault(rule.vendor.lower(), []).append(rule)

    def _shelves(self, sys_object_id: str) -> Iterator[tuple[int, bool, Shelf]]:
        """Length, whether it is the whole number, and rules of every prefix, the longest first, those of none last."""
        arcs = _digits(sys_object_id).split(".")
        for length in range(len(arcs), 0, -1):
            shelf = self._by_prefix.get(".".join(arcs[:length]))
            if shelf is not None and arcs[0]:
                yield length, length == len(arcs), shelf
        if "" in self._by_prefix:
            yield 0, False, self._by_prefix[""]

    def candidates(self, sys_object_id: str) -> list[System]:
        """Rules whose prefix fits, the longest prefix first, in their order otherwise; at the end those without one."""
        return [
            system
            for _length, entire, shelf in self._shelves(sys_object_id)
            for system in shelf.rules
            if entire or not system.oid.startswith("=")
        ]

    def _fitting(self, facts: Facts) -> Iterator[tuple[tuple[int, int], System]]:
        """Rules whose number and description fit, with their rank, the longest prefix first."""
        descr = unnamed(facts.sys_descr[:LONGEST])
        for length, entire, shelf in self._shelves(facts.sys_object_id):
            for system in shelf.fitting(descr):
                if entire or not system.oid.startswith("="):
                    told = 2 * (system.has is not None) + bool(system.descr)
                    yield (length + (1 if told and length else 0), told), system

    def match(self, facts: Facts) -> System | None:
        """The rule that says what this device is: the longest OID wins, then one that knows an object or the text.

        A rule without a description stands back behind one of a shorter OID that knows it: a maker's number for a
        product line says less than a description that names the system.
        """
        best: tuple[tuple[int, int], System] | None = None
        for rank, system in self._fitting(facts):
            if best is not None and rank[0] < best[0][0] - 1:
                break
            if (best is None or rank > best[0]) and (system.has is None or said(system.has, facts.values)):
                best = (rank, system)
        if best is None or (best[1].vendor in SYSTEMS and not best[1].descr and not best[1].has):
            return self._named(facts.sys_descr) or (best[1] if best else None)
        return best[1]

    def _brand(self, sys_descr: str) -> list[System]:
        """The rules of the maker that a description begins with."""
        words = sys_descr[:LONGEST].split(maxsplit=3)[:3]
        for count in range(len(words), 0, -1):
            rules = self._of_vendor.get(" ".join(words[:count]).lower().rstrip(",:;"))
            if rules and rules[0].vendor not in SYSTEMS:
                return rules
        return []

    def _named(self, sys_descr: str) -> System | None:
        """Of a device whose number says nothing: what is known of the maker that its description begins with."""
        rules = [rule for rule in self._brand(sys_descr) if not rule.has]
        for rule in rules:
            if rule.descr and pattern(rule.descr).search(sys_descr[:LONGEST]):
                return rule
        bare = [rule for rule in rules if not rule.descr and not rule.oid.startswith("=")]
        return min(bare, key=lambda rule: rule.oid.count("."), default=None)

    def telling(self, facts: Facts) -> list[str]:
        """The objects that decide between the rules that number and description leave."""
        return list(dict.fromkeys(oid for _, one in self._fitting(facts) if one.has for oid in one.has.oids()))

    def wanted(self, facts: Facts) -> list[str]:
        """The objects that may say what the device is, once it is clear which rule holds."""
        system = self.match(facts)
        asks = [*(system.get.values() if system else ()), *(ask for _, ask in self._general(system))]
        return list(dict.fromkeys(oid for ask in asks for oid in ask.oids()))

    def _general(self, system: System | None) -> list[tuple[str, Ask]]:
        return self.general.asks(system.type if system else "")

    def identify(self, facts: Facts) -> Identity:
        """What the device is; empty where nothing is known of it."""
        system = self.match(facts)
        rule = system or System(vendor="", os="")
        descr = facts.sys_descr[:LONGEST]
        chassis = whole(facts.parts)
        asked = {name: found for name, ask in rule.get.items() if (found := said(ask, facts.values))}
        more: dict[str, str] = {}
        for name, ask in self._general(system):
            if name not in more and (found := said(ask, facts.values)):
                more[name] = found
        version = (
            asked.get("version") or formed(rule, first(rule.version, descr)) or (chassis.software if chassis else "")
            or more.get("version") or first(self.general.version, descr) or (chassis.firmware if chassis else "")
        )  # fmt: skip
        return Identity(
            vendor=self._branded(rule, descr) or asked.get("vendor") or more.get("vendor")
            or (chassis.vendor if chassis else "") or self._maker(facts),
            os=rule.os,
            version=plain(version, self.general.version),
            model=self._model(rule, facts, asked, chassis, more),
            type=rule.type,
            serial=asked.get("serial") or (chassis.serial if chassis else "") or more.get("serial", ""),
            template=rule.template,
        )  # fmt: skip

    def _branded(self, rule: System, descr: str) -> str:
        """The maker of a rule that knows but a number: another's name in front of the description is on the device."""
        rules = self._brand(descr) if rule.vendor and not (rule.descr or rule.has or rule.template) else []
        return rules[0].vendor if rules else rule.vendor

    def _maker(self, facts: Facts) -> str:
        """Of a device that no rule knows: the holder of its number."""
        oid = _digits(facts.sys_object_id)
        number = oid.removeprefix(ENTERPRISES).partition(".")[0]
        usable = oid.startswith(ENTERPRISES) and number.isdecimal() and len(number) <= 10
        return self.general.maker(int(number)) if usable else ""

    def _model(
        self, rule: System, facts: Facts, asked: Mapping[str, str], chassis: Part | None, more: Mapping[str, str]
    ) -> str:
        descr = facts.sys_descr[:LONGEST]
        known = self.models.get(_digits(facts.sys_object_id), ())
        written = first(rule.model, descr)
        found = asked.get("model") or (written if rule.written else "") or (chassis.model if chassis else "")
        if found and found.lower() in written.lower():
            found = written  # an order number, with what it stands for beside it
        if len(known) == 1:
            # A number may stand for a whole line, of which the device says what it is; some say less than the number.
            return known[0] if known[0].lower().startswith(found.lower()) else found
        # Several products share a number: the parts list or the description says which of them it is.
        own = [part.model.strip() for part in facts.parts if part.model.strip()]
        for name in sorted(known, key=len, reverse=True):
            if name in own or name.lower() in descr.lower():
                return name
        line = family(known)
        if not found and written.lower().startswith(line.lower()):
            found = written
        return (
            found or line or more.get("model") or first(self.general.model, descr) or behind(rule.vendor, descr)
        ).strip(" ,;")


def formed(rule: System, version: str) -> str:
    """A version that a description says in part, as its system says it."""
    return rule.version_form.replace("{}", version) if version and rule.version_form else version


def answer(ask: Ask, value: str) -> str:
    """The wanted part of what a device answered."""
    text = meant(value[:LONGEST])
    return first((ask.expression,), text) if ask.expression and text else text


def said(ask: Ask | None, values: Mapping[str, str]) -> str:
    """What the device answered, to the first question that it answered."""
    while ask is not None:
        value = values.get(ask.oid, "")
        if not value and ask.oid.endswith(".*"):
            value = next((each for oid, each in values.items() if oid.startswith(ask.oid[:-1]) and each), "")
        found = answer(ask, value)
        if found:
            return found
        ask = ask.orelse
    return ""


def whole(parts: Sequence[Part]) -> Part | None:
    """The part that stands for the device: its chassis, the first of a stack, else the outermost one with a model."""
    parts = [
        replace(part, model=meant(part.model), serial=meant(part.serial), software=meant(part.software),
                firmware=meant(part.firmware), vendor=meant(part.vendor))
        for part in parts
    ]  # fmt: skip
    for kinds in ((CHASSIS,), (STACK,)):
        fit = [part for part in parts if part.kind in kinds and (part.model or part.serial)]
        if fit:
            chosen = min(fit, key=lambda part: (not part.model, part.index))
            if not chosen.software:
                inner = [part for part in parts if part.software]
                return replace(chosen, software=min(inner, key=lambda part: part.index).software) if inner else chosen
            return chosen
    outer = [part for part in parts if part.contained_in == 0 and part.model]
    return min(outer, key=lambda part: part.index) if outer else None
