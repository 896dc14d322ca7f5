"""Serving operations: authentication, permission, transaction, answer; one path for all of them."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import structlog
from litestar import Request, Response
from litestar.handlers import HTTPRouteHandler
from litestar.response import File, Stream
from sqlalchemy.exc import DBAPIError

from mainstay.kernel import database, metrics
from mainstay.kernel.access import auth
from mainstay.kernel.context import Context, Principal, system
from mainstay.kernel.database import ANY_ORGANIZATION
from mainstay.kernel.errors import ApiError, Conflict, Forbidden, Unavailable, Unsupported
from mainstay.kernel.http import idempotency
from mainstay.kernel.http.body import read_body, read_raw
from mainstay.kernel.http.convert import convert
from mainstay.kernel.http.routing import OPERATION
from mainstay.kernel.logging import logs_requests
from mainstay.kernel.operation import Operation, Reply
from mainstay.kernel.platform import Platform, run_after_commit
from mainstay.kernel.record import new_id

log = structlog.get_logger("mainstay.http")
BEFORE_PASSWORD = {"/api/session", "/api/session/password", "/api/user", "/api/password-policy"}
"""What an account may call before it has changed its first password."""

# What SQLite and PostgreSQL say when there is no room to write.
_FULL = ("database or disk is full", "disk i/o error", "no space left", "could not extend file")
_BUSY = ("database is locked", "deadlock detected", "could not serialize")


def bind(platform: Platform, operation: Operation) -> HTTPRouteHandler:
    """A Litestar handler that serves the operation."""
    names = operation.parameters

    async def handler(request: Request[Any, Any, Any]) -> Response[Any]:
        return await serve(platform, operation, request, names)

    handler.__name__ = operation.operation_id
    return HTTPRouteHandler(
        _litestar_path(operation.path), http_method=[operation.method], status_code=200,  # type: ignore[list-item]
        include_in_schema=False, name=operation.key, opt={OPERATION: True},
    )(handler)  # fmt: skip


def _litestar_path(path: str) -> str:
    return "/".join(part[:-1] + ":str}" if part.endswith("}") else part for part in path.split("/"))


async def serve(
    platform: Platform, operation: Operation, request: Request[Any, Any, Any], names: tuple[str, ...]
) -> Response[Any]:
    """Run one operation and answer; every failure becomes an error body."""
    started = time.perf_counter()
    scope = request.scope
    headers = {key.decode("latin-1").lower(): value.decode("latin-1") for key, value in scope["headers"]}
    request_id = _request_id(headers)
    state: dict[str, Any] = {"who": None}
    try:
        response = await _run(platform, operation, request, names, request_id, headers, state)
    except ApiError as error:
        response = error_response(error)
    except DBAPIError as error:
        response = error_response(_database_error(error, request_id))
    except OSError as error:
        if error.errno != 28:
            response = _unexpected(request_id, error)
        else:
            response = error_response(Unavailable("The storage is full. Nothing was changed; free some space."))
    except Exception as error:
        response = _unexpected(request_id, error)
    response.headers["X-Request-ID"] = request_id
    _account(platform, operation, request, headers, response, state["who"], request_id, time.perf_counter() - started)
    scope["mainstay_done"] = True  # type: ignore[typeddict-unknown-key]
    return response


async def _run(
    platform: Platform,
    operation: Operation,
    request: Request[Any, Any, Any],
    names: tuple[str, ...],
    request_id: str,
    headers: dict[str, str],
    state: dict[str, Any],
) -> Response[Any]:
    facts: dict[str, Any] = {
        "request_id": request_id,
        "headers": headers,
        "host": headers.get("host", ""),
        "ip": client_ip(platform, request, headers),
        "url": _url(platform, request, headers),
    }
    if operation.raw:
        return await _raw(platform, operation, request, facts, state)
    if operation.write or operation.public:
        return await _write(platform, operation, request, names, facts, state)
    async with platform.database.reading() as session:
        ctx = Context(
            platform=platform,
            session=session,
            principal=system(ANY_ORGANIZATION),
            now=platform.now(),
            **facts,
        )
        who, due = await auth.principal_of(ctx, operation.method)
        _admit(operation, who, state)
        database.confine(session, who.organization)
        ctx.principal = who
        arguments, _plain = await _arguments(platform, operation, request, names, "content-type" in headers)
        result = await operation.handler(ctx, **arguments)
        reply = result if isinstance(result, Reply) else Reply(result, status=operation.status)
        response = encode(reply, ctx)
    if due:
        await _touch(platform, who, facts)
    return response


async def _write(
    platform: Platform,
    operation: Operation,
    request: Request[Any, Any, Any],
    names: tuple[str, ...],
    facts: dict[str, Any],
    state: dict[str, Any],
) -> Response[Any]:
    who: Principal | None = None
    if not operation.public:
        # The caller is known before the body is read: strangers do not get to upload.
        who = await authenticate(platform, operation.method, facts)
        _admit(operation, who, state)
    arguments, plain = await _arguments(platform, operation, request, names, operation.method != "GET")
    failure: ApiError | None = None
    async with platform.database.session(
        who.organization if who else ANY_ORGANIZATION, write=operation.write
    ) as session:
        caller = who or Principal(organization=ANY_ORGANIZATION, kind="anonymous", username="", name="")
        ctx = Context(platform=platform, session=session, principal=caller, now=platform.now(), **facts)
        if operation.method == "POST" and who:
            replay = await idempotency.known(ctx, operation, plain)
            if replay is not None:
                return encode(Reply(replay[1], status=replay[0], headers={"Idempotency-Replayed": "true"}), ctx)
        try:
            result = await operation.handler(ctx, **arguments)
        except ApiError as error:
            if not getattr(error, "commit", False):
                raise
            failure = error
        else:
            reply = result if isinstance(result, Reply) else Reply(result, status=operation.status)
            response = encode(reply, ctx)
            if operation.method == "POST" and who:
                await idempotency.remember(ctx, operation, plain, reply.status, response)
    await run_after_commit(ctx)
    if failure is not None:
        raise failure
    return response


async def _raw(
    platform: Platform,
    operation: Operation,
    request: Request[Any, Any, Any],
    facts: dict[str, Any],
    state: dict[str, Any],
) -> Response[Any]:
    who = await authenticate(platform, operation.method, facts)
    _admit(operation, who, state)
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind and kind not in operation.raw:
        raise Unsupported(f"The content type {kind[:60]!r} is not supported. Send {' or '.join(operation.raw)}.")
    body = await read_raw(request, platform.settings.max_body_mb * 2**20)
    async with platform.database.reading() as session:
        ctx = Context(platform=platform, session=session, principal=who, now=platform.now(), **facts)
    result = await operation.handler(ctx, body=body)
    return encode(result if isinstance(result, Reply) else Reply(result, status=operation.status), ctx)


def _admit(operation: Operation, who: Principal, state: dict[str, Any]) -> None:
    """Raises ``Forbidden`` when the caller may not do this."""
    state["who"] = who
    if who.must_change_password and operation.path not in BEFORE_PASSWORD:
        raise Forbidden("Please change your password first.", code="password_change_required")
    if operation.permission is not None:
        who.require(*operation.permission)


async def _arguments(
    platform: Platform,
    operation: Operation,
    request: Request[Any, Any, Any],
    names: tuple[str, ...],
    has_body: bool,
) -> tuple[dict[str, Any], Any]:
    """The handler's arguments, and the body's plain values."""
    arguments: dict[str, Any] = {name: request.path_params[name] for name in names}
    plain: Any = None
    upload = None
    if has_body:
        plain, upload = await read_body(request, platform.settings.max_body_mb * 2**20, upload=operation.upload)
    if operation.upload:
        arguments["upload"] = upload
    if operation.query is not None:
        flat = {key: value.replace("\x00", "") for key, value in request.query_params.multi_items()}
        arguments["query"] = convert(flat, operation.query)
    if "body" in operation.handler.__annotations__:
        typed = operation.handler.__annotations__["body"]
        arguments["body"] = plain if typed in (Any, "Any") else convert(plain, operation.body)
    return arguments, plain


async def _touch(platform: Platform, who: Principal, facts: dict[str, Any]) -> None:
    async with platform.work(ANY_ORGANIZATION, **facts) as ctx:
        await auth.touch(ctx, who)


async def authenticate(platform: Platform, method: str, facts: dict[str, Any]) -> Principal:
    """The caller of a request. Raises ``Unauthorized`` or ``Forbidden``."""
    async with platform.database.reading() as session:
        ctx = Context(
            platform=platform,
            session=session,
            principal=system(ANY_ORGANIZATION),
            now=platform.now(),
            **facts,
        )
        who, due = await auth.principal_of(ctx, method)
    if due:
        await _touch(platform, who, facts)
    return who


def encode(reply: Reply, ctx: Context) -> Response[Any]:
    """The HTTP response of a reply."""
    headers = {**reply.headers, **ctx.set_headers}
    headers.setdefault("Cache-Control", "no-store")
    cookies = ctx.set_cookies
    if reply.stream is not None:
        if isinstance(reply.stream, Path):
            return File(path=reply.stream, media_type=reply.media_type, headers=headers, status_code=reply.status,
                        content_disposition_type="inline")  # fmt: skip
        stream: AsyncIterator[bytes] = reply.stream
        return Stream(stream, media_type=reply.media_type, headers=headers, status_code=reply.status, cookies=cookies)
    if reply.status in (204, 304):
        return Response(content=None, status_code=reply.status, headers=headers, cookies=cookies)
    content = reply.content
    if not isinstance(content, bytes):
        content = msgspec.json.encode(content)
    return Response(content=content, status_code=reply.status, media_type=reply.media_type, headers=headers,
                    cookies=cookies)  # fmt: skip


def error_response(error: ApiError) -> Response[Any]:
    """The JSON body of an error."""
    return Response(content=msgspec.json.encode(error.body()), status_code=error.status, headers=dict(error.headers),
                    media_type="application/json")  # fmt: skip


def _unexpected(request_id: str, error: Exception) -> Response[Any]:
    log.exception("request failed", reference=request_id, exc_info=error)
    body = {"error": "Something went wrong. Please try again later.", "reference": request_id}
    return Response(content=msgspec.json.encode(body), status_code=500, media_type="application/json")


def _database_error(error: DBAPIError, request_id: str) -> ApiError:
    text = str(error.orig).lower()
    if any(word in text for word in _FULL):
        log.error("storage full", reference=request_id)
        return Unavailable("The storage is full. Nothing was changed; free some space and try again.",
                           reference=request_id)  # fmt: skip
    if any(word in text for word in _BUSY):
        return Conflict("The record is being changed by somebody else. Please try again.")
    log.error("database refused", reference=request_id, error=str(error.orig)[:500])
    broken = ApiError("Something went wrong. Please try again later.", reference=request_id)
    broken.status = 500
    return broken


def _request_id(headers: dict[str, str]) -> str:
    given = headers.get("x-request-id", "")
    return given if 8 <= len(given) <= 64 and given.replace("-", "").isalnum() and given.isascii() else new_id()


def client_ip(platform: Platform, request: Request[Any, Any, Any], headers: dict[str, str]) -> str:
    """The client's address; a proxy is believed only when it is a trusted one."""
    address = _peer(request)
    if headers.get("x-forwarded-for") and _trusted(platform, address):
        return headers["x-forwarded-for"].split(",")[-1].strip()[:64]
    return address


