"""What happens to an incident: creation, moves, resolution, closure; what other features may call."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select

from mainstay.kernel import files, mail, numbering, options, store
from mainstay.kernel.access.tables import REQUESTER
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Conflict, Invalid, NotFound
from mainstay.kernel.record import new_id
from mainstay.kernel.resource import Behaviour
from mainstay.kernel.richtext import plain, sanitise
from mainstay.modules.people.requesters import matching as requesters
from mainstay.modules.servicedesk.incident import assets, engine, shape
from mainstay.modules.servicedesk.incident.form import form_options
from mainstay.modules.servicedesk.incident.messages import add_message
from mainstay.modules.servicedesk.incident.policy import (
    ACKNOWLEDGE,
    ACKNOWLEDGEMENT,
    AUTO_CLOSE,
    MATRIX,
    NOTE_REQUIRED,
    PREFIX,
)
from mainstay.modules.servicedesk.incident.tables import Incident, Message

PRIORITY_CHANGE = "Priority Change"
RELATED: dict[str, Callable[[Context, str], Awaitable[list[Any]]]] = {}
"""What other features add to an incident's detail: name → those of an incident's id. They register here."""


class Incidents(Behaviour[Incident]):
    """The incident's behaviour behind the standard verbs."""

    def normalise(self, data: dict[str, Any]) -> dict[str, Any]:
        return shape.normalise(data)

    def present(self, row: dict[str, Any]) -> dict[str, Any]:
        return shape.present(row)

    def visible(self, ctx: Context) -> ColumnElement[bool] | None:
        who = ctx.principal
        if who.kind != REQUESTER:
            return None
        # Requesters follow what they reported, nothing else.
        return or_(func.lower(Incident.requester_email) == who.email.lower(), Incident.created_by == who.user)

    def insider(self, ctx: Context) -> bool:
        return ctx.principal.kind != REQUESTER

    async def files_seen(self, ctx: Context, found: Sequence[Any]) -> Sequence[Any]:
        if self.insider(ctx):
            return found
        parts = [row.part for row in found if row.part]
        query = select(Message.id).where(Message.id.in_(parts), Message.is_public.is_(True))
        public = set((await ctx.session.execute(query)).scalars()) if parts else set()
        return [row for row in found if not row.part or row.part in public]

    async def prepare(self, ctx: Context, rows: list[dict[str, Any]], given: Sequence[Mapping[str, Any]]) -> None:
        prefix, matrix = await options.get(ctx, PREFIX, MATRIX)
        await _fill_requesters(ctx, rows, given)
        # The number's row is locked from here to the commit: others wait for it.
        first = await numbering.take(ctx, "incident", len(rows))
        ids = engine.display_ids(prefix, first, len(rows))
        for row, display_id, source in zip(rows, ids, given, strict=True):
            row["id"] = new_id()
            row["display_id"] = display_id
            status = row.get("status_id") or engine.NEW
            if status != engine.NEW:
                # A ticket cannot be born closed, but one that was answered on the phone starts as such.
                _move(engine.NEW, status)
            row["status_id"], row["state_id"] = status, engine.WORKFLOW[status].state
            if not row.get("priority_id"):
                row["priority_id"] = engine.priority(row.get("impact_id"), row.get("urgency_id"), matrix)
            if not source.get("source") and not source.get("incident_source"):
                row["source"] = 1 if ctx.principal.kind == REQUESTER else 8 if ctx.principal.csrf else 5
            if status == engine.RESOLVED:
                await _resolved(ctx, row, source)
            elif engine.WORKFLOW[status].response:
                row["responded_at"] = ctx.now

    async def added(self, ctx: Context, rows: list[dict[str, Any]], given: Sequence[Mapping[str, Any]]) -> None:
        for row, source in zip(rows, given, strict=True):
            items = attachments_of(source.get("attachment") or source.get("attachments"))
            if items:
                await files.attach(ctx, "incident", row["id"], items)
        await _acknowledge(ctx, rows)

    async def change(self, ctx: Context, entity: Incident, values: dict[str, Any], given: Mapping[str, Any]) -> None:
        if entity.status_id == engine.CLOSED and _edits(entity, values) - {
            "tag",
            "kb",
            "is_archive",
            "status_id",
        }:
            raise Conflict(f"{entity.display_id} is closed and cannot be changed. Reopen it first.")
        await _priority(ctx, entity, values, given)
        after = values.get("status_id")
        if after is not None and after != entity.status_id:
            _move(entity.status_id, after)
            await apply_status(ctx, entity, values, after, given)
        elif "status_id" in values and after is None:
            values.pop("status_id")
        if (
            "requester_email" in values
            and values["requester_email"].lower() != entity.requester_email.lower()
            and (values.get("requester") in (None, entity.requester))
        ):
            await _fill_requesters(ctx, [values], [given])

    async def saved(self, ctx: Context, entity: Incident, diff: list[dict[str, Any]], given: Mapping[str, Any]) -> None:
        text, kind = comment_of(given)
        if text:
            await add_message(ctx, entity, text, kind=kind, public=False)
        items = attachments_of(given.get("attachment") or given.get("attachments"))
        if items:
            await files.attach(ctx, "incident", entity.id, items)

    async def detail(self, ctx: Context, row: shape.IncidentRecord) -> shape.IncidentDetail:
        status = int(row.basic_info["status_id"])
        form = await form_options(ctx)
        chosen = row.current_assignment_info["assignee_profile_id"]
        info: dict[str, Any] = next((user for user in form["users"] if user["profile_id"] == chosen), {})
        row.impacted_asset = await assets.named(ctx, [item["asset_id"] for item in row.impacted_asset or ()])
        if self.insider(ctx):
            row.related = {name: await find(ctx, row.id) for name, find in RELATED.items()}
        return shape.IncidentDetail(
            incident=row,
            options=form,
            status=engine.status_row(status),
            transition_status=engine.transitions(status),
            stage_state_option_map=engine.option_map(),
            selected_assignee_info=info,
        )

    async def options(self, ctx: Context) -> dict[str, Any]:
        return await form_options(ctx)


