"""Adding to the conversation of an incident, and telling the requester."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from mainstay.kernel import changes, files, mail, store
from mainstay.kernel.access.tables import REQUESTER
from mainstay.kernel.context import Context
from mainstay.kernel.record import new_id
from mainstay.kernel.richtext import plain
from mainstay.modules.servicedesk.incident import family
from mainstay.modules.servicedesk.incident.tables import Incident, Message


async def add_message(
    ctx: Context,
    entity: Incident,
    text: str,
    *,
    kind: str = "comment",
    public: bool = True,
    attachments: Sequence[Any] = (),
) -> Message:
    """Add to the conversation; the first public answer by staff counts as the response."""
    who = ctx.principal
    is_requester = who.kind == REQUESTER
    made = Message(
        id=new_id(),
        incident_id=entity.id,
        type=kind[:64],
        is_public=public or is_requester,
        message=text,
        is_requester=is_requester,
        user_id=who.profile_id,
        user_name=who.name,
        attachment_count=len(attachments),
    )
    await store.add(ctx, made)
    if attachments:
        await files.attach(ctx, "incident", entity.id, list(attachments), part=made.id)
    note = [changes.entry("message", None, plain(text)), changes.entry("type", None, made.type)]
    await changes.record(ctx, "incident", "comment", [(entity.id, entity.version, note)])
    if public and not is_requester and who.kind != "system" and entity.responded_at is None and kind == "comment":
        entity.responded_at = ctx.now
    if is_requester:
        entity.unread_mail = True
    elif entity.unread_mail and public:
        entity.unread_mail = False
    if store.pending(entity):
        await store.save(ctx, entity)
    if is_requester and entity.parent is not None:
        await _pass_on(ctx, entity, text)
    if public and not is_requester and kind == "comment":
        await tell(ctx, [entity, *await _merged(ctx, entity)], text)
    return made


async def _pass_on(ctx: Context, entity: Incident, text: str) -> None:
    """A requester answered a merged incident: those who work on it are where it went."""
    work = await family.root(ctx, entity, lock=True)
    if work.id == entity.id:
        return
    said = f"<p>{html.escape(ctx.principal.name)} answered to {entity.display_id}, which was merged into this:</p>"
    await store.add(
        ctx,
        Message(incident_id=work.id, type="note", is_public=False, message=said + text,
                user_id=ctx.principal.profile_id, user_name=ctx.principal.name),
    )  # fmt: skip
    work.unread_mail = True
    await store.save(ctx, work)


async def _merged(ctx: Context, entity: Incident) -> Sequence[Incident]:
    """The incidents whose requesters follow this one because theirs was merged into it."""
    if not ctx.platform.settings.smtp_host:
        return []
    ids = list(await family.merged_into(ctx, [entity.id]))
    return (await ctx.session.execute(select(Incident).where(Incident.id.in_(ids)))).scalars().all() if ids else []


async def tell(ctx: Context, entities: Sequence[Incident], text: str) -> None:
    """Mail a message to the requesters of incidents, each under the number and the words they know."""
    if not ctx.platform.settings.smtp_host:
        return
    by_address = {entity.requester_email.lower(): entity for entity in reversed(entities) if entity.requester_email}
    await mail.queue_many(
        ctx,
        [
            mail.Mail(entity.requester_email, f"[{entity.display_id}] {entity.summary}", plain(text), text, entity.id)
            for entity in by_address.values()
        ],
    )
