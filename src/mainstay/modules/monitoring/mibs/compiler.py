"""From MIB text to compiled modules: pysmi's grammar (``source``), this project's resolution of names.

pysmi parses; what it would make of the result needs every imported module whole and correct, which vendors' files are
not. So the tree is resolved here: what can be, is, and what cannot is listed with its line and reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mainstay.modules.monitoring.mibs.model import (
    BASE,
    Module,
    Node,
    Problem,
    Type,
    standard,
    standard_names,
    standard_types,
)
from mainstay.modules.monitoring.mibs.source import MAX_PROBLEMS, Source

MAX_SUBIDS = 128
_SNMP_TRAPS = "1.3.6.1.6.3.1.1.5"
_SNMP = "1.3.6.1.2.1.11"

_Path = list[Any]
_Draft = tuple[Node, _Path]


class Library:
    """The modules that names are resolved against: the standard ones and those of an organization."""

    def __init__(self, modules: Iterable[Module] = ()) -> None:
        self.modules: dict[str, Module] = dict(standard())
        self._oids: dict[str, dict[str, str]] = {}
        for module in modules:
            self.add(module)

    def add(self, module: Module) -> None:
        self.modules[module.name] = module
        self._oids.pop(module.name, None)

    def knows(self, name: str) -> bool:
        return name in self.modules or name in BASE

    def oid(self, module: str, name: str) -> str | None:
        """The OID of a name in a module; of one that the module itself may have imported, by its name alone."""
        if module in self.modules:
            if module not in self._oids:
                self._oids[module] = {node.name: node.oid for node in self.modules[module].nodes}
            found = self._oids[module].get(name)
            if found:
                return found
        known = standard_names().get(name)
        return known.oid if known else None

    def type(self, imports: Iterable[str], name: str) -> Type | None:
        for module in imports:
            if module in self.modules and name in self.modules[module].types:
                return self.modules[module].types[name]
        return standard_types().get(name)


def compile_all(sources: Iterable[Source], library: Library) -> list[Module]:
    """Resolve modules in the order of their imports; each joins the library."""
    waiting = {source.name: source for source in sources}
    made = []
    while waiting:
        ready = [
            item for item in waiting.values() if not any(name in waiting for name in item.imports if name != item.name)
        ]
        # A circle of imports: begin anywhere, what is missing is listed.
        for source in ready or [next(iter(waiting.values()))]:
            del waiting[source.name]
            module = resolve(source, library)
            library.add(module)
            made.append(module)
    return made


def resolve(source: Source, library: Library) -> Module:
    """One module's tree."""
    made = Module(name=source.name, imports=source.imports, problems=list(source.problems))
    made.missing = [name for name in source.imports if not library.knows(name)]
    types = {item[1]: item[2] for item in source.declarations if item[0] == "typeDeclaration"}
    for name in types:
        found = _type(name, types, library, source.imports, set())
        if found is not None:
            made.types[name] = found
    drafts: dict[str, _Draft] = {}
    for item in source.declarations:
        draft = _node(item, types, library, source)
        if draft is not None:
            drafts.setdefault(draft[0].name, draft)
    numbers: dict[str, str] = {}
    for name, (node, path) in drafts.items():
        oid = _oid(name, drafts, numbers, library, source.imports, set())
        if oid is None or oid.count(".") >= MAX_SUBIDS:
            parent = _unknown(path, drafts, numbers)
            if len(made.problems) < MAX_PROBLEMS:
                made.problems.append(
                    Problem(
                        line=source.lines.get(name, 0),
                        definition=name,
                        reason=f"{parent!r}, which it is below, is not known.",
                    )
                )
            continue
        node.oid, node.module = oid, source.name
        if node.kind == "module":
            made.description = node.description[:2000]
        made.nodes.append(node)
    made.nodes.sort(key=lambda node: node.numbers)
    return made


