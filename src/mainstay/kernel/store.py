"""Writing records: stamps, audit and version check in one place, set-wise where there are many.

Services load an entity, set its attributes and call ``save``; nothing is written behind their back.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, insert, inspect, select, update
from sqlalchemy.exc import IntegrityError

from mainstay.kernel import changes, direct
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Conflict, Invalid, NotFound, Stale
from mainstay.kernel.fields import field_of
from mainstay.kernel.record import Record, new_id, new_ids

R = TypeVar("R", bound=Record)

STAMPS = frozenset({"id", "organization", "creation_time", "created_by", "last_update_time", "modified_by", "version",
                    "is_deleted", "is_demo_data"})  # fmt: skip
UNAUDITED = frozenset({"password_hash", "password_history", "key_hash", "token_hash", "sealed"})
CHUNK = 500
"""Ids per IN list: below SQLite's and asyncpg's limits on bound values."""


def resource_name(model: type[Record]) -> str:
    return str(model.__tablename__)


async def get(ctx: Context, model: type[R], record_id: str, *, lock: bool = False) -> R:
    """The record, or ``NotFound``. ``lock`` holds the row until the transaction ends."""
    found = await find(ctx, select(model).where(model.id == record_id), lock=lock)
    if found is None:
        raise NotFound(f"No {resource_name(model).replace('_', ' ')} has the id {record_id[:64]!r}.")
    return found


_ID = re.compile(r"[0-9a-z]{25}")  # see record.new_id


def named(model: Any, wanted: str) -> ColumnElement[bool]:
    """The condition for an id or a display id. Either of them, by an OR, would make SQLite read the whole table."""
    found: ColumnElement[bool] = model.id == wanted if _ID.fullmatch(wanted) else model.display_id == wanted.upper()
    return found


async def find(ctx: Context, query: Select[R], *, lock: bool = False) -> R | None:
    """The first record of the query, or ``None``."""
    if lock and not ctx.platform.database.is_sqlite:
        query = query.with_for_update()
    return (await ctx.session.execute(query.limit(1))).scalars().first()


async def add(ctx: Context, entity: R, *, action: str = "create") -> R:
    """Insert a new entity with its stamps and its trail."""
    who = ctx.principal
    entity.id = entity.id or new_id()
    entity.organization = ctx.organization
    entity.creation_time = entity.last_update_time = ctx.now
    entity.created_by = entity.modified_by = who.user
    entity.version = 1
    row = {c.key: getattr(entity, c.key) for c in inspect(type(entity)).column_attrs}
    diff = [changes.entry(name, None, value) for name, value in row.items() if _audited(name, value)]
    ctx.session.add(entity)
    await flush(ctx)
    await changes.record(ctx, resource_name(type(entity)), action, [(entity.id, 1, diff)])
    return entity


async def save(ctx: Context, entity: Record, *, action: str = "update") -> list[dict[str, Any]]:
    """Write what was set on the entity since it was loaded; returns the changes (empty: nothing was written).

    Raises ``Stale`` when another transaction changed the record meanwhile.
    """
    diff = pending(entity)
    if not diff:
        return []
    model = type(entity)
    before, entity_id = entity.version, entity.id
    values = {item: getattr(entity, item) for item in _changed(entity)}
    values.update(version=before + 1, last_update_time=ctx.now, modified_by=ctx.principal.user)
    statement = (
        update(model)
        .where(model.id == entity_id, model.version == before)
        .values(values)
        .execution_options(synchronize_session=False, include_deleted=True)
    )
    try:
        result = await ctx.session.execute(statement)
    except IntegrityError as error:
        raise integrity(error) from error
    if result.rowcount != 1:  # type: ignore[attr-defined]
        raise Stale("Somebody else changed this record meanwhile. Read it again and repeat your change.")
    from sqlalchemy.orm.attributes import set_committed_value

    for name, value in values.items():
        set_committed_value(entity, name, value)
    await changes.record(ctx, resource_name(model), action, [(entity_id, before + 1, diff)])
    return diff


def pending(entity: Record) -> list[dict[str, Any]]:
    """What was set on the entity since it was loaded, as change entries."""
    state = inspect(entity)
    out = []
    for name in _changed(entity):
        history = state.attrs[name].history
        if name in UNAUDITED:
            out.append(changes.entry(name, "***", "***"))
        else:
            out.append(changes.entry(name, history.deleted[0] if history.deleted else None, getattr(entity, name)))
    return out


def _changed(entity: Record) -> list[str]:
    state = inspect(entity)
    names = []
    for attribute in state.mapper.column_attrs:
        history = state.attrs[attribute.key].history
        old = history.deleted[0] if history.deleted else None
        if history.has_changes() and not (history.deleted and old == getattr(entity, attribute.key)):
            names.append(attribute.key)
    return names


async def remove(ctx: Context, entity: Record) -> None:
    """Delete softly: the row leaves every query, its trail stays."""
    await remove_many(ctx, type(entity), [entity.id])


async def remove_many(ctx: Context, model: type[Record], ids: Sequence[str]) -> int:
    """Delete softly, set-wise; returns how many there were."""
    done = 0
    for start in range(0, len(ids), CHUNK):
        rows = (
            await ctx.session.execute(
                select(model.id, model.version).where(model.id.in_(list(ids[start : start + CHUNK])))
            )
        ).all()
        if not rows:
            continue
        await ctx.session.execute(
            update(model)
            .where(model.id.in_([row.id for row in rows]))
            .values(is_deleted=True, version=model.version + 1, last_update_time=ctx.now,
                    modified_by=ctx.principal.user)
            .execution_options(synchronize_session=False)
        )  # fmt: skip
        await changes.record(ctx, resource_name(model), "delete", [(row.id, row.version + 1, []) for row in rows])
        done += len(rows)
    return done


async def add_many(ctx: Context, model: type[Record], rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Insert many records with stamps and trail; returns the complete rows. All or none."""
    if not rows:
        return []
    stamps = {
        "organization": ctx.organization, "creation_time": ctx.now, "last_update_time": ctx.now,
        "created_by": ctx.principal.user, "modified_by": ctx.principal.user, "version": 1,
    }  # fmt: skip
    blank = defaults(model)
    given = set[str]().union(*rows)
    base = {**blank, **stamps}
    fresh = [(name, value) for name, value in blank.items() if callable(value)]
    restamped = not given.isdisjoint(stamps)
    full: list[dict[str, Any]] = []
    for row, made in zip(rows, new_ids(len(rows)), strict=True):
        complete = base.copy()
        complete.update(row)
        if restamped:
            complete.update(stamps)
        for name, make in fresh:
            if name not in row:
                complete[name] = make()
        complete["id"] = complete.get("id") or made
        full.append(complete)
    # What no row gives and what is empty unless given is nowhere in the trail.
    told = [name for name in {**blank, **dict.fromkeys(given)} if name in given or blank[name]]
    told = [name for name in told if name not in UNAUDITED and name not in STAMPS]
    database = ctx.platform.database
    statement, name = _inserting(model).on(database), resource_name(model)
    try:
        if len(full) == 1:
            (only,) = full
            diff = [changes.entry(field, None, value) for field in told if (value := only.get(field))]
            await changes.record(ctx, name, "create", [(only["id"], 1, diff)], inserting=(statement, only))
            return full
        alike = {field: full[0][field] for field in base if field not in given}
        await direct.insert(database, ctx.session, statement, full, alike)
    except IntegrityError as error:
        raise integrity(error) from error
    ids = [row["id"] for row in full]
    await changes.record_new(ctx, name, ids, {field: [row.get(field) for row in full] for field in told})
    return full


