"""From what came in to an occurrence: the class by rule, the severity, and what makes it the same problem again."""

from __future__ import annotations

import copy
import hashlib
import re
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from mainstay.kernel.signals import RawEvent
from mainstay.modules.monitoring.eventrules import catalogue
from mainstay.modules.monitoring.eventrules.catalogue import EventClass
from mainstay.modules.monitoring.eventrules.matcher import Rule
from mainstay.modules.monitoring.eventrules.service import Rulebook
from mainstay.modules.monitoring.events.engine import Occurrence, seen

_DIGITS = re.compile(r"\d+")
_PLACE = re.compile(r"\{(\w+)\}")
# Interfaces are called by their short names here and by their long ones there.
_INTERFACES = (
    ("tengigabitethernet", "te"), ("tengige", "te"), ("twentyfivegige", "twe"), ("fortygigabitethernet", "fo"),
    ("fortygige", "fo"), ("hundredgige", "hu"), ("xgigabitethernet", "xg"), ("gigabitethernet", "gi"),
    ("fastethernet", "fa"), ("ethernet", "eth"), ("port-channel", "po"), ("loopback", "lo"), ("tunnel", "tu"),
)  # fmt: skip


def device_of(ci: str, address: str, host: str) -> tuple[str, ...]:
    """What the device is known as, best first: an event raised before its CI was known is found again after."""
    names = [f"ci {ci}"] if ci else []
    if address:
        names.append(f"ip {address}")
    elif host:
        names.append(f"host {host.lower()}")
    return tuple(names) or ("",)


@lru_cache(maxsize=100_000)
def _fingerprint(device: str, what: str, part: str) -> str:
    return hashlib.sha1(f"{device}\n{what}\n{part}".encode(), usedforsecurity=False).hexdigest()


def fingerprints(devices: Sequence[str], what: str, part: str) -> tuple[str, ...]:
    """The fingerprints of one problem under each name of its device."""
    return tuple(_fingerprint(device, what, part) for device in devices)


def part_of(values: Sequence[str]) -> str:
    """The object's name, as different sources would agree on it."""
    return " ".join(_plain(value) for value in values)


@lru_cache(maxsize=100_000)
def _plain(value: str) -> str:
    low = value.strip().strip(".,;:'\"()<>").lower().replace(" ", "")
    for long, short in _INTERFACES:
        if low.startswith(long):
            return short + low[len(long) :]
    return low


class Known:
    """What raw events were about that came before: in a storm the same ones come again and again."""

    MOST, LONGEST = 30_000, 1000

    def __init__(self) -> None:
        self._found: dict[Any, list[Occurrence]] = {}

    def occurrences(self, raw: RawEvent, rules: Rulebook, generation: int, now: datetime) -> list[Occurrence]:
        """As the function of this name. ``generation``: of the organization's rules."""
        if raw.variables or raw.key or len(raw.message) > self.LONGEST:
            # Another one each time, for the most part; or cheap to tell by its key.
            return occurrences(raw, rules, now)
        about = (raw.organization, generation, raw.message, raw.address, raw.host, raw.ci, raw.source, raw.resource,
                 raw.severity, raw.event_class, raw.clear, repr(raw.extra) if raw.extra else "")  # fmt: skip
        found = self._found.get(about)
        if found is None:
            if len(self._found) >= self.MOST:
                self._found.clear()
            made = occurrences(raw, rules, now)
            kept = self._found[about] = [copy.copy(item) for item in made]
            for item in kept:
                item.raw = item.reference = ""
            return made
        fresh = [copy.copy(item) for item in found]
        for item in fresh:
            item.at, item.count = seen(raw.at, now), raw.count
            item.raw, item.reference = raw.raw or raw.message, raw.reference
        return fresh


def occurrences(raw: RawEvent, rules: Rulebook, now: datetime, vendor: str = "") -> list[Occurrence]:
    """What a raw event means: usually one occurrence, several where its class ends several, none for noise."""
    variables: dict[str, Any] = dict(raw.variables)
    rule: Rule | None = None
    name = raw.event_class
    if not name:
        match = rules.match(raw.message, vendor)
        if match is not None:
            rule, name = match.rule, match.rule.event_class
            variables = {**match.variables, **variables}
        elif raw.extra.get("drop_unknown"):
            return []
    kind = catalogue.find(name)
    disposition = rule.disposition if rule and rule.disposition else kind.disposition
    if disposition != catalogue.RAISE and not raw.extra.get("always"):
        return []
    given = raw.severity or (rule.severity if rule else None)
    if given is None:
        given = int(raw.extra.get("unknown_severity", kind.severity)) if not name else kind.severity
    made = Occurrence(
        keys=(), event_class=kind.name, severity=given, message=_message(raw, rule, variables),
        at=seen(raw.at, now), clear=raw.clear, escalates=raw.severity is not None, host=raw.host, address=raw.address,
        ci=raw.ci, resource=raw.resource or _resource(variables, kind), source=raw.source,
        rule=rule.name if rule else "", variables=variables, raw=raw.raw or raw.message, reference=raw.reference,
        tags=[str(tag) for tag in raw.extra.get("tags", ())], count=raw.count,
    )  # fmt: skip
    devices = device_of(raw.ci, raw.address, raw.host)
    made.storm = f"{raw.organization}\n{devices[0]}\n{kind.name}"
    if raw.key:
        made.keys = fingerprints(devices, "key", raw.key)
        return [made]
    part = _part(raw, kind, rule, variables)
    ended = kind.clears if rule is None or not rule.clear else (*kind.clears, rule.clear)
    if not ended:
        made.keys = fingerprints(devices, kind.name, part)
        return [made]
    return [_end(made, fingerprints(devices, name, part)) for name in ended]


def _end(made: Occurrence, keys: tuple[str, ...]) -> Occurrence:
    return Occurrence(
        keys=keys, event_class=made.event_class, severity=made.severity, message=made.message, at=made.at, clear=True,
        host=made.host, address=made.address, ci=made.ci, resource=made.resource, source=made.source, rule=made.rule,
        variables=made.variables, raw=made.raw, reference=made.reference, storm=made.storm, count=made.count,
    )  # fmt: skip


def _message(raw: RawEvent, rule: Rule | None, variables: dict[str, Any]) -> str:
    if rule is None or not rule.template:
        return raw.message
    return _PLACE.sub(lambda place: str(variables.get(place[1], "")), rule.template)


def _resource(variables: dict[str, Any], kind: EventClass) -> str:
    values = [str(variables[name]) for name in ("interface", "port", *kind.key) if variables.get(name)]
    return values[0] if values else ""


def _part(raw: RawEvent, kind: EventClass, rule: Rule | None, variables: dict[str, Any]) -> str:
    names = rule.key if rule is not None and rule.key else kind.key
    values = [str(variables[name]) for name in names if variables.get(name)]
    if values:
        return part_of(values)
    if raw.resource:
        return part_of([raw.resource])
    if kind is catalogue.UNCLASSIFIED:
        # The same text with other numbers in it is taken for the same problem.
        return _DIGITS.sub("#", raw.message)[:500]
    return ""
