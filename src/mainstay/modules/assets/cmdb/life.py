"""An item through its life: moves between states, history, a value brought back, files."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import func, select

from mainstay.kernel import changes, files, trail, verbs, writing
from mainstay.kernel.changes import Change
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Invalid, NotFound
from mainstay.kernel.files import Attachment, AttachmentInput, Media
from mainstay.kernel.operation import Page, Reply, Saved
from mainstay.kernel.query import ListQuery
from mainstay.kernel.transfer import csv_bytes
from mainstay.modules.assets.cmdb import engine
from mainstay.modules.assets.cmdb.partlists import item_of
from mainstay.modules.assets.cmdb.resource import PATH, items
from mainstay.modules.assets.cmdb.tables import PEOPLE
from mainstay.modules.people.persons import people

MOVING = ("status", "allocation", *PEOPLE, "department", "location")
"""Fields whose changes are steps of an item's life."""


class CiQuery(msgspec.Struct, kw_only=True):
    """An item."""

    ci_id: str


class Step(msgspec.Struct, kw_only=True):
    """One step in an item's life."""

    at: datetime
    actor: str
    what: str
    old: str
    new: str
    reason: str = ""


class Life(msgspec.Struct, kw_only=True):
    """An item's states, the one it is in, what can come next, and how it got there."""

    ci_id: str
    status: int
    status_name: str
    since: datetime | None
    states: list[dict[str, Any]]
    next: list[dict[str, Any]]
    steps: list[Step]


@items.action("GET", "asset-life-cycle/")
async def life(ctx: Context, query: CiQuery) -> Life:
    """An item's way through its states, with whom it was allocated to and where it was"""
    item = await item_of(ctx, query.ci_id)
    return Life(
        ci_id=item.id,
        status=item.status,
        status_name=engine.NAMES.get(item.status, ""),
        since=item.state_changed_at,
        states=[{"id": state.id, "name": state.name, "color": state.color} for state in engine.STATES],
        next=[{"id": state, "name": engine.NAMES[state]} for state in engine.MOVES.get(item.status, ())],
        steps=await steps(ctx, [item.id]),
    )


async def steps(ctx: Context, ids: list[str]) -> list[Step]:
    """The steps in the lives of items, oldest first, in words."""
    query = select(Change).where(Change.resource == "ci", Change.record_id.in_(ids)).order_by(Change.seq).limit(2000)
    found = list((await ctx.session.execute(query)).scalars())
    made: list[Step] = []
    links: dict[str, set[str]] = {}
    for row in found:
        reason = next((item["new"] for item in row.changes if item["field"] == "status_reason"), "") or ""
        if row.action in ("create", "delete"):
            made.append(Step(at=row.at, actor=row.actor_name, what=row.action, old="", new=""))
        for item in row.changes:
            if item["field"] in MOVING:
                spec = items.fields[item["field"]]
                words = [_word(spec, item[side]) for side in ("old", "new")]
                made.append(
                    Step(
                        at=row.at,
                        actor=row.actor_name,
                        what=item["field"],
                        old=words[0],
                        new=words[1],
                        reason=reason if item["field"] == "status" else "",
                    )
                )
                if spec.reference:
                    links.setdefault(spec.reference, set()).update(word for word in words if word)
    names = {target: await _names(ctx, target, ids) for target, ids in links.items()}
    for step in made:
        target = items.fields[step.what].reference if step.what in items.fields else ""
        step.old = names.get(target, {}).get(step.old, step.old)
        step.new = names.get(target, {}).get(step.new, step.new)
    return made


def _word(spec: Any, value: Any) -> str:
    if spec.choices:
        return next((choice.name for choice in spec.choices if choice.id == value), "")
    return str(value or "")


async def _names(ctx: Context, target: str, ids: set[str]) -> dict[str, str]:
    if target == "user":
        return {key: person.full_name for key, person in (await people(ctx, ids)).items()}
    res = ctx.platform.registry.resources[target]
    wanted = select(res.model.id, getattr(res.model, res.title)).where(res.model.id.in_(sorted(ids)))
    return {row[0]: row[1] for row in (await ctx.session.execute(wanted)).all()}


class Operation(msgspec.Struct, kw_only=True):
    """Something that can be done with an item."""

    name: str
    label: str
    status: int
    status_name: str
    allowed: bool
    why_not: str


class Operations(msgspec.Struct, kw_only=True):
    """What can be done with an item in its state."""

    ci_id: str
    status_name: str
    operations: list[Operation]


