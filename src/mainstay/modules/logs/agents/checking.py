"""Reading configurations that people bring: which shipper they are for, whether they are well formed, where they go."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

LIMIT = 500_000


class BadConfig(ValueError):
    """What is wrong, with the line where it is known."""


@dataclass(slots=True)
class Checked:
    """A configuration that can be read."""

    agent_type: str
    format: str
    """yaml, toml, classic, rainerscript or shell."""
    warnings: list[str] = field(default_factory=list)


def check(text: str, agent_type: str, places: tuple[str, ...]) -> Checked:
    """Read it as the given shipper's (empty: find out whose it is). ``places`` are the names and paths of this server.

    Raises ``BadConfig``.
    """
    if not text.strip():
        raise BadConfig("The configuration is empty.")
    if len(text) > LIMIT:
        raise BadConfig(f"The configuration is longer than {LIMIT} characters.")
    if "\x00" in text:
        raise BadConfig("The configuration has NUL characters: it is no text.")
    document, form = _document(text, agent_type)
    kind = agent_type or _kind(text, document, form)
    found = Checked(kind, form)
    _CHECKS[kind](text, document, found)
    if not any(place in text for place in places if place):
        found.warnings.append(f"Nothing in it names this server ({places[0]}): its lines will not come here.")
    return found


def _document(text: str, agent_type: str) -> tuple[Any, str]:
    """The parsed document where the form is one of data; else nothing."""
    if agent_type in ("rsyslog", "shell"):
        return None, "rainerscript" if agent_type == "rsyslog" else "shell"
    if text.startswith("#!"):
        return None, "shell"
    if re.search(r"(?m)^\s*(module|action|input|ruleset|template)\s*\(|^\s*\$\w+|^[\w*.;,!=/]+\s+@{1,2}\S", text):
        return None, "rainerscript"
    if re.search(r"(?m)^\[[A-Z_]+\]\s*$", text) and not re.search(r"(?m)^\s*[\w.-]+\s*=\s*\S", text):
        return None, "classic"
    if re.search(r"(?m)^\[[\w.\"-]+\]\s*(#.*)?$", text):
        try:
            return tomllib.loads(text), "toml"
        except tomllib.TOMLDecodeError as error:
            raise BadConfig(f"The TOML cannot be read: {error}.") from None
    try:
        document = yaml.safe_load(_bounded(text))
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1})" if mark else ""
        raise BadConfig(f"The YAML cannot be read{where}: {getattr(error, 'problem', None) or 'too deep'}.") from None
    if not isinstance(document, Mapping):
        raise BadConfig("This is neither YAML, TOML, rsyslog's language nor a shell script.")
    return document, "yaml"


def _bounded(text: str) -> str:
    # References to earlier parts can be nested so that a page of text unfolds to gigabytes.
    if len(re.findall(r"(?m)[\s\[,:-]\*[A-Za-z0-9_-]+", text)) > 100:
        raise BadConfig("The YAML has more than a hundred references; write them out.")
    return text


def _kind(text: str, document: Any, form: str) -> str:
    if form in ("rainerscript", "shell"):
        return "rsyslog" if form == "rainerscript" else "shell"
    if form == "classic":
        return "fluent-bit"
    keys = set(document)
    if {"receivers", "exporters"} & keys and "service" in keys:
        return "otel-collector"
    if "pipeline" in keys:
        return "fluent-bit"
    if {"sources", "sinks"} & keys:
        return "vector"
    raise BadConfig("It is not known whose configuration this is: please give agent_type.")


def _rsyslog(text: str, _document: Any, found: Checked) -> None:
    found.format = "rainerscript"
    stack: list[tuple[str, int]] = []
    line, at, quote = 1, 0, ""
    while at < len(text):
        char = text[at]
        if char == "\n":
            line += 1
        if quote:
            if char == "\\":
                at += 1
            elif char == quote:
                quote = ""
        elif char == "#":
            end = text.find("\n", at)
            at = len(text) if end < 0 else end
            continue
        elif char == '"' or (char == "'" and stack):
            quote = char
            opened = line
        elif char in "({":
            stack.append((char, line))
        elif char in ")}" and (not stack or (stack.pop()[0] == "(") != (char == ")")):
            raise BadConfig(f"Line {line}: this {char} closes nothing.")
        at += 1
    if quote:
        raise BadConfig(f"Line {opened}: the text that begins here is not closed.")
    if stack:
        raise BadConfig(f"Line {stack[-1][1]}: this {stack[-1][0]} is not closed.")
    if not re.search(r'(?i)type\s*=\s*"om(fwd|relp|http)"|^\S+\s+@{1,2}\S', text, re.MULTILINE):
        found.warnings.append("It has no action that sends lines over the network (omfwd, omrelp or omhttp).")


def _fluent_bit(text: str, document: Any, found: Checked) -> None:
    if found.format == "classic":
        outputs = _classic_sections(text)
    else:
        pipeline = document.get("pipeline")
        if not isinstance(pipeline, Mapping):
            raise BadConfig("Fluent Bit's YAML needs a section pipeline.")
        for part in ("inputs", "outputs"):
            listed = pipeline.get(part)
            if not isinstance(listed, list) or not all(isinstance(x, Mapping) and x.get("name") for x in listed):
                raise BadConfig(f"pipeline.{part} must be a list of plugins, each with a name.")
        outputs = len(pipeline["outputs"])
    if not outputs:
        raise BadConfig("It has no output.")


def _classic_sections(text: str) -> int:
    section, outputs, named = "", 0, True
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip()
        if not line or line.startswith(("#", "@")):
            continue
        if line.startswith("["):
            if not line.endswith("]"):
                raise BadConfig(f"Line {number}: a section is written as [NAME].")
            if section in ("INPUT", "OUTPUT", "FILTER") and not named:
                raise BadConfig(f"Line {number}: the section before has no Name.")
            section, named = line[1:-1].upper(), False
            outputs += section == "OUTPUT"
            continue
        words = line.split(None, 1)
        if not section or len(words) < 2:
            raise BadConfig(f"Line {number}: a setting is written as a key and a value, below a section.")
        named = named or words[0].lower() == "name"
    if section in ("INPUT", "OUTPUT", "FILTER") and not named:
        raise BadConfig("The last section has no Name.")
    return outputs


def _vector(_text: str, document: Any, _found: Checked) -> None:
    names: set[str] = set()
    for part in ("sources", "transforms", "sinks"):
        section = document.get(part, {})
        if not isinstance(section, Mapping) or (part != "transforms" and not section):
            raise BadConfig(f"Vector needs a section {part} with at least one entry.")
        for name, entry in section.items():
            if not isinstance(entry, Mapping) or not entry.get("type"):
                raise BadConfig(f"{part}.{name} needs a type.")
            names.add(str(name))
    for part in ("transforms", "sinks"):
        for name, entry in document.get(part, {}).items():
            wanted = entry.get("inputs")
            if not isinstance(wanted, list) or not wanted:
                raise BadConfig(f"{part}.{name} needs inputs.")
            for source in map(str, wanted):
                if "*" not in source and source.partition(".")[0] not in names:
                    raise BadConfig(f"{part}.{name} takes its input from {source}, which there is not.")


def _otel(_text: str, document: Any, _found: Checked) -> None:
    service = document.get("service")
    pipelines = service.get("pipelines") if isinstance(service, Mapping) else None
    if not isinstance(pipelines, Mapping) or not pipelines:
        raise BadConfig("The collector needs service.pipelines.")
    for name, pipeline in pipelines.items():
        if not isinstance(pipeline, Mapping):
            raise BadConfig(f"service.pipelines.{name} must have receivers and exporters.")
        for part in ("receivers", "processors", "exporters"):
            used = pipeline.get(part) or []
            declared = document.get(part) or {}
            if part != "processors" and not used:
                raise BadConfig(f"service.pipelines.{name} has no {part}.")
            for item in used if isinstance(used, list) else []:
                if not isinstance(declared, Mapping) or item not in declared:
                    raise BadConfig(f"service.pipelines.{name} uses {item}, which is not among the {part}.")
    if not any(str(name).partition("/")[0] == "logs" for name in pipelines):
        raise BadConfig("The collector has no pipeline for logs.")


def _shell(text: str, _document: Any, found: Checked) -> None:
    found.format = "shell"
    if not re.search(r"\b(logger|nc|ncat|curl|wget|socat)\b", text):
        found.warnings.append("It calls none of logger, nc and curl.")


_CHECKS = {
    "rsyslog": _rsyslog, "fluent-bit": _fluent_bit, "vector": _vector, "otel-collector": _otel, "shell": _shell,
}  # fmt: skip
