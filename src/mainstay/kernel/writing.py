"""Creating and changing records through their declaration: read, check, link, store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import select

from mainstay.kernel import customfields, links, store
from mainstay.kernel.context import Context
from mainstay.kernel.errors import ApiError, Invalid, Stale
from mainstay.kernel.record import Record
from mainstay.kernel.resource import Resource
from mainstay.kernel.validation import read_rows, read_values

R = TypeVar("R", bound=Record)

MAX_BULK = 5000


def etag(record_id: str, version: int) -> str:
    return f'"{record_id}-{version}"'


def document(data: Any) -> dict[str, Any]:
    """The body of a write as an object. Raises ``Invalid``."""
    if not isinstance(data, Mapping):
        raise Invalid("The body must be a JSON object.")
    return dict(data)


async def create(ctx: Context, res: Resource[R], data: Mapping[str, Any]) -> dict[str, Any]:
    """Create one record; returns its stored row. Raises ``Invalid``."""
    (row,) = await create_many(ctx, res, [data])
    return row


async def create_many(ctx: Context, res: Resource[R], items: Sequence[Any]) -> list[dict[str, Any]]:
    """Create records set-wise, all or none; an error names the row (``rows``) where there are several."""
    if len(items) > MAX_BULK:
        raise Invalid(f"At most {MAX_BULK} records can be created at once; this has {len(items)}.")
    given = [res.behaviour.normalise(document(item)) for item in items]
    rows, wrong = await read_many(ctx, res, given)
    bad = [{"row": index, "fields": errors} for index, errors in enumerate(wrong) if errors]
    if bad:
        if len(items) == 1:
            raise Invalid(fields=bad[0]["fields"])  # type: ignore[arg-type]
        first = next(iter(bad[0]["fields"].values()))[0]  # type: ignore[attr-defined]
        raise Invalid(f"Row {bad[0]['row']}: {first} Nothing was created.", rows=bad[:100])
    return await insert(ctx, res, rows, given)


async def insert(
    ctx: Context, res: Resource[R], rows: list[dict[str, Any]], given: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Store checked values through the resource's behaviour."""
    await res.behaviour.prepare(ctx, rows, given)
    full = await store.add_many(ctx, res.model, rows)
    await res.behaviour.added(ctx, full, given)
    return full


async def read_many(
    ctx: Context, res: Resource[R], given: Sequence[Mapping[str, Any]]
) -> tuple[list[dict[str, Any]], list[dict[str, list[str]]]]:
    """Values of new records from input, and each row's errors by field. Nothing is stored."""
    custom = await customfields.of(ctx, res) if res.custom_fields else {}
    needed = any(spec.required for spec in custom.values())
    ruled = await customfields.ruled(ctx, res)
    rows: list[dict[str, Any]] = []
    wrong: list[dict[str, list[str]]] = []
    for data, (values, errors) in zip(given, read_rows(res.writable(), given), strict=True):
        if errors:
            values = {}
        extra = data.get("custom_field_data") or {}
        if custom and not extra and not needed:
            values["custom_field_data"] = {}
        elif custom or extra:
            try:
                values["custom_field_data"] = customfields.read_custom(custom, extra, partial=False, before={})
            except Invalid as invalid:
                errors.update(invalid.extra["fields"])
        if not errors and ruled:
            try:
                await customfields.enforce(ctx, res, values, "", None)
            except Invalid as invalid:
                errors.update(invalid.extra["fields"])
        rows.append(values)
        wrong.append(errors)
    people: list[tuple[dict[str, Any], Mapping[str, Any]]] = [(row.get("custom_field_data", {}), {}) for row in rows]
    linked = await links.resolve(ctx, res.fields, rows), await links.resolve_custom(ctx, custom, people)
    for errors, unknown, nobody in zip(wrong, *linked, strict=True):
        for name, messages in {**unknown, **nobody}.items():
            errors.setdefault(name, messages)
    await res.behaviour.check(ctx, rows, given, wrong)
    return rows, wrong


async def update(
    ctx: Context,
    res: Resource[R],
    entity: R,
    data: Mapping[str, Any],
    *,
    partial: bool,
    status: str = "",
) -> list[dict[str, Any]]:
    """Change one record; returns the changes made. Raises ``Invalid``."""
    given = _mirrored(res, entity, res.behaviour.normalise(document(data)))
    # A PUT takes the record as it was read, edited: what it does not mention stays.
    values = read_values(res.writable(), given, partial=True)
    if not partial:
        missing = {
            name: [f"Please provide {spec.label.lower()}."]
            for name, spec in res.writable().items()
            if spec.required and name in values and values[name] in (None, "", [])
        }
        if missing:
            raise Invalid(fields=missing)
    custom = await customfields.of(ctx, res) if res.custom_fields else {}
    if res.custom_fields and given.get("custom_field_data") not in (None, {}, []):
        values["custom_field_data"] = customfields.read_custom(
            custom, given["custom_field_data"], partial=partial, before=entity.custom_field_data
        )
        (nobody,) = await links.resolve_custom(ctx, custom, [(values["custom_field_data"], entity.custom_field_data)])
        if nobody:
            raise Invalid(fields=nobody)
    if res.custom_fields:
        current = {name: getattr(entity, name) for name in (*res.fields, "custom_field_data")}
        await customfields.enforce(ctx, res, values, status, current)
    await links.resolve_one(ctx, res.fields, values)
    await res.behaviour.change(ctx, entity, values, given)
    for name, value in values.items():
        setattr(entity, name, value)
    diff = await store.save(ctx, entity)
    await res.behaviour.saved(ctx, entity, diff, given)
    return diff


def _mirrored(res: Resource[R], entity: R, given: dict[str, Any]) -> dict[str, Any]:
    """A record comes back with a value under two names; the edited one of them counts."""
    out = dict(given)
    for mirror, name in res.mirrors.items():
        if mirror in out and name in res.fields and name in out:
            now = getattr(entity, name)
            if out[name] == now and out[mirror] != now:
                out[name] = out[mirror]
    return out


async def remove_many(ctx: Context, res: Resource[R], ids: Sequence[str]) -> int:
    """Delete records through the resource's behaviour; unknown ids are passed over."""
    done = 0
    visible = res.behaviour.visible(ctx)
    for start in range(0, len(ids), store.CHUNK):
        query = select(res.model).where(res.model.id.in_(list(ids[start : start + store.CHUNK])))
        if visible is not None:
            query = query.where(visible)
        entities = list((await ctx.session.execute(query)).scalars())
        if entities:
            await res.behaviour.removing(ctx, entities)
            done += await store.remove_many(ctx, res.model, [entity.id for entity in entities])
    return done


def check_version(ctx: Context, entity: Record, current: Any) -> None:
    """``If-Match`` (RFC 9110): refuse a write that was prepared on an older version."""
    wanted = ctx.headers.get("if-match", "").strip()
    if not wanted or wanted == "*":
        return
    tags = [part.strip().removeprefix("W/") for part in wanted.split(",")]
    if etag(entity.id, entity.version) not in tags:
        raise Stale("Somebody else changed this record meanwhile. Compare, then save again.", current=current)


__all__ = [
    "ApiError",
    "check_version",
    "create",
    "create_many",
    "etag",
    "insert",
    "read_many",
    "remove_many",
    "update",
]
