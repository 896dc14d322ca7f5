"""Rows of a file become records: valid ones go in set-wise, bad ones come back with reasons."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, select

from mainstay.kernel import customfields, writing
from mainstay.kernel.context import Context
from mainstay.kernel.errors import ApiError, Invalid
from mainstay.kernel.fields import Field
from mainstay.kernel.query import CUSTOM
from mainstay.kernel.resource import Resource
from mainstay.kernel.store import CHUNK
from mainstay.kernel.transfer import Column, Row

BATCH = 1000
STORES: dict[str, Callable[..., Awaitable[Any]]] = {}
"""Other ways to store rows than as records of their own, by the name that a task knows them by."""


@dataclass(slots=True)
class Outcome:
    """What became of a batch of rows."""

    created: int = 0
    updated: int = 0
    errors: list[dict[str, Any]] = field(default_factory=list)
    """``row``, ``field``, ``value``, ``reason``, ``cells`` each; one per refused row."""


async def columns(ctx: Context, res: Resource[Any]) -> dict[str, Field]:
    """What a file can carry: column name → field, custom fields included."""
    found = {name: spec for name, spec in res.writable().items() if spec.csv}
    for key, spec in (await customfields.of(ctx, res)).items() if res.custom_fields else ():
        found[CUSTOM + key] = spec
    return found


def spellings(known: Mapping[str, Field]) -> list[Column]:
    """How the header of a file may name each column."""
    return [Column(name, spec.label, spec.aliases) for name, spec in known.items()]


def check_mapping(known: Mapping[str, Field], headers: Sequence[str], mapping: Mapping[str, str]) -> dict[str, str]:
    """The mapping of headers to columns that will be used. Raises ``Invalid`` naming what does not fit."""
    used: dict[str, str] = {}
    for header, name in mapping.items():
        if not name:
            continue
        if header not in headers:
            raise Invalid.field("mapping", f"The file has no column {header[:80]!r}.")
        if name not in known:
            raise Invalid.field("mapping", f"There is no field {str(name)[:80]!r} to import into.")
        if name in used.values():
            raise Invalid.field("mapping", f"Two columns are mapped to {known[name].label}.")
        used[header] = name
    return used


def missing(res: Resource[Any], known: Mapping[str, Field], mapping: Mapping[str, str]) -> list[str]:
    """Labels of mandatory fields that no column is mapped to; none matter where records are only updated."""
    return [spec.label for name, spec in known.items() if spec.required and name not in mapping.values()]


def read(
    headers: Sequence[str], mapping: Mapping[str, str], batch: Sequence[Row]
) -> tuple[list[tuple[Row, dict[str, Any]]], list[dict[str, Any]]]:
    """Rows with the input that each stands for, where empty cells say nothing; errors of those that are unreadable."""
    names = [mapping.get(header, "") for header in headers]
    columns = [(at, name) for at, name in enumerate(names) if name]
    custom = [name for name in names if name.startswith(CUSTOM)]
    found, errors = [], []
    for row in batch:
        number, cells, error = row
        if error:
            errors.append({"row": number, "field": "", "value": "", "reason": error, "cells": cells})
            continue
        data: dict[str, Any] = {name: cell for at, name in columns if (cell := cells[at]) and not cell.isspace()}
        extra = {name[len(CUSTOM) :]: data.pop(name) for name in custom if name in data} if custom else None
        found.append((row, {**data, "custom_field_data": extra} if extra else data))
    return found, errors


def refused(row: Row, errors: Mapping[str, Sequence[str]], data: Mapping[str, Any]) -> dict[str, Any]:
    """A row's error as it is kept."""
    name, messages = next(iter(errors.items()))
    value = data.get(name, (data.get("custom_field_data") or {}).get(name.removeprefix(CUSTOM), ""))
    reason = " ".join(message for texts in errors.values() for message in texts)
    return {"row": row.number, "field": name[:128], "value": str(value)[:500], "reason": (reason or messages[0])[:1000],
            "cells": row.cells}  # fmt: skip


async def check(
    ctx: Context, res: Resource[Any], headers: Sequence[str], mapping: Mapping[str, str], batch: Sequence[Row]
) -> Outcome:
    """What would become of the rows; nothing is stored."""
    outcome, _creates, _updates = await _sort(ctx, res, headers, mapping, batch)
    return outcome


