"""The links between events and incidents: made on both sides' histories, read from both sides."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

import msgspec
from sqlalchemy import func, insert, select

from mainstay.kernel import changes, store
from mainstay.kernel.access.tables import User
from mainstay.kernel.context import Context
from mainstay.kernel.record import new_id
from mainstay.modules.monitoring.events.resource import LinkedTicket
from mainstay.modules.monitoring.events.tables import SEVERITIES, Event
from mainstay.modules.people.teams.tables import Team
from mainstay.modules.servicedesk.eventtickets.tables import EventTicket, EventTrigger
from mainstay.modules.servicedesk.incident import engine, family
from mainstay.modules.servicedesk.incident.resource import incidents
from mainstay.modules.servicedesk.incident.tables import Incident

LINKED = "ticket"
"""Action in an event's history: it was linked with an incident."""
OVER = (engine.RESOLVED_STATE, engine.CLOSED_STATE)
_SEVERITY = {choice.id: choice.name for choice in SEVERITIES}
_PRIORITY = {choice.id: choice.name for choice in engine.PRIORITIES}


class Ticket(msgspec.Struct, kw_only=True):
    """An incident of an event."""

    event_id: str
    incident_id: str
    display_id: str
    summary: str
    status: str
    status_id: int
    state: str
    state_id: int
    priority: str
    priority_id: int
    team: str | None
    team_name: str | None
    assignee: str | None
    assignee_name: str | None
    rule: str
    """The trigger that linked them; empty: somebody did."""
    rule_name: str | None
    linked_at: datetime
    linked_by: str
    merged: bool
    creation_time: datetime


class TicketEvent(msgspec.Struct, kw_only=True):
    """An event of an incident."""

    event_id: str
    message: str
    event_class: str
    severity: str
    severity_id: int
    cleared: bool
    acknowledged: bool
    host: str
    address: str
    resource: str
    ci: str | None
    count: int
    first_seen: datetime
    last_seen: datetime
    cleared_at: datetime | None
    rule: str
    rule_name: str | None
    linked_at: datetime
    linked_by: str
    incident_id: str


async def link(
    ctx: Context, wanted: Sequence[tuple[Incident, Sequence[Event]]], rule: str = ""
) -> dict[str, list[Event]]:
    """Link events with incidents, set-wise; returns per incident's id the events that were not linked before."""
    ids = sorted({event.id for _incident, found in wanted for event in found})
    # What a merged incident has, the one it was merged into has, too.
    ends = await family.merged_into(ctx, [incident.id for incident, _found in wanted])
    known: set[tuple[str, str]] = set()
    for start in range(0, len(ids), store.CHUNK):
        query = select(EventTicket.incident, EventTicket.event).where(
            EventTicket.event.in_(ids[start : start + store.CHUNK])
        )
        known |= {(ends.get(row[0], row[0]), row[1]) for row in (await ctx.session.execute(query)).all()}
    stamp = {"organization": ctx.organization, "rule": rule, "created_at": ctx.now,
             "created_by_name": ctx.principal.name}  # fmt: skip
    rows, on_events, on_incidents, fresh = [], [], [], {}
    for incident, found in wanted:
        new = [event for event in found if (incident.id, event.id) not in known]
        if not new:
            continue
        fresh[incident.id] = new
        rows += [{**stamp, "id": new_id(), "incident": incident.id, "event": event.id} for event in new]
        shown = [changes.entry("incident", None, incident.display_id)]
        on_events += [(event.id, event.version, shown) for event in new]
        told = [changes.entry("event", None, event.message) for event in new[:20]]
        on_incidents.append((incident.id, incident.version, told))
    if rows:
        await ctx.session.execute(insert(EventTicket.__table__), rows)  # type: ignore[arg-type]
        await changes.record(ctx, "event", LINKED, on_events)
        await changes.record(ctx, "incident", "event", on_incidents)
    return fresh


async def tickets_of(ctx: Context, event_ids: Sequence[str]) -> list[Ticket]:
    """The incidents of events, newest link first, as far as the caller may see them."""
    trigger = EventTrigger.__table__.alias("trigger")
    columns = (EventTicket, Incident, Team.name, func.coalesce(func.nullif(User.full_name, ""), User.username),
               trigger.c.name)  # fmt: skip
    query = (
        select(*columns)
        .join(Incident, Incident.id == EventTicket.incident)
        .outerjoin(Team, Team.id == Incident.team)
        .outerjoin(User, User.id == Incident.assignee)
        .outerjoin(trigger, (trigger.c.id == EventTicket.rule) & (trigger.c.organization == EventTicket.organization))
        .where(EventTicket.event.in_(list(event_ids)))
        .order_by(EventTicket.id.desc())
        .limit(1000)
    )
    return [_ticket(*row) for row in (await ctx.session.execute(query)).all()]


def _ticket(link: EventTicket, row: Incident, team: str | None, assignee: str | None, rule: str | None) -> Ticket:
    return Ticket(
        event_id=link.event, incident_id=row.id, display_id=row.display_id, summary=row.summary,
        status=engine.WORKFLOW[row.status_id].name, status_id=row.status_id, state=engine.STATE_NAMES[row.state_id],
        state_id=row.state_id, priority=_PRIORITY[row.priority_id], priority_id=row.priority_id, team=row.team,
        team_name=team, assignee=row.assignee, assignee_name=assignee, rule=link.rule, rule_name=rule,
        linked_at=link.created_at, linked_by=link.created_by_name, merged=row.parent is not None,
        creation_time=row.creation_time,
    )  # fmt: skip


