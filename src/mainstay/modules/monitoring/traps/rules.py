"""What a trap means by its configurations: pure, from decoded traps to what is to be said about them."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import msgspec

from mainstay.kernel.errors import Invalid
from mainstay.kernel.query import CONDITIONS
from mainstay.modules.monitoring.eventrules import catalogue
from mainstay.modules.monitoring.traps.addresses import named
from mainstay.modules.monitoring.traps.naming import Variable
from mainstay.modules.monitoring.traps.tables import ALARM, EXCEPT, RAISE, SELECTED

MAX_CRITERIA = 50
_MACRO = re.compile(r"\$\{([^{}$]{1,120})\}|\$([A-Za-z][\w-]*|\d+|\*)")
_FIELDS = {"source": "source", "agent": "agent", "trap_name": "name", "trap_oid": "oid", "uptime": "uptime",
           "description": "description"}  # fmt: skip
MACROS: dict[str, str] = {
    "$source": "address of the sender", "$agent": "address of the device that the trap is about",
    "$trap_name": "name of the trap", "$trap_oid": "its number", "$resource": "the part of the device",
    "$severity": "severity of the event", "$time": "when it was received", "$uptime": "uptime of the agent",
    "$description": "what the MIB says about the trap", "$1, $2, ...": "value of a variable by its position",
    "$ifDescr, ${ifDescr}": "value of a variable by its name", "$*": "all variables",
}  # fmt: skip


class Trap(msgspec.Struct):
    """A decoded trap, as rules look at it."""

    oid: str
    name: str
    source: str
    agent: str
    received: int
    """Microseconds since 1970."""
    uptime: int
    variables: dict[str, str]
    items: Sequence[Variable]
    """The same in order, with numbers and OIDs."""
    resource: str
    description: str = ""

    def value(self, key: str | int) -> tuple[str, str | int] | None:
        """A variable's text and plain value, by position (from 1), name or OID."""
        at = self.position(key)
        return None if at is None else (self.items[at].text, self.items[at].number)

    def position(self, key: str | int) -> int | None:
        """Where a variable is, from 0."""
        if isinstance(key, str) and key.isdigit():
            key = int(key)
        if isinstance(key, int):
            return key - 1 if 1 <= key <= len(self.items) else None
        low = key.lower().removeprefix(".")
        for at, (name, item) in enumerate(zip(self.variables, self.items, strict=True)):
            if name.lower() == low or item.oid == low or item.oid.startswith(low + "."):
                return at
        return None


@dataclass(slots=True)
class Verdict:
    """What a configuration makes of a trap."""

    rule: Rule
    clear: bool
    message: str
    resource: str
    cause: str = ""
    statistics: dict[str, str] = field(default_factory=dict)


Test = Callable[[Trap], bool]
Template = tuple[tuple[bool, str], ...]


@dataclass(slots=True, kw_only=True)
class Rule:
    """A configuration, ready to be applied. ``ends``: it is here for the trap that clears."""

    id: str
    name: str
    event_class: str
    severity: int
    alarm: bool
    raises: bool
    applies: Test | None
    set: Test | None
    reset: Test | None
    message: Template
    clear_message: Template
    resource: Template
    resource_variable: str
    cause: Template
    clear_cause: Template
    statistics: tuple[tuple[str, str, str], ...]
    download: dict[str, Any]
    keys: frozenset[str | int] = frozenset()
    """The variables that it looks at beside those in its texts, by position, name or OID."""
    ends: bool = False

    def key(self, resource: str) -> str:
        """What makes two events of this rule the same problem. Empty where the event's class says so: then a link
        that went down by syslog and by trap is one problem."""
        known = catalogue.classes().get(self.event_class)
        if known is not None and known.key and resource:
            return ""
        return f"trap {self.id} {resource}"


def make(row: Mapping[str, Any]) -> list[Rule]:
    """The rules of a configuration's values: for its trap, and for the trap that clears. Raises ``Invalid``."""
    rca = row.get("rca") or {}
    statistics = (
        [(row.get("stat_dn") or row["stat_name"], row["stat_name"], row.get("stat_unit", ""))]
        if row.get("stat_name")
        else []
    )
    statistics += [(str(name), str(key), "") for name, key in (row.get("stat_map") or {}).items()]
    rule = Rule(
        id=row["id"], name=row["name"], event_class=row.get("event_class") or f"Trap | {row['name']}",
        severity=row["severity"], alarm=row["type"] == ALARM, raises=row["action"] == RAISE,
        applies=_applies(row), set=criteria(row.get("set_criteria"), "set_criteria"),
        reset=criteria(row.get("reset_criteria"), "reset_criteria"), message=template(row.get("alarm_msg", "")),
        clear_message=template(row.get("clear_msg", "")), resource=template(row.get("resource", "")),
        resource_variable=row.get("resource_var_bind", ""), cause=template(str(rca.get("raise_msg", ""))),
        clear_cause=template(str(rca.get("clear_msg", ""))), statistics=tuple(statistics[:20]),
        download=row.get("config_download") or {},
        keys=frozenset({
            *_keys(row.get("set_criteria")), *_keys(row.get("reset_criteria")), *_keys(row.get("applicable_filter")),
            row.get("resource_var_bind", ""), *(key for _label, key, _unit in statistics),
        } - {""}),
    )  # fmt: skip
    made = [rule]
    if row.get("trap_clear_oid") and row.get("clear_event_on_clear_oid", True) and rule.alarm:
        made.append(Rule(**{name: getattr(rule, name) for name in Rule.__slots__} | {"ends": True}))
    return made


