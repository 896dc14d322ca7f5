"""What a category may say about its items: checked and put in order before it is stored. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from mainstay.kernel.errors import Invalid
from mainstay.kernel.fields import Field
from mainstay.modules.assets.categories.service import KINDS

_KEY = re.compile(r"[a-z][a-z0-9_]{0,63}")
_SYNONYMS = {
    "dropdown": "choice",
    "select": "choice",
    "numeric": "number",
    "int": "integer",
    "bool": "boolean",
    "string": "text",
    "textarea": "longtext",
    "multi_choice": "choices",
    "checkbox": "boolean",
}


def attributes(raw: Any, common: Collection[str], others: Mapping[str, Field]) -> list[dict[str, Any]]:
    """The attributes as they are stored. ``others``: what categories have already. Raises ``Invalid``."""
    if not isinstance(raw, list) or len(raw) > 200:
        raise Invalid.field("attributes", "Attributes must be a list of at most 200 objects.")
    made: dict[str, dict[str, Any]] = {}
    for item in raw:
        if not isinstance(item, Mapping):
            raise Invalid.field("attributes", 'An attribute must be an object such as {"label": "Slots"}.')
        label = str(item.get("label") or item.get("name") or item.get("key") or "").strip()[:120]
        key = str(item.get("key") or re.sub(r"[^a-z0-9]+", "_", label.lower()).strip("_"))[:64]
        kind = str(item.get("kind") or item.get("type") or "text").lower()
        kind = _SYNONYMS.get(kind, kind)
        if not _KEY.fullmatch(key):
            raise Invalid.field("attributes", f"{key[:64]!r} is not a key: use small letters, digits and _.")
        if key in common:
            raise Invalid.field("attributes", f"{key} is a field that every item has already. Choose another key.")
        if key in made:
            raise Invalid.field("attributes", f"The attribute {key} is there twice.")
        if kind not in KINDS:
            raise Invalid.field("attributes", f"{label}: {kind[:40]!r} is not a kind. Kinds: {', '.join(KINDS)}.")
        if key in others and others[key].kind != kind:
            raise Invalid.field(
                "attributes",
                f"Another category has {key} as {others[key].kind}. Use the same kind, or another key.",
            )
        choices = [
            str(one.get("name") if isinstance(one, Mapping) else one).strip()[:255]
            for one in item.get("choices") or item.get("options") or []
        ]
        if kind in ("choice", "choices") and not any(choices):
            raise Invalid.field("attributes", f"{label} needs choices.")
        made[key] = {
            "key": key,
            "label": label or key,
            "kind": kind,
            "required": bool(item.get("required")),
            "section": str(item.get("section") or "Attributes")[:120],
            "help": str(item.get("help") or "")[:500],
            "choices": list(dict.fromkeys(one for one in choices if one)),
        }
    return list(made.values())


def sections(raw: Any, known: Collection[str]) -> list[dict[str, Any]]:
    """The sections as they are stored. ``known``: the fields there are. Raises ``Invalid``."""
    if not isinstance(raw, list) or len(raw) > 50:
        raise Invalid.field("sections", "Sections must be a list of at most 50 objects.")
    made = []
    for item in raw:
        if not isinstance(item, Mapping) or not str(item.get("name") or "").strip():
            raise Invalid.field("sections", 'A section must be an object such as {"name": "Power", "fields": []}.')
        fields: dict[str, dict[str, Any]] = {}
        for given in item.get("fields") or []:
            one = given if isinstance(given, Mapping) else {"field": given}
            name = str(one.get("field") or one.get("name") or "")
            if name not in known:
                raise Invalid.field("sections", f"{name[:60]!r} in the section {item['name']} is not a field.")
            fields[name] = {"field": name, "required": bool(one.get("required"))}
        made.append({"name": str(item["name"]).strip()[:120], "fields": list(fields.values())})
    return made


def identifiers(raw: Any, known: Collection[str]) -> list[list[str]]:
    """The rules of uniqueness: each a list of fields. Raises ``Invalid``."""
    if not isinstance(raw, list) or len(raw) > 10:
        raise Invalid.field("identifiers", "Unique identifiers must be a list of at most 10 lists of fields.")
    made: list[list[str]] = []
    for item in raw:
        names: Sequence[Any] = item if isinstance(item, list) else [item]
        if not names or len(names) > 5:
            raise Invalid.field("identifiers", "A unique identifier needs one to five fields.")
        for name in names:
            if name not in known:
                raise Invalid.field("identifiers", f"{str(name)[:60]!r} is not a field to identify items by.")
        if list(names) not in made:
            made.append([str(name) for name in names])
    return made
