"""The query language as a tree, and the tree as text again.

``parse`` (in ``parser``) and ``render`` are inverse: ``parse(render(node)) == node`` for every parsed node.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum

from mainstay.modules.logs.search.columns import FIELD_NAME


class QueryError(ValueError):
    """A query that cannot be read; ``at`` is the offset of the character where it goes wrong."""

    def __init__(self, message: str, at: int) -> None:
        super().__init__(message)
        self.message = message
        self.at = at


class Wild(Enum):
    """A wildcard inside a pattern."""

    ANY = "*"
    ONE = "?"


@dataclass(frozen=True, slots=True)
class Pattern:
    """Text to match, with wildcards between its pieces."""

    parts: tuple[str | Wild, ...]

    @property
    def literal(self) -> str | None:
        """The text, where there are no wildcards."""
        if not self.parts:
            return ""
        return self.parts[0] if len(self.parts) == 1 and isinstance(self.parts[0], str) else None


@dataclass(frozen=True, slots=True)
class Node:
    """Base of the tree. ``at`` is where it stands in the text it came from; two trees are equal without it."""

    at: int = field(default=0, compare=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Everything(Node):
    """Every line."""


@dataclass(frozen=True, slots=True)
class Words(Node):
    """Whole words of a message, one after the other."""

    pattern: Pattern


@dataclass(frozen=True, slots=True)
class Compare(Node):
    """A column beside a value. ``op`` is one of ``: = != < <= > >=``."""

    column: str
    op: str
    value: Pattern


@dataclass(frozen=True, slots=True)
class Exists(Node):
    """A column that is not empty."""

    column: str


@dataclass(frozen=True, slots=True)
class Regex(Node):
    """A column that a regular expression (RE2) finds something in."""

    column: str
    expression: str


@dataclass(frozen=True, slots=True)
class Not(Node):
    item: Node


@dataclass(frozen=True, slots=True)
class And(Node):
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or(Node):
    items: tuple[Node, ...]


def join(kind: type[And] | type[Or], items: list[Node]) -> Node:
    """The items under one ``And`` or ``Or``, without needless levels."""
    flat: list[Node] = []
    for item in items:
        flat.extend(item.items if isinstance(item, kind) else [item])
    return flat[0] if len(flat) == 1 else kind(tuple(flat), at=flat[0].at)


def negate(item: Node, at: int) -> Node:
    return item.item if isinstance(item, Not) else Not(item, at=at)


def walk(node: Node) -> Iterator[Node]:
    """The node and everything below it."""
    yield node
    if isinstance(node, And | Or):
        for item in node.items:
            yield from walk(item)
    elif isinstance(node, Not):
        yield from walk(node.item)


def render(node: Node) -> str:
    """The query that means this tree."""
    match node:
        case Everything():
            return "*"
        case Words():
            return _pattern(node.pattern)
        case Compare():
            return f"{_name(node.column)}{node.op}{_pattern(node.value)}"
        case Exists():
            return f"{_name(node.column)}:*"
        case Regex():
            return f"{_name(node.column)}~{quoted(node.expression)}"
        case Not():
            inside = render(node.item)
            return f"not ({inside})" if isinstance(node.item, And | Or) else f"not {inside}"
        case And():
            return " and ".join(f"({render(item)})" if isinstance(item, Or) else render(item) for item in node.items)
        case Or():
            return " or ".join(f"({render(item)})" if isinstance(item, And) else render(item) for item in node.items)
    raise TypeError(f"{node!r} is no part of a query.")


KEYWORDS = frozenset({"and", "or", "not"})
_PLAIN = re.compile(r"[\w.@%#$+][\w.@%#$+/-]*")
_SPECIAL = re.compile(r"[^\w]")
_ESCAPED = re.compile(r'"|\\(?=["\\]|\Z)')


def quoted(text: str) -> str:
    """Text between quotes, as the language reads it."""
    return '"' + _ESCAPED.sub(lambda found: "\\" + found.group(), text) + '"'


def _name(column: str) -> str:
    return column if FIELD_NAME.fullmatch(column) and column.lower() not in KEYWORDS else quoted(column)


def _pattern(pattern: Pattern) -> str:
    literal = pattern.literal
    if literal is not None:
        return literal if _PLAIN.fullmatch(literal) and literal.lower() not in KEYWORDS else quoted(literal)
    return "".join(
        part.value if isinstance(part, Wild) else _SPECIAL.sub(lambda found: "\\" + found.group(), part)
        for part in pattern.parts
    )
