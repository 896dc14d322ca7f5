"""What could be suppressed: events that come again and again, end by themselves soon, or come at the same hours."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Any

import msgspec
from sqlalchemy import select

from mainstay.kernel.context import Context
from mainstay.kernel.errors import Invalid, Unavailable
from mainstay.modules.monitoring.events.history import TABLE
from mainstay.modules.monitoring.events.resource import events
from mainstay.modules.monitoring.events.tables import Event

SHARE, WINDOW, LEAST_DAYS = 0.8, 2, 3
"""The share of the occurrences that a pattern must explain; hours of a window; days that make it a habit."""
GROUPS, TURNS = 500, 2000
HOURLY, BRIEF = "hourly", "brief"


@dataclass(slots=True)
class Pattern:
    """What the turns of one problem have in common. ``kind`` empty: nothing, it is to be looked at."""

    kind: str
    raised: int
    ended: int
    days: int
    minutes: float | None
    hours: list[int]


def pattern(turns: Sequence[tuple[datetime, bool]], brief: float) -> Pattern:
    """What the turns of a problem, in order, tell. ``turns``: when, and whether it ended. ``brief``: minutes within
    which a problem that ended by itself was no problem."""
    lasted: list[float] = []
    since: datetime | None = None
    starts: list[datetime] = []
    for at, end in turns:
        if not end:
            since = since or at
            starts.append(at)
        elif since is not None:
            lasted.append((at - since).total_seconds() / 60)
            since = None
    hours = Counter(at.hour for at in starts)
    days = len({at.date() for at in starts})
    best = max(range(24), key=lambda hour: sum(hours[(hour + more) % 24] for more in range(WINDOW)))
    window = [(best + more) % 24 for more in range(WINDOW)]
    in_window = sum(hours[hour] for hour in window)
    kind = ""
    if starts and days >= LEAST_DAYS and in_window >= SHARE * len(starts):
        kind = HOURLY
    elif lasted and sum(1 for one in lasted if one <= brief) >= SHARE * (len(lasted) + (since is not None)):
        kind = BRIEF
    return Pattern(kind, len(starts), len(lasted), days, round(median(lasted), 2) if lasted else None,
                   window if kind == HOURLY else [])  # fmt: skip


class NoiseQuery(msgspec.Struct, kw_only=True):
    """``days``: how far back. ``minimum``: how often at least. ``minutes``: how soon it ended by itself. ``host``:
    only of this one."""

    days: int = 14
    minimum: int = 5
    minutes: float = 10.0
    host: str = ""


class Noise(msgspec.Struct, kw_only=True):
    """A problem that comes again and again. ``kind``: hourly (at the same ``hours``, UTC, day by day) or brief (it
    ended by itself within minutes, mostly). ``event_ids``: its open rows, to suppress with ``action/``."""

    kind: str
    event_class: str
    host: str
    address: str
    resource: str
    raised: int
    ended: int
    days: int
    minutes: float | None
    hours: list[int]
    last_seen: datetime
    event_ids: list[str]
    suppressed: bool


class NoiseList(msgspec.Struct, kw_only=True):
    """What could be suppressed, the most frequent first."""

    since: datetime
    count: int
    results: list[Noise]


@events.action("GET", "suppression-adaptive/")
async def adaptive(ctx: Context, query: NoiseQuery) -> NoiseList:
    """What could be suppressed, learned from the history of events: problems that end by themselves, or keep to hours

    Nothing is suppressed by this."""
    for name, value, least, most in (
        ("days", query.days, 1, 90), ("minimum", query.minimum, 2, 10_000), ("minutes", query.minutes, 0.1, 1440)
    ):  # fmt: skip
        if not least <= value <= most:
            raise Invalid.field(name, f"{name} must be between {least} and {most}.")
    telemetry = ctx.platform.telemetry
    if telemetry is None:
        raise Unavailable("The history of events is not stored in this process.")
    since = ctx.now - timedelta(days=query.days)
    narrowed = "AND host = {host:String}" if query.host else ""
    # What ends a problem has a class of its own: what belongs together is known by the row it was counted in.
    each = (
        "SELECT event, anyIf(event_class, clear = 0) AS class, any(host) AS of_host, any(address) AS of_address, "  # noqa: S608
        f"any(resource) AS of_resource, countIf(clear = 0) AS starts, groupArray({TURNS})((time, clear)) AS moments, "
        f"max(time) AS latest FROM {TABLE} WHERE organization = {{organization:String}} AND event != '' "
        f"AND time >= fromUnixTimestamp64Micro({{since:Int64}}) {narrowed} GROUP BY event HAVING starts > 0"
    )
    sql = (
        "SELECT class AS event_class, of_host AS host, of_address AS address, of_resource AS resource, "  # noqa: S608
        f"sum(starts) AS raised, max(latest) AS last, arraySort(arrayFlatten(groupArray({TURNS})(moments))) AS turns, "
        f"groupArray({TURNS})(event) AS ids FROM ({each}) GROUP BY event_class, host, address, resource "
        "HAVING raised >= {minimum:UInt32} ORDER BY raised DESC, event_class, host, resource LIMIT {groups:UInt32}"
    )
    found: list[Any] = list(await telemetry.query(sql, {
        "organization": ctx.organization, "since": int(since.timestamp() * 1_000_000), "minimum": query.minimum,
        "groups": GROUPS, "host": query.host,
    }))  # fmt: skip
    known = [(row, pattern([(at, bool(clear)) for at, clear in row["turns"]], query.minutes)) for row in found]
    known = [(row, told) for row, told in known if told.kind]
    ids = sorted({event for row, _told in known for event in row["ids"]})
    open_rows: dict[str, bool] = {}
    for start in range(0, len(ids), 500):
        wanted = select(Event.id, Event.suppressed).where(Event.id.in_(ids[start : start + 500]))
        alive = (await ctx.session.execute(wanted.where(Event.cleared.is_(False)))).all()
        open_rows |= {row.id: row.suppressed for row in alive}
    results = []
    for row, told in known:
        alive_ids = sorted(event for event in row["ids"] if event in open_rows)
        results.append(Noise(
            kind=told.kind, event_class=row["event_class"], host=row["host"], address=row["address"],
            resource=row["resource"], raised=row["raised"], ended=told.ended, days=told.days, minutes=told.minutes,
            hours=told.hours, last_seen=row["last"], event_ids=alive_ids,
            suppressed=bool(alive_ids) and all(open_rows[event] for event in alive_ids),
        ))  # fmt: skip
    return NoiseList(since=since, count=len(results), results=results)
