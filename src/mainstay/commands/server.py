"""Serving: the HTTP server, and processes that only run background jobs."""

from __future__ import annotations

import asyncio
import errno
import gc
import os
import signal
import socket
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import structlog

from mainstay.commands.common import Refused, check_database, load_features, load_settings, out, prepare
from mainstay.commands.loop import run_on
from mainstay.kernel.backup.control import Control
from mainstay.kernel.backup.folder import check_folder, claim, embedded
from mainstay.kernel.platform import Platform
from mainstay.settings import Settings

log = structlog.get_logger("mainstay.serve")
STOP_SECONDS = 15.0
"""How long requests that run may take to end after the signal to stop."""

EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104
"""Addresses that mean all of this machine's, and one of them that can be called."""

Ready = Callable[[Platform], Awaitable[None]]


def serve(*, host: str | None = None, port: int | None = None) -> None:
    """Serve the API and the console, until SIGTERM or Ctrl-C.

    Also runs the background jobs, unless MAINSTAY_WORKER is false.

    Parameters
    ----------
    host
        Address to listen on, else MAINSTAY_HTTP_HOST (127.0.0.1). 0.0.0.0 is every address.
    port
        Port to listen on, else MAINSTAY_HTTP_PORT (8000).
    """
    run_server(load_settings(http_host=host, http_port=port), _greet)


def worker() -> None:
    """Run background jobs only, beside one or more `mainstay serve`, until SIGTERM or Ctrl-C."""
    settings = prepare(load_settings(worker=True))
    run_on(_work(settings))


async def _greet(platform: Platform) -> None:
    from sqlalchemy import func, select

    from mainstay.kernel.access.tables import Organization

    async with platform.database.session("*") as session:
        known = await session.scalar(select(func.count()).select_from(Organization))
    if not known:
        out.print("There is no organization yet: run `mainstay init` to make the first one and its administrator.")
    out.print(f"Mainstay is ready at {shown_url(platform.settings)} (stop with Ctrl-C).")


def shown_url(settings: Settings) -> str:
    """An address that works on this machine, where none was set for people."""
    if settings.public_url or settings.http_host not in EVERYWHERE:
        return settings.base_url
    return f"http://localhost:{settings.http_port}"


def run_server(settings: Settings, ready: Ready) -> None:
    """Serve until told to stop; ``ready`` is called once requests are answered."""
    check_folder(settings)
    check_database(settings)
    check_port(settings)
    run_on(_serve(settings, ready))


async def _serve(settings: Settings, ready: Ready) -> None:
    async with AsyncExitStack() as stack:
        owned = stack.enter_context(claim(settings, "serve")) if embedded(settings) else None
        # Loaded only now: what cannot be served is said at once.
        from granian.constants import Interfaces
        from granian.server.embed import Server

        from mainstay.app import create_app

        platform = Platform(settings, load_features())
        app = create_app(platform=platform, begin=False)
        # Opened here, not by the server: its errors come to us, and it closes after the last answer.
        await stack.enter_async_context(app.lifespan())
        if owned is not None and platform.telemetry is not None:
            control = Control(settings, platform.telemetry)
            await control.start(owned, pid=os.getpid(), purpose="serve")
            stack.push_async_callback(control.stop)
        server = Server(
            app,
            address=settings.http_host,
            port=settings.http_port,
            interface=Interfaces.ASGINL,
            log_enabled=False,
        )
        stop = _stop_signal()
        serving = asyncio.create_task(server.serve(), name="http-server")
        greeting = asyncio.create_task(_when_ready(settings, platform, ready), name="greeting")
        # People get pages while the rest starts.
        beginning = asyncio.create_task(_begin(platform, stop), name="beginning")
        waiting = asyncio.create_task(stop.wait())
        await asyncio.wait({serving, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if not serving.done():
            log.info("stopping")
            if platform.live is not None:
                # Open streams would be waited for.
                await platform.live.stop()
            server.stop()  # type: ignore[no-untyped-call]
            _done, late = await asyncio.wait({serving}, timeout=STOP_SECONDS)
            if late:
                log.warning("requests cut off at stop", after_seconds=STOP_SECONDS)
        greeting.cancel()
        waiting.cancel()
        await beginning
        if serving.done():
            serving.result()


async def _begin(platform: Platform, stop: asyncio.Event) -> None:
    try:
        await platform.begin()
    except BaseException:
        stop.set()
        raise
    # What is loaded now stays: the collector need not look at it again.
    gc.collect()
    gc.freeze()
    # Batches of what was received are tens of thousands of objects that live for a moment: look less often.
    gc.set_threshold(50_000, 20, 50)


async def _when_ready(settings: Settings, platform: Platform, ready: Ready) -> None:
    host = EVERYWHERE.get(settings.http_host, settings.http_host)
    while True:
        try:
            _reader, writer = await asyncio.open_connection(host, settings.http_port)
        except OSError:
            await asyncio.sleep(0.02)
            continue
        writer.close()
        break
    try:
        await ready(platform)
    except Exception:
        log.exception("start-up work failed")


def _stop_signal() -> asyncio.Event:
    """Set at SIGTERM and Ctrl-C; the second signal ends the process at once."""
    event, loop = asyncio.Event(), asyncio.get_running_loop()

    def told() -> None:
        if event.is_set():
            os._exit(130)
        event.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told)
    return event


async def _work(settings: Settings) -> None:
    platform = Platform(settings, load_features())
    stop = _stop_signal()
    # The embedded telemetry store belongs to the process that serves.
    await platform.start(telemetry=not embedded(settings))
    try:
        await platform.begin()
        out.print("The worker runs background jobs (stop with Ctrl-C).")
        await stop.wait()
    finally:
        await platform.close()


def check_port(settings: Settings) -> None:
    """Raises ``Refused`` when the address cannot be listened on."""
    if not 1 <= settings.http_port <= 65535:
        raise Refused(f"{settings.http_port} is no port. Choose one from 1 to 65535 with --port or MAINSTAY_HTTP_PORT.")
    try:
        found: list[tuple[Any, ...]] = socket.getaddrinfo(
            settings.http_host or None, settings.http_port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        family, kind, number, _name, address = found[0]
        with socket.socket(family, kind, number) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        where = f"Port {settings.http_port} of {settings.http_host}"
        reason = {
            errno.EADDRINUSE: f"{where} is in use by another program",
            errno.EACCES: f"{where} needs more rights than this user has",
        }.get(error.errno or 0, f"{settings.http_host} with port {settings.http_port} cannot be listened on")
        raise Refused(f"{reason}. Choose another with --port or MAINSTAY_HTTP_PORT (or --host).") from error