def _unknown(path: _Path, drafts: Mapping[str, _Draft], numbers: Mapping[str, str]) -> str:
    """The name at the root of what could not be resolved."""
    seen: set[str] = set()
    while path and isinstance(path[0], str) and path[0] in drafts and path[0] not in numbers and path[0] not in seen:
        seen.add(path[0])
        path = drafts[path[0]][1]
    return str(path[0]) if path else ""


def _oid(
    name: str,
    drafts: Mapping[str, _Draft],
    numbers: dict[str, str],
    library: Library,
    imports: list[str],
    under_way: set[str],
) -> str | None:
    """The OID of a name of this module; chains are as deep as the tree, so recursion is not."""
    chain = [name]
    while chain:
        current = chain[-1]
        if current in numbers:
            chain.pop()
            continue
        path = drafts[current][1]
        first = path[0] if path else None
        if isinstance(first, str) and first in drafts and first not in numbers and first != current:
            if first in under_way:
                return None
            under_way.add(first)
            chain.append(first)
            continue
        made = _path(path, numbers, library, imports)
        if made is None:
            return None
        numbers[current] = made
        chain.pop()
    return numbers[name]


def _path(path: _Path, numbers: Mapping[str, str], library: Library, imports: list[str]) -> str | None:
    parts: list[str] = []
    for at, item in enumerate(path):
        if isinstance(item, tuple):
            item = item[1]
        if isinstance(item, int):
            if not 0 <= item < 2**32:
                return None
            parts.append(str(item))
        elif at == 0:
            found = numbers.get(item) or next(
                (oid for module in (*imports, "SNMPv2-SMI") if (oid := library.oid(module, item))), None
            )
            if found is None:
                return None
            parts.append(found)
        else:
            return None
    return ".".join(parts) or None


def _text(part: Any, size: int = 4000) -> str:
    """The text of a clause such as ``("DESCRIPTION", "...")``, its lines without their indentation."""
    if not isinstance(part, tuple) or len(part) < 2 or not isinstance(part[1], str):
        return ""
    return "\n".join(line.strip() for line in part[1].strip().splitlines())[:size]


def _node(item: Any, types: Mapping[str, Any], library: Library, source: Source) -> _Draft | None:
    kind, name, *rest = item
    if not isinstance(name, str):
        return None
    path = next((part[1] for part in reversed(rest) if isinstance(part, tuple) and part[0] == "objectIdentifier"), None)
    if kind == "trapTypeClause":
        return _trap(item, library, source)
    if path is None:
        return None
    node = Node(name=name, oid="")
    if kind == "objectTypeClause":
        syntax, units, access, status, description, _reference, augments, index = rest[:8]
        node.units, node.access, node.status = _text(units, 60), _text(access, 40), _text(status, 20) or "current"
        node.description = _text(description)
        _shape(node, syntax, types, library, source.imports)
        if isinstance(index, tuple):
            node.index = [("IMPLIED " if implied else "") + str(label) for implied, label in index[1]]
        if isinstance(augments, str):
            node.augments = augments
    elif kind == "notificationTypeClause":
        node.kind = "notification"
        objects = rest[0]
        node.objects = [str(label) for label in objects[1]] if isinstance(objects, tuple) else []
        node.status, node.description = _text(rest[1], 20) or "current", _text(rest[2])
    elif kind == "moduleIdentityClause":
        node.kind = "module"
        node.description = next(
            (_text(part) for part in rest if isinstance(part, tuple) and part[0] == "DESCRIPTION"), ""
        )
    elif kind == "objectIdentityClause":
        node.status, node.description = _text(rest[0], 20), _text(rest[1])
    elif kind != "valueDeclaration":
        node.kind = "group"
    return node, path


def _trap(item: Any, library: Library, source: Source) -> _Draft | None:
    """A trap of SMIv1 under the OID that it has in version 2 (RFC 3584, section 3.1)."""
    _kind, name, enterprise, variables, description, _reference, number = item
    if not isinstance(enterprise, tuple) or not isinstance(number, int):
        return None
    node = Node(name=name, oid="", kind="notification", description=_text(description))
    node.objects = [str(label) for label in variables[1]] if isinstance(variables, tuple) else []
    path = list(enterprise[1])
    if path == ["snmp"] or (len(path) == 1 and library.oid("SNMPv2-MIB", str(path[0])) == _SNMP):
        return node, [int(part) for part in _SNMP_TRAPS.split(".")] + [number + 1]
    return node, [*path, 0, number]


