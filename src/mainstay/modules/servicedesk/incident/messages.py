"""Adding to the conversation of an incident, and telling the requester."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mainstay.kernel import changes, files, mail, store
from mainstay.kernel.access.tables import REQUESTER
from mainstay.kernel.context import Context
from mainstay.kernel.record import new_id
from mainstay.kernel.richtext import plain
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
    if public and not is_requester and entity.requester_email and ctx.platform.settings.smtp_host and kind == "comment":
        await mail.queue(
            ctx,
            entity.requester_email,
            f"[{entity.display_id}] {entity.summary}",
            plain(text),
            html=text,
            reference=entity.id,
        )
    return made
