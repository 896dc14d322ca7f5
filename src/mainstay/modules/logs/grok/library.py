"""The pattern names that everybody who writes grok knows, and an organization's own beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from threading import RLock

from mainstay.modules.logs.grok.linear import parse
from mainstay.modules.logs.grok.tree import LinearError, Node

MAX_NESTING = 20
"""How deep patterns may refer to patterns."""


@dataclass(frozen=True, slots=True)
class Known:
    """A well-known pattern."""

    name: str
    pattern: str
    category: str


@lru_cache(maxsize=1)
def known() -> Mapping[str, Known]:
    """Every well-known pattern, by name. The file it is in names its category."""
    found: dict[str, Known] = {}
    for file in sorted(resources.files(__package__).joinpath("patterns").iterdir(), key=lambda item: item.name):
        if not file.name.endswith(".grok"):
            continue
        for line in file.read_text("utf-8").splitlines():
            name, _, pattern = line.partition(" ")
            if pattern and name != "#":
                found[name] = Known(name, pattern, file.name.removesuffix(".grok"))
    return found


class Library:
    """Pattern names and what they stand for: the well-known ones, and ``own``, whose names must differ from those."""

    def __init__(self, own: Mapping[str, str] | None = None) -> None:
        self.own = dict(own or {})
        self._trees: dict[str, Node] = {}
        self._open: list[str] = []
        self._lock = RLock()

    def tree(self, name: str) -> Node:
        """The tree of a name. Raises ``LinearError`` naming what is unknown, circular or refused."""
        shared = _well_known()
        if name in known() and self is not shared:
            return shared.tree(name)
        with self._lock:
            return self._trees.get(name) or self._read(name)

    def _read(self, name: str) -> Node:
        text = known()[name].pattern if name in known() else self.own.get(name)
        if text is None:
            raise LinearError(f"There is no pattern named {name[:60]}.{_near(name, [*self.own, *known()])}")
        if name in self._open:
            raise LinearError(f"The pattern {name} refers to itself: {' → '.join([*self._open, name])}.")
        if len(self._open) >= MAX_NESTING:
            raise LinearError(f"Patterns refer to each other over more than {MAX_NESTING} steps.")
        self._open.append(name)
        try:
            self._trees[name] = parse(text, self.tree)
        except LinearError as error:
            inside = error.reason if error.reason.startswith("In ") else f"In {name}: {error.reason}"
            raise LinearError(inside) from None
        finally:
            self._open.pop()
        return self._trees[name]


@lru_cache(maxsize=1)
def _well_known() -> Library:
    """Shared by all: trees of well-known patterns never change."""
    return Library()


def _near(name: str, names: list[str]) -> str:
    from difflib import get_close_matches

    found = get_close_matches(name.upper()[:60], names, 3)
    return f" Did you mean {' or '.join(found)}?" if found else ""
