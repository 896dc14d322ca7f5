"""Maintenance windows in the API, below the Events module."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import islice
from types import SimpleNamespace
from typing import Any

import msgspec

from mainstay.kernel import store
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Invalid
from mainstay.kernel.resource import Behaviour, Resource
from mainstay.modules.monitoring.maintenance.engine import LONGEST, networks
from mainstay.modules.monitoring.maintenance.service import window_of
from mainstay.modules.monitoring.maintenance.tables import Maintenance

SCOPE = ("cis", "hosts", "networks", "classes", "rules")


class Occurrence(msgspec.Struct, kw_only=True):
    """One time a window is in effect."""

    start: datetime
    end: datetime


class Occurrences(msgspec.Struct, kw_only=True):
    """The next times of a window."""

    active: bool
    results: list[Occurrence]


class Windows(Behaviour[Maintenance]):
    async def prepare(self, ctx: Context, rows: list[dict[str, Any]], given: Sequence[Mapping[str, Any]]) -> None:
        for row in rows:
            _check(row)

    async def change(self, ctx: Context, entity: Maintenance, values: dict[str, Any], given: Mapping[str, Any]) -> None:
        names = (*SCOPE, "everything", "start", "end", "recurrence")
        _check({**{name: getattr(entity, name) for name in names}, **values})


def _check(row: Mapping[str, Any]) -> None:
    start, end = row["start"], row["end"]
    if start is None or end is None or end <= start:
        raise Invalid.field("end", "The end must be after the start.")
    longest = LONGEST.get(row.get("recurrence") or "")
    if longest is not None and end - start > longest:
        raise Invalid.field("end", f"A window that recurs {row['recurrence']} lasts at most {longest.days} day(s).")
    if not row.get("everything") and not any(row.get(name) for name in SCOPE):
        raise Invalid.field("everything", "Say what the window is about: configuration items, hosts, networks, "
                            "classes or rules; or everything.")  # fmt: skip
    try:
        networks(row.get("networks") or ())
    except ValueError as error:
        raise Invalid.field("networks", f"{error}. Give addresses such as 10.0.0.1 or networks such as 10.0.0.0/24."
                            ) from None  # fmt: skip


maintenances = Resource(
    Maintenance,
    module="Events",
    path="/ux/common/events/maintenance/",
    label="Maintenance window",
    title="name",
    area="monitoring",
    section="Monitoring",
    sort="start",
    behaviour=Windows(),
    sample={
        "name": "Core switches, firmware", "start": "2026-01-05T22:00:00Z", "end": "2026-01-05T23:00:00Z",
        "recurrence": "weekly", "weekdays": [1], "hosts": ["core-*"],
    },
)  # fmt: skip


@maintenances.action("GET", "{id}/occurrences/")
async def occurrences(ctx: Context, id: str) -> Occurrences:
    """The next ten times of a window, and whether it is in effect now."""
    row = await store.get(ctx, Maintenance, id)
    window = window_of(SimpleNamespace(**{c.key: getattr(row, c.key) for c in Maintenance.__table__.columns}))
    times = [Occurrence(start=start, end=end) for start, end in islice(window.times(ctx.now), 10)]
    return Occurrences(active=row.enabled and window.active(ctx.now), results=times)
