"""Many ids as one bound value, however many there are: a JSON document on SQLite, an array on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from sqlalchemy import BindParameter, ColumnElement, String, any_, bindparam, func, select
from sqlalchemy.dialects.postgresql import ARRAY


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
