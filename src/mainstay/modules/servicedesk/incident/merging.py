"""Merging incidents that report the same trouble, and taking a merge back."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

from sqlalchemy import or_, select

from mainstay.kernel import store
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Conflict, Invalid, NotFound
from mainstay.modules.servicedesk.incident import engine, service
from mainstay.modules.servicedesk.incident.bodies import Merge
from mainstay.modules.servicedesk.incident.messages import add_message, tell
from mainstay.modules.servicedesk.incident.resource import SAVED, answered, incidents
from mainstay.modules.servicedesk.incident.shape import Identified
from mainstay.modules.servicedesk.incident.tables import Incident

MOST = 100
INTO, FROM = "merged_into", "merged"
_BEFORE = ("status_id", "close_type", "closure_note")


@incidents.action("POST", "merge/", privilege="edit", returns=SAVED)
async def merge_incidents(ctx: Context, body: Merge) -> Any:
    """Merge incidents (``ids``) into one (``incident_id``).

    They are closed as merged. Watchers, assignees and assets of theirs are added to the one that remains, and its
    answers also go to their requesters.
    """
    target = await service.by_any_id(ctx, body.wanted, lock=True)
    await merge(ctx, target, await _named(ctx, body.every), body.note)
    return await answered(ctx, target)


@incidents.action("POST", "unmerge/", privilege="edit", returns=SAVED)
async def unmerge_incident(ctx: Context, body: Identified) -> Any:
    """Take back that an incident was merged: it returns to the status it had."""
    child = await service.by_any_id(ctx, body.wanted, lock=True)
    await unmerge(ctx, child)
    return await answered(ctx, child)


async def _named(ctx: Context, wanted: Sequence[str]) -> list[Incident]:
    if not wanted:
        raise Invalid.field("ids", "Please provide ids: which incidents are to be merged?")
    if len(wanted) > MOST:
        raise Invalid.field("ids", f"At most {MOST} incidents can be merged at once.")
    upper = [item.upper() for item in wanted]
    query = select(Incident).where(or_(Incident.id.in_(wanted), Incident.display_id.in_(upper)))
    visible = incidents.behaviour.visible(ctx)
    if visible is not None:
        query = query.where(visible)
    if not ctx.platform.database.is_sqlite:
        query = query.with_for_update()
    found = list((await ctx.session.execute(query.order_by(Incident.id))).scalars())
    known = {name for row in found for name in (row.id, row.display_id)}
    for item, name in zip(wanted, upper, strict=True):
        if item not in known and name not in known:
            raise NotFound(f"No incident has the id {item[:64]!r}.")
    return found


async def merge(ctx: Context, target: Incident, children: Sequence[Incident], note: str = "") -> None:
    """Merge ``children`` into ``target``. Raises ``Conflict`` naming the one that cannot be."""
    _check_target(target)
    for child in children:
        if child.id == target.id:
            raise Invalid.field("ids", f"{child.display_id} cannot be merged into itself.")
        if child.parent is not None:
            raise Conflict(f"{child.display_id} was merged already. Undo that merge first.")
        if child.status_id == engine.CLOSED:
            raise Conflict(f"{child.display_id} is closed. Reopen it first, then merge it.")
    for child in children:
        added = _take_over(target, child)
        _close(ctx, child, target, added)
        await store.save(ctx, child, action="merge")
    await store.save(ctx, target, action="merge")
    for child in children:
        await _say(ctx, target, child, note)


def _check_target(target: Incident) -> None:
    if target.parent is not None:
        place = next((item["display_id"] for item in _entries(target, INTO)), "another incident")
        raise Conflict(f"{target.display_id} was merged into {place}. Merge into that one.")
    if target.status_id == engine.CLOSED:
        raise Conflict(f"{target.display_id} is closed. Reopen it first, or merge into an open incident.")


def _take_over(target: Incident, child: Incident) -> dict[str, list[str]]:
    """Add the child's people and assets to the target; what was new, for taking it back."""
    people = [*child.watcher, *([child.assignee] if child.assignee else [])]
    gained = {
        "watcher": _new(people, [*target.watcher, target.assignee or ""]),
        "assets": _new(child.assets, target.assets),
    }
    target.watcher = [*target.watcher, *gained["watcher"]]
    target.assets = [*target.assets, *gained["assets"]]
    entry = {"type": FROM, "incident_id": child.id, "display_id": child.display_id}
    target.reference = [*(target.reference or []), entry]
    return gained


def _new(found: Sequence[str], known: Sequence[str]) -> list[str]:
    return [item for item in dict.fromkeys(found) if item not in known]


def _close(ctx: Context, child: Incident, target: Incident, added: dict[str, list[str]]) -> None:
    before = {name: getattr(child, name) for name in _BEFORE}
    entry = {"type": INTO, "incident_id": target.id, "display_id": target.display_id, "added": added, "before": before}
    # An entry of this type that a client wrote must not be what a merge is taken back from.
    child.reference = [*(item for item in child.reference or [] if item not in _entries(child, INTO)), entry]
    child.parent = target.id
    child.status_id, child.state_id = engine.CLOSED, engine.CLOSED_STATE
    child.close_type, child.closure_note = "Merged", f"Merged into {target.display_id}."
    child.closed_at, child.closed_by, child.auto_close_at = ctx.now, ctx.principal.name, None


def _entries(entity: Incident, kind: str) -> list[dict[str, Any]]:
    return [item for item in entity.reference or [] if isinstance(item, dict) and item.get("type") == kind]


async def _say(ctx: Context, target: Incident, child: Incident, note: str) -> None:
    reporter = child.requester_name or child.requester_email
    told = f"<p><b>{child.display_id}</b> was merged into this incident: {html.escape(child.summary)}"
    told += f" (reported by {html.escape(reporter)})</p>" if reporter else "</p>"
    if note:
        told += f"<p>{html.escape(note[:2000])}</p>"
    await add_message(ctx, target, told + child.description, kind="merge", public=False)
    text = f"Your report was merged into {target.display_id}: it is worked on there, and you will be kept posted."
    await add_message(ctx, child, text, kind="merge", public=True)
    await tell(ctx, [child], text)


async def unmerge(ctx: Context, child: Incident) -> None:
    """Take a merge back. Raises ``Conflict`` when the incident was not merged."""
    if child.parent is None:
        raise Conflict(f"{child.display_id} was not merged into another incident.")
    entry = next((item for item in _entries(child, INTO) if item.get("incident_id") == child.parent), {})
    before, added = entry.get("before", {}), entry.get("added", {})
    parent = await store.find(ctx, select(Incident).where(Incident.id == child.parent), lock=True)
    status = before.get("status_id", engine.REOPENED)
    child.parent = None
    child.reference = [item for item in child.reference if item != entry]
    child.status_id, child.state_id = status, engine.WORKFLOW[status].state
    child.close_type, child.closure_note = before.get("close_type", ""), before.get("closure_note", "")
    child.closed_at, child.closed_by = None, ""
    if status == engine.RESOLVED:
        child.auto_close_at = await service.auto_close_at(ctx)
    await store.save(ctx, child, action="unmerge")
    if parent is not None:
        parent.reference = [item for item in parent.reference if item.get("incident_id") != child.id]
        for name in ("watcher", "assets"):
            gone = set(added.get(name, ()))
            setattr(parent, name, [item for item in getattr(parent, name) if item not in gone])
        await store.save(ctx, parent, action="unmerge")
        await add_message(ctx, parent, f"{child.display_id} is separate again.", kind="merge", public=False)
    await add_message(ctx, child, "This incident is worked on separately again.", kind="merge", public=True)
