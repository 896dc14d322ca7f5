"""Services: what runs as long as the process does and is neither a request nor a job.

Listeners that receive packets, engines that work in memory, pollers. A feature declares one with
``registry.service(Name)``; it is made and started once per process that works, in the order of declaration, and
stopped in the opposite order, before the stores close.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

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
