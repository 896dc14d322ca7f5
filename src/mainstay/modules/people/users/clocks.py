"""Clocking in and out: who is at work, since when, and what the times were."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import select

from mainstay.kernel import links, store
from mainstay.kernel.access.tables import User
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Conflict, Invalid
from mainstay.kernel.operation import Group, Page
from mainstay.kernel.query import ListQuery
from mainstay.kernel.trail import envelope, paged
from mainstay.modules.people.authentication.resource import own_account
from mainstay.modules.people.users.service import on_leaving
from mainstay.modules.people.users.tables import UserClock

clocks = Group("User Profile", "/ux/common/user/profile/")
IN, OUT = "in", "out"


class ClockInput(msgspec.Struct, kw_only=True):
    """``action`` is ``in`` or ``out``."""

    action: str = ""
    note: str = ""


class ClockRow(msgspec.Struct, kw_only=True):
    """One stretch of work; ``clock_out`` is null while it lasts."""

    id: str
    profile_id: str
    user_name: str
    clock_in: datetime
    clock_out: datetime | None
    seconds: int
    note: str


class ClockSaved(msgspec.Struct, kw_only=True):
    status: str = "success"
    data: ClockRow


class ClockPage(Page, kw_only=True):
    results: list[ClockRow]


class ClockQuery(ListQuery, kw_only=True):
    """Whose times (default: the caller's), from when until when."""

    profile_id: str = ""
    start: datetime | None = None
    end: datetime | None = None


class StatusQuery(msgspec.Struct, kw_only=True):
    profile_id: str = ""


class ClockStatus(msgspec.Struct, kw_only=True):
    """Whether somebody is clocked in. ``seconds_today``: worked since midnight in the person's time zone."""

    profile_id: str
    status: str
    clocked_in: bool
    since: datetime | None
    seconds_today: int


def _row(clock: UserClock, name: str, now: datetime) -> ClockRow:
    seconds = int(((clock.clock_out or now) - clock.clock_in).total_seconds())
    return ClockRow(
        id=clock.id,
        profile_id=clock.profile,
        user_name=name,
        clock_in=clock.clock_in,
        clock_out=clock.clock_out,
        seconds=max(0, seconds),
        note=clock.note,
    )


async def _open(ctx: Context, profiles: Collection[str]) -> list[UserClock]:
    query = select(UserClock).where(UserClock.profile.in_(list(profiles)), UserClock.clock_out.is_(None))
    return list((await ctx.session.execute(query)).scalars())


async def clocked_in(ctx: Context, profiles: Collection[str]) -> set[str]:
    """Which of these users are at work now."""
    return {clock.profile for clock in await _open(ctx, profiles)}


@clocks.route("POST", "user_clocks_data/")
async def user_clocks_data(ctx: Context, body: ClockInput) -> ClockSaved:
    """Clock in or out."""
    wanted = body.action.strip().lower().removeprefix("clock").strip("_- ")
    if wanted not in (IN, OUT):
        raise Invalid.field("action", "action must be in or out.")
    account = await store.get(ctx, User, (await own_account(ctx)).id, lock=True)
    running = await _open(ctx, [account.id])
    note = body.note.replace("\x00", "").strip()[:500]
    if wanted == IN:
        if running:
            raise Conflict(f"You are clocked in since {running[0].clock_in:%Y-%m-%d %H:%M} UTC. Clock out first.")
        clock = await store.add(ctx, UserClock(profile=account.id, clock_in=ctx.now, note=note))
    else:
        if not running:
            raise Conflict("You are not clocked in.")
        clock = running[0]
        clock.clock_out = ctx.now
        clock.note = note or clock.note
        await store.save(ctx, clock)
    return ClockSaved(data=_row(clock, account.full_name or account.username, ctx.now))


async def _whose(ctx: Context, profile_id: str) -> User:
    if not profile_id or profile_id == ctx.principal.profile_id:
        return await own_account(ctx)
    # Other people's times are for those who may see users.
    ctx.principal.require("user", "view")
    known = await links.look_up(ctx, "user", [profile_id[:255].replace("\x00", "")])
    return await store.get(ctx, User, known.get(profile_id.lower(), profile_id))


@clocks.route("GET", "get_user_clocks_data/")
async def get_user_clocks_data(ctx: Context, query: ClockQuery) -> ClockPage:
    """Clock times, newest first: the caller's own, or another user's."""
    account = await _whose(ctx, query.profile_id)
    statement: Any = select(UserClock).where(UserClock.profile == account.id)
    if query.start:
        statement = statement.where(UserClock.clock_in >= _aware(query.start, account))
    if query.end:
        statement = statement.where(UserClock.clock_in < _aware(query.end, account))
    total, found = await paged(ctx, statement.order_by(UserClock.clock_in.desc(), UserClock.id.desc()), query)
    name = account.full_name or account.username
    shape = envelope(query, total, [_row(clock, name, ctx.now) for (clock,) in found])
    return ClockPage(**{field: getattr(shape, field) for field in Page.__struct_fields__})


def _zone(account: User) -> ZoneInfo:
    try:
        return ZoneInfo(account.timezone or "UTC")
    except (KeyError, ValueError, OSError):
        return ZoneInfo("UTC")


def _aware(moment: datetime, account: User) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=_zone(account))


@clocks.route("GET", "get_user_clocks_status/")
async def get_user_clocks_status(ctx: Context, query: StatusQuery) -> ClockStatus:
    """Whether somebody is clocked in, since when, and how long they worked today."""
    account = await _whose(ctx, query.profile_id)
    zone = _zone(account)
    midnight = datetime.combine(ctx.now.astimezone(zone).date(), time(), zone)
    today = select(UserClock).where(
        UserClock.profile == account.id, UserClock.clock_out.is_(None) | (UserClock.clock_out > midnight)
    )
    stretches = list((await ctx.session.execute(today)).scalars())
    worked = sum(((c.clock_out or ctx.now) - max(c.clock_in, midnight)).total_seconds() for c in stretches)
    running = next((clock for clock in stretches if clock.clock_out is None), None)
    return ClockStatus(
        profile_id=account.id,
        status=IN if running else OUT,
        clocked_in=running is not None,
        since=running.clock_in if running else None,
        seconds_today=int(worked),
    )


@on_leaving
async def _leave(ctx: Context, ids: Sequence[str], _deleted: bool) -> None:
    for start in range(0, len(ids), store.CHUNK):
        running = await _open(ctx, ids[start : start + store.CHUNK])
        await store.update_many(ctx, UserClock, [clock.id for clock in running], {"clock_out": ctx.now})
