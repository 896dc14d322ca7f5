"""The further operations of leaves: one's own, balances, the calendar and the configuration."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any

import msgspec
from sqlalchemy import select

from mainstay.kernel import links, options, store, verbs, writing
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Forbidden, Invalid
from mainstay.kernel.operation import Reply, operation
from mainstay.modules.people.leaves import engine, service
from mainstay.modules.people.leaves.resource import LeaveQuery, holidays, leave_types, leaves, page_of
from mainstay.modules.people.leaves.service import Balance
from mainstay.modules.people.leaves.tables import Holiday, Leave, LeaveType


class BalanceQuery(msgspec.Struct, kw_only=True):
    """Whose balances (default: yours) and of which leave year (default: the present one)."""

    user: str = ""
    year: int | None = None


class Balances(msgspec.Struct, kw_only=True):
    """What is left, by leave type."""

    profile_id: str
    results: list[Balance]


MyLeaves = msgspec.defstruct(
    "MyLeaves",
    [(item.name, item.type) for item in msgspec.structs.fields(verbs.page_of(leaves))] + [("balances", list[Balance])],
    kw_only=True,
)


class CalendarQuery(msgspec.Struct, kw_only=True):
    """``view`` (month, week, day or list) around ``date``, or ``start`` to ``end``; of a type or a person."""

    view: str = "month"
    date: str = ""
    start: str = ""
    end: str = ""
    leave_type: str = ""
    user: str = ""


class CalendarLeave(msgspec.Struct, kw_only=True):
    """A leave as the calendar shows it."""

    leave_id: str
    profile_id: str
    full_name: str
    leave_type: str
    color: str
    start_date: date
    end_date: date
    days: int


class CalendarDay(msgspec.Struct, kw_only=True):
    """One day: whether people work, the holiday it is, and who is away (ids of leaves)."""

    date: date
    working: bool
    holiday: str
    leaves: list[str]


class LeaveCalendar(msgspec.Struct, kw_only=True):
    """Who is away when."""

    start: date
    end: date
    days: list[CalendarDay]
    leaves: list[CalendarLeave]


class TypeConfig(msgspec.Struct, kw_only=True):
    """A leave type. ``days`` per year; empty: not limited."""

    name: str
    days: int | None = None
    id: str = ""
    color: str = ""
    description: str = ""


class HolidayConfig(msgspec.Struct, kw_only=True):
    """A day nobody works."""

    name: str
    date: date
    id: str = ""


class LeaveConfig(msgspec.Struct, kw_only=True):
    """Leave types, holidays, the days of the weekend (Monday is 0), the month the leave year starts in."""

    leave_types: list[TypeConfig]
    holidays: list[HolidayConfig]
    weekend: list[int]
    year_start_month: int


class LeaveConfigInput(msgspec.Struct, kw_only=True):
    """What is given replaces what was; what is left out stays. An entry with an id, or a known name or
    date, is changed; one that is missing is deleted."""

    leave_types: list[TypeConfig] | msgspec.UnsetType = msgspec.UNSET
    holidays: list[HolidayConfig] | msgspec.UnsetType = msgspec.UNSET
    weekend: list[int] | msgspec.UnsetType = msgspec.UNSET
    year_start_month: int | msgspec.UnsetType = msgspec.UNSET


def _me(ctx: Context) -> str:
    if not ctx.principal.profile_id:
        raise Forbidden("This key acts for nobody, so it has no leaves of its own.")
    return ctx.principal.profile_id


@leaves.action("GET", "my_leaves/", returns=MyLeaves)
async def my_leaves(ctx: Context, query: LeaveQuery) -> Any:
    """Your own leaves and balances"""
    me = _me(ctx)
    page = await page_of(ctx, query, verbs.query_filters(query, None), [Leave.user == me])
    return MyLeaves(**msgspec.structs.asdict(page), balances=await service.balances(ctx, me))


@leaves.action("POST", "my_leaves/", privilege="add", status=201, body=leaves.input, returns=verbs.saved_of(leaves))
async def apply(ctx: Context, body: Any) -> Any:
    """Apply for a leave of your own"""
    row = await writing.create(ctx, leaves, {**writing.document(body), "user": _me(ctx)})
    out = await verbs.whole(ctx, leaves, row["id"])
    return Reply(verbs.saved(leaves, out, row["id"], "create"), status=201)


@leaves.action("DELETE", "my_leaves/{id}/", privilege="add", status=204, returns=None)
async def withdraw(ctx: Context, id: str) -> Any:
    """Withdraw a leave of your own that has not begun"""
    leave = await verbs.entity_of(ctx, leaves, id, lock=True)
    if leave.user != _me(ctx):
        raise Forbidden("This is somebody else's leave.")
    if leave.start_date <= ctx.now.date() and not ctx.principal.can("leave", "delete"):
        raise Forbidden("This leave has begun. Ask somebody who may delete leaves.")
    await writing.remove_many(ctx, leaves, [leave.id])
    return Reply(None, status=204)


@leaves.action("GET", "balances/")
async def balances(ctx: Context, query: BalanceQuery) -> Balances:
    """Days taken and left, by leave type"""
    person = await _person(ctx, query.user) if query.user else _me(ctx)
    if query.year is not None and not 1970 <= query.year <= 9998:
        raise Invalid.field("year", "year must be between 1970 and 9998.")
    return Balances(profile_id=person, results=await service.balances(ctx, person, query.year))


async def _person(ctx: Context, word: str) -> str:
    found = (await links.look_up(ctx, "user", [word])).get(word.lower())
    if found is None:
        raise Invalid.field("user", f"There is no user {word[:80]!r}.")
    return found


def _span(query: CalendarQuery, today: date) -> tuple[date, date]:
    def day(name: str, text: str) -> date:
        try:
            return date.fromisoformat(text[:10])
        except ValueError:
            raise Invalid.field(name, f"{name} must be a date such as 2026-01-31.") from None

    if query.start or query.end:
        start = day("start", query.start or query.end)
        end = day("end", query.end or query.start)
    else:
        anchor = day("date", query.date) if query.date else today
        if not 1970 <= anchor.year <= 9998:
            raise Invalid.field("date", "date must be between the years 1970 and 9998.")
        if query.view not in ("month", "week", "day", "list"):
            raise Invalid.field("view", "view must be one of: month, week, day, list.")
        start = end = anchor
        if query.view == "week":
            start = anchor - timedelta(days=anchor.weekday())
            end = start + timedelta(days=6)
        elif query.view != "day":
            start = anchor.replace(day=1)
            end = (start + timedelta(days=32)).replace(day=1) - timedelta(days=1)
    if end < start or (end - start).days > 400:
        raise Invalid.field("end", "end must be at most 400 days after start.")
    return start, end


@leaves.action("GET", "calendar/")
async def calendar(ctx: Context, query: CalendarQuery) -> LeaveCalendar:
    """Who is away when, with weekends and holidays"""
    start, end = _span(query, ctx.now.date())
    known = await service.calendar(ctx, start, end)
    wanted = select(Leave).where(Leave.start_date <= end, Leave.end_date >= start).order_by(Leave.start_date, Leave.id)
    if query.user:
        wanted = wanted.where(Leave.user == await _person(ctx, query.user))
    if query.leave_type:
        found = (await links.look_up(ctx, "leave_type", [query.leave_type])).get(query.leave_type.lower())
        wanted = wanted.where(Leave.leave_type == (found or query.leave_type))
    away = list((await ctx.session.execute(wanted.limit(5000))).scalars())
    people = await service.accounts(ctx, {item.user for item in away})
    types = {item.id: item for item in (await ctx.session.execute(select(LeaveType))).scalars()}
    shown = [_shown(item, people, types) for item in away]
    return LeaveCalendar(
        start=start,
        end=end,
        leaves=shown,
        days=[
            CalendarDay(
                date=day,
                working=day.weekday() not in known.weekend and day not in known.holidays,
                holiday=known.holidays.get(day, ""),
                leaves=[item.leave_id for item in shown if item.start_date <= day <= item.end_date],
            )
            for day in engine.days_between(start, end)
        ],
    )


def _shown(leave: Leave, people: Mapping[str, Any], types: Mapping[str, LeaveType]) -> CalendarLeave:
    account, kind = people.get(leave.user), types.get(leave.leave_type)
    return CalendarLeave(
        leave_id=leave.id,
        profile_id=leave.user,
        full_name=(account.full_name or account.username) if account else "",
        leave_type=kind.name if kind else "",
        color=kind.color if kind else "",
        start_date=leave.start_date,
        end_date=leave.end_date,
        days=leave.days or 0,
    )


@leaves.action("GET", "get_config/")
async def get_config(ctx: Context) -> LeaveConfig:
    """Leave types, holidays and the working week"""
    weekend, month = await options.get(ctx, service.WEEKEND, service.YEAR_START)
    types = (await ctx.session.execute(select(LeaveType).order_by(LeaveType.name))).scalars()
    days = (await ctx.session.execute(select(Holiday).order_by(Holiday.date))).scalars()
    return LeaveConfig(
        leave_types=[
            TypeConfig(id=item.id, name=item.name, days=item.days, color=item.color, description=item.description)
            for item in types
        ],
        holidays=[HolidayConfig(id=item.id, name=item.name, date=item.date) for item in days],
        weekend=sorted(weekend),
        year_start_month=month,
    )


async def save_config(ctx: Context, body: LeaveConfigInput) -> LeaveConfig:
    """Save leave types, holidays and the working week"""
    chosen: dict[str, Any] = {}
    if body.weekend is not msgspec.UNSET:
        if len(set(body.weekend)) > 6:
            raise Invalid.field("weekend", "At least one day of the week must be a working day.")
        chosen[service.WEEKEND] = body.weekend
    if body.year_start_month is not msgspec.UNSET:
        chosen[service.YEAR_START] = body.year_start_month
    if chosen:
        await options.put(ctx, chosen)
    if body.leave_types is not msgspec.UNSET:
        await _sync(
            ctx,
            leave_types,
            LeaveType,
            [msgspec.to_builtins(item) for item in body.leave_types],
            lambda item: str(item["name"]).strip().lower(),
            lambda row: row.name.lower(),
        )
    if body.holidays is not msgspec.UNSET:
        await _sync(
            ctx,
            holidays,
            Holiday,
            [msgspec.to_builtins(item) for item in body.holidays],
            lambda item: str(item["date"]),
            lambda row: row.date.isoformat(),
        )
    if body.weekend is not msgspec.UNSET or body.holidays is not msgspec.UNSET:
        await service.recount(ctx)
    return await get_config(ctx)


leaves.actions.append(
    operation(
        save_config,
        "POST",
        leaves.path + "save_config/",
        leaves.module,
        permission=("leave_config", "edit"),
        resource=leaves.name,
    )
)


async def _sync(
    ctx: Context,
    res: Any,
    model: Any,
    given: list[dict[str, Any]],
    key: Callable[[dict[str, Any]], str],
    key_of: Callable[[Any], str],
) -> None:
    """Make the records of a resource those that were given."""
    if len(given) > 2000:
        raise Invalid("At most 2000 entries can be saved at once.")
    known = {row.id: row for row in (await ctx.session.execute(select(model))).scalars()}
    by_key = {key_of(row): row for row in known.values()}
    fresh, kept = [], set()
    for item in given:
        row = known.get(item["id"]) or by_key.get(key(item))
        if item["id"] and item["id"] not in known:
            raise Invalid(f"No {res.label.lower()} has the id {item['id'][:64]!r}.")
        if row is None:
            fresh.append({name: value for name, value in item.items() if name != "id"})
        elif row.id in kept:
            raise Invalid(f"{item['name']} is given twice.")
        else:
            kept.add(row.id)
            await writing.update(ctx, res, row, item, partial=False)
    gone = [row_id for row_id in known if row_id not in kept]
    if gone:
        await writing.remove_many(ctx, res, gone)
    if fresh:
        await writing.create_many(ctx, res, fresh)
    await store.flush(ctx)


__all__ = ["holidays", "leave_types", "leaves"]
