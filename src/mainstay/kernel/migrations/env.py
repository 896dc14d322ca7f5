"""Alembic's environment: migrates the database of this installation's settings."""

from __future__ import annotations

from typing import Any

from alembic import context
from sqlalchemy import create_engine, pool

from mainstay.app import build_registry
from mainstay.kernel.record import Base, Identifier, JsonType, Timestamp


def render(kind: str, value: Any, autogen: Any) -> Any:
    """Migrations name the house's own types, not what they happen to be on one database."""
    if kind == "type" and isinstance(value, Timestamp):
        autogen.imports.add("from mainstay.kernel.record import Timestamp")
        return "Timestamp()"
    if kind == "type" and value is JsonType:
        autogen.imports.add("from mainstay.kernel.record import JsonType")
        return "JsonType"
    if kind == "type" and value is Identifier:
        autogen.imports.add("from mainstay.kernel.record import Identifier")
        return "Identifier"
    return False


def ours(_object: Any, name: str | None, kind: str, reflected: bool, other: Any) -> bool:
    """The jobs engine makes and keeps its own tables; everything else in the database is declared here."""
    return not (kind == "table" and reflected and other is None and name in ENGINE_TABLES)


ENGINE_TABLES = frozenset({"job_effect"})
build_registry()  # every table is declared by importing the features
url = context.config.get_main_option("sqlalchemy.url") or ""
engine = create_engine(url, poolclass=pool.NullPool)
with engine.connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_item=render,
        include_object=ours,
        compare_type=False,
        render_as_batch=connection.dialect.name == "sqlite",
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()
