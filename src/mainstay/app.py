"""The one place that assembles the application."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from litestar import Litestar
from litestar.config.compression import CompressionConfig

from mainstay.kernel import database
from mainstay.kernel.http.bind import bind
from mainstay.kernel.http.routing import Application
from mainstay.kernel.http.site import error_handlers, site_handlers
from mainstay.kernel.live import Hub
from mainstay.kernel.logging import configure
from mainstay.kernel.platform import Platform
from mainstay.kernel.registry import Registry
from mainstay.modules.catalogue import register
from mainstay.settings import Settings


def build_registry() -> Registry:
    """Everything that is served."""
    registry = Registry()
    register(registry)
    registry.check()
    return registry


def create_app(settings: Settings | None = None, platform: Platform | None = None, *, begin: bool = True) -> Litestar:
    """The ASGI application. Opens its stores at start-up and closes them at shut-down.

    ``begin``: also start the background work and the services before requests are answered; else the caller does.
    """
    settings = settings or (platform.settings if platform else Settings.load())
    configure(settings)
    running = platform or Platform(settings, build_registry())

    @asynccontextmanager
    async def lifespan(_app: Litestar) -> AsyncIterator[None]:
        await asyncio.to_thread(database.migrate, settings)
        await running.start()
        running.live = Hub(running)
        await running.live.start()
        try:
            if begin:
                await running.begin()
            yield
        finally:
            await running.live.stop()
            await running.close()

    app = Application(
        route_handlers=site_handlers(running),
        exception_handlers=dict(error_handlers(running)),
        lifespan=[lifespan],
        openapi_config=None,
        compression_config=CompressionConfig(backend="gzip", minimum_size=2048, gzip_compress_level=1,
                                             exclude=["/api/live", "/api/logs/tail"]),
        request_max_body_size=settings.max_body_mb * 2**20,
        logging_config=None,
        debug=False,
    )  # fmt: skip
    app.add(bind(running, item) for item in running.registry.operations)
    return app


CONSOLE = Path(__file__).parent / "console_dist"