def judge(rule: Rule, trap: Trap) -> Verdict | None:
    """What the rule makes of the trap; None when it does not apply."""
    if rule.applies is not None and not rule.applies(trap):
        return None
    clear = rule.ends or (rule.alarm and rule.reset is not None and rule.reset(trap))
    if not clear and rule.set is not None and not rule.set(trap):
        return None
    resource = trap.resource
    if rule.resource_variable:
        found = trap.value(rule.resource_variable)
        resource = found[0] if found else resource
    elif rule.resource:
        resource = fill(rule.resource, trap, rule, resource)
    words = (rule.clear_message if clear else rule.message) or ()
    made = Verdict(rule, clear, fill(words, trap, rule, resource) if words else summary(trap), resource)
    cause = rule.clear_cause if clear else rule.cause
    if cause:
        made.cause = fill(cause, trap, rule, resource)
    for label, key, unit in rule.statistics:
        number = trap.value(key)
        if number is not None:
            made.statistics[label] = f"{number[0]} {unit}".strip()
    return made


def summary(trap: Trap) -> str:
    """A trap in one line, where nobody said how to put it."""
    return in_short(trap.name, trap.variables)


SUMMED = 12
"""Variables that a line about a trap shows."""


def in_short(name: str, variables: Mapping[str, str]) -> str:
    """The name of a trap and its first variables."""
    shown = ", ".join([f"{name}={value}" for name, value in islice(variables.items(), SUMMED)])
    return f"{name}: {shown}" if shown else name


def template(text: str) -> Template:
    """A message with macros, in pieces: (is it a macro, text)."""
    pieces, at = [], 0
    for match in _MACRO.finditer(text):
        if match.start() > at:
            pieces.append((False, text[at : match.start()]))
        pieces.append((True, match.group(1) or match.group(2)))
        at = match.end()
    if at < len(text):
        pieces.append((False, text[at:]))
    return tuple(pieces)


_NOTHING = "\x00"
_BRACKETS = re.compile(rf"\s*\([^(){_NOTHING}]*{_NOTHING}\)")
_SEVERITY = {1: "Critical", 2: "Major", 3: "Minor", 4: "Informational"}


def fill(words: Template, trap: Trap, rule: Rule, resource: str) -> str:
    """The message for a trap. A macro that has no value leaves nothing behind, nor what stands in brackets for it."""
    out = []
    empty = False
    for macro, word in words:
        if not macro:
            out.append(word)
        elif word in trap.variables:
            out.append(trap.variables[word])
        else:
            found = _field(word, trap, rule, resource)
            empty = empty or not found
            out.append(found or _NOTHING)
    text = "".join(out)
    if empty:
        text = _BRACKETS.sub("", text).replace(_NOTHING, "")
    return text[:2000].strip()


def _field(word: str, trap: Trap, rule: Rule, resource: str) -> str:
    if word == "*":
        return ", ".join(f"{name}={value}" for name, value in trap.variables.items())
    if word == "time":
        return datetime.fromtimestamp(trap.received / 1_000_000, UTC).isoformat(timespec="seconds")
    if word in _FIELDS:
        return str(getattr(trap, _FIELDS[word]))
    if word == "resource":
        return resource
    if word == "severity":
        return _SEVERITY.get(rule.severity, "")
    if word.startswith("index_"):
        at = trap.position(word.removeprefix("index_"))
        return trap.items[at].instance if at is not None else ""
    found = trap.value(word)
    return found[0] if found else ""


def criteria(document: Any, name: str) -> Test | None:
    """A test from ``{"condition": "and", "varbind": [{"key", "condition", "value"}]}``; None: no condition."""
    if isinstance(document, list):
        document = {"varbind": document}
    if not isinstance(document, Mapping):
        raise Invalid.field(name, f'{name} must be {{"condition", "varbind": [{{"key", "condition", "value"}}]}}.')
    items = _items(document)
    if not isinstance(items, list) or len(items) > MAX_CRITERIA:
        raise Invalid.field(name, f"{name}: varbind must be a list of at most {MAX_CRITERIA} conditions.")
    tests = [_condition(item, name) for item in items]
    if not tests:
        return None
    word = str(document.get("condition") or "and").strip().lower()
    if word not in ("and", "all", "or", "any"):
        raise Invalid.field(name, f"{name}: condition must be and or or.")
    if len(tests) == 1:
        return tests[0]
    if word in ("and", "all"):
        return lambda trap: all(test(trap) for test in tests)
    return lambda trap: any(test(trap) for test in tests)


