"""What the incident operations of events take and answer."""

from __future__ import annotations

from typing import Any

import msgspec

from mainstay.modules.servicedesk.eventtickets.tickets import Ticket, TicketEvent
from mainstay.modules.servicedesk.incident.shape import IncidentRecord

_FIELDS = (
    "summary", "description", "urgency", "impact", "priority", "severity", "team", "support_group", "assignee",
    "requester_email", "requester_name", "requester_phone", "tag", "assets", "due_date", "location",
    "custom_field_data", "watcher",
)  # fmt: skip


class EventIds(msgspec.Struct, kw_only=True):
    """Which events: one or several ids, under any of the names that clients use."""

    event_ids: list[str] = []
    events: list[Any] = []
    ids: list[str] = []
    event_id: str = ""
    eventid: str = ""

    @property
    def every(self) -> list[str]:
        inner = [_id(item) for item in self.events]
        return [*self.event_ids, *inner, *self.ids, *(item for item in (self.event_id, self.eventid) if item)]


def _id(item: Any) -> str:
    if isinstance(item, dict):
        item = item.get("event_id") or item.get("id") or ""
    return str(item)


class IncidentGiven(EventIds, kw_only=True):
    """Events, and what their incident is to say; each field as incidents take it."""

    summary: str | None = None
    description: str | None = None
    urgency: Any = None
    impact: Any = None
    priority: Any = None
    severity: Any = None
    team: Any = None
    support_group: Any = None
    assignee: Any = None
    requester_email: str | None = None
    requester_name: str | None = None
    requester_phone: str | None = None
    tag: Any = None
    assets: Any = None
    due_date: Any = None
    location: Any = None
    watcher: Any = None
    custom_field_data: dict[str, Any] | None = None
    note: str = ""
    comment: Any = None

    @property
    def remark(self) -> str:
        if self.note:
            return self.note
        if isinstance(self.comment, dict):
            return str(self.comment.get("text") or "")
        return self.comment if isinstance(self.comment, str) else ""

    def values(self) -> dict[str, Any]:
        """The incident's fields that were given."""
        found = {name: getattr(self, name) for name in _FIELDS if getattr(self, name) not in (None, "")}
        if self.priority and isinstance(self.comment, dict):
            found["comment"] = self.comment
        return found


class IncidentChosen(IncidentGiven, kw_only=True):
    """Events and the incident they go to: by id, or by a key that the client chose for what belongs together."""

    incident_id: str = ""
    display_id: str = ""
    key: str = ""

    @property
    def wanted(self) -> str:
        return self.incident_id or self.display_id


class NoteGiven(EventIds, kw_only=True):
    """A note for an incident, or for the incidents of events. ``is_public``: the requester reads it, too."""

    incident_id: str = ""
    display_id: str = ""
    note: str = ""
    message: str = ""
    comment: str = ""
    is_public: bool = False

    @property
    def wanted(self) -> str:
        return self.incident_id or self.display_id

    @property
    def text(self) -> str:
        return self.note or self.message or self.comment


class LinkedIncident(msgspec.Struct, kw_only=True):
    """The incident of events. ``created``: it was opened now."""

    status: str = "success"
    id: str
    incident_id: str
    display_id: str
    created: bool
    message: str
    msg: str
    event_ids: list[str]
    data: IncidentRecord


class Noted(msgspec.Struct, kw_only=True):
    """Which incidents got the note; ``id`` is the first message's."""

    status: str = "success"
    id: str
    message: str
    msg: str
    incident_ids: list[str]
    display_ids: list[str]


class WhichEvents(msgspec.Struct, kw_only=True):
    """An event, or several with commas between."""

    event_id: str = ""
    eventid: str = ""
    event_ids: str = ""
    ids: str = ""
    id: str = ""

    @property
    def every(self) -> list[str]:
        given = ",".join((self.event_id, self.eventid, self.event_ids, self.ids, self.id))
        return [item for item in given.replace(" ", "").split(",") if item]


class EventTickets(msgspec.Struct, kw_only=True):
    """The incidents of events."""

    count: int
    results: list[Ticket]


class AskedEvent(msgspec.Struct, kw_only=True):
    """An event as the system that posted it knows it: by our id, its reference, or its key and device."""

    event_id: str = ""
    reference: str = ""
    fingerprint: str = ""
    key: str = ""
    host: str = ""
    address: str = ""
    ci: str = ""

    @property
    def name(self) -> str:
        return self.event_id or self.reference or self.fingerprint or self.key


class WantedIncidents(EventIds, kw_only=True):
    """Events by id, by reference, by fingerprint, or each as an object with the ``key`` it was posted with."""

    events: list[str | AskedEvent] = []
    references: list[str] = []
    reference: str = ""
    fingerprints: list[str] = []

    @property
    def asked(self) -> list[AskedEvent]:
        objects = [item for item in self.events if isinstance(item, AskedEvent)]
        plain = [item for item in self.events if isinstance(item, str)]
        by_id = [*self.event_ids, *plain, *self.ids, *(item for item in (self.event_id, self.eventid) if item)]
        made = [AskedEvent(event_id=item) for item in by_id]
        made += [AskedEvent(reference=item) for item in [*self.references, self.reference] if item]
        made += [AskedEvent(fingerprint=item) for item in self.fingerprints]
        return [item for item in [*made, *objects] if item.name]


class Found(msgspec.Struct, kw_only=True):
    """What became of one event that was asked for."""

    asked: str
    event_ids: list[str]
    cleared: bool | None
    incidents: list[Ticket]


class FoundIncidents(msgspec.Struct, kw_only=True):
    count: int
    results: list[Found]


class TicketEventPage(msgspec.Struct, kw_only=True):
    """A page of the events of an incident."""

    count: int
    next: str | None
    previous: str | None
    results: list[TicketEvent]
    max_page_limit: int
    total_pages: int
