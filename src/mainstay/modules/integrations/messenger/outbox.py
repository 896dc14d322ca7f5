"""The outbox: putting messages in, and the short transactions by which the sender works it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, insert, or_, select, update
from sqlalchemy.orm import aliased

from mainstay.kernel import changes, mail, options, store
from mainstay.kernel.context import Context
from mainstay.kernel.database import ANY_ORGANIZATION
from mainstay.kernel.mail import OutboxMail
from mainstay.kernel.platform import Platform
from mainstay.kernel.record import new_id
from mainstay.modules.integrations.messenger.delivery import Outcome
from mainstay.modules.integrations.messenger.tables import (
    API,
    CANCELLED,
    DIGESTED,
    FAILED,
    HANDED,
    HELD,
    QUEUED,
    SENT,
    SUPPRESSED,
    SYSLOG,
    Attempt,
    Channel,
    Notification,
)

KEPT = options.option(
    "notifications.keep_days", "integer", 90, "Days that sent, failed and suppressed messages are kept",
    section="Notifications", minimum=1, maximum=3650,
)  # fmt: skip
LATEST = options.option(
    "notifications.max_age_hours", "integer", 24, "Hours after which a message that cannot be delivered is given up",
    section="Notifications", minimum=1, maximum=720,
)  # fmt: skip
WAITING = (QUEUED, HELD, SUPPRESSED)
"""What may have a time at which something happens to it."""
ENDED = (SENT, FAILED, DIGESTED, CANCELLED, SUPPRESSED)


def target_of(kind: str, channel: str | None, recipient: str) -> str:
    """What keeps its order: a webhook or collector as a whole, else each recipient."""
    named = "" if kind in (API, SYSLOG) else recipient
    return hashlib.sha256(f"{channel or kind}\x00{named}".encode()).hexdigest()[:40]


async def put(ctx: Context, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Store messages, in the caller's transaction, and wake the sender after it."""
    for row in rows:
        row.setdefault("status", QUEUED)
        row["target"] = target_of(row["kind"], row.get("channel"), row.get("recipient") or row.get("profile") or "")
        if row["status"] == QUEUED:
            row.setdefault("due_at", ctx.now)
            row["queued_at"] = ctx.now
    made = await store.add_many(ctx, Notification, rows)
    wake(ctx)
    return made


def wake(ctx: Context) -> None:
    """After the commit, let this process's sender look."""
    nudge = ctx.platform.memory.get("notifications")
    if nudge is not None:
        ctx.after_commit.append(nudge)


@dataclass(slots=True)
class Run:
    """Messages of one target that this process has claimed, oldest first."""

    organization: str
    channel: Channel | None
    notes: list[Notification]
    until: datetime
    me: str
    """Under which claim: an earlier owner's late result must not count."""


async def any_due(platform: Platform) -> bool:
    """Whether there is anything to claim or to release; reads only."""
    now = platform.now()
    async with platform.database.session(ANY_ORGANIZATION) as session:
        due = select(Notification.id).where(Notification.status.in_(WAITING), Notification.due_at <= now)
        waits = or_(Notification.claimed_until.is_(None), Notification.claimed_until <= now)
        return await session.scalar(due.where(waits).limit(1)) is not None


async def claim(platform: Platform, width: int, batch: int, lease: timedelta) -> list[Run]:
    """Take up to ``width`` targets whose oldest message is due, and up to ``batch`` messages of each."""
    n, earlier = Notification, aliased(Notification)
    async with platform.work(ANY_ORGANIZATION) as ctx:
        free = or_(n.claimed_until.is_(None), n.claimed_until <= ctx.now)
        # The oldest message of a target goes first; while it waits or is under way, so do the others.
        behind = (
            select(earlier.id)
            .where(earlier.target == n.target, earlier.status == QUEUED, earlier.id < n.id)
            .correlate(n)
            .exists()
        )
        heads = (
            select(n.target, n.organization)
            .where(n.status == QUEUED, n.due_at <= ctx.now, free, ~behind)
            .order_by(n.due_at)
            .limit(width)
        )
        sqlite = platform.database.is_sqlite
        if not sqlite:
            heads = heads.with_for_update(skip_locked=True, of=n)
        runs = []
        me = new_id()
        for target, organization in (await ctx.session.execute(heads)).all():
            mine = (
                select(n).where(n.target == target, n.status == QUEUED, n.due_at <= ctx.now, free)
                .order_by(n.id).limit(batch)
            )  # fmt: skip
            if not sqlite:
                mine = mine.with_for_update(skip_locked=True)
            notes = list((await ctx.session.execute(mine)).scalars())
            if notes:
                runs.append(Run(organization, None, notes, ctx.now + lease, me))
        ids = [note.id for run in runs for note in run.notes]
        channels = {run.notes[0].channel for run in runs if run.notes[0].channel}
        known = {
            channel.id: channel
            for channel in (await ctx.session.execute(select(Channel).where(Channel.id.in_(channels)))).scalars()
        }
        for run in runs:
            run.channel = known.get(run.notes[0].channel or "")
        ctx.session.expunge_all()
        for start in range(0, len(ids), store.CHUNK):
            await ctx.session.execute(
                update(n).where(n.id.in_(ids[start : start + store.CHUNK]))
                .values(claimed_by=me, claimed_until=ctx.now + lease)
                .execution_options(synchronize_session=False)
            )  # fmt: skip
        return runs