def _items(document: Mapping[str, Any]) -> Any:
    items = document.get("varbind", document.get("varbinds", []))
    return [items] if isinstance(items, Mapping) else items


def _key(item: Mapping[str, Any]) -> str | int:
    given = item["key"]
    return given if isinstance(given, int) and not isinstance(given, bool) else str(given).strip()


def _keys(document: Any) -> list[str | int]:
    """The variables that criteria look at, which ``criteria`` has read without a complaint."""
    items = _items(document) if isinstance(document, Mapping) else document
    return [_key(item) for item in items or ()]


def _condition(item: Any, name: str) -> Test:
    if not isinstance(item, Mapping) or item.get("key") in (None, ""):
        raise Invalid.field(name, f"{name}: each condition needs a key: a variable's position, name or OID.")
    key = _key(item)
    word = CONDITIONS.get(str(item.get("condition") or "equal").strip().lower())
    if word is None:
        raise Invalid.field(name, f"{name}: {str(item.get('condition'))[:40]!r} is not a condition.")
    wanted = _wanted(item.get("value"), word, name)
    compare = _COMPARE[word]
    missing = word in ("empty", "not_equal", "not_in", "not_contains")

    def test(trap: Trap) -> bool:
        found = trap.value(key)
        return missing if found is None else compare(found[0], found[1], wanted)

    return test


def _wanted(raw: Any, word: str, name: str) -> list[str]:
    if word in ("in", "not_in", "between") and isinstance(raw, str):
        raw = raw.split(",")
    given = raw if isinstance(raw, list) else [raw]
    wanted = [str(part).strip() for part in given if part is not None]
    if word == "between" and len(wanted) != 2:
        raise Invalid.field(name, f"{name}: between needs two values.")
    if word in ("greater", "greater_equal", "less", "less_equal", "between"):
        for part in wanted or [""]:
            if _number(part) is None:
                raise Invalid.field(name, f"{name}: {part[:40]!r} is not a number to compare with.")
    elif not wanted and word not in ("empty", "not_empty"):
        raise Invalid.field(name, f"{name}: a condition has no value.")
    return [part.lower() for part in wanted]


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _is(text: str, plain: str | int, wanted: list[str]) -> bool:
    low = text.lower()
    return any(want == low or want == str(plain).lower() or want == f"{low}({plain})" for want in wanted)


def _in(text: str, _plain: str | int, wanted: list[str]) -> bool:
    return any(want in text.lower() for want in wanted)


def _order(test: Callable[[float, list[float]], bool]) -> Callable[[str, str | int, list[str]], bool]:
    def compare(text: str, plain: str | int, wanted: list[str]) -> bool:
        value = _number(plain)
        value = _number(text) if value is None else value
        return value is not None and test(value, [float(want) for want in wanted])

    return compare


_COMPARE: dict[str, Callable[[str, str | int, list[str]], bool]] = {
    "equal": _is,
    "in": _is,
    "not_equal": lambda text, plain, wanted: not _is(text, plain, wanted),
    "not_in": lambda text, plain, wanted: not _is(text, plain, wanted),
    "contains": _in,
    "not_contains": lambda text, plain, wanted: not _in(text, plain, wanted),
    "starts_with": lambda text, _plain, wanted: any(text.lower().startswith(want) for want in wanted),
    "greater": _order(lambda value, want: value > want[0]),
    "greater_equal": _order(lambda value, want: value >= want[0]),
    "less": _order(lambda value, want: value < want[0]),
    "less_equal": _order(lambda value, want: value <= want[0]),
    "between": _order(lambda value, want: want[0] <= value <= want[1]),
    "empty": lambda text, _plain, _wanted: not text,
    "not_empty": lambda text, _plain, _wanted: bool(text),
}


def _applies(row: Mapping[str, Any]) -> Test | None:
    """Whether a trap's device is meant: by address, and by a further condition on the trap."""
    tests: list[Test] = []
    mode = row.get("applicable") or "all"
    if mode in (SELECTED, EXCEPT):
        given = named(row.get("applies_to") or {})
        known: dict[str, bool] = {}
        inside = mode == SELECTED

        def device(trap: Trap) -> bool:
            address = trap.agent or trap.source
            if address not in known:
                if len(known) > 10_000:
                    known.clear()
                known[address] = any(ipaddress.ip_address(address) in network for network in given)
            return known[address] == inside

        tests.append(device)
    further = criteria(row.get("applicable_filter") or {}, "applicable_filter")
    if further is not None:
        tests.append(further)
    if not tests:
        return None
    return lambda trap: all(test(trap) for test in tests)
