"""Storms: when one device raises one event after the other, they become one row that counts them."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from datetime import datetime

from mainstay.modules.monitoring.events.engine import Occurrence

RULE = "storm"
"""What the row of a storm names as its rule."""
WINDOW = 60.0
"""Seconds in which new events are counted."""
MEMBERS = 20
"""Objects that the row names as a sample."""
WATCHED = 20_000
"""Devices and classes that are watched at once; beyond it the oldest are forgotten."""


class Storms:
    """Counts the new events of each device and class. Of this process: what it forgets at its end costs some rows."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[float, int]] = {}

    def collapse(
        self, batch: Sequence[Occurrence], known: Collection[str], limit: int, now: datetime
    ) -> list[Occurrence]:
        """Redirect new events beyond the limit into the row of their storm; returns those that were."""
        if limit <= 0:
            return []
        moment = now.timestamp()
        fresh: set[str] = set()
        redirected: list[Occurrence] = []
        members: dict[str, list[str]] = {}
        for item in batch:
            if item.clear or not item.storm or item.keys[0] in fresh or any(key in known for key in item.keys):
                continue
            since, count = self._seen.get(item.storm, (moment, 0))
            if moment - since > WINDOW:
                since, count = moment, 0
            self._seen.pop(item.storm, None)
            self._seen[item.storm] = (since, count + 1)
            if count < limit:
                fresh.add(item.keys[0])
                continue
            sample = members.setdefault(item.storm, [])
            if len(sample) < MEMBERS:
                sample.append(item.resource or item.message[:200])
            _redirect(item, sample)
            redirected.append(item)
        while len(self._seen) > WATCHED:
            del self._seen[next(iter(self._seen))]
        return redirected


def _redirect(item: Occurrence, members: list[str]) -> None:
    item.keys = (hashlib.sha1(f"storm\n{item.storm}".encode(), usedforsecurity=False).hexdigest(),)
    item.message = f"Storm: {item.event_class} again and again on {item.host or item.address or 'one device'}"
    item.rule = RULE
    item.resource = ""
    # One list for all of a batch: the row keeps the sample as it is when the batch is done.
    item.variables = {"members": members}