async def note(platform: Platform, run: Run, message: Notification, outcome: Outcome, pause: float) -> str:
    """Write down what came of one attempt; the message's status now."""
    async with platform.work(run.organization) as ctx:
        (hours,) = await options.get(ctx, LATEST)
        number = message.attempts + 1
        values: dict[str, Any] = {
            "attempts": number, "latency_ms": outcome.ms, "response_status": outcome.status,
            "response": outcome.response[:1000], "error": outcome.error[:500], "claimed_until": None,
        }  # fmt: skip
        tries = run.channel.retries if run.channel is not None else 0
        too_old = (message.queued_at or ctx.now) + timedelta(hours=int(hours)) <= ctx.now
        again = outcome.retry and number <= tries and not too_old
        if outcome.ok:
            values |= {"status": SENT, "sent_at": ctx.now, "due_at": None}
        elif again:
            values["due_at"] = ctx.now + timedelta(seconds=max(pause, outcome.wait))
        else:
            values |= {"status": FAILED, "due_at": None}
        ended = "status" in values
        if ended:
            values["version"] = Notification.version + 1
        if not await _write(ctx, run, message.id, values):
            return ""
        tried = {
            "id": new_id(), "organization": run.organization, "notification": message.id, "at": ctx.now,
            "number": number, "outcome": "sent" if outcome.ok else "retry" if again else "failed",
            "latency_ms": outcome.ms, "response_status": outcome.status, "response": outcome.response,
            "error": outcome.error[:500],
        }  # fmt: skip
        await ctx.session.execute(insert(Attempt.__table__), [tried])  # type: ignore[arg-type]
        if ended:
            await _told(ctx, [(message.id, message.version, values["status"])])
        elif again:
            # The others of this target have no chance before that either, and need not be looked at.
            await ctx.session.execute(
                update(Notification)
                .where(Notification.target == message.target, Notification.status == QUEUED,
                       Notification.due_at < values["due_at"])
                .values(due_at=values["due_at"], claimed_until=None)
                .execution_options(synchronize_session=False)
            )  # fmt: skip
        return str(values.get("status", QUEUED))


async def _write(ctx: Context, run: Run, record_id: str, values: Mapping[str, Any]) -> bool:
    done = await ctx.session.execute(
        update(Notification)
        .where(Notification.id == record_id, Notification.status == QUEUED, Notification.claimed_by == run.me)
        .values(**values)
        .execution_options(synchronize_session=False)
    )
    return bool(done.rowcount)  # type: ignore[attr-defined]


async def _told(ctx: Context, ended: Sequence[tuple[str, int, str]], before: str = QUEUED) -> None:
    trail = [(record, version + 1, [changes.entry("status", before, status)]) for record, version, status in ended]
    await changes.record(ctx, "notification", "update", trail)


async def release(platform: Platform, run: Run) -> None:
    """Give back what of a run was not tried."""
    async with platform.work(ANY_ORGANIZATION) as ctx:
        await ctx.session.execute(
            update(Notification)
            .where(Notification.id.in_([item.id for item in run.notes]), Notification.status == QUEUED,
                   Notification.claimed_by == run.me, Notification.claimed_until == run.until)
            .values(claimed_until=None)
            .execution_options(synchronize_session=False)
        )  # fmt: skip


