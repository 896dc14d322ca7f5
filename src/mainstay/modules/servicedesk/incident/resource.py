"""The Incident module of the API."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import func, or_, select

from mainstay.kernel import files, mail, rows, store, trail, verbs, writing
from mainstay.kernel.access.tables import REQUESTER
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Forbidden, Invalid, NotFound
from mainstay.kernel.files import Attachment
from mainstay.kernel.operation import Deleted, Page, Reply, Saved
from mainstay.kernel.query import ListQuery
from mainstay.kernel.resource import Resource
from mainstay.kernel.richtext import plain, sanitise
from mainstay.modules.people.requesters.tables import Requester
from mainstay.modules.servicedesk.incident import engine, service
from mainstay.modules.servicedesk.incident.messages import add_message
from mainstay.modules.servicedesk.incident.shape import Identified, IncidentDetail, IncidentRecord
from mainstay.modules.servicedesk.incident.tables import Incident

PATH = "/ux/sd/inci/incident/"

incidents = Resource(
    Incident,
    module="Incident",
    path=PATH,
    label="Incident",
    title="summary",
    area="servicedesk",
    section="Service Desk",
    id_name="incident_id",
    privileges=("view", "add", "edit", "delete", "execute", "export", "approve"),
    behaviour=service.Incidents(),
    output=IncidentRecord,
    detail=IncidentDetail,
    output_name="Incident",
    page="incident",
    cache_lists=True,
    natural_key="display_id",
    sample={
        "summary": "Mail cannot be sent",
        "description": "<p>Since this morning.</p>",
        "urgency": "High",
        "impact": "Department",
        "requester_email": "rita@example.com",
        "requester_name": "Rita Requester",
        "requester_phone": "",
        "reporter_name": "",
        "reporter_email": "",
        "reporter_phone": "",
        "catalogue": "",
        "impact_service": "",
        "impact_service_name": "",
        "service_classification": "",
        "service_classification_name": "",
        "incident_source": {"id": 3, "name": "Phone"},
        "tag": [],
        "assets": [],
        "custom_field": [{}],
        "attachment": {},
    },
)


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


async def _saved(ctx: Context, entity: Incident) -> Reply:
    out = await verbs.whole(ctx, incidents, entity.id)
    return Reply(
        verbs.saved(incidents, out, entity.id, "update"), headers={"ETag": writing.etag(entity.id, entity.version)}
    )


SAVED = verbs.saved_of(incidents)


@incidents.action("POST", "inci_resolve/", privilege="edit", returns=SAVED)
async def inci_resolve(ctx: Context, body: Resolve) -> Any:
    """Resolve an incident; the note tells what solved it."""
    entity = await service.by_any_id(ctx, body.wanted, lock=True)
    await service.move(ctx, entity, engine.RESOLVED, msgspec.to_builtins(body))
    return await _saved(ctx, entity)


@incidents.action("POST", "close_inci_request/", privilege="edit", returns=SAVED)
async def close_inci_request(ctx: Context, body: Close) -> Any:
    """Close a resolved incident."""
    entity = await service.by_any_id(ctx, body.wanted, lock=True)
    await service.move(ctx, entity, engine.CLOSED, msgspec.to_builtins(body))
    return await _saved(ctx, entity)


@incidents.action("POST", "inci_reopen/", privilege="edit", returns=SAVED)
async def inci_reopen(ctx: Context, body: Reopen) -> Any:
    """Reopen a resolved or closed incident, with the reason."""
    entity = await service.by_any_id(ctx, body.wanted, lock=True)
    await service.reopen(ctx, entity, body.reason or service.comment_of({"comment": body.comment})[0])
    return await _saved(ctx, entity)


@incidents.action("POST", "delete_incident/", privilege="delete")
async def delete_incident(ctx: Context, body: IncidentIds) -> Deleted:
    """Delete incidents by id or display id."""
    if not body.every:
        raise Invalid.field("incident_id", "Please provide incident id.")
    found = [await service.by_any_id(ctx, wanted) for wanted in body.every[:500]]
    return Deleted(deleted=await writing.remove_many(ctx, incidents, [entity.id for entity in found]))


@incidents.action("GET", "incident-data/{id}/", returns=IncidentRecord)
async def incident_data(ctx: Context, id: str) -> Any:
    """The incident's record alone, without the form's options."""
    entity = await service.by_any_id(ctx, id)
    return await verbs.whole(ctx, incidents, entity.id)


@incidents.action("POST", "add-attachment/", privilege="edit", returns=Saved)
async def add_attachment(ctx: Context, body: Attach) -> Any:
    """Attach files, each a name and a data URI."""
    entity = await service.by_any_id(ctx, body.wanted, lock=True)
    items = service.attachments_of(body.attachments or body.attachment)
    if body.data:
        items.append({"name": body.name, "data": body.data})
    if not items:
        raise Invalid.field("attachments", 'Please provide attachments: [{"name", "data": "data:<type>;base64,..."}].')
    made = await files.attach(ctx, "incident", entity.id, items)
    base = f"{PATH}{entity.id}/attachments/"
    return Saved(
        id=entity.id,
        message="attachment_created",
        msg="Attached.",
        data=[files.shown(row, base) for row in made],
    )


@incidents.action("GET", "attachment/", returns=Attached)
async def attachment(ctx: Context, query: WhichAttachment) -> Any:
    """The files of an incident, or with ``attachment_id`` the file itself."""
    if query.attachment_id:
        wanted = select(Attachment).where(Attachment.id == query.attachment_id, Attachment.resource == "incident")
        row = await store.find(ctx, wanted)
        if row is None:
            raise NotFound("There is no such attachment.")
        await service.by_any_id(ctx, row.record_id)
        if not await incidents.behaviour.files_seen(ctx, [row]):
            raise NotFound("There is no such attachment.")
        return files.content(ctx, row)
    entity = await service.by_any_id(ctx, query.wanted)
    base = f"{PATH}{entity.id}/attachments/"
    seen = await incidents.behaviour.files_seen(ctx, await files.of(ctx, "incident", entity.id))
    return Attached(results=[files.shown(row, base) for row in seen])


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


@incidents.action("GET", "impacted_asset/")
async def impacted_asset(ctx: Context, query: Identified) -> Impacted:
    """The assets an incident affects."""
    entity = await service.by_any_id(ctx, query.wanted)
    return Impacted(incident_id=entity.id, results=[{"asset_id": asset, "name": asset} for asset in entity.assets])


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


@incidents.action("GET", "process-rich-text/")
async def process_rich_text(ctx: Context, query: RichTextQuery) -> RichTextAnswer:
    """Rich text with its merge fields filled in from an incident, made safe to show."""
    entity = await service.by_any_id(ctx, query.wanted)
    row = await rows.one(ctx, incidents, Incident.id == entity.id)
    text, unknown = engine.merge(sanitise(query.text), service.merge_values(row))
    return RichTextAnswer(text=text, plain=plain(text), unknown=unknown, merge_fields=list(engine.MERGE_FIELDS))


@incidents.action("POST", "save-rich-text/", privilege="edit", returns=SAVED)
async def save_rich_text(ctx: Context, body: RichText) -> Any:
    """Save rich text as the incident's description or closure note, or as a note in its conversation."""
    entity = await service.by_any_id(ctx, body.wanted, lock=True)
    text = sanitise(body.text).strip()
    if not text:
        raise Invalid.field("text", "Please provide text.")
    if body.field in ("description", "closure_note"):
        await writing.update(ctx, incidents, entity, {body.field: text}, partial=True)
    elif body.field in ("note", "comment"):
        await add_message(ctx, entity, text, kind=body.field, public=body.field == "comment")
    else:
        raise Invalid.field("field", "field must be description, closure_note, note or comment.")
    return await _saved(ctx, entity)


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
