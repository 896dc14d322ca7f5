"""The operations of the intake: lines by HTTP, and how the intake is doing."""

from __future__ import annotations

import asyncio
import zlib
from datetime import UTC, datetime

import msgspec
import polars as pl
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse

from mainstay.kernel.context import Context
from mainstay.kernel.errors import Invalid, NotFound, TooLarge, Unavailable, Unsupported
from mainstay.kernel.intake.certificate import certificate_files
from mainstay.kernel.operation import Group, Reply
from mainstay.modules.logs.intake import otlp
from mainstay.modules.logs.intake.lines import UNPARSED
from mainstay.modules.logs.intake.records import json_frame
from mainstay.modules.logs.intake.service import LogIntake, submit, text_frame
from mainstay.modules.logs.intake.store import LogStore, store_of, unavailable

PERMISSION = "log_intake"
MAX_LINES = 200_000
PATIENCE = 10.0
"""Seconds that a sender by HTTP waits for room before it is told to come back."""
JSON_TYPES = ("application/json", "application/x-ndjson", "application/jsonl", "text/plain", "application/octet-stream",
              "application/x-www-form-urlencoded")  # fmt: skip
OTLP_TYPES = ("application/x-protobuf", "application/json")

intake = Group("Log Intake")


class Accepted(msgspec.Struct, kw_only=True):
    """The answer when all lines are stored."""

    status: str = "success"
    accepted: int
    unparsed: int
    """Those of them that were not JSON objects, and are kept as they came."""


class Otlp(msgspec.Struct, kw_only=True, rename="camel"):
    """The answer to an OTLP exporter; empty: every record is stored."""

    partial_success: dict[str, str] | msgspec.UnsetType = msgspec.UNSET


class PemFile(msgspec.Struct):
    """A certificate."""

    __mainstay_media__ = ("application/x-pem-file",)


class Listener(msgspec.Struct, kw_only=True):
    """A port that lines are received on, and its numbers since the start."""

    name: str
    kind: str
    address: str
    port: int
    listening: bool
    trouble: str = ""
    """Why it does not listen."""
    received: int = 0
    bytes: int = 0
    dropped_by_kernel: int = 0
    storm_limited: int = 0
    oversized: int = 0
    connections: int = 0
    refused: int = 0
    paused: int = 0
    """How often reading stopped because the store lagged."""
    buffer_bytes: int = 0
    waiting_bytes: int = 0


class Source(msgspec.Struct, kw_only=True):
    """A sender of the organization, and its lines since the start."""

    source: str
    received: int
    parsed: int
    unparsed: int
    storm_limited: int
    last_received: datetime


class Refused(msgspec.Struct, kw_only=True):
    """A sender of the organization whose connections were refused, and why the last one was."""

    source: str
    listener: str
    reason: str
    count: int
    last_refused: datetime


class Health(msgspec.Struct, kw_only=True):
    """How the intake is doing. ``status`` is ok, lagging (lines wait), losing (some were lost in the last minutes),
    failing (the store takes none) or off (this process receives nothing)."""

    status: str
    message: str
    lag_seconds: float
    waiting: int
    stored: int
    parsed: int
    unparsed: int
    listeners: list[Listener]
    sources: list[Source]
    refused: list[Refused]


@intake.route("POST", "/api/logs/", permission=(PERMISSION, "add"), raw=JSON_TYPES, write=False)
async def lines(ctx: Context, body: bytes) -> Accepted:
    """Store log lines: one JSON object a line, or an array of them; answered when they are stored

    `message`, `time`, `host`, `severity`, `facility`, `app`, `procid`, `msgid` and `tags` are columns, also under the
    names that shippers use (`msg`, `@timestamp`, `hostname`, `level`, ...); everything else becomes fields. What is no
    JSON object is kept raw. With the content type `text/plain` each line is read as syslog. `Content-Encoding: gzip` is
    accepted. On 503 nothing was taken: send the same again.
    """
    raw = _inflate(ctx, body)
    if raw.count(b"\n") > MAX_LINES:
        raise TooLarge(f"At most {MAX_LINES} lines a request. Send them in several.")
    kind = ctx.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind == "text/plain":
        frame = await text_frame(ctx.platform, raw, ctx.organization, ctx.ip)
    else:
        frame = json_frame(raw, ctx.organization, ctx.ip, ctx.now)
    if len(frame) > MAX_LINES:
        raise TooLarge(f"At most {MAX_LINES} lines a request. Send them in several.")
    unparsed = int(frame["tags"].list.contains(UNPARSED).sum())
    await _stored(ctx, frame)
    return Accepted(accepted=len(frame), unparsed=unparsed)


@intake.route("POST", "/v1/logs", permission=(PERMISSION, "add"), raw=OTLP_TYPES, write=False)
async def otlp_logs(ctx: Context, body: bytes) -> Otlp:
    """Store log records from an OpenTelemetry exporter (OTLP/HTTP); answered when they are stored"""
    is_json = "json" in ctx.headers.get("content-type", "json")
    request = otlp.read(_inflate(ctx, body), is_json=is_json)
    frame = otlp.frame(request, ctx.organization, ctx.ip, ctx.now)
    if len(frame) > MAX_LINES:
        raise TooLarge(f"At most {MAX_LINES} records a request. Send them in several.")
    await _stored(ctx, frame)
    if is_json:
        return Otlp()
    answer = ExportLogsServiceResponse().SerializeToString()
    return Reply(answer, media_type="application/x-protobuf")  # type: ignore[return-value]


