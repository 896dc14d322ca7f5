"""Files and rich text of incidents."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from mainstay.kernel import customfields, files, rows, store, writing
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Invalid, NotFound
from mainstay.kernel.files import Attachment
from mainstay.kernel.operation import Saved
from mainstay.kernel.richtext import plain, sanitise
from mainstay.modules.servicedesk.incident import engine, service
from mainstay.modules.servicedesk.incident.bodies import (
    Attach,
    Attached,
    RichText,
    RichTextAnswer,
    RichTextQuery,
    WhichAttachment,
)
from mainstay.modules.servicedesk.incident.messages import add_message
from mainstay.modules.servicedesk.incident.resource import PATH, SAVED, answered, incidents
from mainstay.modules.servicedesk.incident.tables import Incident


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


@incidents.action("GET", "process-rich-text/")
async def process_rich_text(ctx: Context, query: RichTextQuery) -> RichTextAnswer:
    """Rich text with its merge fields filled in from an incident, made safe to show."""
    entity = await service.by_any_id(ctx, query.wanted)
    row = await rows.one(ctx, incidents, Incident.id == entity.id)
    # What a role may not see, a merge field does not tell it.
    await customfields.conceal(ctx, incidents, [row])
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
    return await answered(ctx, entity)