def _edits(entity: Incident, values: Mapping[str, Any]) -> set[str]:
    return {name for name, value in values.items() if value != getattr(entity, name)}


def _move(before: int, after: int) -> None:
    try:
        engine.check_move(before, after)
    except engine.IllegalMove as refused:
        raise Conflict(str(refused)) from None


async def _priority(ctx: Context, entity: Incident, values: dict[str, Any], given: Mapping[str, Any]) -> None:
    chosen = values.get("priority_id")
    by_hand = chosen is not None and chosen != entity.priority_id
    impact = values.get("impact_id") or entity.impact_id
    urgency = values.get("urgency_id") or entity.urgency_id
    if not by_hand and (impact != entity.impact_id or urgency != entity.urgency_id):
        values["priority_id"] = await priority_of(ctx, impact, urgency)
    elif chosen is None:
        values.pop("priority_id", None)
    if values.get("priority_id", entity.priority_id) == entity.priority_id:
        return
    text, kind = comment_of(given)
    if not text or kind.lower() != PRIORITY_CHANGE.lower():
        raise Invalid.field(
            "comment",
            'A priority change needs its reason: send "comment": {"type": "Priority Change", "text": "..."}.',
        )


async def priority_of(ctx: Context, impact: int | None, urgency: int | None) -> int:
    """The priority that the organization gives an impact and an urgency."""
    (matrix,) = await options.get(ctx, MATRIX)
    return engine.priority(impact, urgency, matrix)


async def apply_status(
    ctx: Context, entity: Incident, values: dict[str, Any], after: int, given: Mapping[str, Any]
) -> None:
    """Put what a move brings with it into ``values``: state, times, who, timers."""
    values["status_id"], values["state_id"] = after, engine.WORKFLOW[after].state
    if engine.WORKFLOW[after].response and entity.responded_at is None:
        values["responded_at"] = ctx.now
    if after == engine.RESOLVED:
        await _resolved(ctx, values, given)
    elif after == engine.CLOSED:
        values.update(closed_at=ctx.now, closed_by=ctx.principal.name, auto_close_at=None)
        if not values.get("closure_note") and not entity.closure_note:
            values["closure_note"] = comment_of(given)[0]
    if after != engine.PENDING and entity.hold_config:
        values["hold_config"] = {}


