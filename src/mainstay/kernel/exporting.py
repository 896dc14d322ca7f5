"""Records become CSV or XLSX: in batches by key, with the names of what they refer to."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, select

from mainstay.kernel import customfields
from mainstay.kernel.access.tables import User
from mainstay.kernel.context import Context
from mainstay.kernel.fields import LINKS, Field
from mainstay.kernel.layout import finish_all, layout
from mainstay.kernel.platform import Platform
from mainstay.kernel.query import CUSTOM
from mainstay.kernel.resource import Resource
from mainstay.kernel.transfer import XlsxWriter, csv_bytes

BATCH = 1000


async def columns(ctx: Context, res: Resource[Any], wanted: Sequence[str]) -> dict[str, Field]:
    """What an export shows: the CSV fields and the stamps, or ``wanted`` of them, without what is hidden."""
    known = {name: spec for name, spec in res.fields.items() if spec.csv}
    known |= {name: spec for name, spec in res.stamps().items() if spec.kind == "datetime"}
    for key, spec in (await customfields.of(ctx, res)).items() if res.custom_fields else ():
        known[CUSTOM + key] = spec
    hidden = await customfields.hidden(ctx, res)
    picked = [name for name in wanted if name in known] or list(known)
    return {name: known[name] for name in picked if name.removeprefix(CUSTOM) not in hidden}


async def batches(
    ctx: Context, res: Resource[Any], conditions: Sequence[ColumnElement[bool]], shown: Mapping[str, Field]
) -> AsyncIterator[list[list[Any]]]:
    """The rows' cells, a batch at a time, oldest first; memory does not grow with the number of rows."""
    shape = layout(ctx, res, whole=True)
    last = ""
    while True:
        statement = shape.statement.where(*conditions, res.model.id > last).order_by(res.model.id).limit(BATCH)
        raw = (await ctx.session.execute(statement)).all()
        if not raw:
            return
        found = finish_all(shape, raw)
        last = found[-1]["id"]
        names = await _names(ctx, res, shown, found)
        yield [[_cell(spec, name, row, names) for name, spec in shown.items()] for row in found]


def _cell(spec: Field, name: str, row: Mapping[str, Any], names: Mapping[str, Mapping[str, str]]) -> Any:
    if name.startswith(CUSTOM):
        value: Any = (row.get("custom_field_data") or {}).get(spec.name)
        return names.get(spec.reference, {}).get(value, value) if spec.kind == "user" else value
    value = row.get(name)
    if spec.kind in LINKS or spec.kind == "choice":
        label = row.get(f"{name}_name")
        return label if label is not None else value
    if spec.kind in ("users", "references"):
        known = names.get(spec.reference, {})
        return [known.get(item, item) for item in value or []]
    if spec.kind == "choices":
        labels = {choice.id: choice.name for choice in spec.choices}
        return [labels.get(item, item) for item in value or []]
    return value


async def _names(
    ctx: Context, res: Resource[Any], shown: Mapping[str, Field], found: Sequence[Mapping[str, Any]]
) -> dict[str, dict[str, str]]:
    """Target resource → id → name, for lists of references; users by their log-in name, which is unique."""
    wanted: dict[str, set[str]] = {}
    for name, spec in shown.items():
        for row in found:
            if spec.kind in ("users", "references"):
                wanted.setdefault(spec.reference, set()).update(row.get(name) or [])
            elif spec.kind == "user" and name.startswith(CUSTOM):
                value = (row.get("custom_field_data") or {}).get(spec.name)
                wanted.setdefault("user", set()).update([value] if value else [])
    names: dict[str, dict[str, str]] = {}
    for target, ids in wanted.items():
        resource = ctx.platform.registry.resources.get(target)
        if resource is None or not ids:
            continue
        title = User.username if resource.model is User else getattr(resource.model, resource.title)
        query = select(resource.model.id, title).where(resource.model.id.in_(ids))
        names[target] = {row[0]: row[1] for row in (await ctx.session.execute(query)).all()}
    return names


async def csv_stream(
    platform: Platform,
    ctx: Context,
    res: Resource[Any],
    conditions: Sequence[Any],
    shown: Mapping[str, Field],
) -> AsyncIterator[bytes]:
    """A CSV file, as it is read; in a transaction of its own that lives as long as the download."""
    headers = [spec.label for spec in shown.values()]
    yield csv_bytes([headers], start=True)
    async with platform.work(ctx.organization, ctx.principal, write=False) as reading:
        async for batch in batches(reading, res, conditions, shown):
            yield await asyncio.to_thread(csv_bytes, batch)


def _write(book: XlsxWriter, batch: Sequence[Sequence[Any]]) -> None:
    for row in batch:
        book.write(row)


async def xlsx_stream(
    platform: Platform,
    ctx: Context,
    res: Resource[Any],
    conditions: Sequence[Any],
    shown: Mapping[str, Field],
) -> AsyncIterator[bytes]:
    """A workbook: written to a temporary file first, as the format needs, then sent."""
    headers = [spec.label for spec in shown.values()]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "export.xlsx"
        with XlsxWriter(path, headers, res.plural) as book:
            async with platform.work(ctx.organization, ctx.principal, write=False) as reading:
                async for batch in batches(reading, res, conditions, shown):
                    await asyncio.to_thread(_write, book, batch)
        with path.open("rb") as file:
            while piece := await asyncio.to_thread(file.read, 256 * 1024):
                yield piece
