"""Notifications as a resource: the delivery log, and messages that people send by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, select

from mainstay.kernel import rows, verbs, writing
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Conflict, Invalid
from mainstay.kernel.operation import Page, Reply
from mainstay.kernel.query import ListQuery
from mainstay.kernel.resource import Behaviour, Resource
from mainstay.modules.integrations.messenger import documents, outbox
from mainstay.modules.integrations.messenger.tables import (
    API,
    BEEP,
    CANCELLED,
    DIGESTED,
    EMAIL,
    FAILED,
    HANDED,
    HELD,
    KINDS,
    QUEUED,
    SENT,
    SMS,
    SUPPRESSED,
    SYSLOG,
    Attempt,
    Channel,
    Notification,
)

MOVES = {
    QUEUED: (FAILED, SUPPRESSED, CANCELLED, HELD),
    CANCELLED: (QUEUED, HELD, FAILED, SUPPRESSED),
    SUPPRESSED: (QUEUED, HELD),
}
"""A status that people may set, and from which ones."""
GONE = (SENT, HANDED, DIGESTED)
TEXTS = ("recipient", "subject", "body", "html", "data", "channel", "profile")
NAMES = {str(choice.id): choice.name for choice in KINDS}


class Notifications(Behaviour[Notification]):
    def normalise(self, data: dict[str, Any]) -> dict[str, Any]:
        return documents.flat(data)

    def visible(self, ctx: Context) -> ColumnElement[bool] | None:
        # Who may change messages sees the whole log; everybody else what was meant for them.
        return None if ctx.principal.can("notification", "edit") else Notification.profile == ctx.principal.profile_id

    async def prepare(self, ctx: Context, rows: list[dict[str, Any]], given: Sequence[Mapping[str, Any]]) -> None:
        known = list((await ctx.session.execute(select(Channel).order_by(Channel.creation_time, Channel.id))).scalars())
        for row in rows:
            if row.get("status") not in (None, QUEUED):
                raise Invalid.field("status", "A new message is queued.")
            row["channel"] = _channel(row, known)
            if row["kind"] in (EMAIL, SMS) and not row.get("recipient"):
                raise Invalid.field("recipient", "Please provide recipient.")
            if row["kind"] == BEEP:
                row["profile"] = row.get("profile") or ctx.principal.profile_id or None
                if not row["profile"]:
                    raise Invalid.field("profile", "Please provide the user whose console is to beep.")
            if not (row.get("subject") or row.get("body") or row.get("data")):
                raise Invalid.field("body", "Please provide a text.")
            later = row.get("due_at") if row.get("due_at") and row["due_at"] > ctx.now else None
            row.update(status=HELD if later else QUEUED, due_at=later or ctx.now, queued_at=ctx.now, trigger="")
            row["target"] = outbox.target_of(
                row["kind"], row["channel"], row.get("recipient") or row.get("profile") or ""
            )

    async def added(self, ctx: Context, rows: list[dict[str, Any]], given: Sequence[Mapping[str, Any]]) -> None:
        outbox.wake(ctx)

    async def change(
        self, ctx: Context, entity: Notification, values: dict[str, Any], given: Mapping[str, Any]
    ) -> None:
        if given.get("is_assignee_read") is not None:
            values["read_at"] = (entity.read_at or ctx.now) if given["is_assignee_read"] else None
        if values.get("kind", entity.kind) != entity.kind:
            raise Invalid.field("kind", f"The kind of a message cannot be changed: this one is {NAMES[entity.kind]}.")
        if entity.status != HELD or not values.get("due_at"):
            values.pop("due_at", None)  # of a queued message it is the sender's
        edited = [name for name in TEXTS if name in values and values[name] != getattr(entity, name)]
        wanted = values.pop("status", None) or entity.status
        if edited and entity.status in GONE:
            raise Conflict("This message was sent and cannot be changed. Send a new one.")
        if (edited or wanted != entity.status) and claimed(ctx, entity):
            raise Conflict("This message is being delivered right now. Try again in a moment.")
        if wanted != entity.status:
            values.update(moved(ctx, entity.status, wanted, values.get("suppressed_until")))
        elif "suppressed_until" in values and entity.status == SUPPRESSED:
            values["due_at"] = values["suppressed_until"]
        if "channel" in edited:
            known = list((await ctx.session.execute(select(Channel))).scalars())
            values["channel"] = _channel({"kind": entity.kind, "channel": values["channel"]}, known)
        if edited:
            values["target"] = outbox.target_of(
                entity.kind,
                values.get("channel", entity.channel),
                values.get("recipient", entity.recipient) or values.get("profile", entity.profile) or "",
            )

    async def saved(
        self, ctx: Context, entity: Notification, diff: list[dict[str, Any]], given: Mapping[str, Any]
    ) -> None:
        if diff and entity.status == QUEUED:
            outbox.wake(ctx)

    async def decorate(self, ctx: Context, rows: list[dict[str, Any]]) -> None:
        # Lists leave long texts out, but the documented rows carry the message itself.
        bare = [row["id"] for row in rows if "body" not in row]
        if bare:
            query = select(Notification.id, Notification.body, Notification.data).where(Notification.id.in_(bare))
            texts = {row.id: row for row in (await ctx.session.execute(query)).all()}
            for row in rows:
                if row["id"] in texts:
                    row["body"], row["data"] = texts[row["id"]].body, texts[row["id"]].data

    def present(self, row: dict[str, Any]) -> dict[str, Any]:
        return documents.documented(row)


def claimed(ctx: Context, entity: Notification) -> bool:
    return entity.claimed_until is not None and entity.claimed_until > ctx.now


def moved(ctx: Context, before: str, after: str, until: datetime | None = None) -> dict[str, Any]:
    """What a new status brings with it. Raises ``Conflict``."""
    if before not in MOVES.get(after, ()):
        raise Conflict(f"A message that is {before} cannot become {after}.")
    if after == QUEUED:
        # From the start again: a retry by hand has all its attempts, whatever is on record.
        return {"status": QUEUED, "due_at": ctx.now, "queued_at": ctx.now, "attempts": 0, "error": "", "reason": "",
                "suppressed_until": None, "mail": None, "digest": ""}  # fmt: skip
    return {"status": after, "due_at": until if after == SUPPRESSED else None, "digest": ""}


def _channel(row: Mapping[str, Any], known: Sequence[Channel]) -> str | None:
    """The channel of a message: the one that was named, else the oldest of its kind that is on."""
    fitting = [item for item in known if item.kind == row["kind"]]
    if row.get("channel"):
        if row["channel"] not in [item.id for item in fitting]:
            raise Invalid.field("channel", f"This channel is not for messages of the kind {NAMES[row['kind']]}.")
        return str(row["channel"])
    first = next((item.id for item in fitting if item.enabled), None)
    if first is None and row["kind"] in (SMS, API, SYSLOG):
        raise Invalid.field(
            "channel", f"There is no channel of the kind {NAMES[row['kind']]}. Add one under Notification channels."
        )
    return first


notifications = Resource(
    Notification,
    module="Notifications",
    path="/api/notifications/",
    label="Notification",
    title="subject",
    area="settings",
    section="Configuration",
    id_name="communication_id",
    verbs={"template": None, "columns": None, "validate": None, "import": None, "attachments": None, "comments": None},
    behaviour=Notifications(),
    custom_fields=False,
    mirrors={"type": "kind", "user_id": "profile", "received_config_id": "channel"},
    extra=documents.EXTRA,
    sample={"kind": "email", "recipient": "ann@example.com", "subject": "Hello", "body": "A message."},
)


async def page(ctx: Context, wanted: ListQuery, document: Any, *extra: ColumnElement[bool]) -> Page:
    """A page of messages. The sender changes rows without a trail of each step, so no count is remembered."""
    present = Notification.creation_time <= ctx.now.replace(year=ctx.now.year + 1)
    return await rows.page(ctx, notifications, wanted, document, extra=[present, *extra])


@notifications.action("GET", "", stage="list", returns=verbs.page_of(notifications), body=None)
async def listing(ctx: Context, query: ListQuery, body: Any) -> Page:
    """List notifications: the delivery log"""
    return await page(ctx, query, verbs.query_filters(query, body))


async def send(ctx: Context, kind: str, body: Any) -> Reply:
    """Queue a message for each recipient that was named; answers the first of them."""
    items = [one for item in (body if isinstance(body, list) else [body]) for one in documents.each(item, kind)]
    made = await writing.create_many(ctx, notifications, items)
    if not made:
        raise Invalid("Please provide at least one message.")
    first = made[0]["id"]
    answer = verbs.saved(notifications, await verbs.whole(ctx, notifications, first), first, "create")
    answer.msg = "Message queued." if len(made) == 1 else f"{len(made)} messages queued."
    return Reply(answer, status=201, headers={"ETag": writing.etag(first, made[0]["version"])})


@notifications.action("POST", "", privilege="add", stage="create", status=201, body=notifications.input,
                      returns=verbs.saved_of(notifications), example=notifications.sample)  # fmt: skip
async def create(ctx: Context, body: Any) -> Reply:
    """Send a message by hand"""
    return await send(ctx, "", body)


class AttemptRow(msgspec.Struct, kw_only=True):
    """One try to deliver a message. ``outcome``: sent, retry or failed."""

    id: str
    at: datetime
    number: int
    outcome: str
    latency_ms: int
    response_status: int | None
    response: str
    error: str


class Attempts(msgspec.Struct, kw_only=True):
    results: list[AttemptRow]


@notifications.action("GET", "{id}/attempts/")
async def attempts(ctx: Context, id: str) -> Attempts:
    """Every attempt to deliver a message, oldest first"""
    entity = await verbs.entity_of(ctx, notifications, id)
    query = select(Attempt).where(Attempt.notification == entity.id).order_by(Attempt.at, Attempt.id).limit(500)
    found = (await ctx.session.execute(query)).scalars()
    return Attempts(results=[AttemptRow(**{name: getattr(row, name) for name in AttemptRow.__struct_fields__})
                             for row in found])  # fmt: skip


@notifications.action("POST", "{id}/retry/", privilege="edit", returns=verbs.saved_of(notifications))
async def retry(ctx: Context, id: str) -> Any:
    """Send a failed, suppressed or cancelled message again, or a held one now"""
    entity = await verbs.entity_of(ctx, notifications, id, lock=True)
    await writing.update(ctx, notifications, entity, {"status": QUEUED}, partial=True)
    return verbs.saved(notifications, await verbs.whole(ctx, notifications, entity.id), entity.id, "update")
