"""The Events module of the API: what operators and other tools do with events."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import select

from mainstay.kernel import links, rows, trail, verbs
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Invalid
from mainstay.kernel.fields import Field
from mainstay.kernel.operation import Page, Saved
from mainstay.kernel.query import ListQuery, parse_filters
from mainstay.kernel.validation import BadValue, read
from mainstay.modules.monitoring.events import history, nbi, service
from mainstay.modules.monitoring.events.listener import engine_of
from mainstay.modules.monitoring.events.resource import events
from mainstay.modules.monitoring.events.tables import Event

MOST = 10_000
_WHEN = Field(kind="datetime", label="The time")


class Listing(msgspec.Struct, kw_only=True):
    """A list asked for in the body: the parameters of ``GET``, with the filters as JSON."""

    items_per_page: int = 50
    page: int = 1
    sort: str = ""
    reverse: bool = False
    search: str = ""
    filters: Any = None
    cursor: str = ""


@events.action("POST", "list/", write=False, returns=verbs.page_of(events))
async def listing(ctx: Context, body: Listing) -> Page:
    """List events, the filters in the body"""
    wanted = ListQuery(items_per_page=body.items_per_page, page=body.page, sort=body.sort, reverse=body.reverse,
                       search=body.search, cursor=body.cursor)  # fmt: skip
    return await rows.page(ctx, events, wanted, parse_filters(body.filters))


@events.action("GET", "suppressed-events/", returns=verbs.page_of(events))
async def suppressed(ctx: Context, query: ListQuery) -> Page:
    """The events that are suppressed"""
    document = verbs.query_filters(query, None)
    return await rows.page(ctx, events, query, document, extra=[Event.suppressed.is_(True)])


class ActionQuery(msgspec.Struct, kw_only=True):
    """What to do with which events. ``ids`` are separated by commas; ``event_id`` and ``event_ids`` are the same."""

    action: str
    ids: str = ""
    event_ids: str = ""
    event_id: str = ""
    comment: str = ""
    reason: str = ""
    assignee: str = ""
    until: str = ""
    minutes: int = 0


class ActionBody(msgspec.Struct, kw_only=True):
    """What to do with which events: these ids, or all that the filters find."""

    action: str
    ids: list[str] | str = []
    event_ids: list[str] | str = []
    event_id: str = ""
    filters: Any = None
    comment: str = ""
    reason: str = ""
    assignee: str | int | dict[str, Any] | None = None
    until: str | int | None = None
    minutes: int = 0


class Done(msgspec.Struct, kw_only=True):
    """How many events changed, and which."""

    status: str = "success"
    action: str
    changed: int
    ids: list[str]


ACTIONS = ("acknowledge", "unacknowledge", "clear", "reopen", "assign", "suppress", "unsuppress", "comment")


@events.action("GET", "action/", privilege="edit", write=True)
async def action_by_query(ctx: Context, query: ActionQuery) -> Done:
    """Act on events: acknowledge, unacknowledge, clear, reopen, assign, suppress, unsuppress or comment

    With a comment, it is added to each of them."""
    body = ActionBody(**{name: getattr(query, name) for name in query.__struct_fields__})
    return await act(ctx, body)


@events.action("POST", "action/", privilege="edit")
async def action_by_body(ctx: Context, body: ActionBody) -> Done:
    """Act on events: acknowledge, unacknowledge, clear, reopen, assign, suppress, unsuppress or comment

    With a comment, it is added to each of them."""
    return await act(ctx, body)


async def act(ctx: Context, body: ActionBody) -> Done:
    """One action on many events."""
    action = body.action.strip().lower().replace("acknowledgement", "acknowledge").replace("_", "")
    action = {"ack": "acknowledge", "unack": "unacknowledge", "close": "clear"}.get(action, action)
    if action not in ACTIONS:
        raise Invalid.field("action", "action must be one of: " + ", ".join(ACTIONS) + ".")
    ids = await _chosen(ctx, body.ids or body.event_ids or body.event_id, body.filters)
    if action == "comment" and not body.comment.strip():
        raise Invalid.field("comment", "Please provide comment.")
    if action == "assign":
        changed = await service.assign(ctx, ids, await _user(ctx, body.assignee))
    elif action == "suppress":
        until = _moment("until", body.until)
        if body.minutes:
            if not 0 < body.minutes <= 525_600:
                raise Invalid.field("minutes", "minutes must be between 1 and 525600.")
            until = ctx.now + timedelta(minutes=body.minutes)
        if until is not None and until <= ctx.now:
            raise Invalid.field("until", "The end of the suppression must be in the future.")
        changed = await service.suppress(ctx, ids, until, (body.reason or body.comment)[:500])
    elif action == "comment":
        changed = ids
    else:
        changed = await getattr(service, action)(ctx, ids)
    if body.comment.strip():
        for event in ids:
            await trail.comment(ctx, "event", event, trail.CommentInput(text=body.comment))
    return Done(action=action, changed=len(changed), ids=changed)


async def _chosen(ctx: Context, given: list[str] | str, filters: Any = None) -> list[str]:
    """The ids of the events that are there, of those given or found. Raises ``Invalid`` for none."""
    wanted = [part.strip() for part in given.split(",") if part.strip()] if isinstance(given, str) else list(given)
    if len(wanted) > MOST:
        raise Invalid.field("ids", f"At most {MOST} events can be changed at once.")
    if not wanted:
        document = parse_filters(filters)
        if document is None:
            raise Invalid.field("ids", "Please provide ids.")
        _origin, conditions = await rows.condition_of(ctx, events, ListQuery(), document)
        return list((await ctx.session.execute(select(Event.id).where(*conditions).limit(MOST))).scalars())
    found: set[str] = set()
    for start in range(0, len(wanted), 500):
        part = [item for item in wanted[start : start + 500] if "\x00" not in item]
        found |= set((await ctx.session.execute(select(Event.id).where(Event.id.in_(part)))).scalars())
    missing = [item for item in wanted if item not in found]
    if missing:
        raise Invalid.field("ids", f"No event has the id {missing[0][:64]!r}.")
    return list(dict.fromkeys(wanted))


async def _user(ctx: Context, given: Any) -> str | None:
    if given in (None, "", 0, {}):
        return None
    values = {"assignee": str(given.get("profile_id") or given.get("id") or "") if isinstance(given, dict) else
              str(given)}  # fmt: skip
    await links.resolve_one(ctx, {"assignee": events.fields["assignee"]}, values)
    return values["assignee"]


def _moment(name: str, given: Any) -> datetime | None:
    if given in (None, ""):
        return None
    try:
        found: datetime = read(_WHEN, int(given) if isinstance(given, str) and given.isdigit() else given)
    except BadValue as bad:
        raise Invalid.field(name, str(bad)) from None
    return found


class AssigneeBody(msgspec.Struct, kw_only=True):
    """Who works on which events; nobody when ``assignee`` is empty."""

    ids: list[str] | str = []
    event_ids: list[str] | str = []
    event_id: str = ""
    assignee: str | int | dict[str, Any] | None = None


@events.action("POST", "update-event-assignee/", privilege="edit")
async def update_assignee(ctx: Context, body: AssigneeBody) -> Done:
    """Assign events to somebody, or to nobody"""
    ids = await _chosen(ctx, body.ids or body.event_ids or body.event_id)
    changed = await service.assign(ctx, ids, await _user(ctx, body.assignee))
    return Done(action="assign", changed=len(changed), ids=changed)


class DueBody(msgspec.Struct, kw_only=True):
    """Until when which events are to be dealt with; no date when ``due_date`` is empty."""

    ids: list[str] | str = []
    event_ids: list[str] | str = []
    event_id: str = ""
    due_date: str | int | None = None


@events.action("POST", "update-event-due-date/", privilege="edit")
async def update_due_date(ctx: Context, body: DueBody) -> Done:
    """Set until when events are to be dealt with"""
    ids = await _chosen(ctx, body.ids or body.event_ids or body.event_id)
    changed = await service.schedule(ctx, ids, _moment("due_date", body.due_date))
    return Done(action="due date", changed=len(changed), ids=changed)


class TagBody(msgspec.Struct, kw_only=True):
    """Tags for which events; ``mode`` is add, replace or remove."""

    ids: list[str] | str = []
    event_ids: list[str] | str = []
    event_id: str = ""
    tags: list[str] | str
    mode: str = "add"


@events.action("POST", "save-tag-to-events/", privilege="edit")
async def save_tags(ctx: Context, body: TagBody) -> Done:
    """Tag events"""
    if body.mode not in ("add", "replace", "remove"):
        raise Invalid.field("mode", "mode must be one of: add, replace, remove.")
    try:
        names: list[str] = read(events.fields["tags"], body.tags)
    except BadValue as bad:
        raise Invalid.field("tags", str(bad)) from None
    ids = await _chosen(ctx, body.ids or body.event_ids or body.event_id)
    changed = await service.tag(ctx, ids, names, body.mode)
    return Done(action="tag", changed=len(changed), ids=changed)


class TagUse(msgspec.Struct, kw_only=True):
    """A tag that events carry."""

    name: str
    count: int


class TagUses(msgspec.Struct, kw_only=True):
    results: list[TagUse]


@events.action("GET", "available-tags/")
async def available_tags(ctx: Context) -> TagUses:
    """The tags that events carry, and those of the organization for users"""
    found = await service.tags(ctx)
    return TagUses(results=[TagUse(name=name, count=count) for name, count in sorted(found.items())])


@events.action("GET", "comments/{eventid}/")
async def comments(ctx: Context, eventid: str, query: ListQuery) -> Page:
    """The comments on an event"""
    found = await verbs.entity_of(ctx, events, eventid)
    return await trail.comments(ctx, "event", found.id, query)


@events.action("POST", "comments/{eventid}/", privilege="edit", status=201)
async def comment(ctx: Context, eventid: str, body: trail.CommentInput) -> Saved:
    """Comment on an event"""
    found = await verbs.entity_of(ctx, events, eventid)
    made = await trail.comment(ctx, "event", found.id, body)
    return Saved(id=made["id"], message="comment_created", msg="Comment added.", data=made)


class HistoryRow(msgspec.Struct, kw_only=True):
    """One time that an event occurred."""

    time: datetime
    event_class: str
    severity: int
    clear: bool
    source: str
    host: str
    address: str
    resource: str
    message: str
    raw: str
    reference: str


@events.action("GET", "{id}/occurrences/")
async def occurrences(ctx: Context, id: str, query: ListQuery) -> Page:
    """Every single time that an event occurred, newest first"""
    found = await verbs.entity_of(ctx, events, id)
    size, page = query.items_per_page, query.page
    if not 1 <= size <= 1000 or not 1 <= page <= 10**6:
        raise Invalid.field("items_per_page", "items_per_page must be between 1 and 1000, and page 1 or more.")
    telemetry = ctx.platform.telemetry
    if telemetry is None:
        return trail.envelope(query, 0, [])
    total, kept = await history.of_event(telemetry, ctx.organization, found.id, size, (page - 1) * size)
    shown = [HistoryRow(**{**row, "clear": bool(row["clear"])}) for row in kept]
    return trail.envelope(query, total, shown)


class NbiQuery(msgspec.Struct, kw_only=True):
    """``mapping``: generic, alertmanager, grafana or zabbix; empty: recognised by the body's shape."""

    mapping: str = ""


