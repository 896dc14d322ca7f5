"""The Events module of the API: the record and its standard verbs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import msgspec

from mainstay.kernel.context import Context
from mainstay.kernel.errors import Invalid
from mainstay.kernel.record import new_id
from mainstay.kernel.resource import Behaviour, Resource
from mainstay.modules.monitoring.eventrules import catalogue
from mainstay.modules.monitoring.events import placing, service
from mainstay.modules.monitoring.events.tables import RAISED, Event, step_of

PATH = "/ux/common/events/events/"
_RAISED = {choice.id for choice in RAISED}


class LinkedTicket(msgspec.Struct, kw_only=True):
    """An incident of an event, as far as a list shows it. ``over``: resolved or closed."""

    incident_id: str
    display_id: str
    over: bool


TICKETS: list[Callable[[Context, Sequence[str]], Awaitable[Mapping[str, list[LinkedTicket]]]]] = []
"""Who knows the incidents of events: per event's id those that the caller may see. The service desk registers here."""


class Events(Behaviour[Event]):
    async def prepare(self, ctx: Context, rows: list[dict[str, Any]], given: Sequence[Mapping[str, Any]]) -> None:
        for row in rows:
            row["id"] = row["fingerprint"] = new_id()
            row["original_severity"] = _as_raised(row.get("severity"))
            row["first_seen"] = row["last_seen"] = ctx.now
            row["seen_step"] = step_of(ctx.now)
            row["source"] = row.get("source") or "manual"
            service.stamp_states(ctx, row, row)

    async def change(self, ctx: Context, entity: Event, values: dict[str, Any], given: Mapping[str, Any]) -> None:
        service.stamp_states(ctx, values, {"cleared": entity.cleared, "acknowledged": entity.acknowledged, **values},
                             before=entity)  # fmt: skip
        if "severity" in values and values["severity"] != entity.severity:
            values["original_severity"] = _as_raised(values["severity"])

    async def saved(self, ctx: Context, entity: Event, diff: list[dict[str, Any]], given: Mapping[str, Any]) -> None:
        if entity.cleared and any(change["field"] == "cleared" for change in diff):
            await placing.restore(ctx, [entity.id])

    async def removing(self, ctx: Context, entities: Sequence[Event]) -> None:
        await placing.restore(ctx, [entity.id for entity in entities])

    async def decorate(self, ctx: Context, rows: list[dict[str, Any]]) -> None:
        for row in rows:
            kind = catalogue.find(row["event_class"])
            row |= {"event_type": kind.type, "probable_cause": kind.cause, "meaning": kind.meaning,
                    "recommended_action": kind.action, "tickets": []}  # fmt: skip
        for tickets_of in TICKETS:
            found = await tickets_of(ctx, [row["id"] for row in rows])
            for row in rows:
                row["tickets"] += found.get(row["id"], [])


def _as_raised(severity: int | None) -> int:
    if severity is None:
        return 4
    if severity not in _RAISED:
        raise Invalid.field("severity", "Severity must be one of: " + ", ".join(item.name for item in RAISED) + ".")
    return severity


events = Resource(
    Event,
    module="Events",
    path=PATH,
    label="Event",
    title="message",
    area="monitoring",
    section="Monitoring",
    id_name="event_id",
    mirrors={"alarm_message": "message"},
    extra={
        "event_type": str,
        "probable_cause": str,
        "meaning": str,
        "recommended_action": str,
        "tickets": list[LinkedTicket],
    },
    sort="last_seen",
    behaviour=Events(),
    privileges=("view", "add", "edit", "delete", "export", "execute"),
    verbs={"validate": None, "import": None, "template": None, "columns": None},
    page="event",
    sample={"message": "Backup of the file server failed", "severity": "Major", "host": "files1"},
)
