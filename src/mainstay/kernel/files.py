"""Stored files: attachments of records and uploads that wait for an import. Content lives in the data folder under
its SHA-256, so a backup copies each content once and two tickets share one picture."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import mimetypes
import os
import re
import tempfile
from collections.abc import Callable, Mapping
from fnmatch import fnmatch
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote_to_bytes

import msgspec
from sqlalchemy import BigInteger, Index, String, select
from sqlalchemy.orm import Mapped, mapped_column

from mainstay.kernel import changes, store, verbs
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Invalid, NotFound, TooLarge, Unsupported
from mainstay.kernel.operation import Operation, Reply, Saved, operation
from mainstay.kernel.record import Identifier, Record
from mainstay.kernel.resource import Resource
from mainstay.settings import Settings

INLINE = ("image/png", "image/jpeg", "image/gif", "image/webp", "application/pdf", "text/plain")
"""Types a browser may show in place; everything else is downloaded."""


class Attachment(Record):
    """A file that belongs to a record."""

    __tablename__ = "attachment"
    __table_args__ = (Index("ix_attachment_record", "organization", "resource", "record_id"),)

    resource: Mapped[str] = mapped_column(String(64))
    record_id: Mapped[str] = mapped_column(Identifier)
    part: Mapped[str] = mapped_column(String(25), default="")
    """What of the record it belongs to, such as one message of its conversation."""
    name: Mapped[str] = mapped_column(String(255))
    content_type: Mapped[str] = mapped_column(String(127))
    size: Mapped[int] = mapped_column(BigInteger)
    digest: Mapped[str] = mapped_column(String(64))
    created_by_name: Mapped[str] = mapped_column(String(255), default="")


class AttachmentInput(msgspec.Struct, kw_only=True):
    """A file as a data URI (RFC 2397)."""

    name: str = ""
    data: str = ""


def folder(settings: Settings) -> Path:
    return settings.data_dir / "files"


def path_of(settings: Settings, digest: str) -> Path:
    """Where content of this SHA-256 is kept."""
    return folder(settings) / digest[:2] / digest


def keep(settings: Settings, content: bytes) -> str:
    """Store content durably; returns its SHA-256. Blocking."""
    digest = hashlib.sha256(content).hexdigest()
    target = path_of(settings, digest)
    if target.exists():
        return digest
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return digest


def decode(settings: Settings, item: AttachmentInput | Mapping[str, Any]) -> tuple[str, str, bytes]:
    """Name, type and content of a data URI. Raises ``Invalid``, ``TooLarge`` or ``Unsupported``."""
    given = item if isinstance(item, Mapping) else {"name": item.name, "data": item.data}
    data = given.get("data") or given.get("content") or given.get("file") or ""
    name = clean_name(str(given.get("name") or given.get("file_name") or given.get("filename") or "attachment"))
    match = (
        re.match(r"data:([\w.+-]+/[\w.+-]+)?((?:;[\w-]+=[^;,]*)*)(;base64)?,", data) if isinstance(data, str) else None
    )
    if match is None:
        raise Invalid.field("data", "An attachment must be a data URI such as data:text/plain;base64,SGVsbG8=.")
    raw = data[match.end() :]
    if len(raw) > settings.max_attachment_mb * 2**20 * 4 // 3 + 100:
        raise TooLarge(f"{name} is larger than {settings.max_attachment_mb} MiB.")
    try:
        content = base64.b64decode(raw, validate=True) if match.group(3) else unquote_to_bytes(raw)
    except (binascii.Error, ValueError):
        raise Invalid.field("data", f"{name}: the data is not valid base64.") from None
    kind = (match.group(1) or mimetypes.guess_type(name)[0] or "application/octet-stream").lower()
    if not any(fnmatch(kind, allowed.strip()) for allowed in settings.attachment_types.split(",")) or "svg" in kind:
        raise Unsupported(f"{name}: files of type {kind} are not accepted.")
    return name, kind, content


def clean_name(name: str) -> str:
    """A file name without folders, control characters and the marks that reverse text."""
    name = re.sub(r"[\x00-\x1f\x7f\u200e\u200f\u202a-\u202e\u2066-\u2069]", "", name.replace("\\", "/").split("/")[-1])
    return name.strip(" .")[-200:] or "attachment"


async def attach(
    ctx: Context, resource: str, record_id: str, items: list[Any], *, part: str = "", note: bool = True
) -> list[Attachment]:
    """Store files for a record, with the trail. Nothing is stored when one of them is refused."""
    if len(items) > 20:
        raise Invalid.field("attachments", "At most 20 files can be attached at once.")
    settings = ctx.platform.settings
    decoded = [decode(settings, item) for item in items]
    made = []
    for name, kind, content in decoded:
        if len(content) > settings.max_attachment_mb * 2**20:
            raise TooLarge(f"{name} is larger than {settings.max_attachment_mb} MiB.")
        digest = await asyncio.to_thread(keep, settings, content)
        row = Attachment(resource=resource, record_id=record_id, part=part, name=name, content_type=kind,
                         size=len(content), digest=digest, created_by_name=ctx.principal.name)  # fmt: skip
        await store.add(ctx, row)
        made.append(row)
    if made and note:
        diff = [changes.entry("attachment", None, row.name) for row in made]
        await changes.record(ctx, resource, "attach", [(record_id, 0, diff)])
    return made


def shown(row: Attachment, base: str) -> dict[str, Any]:
    """An attachment as it is answered; ``base`` is where its content is served."""
    return {"id": row.id, "name": row.name, "size": row.size, "content_type": row.content_type,
            "created_by_name": row.created_by_name, "creation_time": row.creation_time, "part": row.part,
            "url": f"{base}{row.id}/"}  # fmt: skip


async def of(ctx: Context, resource: str, record_id: str, part: str | None = None) -> list[Attachment]:
    """A record's attachments, oldest first."""
    query = select(Attachment).where(Attachment.resource == resource, Attachment.record_id == record_id)
    if part is not None:
        query = query.where(Attachment.part == part)
    return list((await ctx.session.execute(query.order_by(Attachment.id))).scalars())


