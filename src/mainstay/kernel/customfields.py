"""Custom fields of any resource, and how fields behave per role and status."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import String, select
from sqlalchemy.orm import Mapped, mapped_column

from mainstay.kernel import fields as f
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Invalid
from mainstay.kernel.fields import Choice, Field
from mainstay.kernel.generation import cached
from mainstay.kernel.record import Record, unique
from mainstay.kernel.resource import Resource
from mainstay.kernel.validation import BadValue, read

KINDS = (
    Choice("text", "Text"), Choice("longtext", "Long text"), Choice("integer", "Whole number"),
    Choice("number", "Number"), Choice("date", "Date"), Choice("datetime", "Date and time"),
    Choice("choice", "Choice"), Choice("choices", "Multiple choice"), Choice("user", "User"),
    Choice("boolean", "Yes or no"),
)  # fmt: skip

VISIBLE, READ_ONLY, MANDATORY, HIDDEN = "visible", "read_only", "mandatory", "hidden"
BEHAVIOURS = (VISIBLE, READ_ONLY, MANDATORY, HIDDEN)


class CustomField(Record):
    """A field that an organization adds to a resource; values live in the record's ``custom_field_data``."""

    __tablename__ = "custom_field"
    __table_args__ = (unique("custom_field", "resource", "key"),)

    resource: Mapped[str] = f.text(label="Resource", required=True, length=64, column=True)
    key: Mapped[str] = f.text(label="Key", length=64, column=True, search=True,
                              help="Letters, digits and _; made from the label when left out.")  # fmt: skip
    label: Mapped[str] = f.text(label="Label", required=True, length=120, column=True, search=True)
    kind: Mapped[str] = f.choice(KINDS, default="text", label="Kind", column=True)
    choices: Mapped[list[str]] = f.tags(label="Choices", help="The options of a choice, one each.")
    required: Mapped[bool] = f.boolean(label="Mandatory", column=True)
    section: Mapped[str] = f.text(label="Section", length=120)
    help: Mapped[str] = f.text(label="Help", length=500)


class FieldConfig(Record):
    """How fields behave for a role while a record is in a status. Empty role or status: all of them."""

    __tablename__ = "field_config"

    module: Mapped[str] = f.text(label="Module", required=True, length=64, column=True, search=True)
    workflow_id: Mapped[str] = f.text(label="Workflow ID", length=64)
    workflow_name: Mapped[str] = f.text(label="Workflow", column=True)
    role: Mapped[str | None] = f.reference("role", label="Role", column=True)
    status: Mapped[str] = f.text(label="Status", length=120, column=True,
                                 help="Name of the status in which this holds; empty for all.")  # fmt: skip
    is_enabled: Mapped[bool] = f.boolean(default=True, label="Enabled", column=True)
    field_config: Mapped[dict[str, Any]] = f.json(label="Behaviour by field")
    position: Mapped[int] = mapped_column(default=0)
    note: Mapped[str] = mapped_column(String(255), default="")


_more: dict[str, Callable[[Context], Awaitable[dict[str, Field]]]] = {}


def extend(resource: str, load: Callable[[Context], Awaitable[dict[str, Field]]]) -> None:
    """Let a feature give a resource further custom fields, which it keeps itself.

    What ``load`` reads must be of resources whose changes raise the configuration's generation.
    """
    _more[resource] = load


async def of(ctx: Context, res: Resource[Any]) -> dict[str, Field]:
    """The custom fields of a resource in the caller's organization, by key."""
    grouped = await cached(ctx, "custom_fields", _load_fields)
    return grouped.get(res.name, {})


async def _load_fields(ctx: Context) -> dict[str, dict[str, Field]]:
    rows = (await ctx.session.execute(select(CustomField).order_by(CustomField.creation_time))).scalars()
    grouped: dict[str, dict[str, Field]] = {}
    for row in rows:
        grouped.setdefault(row.resource, {})[row.key] = as_field(row)
    for name, load in _more.items():
        grouped[name] = {**await load(ctx), **grouped.get(name, {})}
    return grouped


def as_field(row: CustomField) -> Field:
    """A custom field as the declaration of a field."""
    kind: Any = row.kind
    options = tuple(Choice(name, name) for name in row.choices)
    limit = 100_000 if kind == "longtext" else 1000
    whole = 2**53 - 1  # what JSON numbers hold exactly
    return Field(
        name=row.key, kind=kind, label=row.label, required=row.required, choices=options, max_length=limit,
        section=row.section or "Custom fields", help=row.help, custom=True, listed=False,
        minimum=-whole if kind in ("integer", "number") else None,
        maximum=whole if kind in ("integer", "number") else None, reference="user" if kind == "user" else "",
    )  # fmt: skip


def read_custom(
    declared: Mapping[str, Field], data: Any, *, partial: bool, before: Mapping[str, Any]
) -> dict[str, Any]:
    """The new ``custom_field_data`` from input. Raises ``Invalid`` naming ``custom_field_data.<key>``."""
    if isinstance(data, list):
        # The documented form of a ticket: [{"key" | "name", "value"}]
        named = [(item.get("key") or item.get("name"), item.get("value")) for item in data if isinstance(item, Mapping)]
        data = {str(key): value for key, value in named if key}
    if not isinstance(data, Mapping):
        raise Invalid.field("custom_field_data", "Custom fields must be an object of key and value.")
    errors: dict[str, list[str]] = {}
    values = dict(before)
    for key, raw in data.items():
        spec = declared.get(key)
        if spec is None:
            known = ", ".join(declared) or "none are declared"
            errors[f"custom_field_data.{str(key)[:64]}"] = [f"There is no such custom field; known: {known}."]
            continue
        try:
            value = read(spec, raw)
        except BadValue as bad:
            errors[f"custom_field_data.{key}"] = [str(bad)]
            continue
        if value in (None, "", []):
            values.pop(key, None)
        else:
            values[key] = value.isoformat() if hasattr(value, "isoformat") else value
    if not partial:
        for key, spec in declared.items():
            if spec.required and values.get(key) in (None, "", []):
                errors.setdefault(f"custom_field_data.{key}", [f"Please provide {spec.label.lower()}."])
    if errors:
        raise Invalid(fields=errors)
    return values


