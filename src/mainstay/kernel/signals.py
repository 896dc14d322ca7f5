"""Signals: batches of what just came in, handed to whoever in this process wants to look at them.

For rates at which a row in the change feed for each would cost more than the thing itself: log lines, raw events,
samples. A publisher waits until every handler is done, which is the back-pressure; it publishes batches, never single
items where they come fast. Areas that must not import each other meet here.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import msgspec
import structlog

if TYPE_CHECKING:
    import polars

    from mainstay.kernel.platform import Platform

log = structlog.get_logger("mainstay.signals")
Batch = TypeVar("Batch")
Handler = Callable[["Platform", Batch], Awaitable[None]]


class Topic(Generic[Batch]):
    """One kind of batch and its handlers."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._handlers: list[Handler[Batch]] = []

    def subscribe(self, handler: Handler[Batch]) -> Handler[Batch]:
        """Decorator: call ``async def handler(platform, batch)`` for every batch."""
        self._handlers.append(handler)
        return handler

    def unsubscribe(self, handler: Handler[Batch]) -> None:
        """Call it no more."""
        self._handlers.remove(handler)

    async def publish(self, platform: Platform, batch: Batch) -> None:
        """Let every handler work on the batch, one after the other. The first error is raised when all had it."""
        failed: Exception | None = None
        for handler in self._handlers:
            try:
                await handler(platform, batch)
            except Exception as error:
                log.exception("handler failed", topic=self.name, handler=handler.__qualname__)
                failed = failed or error
        if failed is not None:
            raise failed


class RawEvent(msgspec.Struct, kw_only=True):
    """Something that happened, as its source tells it; the event engine classifies and de-duplicates it."""

    organization: str
    source: str
    """syslog, trap, nbi (events posted by HTTP), log_rule, threshold, discovery, ..."""
    at: datetime
    message: str
    address: str = ""
    """Network address of the device that it is about; else of the sender."""
    host: str = ""
    ci: str = ""
    """Id of the configuration item, where the source knows it."""
    resource: str = ""
    """The part of it: an interface, a disk, a process."""
    severity: int | None = None
    """1 critical, 2 major, 3 minor, 4 informational; None: by rule."""
    event_class: str = ""
    """Where the source knows it; else by rule."""
    key: str = ""
    """What makes two raw events the same problem; empty: by rule."""
    clear: bool = False
    """The end of the problem with this key."""
    count: int = 1
    """How many equal ones, right after each other, it stands for."""
    oid: str = ""
    """Of a trap: its identity (snmpTrapOID)."""
    variables: dict[str, str] = {}
    raw: str = ""
    reference: str = ""
    """Where the original is: the id of a stored log line or trap."""
    extra: dict[str, Any] = {}


LINES: Topic[polars.DataFrame] = Topic("lines")
"""Stored log lines, as the columns of the telemetry table ``log_lines``."""

RAW_EVENTS: Topic[list[RawEvent]] = Topic("raw_events")
"""Raw events of any organization, for the event engine."""

FIRST_MS = 1_577_836_800_000
"""2020: the milliseconds since then begin the ids of log lines; they fit 40 bits for thirty years."""


def process_number(platform: Platform) -> int:
    """What tells the ids of this process's lines from those of others: 10 bits, drawn at every start."""
    number: int = platform.memory.setdefault("process_number", secrets.randbelow(1024))
    return number
