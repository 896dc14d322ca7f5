"""What happens to an item when it is created, changed and deleted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, select, update

from mainstay.kernel import numbering, references
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Conflict, Invalid
from mainstay.kernel.fields import Field
from mainstay.kernel.resource import Behaviour
from mainstay.modules.assets.categories import service as categories
from mainstay.modules.assets.categories.service import Class
from mainstay.modules.assets.cmdb import engine, identity, lookup, service
from mainstay.modules.assets.cmdb.tables import Ci
from mainstay.modules.assets.devicegroups import service as groups
from mainstay.modules.assets.relations import rules
from mainstay.modules.assets.relations import service as relations

MAX_DEPTH = 50
PREFIX = "CI-"
_COLUMNS = frozenset(column.key for column in Ci.__table__.columns)


class Items(Behaviour[Ci]):
    async def check(
        self,
        ctx: Context,
        rows: Sequence[dict[str, Any]],
        given: Sequence[Mapping[str, Any]],
        wrong: Sequence[dict[str, list[str]]],
    ) -> None:
        known, every = await _known(ctx, rows)
        for row, errors in zip(rows, wrong, strict=True):
            for name, message in faults(known, every, row, row).items():
                errors.setdefault(name, [message])
        for problem, errors in zip(await identity.taken(ctx, rows), wrong, strict=True):
            if problem:
                errors.setdefault(problem[0], [problem[1]])

    async def prepare(self, ctx: Context, rows: list[dict[str, Any]], given: Sequence[Mapping[str, Any]]) -> None:
        source = service.source_of(ctx)
        first = await numbering.take(ctx, "ci", len(rows))
        for number, row in enumerate(rows, first):
            row.update(display_id=f"{PREFIX}{number:06d}", source=source, state_changed_at=ctx.now)
            service.allocate(ctx, row, {})

    async def added(self, ctx: Context, rows: list[dict[str, Any]], given: Sequence[Mapping[str, Any]]) -> None:
        await identity.keep(ctx, rows, new=True)
        await service.add_addresses(ctx, rows, service.source_of(ctx))
        await groups.require(ctx, [row["id"] for row in rows])
        await rules.follow(ctx, rows)

    async def change(self, ctx: Context, entity: Ci, values: dict[str, Any], given: Mapping[str, Any]) -> None:
        await groups.require(ctx, [entity.id])
        before = {column.key: getattr(entity, column.key) for column in Ci.__table__.columns}
        merged = {**before, **values}
        problems = faults(*await _known(ctx, [merged]), merged, values)
        if problems:
            raise Invalid(fields={name: [text] for name, text in problems.items()})
        refusal = engine.refusal(entity.status, values.get("status"))
        if refusal:
            raise Conflict(refusal, allowed=[engine.NAMES[state] for state in engine.MOVES[entity.status]])
        if "status" in values and values["status"] != entity.status:
            values["state_changed_at"] = ctx.now
        parent = values.get("parent")
        if parent and parent != entity.parent:
            await _no_circle(ctx, entity, parent)
        service.allocate(ctx, values, before)
        (problem,) = await identity.taken(ctx, [{**before, **values}])
        if problem:
            raise Invalid.field(*problem)

    async def saved(self, ctx: Context, entity: Ci, diff: list[dict[str, Any]], given: Mapping[str, Any]) -> None:
        changed = {item["field"]: item["old"] for item in diff}
        if not changed:
            return
        await groups.require(ctx, [entity.id])
        row = {column.key: getattr(entity, column.key) for column in Ci.__table__.columns}
        await identity.keep(ctx, [row], new=False)
        if "ip_address" in changed:
            await service.move_address(ctx, entity, changed["ip_address"] or "")
        await rules.follow(ctx, [row], changed)
        await note_origin(ctx, entity, diff, service.source_of(ctx))

    async def removing(self, ctx: Context, entities: Sequence[Ci]) -> None:
        ids = [entity.id for entity in entities]
        await relations.remove_of(ctx, ids)
        await service.drop(ctx, ids)
        what = f"The item {entities[0].name}" if len(entities) == 1 else "One of the items"
        # A ticket or an event about an item that went keeps its name.
        await references.release(ctx, "ci", what, ids, keep=("servicedesk", "monitoring", "logs"))

    def visible(self, ctx: Context) -> ColumnElement[bool] | None:
        return groups.visible(ctx)


async def _known(ctx: Context, rows: Sequence[Mapping[str, Any]]) -> tuple[dict[str, Class], dict[str, Field]]:
    """The categories, and every attribute of theirs where one of the items has any."""
    extra = any(row.get("custom_field_data") for row in rows)
    return await categories.classes(ctx), await categories.attributes(ctx) if extra else {}


def faults(
    known: Mapping[str, Class], every: Mapping[str, Field], row: Mapping[str, Any], values: dict[str, Any]
) -> dict[str, str]:
    """What is wrong with an item as it would be, by field; puts addresses in ``values`` into their stored form."""
    found: dict[str, str] = {}
    if values.get("ip_address"):
        address = lookup.canonical(values["ip_address"])
        if not address:
            found["ip_address"] = f"{values['ip_address']!r} is not an IP address, such as 192.0.2.10 or 2001:db8::1."
        values["ip_address"] = address
    if values.get("mac_address"):
        values["mac_address"] = service.mac(values["mac_address"])
    if row.get("status") == engine.ALLOCATED and not any(
        row.get(name) for name in ("used_by", "owner", "requester", "department")
    ):
        found["status"] = "An allocated item needs a user, a requester or a department."
    one = known.get(row.get("category") or "")
    if one is None:
        return found
    if "category" in values and (one.abstract or not one.enabled):
        reason = "only groups other categories" if one.abstract else "is disabled"
        found["category"] = f"{one.name} {reason}. Choose a category for items."
    extra = row.get("custom_field_data") or {}
    for name in one.required:
        value = row.get(name) if name in _COLUMNS else extra.get(name)
        if value in (None, "", []):
            key = name if name in _COLUMNS else f"custom_field_data.{name}"
            found[key] = f"Please provide {name.replace('_', ' ')}: every {one.name} has it."
    if extra:
        for key, value in extra.items():
            if key not in every:
                continue
            spec = one.attributes.get(key)
            if spec is None and "custom_field_data" in values:
                found[f"custom_field_data.{key}"] = f"{every[key].label} is not an attribute of {one.name}."
            elif spec is not None and spec.kind == "choice" and value not in {choice.id for choice in spec.choices}:
                allowed = ", ".join(choice.name for choice in spec.choices)
                found[f"custom_field_data.{key}"] = f"{spec.label} must be one of: {allowed}."
    return found


async def note_origin(ctx: Context, entity: Ci, diff: Sequence[Mapping[str, Any]], source: str) -> None:
    """Remember by which source each changed attribute was set last."""
    origins = dict(entity.origins)
    for item in diff:
        if item["field"] == "custom_field_data":
            old, new = item["old"] or {}, item["new"] or {}
            names = [key for key in {*old, *new} if old.get(key) != new.get(key)]
        else:
            names = [item["field"]]
        for name in names:
            if source == entity.source:
                origins.pop(name, None)
            else:
                origins[name] = source
    if origins != entity.origins:
        statement = update(Ci).where(Ci.id == entity.id).values(origins=origins)
        await ctx.session.execute(statement.execution_options(synchronize_session=False))


async def _no_circle(ctx: Context, entity: Ci, parent: str) -> None:
    here: str | None = parent
    for _ in range(MAX_DEPTH):
        if here == entity.id:
            raise Invalid.field("parent", f"{entity.name} cannot be part of itself or of something inside it.")
        here = await ctx.session.scalar(select(Ci.parent).where(Ci.id == here)) if here else None
        if here is None:
            return
    raise Invalid.field("parent", f"Items can be nested {MAX_DEPTH} levels deep at most.")
