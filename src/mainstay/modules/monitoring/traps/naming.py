"""Names and readable values for what a trap carries; remembered, since devices repeat themselves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache, partial

from mainstay.modules.monitoring.mibs.model import Node
from mainstay.modules.monitoring.mibs.tree import Tree
from mainstay.modules.monitoring.mibs.values import readable, shown
from mainstay.modules.monitoring.snmp import ber
from mainstay.modules.monitoring.snmp.ber import Malformed, Oid, Varbind
from mainstay.modules.monitoring.snmp.message import TRAP_ADDRESS

MAX_REMEMBERED = 50_000
MAX_ENCODED = 128
"""Bytes of a variable binding that is remembered as it is in the packet; its lengths are of the short form."""
REPEATED = frozenset({ber.INTEGER, ber.OBJECT_IDENTIFIER, ber.IP_ADDRESS, ber.OCTET_STRING})


class Variable:
    """A variable binding, named: its column or scalar, the instance, its value as text and as it is."""

    __slots__ = ("instance", "line", "name", "number", "oid", "role", "text")

    def __init__(self, name: str, instance: str, oid: str, text: str, number: str | int) -> None:
        self.name = name
        self.instance = instance
        self.oid = oid
        self.text = text
        self.number = number
        self.line = f"{name}={text}"
        self.role = _role(self)


NAME, INDEX, INSTANCE = 1, 2, 3
"""What a variable says of the part of the device: its name, its number, its number by the way."""
_NAMES = frozenset({"ifName", "ifDescr", "ifAlias", "entPhysicalName", "entPhysicalDescr"})
_INDEX = "ifIndex"
TELLING = _NAMES | {_INDEX}
"""Variables whose values tell the part of the device."""


def _role(item: Variable) -> int:
    if item.name in _NAMES and item.text:
        return NAME
    if item.name == _INDEX:
        return INDEX
    return INSTANCE if item.name.startswith("if") and item.instance.isdigit() else 0


class Namer:
    """Names by one organization's tree."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self._names: dict[bytes, tuple[str, str, str, Node | None]] = {}
        self._variables: dict[Varbind, Variable] = {}
        self._encoded: dict[bytes, Variable] = {}
        self._traps: dict[bytes, tuple[str, str, str]] = {}
        self._readers: dict[tuple[int, int], Callable[[bytes], str]] = {}
        """By object and tag."""

    def variables(self, items: Sequence[Varbind]) -> list[Variable]:
        """Raises ``Malformed`` where a name is no object identifier."""
        known = self._variables
        return [known.get(item) or self.variable(item) for item in items]

    def variables_at(self, data: bytes, at: int, end: int) -> list[Variable] | None:
        """The same from the packet itself: a binding that came before, byte for byte, is not taken apart again.

        ``None`` where one of them says on whose behalf the trap was sent: that is not for this short way.
        """
        known = self._encoded
        found: list[Variable] = []
        while at < end:
            # A long form makes a wrong piece here, which is not known.
            stop = at + 2 + data[at + 1] if at + 1 < end else end
            piece = data[at:stop]
            item = known.get(piece)
            if item is None or stop > end:
                bound, stop = ber.varbind_at(data, at, end)
                if bound[0] == TRAP_ADDRESS:
                    return None
                item = self._variable(bound)
                if stop - at < MAX_ENCODED and bound[1] in REPEATED:
                    if len(known) >= MAX_REMEMBERED:
                        known.clear()
                    known[data[at:stop]] = item
            found.append(item)
            at = stop
        if len(found) > ber.MAX_VARBINDS:
            raise Malformed(f"The packet has more than {ber.MAX_VARBINDS} variable bindings.")
        return found

    def variable(self, item: Varbind) -> Variable:
        """Raises ``Malformed`` where the name is no object identifier."""
        found = self._variables.get(item)
        if found is None:
            found = self._variable(item)
            # Counters and clocks hardly repeat; what is long takes memory.
            if item[1] in REPEATED and len(item[2]) < 80:
                if len(self._variables) >= MAX_REMEMBERED:
                    self._variables.clear()
                self._variables[item] = found
        return found

    def _variable(self, item: Varbind) -> Variable:
        name, tag, content = item
        label, instance, oid, node = self.named(name)
        number: str | int
        if tag == ber.OBJECT_IDENTIFIER:
            return Variable(label, instance, oid, *self._identifier(content))
        text = shown(node, tag, content)
        number = text
        if (tag == ber.INTEGER or tag in ber.UNSIGNED) and 1 <= len(content) <= 9:
            number = int.from_bytes(content, "big", signed=tag == ber.INTEGER)
        return Variable(label, instance, oid, text, number)

    def _identifier(self, content: bytes) -> tuple[str, str]:
        # An agent's nonsense in a value must not cost the trap.
        try:
            numbers = ber.oid_of(content)
            return self.tree.name(numbers), ".".join(map(str, numbers))
        except Malformed:
            return content.hex(":"), content.hex(":")

    def reader(self, name: bytes, tag: int) -> Callable[[bytes], str]:
        """What makes the text of a variable of this name and tag, as ``variable`` does, of its content alone."""
        node = self.named(name)[3]
        key = (id(node), tag)
        if key not in self._readers:
            self._readers[key] = self._reader(node, tag)
        return self._readers[key]

    def _reader(self, node: Node | None, tag: int) -> Callable[[bytes], str]:
        if tag == ber.OBJECT_IDENTIFIER:
            return lambda content: self._identifier(content)[0]
        if tag == ber.INTEGER:
            # Mostly labels and small numbers.
            return lru_cache(500)(partial(shown, node, tag))
        if tag == ber.OCTET_STRING and node is None:
            return lambda content: readable(content) if content else ""
        return partial(shown, node, tag)

    def named(self, name: bytes) -> tuple[str, str, str, Node | None]:
        """Label, instance and dotted OID of a variable's name, and its object in the tree."""
        known = self._names.get(name)
        if known is None:
            known = self._name(name)
            if len(self._names) >= MAX_REMEMBERED:
                self._names.clear()
            self._names[name] = known
        return known

    def _name(self, name: bytes) -> tuple[str, str, str, Node | None]:
        oid = ber.oid_of(name)
        node, rest = self.tree.locate(oid)
        dotted = ".".join(map(str, oid))
        if node is None or node.kind not in ("scalar", "column"):
            # A bare node above is no name for a variable.
            return dotted, "", dotted, None
        return node.name, ".".join(map(str, rest)), dotted, node

    def trap(self, oid: bytes) -> tuple[str, str, str]:
        """Name, dotted OID and description of a notification."""
        found = self._traps.get(oid)
        if found is None:
            numbers = ber.oid_of(oid)
            node = self._notification(numbers)
            dotted = ".".join(map(str, numbers))
            found = (node.name, node.oid, node.description) if node else (self.tree.name(numbers), dotted, "")
            if len(self._traps) >= MAX_REMEMBERED:
                self._traps.clear()
            self._traps[oid] = found
        return found

    def _notification(self, oid: Oid) -> Node | None:
        node = self.tree.by_oid.get(oid)
        if node is None and len(oid) > 2 and oid[-2] == 0:
            # Traps of SMIv1 gain a zero on their way to version 2; some modules were written without it.
            node = self.tree.by_oid.get((*oid[:-2], oid[-1]))
        return node if node is not None and node.kind == "notification" else None


def resource_of(variables: list[Variable]) -> str:
    """The part of the device that a trap is about: its interface, by the best name that the trap has for it."""
    index = ""
    named: dict[str, str] = {}
    for item in variables:
        role = item.role
        if role == NAME:
            named.setdefault(item.name, item.text)
        elif role == INDEX:
            index = index or str(item.number)
        elif role and not index:
            index = item.instance
    for name in ("ifName", "ifDescr", "entPhysicalName", "entPhysicalDescr"):
        if name in named:
            return named[name]
    return f"ifIndex {index}" if index else named.get("ifAlias", "")
