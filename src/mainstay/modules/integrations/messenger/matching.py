"""From changes to messages: what happened meets the subscriptions, in the transaction of the change feed's position."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import msgspec
import structlog
from sqlalchemy import select, true

from mainstay.kernel import feed, query, rows
from mainstay.kernel.calendar import BusinessHours
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Invalid
from mainstay.modules.integrations.messenger import engine, limits, outbox, recipients, wording
from mainstay.modules.integrations.messenger.limits import Limits
from mainstay.modules.integrations.messenger.recipients import Address, Book
from mainstay.modules.integrations.messenger.tables import (
    API,
    BEEP,
    HELD,
    OF,
    SMS,
    SUPPRESSED,
    SYSLOG,
    Channel,
    Subscription,
    Template,
)
from mainstay.modules.integrations.messenger.templating import TemplateError
from mainstay.modules.integrations.messenger.wording import Words
from mainstay.modules.organization.business_hours import service as business_hours

log = structlog.get_logger("mainstay.notifications")
PER_STATEMENT = 40
"""Subscriptions whose conditions are put to the database at once."""


@dataclass(frozen=True, slots=True)
class Happening:
    """One trigger on one record."""

    about: str
    record: str
    trigger: str
    at: datetime
    actor: str


@dataclass(slots=True)
class Found:
    """A happening that a subscription wants to tell."""

    subscription: Subscription
    happening: Happening
    record: Mapping[str, Any]


@dataclass(slots=True)
class Desk:
    """What is loaded once for a batch."""

    channels: dict[str, Channel]
    templates: dict[str, Words]
    book: Book
    limits: Limits
    calendars: dict[str, BusinessHours]
    organization: str

    def words(self, subscription: Subscription, kind: str) -> Words:
        return self.templates.get(subscription.template or "") or _shipped(subscription.about, kind)


_shipped = cache(wording.shipped)


@feed.consumer("notifications", OF)
async def notify(ctx: Context, changes: Sequence[feed.Entry]) -> None:
    """Store the messages that these changes of one organization cause."""
    about = {change.resource for change in changes} & ctx.platform.registry.resources.keys()
    subscribed = select(Subscription).where(Subscription.enabled.is_(True), Subscription.about.in_(about))
    subscriptions = list((await ctx.session.execute(subscribed.order_by(Subscription.id))).scalars())
    about = {subscription.about for subscription in subscriptions}
    happened = [
        Happening(change.resource, change.record_id, trigger, change.at, change.actor_name)
        for change in changes
        if change.resource in about
        for trigger in engine.triggers_of(change.resource, change.action, change.changes)
    ]
    if not happened:
        return
    found = [
        item
        for name in sorted({item.about for item in happened})
        for item in await _matching(ctx, name, subscriptions, happened)
    ]
    if not found:
        return
    desk = await _desk(ctx, found)
    made: list[dict[str, Any]] = []
    for item in found:
        try:
            made += _messages(ctx, desk, item)
        except Exception:
            # One record that cannot be told must not keep the others from being told.
            log.exception("no message was made", subscription=item.subscription.id, record=item.happening.record)
    await outbox.put(ctx, made)


def wants(subscription: Subscription, happening: Happening) -> bool:
    """Whether the subscription is about this, apart from its conditions. What was before it is not told."""
    chosen = subscription.triggers or engine.DEFAULT_TRIGGERS[subscription.about]
    return (
        subscription.about == happening.about
        and happening.trigger in chosen
        and happening.at >= subscription.creation_time
    )


async def _matching(
    ctx: Context, about: str, subscriptions: Sequence[Subscription], happened: Sequence[Happening]
) -> list[Found]:
    happened = [item for item in happened if item.about == about]
    wanted = [item for item in subscriptions if any(wants(item, one) for one in happened)]
    if not wanted:
        return []
    ids = list(dict.fromkeys(item.record for item in happened))
    passing = await _passing(ctx, about, wanted, ids)
    records = await wording.records(ctx, about, sorted(set().union(*passing.values())))
    return [
        Found(subscription, item, records[item.record])
        for item in happened
        for subscription in wanted
        if item.record in passing[subscription.id] and item.record in records and wants(subscription, item)
    ]


async def _passing(
    ctx: Context, about: str, subscriptions: Sequence[Subscription], ids: Sequence[str]
) -> dict[str, set[str]]:
    """Which records fulfil each subscription's conditions: the conditions of many are columns of one statement."""
    res = ctx.platform.registry.resources[about]
    source = await rows.source(ctx, res)
    columns: list[tuple[str, Any]] = []
    for item in subscriptions:
        try:
            condition = query.where(source, query.parse_filters(item.conditions))
        except Invalid as error:
            # A field that it filters by is gone; the others must be told all the same.
            log.warning("subscription cannot be matched", subscription=item.id, error=str(error))
            continue
        columns.append((item.id, true() if condition is None else condition))
    passing: dict[str, set[str]] = {item.id: set() for item in subscriptions}
    for first in range(0, len(columns), PER_STATEMENT):
        part = columns[first : first + PER_STATEMENT]
        for start in range(0, len(ids), 500):
            statement = select(res.model.id, *[condition.label(f"c{n}") for n, (_id, condition) in enumerate(part)])
            found = await ctx.session.execute(statement.where(res.model.id.in_(ids[start : start + 500])))
            for row in found.all():
                for (subscription, _condition), holds in zip(part, row[1:], strict=True):
                    if holds:
                        passing[subscription].add(row[0])
    return passing