async def rules(ctx: Context, res: Resource[Any], status: str = "") -> dict[str, str]:
    """Field → behaviour for the caller's roles in this status. The strictest of the role's own wins."""
    who = ctx.principal
    found: dict[str, str] = {}
    if who.kind == "system":
        return found
    for row in await cached(ctx, "field_rules", _load_rules):
        if row.module != res.name or (row.role and row.role not in who.roles):
            continue
        if row.status and row.status.lower() != status.lower():
            continue
        for name, behaviour in row.field_config.items():
            if behaviour in BEHAVIOURS and BEHAVIOURS.index(behaviour) >= BEHAVIOURS.index(found.get(name, VISIBLE)):
                found[name] = behaviour
    return found


async def ruled(ctx: Context, res: Resource[Any]) -> bool:
    """Whether any rule of a resource's fields is for the caller."""
    who = ctx.principal
    if not res.custom_fields or who.kind == "system":
        return False
    known = await cached(ctx, "field_rules", _load_rules)
    return any(row.module == res.name and (not row.role or row.role in who.roles) for row in known)


async def by_status(ctx: Context, res: Resource[Any]) -> dict[str, dict[str, str]]:
    """What ``rules`` answers for each status that has rules of its own, by its name in small letters."""
    every = await cached(ctx, "field_rules", _load_rules)
    states = {row.status.lower() for row in every if row.module == res.name and row.status}
    return {status: await rules(ctx, res, status) for status in sorted(states)}


async def _load_rules(ctx: Context) -> list[FieldConfig]:
    query = select(FieldConfig).where(FieldConfig.is_enabled.is_(True)).order_by(FieldConfig.creation_time)
    return list((await ctx.session.execute(query)).scalars())


def status_of(res: Resource[Any], values: Mapping[str, Any]) -> str:
    """The name of the status that a record is in, or is created in; empty where it has none."""
    for name in ("status_id", "status"):
        spec = res.fields.get(name)
        if spec is not None:
            held = values.get(name, spec.default)
            return next((choice.name for choice in spec.choices if choice.id == held), str(held or ""))
    return ""


async def hidden(ctx: Context, res: Resource[Any], status: str | None = None) -> set[str]:
    """Fields that the caller does not see in a status; without one: in any status (for what mixes records)."""
    if not res.custom_fields:
        return set()
    if status is not None:
        return {name for name, behaviour in (await rules(ctx, res, status)).items() if behaviour == HIDDEN}
    states = {row.status for row in await cached(ctx, "field_rules", _load_rules) if row.module == res.name}
    found: set[str] = set()
    for state in states:
        found |= await hidden(ctx, res, state)
    return found


async def conceal(ctx: Context, res: Resource[Any], rows: Sequence[dict[str, Any]]) -> None:
    """Take out of rows what the caller may not see in them, and values of custom fields that were deleted."""
    if not res.custom_fields or not rows:
        return
    if any(row.get("custom_field_data") for row in rows):
        known = await of(ctx, res)
        for row in rows:
            held = row.get("custom_field_data") or {}
            row["custom_field_data"] = {key: value for key, value in held.items() if key in known}
    if not await hidden(ctx, res):
        return
    by_status: dict[str, set[str]] = {}
    for row in rows:
        status = status_of(res, row)
        if status not in by_status:
            by_status[status] = await hidden(ctx, res, status)
        for name in by_status[status]:
            mirrors = [mirror for mirror, source in res.mirrors.items() if source in (name, f"{name}_name")]
            for key in (name, f"{name}_name", *mirrors):
                row.pop(key, None)
            (row.get("custom_field_data") or {}).pop(name, None)


async def enforce(
    ctx: Context,
    res: Resource[Any],
    values: Mapping[str, Any],
    status: str,
    current: Mapping[str, Any] | None,
) -> None:
    """Refuse writes to read-only and hidden fields and missing mandatory ones. Raises ``Invalid``.

    ``current``: the record before the change; ``None`` when it is created.
    """
    status = status or status_of(res, values if current is None else current)
    errors: dict[str, list[str]] = {}
    for name, behaviour in (await rules(ctx, res, status)).items():
        spec = res.fields.get(name) or (await of(ctx, res)).get(name)
        if spec is None:
            continue
        before = _held(spec, current or {})
        written = name in (values.get("custom_field_data") or () if spec.custom else values)
        if spec.custom and current is not None and "custom_field_data" in values:
            written = True
        given = _held(spec, values) if written else before
        if behaviour in (READ_ONLY, HIDDEN):
            usual = spec.default if current is None else before
            if written and given != usual and not (_blank(given) and _blank(usual)):
                errors[name] = [f"{spec.label} cannot be changed by your role{f' in {status}' if status else ''}."]
        elif behaviour == MANDATORY and _blank(given):
            errors[name] = [f"Please provide {spec.label.lower()}."]
    if errors:
        raise Invalid(fields=errors)


def _held(spec: Field, values: Mapping[str, Any]) -> Any:
    return (values.get("custom_field_data") or {}).get(spec.name) if spec.custom else values.get(spec.name)


def _blank(value: Any) -> bool:
    return value is None or value in ("", [], {})
