"""What is done with incidents: moves, deletion, deliveries, rating."""

from __future__ import annotations

from typing import Any

import msgspec

from mainstay.kernel import mail, store, writing
from mainstay.kernel.access.tables import REQUESTER
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Invalid
from mainstay.kernel.operation import Deleted
from mainstay.modules.servicedesk.incident import engine, service
from mainstay.modules.servicedesk.incident.bodies import Close, IncidentIds, Rated, Rating, Reopen, Resolve, Retried
from mainstay.modules.servicedesk.incident.resource import SAVED, answered, incidents
from mainstay.modules.servicedesk.incident.shape import Identified
from mainstay.modules.servicedesk.incident.tables import Incident


@incidents.action("POST", "inci_resolve/", privilege="edit", returns=SAVED)
async def inci_resolve(ctx: Context, body: Resolve) -> Any:
    """Resolve an incident; the note tells what solved it."""
    entity = await service.by_any_id(ctx, body.wanted, lock=True)
    await service.move(ctx, entity, engine.RESOLVED, msgspec.to_builtins(body))
    return await answered(ctx, entity)


@incidents.action("POST", "close_inci_request/", privilege="edit", returns=SAVED)
async def close_inci_request(ctx: Context, body: Close) -> Any:
    """Close a resolved incident."""
    entity = await service.by_any_id(ctx, body.wanted, lock=True)
    await service.move(ctx, entity, engine.CLOSED, msgspec.to_builtins(body))
    return await answered(ctx, entity)


@incidents.action("POST", "inci_reopen/", privilege="edit", returns=SAVED)
async def inci_reopen(ctx: Context, body: Reopen) -> Any:
    """Reopen a resolved or closed incident, with the reason."""
    entity = await service.by_any_id(ctx, body.wanted, lock=True)
    await service.reopen(ctx, entity, body.reason or service.comment_of({"comment": body.comment})[0])
    return await answered(ctx, entity)


@incidents.action("POST", "delete_incident/", privilege="delete")
async def delete_incident(ctx: Context, body: IncidentIds) -> Deleted:
    """Delete incidents by id or display id."""
    if not body.every:
        raise Invalid.field("incident_id", "Please provide incident id.")
    found = [await service.by_any_id(ctx, wanted) for wanted in body.every[:500]]
    return Deleted(deleted=await writing.remove_many(ctx, incidents, [entity.id for entity in found]))


@incidents.action("POST", "bulk_retry_api/", privilege="execute")
async def bulk_retry_api(ctx: Context, body: IncidentIds) -> Retried:
    """Send again what could not be delivered for these incidents."""
    if not body.every:
        raise Invalid.field("ids", "Please provide ids.")
    found = [(await service.by_any_id(ctx, wanted)).id for wanted in body.every[:500]]
    return Retried(retried=await mail.retry(ctx, found))


@incidents.action("GET", "feedback/")
async def feedback(ctx: Context, query: Identified) -> Rated:
    """What the requester said of the service."""
    return _rated(await service.by_any_id(ctx, query.wanted))


def _rated(entity: Incident) -> Rated:
    return Rated(
        incident_id=entity.id,
        display_id=entity.display_id,
        rating=entity.rating,
        feedback=entity.feedback,
        feedback_at=entity.feedback_at,
    )


@incidents.action("POST", "feedback/", privilege="view")
async def rate(ctx: Context, body: Rating) -> Rated:
    """Rate a resolved or closed incident from 1 to 5; the requester, or staff for the requester."""
    entity = await service.by_any_id(ctx, body.wanted, lock=True)
    if ctx.principal.kind != REQUESTER:
        ctx.principal.require(incidents.permission, "edit")
    if not 1 <= body.rating <= 5:
        raise Invalid.field("rating", "The rating must be a whole number from 1 to 5.")
    if entity.status_id not in (engine.RESOLVED, engine.CLOSED):
        raise Invalid.field("incident_id", f"{entity.display_id} is not resolved yet; it is rated afterwards.")
    entity.rating, entity.feedback, entity.feedback_at = body.rating, body.feedback[:2000], ctx.now
    await store.save(ctx, entity, action="feedback")
    return _rated(entity)