async def _stored(ctx: Context, frame: pl.DataFrame) -> None:
    service = ctx.platform.service(LogIntake)
    if service is not None:
        service.tally.add(frame)
    store = store_of(ctx.platform)
    if store.error:
        raise unavailable(store.error)
    stored = await submit(ctx.platform, frame, patience=PATIENCE)
    try:
        # Not cancelled at the time-out: the lines may yet be stored, and the sender brings them again. Twice is
        # better than not at all.
        async with asyncio.timeout(PATIENCE * 2):
            await asyncio.shield(stored)
    except TimeoutError:
        raise Unavailable(
            "The lines are not stored yet, and may come twice if they are sent again.", headers={"Retry-After": "5"}
        ) from None


def _inflate(ctx: Context, body: bytes) -> bytes:
    """The body without its compression, of bounded size however small it came."""
    coding = ctx.headers.get("content-encoding", "identity").strip().lower()
    if coding in ("identity", ""):
        return body
    if coding not in ("gzip", "x-gzip", "deflate"):
        raise Unsupported(f"The content encoding {coding[:40]!r} is not supported. Send gzip or none.")
    limit = ctx.platform.settings.max_body_mb * 2**20
    inflate = zlib.decompressobj(wbits=47)
    try:
        out = inflate.decompress(body, limit + 1)
    except zlib.error:
        raise Invalid("The body is not valid gzip.") from None
    if len(out) > limit:
        raise TooLarge(f"The request is larger than {limit // 2**20} MiB when it is unpacked.")
    if not inflate.eof:
        raise Invalid("The gzip body is cut off.")
    return out


@intake.route("GET", "/api/intake/", permission=(PERMISSION, "view"))
async def health(ctx: Context) -> Health:
    """How the log intake is doing: its ports, the organization's senders, what was lost and why"""
    service = ctx.platform.service(LogIntake)
    if service is None or service.store is None:
        return Health(status="off", message="This process does not receive syslog.", lag_seconds=0, waiting=0, stored=0,
                      parsed=0, unparsed=0, listeners=[], sources=[], refused=[])  # fmt: skip
    store = service.store
    found = [
        Listener(
            name=item.name, kind=item.kind, address=item.address, port=item.port, listening=True,
            received=item.received, bytes=item.bytes, dropped_by_kernel=item.kernel_dropped, storm_limited=item.limited,
            oversized=item.oversized, connections=item.connections, refused=item.refused, paused=item.paused,
            buffer_bytes=item.buffer_bytes, waiting_bytes=item.waiting_bytes,
        )
        for item in (stats.look() for stats in service.listeners)
    ]  # fmt: skip
    found += [
        Listener(name=name, kind=name.rpartition("-")[2], address="", port=0, listening=False, trouble=text)
        for name, text in service.troubles.items()
    ]
    limited = {address: stats.limited for item in service.listeners for address, stats in item.by_source().items()}
    sources = [
        Source(
            source=address, received=count.received, parsed=count.received - count.unparsed, unparsed=count.unparsed,
            storm_limited=limited.get(address, 0), last_received=datetime.fromtimestamp(count.last, UTC),
        )
        for address, count in sorted(service.tally.of(ctx.organization).items(), key=lambda item: -item[1].received)
    ]  # fmt: skip
    status, message = _verdict(service, store)
    return Health(
        status=status, message=message, lag_seconds=round(service.lag, 3),
        waiting=store.held + (service.inbox.held if service.inbox else 0), stored=store.stored,
        parsed=sum(item.parsed for item in sources), unparsed=sum(item.unparsed for item in sources),
        listeners=found, sources=sources[:1000], refused=await _refused(service, ctx.organization),
    )  # fmt: skip


async def _refused(service: LogIntake, organization: str) -> list[Refused]:
    found = [(item.name, address, one) for item in service.listeners for address, one in list(item.refusals.items())]
    senders = await service.sources.senders([address for _name, address, _one in found])
    return [
        Refused(source=address, listener=name, reason=one.reason, count=one.count,
                last_refused=datetime.fromtimestamp(one.last, UTC))
        for (name, address, one), sender in sorted(zip(found, senders, strict=True), key=lambda pair: -pair[0][2].last)
        if sender.organization == organization
    ]  # fmt: skip


def _verdict(service: LogIntake, store: LogStore) -> tuple[str, str]:
    if store.error:
        return "failing", f"{store.error} Lines wait; senders by TCP and HTTP are held back, by UDP some will be lost."
    if service.losing:
        return "losing", "Datagrams came faster than they could be taken; see dropped_by_kernel and storm_limited."
    if service.lag > 5:
        return "lagging", f"The oldest line has waited {service.lag:.0f} seconds to be stored."
    if service.troubles:
        return "failing", "Some ports cannot be listened on."
    return "ok", "Every line received is stored."


@intake.route("GET", "/api/intake/certificate/", permission=(PERMISSION, "view"))
async def certificate(ctx: Context) -> PemFile:
    """The certificate of syslog over TLS (PEM), for senders to trust"""
    if not ctx.platform.settings.syslog_tls_port:
        raise NotFound("Syslog over TLS is turned off here (MAINSTAY_SYSLOG_TLS_PORT is 0).")
    path, _key = certificate_files(ctx.platform.settings)
    return Reply(path.read_bytes(), media_type="application/x-pem-file")  # type: ignore[return-value]