@items.action("GET", "asset-operations/")
async def operations(ctx: Context, query: CiQuery) -> Operations:
    """What can be done with an item now, and why the rest cannot"""
    item = await item_of(ctx, query.ci_id)
    every = [
        Operation(
            name=name,
            label=label,
            status=state,
            status_name=engine.NAMES[state],
            allowed=state in engine.MOVES.get(item.status, ()),
            why_not="It is already." if state == item.status else engine.refusal(item.status, state),
        )
        for name, (label, state) in engine.OPERATIONS.items()
    ]
    return Operations(ci_id=item.id, status_name=engine.NAMES.get(item.status, ""), operations=every)


class Perform(msgspec.Struct, kw_only=True):
    """Something to do with items. Whom it is for, where it goes to, and why, as far as it matters."""

    operation: str
    ci_ids: list[str]
    reason: str = ""
    used_by: Any = None
    requester: Any = None
    department: Any = None
    location: Any = None


class Performed(msgspec.Struct, kw_only=True):
    """How many items it was done with."""

    status: str = "success"
    done: int


@items.action("POST", "asset-operations/", privilege="edit")
async def perform(ctx: Context, body: Perform) -> Performed:
    """Do something with items: allocate, take back, send to maintenance, retire ... All of them, or none"""
    if body.operation not in engine.OPERATIONS:
        raise Invalid.field("operation", f"operation must be one of: {', '.join(engine.OPERATIONS)}.")
    if not 1 <= len(body.ci_ids) <= 500:
        raise Invalid.field("ci_ids", "Please provide one to 500 items.")
    values: dict[str, Any] = {"status": engine.OPERATIONS[body.operation][1], "status_reason": body.reason}
    for name in ("used_by", "requester", "department", "location"):
        if getattr(body, name) is not None:
            values[name] = getattr(body, name)
    for key in dict.fromkeys(body.ci_ids):
        entity = await verbs.entity_of(ctx, items, key, lock=True)
        await writing.update(ctx, items, entity, values, partial=True)
    return Performed(done=len(set(body.ci_ids)))


class HistoryQuery(ListQuery, kw_only=True):
    """The history of an item, or of all. ``action``, ``actor``, ``field``: only these."""

    ci_id: str = ""
    action: str = ""
    actor: int = -1
    field: str = ""


class ActivityOptions(msgspec.Struct, kw_only=True):
    """What the history can be narrowed down by."""

    actions: list[dict[str, Any]]
    actors: list[dict[str, Any]]
    fields: list[dict[str, str]]


@items.action("GET", "activity_log_options/")
async def activity_options(ctx: Context, query: HistoryQuery) -> ActivityOptions:
    """Who did what with items: what the history can be narrowed down by"""
    mine = [Change.resource == "ci"]
    if query.ci_id:
        mine.append(Change.record_id == (await item_of(ctx, query.ci_id)).id)
    actions = select(Change.action, func.count()).where(*mine).group_by(Change.action).order_by(Change.action)
    actors = select(Change.actor, func.max(Change.actor_name), func.count()).where(*mine).group_by(Change.actor)
    return ActivityOptions(
        actions=[{"name": row[0], "count": row[1]} for row in (await ctx.session.execute(actions)).all()],
        actors=[{"id": row[0], "name": row[1], "count": row[2]} for row in (await ctx.session.execute(actors)).all()],
        fields=[{"name": name, "label": spec.label} for name, spec in items.fields.items()],
    )


async def _history(ctx: Context, query: HistoryQuery) -> tuple[int, list[Change]]:
    statement = select(Change).where(Change.resource == "ci")
    if query.ci_id:
        statement = statement.where(Change.record_id == (await item_of(ctx, query.ci_id)).id)
    elif (seen := items.behaviour.visible(ctx)) is not None:
        statement = statement.where(Change.record_id.in_(select(items.model.id).where(seen)))
    if query.action:
        statement = statement.where(Change.action == query.action)
    if query.actor >= 0:
        statement = statement.where(Change.actor == query.actor)
    if query.field:
        from sqlalchemy import String, cast

        statement = statement.where(cast(Change.changes, String).contains(f'"{query.field}"', autoescape=True))
    total, found = await trail.paged(ctx, statement.order_by(Change.seq.desc()), query)
    return total, [row for (row,) in found]


def _told(row: Change) -> dict[str, Any]:
    return {
        "id": row.seq,
        "at": row.at,
        "ci_id": row.record_id,
        "actor": row.actor,
        "actor_name": row.actor_name,
        "action": row.action,
        "version": row.version,
        "changes": [{"label": _label(item["field"]), **item} for item in row.changes],
    }


def _label(name: str) -> str:
    spec = items.fields.get(name)
    return spec.label if spec else name.replace("_", " ")