def content(ctx: Context, row: Attachment) -> Reply:
    """The file itself, with headers that keep a browser from running it."""
    path = path_of(ctx.platform.settings, row.digest)
    if not path.is_file():
        raise NotFound("The file's content is missing from the data folder.")
    inline = row.content_type in INLINE
    disposition = "inline" if inline else "attachment"
    ascii_name = re.sub(r"[^A-Za-z0-9 ._-]", "_", row.name)
    return Reply(
        stream=chunks(path),
        media_type=row.content_type if inline else "application/octet-stream",
        headers={
            "Content-Disposition": f"{disposition}; filename=\"{ascii_name}\"; filename*=UTF-8''{quote(row.name)}",
            "Content-Length": str(row.size), "X-Content-Type-Options": "nosniff", "ETag": f'"{row.digest}"',
            "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
            "Cache-Control": "private, max-age=3600",
        },
    )  # fmt: skip


async def chunks(path: Path, size: int = 256 * 1024) -> Any:
    """A file's bytes, piece by piece, read off the event loop."""
    with path.open("rb") as file:
        while piece := await asyncio.to_thread(file.read, size):
            yield piece


def _verb(method: str, suffix: str = "") -> Callable[[Resource[Any], str], Operation]:
    def maker(res: Resource[Any], spelling: str) -> Operation:
        async def listing(ctx: Context, id: str) -> dict[str, Any]:
            entity = await verbs.entity_of(ctx, res, id)
            base = f"{res.path}{spelling.format(id=entity.id)}"
            seen = await res.behaviour.files_seen(ctx, await of(ctx, res.name, entity.id))
            return {"results": [shown(row, base) for row in seen]}

        async def adding(ctx: Context, id: str, body: AttachmentInput) -> Any:
            entity = await verbs.entity_of(ctx, res, id)
            (row,) = await attach(ctx, res.name, entity.id, [body])
            out = shown(row, f"{res.path}{spelling.format(id=entity.id)}")
            return Reply(Saved(id=row.id, message="attachment_created", msg="File attached.", data=out), status=201)

        async def reading(ctx: Context, id: str, attachment: str) -> Any:
            return content(ctx, await _one(ctx, res, id, attachment))

        async def removing(ctx: Context, id: str, attachment: str) -> Any:
            row = await _one(ctx, res, id, attachment)
            await store.remove(ctx, row)
            await changes.record(
                ctx, res.name, "detach", [(row.record_id, 0, [changes.entry("attachment", row.name, None)])]
            )
            return Reply(None, status=204)

        handlers: dict[str, Callable[..., Any]] = {"GET": listing, "POST": adding}
        if suffix:
            handlers = {"GET": reading, "DELETE": removing}
        handler = handlers[method]
        words = {"GET": "File of", "POST": "Attach a file to", "DELETE": "Remove a file of"}[method]
        words = "Files of" if handler is listing else words
        status = {"POST": 201, "DELETE": 204}.get(method, 200)
        options: dict[str, Any] = {"returns": Media} if handler is reading else {}
        if handler is adding:
            options["returns"] = Saved
        return operation(handler, method, res.path + spelling + suffix, res.module, status=status, stage="attachments",
                         permission=(res.permission, "view" if method == "GET" else "edit"), resource=res.name,
                         summary=f"{words} a {res.label.lower()}", **options)  # fmt: skip

    return maker


class Media:
    """An answer that is a file."""

    __mainstay_media__ = (
        "application/octet-stream",
        "text/csv",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        *INLINE,
    )


async def _one(ctx: Context, res: Resource[Any], record_id: str, attachment: str) -> Attachment:
    entity = await verbs.entity_of(ctx, res, record_id)
    found = await store.find(
        ctx,
        select(Attachment).where(
            Attachment.id == attachment, Attachment.resource == res.name, Attachment.record_id == entity.id
        ),
    )
    if found is None or not await res.behaviour.files_seen(ctx, [found]):
        raise NotFound("There is no such attachment.")
    return found


verbs.extend(
    "attachments",
    _verb("GET"),
    _verb("POST"),
    _verb("GET", "{attachment}/"),
    _verb("DELETE", "{attachment}/"),
)