async def store(
    ctx: Context, res: Resource[Any], headers: Sequence[str], mapping: Mapping[str, str], batch: Sequence[Row]
) -> Outcome:
    """Store the valid rows of a batch."""
    outcome, creates, updates = await _sort(ctx, res, headers, mapping, batch)
    if creates:
        try:
            async with ctx.session.begin_nested():
                await writing.insert(ctx, res, [values for _row, _data, values in creates],
                                     [data for _row, data, _values in creates])  # fmt: skip
        except ApiError:
            # One row broke a rule that only shows on storing: find it by going one by one.
            await _one_by_one(ctx, res, creates, outcome)
    for row, data, record_id in updates:
        try:
            async with ctx.session.begin_nested():
                entity = await ctx.session.get_one(res.model, record_id)
                await writing.update(ctx, res, entity, data, partial=True)
        except ApiError as error:
            outcome.updated -= 1
            outcome.errors.append(refused(row, error.extra.get("fields") or {"": [error.error]}, data))
    return outcome


async def _one_by_one(
    ctx: Context,
    res: Resource[Any],
    creates: Sequence[tuple[Row, dict[str, Any], dict[str, Any]]],
    outcome: Outcome,
) -> None:
    outcome.created = 0
    for row, data, values in creates:
        try:
            async with ctx.session.begin_nested():
                await writing.insert(ctx, res, [dict(values)], [data])
        except ApiError as error:
            outcome.errors.append(refused(row, error.extra.get("fields") or {"": [error.error]}, data))
        else:
            outcome.created += 1


Sorted = tuple[Outcome, list[tuple[Row, dict[str, Any], dict[str, Any]]], list[tuple[Row, dict[str, Any], str]]]


async def _sort(
    ctx: Context, res: Resource[Any], headers: Sequence[str], mapping: Mapping[str, str], batch: Sequence[Row]
) -> Sorted:
    """Rows to create with their checked values, rows to update with the record's id, and errors."""
    readable, unreadable = read(headers, mapping, batch)
    outcome = Outcome(errors=unreadable)
    existing = await _existing(ctx, res, [data for _row, data in readable])
    updates: list[tuple[Row, dict[str, Any], str]] = []
    fresh: list[tuple[Row, dict[str, Any]]] = []
    for row, data in readable:
        known = existing.get(str(data.get(res.natural_key, "")).strip().lower()) if res.natural_key else None
        if known is not None and ctx.principal.can(res.permission, "edit"):
            updates.append((row, data, known))
        else:
            fresh.append((row, data))
    given = [res.behaviour.normalise(dict(data)) for _row, data in fresh]
    values, wrong = await writing.read_many(ctx, res, given)
    await _unique(ctx, res, values, wrong)
    creates = []
    for (row, data), ready, errors, source in zip(fresh, values, wrong, given, strict=True):
        if errors:
            outcome.errors.append(refused(row, errors, data))
        else:
            creates.append((row, source, ready))
    outcome.created, outcome.updated = len(creates), len(updates)
    return outcome, creates, updates


async def _existing(ctx: Context, res: Resource[Any], given: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Natural key in lower case → id of the records that rows stand for."""
    if not res.natural_key:
        return {}
    column = getattr(res.model, res.natural_key)
    wanted = sorted({str(data.get(res.natural_key, "")).strip().lower() for data in given} - {""})
    found: dict[str, str] = {}
    for start in range(0, len(wanted), CHUNK):
        query = select(func.lower(column), res.model.id).where(func.lower(column).in_(wanted[start : start + CHUNK]))
        found.update({row[0]: row[1] for row in (await ctx.session.execute(query)).all()})
    return found


async def _unique(
    ctx: Context,
    res: Resource[Any],
    values: Sequence[Mapping[str, Any]],
    wrong: Sequence[dict[str, list[str]]],
) -> None:
    """Note rows whose unique values are taken, by a record or by an earlier row of the batch."""
    for name, spec in res.fields.items():
        if not spec.unique:
            continue
        column = getattr(res.model, name)
        wanted = sorted({str(row[name]).lower() for row in values if row.get(name)})
        taken: set[str] = set()
        for start in range(0, len(wanted), CHUNK):
            query = select(func.lower(column)).where(func.lower(column).in_(wanted[start : start + CHUNK]))
            taken.update((await ctx.session.execute(query)).scalars())
        for row, errors in zip(values, wrong, strict=True):
            key = str(row.get(name) or "").lower()
            if not key:
                continue
            if key in taken:
                errors.setdefault(name, [f"Another record already has this {spec.label.lower()}."])
            taken.add(key)
