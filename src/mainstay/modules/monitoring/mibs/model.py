"""Compiled MIB modules: nodes of the tree and textual conventions; the standard modules that come along."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from importlib import resources

import msgspec

OID_KINDS = ("node", "module", "group")


class Node(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One name in the tree. ``type`` is the type as declared, ``base`` what it comes down to."""

    name: str
    oid: str
    kind: str = "node"
    """node, module, group, scalar, table, row, column or notification"""
    module: str = ""
    type: str = ""
    base: str = ""
    hint: str = ""
    enums: dict[str, str] = {}
    """Number, as text, to label; of BITS: the bit's number."""
    range: str = ""
    access: str = ""
    status: str = "current"
    units: str = ""
    index: list[str] = []
    augments: str = ""
    objects: list[str] = []
    description: str = ""

    @property
    def numbers(self) -> tuple[int, ...]:
        return tuple(map(int, self.oid.split(".")))


class Type(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A textual convention or other named type."""

    base: str
    hint: str = ""
    enums: dict[str, str] = {}
    range: str = ""
    description: str = ""


class Problem(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What could not be read, where, and why."""

    line: int
    reason: str
    definition: str = ""


class Module(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A compiled module."""

    name: str
    description: str = ""
    imports: list[str] = []
    nodes: list[Node] = []
    types: dict[str, Type] = {}
    missing: list[str] = []
    """Modules that it imports and that are not known."""
    problems: list[Problem] = []


# Older and macro-only modules: what is imported from them is looked for by its name in all standard modules.
BASE = frozenset(
    {
        "SNMPv2-SMI", "SNMPv2-TC", "SNMPv2-CONF", "SNMPv2-SMI-v1", "SNMPv2-TC-v1", "RFC1155-SMI", "RFC1065-SMI",
        "RFC-1212", "RFC-1215", "RFC1212", "RFC1215", "RFC1213-MIB", "RFC1158-MIB", "RFC1271-MIB", "RFC1286-MIB",
        "RFC1493-MIB", "RFC1315-MIB", "RFC1398-MIB", "RFC1406-MIB", "RFC1407-MIB", "RFC1573-MIB", "RFC1650-MIB",
        "RFC1757-MIB", "RFC1269-MIB", "RFC1253-MIB", "RFC1389-MIB", "RMON-MIB-v1",
    }
)  # fmt: skip


@lru_cache(1)
def standard() -> dict[str, Module]:
    """The modules that come along, by name. Facts only; the sentences are this project's own."""
    folder = resources.files(__package__) / "standard"
    notes = dict(_rows((folder / "descriptions.tsv").read_text()))
    found = {}
    for file in sorted(folder.iterdir(), key=lambda item: item.name):
        if file.name.endswith(".txt"):
            name = file.name.removesuffix(".txt")
            found[name] = _read(name, file.read_text(), notes)
    types = {name: item for module in found.values() for name, item in module.types.items()}
    for module in found.values():
        for node in module.nodes:
            declared = types.get(node.type)
            if declared is not None:
                node.base, node.hint, node.enums = declared.base, declared.hint, node.enums or declared.enums
            elif node.type:
                node.base = node.type
    return found


def _rows(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        if line and not line.startswith("#"):
            name, _, value = line.partition("\t")
            yield name, value


def _read(name: str, text: str, notes: dict[str, str]) -> Module:
    made = Module(name=name)
    for line in text.splitlines():
        parts = [*line.split("\t"), "", "", "", "", ""]
        kind, label, third, rest = parts[0], parts[1], parts[2], parts[3:]
        if kind == "type":
            made.types[label] = Type(base=third, hint=rest[0], enums=_enums(rest[1]))
            continue
        node = Node(name=label, oid=third, kind=kind, module=name, description=notes.get(label, ""))
        if kind in ("scalar", "column"):
            node.access, node.type, node.enums, node.units = rest[0], rest[1], _enums(rest[2]), rest[3]
        elif kind == "row":
            node.index = rest[0].split(",") if rest[0] else []
        elif kind == "notification":
            node.objects = rest[0].split(",") if rest[0] else []
        node.status = rest[4] or "current"
        made.nodes.append(node)
    return made


def _enums(text: str) -> dict[str, str]:
    pairs = (item.rsplit("=", 1) for item in text.split(",") if "=" in item)
    return {number: label for label, number in pairs}


@lru_cache(1)
def standard_types() -> dict[str, Type]:
    """Every type of the standard modules by name."""
    return {name: item for module in standard().values() for name, item in module.types.items()}


@lru_cache(1)
def standard_names() -> dict[str, Node]:
    """Every node of the standard modules by name; SNMPv2 modules before the ones they replaced."""
    found: dict[str, Node] = {}
    for module in standard().values():
        for node in module.nodes:
            found.setdefault(node.name, node)
    return found
