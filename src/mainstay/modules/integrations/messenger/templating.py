"""Templates: ``{{ event.message }}`` in a text is filled in. Pure; names and filters only, nothing is executed.

{{ event.severity_name | upper }}   {{ event.host | default "an unknown device" }}   {{ event.message | truncate 80 }}
{{ event.first_seen | date "%d.%m. %H:%M" }}   {{#if event.cleared }}...{{ else }}...{{/if}}
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from typing import Any
from urllib.parse import quote

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z0-9_\-]+){0,7}")
FILTERS = ("default", "upper", "lower", "truncate", "date", "json")
MAX_OUTPUT = 100_000
MAX_DEPTH = 8
_STRFTIME = re.compile(r"%([a-zA-Z%])|%")
_DATES = frozenset("aAbBdmyYHIpMSjZzUWf%")


class TemplateError(ValueError):
    """What is wrong with a template; the text names the place."""


@dataclass(frozen=True, slots=True)
class Macro:
    path: str
    filters: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """The part of a text that is only there under a condition."""

    path: str
    negative: bool = False
    then: list[Part] = field(default_factory=list)
    otherwise: list[Part] = field(default_factory=list)


Part = str | Macro | Section


def text_of(value: str) -> str:
    return value.replace("\x00", "")


def html_of(value: str) -> str:
    return html.escape(text_of(value))


def json_of(value: str) -> str:
    """What may stand between the quotes of a JSON string."""
    return json.dumps(value, ensure_ascii=False)[1:-1]


def url_of(value: str) -> str:
    return quote(value, safe="")


def line_of(value: str) -> str:
    """One line: whatever would end it becomes a space."""
    return " ".join("".join(char if char.isprintable() else " " for char in value).split())


def parse(text: str) -> list[Part]:
    """The parts of a template. Raises ``TemplateError``."""
    top: list[Part] = []
    open_sections: list[tuple[Section, list[Part]]] = []
    current, at = top, 0
    while True:
        start = text.find("{{", at)
        if start < 0:
            current.append(text[at:])
            break
        current.append(text[at:start])
        end = text.find("}}", start)
        if end < 0:
            raise TemplateError(f"A {{{{ at character {start + 1} has no }}}}.")
        inner, at = text[start + 2 : end].strip(), end + 2
        if inner.startswith("#if"):
            words = inner[3:].split()
            negative = words[:1] == ["not"]
            name = _name(" ".join(words[1:] if negative else words))
            if len(open_sections) >= MAX_DEPTH:
                raise TemplateError(f"Conditions are nested more than {MAX_DEPTH} deep.")
            section = Section(name, negative)
            current.append(section)
            open_sections.append((section, current))
            current = section.then
        elif inner == "else":
            if not open_sections or current is open_sections[-1][0].otherwise:
                raise TemplateError("There is an {{ else }} without its {{#if }}.")
            current = open_sections[-1][0].otherwise
        elif inner == "/if":
            if not open_sections:
                raise TemplateError("There is a {{/if}} without its {{#if }}.")
            _section, current = open_sections.pop()
        else:
            current.append(_macro(inner))
    if open_sections:
        raise TemplateError(f"{{{{#if {open_sections[-1][0].path} }}}} has no {{{{/if}}}}.")
    return [part for part in top if part != ""]


def _name(word: str) -> str:
    word = word.strip()
    if not NAME.fullmatch(word):
        raise TemplateError(f"{word[:60]!r} is not a macro. Macros look like {{{{ event.message }}}}.")
    return word


def _macro(inner: str) -> Macro:
    head, *rest = _split(inner)
    filters = []
    for item in rest:
        name, _, argument = item.strip().partition(" ")
        if name not in FILTERS:
            raise TemplateError(f"{name[:40]!r} is not a filter. Filters: {', '.join(FILTERS)}.")
        argument = argument.strip()
        if len(argument) >= 2 and argument[0] == argument[-1] and argument[0] in "\"'":
            argument = argument[1:-1]
        if name == "truncate" and not (argument.isascii() and argument.isdigit() and len(argument) < 6):
            raise TemplateError("truncate needs a number: {{ event.message | truncate 80 }}.")
        filters.append((name, argument))
    return Macro(_name(head), tuple(filters))


def _split(inner: str) -> list[str]:
    """At the bars that are not inside quotes."""
    parts, quoted, last = [], "", 0
    for at, char in enumerate(inner):
        if quoted:
            quoted = "" if char == quoted else quoted
        elif char in "\"'":
            quoted = char
        elif char == "|":
            parts.append(inner[last:at])
            last = at + 1
    return [*parts, inner[last:]]


def names(parts: Sequence[Part]) -> set[str]:
    """Every macro that a template uses."""
    found: set[str] = set()
    for part in parts:
        if isinstance(part, Section):
            found |= {part.path} | names(part.then) | names(part.otherwise)
        elif isinstance(part, Macro):
            found.add(part.path)
    return found


def check(text: str, known: Mapping[str, Collection[str] | None]) -> str | None:
    """What is wrong with a text, or nothing. ``known``: first word → second words (``None``: it stands alone)."""
    try:
        used = names(parse(text))
    except TemplateError as error:
        return str(error)
    for path in sorted(used):
        first, _, rest = path.partition(".")
        second = rest.split(".")[0]
        if first not in known or (known[first] is None) != (not rest):
            return f"{{{{ {path} }}}} is not a macro. Macros begin with: {', '.join(known)}."
        allowed = known[first]
        if allowed and second not in allowed:
            return f"{{{{ {path} }}}} is not a macro: {first} has {', '.join(sorted(allowed)[:60])}."
    return None


def render(
    parts: Sequence[Part], values: Mapping[str, Any], escape: Callable[[str], str] = text_of, zone: tzinfo | None = None
) -> str:
    """The text with its macros filled in, each value escaped; what is not known is empty."""
    out: list[str] = []
    _render(parts, values, escape, zone, out)
    return "".join(out)[:MAX_OUTPUT]


def fill(text: str, values: Mapping[str, Any], escape: Callable[[str], str] = text_of) -> str:
    """The same from the text; what is broken in it stays as it is written."""
    try:
        return render(parse(text), values, escape)
    except TemplateError:
        return text


def _render(
    parts: Sequence[Part], values: Mapping[str, Any], escape: Callable[[str], str], zone: tzinfo | None, out: list[str]
) -> None:
    for part in parts:
        if isinstance(part, str):
            out.append(part)
        elif isinstance(part, Macro):
            out.append(escape(_filtered(look_up(values, part.path), part.filters, zone)))
        else:
            holds = bool(look_up(values, part.path)) != part.negative
            _render(part.then if holds else part.otherwise, values, escape, zone, out)


def look_up(values: Mapping[str, Any], path: str) -> Any:
    """The value at a dotted path of nested mappings; ``None`` where there is none."""
    found: Any = values
    for word in path.split("."):
        if not isinstance(found, Mapping):
            return None
        found = found.get(word)
    return found


def _filtered(value: Any, filters: Sequence[tuple[str, str]], zone: tzinfo | None) -> str:
    for name, argument in filters:
        if name == "default" and value in (None, "", [], {}):
            value = argument
        elif name == "date" and isinstance(value, date):
            value = _date(value, argument, zone)
        elif name == "json":
            value = json.dumps(value, default=str, ensure_ascii=False)
        elif name == "upper":
            value = plain(value, zone).upper()
        elif name == "lower":
            value = plain(value, zone).lower()
        elif name == "truncate":
            words, most = plain(value, zone), int(argument)
            value = words if len(words) <= most else words[: max(0, most - 1)] + "…"
    return plain(value, zone)


def _date(value: date, form: str, zone: tzinfo | None) -> str:
    if isinstance(value, datetime) and zone is not None and value.tzinfo is not None:
        value = value.astimezone(zone)
    # Directives differ between systems, and some C libraries stumble over those they do not know.
    safe = _STRFTIME.sub(lambda found: found[0] if (found[1] or "-") in _DATES else f"%%{found[1] or ''}", form[:60])
    return value.strftime(safe or "%Y-%m-%d %H:%M")


def plain(value: Any, zone: tzinfo | None = None) -> str:
    """A value as people read it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return _date(value, "%Y-%m-%d %H:%M:%S %Z", zone).strip()
    if isinstance(value, list | tuple):
        return ", ".join(plain(item, zone) for item in value)
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={plain(item, zone)}" for key, item in value.items())
    return str(value)
