"""The running installation: the parts that a unit of work reaches through its context."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from inspect import isawaitable
from typing import TYPE_CHECKING, Any, TypeVar

from mainstay.kernel.context import Context, Principal, system
from mainstay.kernel.database import Database
from mainstay.kernel.registry import Registry
from mainstay.kernel.secrets import Vault
from mainstay.kernel.services import Service
from mainstay.settings import Settings

if TYPE_CHECKING:
    from mainstay.kernel.background import Background
    from mainstay.kernel.live import Hub
    from mainstay.kernel.telemetry import Telemetry, Writer

Running = TypeVar("Running", bound=Service)


class Platform:
    """Settings, database, telemetry, live hub and the registry of what is served."""

    telemetry: Telemetry | None = None
    live: Hub | None = None
    access_log: Writer | None = None

    def __init__(self, settings: Settings, registry: Registry) -> None:
        self.settings = settings
        self.registry = registry
        self.database = Database(settings)
        self.vault = Vault(settings)
        self.memory: dict[Any, Any] = {}
        """Caches of this process; each owner keys and bounds its own."""
        self.begun = False
        """Whether everything that this process does has started."""
        self._services: dict[type[Service], Service] = {}
        self._background: Background | None = None
        self._stop_jobs: Callable[[], Awaitable[None]] | None = None

    def now(self) -> datetime:
        return datetime.now(UTC)

    @asynccontextmanager
    async def work(
        self, organization: str, principal: Principal | None = None, *, write: bool = True, **request: Any
    ) -> AsyncIterator[Context]:
        """A context in one transaction; commits at the end, then runs what waits for the commit."""
        async with self.database.session(organization, write=write) as session:
            context = Context(
                platform=self,
                session=session,
                principal=principal or system(organization),
                now=self.now(),
                **request,
            )
            yield context
        await run_after_commit(context)

    async def start(self, *, telemetry: bool = True) -> None:
        """Open the telemetry store and the jobs engine: what requests need."""
        from mainstay.kernel import jobs
        from mainstay.kernel.access.bootstrap import complete
        from mainstay.kernel.telemetry import Telemetry

        if telemetry:
            self.telemetry = await Telemetry.open(self.settings)
            self.access_log = self.telemetry.access_log()
        await jobs.launch(self.settings, services=self)
        self._stop_jobs = jobs.shutdown
        if self.settings.worker:
            await complete(self)

    async def begin(self) -> None:
        """Start the background work and the services, where this process works; then it is ready."""
        from mainstay.kernel.background import Background

        if self.settings.worker:
            await asyncio.to_thread(self._prepare)
            self._background = Background(self)
            self._background.start()
            for kind in self.registry.services:
                service = kind(self)
                await service.start()
                self._services[kind] = service
        self.begun = True

    def _prepare(self) -> None:
        for call in self.registry.preparations:
            call(self.settings)

    def service(self, kind: type[Running]) -> Running | None:
        """The running service of this kind; None where this process does not work."""
        found = self._services.get(kind)
        return found if isinstance(found, kind) else None

    async def close(self) -> None:
        """Stop the services and the background work, then flush and close every store."""
        while self._services:
            _kind, service = self._services.popitem()
            await service.stop()
        if self._background is not None:
            await self._background.stop()
            self._background = None
        if self._stop_jobs is not None:
            await self._stop_jobs()
            self._stop_jobs = None
        if self.telemetry is not None:
            await self.telemetry.close()
        await self.database.close()


async def run_after_commit(context: Context) -> None:
    """Call what was to wait for the commit (live updates, starting a job)."""
    for call in context.after_commit:
        result = call()
        if isawaitable(result):
            await result
    context.after_commit.clear()
