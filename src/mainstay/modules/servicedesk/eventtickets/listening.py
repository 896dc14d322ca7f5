"""What triggers hear: every state change of events, once, from the change feed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from mainstay.kernel import feed
from mainstay.kernel.changes import Change
from mainstay.kernel.context import Context
from mainstay.modules.organization.business_hours import service as business_hours
from mainstay.modules.servicedesk.eventtickets import acting, engine, matching, settling, tickets
from mainstay.modules.servicedesk.eventtickets.tables import EventTrigger

# What people do to an event is no reason to look at it again.
_BESIDE = frozenset({"acknowledged", "acknowledged_by", "acknowledged_at", "due_date", "assignee", "cleared_at",
                     "flapping", "suppressed_until", "suppression_reason"})  # fmt: skip


@dataclass(slots=True)
class Heard:
    """What a batch of changes says of events."""

    raised: dict[str, None] = field(default_factory=dict)
    ended: dict[str, None] = field(default_factory=dict)
    severity: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Event → severity before and after."""

    def note(self, change: Change) -> None:
        if change.action == "delete":
            self.ended[change.record_id] = None
            return
        if change.action in (tickets.LINKED, "comment"):
            return
        fields = {item["field"]: item for item in change.changes}
        if fields.get("cleared", {}).get("new") is True:
            self.ended[change.record_id] = None
        elif change.action == "create" or set(fields) - _BESIDE:
            self.raised[change.record_id] = None
        moved = fields.get("severity")
        if moved and change.action != "create" and moved["old"]:
            first = self.severity.get(change.record_id, (moved["old"], 0))[0]
            self.severity[change.record_id] = (first, moved["new"])


@feed.consumer("event_triggers")
async def hear(ctx: Context, batch: Sequence[Change]) -> None:
    """Open, update and resolve incidents for what happened to events."""
    heard = Heard()
    for change in batch:
        if change.resource == "event":
            heard.note(change)
    if heard.raised:
        await consider(ctx, list(heard.raised))
    if heard.severity:
        await settling.note_severities(ctx, heard.severity)
    if heard.ended:
        await settling.settle(ctx, list(heard.ended))


async def consider(ctx: Context, ids: Sequence[str]) -> None:
    """Let every active trigger look at events, at once or when its time has come."""
    triggers = await acting.active_triggers(ctx)
    if not triggers:
        return
    linked = await tickets.active_of(ctx, ids)
    hours = await business_hours.of_many(ctx, {item.business_hours for item in triggers if item.business_hours})
    for trigger in triggers:
        fit = await matching.fitting(ctx, trigger, ids)
        fit = {event for event in fit if not _has_ticket(linked.get(event, ()), trigger)}
        if not fit:
            continue
        delay = timedelta(seconds=trigger.delay)
        if trigger.trigger_type == engine.CORRELATION:
            delay = max(delay, engine.SETTLING)
        at = engine.due(ctx.now, delay, hours.get(trigger.business_hours or ""), trigger.outside_hours)
        if at is None:
            continue
        if at <= ctx.now:
            await acting.attempt(ctx, trigger, fit)
        else:
            await acting.wait(ctx, acting.OPEN, trigger.id, sorted(fit), at)


def _has_ticket(linked: Sequence[tuple[str, str]], trigger: EventTrigger) -> bool:
    return any(rule == trigger.id for _incident, rule in linked)
