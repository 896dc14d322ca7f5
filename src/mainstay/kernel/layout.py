"""The columns of a resource's rows, with the names of what they refer to: one statement reads them all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, and_, bindparam, false, func, select

from mainstay.kernel import direct
from mainstay.kernel.context import Context
from mainstay.kernel.resource import Resource, f_stamps
from mainstay.kernel.statements import plain

HEAVY = frozenset({"longtext", "html", "secret"})


@dataclass(slots=True)
class Layout:
    """The columns of a resource's rows, in the order they are selected."""

    names: list[str]
    statement: Select[Any]
    by_id: direct.Statement
    """One row of an organization; takes ``wanted`` and ``in_organization``."""
    choices: list[tuple[str, str, dict[Any, str]]]
    joined: list[str]
    """Links whose names are looked up."""


def layout(ctx: Context, res: Resource[Any], *, whole: bool) -> Layout:
    """Columns, joins and choice labels; built once per resource. ``whole``: long texts too."""
    key = ("layout", whole)
    if key not in res.memory:
        model = res.model
        names, columns, joins, joined = ["id"], [model.id], [], list[str]()
        for name, spec in res.fields.items():
            if (not spec.listed or (spec.kind in HEAVY and not spec.column)) and not whole:
                continue
            names.append(name)
            columns.append(getattr(model, name))
            target = ctx.platform.registry.resources.get(spec.reference) if name in res.links else None
            if target is not None and not _named_itself(res, name):
                joined.append(name)
                # A plain table, not an entity: the name of what was deleted since must stay readable.
                other = target.model.__table__.alias(f"{name}_of")
                joins.append((other, and_(other.c.id == getattr(model, name),
                                          other.c.organization == model.organization)))  # fmt: skip
                names.append(f"{name}_name")
                columns.append(_title(target, other).label(f"{name}_name"))
        for name in (*f_stamps(), *(["custom_field_data"] if res.custom_fields else [])):
            names.append(name)
            columns.append(getattr(model, name))
        statement = select(*columns).select_from(model)
        for other, condition in joins:
            statement = statement.outerjoin(other, condition)
        labels = [
            (name, f"{name}_name", {choice.id: choice.name for choice in spec.choices})
            for name, spec in res.fields.items()
            if spec.kind == "choice" and name in names
        ]
        by_id = statement.where(
            model.id == bindparam("wanted"),
            model.organization == bindparam("in_organization"),
            model.is_deleted == false(),
        )
        res.memory[key] = Layout(names, statement, direct.Statement(plain(by_id)), labels, joined)
    found: Layout = res.memory[key]
    return found


def _named_itself(res: Resource[Any], name: str) -> bool:
    """Whether a record keeps the name of what a link refers to, in a field after the link."""
    after = list(res.fields).index(name)
    own = f"{name}_name"
    return own in res.fields and list(res.fields).index(own) > after and res.fields[own].listed


def _title(target: Resource[Any], table: Any) -> Any:
    column = table.c[target.title]
    if target.name == "user":
        return func.coalesce(func.nullif(column, ""), table.c.username)
    return column


def finish(res: Resource[Any], shape: Layout, raw: Sequence[Any]) -> dict[str, Any]:
    """A selected row as a dictionary, with choice labels, the documented id and mirrored names."""
    row = dict(zip(shape.names, raw, strict=True))
    for name, label, known in shape.choices:
        row.setdefault(label, known.get(row[name]))
    row[res.id_name] = row["id"]
    for mirror, original in res.mirrors.items():
        row[mirror] = row.get(original)
    return row
