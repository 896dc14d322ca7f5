"""The base of every stored row: identity, organization, audit stamps, version, soft delete.

Identifiers are UUIDv7 (RFC 9562) written in base 36: 25 characters that sort by creation time and fit the
documented ``string(25)``.
"""

from __future__ import annotations

import os
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    DateTime,
    Dialect,
    Index,
    Integer,
    MetaData,
    String,
    column,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator, TypeEngine

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_PAIRS = [a + b for a in _DIGITS for b in _DIGITS]
_LOW = 36**12
"""What the last twelve digits count to: all that differs between the ids of one batch, but seldom."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_lock = threading.Lock()
_last = 0


def new_id() -> str:
    """A new identifier; ascending within a process."""
    global _last
    drawn = _drawn()
    with _lock:
        # Two ids of one millisecond must keep their order: history and paging by id rely on it.
        _last = drawn if drawn > _last else _last + 1 + (drawn & 0xFFFF)
        value = _last
    return _written(value, 12)


def new_ids(count: int) -> list[str]:
    """Many new identifiers, ascending: each a random step behind the one before, as within one millisecond."""
    global _last
    steps = memoryview(os.urandom(2 * count)).cast("H")
    drawn = _drawn()
    with _lock:
        value = drawn if drawn > _last else _last
        _last = value + sum(steps) + count
    made, high, head = [], -1, ""
    for step in steps:
        value += step + 1
        beyond, low = divmod(value, _LOW)
        if beyond != high:
            high, head = beyond, _written(beyond, 6)
        low, f = divmod(low, 1296)
        low, e = divmod(low, 1296)
        low, d = divmod(low, 1296)
        low, c = divmod(low, 1296)
        a, b = divmod(low, 1296)
        made.append(f"{head}{_PAIRS[a]}{_PAIRS[b]}{_PAIRS[c]}{_PAIRS[d]}{_PAIRS[e]}{_PAIRS[f]}")
    return made


def _drawn() -> int:
    """A UUIDv7 of this moment."""
    millis = time.time_ns() // 1_000_000
    random = int.from_bytes(os.urandom(10), "big")
    return (millis << 80) | (7 << 76) | (((random >> 62) & 0xFFF) << 64) | (2 << 62) | (random & ((1 << 62) - 1))


def _written(value: int, pairs: int) -> str:
    """A number in base 36: so many pairs of digits behind one more."""
    parts = []
    for _ in range(pairs):
        value, rest = divmod(value, 1296)
        parts.append(_PAIRS[rest])
    parts.append(_DIGITS[value])
    return "".join(reversed(parts))


class Timestamp(TypeDecorator[datetime]):
    """UTC instants: ``timestamptz`` on PostgreSQL, microseconds since 1970 on SQLite (sortable, cheap to read)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        sqlite = dialect.name == "sqlite"
        return dialect.type_descriptor(BigInteger() if sqlite else DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            value = value.replace(tzinfo=UTC)
        if dialect.name == "sqlite":
            delta = value - _EPOCH
            return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds
        return value

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        # One call per value; a page of rows has hundreds of them.
        return _instant if dialect.name == "sqlite" else None


def _instant(value: int | None) -> datetime | None:
    return None if value is None else _EPOCH + timedelta(microseconds=value)


JsonType = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
# Identifiers and codes compare by byte on both databases; a locale's order would break keyset paging.
Identifier = String(25).with_variant(String(25, collation="C"), "postgresql")


class Base(DeclarativeBase):
    """Root of all tables."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class Scoped:
    """Mixin of every table whose rows belong to one organization; queries on it are scoped by the session."""

    organization: Mapped[str] = mapped_column(Identifier)


class Record(Scoped, Base):
    """Base of the tables behind resources."""

    __abstract__ = True
    __mapper_args__ = {"eager_defaults": False}

    id: Mapped[str] = mapped_column(Identifier, primary_key=True, default=new_id)
    creation_time: Mapped[datetime] = mapped_column(Timestamp)
    created_by: Mapped[int] = mapped_column(Integer, default=0)
    last_update_time: Mapped[datetime] = mapped_column(Timestamp)
    modified_by: Mapped[int] = mapped_column(Integer, default=0)
    version: Mapped[int] = mapped_column(Integer, default=1)
    is_deleted: Mapped[bool] = mapped_column(Boolean, default=False)
    is_demo_data: Mapped[bool] = mapped_column(Boolean, default=False)
    custom_field_data: Mapped[dict[str, Any]] = mapped_column(JsonType, default=dict)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "__tablename__" in cls.__dict__:
            # The order every list falls back to, so that its pages need no sort.
            columns = cls.__table__.c
            live_index(f"ix_{cls.__tablename__}_recent", columns.organization, columns.creation_time, columns.id)


def live_index(name: str, *columns: Any, unique: bool = False) -> Index:
    """An index over the rows that are not deleted."""
    return Index(name, *columns, unique=unique, sqlite_where=text("is_deleted = 0"),
                 postgresql_where=text("is_deleted = false"))  # fmt: skip


def unique(table: str, *columns: str) -> Index:
    """A unique index among the rows of an organization that are not deleted; text is compared without case.

    Takes column names; ``"lower:name"`` compares ``name`` without case.
    """
    parts = [func.lower(column(c[6:])) if c.startswith("lower:") else column(c) for c in columns]
    name = f"uq_{table}_" + "_".join(c.removeprefix("lower:") for c in columns)
    return live_index(name, column("organization"), *parts, unique=True)
