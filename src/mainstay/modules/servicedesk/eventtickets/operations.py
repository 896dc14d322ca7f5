"""The incident operations of the Events module, and the events of an incident."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import false, or_, select

from mainstay.kernel import trail, verbs, writing
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from mainstay.kernel.operation import Group, Page
from mainstay.kernel.query import ListQuery
from mainstay.kernel.richtext import sanitise
from mainstay.modules.assets.cmdb.lookup import CiRef, by_address
from mainstay.modules.monitoring.events.classify import device_of, fingerprints
from mainstay.modules.monitoring.events.resource import PATH as EVENTS
from mainstay.modules.monitoring.events.resource import TICKETS
from mainstay.modules.monitoring.events.tables import Event
from mainstay.modules.servicedesk.eventtickets import acting, engine, matching, tickets
from mainstay.modules.servicedesk.eventtickets.bodies import (
    AskedEvent,
    EventTickets,
    Found,
    FoundIncidents,
    IncidentChosen,
    IncidentGiven,
    LinkedIncident,
    Noted,
    NoteGiven,
    TicketEventPage,
    WantedIncidents,
    WhichEvents,
)
from mainstay.modules.servicedesk.eventtickets.tables import EventTrigger
from mainstay.modules.servicedesk.incident import family
from mainstay.modules.servicedesk.incident import service as incident_service
from mainstay.modules.servicedesk.incident.messages import add_message
from mainstay.modules.servicedesk.incident.resource import incidents
from mainstay.modules.servicedesk.incident.tables import Incident

event_tickets = Group("Events", EVENTS)
MOST = 1000
WORK = ("event", "edit")


@event_tickets.route("POST", "create_incident/", permission=WORK)
async def create_incident(ctx: Context, body: IncidentGiven) -> LinkedIncident:
    """Open one incident for events. What is not given comes from the most severe of them."""
    ctx.principal.require("incident", "add")
    found = await _events(ctx, body.every)
    incident = await _create(ctx, body, found)
    return await _answer(ctx, incident, found, created=True)


@event_tickets.route("POST", "upsert_incident/", permission=WORK)
async def upsert_incident(ctx: Context, body: IncidentChosen) -> LinkedIncident:
    """Attach events to an incident that is being worked on, or open one.

    The incident is the one named (``incident_id``), else the one last opened under the same ``key``, else one that
    the events have. ``note`` is added to it, and what else is given is changed on it.
    """
    found = await _events(ctx, body.every)
    slot = None
    if body.key and not body.wanted:
        slot = (await acting.slots(ctx, "", [body.key[:255]]))[body.key[:255]]
    incident = await _present(ctx, body, found, slot.incident if slot else "")
    created = incident is None
    if incident is None:
        ctx.principal.require("incident", "add")
        incident = await _create(ctx, body, found)
    else:
        ctx.principal.require("incident", "edit")
        await _attach(ctx, incident, found)
        changed = body.values()
        if changed:
            await writing.update(ctx, incidents, incident, changed, partial=True)
        if body.remark:
            await add_message(ctx, incident, sanitise(body.remark), kind="note", public=False)
    if slot is not None and slot.incident != incident.id:
        slot.incident, slot.opened_at = incident.id, ctx.now
        await ctx.session.flush()
    return await _answer(ctx, incident, found, created=created)


async def _present(ctx: Context, body: IncidentChosen, found: Sequence[Event], keyed: str) -> Incident | None:
    """The incident that an upsert goes to, if there is one that is being worked on."""
    if body.wanted:
        named = await incident_service.by_any_id(ctx, body.wanted, lock=True)
        end = await family.root(ctx, named, lock=True)
        if end.state_id in tickets.OVER:
            raise Conflict(f"{end.display_id} is over. Reopen it, or leave incident_id out to open another one.")
        return end
    candidates = [keyed] if keyed else []
    if not body.key:
        linked = await tickets.active_of(ctx, [event.id for event in found])
        candidates = [incident for event in found for incident, _rule in linked.get(event.id, ())]
    known = await acting.load_incidents(ctx, candidates)
    active = (known[item] for item in candidates if item in known and known[item].state_id not in tickets.OVER)
    return next(active, None)


@event_tickets.route("POST", "update_incident_note/", permission=WORK)
async def update_incident_note(ctx: Context, body: NoteGiven) -> Noted:
    """Add a note to an incident, or to the incidents that are being worked on for events."""
    ctx.principal.require("incident", "edit")
    text = sanitise(body.text).strip()
    if not text:
        raise Invalid.field("note", "Please provide note.")
    if len(text) > 200_000:
        raise Invalid.field("note", "The note is too long; 200,000 characters are the most.")
    if body.wanted:
        rows = [await incident_service.by_any_id(ctx, body.wanted, lock=True)]
    else:
        found = await _events(ctx, body.every)
        linked = await tickets.active_of(ctx, [event.id for event in found])
        wanted = {incident for pairs in linked.values() for incident, _rule in pairs}
        rows = list((await acting.load_incidents(ctx, wanted)).values())
    if not rows:
        raise NotFound("These events have no incident that is being worked on. Create one with create_incident/.")
    kind = "comment" if body.is_public else "note"
    made = [await add_message(ctx, row, text, kind=kind, public=body.is_public) for row in rows]
    return Noted(
        id=made[0].id, message="incident_note_added", msg="Note added.", incident_ids=[row.id for row in rows],
        display_ids=[row.display_id for row in rows],
    )  # fmt: skip


@event_tickets.route("GET", "get-event-ticket-details/", permission=("event", "view"))
async def get_event_ticket_details(ctx: Context, query: WhichEvents) -> EventTickets:
    """The incidents of an event, or of several, newest first."""
    ctx.principal.require("incident", "view")
    found = await _events(ctx, query.every)
    results = await tickets.tickets_of(ctx, [event.id for event in found])
    return EventTickets(count=len(results), results=results)


@event_tickets.route("POST", "get_events_nbi_inci_detail/", permission=("event", "view"), write=False)
async def get_events_nbi_inci_detail(ctx: Context, body: WantedIncidents) -> FoundIncidents:
    """The incidents of events that another system posted: by event id, its reference, or the key it gave them.

    What was asked for and has no event, or no incident, is answered with an empty list.
    """
    ctx.principal.require("incident", "view")
    asked = body.asked
    if not asked:
        raise Invalid.field("event_ids", "Please provide event ids, references or keys.")
    if len(asked) > MOST:
        raise Invalid.field("event_ids", f"At most {MOST} events can be asked for at once.")
    # An event whose device is a known item may be stored under the item or under its address.
    items = await by_address(ctx, {item.address for item in asked if item.key and item.address and not item.ci})
    prints = [_prints(item, items) for item in asked]
    rows = await _asked(ctx, asked, [value for values in prints for value in values])
    known: dict[str, list[Event]] = {}
    for row in rows:
        for name in {f"id {row.id}", f"reference {row.reference}", f"fingerprint {row.fingerprint}"}:
            known.setdefault(name, []).append(row)
    linked: dict[str, list[tickets.Ticket]] = {}
    for ticket in await tickets.tickets_of(ctx, [row.id for row in rows]):
        linked.setdefault(ticket.event_id, []).append(ticket)
    results = []
    for item, values in zip(asked, prints, strict=True):
        mine = [row for name in _names(item, values) for row in known.get(name, ())]
        results.append(
            Found(
                asked=item.name, event_ids=[row.id for row in mine],
                cleared=all(row.cleared for row in mine) if mine else None,
                incidents=[ticket for row in mine for ticket in linked.get(row.id, ())],
            )
        )  # fmt: skip
    return FoundIncidents(count=len(results), results=results)


def _prints(item: AskedEvent, items: Mapping[str, CiRef]) -> Sequence[str]:
    """The fingerprints that the event may be stored under."""
    if item.fingerprint:
        return (item.fingerprint,)
    if not item.key:
        return ()
    known = items.get(item.address)
    return fingerprints(device_of(item.ci or (known.id if known else ""), item.address, item.host), "key", item.key)


def _names(item: AskedEvent, prints: Sequence[str]) -> list[str]:
    if item.event_id:
        return [f"id {item.event_id}"]
    return [f"reference {item.reference}"] if item.reference else [f"fingerprint {value}" for value in prints]


async def _asked(ctx: Context, asked: Sequence[AskedEvent], prints: Sequence[str]) -> list[Event]:
    wanted = (
        (Event.id, [item.event_id for item in asked if item.event_id]),
        (Event.reference, [item.reference for item in asked if item.reference]),
        (Event.fingerprint, list(prints)),
    )
    condition = or_(false(), *[column.in_(values) for column, values in wanted if values])
    query = select(Event).where(condition).order_by(Event.last_seen.desc()).limit(5000)
    return list((await ctx.session.execute(query)).scalars())


@incidents.action("GET", "{id}/events/", returns=TicketEventPage)
async def incident_events(ctx: Context, id: str, query: ListQuery) -> Page:
    """The events of an incident, those of incidents merged into it included."""
    row = await verbs.entity_of(ctx, incidents, id)
    if not incidents.behaviour.insider(ctx):
        raise Forbidden("You do not have permission to view event.")
    ctx.principal.require("event", "view")
    if not 1 <= query.items_per_page <= 1000 or not 1 <= query.page <= 10**6:
        raise Invalid.field("page", "page must be 1 or more, items_per_page between 1 and 1000.")
    offset = (query.page - 1) * query.items_per_page
    total, found = await tickets.events_of(ctx, row.id, limit=query.items_per_page, offset=offset)
    return trail.envelope(query, total, found)


async def _related(ctx: Context, incident_id: str) -> list[tickets.TicketEvent]:
    if not ctx.principal.can("event", "view"):
        return []
    return (await tickets.events_of(ctx, incident_id))[1]


incident_service.RELATED["events"] = _related
TICKETS.append(tickets.shown_with)


async def _events(ctx: Context, wanted: Sequence[str]) -> list[Event]:
    ids = list(dict.fromkeys(wanted))
    if not ids:
        raise Invalid.field("event_ids", "Please provide event ids.")
    if len(ids) > MOST:
        raise Invalid.field("event_ids", f"At most {MOST} events can be given at once.")
    found = await acting.load_events(ctx, ids)
    known = {event.id for event in found}
    for item in ids:
        if item not in known:
            raise NotFound(f"No event has the id {str(item)[:64]!r}.")
    return found


async def _create(ctx: Context, body: IncidentGiven, found: Sequence[Event]) -> Incident:
    facts = await matching.facts(ctx, found)
    blank = EventTrigger(tag=[], by_severity={}, summary_template="", description_template="", name="")
    base = acting.document(blank, [facts[event.id] for event in found])
    given = body.values()
    if given.get("urgency") or given.get("impact"):
        base.pop("priority", None)
    row = await writing.create(ctx, incidents, {**base, **given})
    incident = (await acting.load_incidents(ctx, [row["id"]]))[row["id"]]
    await tickets.link(ctx, [(incident, found)])
    if body.remark:
        await add_message(ctx, incident, sanitise(body.remark), kind="note", public=False)
    return incident


async def _attach(ctx: Context, incident: Incident, found: Sequence[Event]) -> None:
    fresh = (await tickets.link(ctx, [(incident, found)])).get(incident.id, [])
    if fresh:
        facts = await matching.facts(ctx, fresh)
        text = f"<p>{len(fresh)} event{'s' if len(fresh) > 1 else ''} attached:</p>"
        text += engine.table([facts[event.id] for event in fresh])
        await add_message(ctx, incident, text, kind="event", public=False)


async def _answer(ctx: Context, incident: Incident, found: Sequence[Event], *, created: bool) -> LinkedIncident:
    word = "created" if created else "updated"
    return LinkedIncident(
        id=incident.id, incident_id=incident.id, display_id=incident.display_id, created=created,
        message=f"incident_{word}", msg=f"Incident {incident.display_id} {word}.",
        event_ids=[event.id for event in found], data=await verbs.whole(ctx, incidents, incident.id),
    )  # fmt: skip
