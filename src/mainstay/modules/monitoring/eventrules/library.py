"""The shipped rules, from the data files."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from mainstay.modules.monitoring.eventrules import severity
from mainstay.modules.monitoring.eventrules.catalogue import classes, documents
from mainstay.modules.monitoring.eventrules.matcher import Rule

GENERIC = "generic"
STATES = "states"
"""The last resort: things and what may become of them, a grid rather than rules."""
_BEGIN = r"(?:\b|[_01])"
"""Huawei and HP write a facility close behind digits: ``%%01NTP/4/...``; one letter, for the sieve passes that over."""


@cache
def rules() -> tuple[Rule, ...]:
    """Every shipped rule: those of the vendors, then the general ones, then the last resort."""
    made: list[Rule] = []
    found = dict(documents("rules"))
    for name in sorted(found, key=lambda item: (item == STATES, item == GENERIC, item)):
        document = found[name]
        for given in document.get("rules") or _expanded(document):
            made.append(_rule(f"{name}: {given['class']}", document, given))
    return tuple(made)


def _expanded(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The rules of a grid: each thing with each of its states, in whichever order a message names them."""
    for given in document["grid"]:
        thing = f"{_BEGIN}(?:{given['thing']})"
        for state, (event_class, *tests) in given.items():
            if state == "thing":
                continue
            words = document["words"].get(state, "")
            match = [f"{thing}.*(?:{words})", f"(?:{words}).*{thing}"] if words else thing
            yield {"class": event_class, "match": match, "tests": tests}


@cache
def forms() -> tuple[tuple[str, str], ...]:
    """Vendors and what their messages look like, so that a message tells its sender's language where nobody else does.

    What many write comes last.
    """
    found = [(document.get("broad", False), name, document) for name, document in documents("rules")]
    return tuple(
        (document["vendors"][0].rstrip("*"), document["form"])
        for _broad, _name, document in sorted(found, key=lambda item: item[:2])
        if "form" in document
    )


def _rule(name: str, document: dict[str, Any], given: dict[str, Any]) -> Rule:
    patterns = given["match"]
    key = given.get("key", ())
    level = given.get("severity")
    objects = document.get("objects", {})
    return Rule(
        name=name,
        event_class=given["class"],
        patterns=tuple(map(_any_case, [patterns] if isinstance(patterns, str) else patterns)),
        vendors=tuple(document.get("vendors", ())),
        only=document.get("only", False),
        severity=None if level is None else severity.WORDS[level],
        set={str(k): str(v) for k, v in given.get("set", {}).items()},
        template=given.get("template", ""),
        key=(key,) if isinstance(key, str) else tuple(key),
        tests=tuple(given.get("tests", ())),
        last="grid" in document,
        objects={name: _any_case(objects[name]) for name in classes()[given["class"]].key if name in objects},
    )


def _any_case(pattern: str) -> str:
    """Versions of a device's software differ in what they capitalise; ``(?-i:...)`` marks where it matters."""
    return pattern if pattern.startswith("(?i)") else "(?i)" + pattern
