"""Leaves over a context: the organization's calendar, balances and the checks of new leaves."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import msgspec
from sqlalchemy import or_, select

from mainstay.kernel import options, store
from mainstay.kernel.access.tables import User
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Invalid
from mainstay.kernel.fields import Choice
from mainstay.modules.people.leaves import engine
from mainstay.modules.people.leaves.tables import Holiday, Leave, LeaveType

WEEKDAYS = tuple(
    Choice(number, name)
    for number, name in enumerate(("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"))
)
WEEKEND = options.option(
    "leave.weekend", "choices", [5, 6], "Days of the week nobody works", section="Leaves", choices=WEEKDAYS
)
YEAR_START = options.option(
    "leave.year_start_month",
    "integer",
    1,
    "Month in which the leave year starts",
    section="Leaves",
    minimum=1,
    maximum=12,
)
LONGEST = 366
"""Calendar days that one leave may span."""


@dataclass(slots=True)
class Calendar:
    """When people work."""

    weekend: frozenset[int]
    holidays: dict[date, str]
    first_month: int

    def working(self, start: date, end: date) -> list[date]:
        return engine.working_days(start, end, self.weekend, self.holidays)


class Balance(msgspec.Struct, kw_only=True):
    """Days of one leave type in one leave year. ``days`` and ``remaining`` are empty without a limit."""

    leave_type_id: str
    leave_type: str
    year: int
    days: int | None
    taken: int
    remaining: int | None


async def calendar(ctx: Context, start: date, end: date) -> Calendar:
    """The rules and holidays between two days."""
    weekend, month = await options.get(ctx, WEEKEND, YEAR_START)
    found = await ctx.session.execute(
        select(Holiday.date, Holiday.name).where(Holiday.date >= start, Holiday.date <= end)
    )
    return Calendar(frozenset(weekend), {row.date: row.name for row in found.all()}, month)


async def balances(ctx: Context, profile_id: str, year: int | None = None) -> list[Balance]:
    """Every leave type with what one person took and has left in a leave year (default: the present one)."""
    (month,) = await options.get(ctx, YEAR_START)
    chosen = engine.leave_year(ctx.now.date(), month) if year is None else year
    first, last = engine.year_bounds(chosen, month)
    known = await calendar(ctx, first, last)
    query = select(Leave).where(Leave.user == profile_id, Leave.start_date <= last, Leave.end_date >= first)
    taken: Counter[str] = Counter()
    for leave in (await ctx.session.execute(query)).scalars():
        taken[leave.leave_type] += len(known.working(max(first, leave.start_date), min(last, leave.end_date)))
    types = (await ctx.session.execute(select(LeaveType).order_by(LeaveType.name))).scalars()
    return [
        Balance(
            leave_type_id=item.id,
            leave_type=item.name,
            year=chosen,
            days=item.days,
            taken=taken[item.id],
            remaining=None if item.days is None else item.days - taken[item.id],
        )
        for item in types
    ]


async def check(ctx: Context, rows: Sequence[dict[str, Any]], *, except_id: str = "") -> None:
    """Fill in the working days of new or changed leaves.

    Raises ``Invalid``: dates out of order, no working day, an overlap, or more days than are left.
    """
    for row in rows:
        start, end = row["start_date"], row["end_date"]
        if end < start:
            raise Invalid.field("end_date", "The last day must not be before the first.")
        if (end - start).days >= LONGEST:
            raise Invalid.field("end_date", f"A leave spans at most {LONGEST} days.")
    people = sorted({row["user"] for row in rows})
    # Two leaves of one person are checked one after the other, or both would see the same balance.
    await ctx.session.execute(select(User.id).where(User.id.in_(people)).order_by(User.id).with_for_update())
    (month,) = await options.get(ctx, YEAR_START)
    first, _ = engine.year_bounds(engine.leave_year(min(row["start_date"] for row in rows), month), month)
    _, last = engine.year_bounds(engine.leave_year(max(row["end_date"] for row in rows), month), month)
    known = await calendar(ctx, first, last)
    types = {item.id: item for item in (await ctx.session.execute(select(LeaveType))).scalars()}
    held: dict[str, list[tuple[str, date, date]]] = defaultdict(list)
    query = select(Leave).where(Leave.user.in_(people), Leave.start_date <= last, Leave.end_date >= first)
    for leave in (await ctx.session.execute(query)).scalars():
        if leave.id != except_id:
            held[leave.user].append((leave.leave_type, leave.start_date, leave.end_date))
    for row in rows:
        _check_one(row, held[row["user"]], types[row["leave_type"]], known)
        held[row["user"]].append((row["leave_type"], row["start_date"], row["end_date"]))


def _check_one(row: dict[str, Any], held: Sequence[tuple[str, date, date]], kind: LeaveType, known: Calendar) -> None:
    start, end = row["start_date"], row["end_date"]
    for _, other_start, other_end in held:
        if engine.overlaps(start, end, other_start, other_end):
            raise Invalid.field(
                "start_date",
                f"This overlaps the leave from {other_start} to {other_end}. Change that one, or choose other days.",
            )
    days = known.working(start, end)
    if not days:
        raise Invalid.field("start_date", "There is no working day in this time: it is weekend or holiday.")
    row["days"] = len(days)
    if kind.days is None:
        return
    taken: Counter[int] = Counter()
    for other, other_start, other_end in held:
        if other == kind.id:
            taken += engine.by_year(known.working(other_start, other_end), known.first_month)
    for year, wanted in sorted(engine.by_year(days, known.first_month).items()):
        left = kind.days - taken[year]
        if wanted > left:
            raise Invalid.field(
                "leave_type",
                f"{kind.name}: {max(left, 0)} of {kind.days} days are left in {year}; this leave takes {wanted}.",
            )


async def recount(ctx: Context, days: Iterable[date] | None = None, *, without: bool = False) -> None:
    """After holidays or the weekend changed: the working days of leaves on those days (none given: of all).

    ``without``: those days are about to be no holidays any more.
    """
    query = select(Leave.id, Leave.start_date, Leave.end_date, Leave.days)
    touched: list[date] = []
    if days is not None:
        touched = sorted(set(days))[:400]
        if not touched:
            return
        query = query.where(or_(*[(Leave.start_date <= day) & (Leave.end_date >= day) for day in touched]))
    rows = (await ctx.session.execute(query)).all()
    if not rows:
        return
    known = await calendar(ctx, min(row.start_date for row in rows), max(row.end_date for row in rows))
    if without:
        for day in touched:
            known.holidays.pop(day, None)
    changed: dict[int, list[str]] = defaultdict(list)
    for row in rows:
        count = len(known.working(row.start_date, row.end_date))
        if count != row.days:
            changed[count].append(row.id)
    for count, ids in changed.items():
        await store.update_many(ctx, Leave, ids, {"days": count})


async def accounts(ctx: Context, profile_ids: Collection[str]) -> dict[str, Any]:
    """User names and e-mail addresses by profile id."""
    ids = sorted({item for item in profile_ids if item})
    if not ids:
        return {}
    found: dict[str, Any] = {}
    for start in range(0, len(ids), store.CHUNK):
        query = select(User.id, User.username, User.email, User.full_name).where(
            User.id.in_(ids[start : start + store.CHUNK])
        )
        found.update({row.id: row for row in (await ctx.session.execute(query)).all()})
    return found
