"""The tree of categories as everybody needs it: what each has of its own and from above. Kept in memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import select

from mainstay.kernel.context import Context
from mainstay.kernel.errors import Invalid
from mainstay.kernel.fields import Choice, Field
from mainstay.kernel.generation import CONFIGURATION, cached
from mainstay.modules.assets.categories.tables import Category

CONFIGURATION.add("ci_category")
MAX_DEPTH = 20
KINDS = ("text", "longtext", "integer", "number", "date", "datetime", "choice", "choices", "user", "boolean")


@dataclass(slots=True)
class Class:
    """A category with everything it has from the ones it is part of."""

    id: str
    name: str
    parent: str | None
    icon: str
    abstract: bool
    enabled: bool
    path: tuple[str, ...] = ()
    """Ids from the top to this one."""
    attributes: dict[str, Field] = field(default_factory=dict)
    required: frozenset[str] = frozenset()
    """Names of common fields and keys of attributes that every item of this class must have."""
    sections: tuple[dict[str, Any], ...] = ()
    identifiers: tuple[tuple[str, ...], ...] = ()


async def classes(ctx: Context) -> dict[str, Class]:
    """Every category by id."""
    return await cached(ctx, "ci_categories", _load)


async def _load(ctx: Context) -> dict[str, Class]:
    query = select(Category).order_by(Category.name)
    rows = {row.id: row for row in (await ctx.session.execute(query)).scalars()}
    made: dict[str, Class] = {}
    for key in rows:
        _make(key, rows, made, 0)
    return {key: made[key] for key in rows}


def _make(key: str, rows: Mapping[str, Category], made: dict[str, Class], depth: int) -> Class:
    if key in made:
        return made[key]
    row = rows[key]
    above = (
        _make(row.parent, rows, made, depth + 1) if row.parent and row.parent in rows and depth < MAX_DEPTH else None
    )
    own = {item["key"]: as_field(item) for item in row.attributes}
    needed = {item["key"] for item in row.attributes if item.get("required")}
    for section in row.sections:
        needed |= {item["field"] for item in section.get("fields", ()) if item.get("required")}
    base = above or Class("", "", None, "", False, True)
    made[key] = Class(
        id=key,
        name=row.name,
        parent=row.parent,
        icon=row.icon or base.icon,
        abstract=row.abstract,
        enabled=row.is_enabled,
        path=(*base.path, key),
        attributes={**base.attributes, **own},
        required=base.required | needed,
        sections=_merge(base.sections, row.sections),
        identifiers=(
            *(tuple(item) for item in row.identifiers if tuple(item) not in base.identifiers),
            *base.identifiers,
        ),
    )
    return made[key]


def _merge(above: Iterable[Mapping[str, Any]], own: Iterable[Mapping[str, Any]]) -> tuple[dict[str, Any], ...]:
    """Sections by name, those from above first; a field that is named again is as it is named last."""
    merged: dict[str, dict[str, Any]] = {}
    for section in (*above, *own):
        fields = merged.setdefault(section["name"], {})
        fields.update({item["field"]: dict(item) for item in section.get("fields", ())})
    return tuple({"name": name, "fields": list(fields.values())} for name, fields in merged.items())


def as_field(item: Mapping[str, Any]) -> Field:
    """An attribute as the declaration of a field. Whether it is mandatory depends on the item's category."""
    kind = item.get("kind", "text")
    whole = 2**53 - 1  # what JSON numbers hold exactly
    numeric = kind in ("integer", "number")
    return Field(
        name=item["key"],
        kind=kind,
        label=item.get("label") or item["key"],
        custom=True,
        listed=False,
        choices=tuple(Choice(name, name) for name in item.get("choices") or ()),
        max_length=100_000 if kind == "longtext" else 1000,
        section=item.get("section") or "Attributes",
        help=item.get("help", ""),
        minimum=-whole if numeric else None,
        maximum=whole if numeric else None,
        reference="user" if kind == "user" else "",
    )


async def attributes(ctx: Context) -> dict[str, Field]:
    """Every attribute of any category, by key; the choices of those that share a key are put together."""
    found: dict[str, Field] = {}
    for one in (await classes(ctx)).values():
        for key, spec in one.attributes.items():
            if key in found and found[key].choices != spec.choices:
                known = {choice.id: choice for choice in (*found[key].choices, *spec.choices)}
                spec = replace(found[key], choices=tuple(known.values()))
            found[key] = spec
    return found


def below(known: Mapping[str, Class], category: str) -> list[str]:
    """The category and everything that is part of it."""
    return [key for key, one in known.items() if category in one.path]


async def by_name(ctx: Context, wanted: str) -> Class | None:
    """A category by id, or by name without regard to case."""
    known = await classes(ctx)
    if wanted in known:
        return known[wanted]
    low = wanted.strip().lower()
    return next((one for one in known.values() if one.name.lower() == low), None)


async def one(ctx: Context, wanted: str) -> Class:
    """The same. Raises ``Invalid``."""
    found = await by_name(ctx, wanted)
    if found is None:
        raise Invalid.field("category", f"There is no category {wanted[:80]!r}.")
    return found
