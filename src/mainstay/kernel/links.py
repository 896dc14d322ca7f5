"""References in input: an id, a name or an e-mail becomes the id of a record of this organization, set-wise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import func, or_, select

from mainstay.kernel.access.tables import User
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Invalid
from mainstay.kernel.fields import Field
from mainstay.kernel.resource import Resource
from mainstay.kernel.store import CHUNK

LINKED = frozenset({"user", "users", "reference", "references"})


async def resolve(
    ctx: Context, fields: Mapping[str, Field], rows: Sequence[dict[str, Any]]
) -> list[dict[str, list[str]]]:
    """Put ids in place of what was given, in all rows; returns each row's errors by field."""
    errors: list[dict[str, list[str]]] = [{} for _ in rows]
    wanted: dict[str, set[str]] = {}
    present = set[str]().union(*rows)
    linked = {name: spec for name, spec in fields.items() if spec.kind in LINKED and name in present}
    given = {name: [row.get(name) for row in rows] for name in linked}
    for name, spec in linked.items():
        for value in given[name]:
            if value:
                known = wanted.setdefault(spec.reference, set())
                known.add(value) if isinstance(value, str) else known.update(value)
    if not wanted:
        return errors
    known_of = {target: await look_up(ctx, target, sorted(values)) for target, values in wanted.items()}
    for name, spec in linked.items():
        found = known_of.get(spec.reference, {})
        for row, wrong, value in zip(rows, errors, given[name], strict=True):
            if not value:
                continue
            named = [value] if isinstance(value, str) else value
            ids = [found.get(item.lower()) for item in named]
            if None in ids:
                what = spec.reference.replace("_", " ")
                wrong[name] = [f"There is no {what} {named[ids.index(None)][:80]!r}."]
            else:
                row[name] = ids[0] if isinstance(value, str) else list(dict.fromkeys(ids))
    return errors


async def resolve_one(ctx: Context, fields: Mapping[str, Field], values: dict[str, Any]) -> None:
    """The same for one record. Raises ``Invalid``."""
    (wrong,) = await resolve(ctx, fields, [values])
    if wrong:
        raise Invalid(fields=wrong)


async def resolve_custom(
    ctx: Context, custom: Mapping[str, Field], rows: Sequence[tuple[dict[str, Any], Mapping[str, Any]]]
) -> list[dict[str, list[str]]]:
    """The same for custom fields: the values of each record, and those it had before, which stay as they are."""
    linked = {key: spec for key, spec in custom.items() if spec.kind in LINKED}
    if not linked:
        return [{} for _ in rows]
    given = [{key: new[key] for key in linked if new.get(key) and new[key] != old.get(key)} for new, old in rows]
    errors = await resolve(ctx, linked, given)
    for (new, _old), found in zip(rows, given, strict=True):
        new.update(found)
    return [{f"custom_field_data.{key}": messages for key, messages in wrong.items()} for wrong in errors]


async def look_up(ctx: Context, target: str, given: Sequence[str]) -> dict[str, str]:
    """What was given, in lower case → id, for everything that exists."""
    resource: Resource[Any] | None = ctx.platform.registry.resources.get(target)
    if resource is None:
        return {}
    model = resource.model
    found: dict[str, str] = {}
    names = [getattr(model, resource.title)]
    if model is User:
        names = [User.username, User.email, User.full_name]
    elif "email" in resource.fields:
        names.append(model.email)
    for start in range(0, len(given), CHUNK):
        part = list(given[start : start + CHUNK])
        low = [item.lower() for item in part]
        tests = [model.id.in_(part), *[func.lower(column).in_(low) for column in names]]
        if model is User:
            numbers = [int(item) for item in part if item.isascii() and item.isdigit() and len(item) < 10]
            tests.append(User.number.in_(numbers))
        query = select(model.id, *names, *([User.number] if model is User else [])).where(or_(*tests))
        for row in (await ctx.session.execute(query)).all():
            # An id or a log-in name outranks a display name that happens to be the same.
            for value in reversed(row[1:]):
                if value not in (None, ""):
                    found.setdefault(str(value).lower(), row[0])
            found[row[0]] = row[0]
    return found
