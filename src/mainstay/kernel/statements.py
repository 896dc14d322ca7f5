"""Statements that every request runs: built once, found among the compiled ones without being walked again, and run
without the ORM, whose share of a small statement's time is more than half."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec
from sqlalchemy import ARRAY, ColumnElement, Text, any_, bindparam, column, false, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.util import EMPTY_DICT

Statement = TypeVar("Statement", bound=Any)

WHOLE = "mainstay_whole"
"""Execution option of a statement that confines itself to an organization and leaves deleted rows out."""


ANY_ORGANIZATION = "*"
"""Session scope of installation-wide work (login look-up, feed consumers, backup)."""


def plain(statement: Statement) -> Statement:
    """The statement as one on tables: columns of mapped classes in it are read, but no objects and no criteria made."""
    statement._propagate_attrs = EMPTY_DICT
    return statement.execution_options(**{WHOLE: True})  # type: ignore[no-any-return]


def among(wanted: Any, sqlite: bool) -> ColumnElement[bool]:
    """The condition that a column's value is one of those given as ``among``: one parameter, however many they are."""
    if sqlite:
        given: Any = text("SELECT value FROM json_each(:among)").columns(column("value"))
        return wanted.in_(given)  # type: ignore[no-any-return]
    return wanted == any_(bindparam("among", type_=ARRAY(Text)))  # type: ignore[no-any-return]


def listed(values: Sequence[str], sqlite: bool) -> Any:
    """Values as ``among`` takes them."""
    return msgspec.json.encode(values).decode() if sqlite else values


def confined(session: AsyncSession, model: Any, statement: Statement) -> Statement:
    """What a session adds to a statement on ``model``, put into one that is to run ``plain``."""
    organization = session.sync_session.info["organization"]
    if organization != ANY_ORGANIZATION:
        statement = statement.where(model.organization == organization)
    return statement.where(model.is_deleted == false())  # type: ignore[no-any-return]


def fixed(statement: Statement) -> Statement:
    """A ``plain`` statement with its cache key worked out for good; values go in by ``bindparam``.

    Working the key out takes SQLAlchemy about as long as running a typical statement.
    """
    statement = plain(statement)
    key = statement._generate_cache_key()
    statement._generate_cache_key = lambda: key
    return statement