def _shape(node: Node, syntax: Any, types: Mapping[str, Any], library: Library, imports: list[str]) -> None:
    """Kind and type of an object from its SYNTAX."""
    if isinstance(syntax, tuple) and syntax[0] == "conceptualTable":
        node.kind = "table"
        return
    found = _syntax(syntax, types, library, imports, set())
    if isinstance(syntax, tuple) and syntax[0] == "row" and (found is None or _is_sequence(types.get(syntax[1]))):
        node.kind = "row"
        node.type = str(syntax[1])
        return
    node.kind = "scalar"
    node.type = _name_of(syntax)
    if found is not None:
        node.base, node.hint, node.enums, node.range = found.base, found.hint, found.enums, found.range


def _is_sequence(rhs: Any) -> bool:
    return isinstance(rhs, tuple) and len(rhs) > 1 and isinstance(rhs[1], tuple) and rhs[1][0] == "SEQUENCE"


def _name_of(syntax: Any) -> str:
    if isinstance(syntax, tuple):
        return "BITS" if syntax[0] == "BITS" else str(syntax[1])
    return str(syntax)


def _type(name: str, types: Mapping[str, Any], library: Library, imports: list[str], seen: set[str]) -> Type | None:
    """A named type of this module or an imported one, brought down to its base."""
    rhs = types.get(name)
    if rhs is None:
        return library.type(imports, name)
    if name in seen or _is_sequence(rhs) or not isinstance(rhs, tuple):
        return None
    found = _syntax(rhs[-1], types, library, imports, {*seen, name})
    if found is None:
        return None
    made = Type(base=found.base, hint=found.hint, enums=found.enums, range=found.range)
    for part in rhs[1:-1]:
        if isinstance(part, tuple) and part[0] == "DISPLAY-HINT":
            made.hint = _text(part, 255)
        elif isinstance(part, tuple) and part[0] == "DESCRIPTION":
            made.description = _text(part)
    return made


_BASES = frozenset(
    {
        "INTEGER", "Integer32", "OCTET STRING", "OBJECT IDENTIFIER", "IpAddress", "NetworkAddress", "Counter",
        "Counter32", "Gauge", "Gauge32", "Unsigned32", "TimeTicks", "Opaque", "Counter64", "BITS", "NsapAddress",
    }
)  # fmt: skip


def _syntax(syntax: Any, types: Mapping[str, Any], library: Library, imports: list[str], seen: set[str]) -> Type | None:
    if not isinstance(syntax, tuple) or len(syntax) < 2:
        return None
    if syntax[0] == "BITS":
        return Type(base="BITS", enums={str(number): str(label) for label, number in syntax[1]})
    if syntax[0] == "row" or syntax[1] not in _BASES:
        found = _type(str(syntax[1]), types, library, imports, seen)
        if found is None:
            return None
        made = Type(base=found.base, hint=found.hint, enums=found.enums, range=found.range)
    else:
        made = Type(base=str(syntax[1]))
    extra = syntax[2] if len(syntax) > 2 and isinstance(syntax[2], tuple) else None
    if extra is not None and extra[0] == "enumSpec":
        made.enums = {str(number): str(label) for label, number in extra[1]}
    elif extra is not None and isinstance(extra[1], list):
        made.range = " | ".join("..".join(map(str, dict.fromkeys(part))) for part in extra[1])
    return made


def finish(modules: Iterable[Module]) -> None:
    """Tell columns from scalars: a column's parent is a row."""
    for module in modules:
        rows = {node.oid for node in module.nodes if node.kind == "row"}
        for node in module.nodes:
            if node.kind == "scalar" and node.oid.rpartition(".")[0] in rows:
                node.kind = "column"