async def hand_over(platform: Platform, run: Run) -> None:
    """Put a run's e-mails into the mail outbox, in one transaction: each goes there once."""
    from mainstay.kernel.errors import Invalid

    async with platform.work(run.organization) as ctx:
        ended = []
        for message in run.notes:
            try:
                values: dict[str, Any] = {
                    "mail": await mail.queue(ctx, message.recipient, message.subject, message.body, html=message.html,
                                             reference=message.id),
                    "status": HANDED, "error": "",
                }  # fmt: skip
            except Invalid as error:
                values = {"status": FAILED, "error": error.error[:500], "attempts": message.attempts + 1}
            values |= {"claimed_until": None, "due_at": None, "version": Notification.version + 1}
            if not await _write(ctx, run, message.id, values):
                # Somebody took it back meanwhile; its mail must not go.
                await ctx.session.execute(delete(OutboxMail).where(OutboxMail.id == values.get("mail")))
                continue
            ended.append((message.id, message.version, str(values["status"])))
        await _told(ctx, ended)


async def settle_mail(platform: Platform) -> int:
    """Learn from the mail outbox what became of what was handed to it."""
    query = (
        select(Notification.id, Notification.organization, Notification.version, OutboxMail.status,
               OutboxMail.sent_at, OutboxMail.error, OutboxMail.attempts, OutboxMail.queued_at)
        .join(OutboxMail, OutboxMail.id == Notification.mail)
        .where(Notification.status == HANDED, OutboxMail.status.in_((mail.SENT, mail.FAILED)))
        .limit(500)
    )  # fmt: skip
    async with platform.database.session(ANY_ORGANIZATION) as session:
        found = (await session.execute(query)).all()
    for organization in {row.organization for row in found}:
        async with platform.work(organization) as ctx:
            ended = []
            for row in [row for row in found if row.organization == organization]:
                sent = row.status == mail.SENT
                took = int((row.sent_at - row.queued_at).total_seconds() * 1000) if sent and row.sent_at else 0
                status = SENT if sent else FAILED
                done = await ctx.session.execute(
                    update(Notification)
                    .where(Notification.id == row.id, Notification.status == HANDED)
                    .values(status=status, sent_at=row.sent_at if sent else None, error="" if sent else row.error,
                            attempts=row.attempts, latency_ms=took, version=Notification.version + 1)
                    .execution_options(synchronize_session=False)
                )  # fmt: skip
                if done.rowcount:  # type: ignore[attr-defined]
                    ended.append((row.id, row.version, status))
                    tried = {
                        "id": new_id(), "organization": organization, "notification": row.id, "at": ctx.now,
                        "number": row.attempts, "outcome": status, "latency_ms": took, "response_status": None,
                        "response": "", "error": "" if sent else row.error,
                    }  # fmt: skip
                    await ctx.session.execute(insert(Attempt.__table__), [tried])  # type: ignore[arg-type]
            await _told(ctx, ended, HANDED)
    return len(found)


async def clean(platform: Platform) -> int:
    """Drop what is over for longer than the organization keeps it."""
    from mainstay.kernel.access.tables import Organization

    async with platform.database.session(ANY_ORGANIZATION) as session:
        organizations = list((await session.execute(select(Organization.id))).scalars())
    gone = 0
    for organization in organizations:
        async with platform.work(organization) as ctx:
            (days,) = await options.get(ctx, KEPT)
            old = (
                select(Notification.id)
                .where(Notification.status.in_(ENDED), Notification.last_update_time <= ctx.now - timedelta(days=days))
                .limit(2000)
                .execution_options(include_deleted=True)
            )
            ids = list((await ctx.session.execute(old)).scalars())
            for start in range(0, len(ids), store.CHUNK):
                part = ids[start : start + store.CHUNK]
                for model, column in ((Attempt, Attempt.notification), (Notification, Notification.id)):
                    await ctx.session.execute(
                        delete(model).where(column.in_(part))
                        .execution_options(synchronize_session=False, include_deleted=True)
                    )  # fmt: skip
            gone += len(ids)
    return gone


async def waiting(ctx: Context) -> int:
    """How many messages of the organization wait to be delivered."""
    query = select(func.count()).select_from(Notification).where(Notification.status == QUEUED)
    return int(await ctx.session.scalar(query) or 0)
