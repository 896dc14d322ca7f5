"""The documented messengers: the messages of one kind each, and the suppressed ones of every kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, select, true

from mainstay.kernel import store, verbs, writing
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Conflict, Invalid, NotFound
from mainstay.kernel.fields import Field
from mainstay.kernel.layout import finish, layout
from mainstay.kernel.operation import Group, H, Page, Reply
from mainstay.kernel.query import ListQuery
from mainstay.kernel.rows import answer, restricted
from mainstay.kernel.validation import BadValue, read
from mainstay.modules.integrations.messenger import documents, sounds
from mainstay.modules.integrations.messenger.beep import SOUNDS_PATH, file_of
from mainstay.modules.integrations.messenger.messages import claimed, moved, notifications, page, send
from mainstay.modules.integrations.messenger.tables import (
    API,
    BEEP,
    HELD,
    QUEUED,
    SMS,
    SOUNDS,
    SUPPRESSED,
    SYSLOG,
    Notification,
)

BASE = "/ux/common/messenger/"
PERMISSION = notifications.permission
PAGE = verbs.page_of(notifications)
SAVED = verbs.saved_of(notifications)


def _served(
    group: Group, path: str, which: Callable[[], ColumnElement[bool]], what: str, body_type: type[msgspec.Struct]
) -> None:
    """List, read, change and delete the messages of one messenger."""

    def route(method: str, suffix: str, privilege: str, **options: Any) -> Callable[[H], H]:
        return group.route(method, path + suffix, permission=(PERMISSION, privilege), resource=notifications.name,
                           **options)  # fmt: skip

    async def one(ctx: Context, record_id: str, *, lock: bool = False) -> Any:
        found = await verbs.entity_of(ctx, notifications, record_id, lock=lock)
        known = await ctx.session.scalar(select(Notification.id).where(Notification.id == found.id, which()))
        if known is None:
            raise NotFound(f"No {what} has the id {record_id[:64]!r}.")
        return found

    @route("GET", "", "view", summary=f"List {what}s with what became of them", returns=PAGE, body=None)
    async def listing(ctx: Context, query: ListQuery, body: Any) -> Page:
        return await page(ctx, query, verbs.query_filters(query, body), which())

    @route("GET", "{id}/", "view", summary=f"Read a {what}", returns=notifications.output)
    async def reading(ctx: Context, id: str) -> Any:
        shape = layout(ctx, notifications, whole=True)
        statement = restricted(ctx, notifications, shape.statement.where(Notification.id == id.replace("\x00", ""),
                                                                         which()))  # fmt: skip
        raw = (await ctx.session.execute(statement.limit(1))).first()
        if raw is None:
            raise NotFound(f"No {what} has the id {id[:64]!r}.")
        row = finish(shape, raw)
        (out,) = await answer(ctx, notifications, [row])
        return Reply(out, headers={"ETag": writing.etag(row["id"], row["version"])})

    def writer(method: str) -> None:
        summary = f"Change a {what}: edit it while it waits, send it again, cancel or suppress it"

        @route(method, "{id}/", "edit", summary=summary, body=body_type, returns=SAVED)
        async def changing(ctx: Context, id: str, body: Any) -> Any:
            entity = await one(ctx, id, lock=True)
            if ctx.headers.get("if-match"):
                writing.check_version(ctx, entity, await verbs.whole(ctx, notifications, entity.id))
            given = body
            if isinstance(body, Mapping):
                now = msgspec.to_builtins(await verbs.whole(ctx, notifications, entity.id))
                given = documents.edited(body, now, entity.kind)
            await writing.update(ctx, notifications, entity, given, partial=method == "PATCH")
            out = await verbs.whole(ctx, notifications, entity.id)
            return Reply(verbs.saved(notifications, out, entity.id, "update"),
                         headers={"ETag": writing.etag(entity.id, entity.version)})  # fmt: skip

    writer("PUT")
    writer("PATCH")

    @route("DELETE", "{id}/", "delete", summary=f"Delete a {what}; one that waits is not sent", status=204,
           returns=None)  # fmt: skip
    async def deleting(ctx: Context, id: str) -> Any:
        entity = await one(ctx, id, lock=True)
        await writing.remove_many(ctx, notifications, [entity.id])
        return Reply(None, status=204)


def _body(name: str, *nested: str) -> type[msgspec.Struct]:
    """What a message is sent or edited with: its fields, and the documented nested parts."""
    plain = [(item.name, item.type, msgspec.UNSET) for item in msgspec.structs.fields(notifications.input)]
    parts = [(part, dict[str, Any] | None | msgspec.UnsetType, msgspec.UNSET) for part in nested]
    return msgspec.defstruct(name, [*plain, *parts], kw_only=True, module=__name__)


def _kind(module: str, path: str, kind: str, what: str, example: dict[str, Any]) -> Group:
    group = Group(module)
    part = documents.NESTED[kind]
    body_type = _body(f"{part.removesuffix('_data').capitalize()}Message", part)

    def which() -> ColumnElement[bool]:
        return Notification.kind == kind

    @group.route("POST", path, permission=(PERMISSION, "add"), resource=notifications.name, status=201,
                 summary=f"Send a {what}", body=body_type, returns=SAVED, example={part: example})  # fmt: skip
    async def sending(ctx: Context, body: Any) -> Reply:
        return await send(ctx, kind, body)

    _served(group, path, which, what, body_type)
    return group


class SoundFile(msgspec.Struct, kw_only=True):
    """A sound of the console. ``url`` plays it."""

    id: str
    name: str
    url: str
    content_type: str
    size: int
    seconds: float


class SoundFiles(msgspec.Struct, kw_only=True):
    results: list[SoundFile]


api_calls = _kind("APIViewSet", BASE + "3api/", API, "API call",
                  {"payload": {"change": 42}, "subject": "Change 42", "message": "It was approved."})  # fmt: skip
sms = _kind("SMSviewset", BASE + "sms/", SMS, "SMS message", {"to": "+49 171 1234567", "message": "Core down"})
syslogs = _kind("SyslogViewSet", BASE + "syslog/", SYSLOG, "syslog message", {"message": "Core down", "severity": 2})
beeps = Group("BeepViewSet")


@beeps.route("GET", BASE + "beep/get-sound-files/", permission=(PERMISSION, "view"), resource=notifications.name)
async def sound_files(ctx: Context) -> SoundFiles:
    """The sounds that a console beep can play"""
    made = [
        SoundFile(id=str(choice.id), name=choice.name, url=file_of(str(choice.id)), content_type="audio/wav",
                  size=len(sounds.wav(str(choice.id))), seconds=sounds.seconds(str(choice.id)))
        for choice in SOUNDS
    ]  # fmt: skip
    return SoundFiles(results=made)


@beeps.route("GET", SOUNDS_PATH + "{name}", returns=None)
async def sound_file(ctx: Context, name: str) -> Reply:
    """A sound of the console, as a WAV file"""
    sound = name.removesuffix(".wav")
    if sound not in sounds.NOTES:
        raise NotFound(f"There is no sound {name[:40]!r}.")
    return Reply(sounds.wav(sound), media_type="audio/wav", headers={"Cache-Control": "private, max-age=86400"})


@beeps.route("GET", BASE + "beep/get-suppressed-messages/", permission=(PERMISSION, "view"),
             resource=notifications.name, returns=PAGE, body=None)  # fmt: skip
async def suppressed_beeps(ctx: Context, query: ListQuery, body: Any) -> Page:
    """List the console beeps that were suppressed, and why"""
    extra = (Notification.kind == BEEP, Notification.status == SUPPRESSED)
    return await page(ctx, query, verbs.query_filters(query, body), *extra)


_example = {"title": "Look", "message": "Core down", "sound": "alarm"}
beeps.operations += _kind("BeepViewSet", BASE + "beep/", BEEP, "console beep", _example).operations
suppressed = Group("Suppressedviewset")


class Suppress(msgspec.Struct, kw_only=True):
    """Which waiting messages are not to be sent: by id, or all that wait for a recipient or about a record.

    ``suppressed_until``: they are sent then after all; without it they are not sent until somebody releases them.
    """

    communication_id: str = ""
    id: str = ""
    ids: list[str] = []
    recipient: str = ""
    ref_id: str = ""
    reason: str = ""
    suppressed_until: Any = None
    until: Any = None


_UNTIL = Field(name="suppressed_until", kind="datetime", label="Suppressed until")


@suppressed.route("POST", BASE + "suppressed/", permission=(PERMISSION, "edit"), resource=notifications.name,
                  status=201, returns=SAVED)  # fmt: skip
async def suppress(ctx: Context, body: Suppress) -> Reply:
    """Suppress messages that wait to be sent"""
    try:
        until: datetime | None = read(_UNTIL, body.suppressed_until if body.until is None else body.until)
    except BadValue as bad:
        raise Invalid.field("suppressed_until", str(bad)) from None
    if until is not None and until <= ctx.now:
        raise Invalid.field("suppressed_until", "The end must be in the future.")
    ids = [item.replace("\x00", "") for item in (body.communication_id, body.id, *body.ids) if item]
    query = select(Notification).where(Notification.id.in_(ids) if ids else true())
    if not ids:
        if not (body.recipient.strip() or body.ref_id.strip()):
            raise Invalid.field("communication_id", "Please provide communication id, recipient or ref_id.")
        query = query.where(Notification.status.in_((QUEUED, HELD)))
        if body.recipient.strip():
            query = query.where(Notification.recipient == body.recipient.strip())
        if body.ref_id.strip():
            query = query.where(Notification.ref_id == body.ref_id.strip())
    found = list((await ctx.session.execute(restricted(ctx, notifications, query).limit(5000))).scalars())
    if not found:
        raise NotFound("No message with this id waits." if ids else "No such message waits.")
    if any(item.status == QUEUED and claimed(ctx, item) for item in found):
        raise Conflict("This message is being delivered right now. Try again in a moment.")
    for item in found:
        values = moved(ctx, item.status, SUPPRESSED, until)
        values |= {"reason": body.reason.replace("\x00", "").strip()[:255] or f"By {ctx.principal.name}",
                   "suppressed_until": until}  # fmt: skip
        for name, value in values.items():
            setattr(item, name, value)
        await store.save(ctx, item, action="suppress")
    first = found[0]
    reply = verbs.saved(notifications, await verbs.whole(ctx, notifications, first.id), first.id, "update")
    reply.message, reply.msg = "notification_suppressed", f"{len(found)} messages suppressed."
    return Reply(reply, status=201)


_served(suppressed, BASE + "suppressed/", lambda: Notification.status == SUPPRESSED, "suppressed message",
        _body("SuppressedMessage", *documents.NESTED.values()))  # fmt: skip
