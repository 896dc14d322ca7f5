"""Many ids as one bound value, however many there are: a JSON document on SQLite, an array on PostgreSQL. And there
and back: many rows of SQLite as one document, too."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import BindParameter, ColumnElement, String, any_, bindparam, func, select
from sqlalchemy.dialects.postgresql import ARRAY

MANY = 200
"""Ids from which on it pays to ask two questions at the same time."""


def value(sqlite: bool, ids: Iterable[str]) -> Any:
    """Ids as they are bound."""
    return msgspec.json.encode(list(ids)).decode() if sqlite else list(ids)


def bound(sqlite: bool, name: str, ids: Iterable[str] | None = None) -> BindParameter[Any]:
    """The parameter for ids; those that are given, or some that come with each run."""
    kind: Any = String() if sqlite else ARRAY(String)
    return bindparam(name, type_=kind) if ids is None else bindparam(name, value(sqlite, ids), type_=kind)


def among(sqlite: bool, column: Any, ids: BindParameter[Any]) -> ColumnElement[bool]:
    """The condition that a column holds one of them."""
    if sqlite:
        each = func.json_each(ids).table_valued("value", name=f"{ids.key}_each")
        return column.in_(select(each.c.value))  # type: ignore[no-any-return]
    made: ColumnElement[bool] = column == any_(ids)
    return made


def picked(sqlite: bool, statement: Any, column: Any, ids: BindParameter[Any]) -> Any:
    """The statement's rows of these ids: looked up one by one, however SQLite rates its other indexes."""
    if not sqlite:
        return statement.where(among(sqlite, column, ids))
    each = func.json_each(ids).table_valued("value", name=f"{ids.key}_each")
    return statement.select_from(each.join(column.class_, column == each.c.value))


def gathered(sqlite: bool, query: Any) -> Any:
    """The query, whose rows SQLite answers in one document: it does not come back to Python for each of them, so that
    two such questions are answered on two cores."""
    if not sqlite:
        return query
    inner = query.subquery("answer")
    return select(func.json_group_array(func.json_array(*inner.c)))


def rows(sqlite: bool, answer: Sequence[Any]) -> Sequence[Sequence[Any]]:
    """The rows of a query that was ``gathered``."""
    return msgspec.json.decode(answer[0][0]) if sqlite else answer
