"""What waits for its time: messages held in quiet hours, and those collected into one."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from sqlalchemy import func, select, update

from mainstay.kernel import store
from mainstay.kernel.context import Context
from mainstay.kernel.database import ANY_ORGANIZATION
from mainstay.kernel.platform import Platform
from mainstay.modules.integrations.messenger import outbox, templating
from mainstay.modules.integrations.messenger.tables import DIGESTED, HELD, QUEUED, SUPPRESSED, Notification

LINES = 500
"""Messages that one digest lists; the rest is counted."""


async def release_due(platform: Platform) -> int:
    """Queue what was held until now; how many messages were released."""
    now = platform.now()
    held = (
        select(Notification.organization)
        .where(Notification.status.in_((HELD, SUPPRESSED)), Notification.due_at <= now)
        .distinct()
    )
    async with platform.database.session(ANY_ORGANIZATION) as session:
        organizations = list((await session.execute(held)).scalars())
    done = 0
    for organization in organizations:
        async with platform.work(organization) as ctx:
            done += await release(ctx)
    return done


async def release(ctx: Context) -> int:
    """The same in one organization."""
    due = (
        select(Notification)
        .where(Notification.status.in_((HELD, SUPPRESSED)), Notification.due_at <= ctx.now)
        .order_by(Notification.digest, Notification.id)
        .limit(5000)
    )
    if not ctx.platform.database.is_sqlite:
        due = due.with_for_update(skip_locked=True)
    found = list((await ctx.session.execute(due)).scalars())
    ctx.session.expunge_all()
    single = [item for item in found if not item.digest or item.status == SUPPRESSED]
    await _to_queue(ctx, single)
    collected = [item for item in found if item.digest and item.status == HELD]
    for digest, group in groupby(collected, lambda item: item.digest):
        await _combine(ctx, digest, list(group))
    return len(found)


async def _to_queue(ctx: Context, notes: Sequence[Notification]) -> None:
    if not notes:
        return
    values = {"status": QUEUED, "due_at": ctx.now, "queued_at": ctx.now, "reason": "", "suppressed_until": None}
    await store.update_many(ctx, Notification, [item.id for item in notes], values)
    outbox.wake(ctx)


async def _combine(ctx: Context, digest: str, notes: Sequence[Notification]) -> None:
    ids = [item.id for item in notes]
    known = await ctx.session.scalar(
        select(func.count()).select_from(Notification).where(Notification.id == digest)
        .execution_options(include_deleted=True)
    )  # fmt: skip
    if known or len(notes) == 1:
        # One alone needs no frame; what comes after its digest was sent goes by itself, too.
        await _to_queue(ctx, notes)
        return
    first = notes[0]
    counted = len(notes)
    shown = [f"{item.creation_time:%Y-%m-%d %H:%M} UTC  {item.subject}" for item in notes[:LINES]]
    if counted > LINES:
        shown.append(f"and {counted - LINES} more.")
    await outbox.put(
        ctx,
        [
            {
                "id": digest, "kind": first.kind, "channel": first.channel, "recipient": first.recipient,
                "profile": first.profile, "subscription": first.subscription, "trigger": "digest",
                "is_system_gen": True, "ref_type": first.ref_type,
                "subject": templating.line_of(f"{counted} notifications, latest: {notes[-1].subject}")[:500],
                "body": "\n".join(shown),
                "html": "<ul>" + "".join(f"<li>{templating.html_of(line)}</li>" for line in shown) + "</ul>",
                "data": {"count": counted, "items": [_item(item) for item in notes[:LINES]]},
            }
        ],
    )  # fmt: skip
    for start in range(0, len(ids), store.CHUNK):
        await ctx.session.execute(
            update(Notification).where(Notification.id.in_(ids[start : start + store.CHUNK]))
            .values(status=DIGESTED, due_at=None, sent_at=None, version=Notification.version + 1)
            .execution_options(synchronize_session=False)
        )  # fmt: skip


def _item(note: Notification) -> dict[str, str]:
    return {"subject": note.subject, "trigger": note.trigger, "ref_type": note.ref_type, "ref_id": note.ref_id,
            "ref_display_id": note.ref_display_id, "at": note.creation_time.isoformat()}  # fmt: skip
