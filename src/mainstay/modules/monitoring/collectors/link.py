"""The operations of the collectors themselves: fetch their work, say how they are, hand over.

Each is for a collector's own token only. A batch is one segment of a collector's spool; it is acknowledged when
everything in it is stored, and a segment that was acknowledged has no effect when it comes again.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import zlib
from datetime import UTC, datetime
from typing import Any

import msgspec
import structlog

from mainstay.kernel.context import Context
from mainstay.kernel.errors import ApiError, Invalid, TooLarge, Unavailable, Unsupported
from mainstay.kernel.handover import Damaged, HandOver, handler_of, records
from mainstay.kernel.operation import Group, Reply
from mainstay.modules.monitoring.collectors import service, work
from mainstay.modules.monitoring.collectors.engine import GAP, REPEATED, verdict
from mainstay.modules.monitoring.collectors.tables import ONLINE
from mainstay.modules.monitoring.collectors.wire import Report, Work

log = structlog.stdlib.get_logger("mainstay.collectors")
link = Group("Collectors", "/api/collector/")
PERMISSION = (service.MODULE, "add")
_SPOOL = re.compile(r"[0-9a-f]{32}")
_MOST = 2**62


class Acknowledged(msgspec.Struct, kw_only=True):
    """Everything up to this segment is stored."""

    status: str = "success"
    acknowledged: int
    repeated: bool
    """It was stored before."""


@link.route("GET", "configuration/", permission=PERMISSION)
async def configuration(ctx: Context) -> Work:
    """What a collector has to do: which devices it polls, and how

    Credentials are in it: it is answered over TLS and to this machine only. With `If-None-Match` it is 304 while
    nothing has changed.
    """
    collector = await service.of_token(ctx)
    made = await work.of(ctx, collector, secrets=service.private(ctx))
    content = msgspec.json.encode(made)
    tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    if ctx.headers.get("if-none-match", "") == tag:
        return Reply(status=304, headers={"ETag": tag})  # type: ignore[return-value]
    return Reply(content, headers={"ETag": tag})  # type: ignore[return-value]


@link.route("POST", "report/", permission=PERMISSION)
async def report(ctx: Context, body: Report) -> Acknowledged:
    """Say how a collector is: its version, what waits, what was lost"""
    collector = await service.of_token(ctx)
    most = 2**31 - 1
    try:
        oldest = datetime.fromtimestamp(body.oldest, UTC) if body.oldest > 0 else None
    except (ValueError, OverflowError, OSError):
        raise Invalid.field("oldest", "This is no time.") from None
    values: dict[str, Any] = {
        "software": body.software[:64], "hostname": body.hostname[:255], "address": ctx.ip[:64],
        "backlog": min(most, max(0, body.backlog)), "backlog_bytes": min(_MOST, max(0, body.backlog_bytes)),
        "oldest": oldest, "received": min(_MOST, max(0, body.received)), "lost": min(_MOST, max(0, body.lost)),
        "devices": min(most, max(0, body.devices)), "error": body.error[:500], "last_seen": ctx.now,
    }  # fmt: skip
    if collector.state != ONLINE:
        ctx.after_commit.append(lambda: work.came_back(ctx.platform, ctx.organization, collector.id, collector.name,
                                                       collector.state))  # fmt: skip
        values["state"] = ONLINE
    await service.note(ctx, collector.id, values)
    return Acknowledged(acknowledged=collector.handed_over, repeated=False)


@link.route("POST", "batches/", permission=PERMISSION, raw=("application/octet-stream",), write=False)
async def take(ctx: Context, body: bytes) -> Acknowledged:
    """Hand over one segment; answered when all that is in it is stored

    `X-Collector-Spool` names the spool, `X-Collector-Sequence` the segment in it and `X-Collector-First` where the
    spool begins. One that was acknowledged is acknowledged again without effect; one that does not follow the last is
    refused with 409 and the number that is `expected`. On 503 nothing is acknowledged: send the same again.
    """
    spool, sequence, first = _numbers(ctx)
    platform, organization = ctx.platform, ctx.organization
    async with platform.work(organization, ctx.principal, write=False) as reading:
        collector = await service.of_token(reading)
    async with service.turn(platform, collector.id):
        async with platform.work(organization, ctx.principal, write=False) as reading:
            known = await service.acknowledged(reading, collector.id, spool, first)
        found = verdict(sequence, known)
        if found == REPEATED:
            return Acknowledged(acknowledged=known, repeated=True)
        if found == GAP:
            raise service.gap(known + 1)
        taken = await asyncio.to_thread(_records, body, ctx.headers.get("content-encoding", ""),
                                        platform.settings.max_body_mb * 2**20)  # fmt: skip
        await _store(ctx, collector.id, f"{collector.id}/{spool}/{sequence}", taken)
        async with platform.work(organization, ctx.principal) as writing:
            await service.acknowledge(writing, collector, spool, sequence)
    return Acknowledged(acknowledged=sequence, repeated=False)


def _numbers(ctx: Context) -> tuple[str, int, int]:
    spool = ctx.headers.get("x-collector-spool", "")
    if not _SPOOL.fullmatch(spool):
        raise Invalid("X-Collector-Spool must be 32 hexadecimal digits.")
    found = []
    for name in ("x-collector-sequence", "x-collector-first"):
        text = ctx.headers.get(name, "")
        if not (text.isascii() and text.isdigit() and 1 <= int(text[:20]) < _MOST and len(text) < 20):
            raise Invalid(f"{name.title()} must be a whole number from 1.")
        found.append(int(text))
    return spool, found[0], found[1]


def _records(body: bytes, coding: str, limit: int) -> dict[str, list[bytes]]:
    """What is in a segment, by kind, of bounded size however small it came."""
    raw = body
    if coding.strip().lower() in ("gzip", "x-gzip"):
        inflate = zlib.decompressobj(wbits=31)
        try:
            raw = inflate.decompress(body, limit + 1)
        except zlib.error:
            raise Invalid("The body is not valid gzip.") from None
        if len(raw) > limit:
            raise TooLarge(f"The segment is larger than {limit // 2**20} MiB when it is unpacked.")
        if not inflate.eof:
            raise Invalid("The gzip body is cut off.")
    elif coding.strip().lower() not in ("", "identity"):
        raise Unsupported(f"The content encoding {coding[:40]!r} is not supported. Send gzip or none.")
    found, whole = records(raw)
    if whole != len(raw):
        raise Invalid("The segment is damaged.")
    grouped: dict[str, list[bytes]] = {}
    for kind, data in found:
        grouped.setdefault(kind, []).append(data)
    return grouped


async def _store(ctx: Context, collector: str, token: str, taken: dict[str, list[bytes]]) -> None:
    for kind in taken:
        if handler_of(kind) is None:
            raise Invalid(f"This server does not know what {kind[:40]!r} is. Is the collector newer than the server?")
    for kind, items in taken.items():
        handler = handler_of(kind)
        assert handler is not None
        given = HandOver(organization=ctx.organization, collector=collector, token=f"{token}/{kind}", records=items)
        try:
            await handler(ctx.platform, given)
        except ApiError:
            raise
        except Damaged as error:
            raise Invalid(str(error)) from None
        except Exception as error:
            log.exception("what a collector brought is not stored", collector=collector, kind=kind)
            raise Unavailable("It cannot be stored now. Send the same again.", headers={"Retry-After": "5"}) from error
