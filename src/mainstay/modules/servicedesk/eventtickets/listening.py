"""What triggers hear: every state change of events, once, from the change feed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import delete, select

from mainstay.kernel import feed
from mainstay.kernel.context import Context
from mainstay.modules.organization.business_hours import service as business_hours
from mainstay.modules.servicedesk.eventtickets import acting, engine, matching, settling, tickets
from mainstay.modules.servicedesk.eventtickets.tables import EventTicket, EventTrigger, TriggerDue

# What people do to an event is no reason to look at it again.
_BESIDE = frozenset({"acknowledged", "acknowledged_by", "acknowledged_at", "due_date", "assignee", "cleared_at",
                     "flapping", "suppressed_until", "suppression_reason"})  # fmt: skip


@dataclass(slots=True)
class Heard:
    """What a batch of changes says of events."""

    raised: dict[str, None] = field(default_factory=dict)
    changed: dict[str, None] = field(default_factory=dict)
    """In something that conditions may be about."""
    ended: dict[str, None] = field(default_factory=dict)
    severity: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Event → severity before and after."""

    def note(self, change: feed.Entry) -> None:
        if change.action == "delete":
            self.ended[change.record_id] = None
            return
        if change.action in (tickets.LINKED, "comment"):
            return
        fields = {item["field"]: item for item in change.changes}
        cleared = fields.get("cleared", {}).get("new")
        if cleared is True:
            self.ended[change.record_id] = None
        elif change.action == "create" or cleared is False:
            self.raised[change.record_id] = None
        elif set(fields) - _BESIDE:
            self.changed[change.record_id] = None
        moved = fields.get("severity")
        if moved and change.action != "create" and moved["old"]:
            first = self.severity.get(change.record_id, (moved["old"], 0))[0]
            self.severity[change.record_id] = (first, moved["new"])


@feed.consumer("event_triggers", ("event",))
async def hear(ctx: Context, batch: Sequence[feed.Entry]) -> None:
    """Open, update and resolve incidents for what happened to events."""
    heard = Heard()
    for change in batch:
        heard.note(change)
    if heard.raised or heard.ended:
        await _start_over(ctx, heard)
    looked_at = {**heard.raised, **heard.changed}
    if looked_at:
        await consider(ctx, list(looked_at), news=heard.raised)
    if heard.severity:
        await settling.note_severities(ctx, heard.severity)
    if heard.ended:
        await settling.settle(ctx, list(heard.ended))


async def _start_over(ctx: Context, heard: Heard) -> None:
    """An end takes back the delay of what waited for a ticket, a return the one of what waited to be resolved."""
    spared = select(EventTrigger.id).where(EventTrigger.only_if_not_cleared.is_(True))
    ended = TriggerDue.kind == acting.OPEN, TriggerDue.subject.in_(list(heard.ended)), TriggerDue.trigger.in_(spared)
    back = select(EventTicket.incident).where(EventTicket.event.in_(list(heard.raised)))
    raised = TriggerDue.kind == acting.RESOLVE, TriggerDue.subject.in_(back)
    for conditions, any_of_them in ((ended, heard.ended), (raised, heard.raised)):
        if any_of_them:
            gone = delete(TriggerDue).where(*conditions)
            await ctx.session.execute(gone.execution_options(synchronize_session=False))


async def consider(ctx: Context, ids: Sequence[str], *, news: Collection[str]) -> None:
    """Let every active trigger look at events, at once or when its time has come.

    What is in ``news`` was raised or came back. The others only changed: a trigger that has dealt with such an event
    is done with it, also where somebody resolved the incident before its end.
    """
    for trigger in await acting.active_triggers(ctx):
        await look(ctx, trigger, await matching.fitting(ctx, trigger, ids), news=news)


async def look(ctx: Context, trigger: EventTrigger, fit: Collection[str], *, news: Collection[str]) -> int:
    """Let a trigger deal with events that fit, at once or when its time has come; returns how many it takes up."""
    linked = await tickets.rules_of(ctx, fit)
    fit = [event for event in fit if _is_open(linked.get((event, trigger.id)), event in news)]
    if not fit:
        return 0
    delay = timedelta(seconds=trigger.delay)
    if trigger.trigger_type == engine.CORRELATION:
        delay = max(delay, engine.SETTLING)
    hours = await business_hours.of(ctx, trigger.business_hours) if trigger.business_hours else None
    at = engine.due(ctx.now, delay, hours, trigger.outside_hours)
    if at is None:
        return 0
    if at <= ctx.now:
        await acting.attempt(ctx, trigger, fit)
    else:
        await acting.wait(ctx, acting.OPEN, trigger.id, sorted(fit), at)
    return len(fit)


def _is_open(worked_on: bool | None, is_news: bool) -> bool:
    """Whether a trigger has still to deal with an event; ``worked_on``: it has an incident, under way or over."""
    return worked_on is None or (is_news and not worked_on)