async def update_many(ctx: Context, model: type[Record], ids: Sequence[str], values: Mapping[str, Any]) -> int:
    """Set the same values on many records, set-wise, trail included; returns how many changed."""
    names = list(values)
    done = 0
    for start in range(0, len(ids), CHUNK):
        columns = [getattr(model, name) for name in names]
        rows = (
            await ctx.session.execute(
                select(model.id, model.version, *columns).where(model.id.in_(list(ids[start : start + CHUNK])))
            )
        ).all()
        entries = []
        for row in rows:
            diff = [changes.entry(n, old, values[n]) for n, old in zip(names, row[2:], strict=True) if old != values[n]]
            if diff:
                entries.append((row.id, row.version + 1, diff))
        if not entries:
            continue
        await ctx.session.execute(
            update(model)
            .where(model.id.in_([item[0] for item in entries]))
            .values(**values, version=model.version + 1, last_update_time=ctx.now, modified_by=ctx.principal.user)
            .execution_options(synchronize_session=False)
        )
        await changes.record(ctx, resource_name(model), "update", entries)
        done += len(entries)
    return done


_inserts: dict[type[Record], direct.Statement] = {}


def _inserting(model: type[Record]) -> direct.Statement:
    if model not in _inserts:
        table: Any = model.__table__
        _inserts[model] = direct.Statement(insert(table), [column.key for column in table.columns])
    return _inserts[model]


_blank: dict[type[Record], dict[str, Any]] = {}


def defaults(model: type[Record]) -> dict[str, Any]:
    """Column defaults of a model; callables make a fresh value each."""
    if model not in _blank:
        found: dict[str, Any] = {}
        for column in model.__table__.columns:
            if column.key in STAMPS and column.key not in ("is_deleted", "is_demo_data"):
                continue
            default = column.default
            if default is None:
                found[column.key] = None
            elif default.is_callable:
                spec = field_of(column)
                maker = spec.default if spec and spec.default is not None else {}
                found[column.key] = (lambda sample: lambda: type(sample)(sample))(maker) if maker else type(maker)
            else:
                found[column.key] = default.arg
        _blank[model] = found
    return _blank[model]


async def flush(ctx: Context) -> None:
    """Send pending inserts; a broken constraint becomes an error that names the field."""
    try:
        await ctx.session.flush()
    except IntegrityError as error:
        raise integrity(error) from error


def integrity(error: IntegrityError) -> Exception:
    """The client's error for a constraint the database refused."""
    raw = str(error.orig)
    marker = "uq_"
    if "UNIQUE" in raw.upper() or marker in raw:
        fields = _unique_fields(raw)
        if fields:
            label = fields[-1].replace("_", " ")
            return Invalid(fields={fields[-1]: [f"Another record already has this {label}."]})
        return Conflict("Another record already has these values.")
    if "FOREIGN KEY" in raw.upper():
        return Conflict("This record is still in use, or refers to one that does not exist.")
    return Conflict("The database refused this change.")


def _unique_fields(raw: str) -> list[str]:
    from mainstay.kernel.record import Base

    for table in Base.metadata.tables.values():
        for index in table.indexes:
            if index.unique and index.name and str(index.name) in raw:
                return str(index.name).removeprefix(f"uq_{table.name}_").split(",")
    if "UNIQUE constraint failed:" in raw:
        names = [part.split(".")[-1].strip() for part in raw.split(":", 1)[1].split(",")]
        return [name for name in names if name not in ("organization", "index")]
    return []


def _audited(name: str, value: Any) -> bool:
    return name not in STAMPS and name not in UNAUDITED and value not in (None, "", [], {}, False)
