"""Services: what runs as long as the process does and is neither a request nor a job.

Listeners that receive packets, engines that work in memory, pollers. A feature declares one with
``registry.service(Name)``; it is made and started once per process that works, in the order of declaration, and
stopped in the opposite order, before the stores close.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mainstay.kernel.platform import Platform


class Service:
    """Base of the services. ``platform.service(Name)`` answers the running one."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform

    async def start(self) -> None:
        """Begin; must return once the service works. An error stops the process from starting."""

    async def stop(self) -> None:
        """End; what was accepted is handed on or stored before this returns."""


async def cancelled(*tasks: asyncio.Task[Any] | None) -> None:
    """Cancel tasks and wait until they are over.

    Again and again: a task that waits with a timeout can lose a cancellation that arrives as its wait ends, and a
    database driver can turn one into an error that the task takes for a passing one.
    """
    left = {task for task in tasks if task is not None and not task.done()}
    while left:
        for task in left:
            task.cancel()
        _over, left = await asyncio.wait(left, timeout=1)
