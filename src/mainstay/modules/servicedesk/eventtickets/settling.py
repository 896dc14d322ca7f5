"""What becomes of incidents when their events change severity or end."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import case, func, select
from sqlalchemy.exc import SQLAlchemyError

from mainstay.kernel import store
from mainstay.kernel.context import Context
from mainstay.modules.monitoring.events.tables import SEVERITIES, Event
from mainstay.modules.servicedesk.eventtickets import acting, engine, matching, notices, tickets
from mainstay.modules.servicedesk.eventtickets.tables import EventTicket, EventTrigger
from mainstay.modules.servicedesk.incident import engine as incident_engine
from mainstay.modules.servicedesk.incident import family
from mainstay.modules.servicedesk.incident import service as incident_service
from mainstay.modules.servicedesk.incident.messages import add_message
from mainstay.modules.servicedesk.incident.tables import Incident

_SEVERITY = {choice.id: choice.name for choice in SEVERITIES}


async def note_severities(ctx: Context, moved: Mapping[str, tuple[int, int]]) -> None:
    """Tell the incidents of events that the severity changed, one message each; raise what is to follow it."""
    found = {event: move for event, move in moved.items() if move[0] != move[1]}
    linked = await tickets.active_of(ctx, list(found))
    per_incident: dict[str, list[tuple[str, str]]] = {}
    for event_id, links in linked.items():
        for incident_id, rule in links:
            per_incident.setdefault(incident_id, []).append((event_id, rule))
    if not per_incident:
        return
    rules = sorted({rule for pairs in per_incident.values() for _event, rule in pairs if rule})
    triggers = {item.id: item for item in await acting.active_triggers(ctx, rules)}
    rows = await acting.load_incidents(ctx, per_incident)
    events = {event.id: event for event in await acting.load_events(ctx, list(linked))}
    for incident_id, pairs in per_incident.items():
        incident = rows.get(incident_id)
        known = {event: triggers.get(rule) for event, rule in pairs if event in events}
        if incident is None or not known:
            continue
        told = [event for event, trigger in known.items() if trigger is None or trigger.note_severity]
        if told:
            lines = [_line(events[event], found[event]) for event in told]
            await add_message(ctx, incident, "".join(lines[:20]), kind="event", public=False)
        for event, trigger in known.items():
            if trigger is not None and trigger.follow_severity and found[event][1] <= 4:
                async with acting.acting(ctx, trigger):
                    await acting.follow(ctx, trigger, incident, [found[event][1]])


def _line(event: Event, move: tuple[int, int]) -> str:
    before, after = (_SEVERITY.get(item, "") for item in move)
    return f"<p>Severity changed from {before} to <b>{after}</b>: {html.escape(event.message)}</p>"


async def settle(ctx: Context, event_ids: Sequence[str]) -> None:
    """Look at the incidents of events that ended: where it was the last one, resolve or say so."""
    found: set[str] = set()
    for start in range(0, len(event_ids), store.CHUNK):
        part = EventTicket.event.in_(list(event_ids[start : start + store.CHUNK]))
        found |= set((await ctx.session.execute(select(EventTicket.incident).where(part))).scalars())
    await settle_incidents(ctx, found)


async def settle_incidents(ctx: Context, incident_ids: Iterable[str], *, waited: bool = False, before: int = 0) -> None:
    """The same for incidents. ``waited``: the trigger's time before resolving is over."""
    rows = await acting.load_incidents(ctx, incident_ids)
    active = {row.id: row for row in rows.values() if row.state_id not in tickets.OVER}
    done = await _all_cleared(ctx, active)
    if not done:
        return
    openers = await _openers(ctx, sorted(done))
    later: dict[tuple[str, datetime], list[str]] = {}
    resolved = 0
    for incident_id in sorted(done):
        incident, trigger = active[incident_id], openers.get(incident_id)
        choice = trigger.on_clear if trigger else engine.NOTE
        if choice == engine.NOTE:
            await add_message(ctx, incident, f"<p>{engine.RESOLUTION}</p>", kind="event", public=False)
        elif choice == engine.RESOLVE and trigger is not None:
            delay = timedelta(seconds=0 if waited else trigger.resolve_delay)
            if delay or resolved >= acting.AT_ONCE:
                later.setdefault((trigger.id, ctx.now + delay), []).append(incident_id)
            else:
                resolved += 1
                await _resolve(ctx, trigger, incident, done[incident_id], before)
    for (trigger_id, at), subjects in later.items():
        await acting.wait(ctx, acting.RESOLVE, trigger_id, subjects, at)


