"""What runs beside the requests: the consumers of the change feed and the delivery of mail."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from mainstay.kernel.feed import Follower
from mainstay.kernel.mail import Postman
from mainstay.kernel.services import cancelled

if TYPE_CHECKING:
    from mainstay.kernel.platform import Platform


class Background:
    """Started and stopped with the process; everything it does goes on where it was after a crash."""

    def __init__(self, platform: Platform) -> None:
        self._follower = Follower(platform)
        self._postman = Postman(platform)
        self._delivery: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._follower.start()
        self._delivery = asyncio.create_task(self._postman.run(), name="postman")

    async def stop(self) -> None:
        """Stop between units of work."""
        await self._follower.stop()
        await cancelled(self._delivery)
