"""Alarms of items fetched at once, below the Cmdb module: the devices are polled now, and what that raised is told."""

from __future__ import annotations

from datetime import datetime

import msgspec
from sqlalchemy import select, update

from mainstay.kernel.context import Context
from mainstay.modules.assets.cmdb.chosen import chosen
from mainstay.modules.monitoring.events.resource import events
from mainstay.modules.monitoring.events.tables import Event
from mainstay.modules.monitoring.polling.performance import performance
from mainstay.modules.monitoring.polling.poller import Poller
from mainstay.modules.monitoring.polling.tables import Polled

MOST, EVENTS = 50, 1000


class FetchInput(msgspec.Struct, kw_only=True):
    """Items, at most 50."""

    ci_ids: list[str]


class OpenEvent(msgspec.Struct, kw_only=True):
    """An open event of an item."""

    event_id: str
    severity: int
    event_class: str
    message: str
    resource: str
    count: int
    first_seen: datetime
    last_seen: datetime


class Fetched(msgspec.Struct, kw_only=True):
    """``polled_now``: whether it was asked for this answer; else it is asked within seconds, or is not polled at all
    (``polled``)."""

    ci_id: str
    name: str
    polled: bool
    polled_now: bool
    state: str
    last_run: datetime | None
    error: str
    events: list[OpenEvent]


class FetchedList(msgspec.Struct, kw_only=True):
    """The alarms of items."""

    status: str = "success"
    polled_now: int
    results: list[Fetched]


@performance.route("POST", "trigger-alarm-fetch/", permission=("asset", "execute"), write=False)
async def fetch(ctx: Context, body: FetchInput) -> FetchedList:
    """Poll items at once, and tell their open events: what does not answer, and which thresholds are exceeded"""
    ctx.principal.require(events.permission, "view")
    names = await chosen(ctx, body.ci_ids, MOST)
    query = select(Polled.ci).where(Polled.ci.in_(names), Polled.enabled.is_(True))
    wanted = list((await ctx.session.execute(query)).scalars())
    # Only by the process that polls: another one does not know how the devices were before.
    poller = ctx.platform.service(Poller) if ctx.platform.settings.polling else None
    done = await poller.at_once([(ctx.organization, ci) for ci in wanted]) if poller is not None else set()
    later = [ci for ci in wanted if (ctx.organization, ci) not in done]
    if later:
        # Polled by another process, or by a collector at its site.
        async with ctx.platform.work(ctx.organization, ctx.principal) as asking:
            asked = update(Polled).where(Polled.ci.in_(later)).values(asked_at=asking.now)
            await asking.session.execute(asked.execution_options(synchronize_session=False))
    # In a transaction of its own: this one does not see what the polls have just stored.
    async with ctx.platform.work(ctx.organization, ctx.principal, write=False) as looking:
        rows = {
            row.ci: row for row in (await looking.session.execute(select(Polled).where(Polled.ci.in_(names)))).scalars()
        }
        found = select(Event).where(Event.ci.in_(names), Event.cleared.is_(False))
        open_events = (
            await looking.session.execute(found.order_by(Event.severity, Event.last_seen.desc()).limit(EVENTS))
        ).scalars()
        by_item: dict[str, list[OpenEvent]] = {}
        for row in open_events:
            by_item.setdefault(row.ci or "", []).append(OpenEvent(
                event_id=row.id, severity=row.severity, event_class=row.event_class, message=row.message,
                resource=row.resource, count=row.count, first_seen=row.first_seen, last_seen=row.last_seen,
            ))  # fmt: skip
        results = [
            Fetched(
                ci_id=ci, name=name, polled=ci in rows, polled_now=(ctx.organization, ci) in done,
                state=rows[ci].state if ci in rows else "", last_run=rows[ci].last_run if ci in rows else None,
                error=rows[ci].error if ci in rows else "", events=by_item.get(ci, []),
            )
            for ci, name in names.items()
        ]  # fmt: skip
    return FetchedList(polled_now=len(done), results=results)
