"""Fixtures of log-in tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from mainstay.app import build_registry, create_app
from mainstay.kernel.platform import Platform
from tests.people.doors import Door, enter
from tests.support import Someone, World


@pytest.fixture(scope="session")
async def portal(platform: Platform) -> AsyncIterator[Platform]:
    """The same installation, with organizations told apart by host name."""
    made = Platform(replace(platform.settings, domain="mainstay.test"), build_registry())
    made.memory["app"] = create_app(platform=made)
    yield made
    await made.database.close()


@pytest.fixture
async def door(portal: Platform, world: World) -> AsyncIterator[Door]:
    made = enter(portal, world)
    async with made.client:
        yield made


@pytest.fixture
async def ann(world: World) -> Someone:
    return await world.person(password=True, username="ann", full_name="Zo Quist")