def _peer(request: Request[Any, Any, Any]) -> str:
    peer = request.scope.get("client")
    return str(peer[0]) if peer else ""


def _trusted(platform: Platform, address: str) -> bool:
    return address in {part.strip() for part in platform.settings.trusted_proxies.split(",")}


def _url(platform: Platform, request: Request[Any, Any, Any], headers: dict[str, str]) -> str:
    """The address that was asked for, as the client wrote it."""
    scheme = request.scope["scheme"]
    said = headers.get("x-forwarded-proto", "")
    if said in ("http", "https") and _trusted(platform, _peer(request)):
        scheme = said
    path = request.scope["raw_path"].split(b"?")[0].decode("ascii", "replace")
    return f"{scheme}://{headers.get('host', 'localhost')}{path}"


def _account(
    platform: Platform,
    operation: Operation,
    request: Request[Any, Any, Any],
    headers: dict[str, str],
    response: Response[Any],
    who: Principal | None,
    request_id: str,
    seconds: float,
) -> None:
    status = response.status_code or 200
    metrics.observe(operation.method, operation.path, status, seconds)
    body = response.content if isinstance(response.content, bytes) else b""
    organization = who.organization if who else ""
    path = request.scope["path"]
    if logs_requests():
        log.info("request", method=operation.method, path=path, status=status, ms=round(seconds * 1000, 2),
                 request_id=request_id, organization=organization)  # fmt: skip
    if platform.access_log is not None:
        platform.access_log.write((
            platform.now(), organization, who.username if who else "", operation.method, path[:1000],
            operation.path, status, seconds * 1000, len(body), _peer(request), headers.get("user-agent", "")[:300],
            request_id,
        ))  # fmt: skip