async def shown_with(ctx: Context, event_ids: Sequence[str]) -> dict[str, list[LinkedTicket]]:
    """The incidents of events for a list of events, newest link first; those that the caller may see."""
    found: dict[str, list[LinkedTicket]] = {}
    if not event_ids or not ctx.principal.can("incident", "view"):
        return found
    query = (
        select(EventTicket.event, Incident.id, Incident.display_id, Incident.state_id)
        .join(Incident, Incident.id == EventTicket.incident)
        .where(EventTicket.event.in_(list(event_ids)))
        .order_by(EventTicket.id.desc())
    )
    visible = incidents.behaviour.visible(ctx)
    for row in (await ctx.session.execute(query if visible is None else query.where(visible))).all():
        ticket = LinkedTicket(incident_id=row.id, display_id=row.display_id, over=row.state_id in OVER)
        found.setdefault(row.event, []).append(ticket)
    return found


async def events_of(
    ctx: Context, incident_id: str, *, limit: int = 50, offset: int = 0
) -> tuple[int, list[TicketEvent]]:
    """How many events an incident has, those of incidents merged into it included, and some of them, newest first."""
    family_ids = [incident_id, *await family.merged_into(ctx, [incident_id])]
    trigger = EventTrigger.__table__.alias("trigger")
    query = (
        select(EventTicket, Event, trigger.c.name)
        .join(Event, Event.id == EventTicket.event)
        .outerjoin(trigger, (trigger.c.id == EventTicket.rule) & (trigger.c.organization == EventTicket.organization))
        .where(EventTicket.incident.in_(family_ids))
    )
    counted = select(func.count()).select_from(EventTicket).join(Event, Event.id == EventTicket.event)
    total = int(await ctx.session.scalar(counted.where(EventTicket.incident.in_(family_ids))) or 0)
    if not total:
        return 0, []
    page = query.order_by(EventTicket.id.desc()).limit(limit).offset(offset)
    return total, [_event(*row) for row in (await ctx.session.execute(page)).all()]


def _event(link: EventTicket, row: Event, rule: str | None) -> TicketEvent:
    return TicketEvent(
        event_id=row.id, message=row.message, event_class=row.event_class, severity=_SEVERITY[row.severity],
        severity_id=row.severity, cleared=row.cleared, acknowledged=row.acknowledged, host=row.host,
        address=row.address, resource=row.resource, ci=row.ci, count=row.count, first_seen=row.first_seen,
        last_seen=row.last_seen, cleared_at=row.cleared_at, rule=link.rule, rule_name=rule,
        linked_at=link.created_at, linked_by=link.created_by_name, incident_id=link.incident,
    )  # fmt: skip


async def active_of(ctx: Context, event_ids: Collection[str]) -> dict[str, list[tuple[str, str]]]:
    """Per event the incidents that are being worked on for it, as (incident id, the trigger that linked them).

    A merged incident stands for the one it was merged into.
    """
    query = (
        select(EventTicket.event, EventTicket.rule, Incident.id, Incident.state_id, Incident.parent)
        .join(Incident, Incident.id == EventTicket.incident)
        .where(EventTicket.event.in_(list(event_ids)))
        .order_by(EventTicket.id)
    )
    found: dict[str, list[tuple[str, str]]] = {}
    rows = (await ctx.session.execute(query)).all()
    ends = await roots(ctx, {row.id: row.parent for row in rows})
    for row in rows:
        end = ends.get(row.id)
        if (end.state_id if end else row.state_id) not in OVER:
            found.setdefault(row.event, []).append((end.id if end else row.id, row.rule))
    return found


async def rules_of(ctx: Context, event_ids: Collection[str]) -> dict[tuple[str, str], bool]:
    """(Event, trigger) for what triggers linked → whether an incident of theirs is being worked on."""
    query = select(EventTicket.event, EventTicket.rule).where(EventTicket.event.in_(list(event_ids)))
    found = {(row.event, row.rule): False for row in (await ctx.session.execute(query)).all()}
    if found:
        for event, links in (await active_of(ctx, event_ids)).items():
            found |= {(event, rule): True for _incident, rule in links}
    return found


async def roots(ctx: Context, parents: Mapping[str, str | None]) -> dict[str, Incident]:
    """Incident → the one it ended up in, for those of ``parents`` (id → parent) that were merged."""
    found: dict[str, Incident] = {}
    wave = {item: parent for item, parent in parents.items() if parent}
    for _ in range(family.DEPTH):
        if not wave:
            break
        query = select(Incident).where(Incident.id.in_(sorted(set(wave.values()))))
        known = {row.id: row for row in (await ctx.session.execute(query)).scalars()}
        following = {}
        for item, parent in wave.items():
            if parent in known:
                found[item] = known[parent]
                if known[parent].parent:
                    following[item] = str(known[parent].parent)
        wave = following
    return found
