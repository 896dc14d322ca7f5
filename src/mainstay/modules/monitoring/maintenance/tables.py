"""Table of maintenance windows."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import available_timezones

from sqlalchemy.orm import Mapped, mapped_column

from mainstay.kernel import fields as f
from mainstay.kernel.fields import Choice, Field
from mainstay.kernel.record import Record, Timestamp

ONCE, DAILY, WEEKLY, MONTHLY = "once", "daily", "weekly", "monthly"
RECURRENCES = (Choice(ONCE, "Once"), Choice(DAILY, "Daily"), Choice(WEEKLY, "Weekly"), Choice(MONTHLY, "Monthly"))
WEEKDAYS = tuple(
    Choice(number, name)
    for number, name in enumerate(("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"), 1)
)


_SOME = {"everything": (False,)}


def _zone(value: str) -> str | None:
    return None if value in available_timezones() else "Time zone must be a name such as Europe/Berlin."


def _moment(label: str, help: str) -> Any:
    spec = Field(kind="datetime", label=label, required=True, column=True, help=help)
    return mapped_column(Timestamp, nullable=False, info={"field": spec})


class Maintenance(Record):
    """A stretch of time, once or again and again, and what it is about."""

    __tablename__ = "maintenance"

    name: Mapped[str] = f.text(label="Name", required=True, search=True, column=True)
    description: Mapped[str] = f.longtext(label="Description", length=10_000)
    enabled: Mapped[bool] = f.boolean(True, label="Enabled", column=True)
    start: Mapped[datetime] = _moment("Start", "Of the first time, where it recurs.")
    end: Mapped[datetime] = _moment("End", "Of the first time, where it recurs.")
    recurrence: Mapped[str] = f.choice(RECURRENCES, default=ONCE, label="Recurrence", column=True)
    weekdays: Mapped[list[int]] = f.choices(WEEKDAYS, label="Weekdays", help="Empty: the start's weekday.",
                                              only={"recurrence": (WEEKLY,)})  # fmt: skip
    month_day: Mapped[int | None] = f.integer(
        label="Day of the month",
        minimum=-1,
        maximum=31,
        help="Empty: the start's day; -1 the last day.",
        only={"recurrence": (MONTHLY,)},
    )
    until: Mapped[datetime | None] = f.instant(label="Recurs until", only={"recurrence": (DAILY, WEEKLY, MONTHLY)})
    timezone: Mapped[str] = f.text(
        label="Time zone", length=64, default="UTC", check=_zone, help="In which a recurring window keeps its hour."
    )
    everything: Mapped[bool] = f.boolean(label="Everything", help="All events, whatever they are about.")
    cis: Mapped[list[str]] = f.references("ci", label="Configuration items", only=_SOME)
    hosts: Mapped[list[str]] = f.tags(label="Hosts", only=_SOME, help="Names; * stands for any characters.")
    networks: Mapped[list[str]] = f.tags(label="Addresses and networks", only=_SOME, help="10.0.0.1 or 10.0.0.0/24.")
    classes: Mapped[list[str]] = f.tags(label="Event classes", only=_SOME, help="Names; * stands for any characters.")
    rules: Mapped[list[str]] = f.tags(label="Event rules", only=_SOME, help="Names; * stands for any characters.")