@items.action("GET", "history/")
async def history(ctx: Context, query: HistoryQuery) -> Page:
    """What happened to an item, or to all, newest first"""
    total, found = await _history(ctx, query)
    return trail.envelope(query, total, [_told(row) for row in found])


@items.action("GET", "history_data_export/", privilege="export", returns=Media)
async def history_export(ctx: Context, query: HistoryQuery) -> Any:
    """What happened to an item, or to all, as CSV: one line per field"""
    query.items_per_page = 1000 if query.items_per_page == 50 else query.items_per_page
    _total, found = await _history(ctx, query)
    names = await _names(ctx, "ci", {row.record_id for row in found})
    lines: list[list[Any]] = [["Time", "Item", "Asset ID or name", "Who", "Action", "Field", "Old value", "New value"]]
    for row in found:
        for item in row.changes or [{"field": "", "old": "", "new": ""}]:
            lines.append(
                [
                    row.at.isoformat(),
                    row.record_id,
                    names.get(row.record_id, ""),
                    row.actor_name,
                    row.action,
                    _label(item["field"]),
                    item["old"],
                    item["new"],
                ]
            )
    name = {"Content-Disposition": 'attachment; filename="history.csv"', "X-Content-Type-Options": "nosniff"}
    return Reply(csv_bytes(lines, start=True), media_type="text/csv", headers=name)


class Restore(msgspec.Struct, kw_only=True):
    """A change of the item's history, and the field whose value from before it is wanted back."""

    change: int = 0
    field: str = ""


@items.action("POST", "{id}/restore/", privilege="edit")
async def restore(ctx: Context, id: str, body: Restore) -> Saved:
    """Bring back the value that a field had before a change"""
    entity = await verbs.entity_of(ctx, items, id, lock=True)
    query = select(Change).where(Change.resource == "ci", Change.record_id == entity.id, Change.seq == body.change)
    row = (await ctx.session.execute(query)).scalars().first()
    item = next((one for one in row.changes if one["field"] == body.field), None) if row is not None else None
    if item is None:
        raise NotFound("The item's history has no such change of this field.")
    if body.field not in items.writable() and body.field != "custom_field_data":
        raise Invalid.field("field", f"{_label(body.field)} cannot be set by hand, so it cannot be brought back.")
    if isinstance(item["old"], str) and len(item["old"]) > changes.MAX_TEXT:
        raise Invalid.field("field", "The history keeps only the beginning of long texts.")
    if body.field == "custom_field_data":
        blank = dict.fromkeys(entity.custom_field_data)
        await writing.update(ctx, items, entity, {body.field: {**blank, **(item["old"] or {})}}, partial=True)
    else:
        await writing.update(ctx, items, entity, {body.field: item["old"]}, partial=True)
    return verbs.saved(items, msgspec.to_builtins(await verbs.whole(ctx, items, entity.id)), entity.id, "update")


class AttachInput(msgspec.Struct, kw_only=True):
    """Files for an item, as data URIs."""

    ci_id: str
    attachments: list[AttachmentInput]


class Attached(msgspec.Struct, kw_only=True):
    """The files of an item."""

    ci_id: str
    results: list[dict[str, Any]]


@items.action("POST", "add-attachment/", privilege="edit")
async def attach(ctx: Context, body: AttachInput) -> Attached:
    """Attach files to an item"""
    item = await item_of(ctx, body.ci_id)
    if not body.attachments:
        raise Invalid.field("attachments", "Please provide attachments.")
    made = await files.attach(ctx, "ci", item.id, list(body.attachments))
    return Attached(ci_id=item.id, results=[files.shown(row, f"{PATH}{item.id}/attachments/") for row in made])


class FileQuery(msgspec.Struct, kw_only=True):
    """An item, to list its files; or a file, to read it."""

    ci_id: str = ""
    attachment_id: str = ""


@items.action("GET", "attachment/", returns=Attached)
async def attachment(ctx: Context, query: FileQuery) -> Any:
    """The files of an item; with ``attachment_id`` the file itself"""
    if query.attachment_id:
        wanted = select(Attachment).where(Attachment.id == query.attachment_id, Attachment.resource == "ci")
        row = (await ctx.session.execute(wanted)).scalars().first()
        if row is None:
            raise NotFound("There is no such attachment.")
        await verbs.entity_of(ctx, items, row.record_id)
        return files.content(ctx, row)
    item = await item_of(ctx, query.ci_id)
    found = await files.of(ctx, "ci", item.id)
    return Attached(ci_id=item.id, results=[files.shown(row, f"{PATH}{item.id}/attachments/") for row in found])
