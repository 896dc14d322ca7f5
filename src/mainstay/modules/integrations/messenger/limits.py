"""When not to tell: quiet hours, repeats, too many, maintenance, flapping; and the windows of digests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from mainstay.kernel.calendar import BusinessHours
from mainstay.kernel.context import Context
from mainstay.kernel.record import new_id
from mainstay.modules.integrations.messenger import engine
from mainstay.modules.integrations.messenger.engine import MAINTENANCE, Quiet
from mainstay.modules.integrations.messenger.tables import HELD, SUPPRESS, SUPPRESSED, Notification, Subscription

MAX_TURNS = 400
"""Days that are looked ahead for a time at which both business and quiet hours let a message through."""


@dataclass(frozen=True, slots=True)
class Window:
    """One digest that is being collected; its id is that of the message it will be."""

    id: str
    ends: datetime


@dataclass(slots=True)
class Limits:
    """What was told lately, kept up to date through a batch."""

    last: dict[tuple[str, str, str], datetime] = field(default_factory=dict)
    """(subscription, record, trigger) → when it was told last."""
    hour: dict[str, int] = field(default_factory=dict)
    """Subscription → happenings told within the last hour."""
    windows: dict[tuple[str, str], Window] = field(default_factory=dict)

    def refuses(
        self, subscription: Subscription, record_id: str, trigger: str, record: Mapping[str, Any], now: datetime
    ) -> str:
        """Why this is not told, or nothing; then it counts as told."""
        if not subscription.in_maintenance and (record.get("suppressed") or record.get("severity") == MAINTENANCE):
            why = record.get("suppression_reason")
            return f"The event is suppressed: {why}" if why else "The event is suppressed or in maintenance"
        if not subscription.when_flapping and record.get("flapping"):
            return "The event is flapping"
        key = (subscription.id, record_id, trigger)
        since = self.last.get(key)
        if subscription.repeat_minutes and since and now - since < timedelta(minutes=subscription.repeat_minutes):
            return f"Told less than {subscription.repeat_minutes} minutes before"
        count = self.hour.get(subscription.id, 0)
        if subscription.max_per_hour and count >= subscription.max_per_hour:
            return f"More than {subscription.max_per_hour} within an hour"
        self.last[key] = now
        self.hour[subscription.id] = count + 1
        return ""

    def window(self, subscription: Subscription, target: str, now: datetime, held: datetime | None) -> Window:
        """The digest that this belongs to; a new one where none is open."""
        key = (subscription.id, target)
        if key not in self.windows:
            ends = now + timedelta(minutes=subscription.digest_minutes)
            self.windows[key] = Window(new_id(), max(ends, held) if held else ends)
        return self.windows[key]


def zone(subscription: Subscription) -> ZoneInfo:
    try:
        return ZoneInfo(subscription.timezone or "UTC")
    except (KeyError, ValueError, OSError):
        return ZoneInfo("UTC")


def hours(subscription: Subscription, calendar: BusinessHours | None, now: datetime) -> tuple[datetime | None, str]:
    """Until when a message is held because of the hours, or why they suppress it."""
    start, end = engine.clock(subscription.quiet_from), engine.clock(subscription.quiet_until)
    quiet = None if start is None or end is None or start == end else Quiet(start, end, zone(subscription))
    why = ""
    if calendar is not None and not calendar.is_open(now):
        why = "Outside business hours"
    elif quiet is not None and quiet.holds(now):
        why = f"Quiet hours from {subscription.quiet_from} to {subscription.quiet_until}"
    if not why or subscription.outside == SUPPRESS:
        return None, why
    at = now
    for _turn in range(MAX_TURNS):
        # The end of quiet hours may lie outside business hours, and the other way round.
        opens = calendar.next_open(at) if calendar is not None else at
        if opens is None:
            return None, why
        at = opens
        if quiet is None or not quiet.holds(at):
            return at, ""
        at = quiet.ends(at)
    return None, why


async def load(ctx: Context, subscriptions: Sequence[Subscription], record_ids: Sequence[str]) -> Limits:
    """What the limits of these subscriptions depend on; asks only for limits that are set."""
    found = Limits()
    n = Notification
    told = (n.status != SUPPRESSED, n.is_system_gen.is_(True))
    again = [item.id for item in subscriptions if item.repeat_minutes]
    if again:
        longest = max(item.repeat_minutes for item in subscriptions)
        for start in range(0, len(record_ids), 500):
            query = (
                select(n.subscription, n.ref_id, n.trigger, func.max(n.creation_time))
                .where(n.ref_id.in_(record_ids[start : start + 500]), n.subscription.in_(again),
                       n.creation_time > ctx.now - timedelta(minutes=longest), *told)
                .group_by(n.subscription, n.ref_id, n.trigger)
                .execution_options(include_deleted=True)
            )  # fmt: skip
            for subscription, record, trigger, at in (await ctx.session.execute(query)).all():
                found.last[str(subscription), record, trigger] = at
    counted = [item.id for item in subscriptions if item.max_per_hour]
    if counted:
        # A happening is one, however many recipients it went to.
        happenings = (
            select(n.subscription, n.ref_id, n.trigger, n.creation_time)
            .where(n.subscription.in_(counted), n.creation_time > ctx.now - timedelta(hours=1), *told)
            .distinct()
            .subquery()
        )
        rate = select(happenings.c.subscription, func.count()).group_by(happenings.c.subscription)
        found.hour = {str(row[0]): int(row[1]) for row in (await ctx.session.execute(rate)).all()}
    digested = [item.id for item in subscriptions if item.digest_minutes]
    if digested:
        opened = (
            select(n.subscription, n.target, func.max(n.digest), func.max(n.due_at))
            .where(n.subscription.in_(digested), n.status == HELD, n.digest != "", n.due_at > ctx.now)
            .group_by(n.subscription, n.target)
        )
        for subscription, target, digest, ends in (await ctx.session.execute(opened)).all():
            assert ends is not None
            found.windows[str(subscription), target] = Window(digest, ends)
    return found
