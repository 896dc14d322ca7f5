"""Live updates: each process follows the change feed and tells its open streams, by organization and permission."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import msgspec
import structlog
from sqlalchemy import case, func, select
from sqlalchemy.exc import SQLAlchemyError

from mainstay.kernel import metrics
from mainstay.kernel.access.tables import REQUESTER
from mainstay.kernel.changes import Change, record
from mainstay.kernel.context import Context, Principal
from mainstay.kernel.database import ANY_ORGANIZATION
from mainstay.kernel.services import cancelled

if TYPE_CHECKING:
    from mainstay.kernel.platform import Platform

log = structlog.get_logger("mainstay.live")
QUEUE = 1000
"""Events a slow client may lag behind before it is told to reload."""
PERSONAL = "live"
"""Resource of the changes that are news for one person, not changes of a record."""
LOOK_BACK = 200
"""Numbers re-read at each look: on PostgreSQL a lower number may become visible after a higher one."""


class Stream:
    """One open connection."""

    def __init__(self, who: Principal, resources: frozenset[str]) -> None:
        self.who = who
        self.resources = resources
        self.events: asyncio.Queue[bytes | None] = asyncio.Queue(QUEUE)
        self.lagging = False

    def offer(self, event: bytes) -> None:
        """Queue an event; a full queue is replaced by one ``reload``."""
        try:
            self.events.put_nowait(event)
        except asyncio.QueueFull:
            while not self.events.empty():
                self.events.get_nowait()
            self.events.put_nowait(encode("reload", {"reason": "This page fell behind."}))


class Hub:
    """The streams of this process and the follower that feeds them."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.streams: set[Stream] = set()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._last = 0
        self._seen: deque[int] = deque(maxlen=4 * LOOK_BACK)
        self._known: set[int] = set()

    async def start(self) -> None:
        """Follow from now on."""
        async with self.platform.database.session(ANY_ORGANIZATION) as session:
            self._last = int(await session.scalar(select(func.max(Change.seq))) or 0)
        self._known = set(range(max(0, self._last - LOOK_BACK), self._last + 1))
        self._task = asyncio.create_task(self._follow(), name="live-follower")

    async def stop(self) -> None:
        """End the follower and every stream."""
        for stream in self.streams:
            with suppress(asyncio.QueueFull):
                stream.events.put_nowait(None)
        await cancelled(self._task)

    def nudge(self) -> None:
        """Something was committed here: look now instead of at the next interval, where somebody listens."""
        if self.streams:
            self._wake.set()

    def publish(self, organization: str, event: str, data: dict[str, Any], permission: str = "") -> None:
        """Tell the organization's streams what is not a record's change (progress of a task)."""
        encoded = encode(event, data)
        for stream in list(self.streams):
            if stream.who.organization == organization and (not permission or stream.who.can(permission, "view")):
                stream.offer(encoded)

    async def _follow(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    await self._wake.wait()
            self._wake.clear()
            if not self.streams:
                # Nobody listens; keep up without reading rows.
                await self._skip()
                continue
            try:
                await self._look()
            except SQLAlchemyError as error:
                log.warning("live follower waits for the database", error=str(error)[:200])
                await asyncio.sleep(1)

    async def _skip(self) -> None:
        with suppress(SQLAlchemyError):
            async with self.platform.database.session(ANY_ORGANIZATION) as session:
                self._last = int(await session.scalar(select(func.max(Change.seq))) or 0)
            self._known = set(range(max(0, self._last - LOOK_BACK), self._last + 1))

    async def _look(self) -> None:
        back = 0 if self.platform.database.is_sqlite else LOOK_BACK
        query = (
            select(Change.seq, Change.organization, Change.resource, Change.record_id, Change.action, Change.version,
                   Change.actor, Change.actor_name,
                   case((Change.resource == PERSONAL, Change.changes), else_=None).label("news"))
            .where(Change.seq > self._last - back)
            .order_by(Change.seq)
            .limit(5000)
        )  # fmt: skip
        async with self.platform.database.session(ANY_ORGANIZATION) as session:
            rows = [row for row in (await session.execute(query)).all() if row.seq not in self._known]
        for row in rows:
            self._known.add(row.seq)
            self._last = max(self._last, row.seq)
            self._tell(row)
        if len(self._known) > 20 * LOOK_BACK:
            self._known = {seq for seq in self._known if seq > self._last - 2 * LOOK_BACK}

    def _tell(self, row: Any) -> None:
        if row.resource == PERSONAL:
            self._tell_person(row)
            return
        resource = self.platform.registry.resources.get(row.resource)
        if resource is None:
            return
        data = {"resource": row.resource, "id": row.record_id, "action": row.action, "version": row.version,
                "actor": row.actor, "actor_name": row.actor_name}  # fmt: skip
        event = encode("change", data, str(row.seq))
        for stream in list(self.streams):
            who = stream.who
            wanted = not stream.resources or row.resource in stream.resources
            if who.kind == REQUESTER:
                continue  # they see some rows of a resource only; which, a change does not tell
            if who.organization == row.organization and wanted and who.can(resource.permission, "view"):
                stream.offer(event)

    def _tell_person(self, row: Any) -> None:
        for data in row.news or ():
            event = encode(row.action, data, str(row.seq))
            for stream in list(self.streams):
                if stream.who.organization == row.organization and stream.who.profile_id == row.record_id:
                    stream.offer(event)

    async def listen(self, who: Principal, resources: frozenset[str]) -> AsyncIterator[bytes]:
        """The events for one caller, with a comment every 15 s so that proxies keep the connection."""
        stream = Stream(who, resources)
        self.streams.add(stream)
        metrics.live_clients.set(len(self.streams))
        try:
            yield b"retry: 2000\n: connected\n\n"
            while True:
                try:
                    async with asyncio.timeout(15):
                        event = await stream.events.get()
                except TimeoutError:
                    yield b": still here\n\n"
                    continue
                if event is None:
                    return
                yield event
        finally:
            self.streams.discard(stream)
            metrics.live_clients.set(len(self.streams))


async def tell(ctx: Context, profile: str, event: str, data: dict[str, Any]) -> None:
    """After the commit, send ``data`` to one person's open consoles, whichever process holds them."""
    await record(ctx, PERSONAL, event, [(profile, 1, [data])])


def encode(event: str, data: dict[str, Any], number: str = "") -> bytes:
    """One event in the text/event-stream format (WHATWG HTML, server-sent events)."""
    head = f"id: {number}\n" if number else ""
    return f"{head}event: {event}\ndata: ".encode() + msgspec.json.encode(data) + b"\n\n"
