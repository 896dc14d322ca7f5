"""The conversation of an incident: answers, internal notes, and the files in them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import select

from mainstay.kernel import changes, files, store, trail
from mainstay.kernel.access.tables import REQUESTER, User
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Forbidden, Invalid, NotFound
from mainstay.kernel.files import Attachment
from mainstay.kernel.operation import Group, Page, Reply
from mainstay.kernel.query import ListQuery
from mainstay.kernel.richtext import plain, sanitise
from mainstay.modules.people.users.resource import picture_of
from mainstay.modules.servicedesk.incident import service
from mainstay.modules.servicedesk.incident.messages import add_message
from mainstay.modules.servicedesk.incident.resource import PATH
from mainstay.modules.servicedesk.incident.shape import Identified
from mainstay.modules.servicedesk.incident.tables import Incident, Message

conversation = Group("Incident", "/ux/sd/inci/conversation/")
MAX_MESSAGE = 200_000


class MessageRecord(msgspec.Struct, kw_only=True):
    """A message; ``message`` is safe HTML."""

    communication_id: str
    id: str
    incident_id: str
    type: str
    is_public: bool
    is_requester: bool
    message: str
    user_id: str
    user_name: str
    user_picture: str
    event_time: datetime
    edited: bool
    attachments: list[dict[str, Any]]


class MessagePage(msgspec.Struct, kw_only=True):
    count: int
    next: str | None
    previous: str | None
    results: list[MessageRecord]
    max_page_limit: int
    total_pages: int


class MessageSaved(msgspec.Struct, kw_only=True):
    status: str = "success"
    id: str
    message: str
    msg: str
    data: MessageRecord


class MessageInput(Identified, kw_only=True):
    """A new message. ``type``: comment (to the requester) or note (internal)."""

    message: str = ""
    type: str = "comment"
    is_public: bool | None = None
    attachments: Any = None


class MessageEdit(msgspec.Struct, kw_only=True):
    message: str = ""


class Thread(ListQuery, kw_only=True):
    incident_id: str = ""
    display_id: str = ""
    id: str = ""


async def _shown(ctx: Context, found: Sequence[Message]) -> list[MessageRecord]:
    ids = [row.id for row in found if row.attachment_count]
    by_part: dict[str, list[dict[str, Any]]] = {}
    if ids:
        query = select(Attachment).where(Attachment.resource == "incident", Attachment.part.in_(ids))
        for item in (await ctx.session.execute(query.order_by(Attachment.id))).scalars():
            base = f"{PATH}{item.record_id}/attachments/"
            by_part.setdefault(item.part, []).append(files.shown(item, base))
    pictures = await _pictures(ctx, {row.user_id for row in found if row.user_id})
    return [
        MessageRecord(
            communication_id=row.id, id=row.id, incident_id=row.incident_id, type=row.type, is_public=row.is_public,
            is_requester=row.is_requester, message=row.message, user_id=row.user_id, user_name=row.user_name,
            user_picture=pictures.get(row.user_id, ""), event_time=row.creation_time, edited=row.version > 1,
            attachments=by_part.get(row.id, []),
        )
        for row in found
    ]  # fmt: skip


async def _pictures(ctx: Context, people: set[str]) -> dict[str, str]:
    """Where the pictures are of those who have one."""
    if not people:
        return {}
    query = select(User.id, User.profile_image).where(User.id.in_(people), User.profile_image != "")
    return {row.id: picture_of(row.id, row.profile_image) for row in (await ctx.session.execute(query)).all()}


async def _one(ctx: Context, message_id: str) -> tuple[Message, Incident]:
    row = await store.find(ctx, select(Message).where(Message.id == message_id))
    if row is None or (ctx.principal.kind == REQUESTER and not row.is_public):
        raise NotFound("There is no such message.")
    return row, await service.by_any_id(ctx, row.incident_id)


def _text(raw: str) -> str:
    text = sanitise(raw).strip()
    if len(text) > MAX_MESSAGE:
        raise Invalid.field("message", f"The message is too long; {MAX_MESSAGE} characters are the most.")
    return text


@conversation.route("GET", "", permission=("incident", "view"), returns=MessagePage)
async def listing(ctx: Context, query: Thread) -> Page:
    """The conversation of an incident, oldest first; ``reverse`` for newest first."""
    entity = await service.by_any_id(ctx, query.incident_id or query.id or query.display_id)
    statement = select(Message).where(Message.incident_id == entity.id)
    if ctx.principal.kind == REQUESTER:
        statement = statement.where(Message.is_public.is_(True))
    if query.search:
        statement = statement.where(Message.message.icontains(query.search, autoescape=True))
    order = (Message.creation_time.desc(), Message.id.desc()) if query.reverse else (Message.creation_time, Message.id)
    total, found = await trail.paged(ctx, statement.order_by(*order), query)
    return trail.envelope(query, total, await _shown(ctx, [row for (row,) in found]))


@conversation.route("POST", "", permission=("incident", "view"), status=201, returns=MessageSaved)
async def adding(ctx: Context, body: MessageInput) -> Any:
    """Answer the requester, or leave an internal note; files as data URIs."""
    if ctx.principal.kind != REQUESTER:
        ctx.principal.require("incident", "edit")
    entity = await service.by_any_id(ctx, body.wanted, lock=True)
    items = service.attachments_of(body.attachments)
    text = _text(body.message)
    if not text and not items:
        raise Invalid.field("message", "Please provide message.")
    public = body.is_public if body.is_public is not None else body.type != "note"
    made = await add_message(ctx, entity, text, kind=body.type or "comment", public=public, attachments=items)
    (out,) = await _shown(ctx, [made])
    return Reply(MessageSaved(id=made.id, message="communication_created", msg="Message added.", data=out), status=201)


@conversation.route("GET", "{id}/", permission=("incident", "view"), returns=MessageRecord)
async def reading(ctx: Context, id: str) -> Any:
    """One message."""
    row, _entity = await _one(ctx, id)
    (out,) = await _shown(ctx, [row])
    return out


@conversation.route("PUT", "{id}/", permission=("incident", "view"), returns=MessageSaved)
async def editing(ctx: Context, id: str, body: MessageEdit) -> Any:
    """Correct one's own message; the former text stays in the history."""
    row, entity = await _own(ctx, id)
    text = _text(body.message)
    if not text:
        raise Invalid.field("message", "Please provide message.")
    before = row.message
    row.message = text
    if await store.save(ctx, row):
        note = [changes.entry("message", plain(before), plain(text))]
        await changes.record(ctx, "incident", "comment", [(entity.id, entity.version, note)])
    (out,) = await _shown(ctx, [row])
    return MessageSaved(id=row.id, message="communication_updated", msg="Message changed.", data=out)


@conversation.route("DELETE", "{id}/", permission=("incident", "view"), status=204)
async def removing(ctx: Context, id: str) -> None:
    """Take back one's own message; with the delete privilege also another's. The history keeps it."""
    row, entity = await _own(ctx, id)
    await store.remove(ctx, row)
    note = [changes.entry("message", plain(row.message), None)]
    await changes.record(ctx, "incident", "comment", [(entity.id, entity.version, note)])


async def _own(ctx: Context, message_id: str) -> tuple[Message, Incident]:
    row, entity = await _one(ctx, message_id)
    if row.created_by != ctx.principal.user and not ctx.principal.can("incident", "delete"):
        raise Forbidden("Only the author can change this message.")
    return row, entity
