"""From the receiving threads to the event loop, with bounded room: who is too fast waits."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Generic, TypeVar

Item = TypeVar("Item")


class Inbox(Generic[Item]):
    """Batches of at most ``capacity`` in all, by what ``weigh`` says of each. Made on the event loop; ``put`` blocks a
    thread while it is full (a batch larger than the room is let in alone), ``get`` waits for the next batch.
    """

    def __init__(self, capacity: int, weigh: Callable[[Any], int] = len) -> None:
        self.capacity = capacity
        self.held = 0
        self._weigh = weigh
        self._items: deque[tuple[Item, int, float]] = deque()
        self._room = threading.Condition()
        self._loop = asyncio.get_running_loop()
        self._ready = asyncio.Event()
        self._closed = False

    @property
    def full(self) -> bool:
        return self.held >= self.capacity

    @property
    def lag(self) -> float:
        """Seconds that the oldest batch has waited."""
        with self._room:
            return time.monotonic() - self._items[0][2] if self._items else 0.0

    def put(self, item: Item) -> None:
        """Hand a batch on, from a thread. Raises ``RuntimeError`` when the inbox is closed."""
        weight = self._weigh(item)
        with self._room:
            self._room.wait_for(lambda: self._closed or self.held + weight <= self.capacity or not self._items)
            self._add(item, weight)
        self._loop.call_soon_threadsafe(self._ready.set)

    def offer(self, item: Item) -> bool:
        """Hand a batch on without waiting; whether there was room."""
        weight = self._weigh(item)
        with self._room:
            if self.held + weight > self.capacity and self._items:
                return False
            self._add(item, weight)
        self._loop.call_soon_threadsafe(self._ready.set)
        return True

    def _add(self, item: Item, weight: int) -> None:
        if self._closed:
            raise RuntimeError("The inbox is closed.")
        self._items.append((item, weight, time.monotonic()))
        self.held += weight

    async def get(self) -> Item | None:
        """The next batch; ``None`` once the inbox is closed and empty."""
        while True:
            with self._room:
                if self._items:
                    item, weight, _at = self._items.popleft()
                    self.held -= weight
                    self._room.notify_all()
                    return item
                if self._closed:
                    return None
                self._ready.clear()
            await self._ready.wait()

    def close(self) -> None:
        """Take nothing more; what is in it can still be got."""
        with self._room:
            self._closed = True
            self._room.notify_all()
        self._loop.call_soon_threadsafe(self._ready.set)
