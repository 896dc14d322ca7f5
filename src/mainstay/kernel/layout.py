"""The columns of a resource's rows, with the names of what they refer to: one statement reads them all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, and_, bindparam, false, func, select
from sqlalchemy.orm import join

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
    columns: list[Any]
    joins: list[tuple[Any, Any]]
    """Tables that names are looked up in, and how."""
    joined: list[str]
    """Links whose names are looked up."""
    added: list[tuple[str, int, dict[Any, str] | None]]
    """What stands behind the columns: a name, the place of the column it is made of, the labels of a choice."""

    def page(self, ids: Any, model: Any) -> Select[Any]:
        """The rows of some ids. These come first: PostgreSQL takes more than eight tables in the order they are named
        in, and would look up the names of every record before it picks those of the page."""
        return _named(select(*self.columns).select_from(join(ids, model, ids.c.id == model.id)), self.joins)


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
        statement = _named(select(*columns).select_from(model), joins)
        added: list[tuple[str, int, dict[Any, str] | None]] = [
            (f"{name}_name", names.index(name), {choice.id: choice.name for choice in spec.choices})
            for name, spec in res.fields.items()
            if spec.kind == "choice" and name in names and f"{name}_name" not in names
        ]
        places = {name: place for place, name in enumerate([*names, *(label for label, _of, _labels in added)])}
        places.setdefault(res.id_name, 0)
        # A mirror of what this selection leaves out is empty.
        added += [(res.id_name, 0, None), *((name, places.get(of, -1), None) for name, of in res.mirrors.items())]
        by_id = statement.where(
            model.id == bindparam("wanted"),
            model.organization == bindparam("in_organization"),
            model.is_deleted == false(),
        )
        res.memory[key] = Layout(names, statement, direct.Statement(plain(by_id)), columns, joins, joined, added)
    found: Layout = res.memory[key]
    return found


def _named(statement: Select[Any], joins: Sequence[tuple[Any, Any]]) -> Select[Any]:
    for other, condition in joins:
        statement = statement.outerjoin(other, condition)
    return statement


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


def finish(shape: Layout, raw: Sequence[Any]) -> dict[str, Any]:
    """A selected row as a dictionary, with choice labels, the documented id and mirrored names."""
    (row,) = finish_all(shape, [raw])
    return row


def finish_all(shape: Layout, raw: Sequence[Sequence[Any]]) -> list[dict[str, Any]]:
    """Selected rows as dictionaries; columns behind those of the layout are left out."""
    if not raw:
        return []
    # Column by column: a page has thousands of values.
    columns: list[Sequence[Any]] = list(zip(*raw, strict=True))
    del columns[len(shape.names) :]
    names = [*shape.names]
    for name, place, labels in shape.added:
        names.append(name)
        if place < 0:
            columns.append([None] * len(raw))
        elif labels is None:
            columns.append(columns[place])
        else:
            columns.append([labels.get(value) for value in columns[place]])
    return [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]
