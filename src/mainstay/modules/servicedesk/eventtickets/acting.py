"""What a trigger does: opens incidents for events, adds to them, takes them up again."""

from __future__ import annotations

import html
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError

from mainstay.kernel import store, writing
from mainstay.kernel.context import Context
from mainstay.kernel.record import new_id
from mainstay.modules.monitoring.events.tables import Event
from mainstay.modules.servicedesk.eventtickets import engine, matching, notices, people, tickets
from mainstay.modules.servicedesk.eventtickets.engine import Standing, Step
from mainstay.modules.servicedesk.eventtickets.tables import EventTrigger, TriggerDue, TriggerGroup
from mainstay.modules.servicedesk.incident import engine as incident_engine
from mainstay.modules.servicedesk.incident import service as incident_service
from mainstay.modules.servicedesk.incident.messages import add_message
from mainstay.modules.servicedesk.incident.resource import incidents
from mainstay.modules.servicedesk.incident.tables import Incident

log = structlog.get_logger("mainstay.event_triggers")
OPEN, RESOLVE = "open", "resolve"
MONITORING = 6
"""The incident's source."""
ATTEMPTS = 24
AT_ONCE = 50
"""Incidents that one transaction takes up again or resolves. The others follow at once, in transactions of their own:
what agents write in the meantime must not wait for a thousand of them."""


@dataclass(slots=True, kw_only=True)
class Group:
    """Events of one group, the row that stands for it, and its incident, if it has one."""

    slot: TriggerGroup
    events: list[Event]
    incident: Incident | None = None
    step: Step = Step.OPEN


@asynccontextmanager
async def acting(ctx: Context, trigger: EventTrigger) -> AsyncIterator[None]:
    """What happens inside is told as done by the trigger."""
    before = ctx.principal
    ctx.principal = replace(before, name=f"Trigger: {trigger.name}")
    try:
        yield
    finally:
        ctx.principal = before


async def attempt(ctx: Context, trigger: EventTrigger, event_ids: Iterable[str], *, before: int = 0) -> None:
    """Act on events that match. What goes wrong is shown at the trigger and tried again; it stops nothing else."""
    ids = sorted(event_ids)
    try:
        async with ctx.session.begin_nested(), acting(ctx, trigger):
            await _act(ctx, trigger, ids)
    except SQLAlchemyError:
        raise  # the database's trouble is not the trigger's: the whole batch comes again
    except Exception as error:
        await failed(ctx, trigger, OPEN, ids, error, before)


async def failed(
    ctx: Context, trigger: EventTrigger, kind: str, subjects: Sequence[str], error: Exception, before: int
) -> None:
    """Note an error at the trigger, and try again later."""
    log.warning("trigger failed", trigger=trigger.id, name=trigger.name, error=str(error), exc_info=error)
    told = f"{ctx.now:%Y-%m-%d %H:%M} UTC: {str(error) or type(error).__name__}"
    await _stamp(ctx, trigger, last_error=told[:500])
    if before < ATTEMPTS:
        pause = min(timedelta(minutes=1) * 2**before, timedelta(hours=1))
        await wait(ctx, kind, trigger.id, subjects, ctx.now + pause, attempts=before + 1)


async def wait(
    ctx: Context, kind: str, trigger: str, subjects: Iterable[str], due_at: Any, *, attempts: int = 0
) -> None:
    """Look at something later; what is waited for already keeps its time."""
    rows = [
        {"id": new_id(), "organization": ctx.organization, "kind": kind, "trigger": trigger, "subject": subject,
         "due_at": due_at, "attempts": attempts}
        for subject in subjects
    ]  # fmt: skip
    await insert_new(ctx, TriggerDue, rows)


