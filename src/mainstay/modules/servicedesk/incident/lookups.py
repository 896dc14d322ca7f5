"""What is asked about incidents: the record alone, assets, requesters, the workflow."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, or_, select

from mainstay.kernel import trail, verbs
from mainstay.kernel.access.tables import REQUESTER
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Forbidden, Invalid
from mainstay.kernel.operation import Page
from mainstay.kernel.query import ListQuery
from mainstay.modules.people.requesters.tables import Requester
from mainstay.modules.servicedesk.incident import assets, engine, service
from mainstay.modules.servicedesk.incident.bodies import (
    Impacted,
    MapAnswer,
    MapQuery,
    SearchQuery,
    StatusAnswer,
    StatusQuery,
)
from mainstay.modules.servicedesk.incident.resource import incidents
from mainstay.modules.servicedesk.incident.shape import Identified, IncidentRecord


@incidents.action("GET", "incident-data/{id}/", returns=IncidentRecord)
async def incident_data(ctx: Context, id: str) -> Any:
    """The incident's record alone, without the form's options."""
    entity = await service.by_any_id(ctx, id)
    return await verbs.whole(ctx, incidents, entity.id)


@incidents.action("GET", "impacted_asset/")
async def impacted_asset(ctx: Context, query: Identified) -> Impacted:
    """The assets an incident affects."""
    entity = await service.by_any_id(ctx, query.wanted)
    return Impacted(incident_id=entity.id, results=await assets.named(ctx, entity.assets))


@incidents.action("GET", "requester_search/")
async def requester_search(ctx: Context, query: SearchQuery) -> Page:
    """Find the person a ticket is for, by name, e-mail or phone."""
    if ctx.principal.kind == REQUESTER:
        raise Forbidden("You do not have permission to view requester.")
    statement = select(Requester).where(Requester.is_login_active.is_(True))
    for word in query.search.replace("\x00", "").lower().split()[:6]:
        columns = (Requester.full_name, Requester.email, Requester.phone_number)
        statement = statement.where(or_(*[func.lower(item).contains(word, autoescape=True) for item in columns]))
    wanted = ListQuery(items_per_page=query.items_per_page, page=query.page)
    total, found = await trail.paged(ctx, statement.order_by(Requester.full_name, Requester.id), wanted)
    results = [
        {
            "requester_id": row.id,
            "id": row.id,
            "full_name": row.full_name,
            "email": row.email,
            "phone": row.phone_number,
            "department": row.department,
        }
        for (row,) in found
    ]
    return trail.envelope(wanted, total, results)


@incidents.action("POST", "workflow_options_map/", privilege="view", write=False)
async def workflow_options_map(ctx: Context, body: MapQuery) -> MapAnswer:
    """The statuses of each state, and what may follow each status; of one state when it is given."""
    every = engine.option_map()
    wanted = body.state or body.state_id
    if wanted not in (None, ""):
        word = str(wanted.get("name") or wanted.get("id") if isinstance(wanted, dict) else wanted).lower()
        known = {str(choice.id): choice.name for choice in engine.STATES}
        name = known.get(word) or next((name for name in every if name.lower() == word), None)
        if name is None:
            raise Invalid.field("state", f"There is no state {word[:40]!r}. States: {', '.join(every)}.")
        every = {name: every[name]}
    shown = [row["id"] for statuses in every.values() for row in statuses]
    return MapAnswer(
        stage_state_option_map=every,
        transitions={engine.full_name(status): engine.transitions(status) for status in shown},
    )


@incidents.action("GET", "workflow_status/")
async def workflow_status(ctx: Context, query: StatusQuery) -> StatusAnswer:
    """The workflow's statuses, and for an incident or a status those that may follow."""
    status: int | None = None
    if query.wanted:
        status = (await service.by_any_id(ctx, query.wanted)).status_id
    elif query.status:
        status = engine.read_status(query.status)
        if status is None:
            raise Invalid.field("status", f"There is no status {query.status[:40]!r}.")
    return StatusAnswer(
        workflow=[engine.status_row(item) for item in engine.WORKFLOW],
        status=engine.status_row(status) if status else None,
        transition_status=engine.transitions(status) if status else [],
    )
