"""Statements that every request runs: built once, found among the compiled ones without being walked again, and run
without the ORM, whose share of a small statement's time is more than half."""

from __future__ import annotations

from typing import Any, TypeVar

from sqlalchemy import false
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