async def insert_new(ctx: Context, model: Any, rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows; those that are there already stay as they are."""
    if not rows:
        return
    insert = sqlite.insert if ctx.platform.database.is_sqlite else postgresql.insert
    await ctx.session.execute(insert(model.__table__).on_conflict_do_nothing(), list(rows))


async def slots(ctx: Context, trigger: str, keys: Iterable[str]) -> dict[str, TriggerGroup]:
    """The rows of groups, made where they are new, locked until the transaction ends."""
    wanted = sorted(set(keys))
    stamp = {"organization": ctx.organization, "trigger": trigger, "incident": "", "opened_at": ctx.now}
    await insert_new(ctx, TriggerGroup, [{**stamp, "key": key} for key in wanted])
    found: dict[str, TriggerGroup] = {}
    for start in range(0, len(wanted), store.CHUNK):
        query = select(TriggerGroup).where(
            TriggerGroup.trigger == trigger, TriggerGroup.key.in_(wanted[start : start + store.CHUNK])
        )
        if not ctx.platform.database.is_sqlite:
            query = query.order_by(TriggerGroup.key).with_for_update()
        fresh = query.execution_options(populate_existing=True)
        found |= {row.key: row for row in (await ctx.session.execute(fresh)).scalars()}
    return found


async def load_events(ctx: Context, ids: Sequence[str]) -> list[Event]:
    """Events by id, oldest first."""
    found: list[Event] = []
    for start in range(0, len(ids), store.CHUNK):
        query = select(Event).where(Event.id.in_(list(ids[start : start + store.CHUNK])))
        fresh = query.execution_options(populate_existing=True)
        found += (await ctx.session.execute(fresh)).scalars().all()
    return sorted(found, key=lambda event: (event.first_seen, event.id))


async def load_incidents(ctx: Context, ids: Iterable[str]) -> dict[str, Incident]:
    """Incidents by id, locked; a merged one is answered by the one it was merged into."""
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    query = select(Incident).where(Incident.id.in_(wanted)).order_by(Incident.id)
    if not ctx.platform.database.is_sqlite:
        query = query.with_for_update()
    rows = (await ctx.session.execute(query.execution_options(populate_existing=True))).scalars().all()
    ends = await tickets.roots(ctx, {row.id: row.parent for row in rows})
    return {row.id: ends.get(row.id, row) for row in rows}


async def _act(ctx: Context, trigger: EventTrigger, ids: Sequence[str]) -> None:
    found = await load_events(ctx, ids)
    if trigger.trigger_type == engine.CORRELATION:
        found = await _join_causes(ctx, trigger, found)
    facts = await matching.facts(ctx, found)
    members: dict[str, list[Event]] = {}
    for event in found:
        key = engine.group_key(trigger.group_by, trigger.group_expression, facts[event.id])
        members.setdefault(key, []).append(event)
    rows = await slots(ctx, trigger.id, members)
    groups = [Group(slot=rows[key], events=events) for key, events in sorted(members.items())]
    known = await load_incidents(ctx, (group.slot.incident for group in groups if group.slot.incident))
    for group in groups:
        group.incident = known.get(group.slot.incident)
        group.step = _step(ctx, trigger, group)
    await _open(ctx, trigger, [group for group in groups if group.step is Step.OPEN], facts)
    known_groups = [group for group in groups if group.step is not Step.OPEN]
    for group in known_groups[:AT_ONCE]:
        # Incidents of several groups may have been merged: what the one before did to it counts.
        group.step = _step(ctx, trigger, group)
        await _add(ctx, trigger, group, facts)
    rest = [event.id for group in known_groups[AT_ONCE:] for event in group.events]
    await wait(ctx, OPEN, trigger.id, rest, ctx.now)


def _step(ctx: Context, trigger: EventTrigger, group: Group) -> Step:
    row, standing = group.incident, None
    if row is not None:
        resolved = row.state_id == incident_engine.RESOLVED_STATE
        active = row.state_id not in tickets.OVER
        standing = Standing(active=active, resolved=resolved, opened_at=group.slot.opened_at)
    return engine.step(standing, ctx.now, timedelta(minutes=trigger.group_window), trigger.on_recurrence)


async def _join_causes(ctx: Context, trigger: EventTrigger, found: list[Event]) -> list[Event]:
    """Events whose cause has an incident belong to that one; the others are returned."""
    causes = await tickets.active_of(ctx, sorted({event.parent for event in found if event.parent}))
    joined: dict[str, list[Event]] = {}
    left = []
    for event in found:
        if event.parent in causes:
            joined.setdefault(causes[event.parent][0][0], []).append(event)
        else:
            left.append(event)
    rows = await load_incidents(ctx, joined)
    for incident_id, events in joined.items():
        incident = rows[incident_id]
        fresh = (await tickets.link(ctx, [(incident, events)], trigger.id)).get(incident.id, [])
        if fresh:
            facts = await matching.facts(ctx, fresh)
            text = f"<p>{_count(fresh)} that came of the same cause:</p>"
            text += engine.table([facts[event.id] for event in fresh])
            await add_message(ctx, incident, text, kind="event", public=False)
    return left


async def _open(ctx: Context, trigger: EventTrigger, groups: list[Group], facts: dict[str, dict[str, Any]]) -> None:
    if not groups:
        return
    chosen = await people.assignments(ctx, trigger, [_worst(group, facts) for group in groups])
    documents = [
        {**document(trigger, [facts[event.id] for event in group.events]), **who}
        for group, who in zip(groups, chosen, strict=True)
    ]
    made = await writing.create_many(ctx, incidents, documents)
    rows = await load_incidents(ctx, [row["id"] for row in made])
    for group, row in zip(groups, made, strict=True):
        group.incident = rows[row["id"]]
        group.slot.incident, group.slot.opened_at = row["id"], ctx.now
    await ctx.session.flush()
    opened = [(rows[row["id"]], group.events) for group, row in zip(groups, made, strict=True)]
    await tickets.link(ctx, opened, trigger.id)
    await _stamp(ctx, trigger, fired_count=EventTrigger.fired_count + len(made), last_fired_at=ctx.now, last_error="")
    told = [(incident, engine.table([facts[event.id] for event in events])) for incident, events in opened]
    await notices.tell(ctx, trigger, "opened", told)


def _worst(group: Group, facts: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return min((facts[event.id] for event in group.events), key=lambda item: item["severity_id"])


def document(trigger: EventTrigger, members: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The incident that a trigger opens for events, but for who works on it."""
    worst = min(members, key=lambda item: item["severity_id"])
    named = {**worst, "trigger": trigger.name}
    codes = engine.weights([item["severity_id"] for item in members], trigger.by_severity or {})
    for name in ("impact", "urgency", "priority"):
        if getattr(trigger, name):
            codes[name] = getattr(trigger, name)
    own = engine.fill(trigger.description_template or "", named, quote=html.escape)
    devices = [item["ci"] or item["host"] or item["address"] for item in members]
    return {
        "summary": engine.summary(trigger.summary_template, named), "description": own + engine.table(members),
        **codes, "severity": worst["severity_id"], "source": MONITORING, "tag": list(trigger.tag or []),
        "assets": [name[:255] for name in dict.fromkeys(devices) if name][:200],
    }  # fmt: skip


async def _add(ctx: Context, trigger: EventTrigger, group: Group, facts: dict[str, dict[str, Any]]) -> None:
    incident = group.incident
    assert incident is not None
    fresh = (await tickets.link(ctx, [(incident, group.events)], trigger.id)).get(incident.id, [])
    if group.step is Step.ATTACH:
        if not fresh:
            return
        listed = engine.table([facts[event.id] for event in fresh])
        await add_message(ctx, incident, f"<p>{_count(fresh)} more:</p>{listed}", kind="event", public=False)
        if trigger.follow_severity:
            await follow(ctx, trigger, incident, [facts[event.id]["severity_id"] for event in fresh])
    else:
        shown = f"<p>{_count(group.events)} came back:</p>" + engine.table([facts[event.id] for event in group.events])
        if group.step is Step.REOPEN:
            await incident_service.reopen(ctx, incident, shown)
            await notices.tell(ctx, trigger, "reopened", [(incident, shown)])
        else:
            await add_message(ctx, incident, shown, kind="event", public=False)
    await _stamp(ctx, trigger, last_fired_at=ctx.now, last_error="")


def _count(events: Sequence[Event]) -> str:
    return "1 event" if len(events) == 1 else f"{len(events)} events"


async def follow(ctx: Context, trigger: EventTrigger, incident: Incident, severities: Sequence[int]) -> bool:
    """Raise the incident's priority to that of events of these severities; whether it was raised."""
    if trigger.priority or not severities:
        return False
    codes = engine.weights(severities, trigger.by_severity or {})
    impact = trigger.impact or min(codes["impact"], incident.impact_id)
    urgency = trigger.urgency or min(codes["urgency"], incident.urgency_id)
    priority = codes.get("priority") or await incident_service.priority_of(ctx, impact, urgency)
    if priority >= incident.priority_id:
        return False
    incident.impact_id, incident.urgency_id, incident.priority_id = impact, urgency, priority
    incident.severity_id = min(severities)
    await store.save(ctx, incident)
    return True


async def _stamp(ctx: Context, trigger: EventTrigger, **values: Any) -> None:
    """What happened, at the trigger: not a change of its settings, so it leaves no trail and no new version."""
    statement = update(EventTrigger).where(EventTrigger.id == trigger.id).values(**values)
    await ctx.session.execute(statement.execution_options(synchronize_session=False))


async def active_triggers(ctx: Context, ids: Sequence[str] | None = None) -> list[EventTrigger]:
    """The triggers that act, in a fixed order (their groups are locked in it); ``ids``: these, also inactive ones."""
    query = select(EventTrigger).order_by(EventTrigger.id)
    query = query.where(EventTrigger.status == engine.ACTIVE) if ids is None else query.where(EventTrigger.id.in_(ids))
    return list((await ctx.session.execute(query)).scalars())
