"""Who changed what, when: the audit trail, which is also the change feed.

Every write adds its rows here in the same transaction. ``seq`` rises with every change; consumers keep the last
one they handled (see ``feed``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from itertools import repeat
from typing import Any

import msgspec
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Index,
    Integer,
    ScalarSelect,
    String,
    bindparam,
    func,
    insert,
    literal_column,
    select,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from mainstay.kernel import direct
from mainstay.kernel.context import Context
from mainstay.kernel.generation import CONFIGURATION, bump
from mainstay.kernel.record import Base, Identifier, JsonType, Scoped, Timestamp
from mainstay.kernel.statements import plain as on_tables

MAX_TEXT = 2000
"""Characters of a long text kept per change; the whole text is in the record, not in its trail."""


class Change(Scoped, Base):
    """One record's change. ``changes`` is a list of ``{"field", "old", "new"}``."""

    __tablename__ = "change"
    __table_args__ = (
        Index("ix_change_record", "organization", "resource", "record_id", "seq"),
        Index("ix_change_head", "organization", "resource", "seq"),
        # SQLite numbers changes in the order in which they are committed, so the key serves there.
        Index("ix_change_feed", "transaction", "seq").ddl_if(dialect="postgresql"),
    )

    seq: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True)
    # PostgreSQL hands out seq before commit; the transaction's number lets a consumer wait for older ones.
    transaction: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    resource: Mapped[str] = mapped_column(String(64))
    record_id: Mapped[str] = mapped_column(Identifier)
    action: Mapped[str] = mapped_column(String(32))
    actor: Mapped[int] = mapped_column(Integer)
    actor_name: Mapped[str] = mapped_column(String(255))
    at: Mapped[datetime] = mapped_column(Timestamp)
    request_id: Mapped[str] = mapped_column(String(64), default="")
    version: Mapped[int] = mapped_column(Integer, default=1)
    changes: Mapped[list[dict[str, Any]]] = mapped_column(JsonType, default=list)


_COLUMNS = ("organization", "resource", "record_id", "action", "actor", "actor_name", "at", "request_id", "version",
            "changes")  # fmt: skip
_TABLE: Any = Change.__table__
_NUMBER: Any = literal_column("pg_current_xact_id()::text::bigint")


def _inserts(written: Collection[str] = ()) -> tuple[direct.Statement, direct.Statement, direct.Statement]:
    """On SQLite; on PostgreSQL, and there for many, which are told the number."""
    return (
        direct.Statement(insert(_TABLE), _COLUMNS, written),
        direct.Statement(insert(_TABLE).values(transaction=_NUMBER), _COLUMNS, written),
        direct.Statement(insert(_TABLE), ("transaction", *_COLUMNS), written),
    )


_OF_LISTS = _inserts()
_OF_TEXTS = _inserts(("changes",))
_CURRENT = direct.Statement(on_tables(select(_NUMBER)))


async def record(
    ctx: Context,
    resource: str,
    action: str,
    entries: Iterable[tuple[str, int, list[dict[str, Any]]]],
    *,
    inserting: tuple[direct.Direct, Mapping[str, Any]] | None = None,
) -> None:
    """Add the trail of one kind of change to many records: ``(record id, new version, changes)`` each.

    ``inserting``: the row whose trail it is, to be stored along with it.
    """
    await _store(ctx, resource, action, entries, _OF_LISTS, inserting)


async def record_new(ctx: Context, resource: str, ids: Sequence[str], told: Mapping[str, Sequence[Any]]) -> None:
    """Add the trail of many new records; ``told``: the value in each of them, by field. What is empty is left out."""
    entries = zip(ids, repeat(1), _born(told, len(ids)), strict=False)
    await _store(ctx, resource, "create", entries, _OF_TEXTS)


async def _store(
    ctx: Context,
    resource: str,
    action: str,
    entries: Iterable[tuple[str, int, Any]],
    inserts: tuple[direct.Statement, ...],
    inserting: tuple[direct.Direct, Mapping[str, Any]] | None = None,
) -> None:
    rows = [{"record_id": key, "version": version, "changes": changes} for key, version, changes in entries]
    if not rows:
        return
    who, database = ctx.principal, ctx.platform.database
    common = {
        "organization": ctx.organization,
        "resource": resource,
        "action": action,
        "actor": who.user,
        "actor_name": who.name,
        "at": ctx.now,
        "request_id": ctx.request_id,
    }
    alone, numbered, many = inserts
    statement = alone if database.is_sqlite else numbered
    if len(rows) >= direct.COPIED and not database.is_sqlite:
        ((common["transaction"],),) = await direct.run(database, ctx.session, _CURRENT.on(database), {})
        statement = many
    if inserting is not None:
        (row,) = rows
        await direct.insert_with(database, ctx.session, *inserting, statement.on(database), {**row, **common})
    else:
        await direct.insert(database, ctx.session, statement.on(database), rows, common)
    if resource in CONFIGURATION:
        await bump(ctx)
    if ctx.platform.live is not None:
        ctx.after_commit.append(ctx.platform.live.nudge)


def newest(resource: str) -> ScalarSelect[int]:
    """The number of a resource's newest change in the organization given as ``in_organization``."""
    mine = Change.organization == bindparam("in_organization")
    return select(func.max(Change.seq)).where(mine, Change.resource == resource).scalar_subquery()


def settled(sqlite: bool) -> ColumnElement[Any]:
    """Whether no older change can still become visible.

    On PostgreSQL a change that took its number before this snapshot may commit after it.
    """
    if sqlite:
        return literal_column("1")
    return literal_column("pg_snapshot_xmin(pg_current_snapshot()) = pg_snapshot_xmax(pg_current_snapshot())")


def entry(field: str, old: Any, new: Any) -> dict[str, Any]:
    """One field's change, in values that JSON can hold."""
    return {"field": field, "old": plain(old), "new": plain(new)}


def _born(told: Mapping[str, Sequence[Any]], count: int) -> Iterable[str]:
    """What changed in each of many new records, as JSON: a form that is the same for all, filled field by field."""
    form, given = "", []
    for name, values in told.items():
        head = f',{{"field":{_JSON.encode(name).decode()},"old":null,"new":'
        if len(set(map(id, values))) == 1:  # a stamp or a default: one object for all
            if values[0]:
                form += f"{head}{_JSON.encode(plain(values[0])).decode()}}}".replace("%", "%%")
            continue
        written = _JSON.encode_lines(_plain(values)).decode().split("\n")[:-1]
        if all(values):
            form += head.replace("%", "%%") + "%s}"
        else:
            form += "%s"
            written = [f"{head}{text}}}" if value else "" for value, text in zip(values, written, strict=True)]
        given.append(written)
    if not given:
        return repeat(f"[{(form % ())[1:]}]", count)
    return [f"[{(form % texts)[1:]}]" for texts in zip(*given, strict=True)]


_JSON = msgspec.json.Encoder()
_AS_THEY_ARE = frozenset({type(None), bool, int, float, list, dict})


def _plain(values: Sequence[Any]) -> Sequence[Any]:
    """Values of one field as the trail keeps them."""
    kinds = set(map(type, values))
    if kinds <= _AS_THEY_ARE or (kinds == {str} and max(map(len, values)) <= MAX_TEXT):
        return values
    return [plain(value) for value in values]


def plain(value: Any) -> Any:
    """A value as the trail keeps it."""
    if value.__class__ is str:
        return value if len(value) <= MAX_TEXT else value[:MAX_TEXT] + "…"
    if isinstance(value, date):  # a datetime is one
        return value.isoformat()
    return value
