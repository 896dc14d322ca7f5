"""The tree of object identifiers that an organization knows: browse, search, name what devices send."""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable, Iterator
from functools import lru_cache

from mainstay.modules.monitoring.mibs.model import Module, Node, standard
from mainstay.modules.monitoring.snmp.ber import Oid, parse_oid


class Tree:
    """Nodes by name and number. The first module that gives a number its name keeps it."""

    def __init__(self, base: Tree | None = None) -> None:
        self.by_oid: dict[Oid, Node] = dict(base.by_oid) if base else {}
        self.by_name: dict[str, Node] = dict(base.by_name) if base else {}
        self._children: dict[Oid, list[int]] | None = None

    def add(self, modules: Iterable[Module]) -> Tree:
        for module in modules:
            for node in module.nodes:
                numbers = node.numbers
                known = self.by_oid.get(numbers)
                # What says more about the same number replaces a bare name.
                if known is None or (known.kind in ("node", "group") and node.kind not in ("node", "group")):
                    self.by_oid[numbers] = node
                self.by_name.setdefault(node.name, node)
                self.by_name.setdefault(f"{module.name}::{node.name}", node)
        self._children = None
        return self

    def find(self, text: str) -> tuple[Oid, Node | None]:
        """What a person typed: a dotted number, a name, ``MODULE::name``, each perhaps with numbers after it.

        Raises ``Malformed`` or ``LookupError``.
        """
        word = text.strip().removeprefix(".")
        if word[:1].isdigit():
            oid = parse_oid(word)
            return oid, self.by_oid.get(oid)
        name, dot, rest = word.partition(".")
        node = self.by_name.get(name)
        if node is None:
            raise LookupError(name)
        return node.numbers + (parse_oid(rest) if dot else ()), None if dot else node

    def locate(self, oid: Oid) -> tuple[Node | None, Oid]:
        """The nearest node at or above ``oid``, and the numbers below it."""
        for size in range(len(oid), 0, -1):
            node = self.by_oid.get(oid[:size])
            if node is not None:
                return node, oid[size:]
        return None, oid

    def name(self, oid: Oid) -> str:
        """An OID with as much of it named as is known."""
        node, rest = self.locate(oid)
        if node is None:
            return ".".join(map(str, oid))
        return ".".join([node.name, *map(str, rest)])

    def path(self, oid: Oid) -> list[Node]:
        """The named nodes above ``oid``, from the root."""
        return [node for size in range(1, len(oid)) if (node := self.by_oid.get(oid[:size])) is not None]

    def children(self, oid: Oid) -> list[tuple[Oid, Node | None, int]]:
        """What is directly below: number, node where it has a name, and how many are below that."""
        if self._children is None:
            self._children = self._index()
        below = self._children.get(oid, [])
        return [
            (child := (*oid, number), self.by_oid.get(child), len(self._children.get(child, ()))) for number in below
        ]

    def _index(self) -> dict[Oid, list[int]]:
        found: dict[Oid, list[int]] = {}
        done: set[Oid] = set()
        for oid in self.by_oid:
            while oid and oid not in done:
                done.add(oid)
                insort(found.setdefault(oid[:-1], []), oid[-1])
                oid = oid[:-1]
        return found

    def search(self, text: str, limit: int = 50, kind: str = "") -> list[Node]:
        """Nodes whose name, number or description has the text; names that begin with it first."""
        word = text.strip().lower().removeprefix(".")
        module, colons, name = word.partition("::")
        word = name if colons else word
        ranked: list[tuple[int, int, str, Node]] = []
        for node in self.nodes():
            if (kind and node.kind != kind) or (colons and node.module.lower() != module):
                continue
            label = node.name.lower()
            if label == word or node.oid == word:
                rank = 0
            elif label.startswith(word):
                rank = 1
            elif word in label:
                rank = 2
            elif word[:1].isdigit() and node.oid.startswith(word + "."):
                rank = 3
            elif word in node.description.lower():
                rank = 4
            else:
                continue
            ranked.append((rank, len(label), label, node))
        ranked.sort(key=lambda item: item[:3])
        return [item[3] for item in ranked[:limit]]

    def nodes(self) -> Iterator[Node]:
        return iter(self.by_oid.values())

    def notifications(self) -> list[Node]:
        return sorted((node for node in self.nodes() if node.kind == "notification"), key=lambda node: node.name)


@lru_cache(1)
def standard_tree() -> Tree:
    """The tree of the modules that come along."""
    return Tree().add(standard().values())
