"""How the last poll of each device went, stored for many devices at once."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import structlog
from sqlalchemy import Table, bindparam, update
from sqlalchemy.exc import SQLAlchemyError

from mainstay.modules.monitoring.polling.tables import Polled

if TYPE_CHECKING:
    from mainstay.kernel.platform import Platform

log = structlog.stdlib.get_logger("mainstay.polling")
WAIT = 0.5
"""Seconds that a note waits for others."""
_t: Table = Polled.__table__  # type: ignore[assignment]
NAMES = ("state", "since", "last_run", "seconds", "error", "breached")
_STATEMENT = (
    update(_t)
    .where(_t.c.organization == bindparam("b_organization"), _t.c.ci == bindparam("b_ci"))
    .values({name: bindparam(f"b_{name}", type_=_t.c[name].type) for name in NAMES})
)


class Notes:
    """Notes that wait, the newest of each device; ``write`` stores them."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._waiting: dict[tuple[str, str], dict[str, Any]] = {}
        self._task: asyncio.Task[None] | None = None
        self._lock = asyncio.Lock()

    def add(self, organization: str, ci: str, values: dict[str, Any]) -> None:
        """Take a note (``NAMES``), to be stored soon."""
        self._waiting[organization, ci] = values
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._later(), name="polling-notes")

    async def _later(self) -> None:
        while self._waiting:
            await asyncio.sleep(WAIT)
            try:
                await self.write()
            except (SQLAlchemyError, OSError) as error:
                log.warning("polls not noted, will be tried again", error=str(error)[:300])

    async def write(self) -> None:
        """Store what waits."""
        # One at a time, so that an older note is never stored after a newer one.
        async with self._lock:
            taken, self._waiting = self._waiting, {}
            grouped: dict[str, list[dict[str, Any]]] = {}
            for (organization, ci), values in taken.items():
                bound = {f"b_{name}": values[name] for name in NAMES}
                grouped.setdefault(organization, []).append({"b_organization": organization, "b_ci": ci, **bound})
            try:
                for organization in list(grouped):
                    async with self._platform.work(organization) as ctx:
                        connection = await ctx.session.connection()
                        await connection.execute(_STATEMENT, grouped[organization])
                    del grouped[organization]
            except BaseException:
                for organization, rows in grouped.items():
                    for row in rows:
                        key = (organization, row["b_ci"])
                        self._waiting.setdefault(key, taken[key])
                raise

    async def close(self) -> None:
        """Store what waits, and stop."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        await self.write()