async def _desk(ctx: Context, found: Sequence[Found]) -> Desk:
    subscriptions = list({item.subscription.id: item.subscription for item in found}.values())
    wanted = {channel for item in subscriptions for channel in item.channels}
    loaded = select(Channel).where(Channel.id.in_(wanted), Channel.enabled.is_(True))
    channels = {channel.id: channel for channel in (await ctx.session.execute(loaded)).scalars()}
    chosen = {item.template for item in subscriptions if item.template}
    templates = {}
    for row in (await ctx.session.execute(select(Template).where(Template.id.in_(chosen)))).scalars() if chosen else ():
        try:
            templates[row.id] = wording.words(row.subject, row.body, row.html)
        except TemplateError as error:
            log.warning("template cannot be read", template=row.id, error=str(error))
    timed = sorted({item.business_hours for item in subscriptions if item.business_hours})
    people = {"assignee", "watcher", "team"}
    named = [{name: item.record.get(name) for name in people} for item in found if item.subscription.people]
    return Desk(
        channels=channels,
        templates=templates,
        book=await recipients.load(ctx, subscriptions, named),
        limits=await limits.load(ctx, subscriptions, sorted({item.happening.record for item in found})),
        calendars=await business_hours.of_many(ctx, timed) if timed else {},
        organization=await wording.organization_name(ctx),
    )


def _messages(ctx: Context, desk: Desk, found: Found) -> list[dict[str, Any]]:
    subscription, happening, record = found.subscription, found.happening, found.record
    zone = limits.zone(subscription)
    values = wording.values(ctx, happening.about, record, happening.trigger, organization=desk.organization,
                            actor=happening.actor)  # fmt: skip
    suppressed = desk.limits.refuses(subscription, happening.record, happening.trigger, record, ctx.now)
    made: list[dict[str, Any]] = []
    payload: dict[str, Any] | None = None
    for channel_id in subscription.channels:
        channel = desk.channels.get(channel_id)
        if channel is None:
            continue
        message = wording.render(desk.words(subscription, channel.kind), values, zone)
        for address in desk.book.addresses(channel.kind, subscription, record):
            if payload is None and channel.kind in (API, SMS, SYSLOG):
                payload = msgspec.to_builtins({**values, happening.about: _public(record)})
            row: dict[str, Any] = {
                "kind": channel.kind, "channel": channel.id, "recipient": address.to[:500],
                "profile": address.profile, "subscription": subscription.id, "trigger": happening.trigger,
                "is_system_gen": True, "ref_type": happening.about, "ref_id": happening.record,
                "ref_display_id": str(record.get("display_id") or ""), "subject": message.subject,
                "body": message.body, "html": message.html if channel.kind == "email" else "",
                "data": payload if channel.kind in (API, SMS, SYSLOG) else
                        {"link": values["link"]} if channel.kind == BEEP else {},
            }  # fmt: skip
            _when(ctx, desk, subscription, row, suppressed or _unreached(ctx, desk, address, subscription))
            made.append(row)
    return made


def _public(record: Mapping[str, Any]) -> dict[str, Any]:
    """What a receiver outside is told of a record."""
    inner = {"organization", "version", "is_deleted", "is_demo_data", "created_by", "modified_by", "raw"}
    return {name: value for name, value in record.items() if name not in inner}


def _unreached(ctx: Context, desk: Desk, address: Address, subscription: Subscription) -> str:
    if address.missing:
        return address.missing
    until = desk.book.muted(address.profile)
    if until is not None and until > ctx.now and not subscription.mandatory:
        return f"Muted by the user until {until:%Y-%m-%d %H:%M} UTC"
    return ""


def _when(ctx: Context, desk: Desk, subscription: Subscription, row: dict[str, Any], suppressed: str) -> None:
    """Set whether the message goes now, later, with others, or not at all."""
    target = outbox.target_of(row["kind"], row["channel"], row["recipient"] or row["profile"] or "")
    if not suppressed:
        held, suppressed = limits.hours(subscription, desk.calendars.get(subscription.business_hours or ""), ctx.now)
        if not suppressed and subscription.digest_minutes:
            window = desk.limits.window(subscription, target, ctx.now, held)
            row.update(status=HELD, digest=window.id, due_at=window.ends)
        elif held is not None:
            row.update(status=HELD, due_at=held)
    if suppressed:
        row.update(status=SUPPRESSED, reason=suppressed[:255])
