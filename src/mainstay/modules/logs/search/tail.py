"""Following the log: lines as they come in, to one caller at a time.

The store is asked, not the intake, so that it works whichever process received the lines; what this process stores
itself wakes the followers at once.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import msgspec
import polars

from mainstay.kernel.errors import ApiError, TooManyRequests
from mainstay.kernel.live import encode
from mainstay.kernel.platform import Platform
from mainstay.kernel.signals import LINES as STORED
from mainstay.modules.logs.search import service
from mainstay.modules.logs.search.sql import micros
from mainstay.modules.logs.search.table import LINES

FOLLOWERS = 50
ROUND = 500
"""Lines shown per look; beyond it the oldest of them are passed over, and the stream says so."""
SHORTEST, LONGEST = 0.4, 2.0
"""Seconds between looks: with news from this process, and without."""
LATE = timedelta(seconds=5)
"""A line may become visible this long after a later one."""
MINUTES = 15
"""After this long the stream ends and the client comes again, which checks its rights anew."""


class EventStream:
    """An answer that goes on."""

    __mainstay_media__ = ("text/event-stream",)


class Followers:
    """Who follows, per organization; told when lines were stored."""

    def __init__(self) -> None:
        self.waiting: dict[str, set[asyncio.Event]] = {}
        self.count = 0

    @staticmethod
    def of(platform: Platform) -> Followers:
        found: Followers = platform.memory.setdefault("log_followers", Followers())
        return found


@STORED.subscribe
async def _stored(platform: Platform, batch: polars.DataFrame) -> None:
    waiting = Followers.of(platform).waiting
    if waiting:
        for organization in batch.get_column("organization").unique().to_list():
            for event in waiting.get(organization, ()):
                event.set()


def follow(platform: Platform, chosen: service.Chosen, after: int = 0) -> AsyncIterator[bytes]:
    """Server-sent events: ``lines``, ``skipped``, ``failed`` and, at the end, ``end``."""
    followers = Followers.of(platform)
    if followers.count >= FOLLOWERS:
        raise TooManyRequests("Too many people follow the log on this server. Please try again later.", 30)
    return _events(platform, chosen, followers, after)


async def _events(platform: Platform, chosen: service.Chosen, followers: Followers, after: int) -> AsyncIterator[bytes]:
    news = asyncio.Event()
    followers.count += 1
    followers.waiting.setdefault(chosen.organization, set()).add(news)
    now = platform.now()
    reader = Reader(platform, chosen, micros(now - timedelta(minutes=5) if after else now), after)
    ends, quiet = time.monotonic() + MINUTES * 60, 0.0
    try:
        yield b"retry: 2000\n: connected\n\n"
        while time.monotonic() < ends:
            with suppress(TimeoutError):
                async with asyncio.timeout(LONGEST):
                    await news.wait()
            news.clear()
            started = time.monotonic()
            try:
                found, passed = await reader.read()
            except ApiError as error:
                yield encode("failed", {"error": error.error})
                return
            if passed:
                yield encode("skipped", {"reason": f"More than {ROUND} lines at once; some are not shown."})
            if found:
                lines = [msgspec.to_builtins(service.line(row)) for row in found]
                yield encode("lines", {"results": lines}, str(found[-1]["id"]))
                quiet = started
            elif started - quiet > 15:
                yield b": still here\n\n"
                quiet = started
            await asyncio.sleep(SHORTEST)
        yield encode("end", {"reason": "Reconnect to go on."})
    finally:
        followers.count -= 1
        waiting = followers.waiting[chosen.organization]
        waiting.discard(news)
        if not waiting:
            del followers.waiting[chosen.organization]


class Reader:
    """Lines received since the last look, each once."""

    def __init__(self, platform: Platform, chosen: service.Chosen, since: int, after: int) -> None:
        self.platform = platform
        self.start = since
        self.since = since
        self.seen: dict[int, int] = {}
        self.parameters = {**chosen.parameters, "after": after, "limit": ROUND + 1}
        clause = chosen.clause(timed=False)
        self.parameters.update(chosen.parameters)
        self.sql = (
            f"SELECT {service.COLUMNS} FROM {LINES} WHERE {clause} AND id > {{after:UInt64}} AND "  # noqa: S608
            "received >= fromUnixTimestamp64Micro({since:Int64}, 'UTC') ORDER BY id DESC LIMIT {limit:UInt32}"
        )

    async def read(self) -> tuple[list[dict[str, Any]], bool]:
        """New lines, oldest first, and whether some were passed over."""
        found = await service.rows(self.platform, self.sql, {**self.parameters, "since": self.since})
        fresh = [row for row in reversed(found) if row["id"] not in self.seen]
        if found:
            self.seen.update({row["id"]: micros(row["received"]) for row in fresh})
            newest = max(micros(row["received"]) for row in found)
            self.since = max(self.start, newest - LATE // timedelta(microseconds=1))
            self.seen = {line: at for line, at in self.seen.items() if at >= self.since}
        return fresh[-ROUND:], len(fresh) > ROUND
