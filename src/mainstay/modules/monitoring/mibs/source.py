"""MIB text taken apart: modules, their declarations by pysmi's grammar, and what in them cannot be read."""

from __future__ import annotations

import re
import threading
from functools import lru_cache
from typing import Any

from mainstay.modules.monitoring.mibs.model import Problem

MAX_SOURCE = 8 * 2**20
MAX_PROBLEMS = 100

_MODULE = re.compile(r"^[ \t]*([A-Za-z][\w.-]*)(?:\s*\{[^{}]*\})?\s+DEFINITIONS\s*::=\s*BEGIN\b", re.MULTILINE)
_IMPORTS = re.compile(r"\bIMPORTS\b([^;]*);")
_FROM = re.compile(r"\bFROM\s+([A-Za-z][\w.-]*)")
_WORDS = (
    r"OBJECT-TYPE|OBJECT\s+IDENTIFIER|MODULE-IDENTITY|OBJECT-IDENTITY|NOTIFICATION-TYPE|TRAP-TYPE|OBJECT-GROUP|"
    r"NOTIFICATION-GROUP|MODULE-COMPLIANCE|AGENT-CAPABILITIES"
)
_START = re.compile(rf"^[ \t]*([A-Za-z][\w-]*)\s+(?:{_WORDS})\b|^[ \t]*([A-Z][\w-]*)\s*::=", re.MULTILINE)
_COMMENT = re.compile(r'"[^"]*"|--[^\n]*')
# The grammar skips these constructs by searching for their ends; too many without one would take for ever.
_SKIPPED = re.compile(r"\b(?:MACRO|CHOICE|EXPORTS)\b")


class NotAMib(ValueError):
    """The text has no MIB module in it."""


_lock = threading.Lock()


@lru_cache(1)
def _parser() -> Any:
    from pysmi.parser.smiv1compat import SmiV1CompatParser

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
        found = [(match.start(), next(filter(None, match.groups()))) for match in _START.finditer(text, body)]
        starts = [begin for begin, _name in found]
        end = text.rfind("\nEND")
        stop = end if end > (starts[-1] if starts else body) else len(text)
        if not starts:
            self.problems.append(Problem(line=line, reason="The module has no definition that can be read."))
        for (begin, name), until in zip(found, [*starts[1:], stop], strict=False):
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
    from pysmi.error import PySmiError  # with its grammar: most processes never need it

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
