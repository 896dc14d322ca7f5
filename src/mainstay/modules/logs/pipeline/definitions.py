"""How the stages of a pipeline are written: one type per stage, read and checked in one place."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

MAX_STAGES = 100
MAX_DEPTH = 8
_TYPES = {
    "keyvalue": "kv", "key_value": "kv", "key-value": "kv", "conditional": "if", "condition": "if",
    "cmdb": "enrich_cmdb", "geo": "enrich_geo", "geoip": "enrich_geo", "lookup": "enrich_table",
    "table": "enrich_table", "translate": "enrich_table", "timestamp": "date", "mask_secrets": "mask",
    "add_tag": "route", "tag": "route",
}  # fmt: skip


class DefinitionError(ValueError):
    """A stage that cannot be read; the text says which and why."""


class Base(msgspec.Struct, kw_only=True, tag_field="type", forbid_unknown_fields=True):
    """What every stage has. ``when``: a condition; lines for which it does not hold pass by."""

    name: str = ""
    when: str = ""
    enabled: bool = True


class Grok(Base, tag="grok"):
    """Match expressions, the first that matches wins. No match: tag ``_grokfailure``."""

    patterns: list[str]
    field: str = "message"
    definitions: dict[str, str] = {}
    """Further pattern names, for this stage only."""


class KeyValue(Base, tag="kv"):
    """Pairs such as ``user=ann id="7 8"``. None found: tag ``_kvfailure``."""

    field: str = "message"
    pair_separator: str = " "
    """Characters of which each ends a pair."""
    value_separator: str = "="
    prefix: str = ""
    include: list[str] = []
    exclude: list[str] = []


class Json(Base, tag="json"):
    """A JSON object; nested keys are joined by dots. No object: tag ``_jsonfailure``."""

    field: str = "message"
    prefix: str = ""


class Csv(Base, tag="csv"):
    """Values in a fixed order. Another number of values: tag ``_csvfailure``."""

    columns: list[str]
    """Names by position; an empty name leaves the value out."""
    field: str = "message"
    separator: str = ","
    quote: str = '"'


class Date(Base, tag="date"):
    """A time, by the first format that fits. None fits: tag ``_datefailure``."""

    field: str
    formats: list[str] = msgspec.field(default_factory=lambda: ["ISO8601"])
    """ISO8601, UNIX, UNIX_MS, strptime (``%d/%b/%Y:%H:%M:%S %z``) or letters (``dd/MMM/yyyy:HH:mm:ss Z``)."""
    timezone: str = "UTC"
    """Of times that name none."""
    target: str = "time"


class Rename(Base, tag="rename"):
    """Fields under new names: ``{"old": "new"}``."""

    fields: dict[str, str]


class Remove(Base, tag="remove"):
    """Fields taken away."""

    fields: list[str]


class Set(Base, tag="set"):
    """Fields set to a text, in which ``%{field}`` stands for another field's value."""

    fields: dict[str, str | int | float | bool]
    overwrite: bool = True


class If(Base, tag="if", rename={"otherwise": "else"}):
    """Stages for the lines that meet the condition ``when``, and others for the rest."""

    then: list[Stage] = []
    otherwise: list[Stage] = []


class Drop(Base, tag="drop"):
    """Lines that meet the condition are not stored."""


class Mask(Base, tag="mask"):
    """Secrets made unreadable, in the message, the raw line and all fields (or in ``fields`` only)."""

    kinds: list[str] = msgspec.field(default_factory=lambda: ["password", "token", "private_key", "card"])
    patterns: list[str] = []
    fields: list[str] = []
    replacement: str = "***"


class EnrichTable(Base, tag="enrich_table"):
    """Look a field up in a lookup table or in ``entries``. Not found and no ``default``: tag ``_lookupfailure``."""

    field: str
    table: str = ""
    """Name or id of a lookup table; its columns become fields ``<target>.<column>``."""
    entries: dict[str, str] = {}
    target: str = ""
    default: str | None = None
    ignore_case: bool = False


class EnrichGeo(Base, tag="enrich_geo"):
    """Country, city, position or network of a public address. Not found: tag ``_geofailure``."""

    field: str = "source"
    prefix: str = "geo"


class EnrichCmdb(Base, tag="enrich_cmdb"):
    """The configuration item of an address. Not found: tag ``_cmdbfailure``."""

    field: str = "source"
    prefix: str = "ci"


class Route(Base, tag="route"):
    """Tags set and taken off, and another pipeline's stages run here."""

    tags: list[str] = []
    remove_tags: list[str] = []
    pipeline: str = ""
    """Name or id of the other pipeline."""


Stage = (
    Grok | KeyValue | Json | Csv | Date | Rename | Remove | Set | If | Drop | Mask | EnrichTable | EnrichGeo
    | EnrichCmdb | Route
)  # fmt: skip
STAGES: tuple[type[Base], ...] = (
    Grok, KeyValue, Json, Csv, Date, Rename, Remove, Set, If, Drop, Mask, EnrichTable, EnrichGeo, EnrichCmdb, Route,
)  # fmt: skip


def read(raw: Any) -> list[Stage]:
    """Stages from their JSON. Raises ``DefinitionError``."""
    if isinstance(raw, Mapping):
        raw = raw.get("stages", [])
    if not isinstance(raw, list):
        raise DefinitionError("The stages must be a list.")
    try:
        counted = _counted(raw, 1)
    except RecursionError:
        raise DefinitionError("The stages are nested too deeply.") from None
    if counted > MAX_STAGES:
        raise DefinitionError(f"A pipeline has at most {MAX_STAGES} stages; these are {counted}.")
    try:
        stages: list[Stage] = msgspec.convert(_tidied(raw), list[Stage])
    except msgspec.ValidationError as error:
        raise DefinitionError(_plain(str(error))) from None
    return stages


def _counted(raw: Any, depth: int) -> int:
    if depth > MAX_DEPTH:
        raise DefinitionError(f"Conditional stages are nested at most {MAX_DEPTH} deep.")
    if not isinstance(raw, list):
        return 0
    inner = [item.get(key) for item in raw if isinstance(item, dict) for key in ("then", "else")]
    return len(raw) + sum(_counted(stages, depth + 1) for stages in inner)


def _tidied(raw: Any) -> Any:
    """Accepted other spellings in the documented one."""
    if isinstance(raw, list):
        return [_tidied(item) for item in raw]
    if not isinstance(raw, dict):
        return raw
    out = dict(raw)
    kind = str(out.get("type", "")).lower()
    out["type"] = _TYPES.get(kind, kind)
    if "pattern" in out and "patterns" not in out:
        out["patterns"] = out.pop("pattern")
    if "condition" in out and "when" not in out:
        out["when"] = out.pop("condition")
    for key in ("patterns", "formats", "tags", "remove_tags"):
        if isinstance(out.get(key), str):
            out[key] = [out[key]]
    for key in ("then", "else"):
        if key in out:
            out[key] = _tidied(out[key])
    return out


def _plain(message: str) -> str:
    """The library's message with the stage by number."""
    text, _, path = message.partition(" - at `")
    path = path.rstrip("`")
    steps = re.findall(r"\[(\d+|\.\.\.)\]|\.([A-Za-z_]+)", path.removeprefix("$"))
    words = [f"stage {int(number) + 1}" if number.isdigit() else name for number, name in steps]
    return f"{', '.join(words).capitalize()}: {text}." if words else f"{text}."