async def _resolved(ctx: Context, values: dict[str, Any], given: Mapping[str, Any]) -> None:
    (required,) = await options.get(ctx, NOTE_REQUIRED)
    note = given.get("resolution_note") or given.get("closure_note") or comment_of(given)[0]
    note = sanitise(note).strip() if isinstance(note, str) else ""
    if required and not note:
        raise Invalid.field("closure_note", "Please provide closure note: what solved it?")
    values.pop("closure_note", None)
    values.update(
        resolution_note=note,
        resolved_at=ctx.now,
        resolved_by=ctx.principal.name,
        auto_close_at=await auto_close_at(ctx),
    )


async def auto_close_at(ctx: Context) -> datetime | None:
    """When an incident that is resolved now closes itself; ``None``: never."""
    (days,) = await options.get(ctx, AUTO_CLOSE)
    return ctx.now + timedelta(days=int(days)) if days else None


def comment_of(given: Mapping[str, Any]) -> tuple[str, str]:
    """Text and type of the remark that came with a write: ``comment`` as text or ``{"text", "type"}``."""
    raw = given.get("comment") or given.get("worklog")
    if isinstance(raw, Mapping):
        text = raw.get("text") or raw.get("comment") or raw.get("message") or raw.get("reason") or ""
        return sanitise(str(text)).strip(), str(raw.get("type") or "note")
    return (sanitise(raw).strip(), "note") if isinstance(raw, str) else ("", "note")


def attachments_of(raw: Any) -> list[Any]:
    """The files that came with a write, however they were wrapped."""
    if isinstance(raw, Mapping):
        raw = raw.get("files") or ([raw] if raw.get("data") else [])
    if not isinstance(raw, list):
        return []
    if not all(isinstance(item, Mapping) for item in raw):
        raise Invalid.field("attachment", 'Attachments must be a list of {"name", "data"}.')
    return [item for item in raw if item]


async def _fill_requesters(ctx: Context, rows: list[dict[str, Any]], given: Sequence[Mapping[str, Any]]) -> None:
    """Link rows to requesters by id or e-mail; an address nobody has becomes a new requester."""
    if ctx.principal.kind == REQUESTER:
        for row in rows:
            row.update(requester=None, requester_email=ctx.principal.email, requester_name=ctx.principal.name)
    wanted = [
        requesters.Wanted(
            id=row.get("requester"),
            email=row.get("requester_email") or "",
            name=row.get("requester_name") or "",
            phone=row.get("requester_phone") or "",
        )
        for row in rows
    ]
    for row, found in zip(rows, await requesters.find_or_create(ctx, wanted), strict=True):
        if found is not None:
            row.update(
                requester=found.id,
                requester_name=found.name,
                requester_email=found.email,
                requester_phone=row.get("requester_phone") or found.phone,
            )


async def _acknowledge(ctx: Context, rows: Sequence[dict[str, Any]]) -> None:
    if not ctx.platform.settings.smtp_host:
        return
    wanted, text = await options.get(ctx, ACKNOWLEDGE, ACKNOWLEDGEMENT)
    if not wanted:
        return
    for row in rows:
        if row.get("requester_email"):
            body, _unknown = engine.merge(text, merge_values(row))
            await mail.queue(
                ctx,
                row["requester_email"],
                f"[{row['display_id']}] {row['summary']}",
                plain(body),
                html=body,
                reference=row["id"],
            )


