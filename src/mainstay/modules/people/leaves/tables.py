"""Tables of leaves, their types and the holidays."""

from __future__ import annotations

import datetime as dt

from sqlalchemy.orm import Mapped

from mainstay.kernel import fields as f
from mainstay.kernel.record import Record, unique


class LeaveType(Record):
    """A kind of leave and how many working days of it each person has per year."""

    __tablename__ = "leave_type"
    __table_args__ = (unique("leave_type", "lower:name"),)

    name: Mapped[str] = f.text(
        label="Name",
        length=120,
        required=True,
        search=True,
        unique=True,
        column=True,
        aliases=("leave_type",),
    )
    days: Mapped[int | None] = f.integer(
        label="Days per year",
        minimum=0,
        maximum=366,
        column=True,
        aliases=("no_of_days", "number_of_days"),
        help="Empty: not limited.",
    )
    color: Mapped[str] = f.color(label="Colour", column=True)
    description: Mapped[str] = f.text(label="Description", length=1000)


class Holiday(Record):
    """A day nobody works."""

    __tablename__ = "holiday"
    __table_args__ = (unique("holiday", "date"),)

    name: Mapped[str] = f.text(
        label="Name", length=120, required=True, search=True, column=True, aliases=("holiday_name",)
    )
    date: Mapped[dt.date] = f.day(label="Date", required=True, unique=True, column=True, aliases=("holiday_date",))


class Leave(Record):
    """Days on which a person is away. ``days`` are its working days."""

    __tablename__ = "leave"

    user: Mapped[str] = f.user(
        label="Person",
        index=True,
        column=True,
        aliases=("profile_id", "username", "email"),
        help="You, when left out.",
    )
    leave_type: Mapped[str] = f.reference("leave_type", label="Leave type", required=True, column=True)
    start_date: Mapped[dt.date] = f.day(label="From", required=True, column=True)
    end_date: Mapped[dt.date] = f.day(label="To", required=True, column=True)
    days: Mapped[int | None] = f.integer(label="Working days", read_only=True, column=True)
    reason: Mapped[str] = f.text(label="Reason", length=1000, search=True, column=True)
