"""Event triggers: the resource, its preview, and what waits."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import delete, select

from mainstay.kernel import store, trail, validation, verbs, writing
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Conflict, Invalid
from mainstay.kernel.fields import Field
from mainstay.kernel.operation import Page
from mainstay.kernel.query import ListQuery
from mainstay.kernel.resource import Behaviour, Resource
from mainstay.modules.monitoring.events.tables import NEWEST_FIRST, Event
from mainstay.modules.servicedesk.eventtickets import acting, engine, listening, matching
from mainstay.modules.servicedesk.eventtickets.tables import EventTrigger, TriggerDue, TriggerGroup
from mainstay.modules.servicedesk.incident.tables import Incident

PATH = "/api/event-triggers/"
_EMAIL = Field(name="notify_emails", kind="email", label="E-mail", max_length=254)


class Triggers(Behaviour[EventTrigger]):
    def normalise(self, data: dict[str, Any]) -> dict[str, Any]:
        out = dict(data)
        enabled = next((out.pop(name) for name in ("is_enabled", "enabled") if name in out), None)
        if enabled is not None and "status" not in data:
            out["status"] = enabled
        if isinstance(out.get("status"), bool):
            out["status"] = engine.ACTIVE if out["status"] else engine.INACTIVE
        return out

    async def prepare(self, ctx: Context, rows: list[dict[str, Any]], given: Sequence[Mapping[str, Any]]) -> None:
        for row in rows:
            await check(ctx, row, row)

    async def change(
        self, ctx: Context, entity: EventTrigger, values: dict[str, Any], given: Mapping[str, Any]
    ) -> None:
        await check(ctx, values, {**_as_stored(entity), **values})

    async def removing(self, ctx: Context, entities: Sequence[EventTrigger]) -> None:
        # Links stay: they tell which trigger it was.
        ids = [entity.id for entity in entities]
        for model in (TriggerDue, TriggerGroup):
            gone = delete(model).where(model.trigger.in_(ids))
            await ctx.session.execute(gone.execution_options(synchronize_session=False))

    async def options(self, ctx: Context) -> dict[str, Any]:
        return {"expression_fields": [*engine.FIELDS, "variables.<name>"], "summary": engine.SUMMARY,
                "resolution_note": engine.RESOLUTION, "by_severity": engine.BY_SEVERITY}  # fmt: skip


def _as_stored(entity: EventTrigger) -> dict[str, Any]:
    return {name: getattr(entity, name) for name in triggers.fields}


async def check(ctx: Context, values: Mapping[str, Any], whole: Mapping[str, Any]) -> None:
    """Raises ``Invalid`` for conditions, expressions and addresses that cannot be."""
    if "conditions" in values:
        await matching.condition(ctx, values["conditions"])
    matching.check_expressions(values)
    if whole.get("group_by") == engine.BY_EXPRESSION and not re.search(r"\{\{", whole.get("group_expression") or ""):
        raise Invalid.field("group_expression", "Please provide group expression, such as {{ci}} {{event_class}}.")
    for address in values.get("notify_emails") or []:
        try:
            validation.read(_EMAIL, address)
        except validation.BadValue:
            raise Invalid.field("notify_emails", f"{str(address)[:60]!r} is not an e-mail address.") from None


triggers = Resource(
    EventTrigger,
    module="Event Triggers",
    path=PATH,
    label="Event trigger",
    title="name",
    area="monitoring",
    section="Monitoring",
    sort="name",
    reverse=False,
    behaviour=Triggers(),
    privileges=("view", "add", "edit", "delete", "export", "execute"),
    natural_key="name",
    verbs={"template": None, "columns": None, "validate": None, "import": None},
    sample={
        "name": "Links of the core",
        "status": "active",
        "conditions": {"and": [{"severity": [1, 2]}, {"field": "event_class", "condition": "contains",
                                                      "value": "link"}]},
        "delay": 60,
        "group_by": "ci",
        "on_clear": "resolve",
    },
)  # fmt: skip


class PreviewWanted(msgspec.Struct, kw_only=True):
    """A trigger that is not saved yet (any of its fields), and how many of the last events to look at."""

    trigger: dict[str, Any] = {}
    id: str = ""
    last: int = 500


class PreviewEvent(msgspec.Struct, kw_only=True):
    """An event that would have matched."""

    event_id: str
    message: str
    severity: str
    device: str
    event_class: str
    cleared: bool
    first_seen: datetime


class PreviewGroup(msgspec.Struct, kw_only=True):
    """An incident that would have been opened."""

    key: str
    summary: str
    urgency: int
    impact: int
    events: list[PreviewEvent]


class Preview(msgspec.Struct, kw_only=True):
    """Of the last events: how many were looked at, how many match, and the incidents they would make."""

    examined: int
    matched: int
    groups: list[PreviewGroup]


@triggers.action("POST", "preview/", privilege="view", write=False)
async def preview(ctx: Context, body: PreviewWanted) -> Preview:
    """Try a trigger on the last events, without opening anything. Business hours and delays are left out."""
    ctx.principal.require("event", "view")
    if not 1 <= body.last <= 5000:
        raise Invalid.field("last", "last must be between 1 and 5000.")
    trigger = await _draft(ctx, body)
    examined, found = await matching.newest(ctx, trigger, body.last)
    facts = await matching.facts(ctx, found)
    groups: dict[str, list[dict[str, Any]]] = {}
    for event in found:
        mine = facts[event.id]
        groups.setdefault(engine.group_key(trigger.group_by, trigger.group_expression, mine), []).append(mine)
    shown = []
    for key, members in groups.items():
        made = acting.document(trigger, members)
        events = [
            PreviewEvent(
                event_id=item["event_id"], message=item["message"], severity=item["severity"], device=item["device"],
                event_class=item["event_class"], cleared=item["cleared"], first_seen=item["first_seen"],
            )
            for item in members
        ]  # fmt: skip
        shown.append(PreviewGroup(key=key, summary=made["summary"], urgency=made["urgency"], impact=made["impact"],
                                  events=events))  # fmt: skip
    return Preview(examined=examined, matched=len(found), groups=shown)


async def _draft(ctx: Context, body: PreviewWanted) -> EventTrigger:
    """The trigger to try: a saved one, the given fields over it."""
    stored = _as_stored(await verbs.entity_of(ctx, triggers, body.id)) if body.id else store.defaults(EventTrigger)
    whole = {name: stored[name]() if callable(stored[name]) else stored[name] for name in triggers.fields}
    given = triggers.behaviour.normalise(writing.document(body.trigger))
    values = validation.read_values(triggers.writable(), given, partial=True)
    await check(ctx, values, {**whole, **values})
    return EventTrigger(**{**whole, **values})


class Applied(msgspec.Struct, kw_only=True):
    """How many events that are active now fit, and how many of them had no incident by this trigger."""

    status: str = "success"
    matched: int
    taken: int


@triggers.action("POST", "{id}/apply/", privilege="execute")
async def apply(ctx: Context, id: str) -> Applied:
    """Let a trigger act on the events that are active now, as if they were raised this moment; newest 5,000."""
    trigger = await verbs.entity_of(ctx, triggers, id)
    if trigger.status != engine.ACTIVE:
        raise Conflict(f"{trigger.name} is inactive. Make it active first.")
    query = select(Event.id).where(Event.cleared.is_(False)).order_by(*NEWEST_FIRST).limit(5000)
    ids = list((await ctx.session.execute(query)).scalars())
    fit = await matching.fitting(ctx, trigger, ids)
    taken = await listening.look(ctx, trigger, fit, news=fit)
    return Applied(matched=len(fit), taken=taken)


class Waiting(msgspec.Struct, kw_only=True):
    """What a trigger will look at, and when."""

    kind: str
    due_at: datetime
    attempts: int
    event_id: str | None = None
    message: str | None = None
    incident_id: str | None = None
    display_id: str | None = None


class WaitingPage(msgspec.Struct, kw_only=True):
    count: int
    next: str | None
    previous: str | None
    results: list[Waiting]
    max_page_limit: int
    total_pages: int


@triggers.action("GET", "{id}/waiting/", returns=WaitingPage)
async def waiting(ctx: Context, id: str, query: ListQuery) -> Page:
    """Events that wait for the trigger's delay or business hours, and incidents that wait to be resolved."""
    trigger = await verbs.entity_of(ctx, triggers, id)
    columns: tuple[Any, ...] = (TriggerDue, Event.message, Incident.display_id)
    statement = (
        select(*columns)
        .outerjoin(Event, Event.id == TriggerDue.subject)
        .outerjoin(Incident, Incident.id == TriggerDue.subject)
        .where(TriggerDue.trigger == trigger.id)
        .order_by(TriggerDue.due_at, TriggerDue.id)
    )
    total, rows = await trail.paged(ctx, statement, query)
    shown = []
    for due, message, display_id in rows:
        opens = due.kind == acting.OPEN
        shown.append(
            Waiting(
                kind=due.kind, due_at=due.due_at, attempts=due.attempts, event_id=due.subject if opens else None,
                message=message, incident_id=None if opens else due.subject, display_id=display_id,
            )
        )  # fmt: skip
    return trail.envelope(query, total, shown)