def merge_values(row: Mapping[str, Any]) -> dict[str, Any]:
    """What the merge fields of an incident stand for."""
    status = engine.WORKFLOW.get(row.get("status_id") or 0)
    names = {
        "status": status.name if status else "",
        "state": engine.STATE_NAMES[status.state] if status else "",
        "priority": _name(engine.PRIORITIES, row.get("priority_id")),
        "urgency": _name(engine.URGENCIES, row.get("urgency_id")),
        "impact": _name(engine.IMPACTS, row.get("impact_id")),
    }
    known = {name: row.get(name) for name in engine.MERGE_FIELDS}
    return {
        **known,
        **names,
        "resolution_note": plain(row.get("resolution_note") or ""),
        "closure_note": plain(row.get("closure_note") or ""),
    }


def _name(choices: Sequence[Any], wanted: Any) -> str:
    return next((choice.name for choice in choices if choice.id == wanted), "")


async def by_any_id(ctx: Context, wanted: str, *, lock: bool = False) -> Incident:
    """The incident with this id or display id, as far as the caller may see it."""
    if not wanted:
        raise Invalid.field("incident_id", "Please provide incident id.")
    query = select(Incident).where(store.named(Incident, wanted))
    visible = Incidents().visible(ctx)
    if visible is not None:
        query = query.where(visible)
    found = await store.find(ctx, query, lock=lock)
    if found is None:
        raise NotFound(f"No incident has the id {wanted[:64]!r}.")
    return found


async def move(ctx: Context, entity: Incident, after: int, given: Mapping[str, Any]) -> None:
    """Move an incident as an action does; ``given`` may bring notes. Raises ``Conflict`` for an illegal move."""
    _move(entity.status_id, after)
    if entity.status_id == after:
        raise Conflict(f"{entity.display_id} is {engine.WORKFLOW[after].name} already.")
    values: dict[str, Any] = {}
    for name in ("close_type", "resolution_type"):
        if isinstance(given.get(name), str):
            values[name] = given[name][:255]
    if after == engine.CLOSED and given.get("closure_note"):
        values["closure_note"] = sanitise(str(given["closure_note"]))
    await apply_status(ctx, entity, values, after, given)
    for name, value in values.items():
        setattr(entity, name, value)
    await store.save(ctx, entity, action={engine.RESOLVED: "resolve", engine.CLOSED: "close"}.get(after, "update"))
    note = values.get("resolution_note") if after == engine.RESOLVED else values.get("closure_note")
    if note:
        await add_message(ctx, entity, note, kind="resolution" if after == engine.RESOLVED else "closure", public=True)


async def reopen(ctx: Context, entity: Incident, reason: str) -> None:
    """Take a resolved or closed incident up again. Raises ``Conflict`` or ``Invalid``."""
    if entity.parent is not None:
        raise Conflict(f"{entity.display_id} was merged into another incident. Undo the merge to work on it again.")
    try:
        engine.check_reopen(entity.status_id)
    except engine.IllegalMove as refused:
        raise Conflict(str(refused)) from None
    text = sanitise(reason).strip()
    if not text:
        raise Invalid.field("reason", "Please provide reason: why is it reopened?")
    entity.status_id, entity.state_id = engine.REOPENED, engine.WORKFLOW[engine.REOPENED].state
    entity.resolved_at = entity.closed_at = entity.auto_close_at = None
    entity.resolved_by = entity.closed_by = ""
    entity.reopen_count += 1
    await store.save(ctx, entity, action="reopen")
    await add_message(ctx, entity, text, kind="reopen", public=True)


async def close_due(ctx: Context, limit: int = 500) -> int:
    """Close resolved incidents whose time has come; returns how many. ``ctx`` is of one organization."""
    due = select(Incident).where(Incident.status_id == engine.RESOLVED, Incident.auto_close_at <= ctx.now)
    if not ctx.platform.database.is_sqlite:
        due = due.with_for_update(skip_locked=True)
    found = list((await ctx.session.execute(due.limit(limit))).scalars())
    for entity in found:
        await move(
            ctx,
            entity,
            engine.CLOSED,
            {"close_type": "Automatic", "closure_note": "No answer; closed automatically."},
        )
    return len(found)
