"""Custom fields: what an organization adds to the fields of a module."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import func, select, type_coerce
from sqlalchemy.dialects.postgresql import JSONB

from mainstay.kernel.context import Context
from mainstay.kernel.customfields import CustomField
from mainstay.kernel.errors import Conflict, Invalid
from mainstay.kernel.resource import Behaviour, Resource
from mainstay.modules.organization.field_configuration import service

_KEY = re.compile(r"[a-z][a-z0-9_]{0,63}")
MOST = 200
"""Custom fields of one module."""


class CustomFields(Behaviour[CustomField]):
    async def prepare(self, ctx: Context, rows: list[dict[str, Any]], given: Sequence[Mapping[str, Any]]) -> None:
        taken = await _keys(ctx)
        for row in rows:
            res = _resource(ctx, row["resource"])
            row["resource"] = res.name
            mine = taken.setdefault(res.name, set())
            if len(mine) >= MOST:
                raise Conflict(f"{res.label} has {MOST} custom fields; that is the most.")
            _check_choices(row["kind"] if row.get("kind") else "text", row.get("choices") or [])
            if row.get("key"):
                _check_key(row["key"], res)
                await _refuse_old(ctx, res, row["key"], row.get("kind") or "text")
            else:
                row["key"] = await _free_key(ctx, res, row, mine)
            mine.add(row["key"])

    async def change(self, ctx: Context, entity: CustomField, values: dict[str, Any], given: Mapping[str, Any]) -> None:
        for name, label in (("resource", "module"), ("key", "key"), ("kind", "kind")):
            if not values.get(name):
                values.pop(name, None)
            if values.get(name, getattr(entity, name)) == getattr(entity, name):
                continue
            if name == "resource" or await _used(ctx, _resource(ctx, entity.resource), entity.key):
                raise Invalid.field(name, f"The {label} of a custom field in use cannot change. Make a new field.")
            if name == "key":
                _check_key(values["key"], _resource(ctx, entity.resource))
        _check_choices(values.get("kind", entity.kind), values.get("choices", entity.choices))


def _resource(ctx: Context, word: str) -> Resource[Any]:
    try:
        return service.module_of(ctx, word)
    except Invalid as error:
        raise Invalid.field("resource", error.error) from None


def _check_choices(kind: str, choices: Sequence[str]) -> None:
    if kind in ("choice", "choices") and not choices:
        raise Invalid.field("choices", "Please provide choices.")
    if len(choices) != len({item.lower() for item in choices}):
        raise Invalid.field("choices", "Each choice must be there once.")


def _check_key(key: str, res: Resource[Any]) -> None:
    if not _KEY.fullmatch(key):
        raise Invalid.field("key", "Key must start with a letter and hold lower-case letters, digits and _ only.")
    if _builtin(key, res):
        raise Invalid.field("key", f"{res.label} has a field {key!r} already. Choose another key.")


def _builtin(key: str, res: Resource[Any]) -> bool:
    return key in res.fields or key in res.stamps() or key in ("id", res.id_name, "custom_field_data")


def key_from(label: str) -> str:
    """A key from a label: plain letters, digits and _."""
    plain = unicodedata.normalize("NFKD", label).encode("ascii", "ignore").decode().lower()
    key = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")[:50]
    return key if key[:1].isalpha() else f"field_{key}".rstrip("_")


async def _keys(ctx: Context) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for row in (await ctx.session.execute(select(CustomField.resource, CustomField.key))).all():
        found.setdefault(row.resource, set()).add(row.key)
    return found


async def _free_key(ctx: Context, res: Resource[Any], row: Mapping[str, Any], taken: set[str]) -> str:
    base = key_from(row["label"])
    for number in range(1, 500):
        key = base if number == 1 else f"{base}_{number}"
        if key in taken or _builtin(key, res):
            continue
        if await _old_kind(ctx, res, key) in (None, row.get("kind") or "text"):
            return key
    raise Invalid.field("label", "No key can be made from this label. Provide a key.")


async def _old_kind(ctx: Context, res: Resource[Any], key: str) -> str | None:
    """The kind of a deleted field of this key whose values are still stored."""
    query = (
        select(CustomField.kind)
        .where(CustomField.resource == res.name, CustomField.key == key, CustomField.is_deleted.is_(True))
        .order_by(CustomField.last_update_time.desc())
        .limit(1)
        .execution_options(include_deleted=True)
    )
    kind = await ctx.session.scalar(query)
    return kind if kind is not None and await _used(ctx, res, key) else None


async def _refuse_old(ctx: Context, res: Resource[Any], key: str, kind: str) -> None:
    old = await _old_kind(ctx, res, key)
    if old not in (None, kind):
        raise Invalid.field(
            "key",
            f"Records still hold values of a deleted field {key!r} of the kind {old}. Choose another key.",
        )


async def _used(ctx: Context, res: Resource[Any], key: str) -> bool:
    """Whether a record holds a value of this key."""
    document = res.model.custom_field_data
    if ctx.platform.database.is_sqlite:
        holds = func.json_type(document, f'$."{key}"').is_not(None)
    else:
        holds = type_coerce(document, JSONB).has_key(key)
    return await ctx.session.scalar(select(res.model.id).where(holds).limit(1)) is not None


custom_fields = Resource(
    CustomField,
    module="Custom Fields",
    path="/api/custom-fields/",
    label="Custom field",
    title="label",
    area="settings",
    section="Configuration",
    behaviour=CustomFields(),
    custom_fields=False,
    sample={
        "resource": "department",
        "label": "Cost centre",
        "kind": "text",
        "choices": [],
        "required": False,
        "section": "Finance",
        "help": "As the accounts department writes it.",
    },
)
