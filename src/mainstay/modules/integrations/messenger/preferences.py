"""What people choose about their own notifications: unsubscribe, leave out a kind, be quiet for a while."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import or_, select

from mainstay.kernel import store
from mainstay.kernel.access.tables import User
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Conflict, Forbidden, Invalid
from mainstay.kernel.fields import Field
from mainstay.kernel.operation import Group
from mainstay.kernel.query import holds_any
from mainstay.kernel.validation import BadValue, read
from mainstay.modules.integrations.messenger.tables import KINDS, Channel, Preference, Subscription
from mainstay.modules.people.teams import service as teams

mine = Group("Own Notifications", "/api/my-notifications")
_MUTED = Field(name="muted_until", kind="datetime", label="Muted until")
_OFF = Field(name="kinds_off", kind="choices", choices=KINDS, label="Kinds")


class MySubscription(msgspec.Struct, kw_only=True):
    """A subscription that reaches the caller. ``subscribed``: whether they still want it."""

    id: str
    name: str
    about: str
    triggers: list[str]
    kinds: list[str]
    mandatory: bool
    subscribed: bool


class MyNotifications(msgspec.Struct, kw_only=True):
    """The caller's choices. ``kinds_off``: no messages of these kinds; ``muted_until``: none at all until then."""

    subscriptions: list[MySubscription]
    kinds_off: list[str]
    muted_until: datetime | None


class MyChoices(msgspec.Struct, kw_only=True):
    """``subscriptions``: id → whether the caller wants it. What is not named stays."""

    subscriptions: dict[str, bool] = {}
    kinds_off: Any = msgspec.UNSET
    muted_until: Any = msgspec.UNSET


def _profile(ctx: Context) -> str:
    if not ctx.principal.profile_id:
        raise Forbidden("An API key that acts as nobody has no notifications of its own.")
    return ctx.principal.profile_id


async def _reaching(ctx: Context) -> list[Subscription]:
    """The subscriptions that name the caller, or a team of theirs."""
    profile, sqlite = _profile(ctx), ctx.platform.database.is_sqlite
    own = [team.team_id for team in (await teams.teams_of(ctx, [profile])).get(profile, [])]
    named = [holds_any(sqlite, Subscription.users, [profile])]
    if own:
        named.append(holds_any(sqlite, Subscription.teams, own))
    query = select(Subscription).where(Subscription.enabled.is_(True), or_(*named)).order_by(Subscription.name)
    return list((await ctx.session.execute(query)).scalars())


async def _chosen(ctx: Context) -> Preference | None:
    return await store.find(ctx, select(Preference).where(Preference.profile == _profile(ctx)))


@mine.route("GET", "/")
async def listing(ctx: Context) -> MyNotifications:
    """The notifications that reach the caller, and what they chose about them"""
    found, chosen = await _reaching(ctx), await _chosen(ctx)
    wanted = {item for row in found for item in row.channels}
    kinds = {row.id: row.kind for row in (await ctx.session.execute(
        select(Channel.id, Channel.kind).where(Channel.id.in_(wanted)))).all()}  # fmt: skip
    off = set(chosen.unsubscribed) if chosen else set()
    return MyNotifications(
        subscriptions=[
            MySubscription(id=row.id, name=row.name, about=row.about, triggers=row.triggers, mandatory=row.mandatory,
                           kinds=sorted({kinds[item] for item in row.channels if item in kinds}),
                           subscribed=row.mandatory or row.id not in off)
            for row in found
        ],
        kinds_off=chosen.kinds_off if chosen else [],
        muted_until=chosen.muted_until if chosen else None,
    )  # fmt: skip


@mine.route("PUT", "/")
async def choosing(ctx: Context, body: MyChoices) -> MyNotifications:
    """Unsubscribe from notifications or subscribe again, leave out kinds, be quiet until a time"""
    profile = _profile(ctx)
    # The account is locked, so that two first choices do not collide.
    await store.get(ctx, User, profile, lock=True)
    reaching = {row.id: row for row in await _reaching(ctx)}
    chosen = await _chosen(ctx)
    values: dict[str, Any] = {"unsubscribed": list(chosen.unsubscribed) if chosen else []}
    for record_id, wanted in body.subscriptions.items():
        if record_id not in reaching:
            raise Invalid.field("subscriptions", f"No subscription {record_id[:40]!r} reaches you.")
        if not wanted and reaching[record_id].mandatory:
            raise Conflict(f"{reaching[record_id].name} is mandatory: nobody may unsubscribe.")
        values["unsubscribed"] = [item for item in values["unsubscribed"] if item != record_id]
        if not wanted:
            values["unsubscribed"].append(record_id)
    for spec, given in ((_OFF, body.kinds_off), (_MUTED, body.muted_until)):
        if given is not msgspec.UNSET:
            try:
                values[spec.name] = read(spec, given)
            except BadValue as bad:
                raise Invalid.field(spec.name, str(bad)) from None
    if chosen is None:
        await store.add(ctx, Preference(profile=profile, **values))
    else:
        for name, value in values.items():
            setattr(chosen, name, value)
        await store.save(ctx, chosen)
    return await listing(ctx)
