"""What is served besides operations: health, metrics, the OpenAPI document, live updates, the console."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from litestar import Request, Response, get
from litestar.exceptions import HTTPException, MethodNotAllowedException, NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.response import Stream
from sqlalchemy.exc import SQLAlchemyError

from mainstay import __version__
from mainstay.kernel import database, metrics, openapi
from mainstay.kernel.errors import ApiError
from mainstay.kernel.http.bind import authenticate, client_ip, error_response
from mainstay.kernel.platform import Platform

CONSOLE = Path(__file__).parents[2] / "console_dist"
SECURITY = {
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
        "font-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; "
        "object-src 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
_TYPES = {".js": "text/javascript", ".css": "text/css", ".html": "text/html", ".svg": "image/svg+xml",
          ".png": "image/png", ".ico": "image/x-icon", ".json": "application/json", ".woff2": "font/woff2",
          ".map": "application/json", ".txt": "text/plain", ".webmanifest": "application/manifest+json"}  # fmt: skip


def site_handlers(platform: Platform) -> list[HTTPRouteHandler]:
    """The handlers of everything that is not an operation."""

    @get("/healthz", include_in_schema=False)
    async def healthz() -> dict[str, str]:
        return {"status": "ok", "version": __version__}

    @get("/readyz", include_in_schema=False)
    async def readyz() -> Response[dict[str, str]]:
        try:
            await database.check(platform.database)
        except (SQLAlchemyError, OSError):
            return Response({"error": "The database does not answer."}, status_code=503)
        if not platform.begun:
            return Response({"error": "Pages are answered; what receives and works beside them is starting."},
                            status_code=503)  # fmt: skip
        return Response({"status": "ready"})

    @get("/metrics", include_in_schema=False)
    async def prometheus() -> Response[bytes]:
        return Response(metrics.exposition(), media_type="text/plain; version=0.0.4")

    @cache
    def made(form: str) -> bytes:
        written = openapi.build(platform.registry.operations, version=__version__, server="/")
        return msgspec.json.encode(written) if form == "json" else msgspec.yaml.encode(written)

    one_at_a_time = asyncio.Lock()

    async def document(form: str) -> bytes:
        # It takes a second or more: nobody else waits for it.
        async with one_at_a_time:
            return await asyncio.to_thread(made, form)

    @get(["/schema/openapi.json", "/schema/openapi.yaml"], include_in_schema=False)
    async def openapi_file(request: Request[Any, Any, Any]) -> Response[bytes]:
        form = "yaml" if request.url.path.endswith("yaml") else "json"
        kind = "application/vnd.oai.openapi" if form == "yaml" else "application/vnd.oai.openapi+json"
        return Response(await document(form), media_type=kind)

    @get("/schema", include_in_schema=False)
    async def schema(request: Request[Any, Any, Any]) -> Response[bytes]:
        accept = request.headers.get("accept", "") + request.query_params.get("format", "")
        if "json" in accept:
            return Response(await document("json"), media_type="application/vnd.oai.openapi+json")
        return Response(await document("yaml"), media_type="application/vnd.oai.openapi")

    @get("/schema/swagger", include_in_schema=False)
    async def swagger() -> Response[Any]:
        return static("swagger/index.html")

    @get("/api/live", include_in_schema=False)
    async def live(request: Request[Any, Any, Any]) -> Response[Any]:
        headers = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in request.scope["headers"]}
        facts = {
            "headers": headers,
            "host": headers.get("host", ""),
            "ip": client_ip(platform, request, headers),
        }
        try:
            who = await authenticate(platform, "GET", facts)
        except ApiError as error:
            return error_response(error)
        wanted = frozenset(filter(None, request.query_params.get("resources", "").split(",")))
        assert platform.live is not None
        return Stream(platform.live.listen(who, wanted), media_type="text/event-stream",
                      headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})  # fmt: skip

    @get(["/", "/{path:path}"], include_in_schema=False)
    async def console(request: Request[Any, Any, Any]) -> Response[Any]:
        path = request.url.path.lstrip("/")
        if path.startswith(("ux/", "api/", "schema/")):
            return error_response(_missing(request.url.path))
        return static(path or "index.html")

    return [healthz, readyz, prometheus, openapi_file, schema, swagger, live, console]


def _missing(path: str) -> ApiError:
    error = ApiError(f"There is nothing at {path[:200]}. The operations are listed at /schema/swagger/.")
    error.status = 404
    return error


def static(path: str) -> Response[Any]:
    """A file of the built console; any other path is a page of the console itself."""
    target = (CONSOLE / path).resolve()
    if not target.is_relative_to(CONSOLE.resolve()):
        return error_response(_missing(path))
    if not target.is_file():
        if Path(path).suffix in _TYPES:
            return error_response(_missing("/" + path))
        target = CONSOLE / "index.html"
    if not target.is_file():
        text = "The console is not built. Run `make console`, then reload."
        return Response(text, status_code=503, media_type="text/plain")
    hashed = "/assets/" in f"/{path}"
    headers = {**SECURITY, "Cache-Control": "public, max-age=31536000, immutable" if hashed else "no-cache"}
    kind = _TYPES.get(target.suffix, "application/octet-stream")
    return Response(target.read_bytes(), media_type=f"{kind}; charset=utf-8" if kind.startswith("text/") else kind,
                    headers=headers)  # fmt: skip


def error_handlers(platform: Platform) -> Mapping[Any, Any]:
    """Errors of routing in the documented shape."""

    def not_found(request: Request[Any, Any, Any], _error: NotFoundException) -> Response[Any]:
        return error_response(_missing(request.url.path))

    def not_allowed(request: Request[Any, Any, Any], error: MethodNotAllowedException) -> Response[Any]:
        made = ApiError(f"{request.method} is not possible at {request.url.path[:200]}.", headers=error.headers)
        made.status = 405
        return error_response(made)

    def other(_request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
        made = ApiError(error.detail or "The request cannot be handled.")
        made.status = error.status_code
        return error_response(made)

    return {NotFoundException: not_found, MethodNotAllowedException: not_allowed, HTTPException: other}
