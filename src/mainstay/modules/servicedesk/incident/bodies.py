"""What the actions of incidents take and answer."""

from __future__ import annotations

from typing import Any

import msgspec

from mainstay.modules.servicedesk.incident.shape import Identified


class Resolve(Identified, kw_only=True):
    closure_note: str = ""
    resolution_note: str = ""
    resolution_type: str = ""
    comment: Any = None


class Close(Identified, kw_only=True):
    closure_note: str = ""
    close_type: str = ""
    comment: Any = None


class Reopen(Identified, kw_only=True):
    reason: str = ""
    comment: Any = None


class IncidentIds(Identified, kw_only=True):
    """One incident, or several."""

    ids: list[str] = []
    incident_ids: list[str] = []

    @property
    def every(self) -> list[str]:
        return [*self.ids, *self.incident_ids, *([self.wanted] if self.wanted else [])]


class Merge(IncidentIds, kw_only=True):
    """The incident that remains (``incident_id``), and those merged into it (``ids``)."""

    note: str = ""

    @property
    def every(self) -> list[str]:
        return [*self.ids, *self.incident_ids]


class Attach(Identified, kw_only=True):
    attachments: Any = None
    attachment: Any = None
    name: str = ""
    data: str = ""


class WhichAttachment(Identified, kw_only=True):
    attachment_id: str = ""


class Attached(msgspec.Struct, kw_only=True):
    results: list[dict[str, Any]]


class Rated(msgspec.Struct, kw_only=True):
    """What the requester said of the service."""

    incident_id: str
    display_id: str
    rating: int | None
    feedback: str
    feedback_at: Any


class Rating(Identified, kw_only=True):
    rating: int
    feedback: str = ""


class Impacted(msgspec.Struct, kw_only=True):
    """The assets an incident affects."""

    incident_id: str
    results: list[dict[str, Any]]


class SearchQuery(msgspec.Struct, kw_only=True):
    search: str = ""
    items_per_page: int = 20
    page: int = 1


class RichText(Identified, kw_only=True):
    """Rich text for one field of an incident: description, closure_note, or a note in its conversation."""

    text: str = ""
    field: str = "note"


class RichTextQuery(Identified, kw_only=True):
    text: str = ""


class RichTextAnswer(msgspec.Struct, kw_only=True):
    text: str
    plain: str
    unknown: list[str]
    merge_fields: list[str]


class StatusQuery(Identified, kw_only=True):
    status: str = ""


class StatusAnswer(msgspec.Struct, kw_only=True):
    """The statuses of the workflow, the present one and those that may follow."""

    workflow: list[dict[str, Any]]
    status: dict[str, Any] | None
    transition_status: list[dict[str, Any]]


class MapQuery(msgspec.Struct, kw_only=True):
    state: Any = None
    state_id: Any = None


class MapAnswer(msgspec.Struct, kw_only=True):
    stage_state_option_map: dict[str, list[dict[str, Any]]]
    transitions: dict[str, list[dict[str, Any]]]


class Retried(msgspec.Struct, kw_only=True):
    """How many failed deliveries are under way again."""

    status: str = "success"
    retried: int