async def _all_cleared(ctx: Context, active: Mapping[str, Incident]) -> dict[str, str]:
    """Those of the incidents that have events, all of them cleared → the event that was cleared last."""
    if not active:
        return {}
    members = {**{item: item for item in active}, **await family.merged_into(ctx, list(active))}
    query = (
        select(EventTicket.incident, func.sum(case((Event.cleared.is_(False), 1), else_=0)))
        .join(Event, Event.id == EventTicket.event)
        .where(EventTicket.incident.in_(sorted(members)))
        .group_by(EventTicket.incident)
    )
    live: dict[str, int] = {}
    for incident, count in (await ctx.session.execute(query)).all():
        live[members[incident]] = live.get(members[incident], 0) + int(count or 0)
    over = {item: end for item, end in members.items() if live.get(end) == 0}
    if not over:
        return {}
    order = func.row_number().over(partition_by=EventTicket.incident, order_by=(Event.cleared_at.desc(), Event.id))
    ranked = (
        select(EventTicket.incident, EventTicket.event, Event.cleared_at, order.label("place"))
        .join(Event, Event.id == EventTicket.event)
        .where(EventTicket.incident.in_(sorted(over)))
        .subquery()
    )
    last = select(ranked.c.incident, ranked.c.event).where(ranked.c.place == 1)
    rows = (await ctx.session.execute(last.order_by(ranked.c.cleared_at))).all()
    return {over[row.incident]: row.event for row in rows}


async def _openers(ctx: Context, incident_ids: Sequence[str]) -> dict[str, EventTrigger]:
    """The trigger that opened each incident; people's own incidents are theirs to resolve."""
    earliest = (
        select(func.min(EventTicket.id)).where(EventTicket.incident.in_(incident_ids)).group_by(EventTicket.incident)
    )
    query = select(EventTicket.incident, EventTicket.rule).where(EventTicket.id.in_(earliest))
    first = {row[0]: row[1] for row in (await ctx.session.execute(query)).all()}
    known = {item.id: item for item in await acting.active_triggers(ctx, sorted(set(first.values())))}
    opened = select(Incident.id).where(Incident.id.in_(incident_ids), Incident.source == acting.MONITORING)
    own = set((await ctx.session.execute(opened)).scalars())
    return {item: known[rule] for item, rule in first.items() if rule in known and item in own}


async def _resolve(ctx: Context, trigger: EventTrigger, incident: Incident, last: str, before: int) -> None:
    try:
        async with ctx.session.begin_nested(), acting.acting(ctx, trigger):
            note = await _note(ctx, trigger, last)
            await incident_service.move(
                ctx, incident, incident_engine.RESOLVED, {"closure_note": note, "resolution_type": "Cleared"}
            )
            await notices.tell(ctx, trigger, "resolved", [(incident, note)])
    except SQLAlchemyError:
        raise
    except Exception as error:
        await acting.failed(ctx, trigger, acting.RESOLVE, [incident.id], error, before)


async def _note(ctx: Context, trigger: EventTrigger, last: str) -> str:
    events = await acting.load_events(ctx, [last])
    facts: dict[str, Any] = (await matching.facts(ctx, events)).get(last, {})
    text = engine.fill(trigger.resolution_note or engine.RESOLUTION, {**facts, "trigger": trigger.name},
                       quote=html.escape)  # fmt: skip
    if not events:
        return f"<p>{text}</p>"
    at = events[0].cleared_at
    when = f" at {at:%Y-%m-%d %H:%M:%S} UTC" if at else ""
    return f"<p>{text}</p><p>Last: {html.escape(events[0].message)}{when}</p>"