class NbiEvent(msgspec.Struct, kw_only=True):
    """What one posted event became: the row it is counted in; empty where an end met no live event."""

    event_id: str
    cleared: bool
    message: str


class NbiAnswer(msgspec.Struct, kw_only=True):
    """Sent when everything is stored."""

    status: str = "success"
    received: int
    raised: int
    cleared: int
    events: list[NbiEvent]


@events.action("POST", "events_nbi/", privilege="add")
async def events_nbi(ctx: Context, query: NbiQuery, body: Any) -> NbiAnswer:
    """Post events of another tool: any JSON, one or many

    Alertmanager, Grafana, Zabbix and plain webhooks are recognised by themselves. What says that it is resolved ends
    the event with the same key. Answered when the events are stored."""
    raw = nbi.raw_events(ctx.organization, body, query.mapping.strip().lower(), ctx.now)
    found, _touched = await engine_of(ctx.platform).within(ctx, raw)
    shown: Sequence[NbiEvent] = [
        NbiEvent(event_id=item.event, cleared=item.clear, message=item.message) for item in found[:1000]
    ]
    ended = sum(1 for item in found if item.clear)
    return NbiAnswer(received=len(raw), raised=len(found) - ended, cleared=ended, events=list(shown))


class Columns(msgspec.Struct, kw_only=True):
    """The columns of the caller's event list, in order. An entry may carry more, such as its width.

    Without any the list has its standard columns again.
    """

    columns: list[Any]


STANDARD = ("severity", "message", "host", "resource", "count", "first_seen", "last_seen", "cleared", "assignee",
            "tickets")  # fmt: skip
"""The columns of whoever has chosen none, in the order in which an operator reads them."""


@events.action("GET", "column-config/")
async def column_config(ctx: Context) -> Columns:
    """The columns of your event list"""
    saved = await service.columns(ctx)
    return Columns(columns=saved or list(STANDARD))


@events.action("POST", "save-column-config/", write=True)
async def save_column_config(ctx: Context, body: Columns) -> Columns:
    """Save the columns of your event list"""
    known = {*events.fields, *events.stamps(), *events.extra, "event_id"}
    for entry in body.columns:
        name = entry.get("name") or entry.get("field") if isinstance(entry, dict) else entry
        if name not in known:
            raise Invalid.field("columns", f"{str(name)[:60]!r} is not a column. Columns: {', '.join(sorted(known))}.")
    if len(body.columns) > 100:
        raise Invalid.field("columns", "Give at most 100 columns.")
    await service.save_columns(ctx, body.columns)
    return Columns(columns=body.columns or list(STANDARD))


__all__ = ["events"]
