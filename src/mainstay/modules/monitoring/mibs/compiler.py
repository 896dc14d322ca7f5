"""From MIB text to compiled modules: pysmi's grammar, this project's resolution of names.

pysmi parses; what it would make of the result needs every imported module whole and correct, which vendors' files are
not. So the tree is resolved here: what can be, is, and what cannot is listed with its line and reason.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from pysmi.error import PySmiError
from pysmi.parser.smiv1compat import SmiV1CompatParser

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

MAX_SOURCE = 8 * 2**20
MAX_PROBLEMS = 100
MAX_SUBIDS = 128

_MODULE = re.compile(r"^[ \t]*([A-Za-z][\w.-]*)(?:\s*\{[^{}]*\})?\s+DEFINITIONS\s*::=\s*BEGIN\b", re.MULTILINE)
_IMPORTS = re.compile(r"\bIMPORTS\b([^;]*);")
_FROM = re.compile(r"\bFROM\s+([A-Za-z][\w.-]*)")
_WORDS = (
    r"OBJECT-TYPE|OBJECT\s+IDENTIFIER|MODULE-IDENTITY|OBJECT-IDENTITY|NOTIFICATION-TYPE|TRAP-TYPE|OBJECT-GROUP|"
    r"NOTIFICATION-GROUP|MODULE-COMPLIANCE|AGENT-CAPABILITIES"
)
_START = re.compile(rf"^[ \t]*([A-Za-z][\w-]*)\s+(?:{_WORDS})\b|^[ \t]*([A-Z][\w-]*)\s*::=", re.MULTILINE)
_COMMENT = re.compile(r'"[^"]*"|--(?:[^\n-]|-(?!-))*(?:--|$)', re.MULTILINE)
# The grammar skips these constructs by searching for their ends; too many without one would take for ever.
_SKIPPED = re.compile(r"\b(?:MACRO|CHOICE|EXPORTS)\b")
_SNMP_TRAPS = "1.3.6.1.6.3.1.1.5"
_SNMP = "1.3.6.1.2.1.11"


_Path = list[Any]
_Draft = tuple[Node, _Path]


class NotAMib(ValueError):
    """The text has no MIB module in it."""


_lock = threading.Lock()


@lru_cache(1)
def _parser() -> Any:
    return SmiV1CompatParser()


def text_of(raw: bytes) -> str:
    """A file's text, whatever its encoding; no NUL characters and one kind of line end."""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "").replace("\x1a", "")


class Source:
    """One module's text, parsed: its declarations, and what in it could not be read."""

    def __init__(self, name: str, text: str, line: int = 1) -> None:
        self.name = name
        self.text = text
        self.problems: list[Problem] = []
        self.declarations: list[Any] = []
        found = _IMPORTS.search(_COMMENT.sub(_blank_comment, text))
        self.lines = {
            next(filter(None, match.groups())): line + text.count("\n", 0, match.start(match.lastindex or 0))
            for match in _START.finditer(text)
        }
        self.imports = list(dict.fromkeys(_FROM.findall(found.group(1)))) if found else []
        try:
            ((_name, _oid, _imports, declarations),) = _parse(text)
            self.declarations = [item for item in declarations or [] if item]
        except (_Broken, ValueError):
            self._piecewise(text, line)

    def _piecewise(self, text: str, line: int) -> None:
        """Every definition for itself, so that a broken one costs no other."""
        imports = _IMPORTS.search(text)
        body = imports.end() if imports else (head.end() if (head := _MODULE.search(text)) else 0)
        starts = [match.start() for match in _START.finditer(text, body)]
        names = [next(filter(None, match.groups())) for match in _START.finditer(text, body)]
        end = text.rfind("\nEND")
        stop = end if end > (starts[-1] if starts else body) else len(text)
        if not starts:
            self.problems.append(Problem(line=line, reason="The module has no definition that can be read."))
        for name, begin, until in zip(names, starts, [*starts[1:], stop], strict=True):
            try:
                (module,) = _parse(f"X DEFINITIONS ::= BEGIN {text[begin:until]}\nEND")
                self.declarations += [item for item in module[3] or [] if item]
            except (_Broken, ValueError) as error:
                last = text[begin:until].rstrip().count("\n")
                within = min(error.line - 1 if isinstance(error, _Broken) else 0, last)
                at = line + text.count("\n", 0, begin) + within
                if len(self.problems) < MAX_PROBLEMS:
                    self.problems.append(Problem(line=at, reason=str(error), definition=name))


class _Broken(Exception):
    def __init__(self, reason: str, line: int) -> None:
        super().__init__(reason)
        self.line = line


def _parse(text: str) -> Any:
    try:
        with _lock:
            return _parser().parse(text)
    except PySmiError as error:
        cause: Any = error.__cause__
        line = getattr(cause, "line", 1)
        token = getattr(cause, "token", None)
        shown = str(token)[:40] if token is not None else getattr(cause, "char", "")
        if token is not None and getattr(token, "type", "") == "$END":
            shown = ""
        last = text.count("\n") + 1
        at = line if isinstance(line, int) and 1 <= line <= last else last
        reason = f"{shown!r} is not expected here" if shown and shown != "END" else "The definition is not complete"
        if cause is None:
            reason = str(error.msg)[:200]
        raise _Broken(f"{reason}.", at) from None
    except RecursionError:
        raise _Broken("The definition is nested too deeply.", 1) from None


def _blank_comment(match: re.Match[str]) -> str:
    word = match.group()
    return word if word.startswith('"') else re.sub(r"[^\n]", " ", word)


def split(text: str) -> list[Source]:
    """The modules in a text. Raises ``NotAMib``."""
    if len(text) > MAX_SOURCE:
        raise NotAMib(f"A MIB file may have {MAX_SOURCE // 2**20} MiB.")
    heads = list(_MODULE.finditer(text))
    if not heads:
        raise NotAMib("There is no MIB module in it (a line such as NAME DEFINITIONS ::= BEGIN).")
    if len(_SKIPPED.findall(text)) > 200:
        raise NotAMib("It has more MACRO, CHOICE or EXPORTS clauses than a MIB file has.")
    bounds = [*[head.start() for head in heads[1:]], len(text)]
    return [
        Source(head.group(1), text[head.start() : stop].rstrip() + "\n", 1 + text.count("\n", 0, head.start()))
        for head, stop in zip(heads, bounds, strict=True)
    ]


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
