"""What descriptions and answers say, as text: expressions, values that stand for none, versions, names of products."""

from __future__ import annotations

import re
from collections.abc import Sequence
from os.path import commonprefix
from typing import Any

import re2

LONGEST = 2000
"""Characters of a description that are looked at."""

COMMON = (
    r"^Linux (\S+) \d\S*(?:-(?:generic|lowlatency|amd64|arm64|cloud-\w+|default|azure|aws|gcp)|\.(?:el|fc|amzn)\d\S*)",
    r"^FreeBSD (\S+) .*\bGENERIC\b",
)
"""How the description of a computer with an everyday kernel begins: its second word is the name somebody gave it."""

NOTHING = frozenset((
    "n/a", "na", "none", "null", "nil", "unknown", "undefined", "unspecified", "empty", "invalid", "default", "unset",
    "-", "--", ".", "0", "?", "not available", "not specified", "not defined", "not set", "not applicable",
    "to be filled by o.e.m.", "default string", "system product name", "system serial number",
    "nosuchobject", "nosuchinstance", "no such object", "no such instance",
))  # fmt: skip
"""What agents answer where they know nothing."""


LABELLED = r"(?i)^(?:\w+ ){0,2}?(?:version|release|ver|rev|build)[ .:]+v?(\d\S*)"
"""How some write a version: with the word for it in front."""

BEHIND = (
    r"(?i)^%s(?:[ ,.]+(?:inc|networks?|corp\w*|communications|technolog\w+|systems|computer|gmbh|ltd)\b\.?)*[\s,:;.-]+"
    r"(\S.*?)(?:[\s,]*(?:[,;(/]|\s-\s|\b(?:sw|software|firmware|fw|version|ver|rev|release|hw|hardware)\b|\bv?\d+\.\d)|$)"
)
"""A description that begins with its maker, whose product stands behind, up to where the versions begin."""


class BadRule(ValueError):
    """A rule that cannot be used; the text says why."""


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


def unnamed(descr: str) -> str:
    """A description without the name of the computer: a server called after the device that it looks after is none."""
    for expression in COMMON:
        found = pattern(expression).match(descr)
        if found:
            start, end = found.span(1)
            return descr[:start] + descr[end:].lstrip()
    return descr


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


def meant(value: str) -> str:
    """A value, unless it is one of those that stand for none."""
    text = value.replace("\x00", "").strip().strip('"').strip()
    return "" if text.lower() in NOTHING else text


def family(names: Sequence[str]) -> str:
    """What the names of a product line have in common; the first name where that says too little."""
    common = commonprefix(list(names)).rstrip("-/ ")  # noqa: RUF071 - by character is what is meant
    return common if len(common) >= 3 else (names[0] if names else "")


def plain(version: str, usual: Sequence[str]) -> str:
    """A version without the words around it; ``usual``: how versions are written."""
    text = version.strip(" ,;")
    if " " in text and not text[0].isdigit():
        text = (first((LABELLED,), text) or first(usual, text) or text).strip(" ,;")
    return text


def behind(vendor: str, descr: str) -> str:
    """The product that a description names behind its maker; empty where it does not look like one."""
    if not vendor or descr[: len(vendor)].lower() != vendor.lower():
        return ""
    found = first((BEHIND % re.escape(vendor),), descr)
    # One maker's name twice, such as "3Com 3Com Switch".
    found = found[len(vendor) :].strip() if found.lower().startswith(f"{vendor.lower()} ") else found
    return found if len(found) <= 40 and any(one.isdigit() for one in found) else ""
