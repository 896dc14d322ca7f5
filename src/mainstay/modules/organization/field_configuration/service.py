"""Which modules and fields can be configured, and reading a configuration as it is written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from mainstay.kernel import customfields
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Invalid
from mainstay.kernel.resource import Resource

# What people and older clients write for the four behaviours.
WORDS = {
    "visible": "visible",
    "editable": "visible",
    "read_only": "read_only",
    "readonly": "read_only",
    "read-only": "read_only",
    "visible read-only": "read_only",
    "disabled": "read_only",
    "disable": "read_only",
    "mandatory": "mandatory",
    "required": "mandatory",
    "hidden": "hidden",
    "hide": "hidden",
}
STATUS_FIELDS = ("status_id", "status")


def configurable(ctx: Context) -> list[Resource[Any]]:
    """Resources whose fields can be configured: those that can have custom fields."""
    return [res for res in ctx.platform.registry.resources.values() if res.custom_fields]


def module_of(ctx: Context, word: str) -> Resource[Any]:
    """The resource that a module's name or label means. Raises ``Invalid``."""
    low = str(word).strip().lower()
    for res in configurable(ctx):
        if low in (res.name, res.label.lower(), res.module.lower()):
            return res
    if low == "ticket" and "incident" in ctx.platform.registry.resources:
        return ctx.platform.registry.resources["incident"]
    known = ", ".join(res.name for res in configurable(ctx))
    raise Invalid.field("module", f"There is no module {low[:60]!r}. Modules: {known}.")


def statuses(res: Resource[Any]) -> list[dict[str, Any]]:
    """The statuses of a module, as a configuration names them."""
    spec = next((res.fields[name] for name in STATUS_FIELDS if name in res.fields), None)
    return [{"id": choice.name, "name": choice.name} for choice in spec.choices] if spec else []


def status_of(res: Resource[Any], word: str) -> str:
    """A status as the module spells it. Raises ``Invalid``."""
    word = word.strip()
    known = [item["name"] for item in statuses(res)]
    if not word or not known:
        return word
    for name in known:
        if name.lower() == word.lower():
            return str(name)
    spec = next(res.fields[name] for name in STATUS_FIELDS if name in res.fields)
    by_id = {str(choice.id): choice.name for choice in spec.choices}
    if word in by_id:
        return by_id[word]
    raise Invalid.field(
        "status", f"{word[:60]!r} is not a status of {res.label.lower()}. Statuses: {', '.join(known)}."
    )


async def field_names(ctx: Context, res: Resource[Any]) -> list[dict[str, Any]]:
    """The fields a configuration can name, custom ones included."""
    custom = await customfields.of(ctx, res)
    every = [*res.writable().values(), *custom.values()]
    return [{"name": spec.name, "label": spec.label, "kind": spec.kind, "custom": spec.custom} for spec in every]


async def behaviours(ctx: Context, res: Resource[Any], raw: Any) -> dict[str, str]:
    """A checked configuration: field → behaviour. Raises ``Invalid`` naming what is wrong in it."""
    if isinstance(raw, list):
        raw = {
            str(item.get("field") or item.get("name")): item.get("behaviour", item.get("behavior"))
            for item in raw
            if isinstance(item, Mapping)
        }
    if not isinstance(raw, Mapping):
        raise Invalid.field("field_config", 'Behaviour by field must be an object such as {"summary": "mandatory"}.')
    known = {item["name"]: item["label"] for item in await field_names(ctx, res)}
    aliases = {alias: name for name, spec in res.writable().items() for alias in spec.aliases}
    found: dict[str, str] = {}
    for given, word in raw.items():
        name = str(given if given in known else aliases.get(given, given))
        if name not in known:
            raise Invalid.field("field_config", f"{res.label} has no field {str(given)[:60]!r}.")
        if isinstance(word, Mapping):
            word = word.get("behaviour", word.get("behavior"))
        behaviour = WORDS.get(str(word).strip().lower())
        if behaviour is None:
            raise Invalid.field(
                "field_config",
                f"{known[name]}: {str(word)[:40]!r} is not a behaviour. "
                f"Behaviours: {', '.join(customfields.BEHAVIOURS)}.",
            )
        spec = res.fields.get(name)
        if behaviour == customfields.HIDDEN and spec is not None and spec.required:
            raise Invalid.field(
                "field_config",
                f"{known[name]} is needed on every {res.label.lower()}; it cannot be "
                "hidden. Make it read-only instead.",
            )
        found[name] = behaviour
    return found


def unwrap(data: dict[str, Any]) -> dict[str, Any]:
    """Clients send the whole configuration as JSON text in ``field_config``, or the behaviours alone."""
    inner = data.get("field_config")
    if isinstance(inner, str) and inner.strip():
        try:
            inner = msgspec.json.decode(inner)
        except msgspec.DecodeError:
            raise Invalid.field("field_config", "Behaviour by field must be JSON.") from None
    if isinstance(inner, Mapping) and "module" in inner and ("fields" in inner or "field_config" in inner):
        outer = {key: value for key, value in data.items() if key != "field_config"}
        flat = {key: value for key, value in inner.items() if key not in ("fields", "field_config")}
        return {**flat, **outer, "field_config": inner.get("fields", inner.get("field_config"))}
    if isinstance(inner, list):
        inner = {
            str(item.get("field") or item.get("name")): item.get("behaviour", item.get("behavior"))
            for item in inner
            if isinstance(item, Mapping)
        }
    return data if inner is None else {**data, "field_config": inner}
