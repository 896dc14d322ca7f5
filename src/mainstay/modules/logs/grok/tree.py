"""The tree that a pattern is read into, and how it is written out for a linear-time engine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

MAX_SIZE = 15_000
"""States, roughly, of a whole pattern with everything it refers to. The largest well-known one has 9,600."""

MAX_DEPTH = 60

_META = frozenset("\\.+*?()|[]{}^$")


class LinearError(ValueError):
    """A pattern that is refused. ``start``, ``end``: the place; ``instead``: what may stand there, or None."""

    def __init__(self, reason: str, start: int = 0, end: int = 0, instead: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.start = start
        self.end = end
        self.instead = instead


@dataclass(slots=True)
class Node:
    """A part of a pattern: ``kind`` is leaf, seq, alt, repeat, group or flags."""

    kind: str
    text: str = ""
    """Of a leaf: what is written out. Of a group: its flags, such as ``?i:``."""
    items: list[Node] = field(default_factory=list)
    size: int = 1
    capture: str | None = None
    """Field that the group is captured into; ``""``: captured without a name."""
    type: str = ""
    low: int = 0
    high: int | None = 0
    lazy: bool = False
    start: int = 0
    end: int = 0
    captures: int = 0
    """Named captures in it and below."""


def literal(char: str) -> Node:
    """A leaf that matches one character."""
    if char in _META:
        return Node("leaf", "\\" + char)
    if not char.isprintable():
        return Node("leaf", f"\\x{{{ord(char):x}}}")
    return Node("leaf", char)


def write(node: Node, capture: Callable[[str, str], str], *, numbered: bool = False) -> str:
    """The pattern for the engine. ``capture(field, type)`` names a group; ``numbered``: keep unnamed groups too."""
    if node.kind in ("leaf", "flags"):
        return node.text
    if node.kind == "seq":
        return "".join(write(item, capture, numbered=numbered) for item in node.items)
    if node.kind == "alt":
        return "(?:" + "|".join(write(item, capture, numbered=numbered) for item in node.items) + ")"
    if node.kind == "repeat":
        body = write(node.items[0], capture, numbered=numbered)
        if node.items[0].kind != "leaf":
            body = f"(?:{body})"
        return body + _times(node.low, node.high) + ("?" if node.lazy else "")
    if node.capture:
        name = capture(node.capture, node.type)
        return f"(?P<{name}>" + write(node.items[0], capture, numbered=numbered) + ")"
    opening = "" if node.capture == "" and numbered else node.text or "?:"
    return f"({opening}" + write(node.items[0], capture, numbered=numbered) + ")"


def _times(low: int, high: int | None) -> str:
    known = {(0, None): "*", (1, None): "+", (0, 1): "?"}
    if (low, high) in known:
        return known[low, high]
    return f"{{{low}}}" if high == low else f"{{{low},{'' if high is None else high}}}"
