"""Fixtures for messages."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from mainstay.kernel.platform import Platform
from mainstay.modules.integrations.messenger.sender import Sender
from tests.integrations.receivers import Receiver, allow, receiving
from tests.support import World


@pytest.fixture
async def sender(platform: Platform) -> AsyncIterator[Sender]:
    """The installation's own sender, with pauses that a test can wait for."""
    running = platform.service(Sender)
    assert running is not None
    before = running.poll, running.first_pause
    running.poll, running.first_pause = 0.05, 0.02
    yield running
    running.poll, running.first_pause = before


@pytest.fixture
async def receiver(world: World, sender: Sender) -> AsyncIterator[Receiver]:
    """An HTTP server that this organization may call."""
    await allow(world)
    async with receiving() as made:
        yield made
