"""Table of business-hour profiles."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Mapped

from mainstay.kernel import fields as f
from mainstay.kernel.record import Record, unique
from mainstay.modules.organization.business_hours import engine


class BusinessHoursProfile(Record):
    """When people work: weekly hours in a time zone, and holidays."""

    __tablename__ = "business_hours"
    __table_args__ = (unique("business_hours", "lower:name"),)

    name: Mapped[str] = f.text(
        label="Name", length=120, required=True, search=True, unique=True, column=True, aliases=("profile_name",)
    )
    description: Mapped[str] = f.text(label="Description", length=1000, search=True, column=True)
    timezone: Mapped[str] = f.text(
        label="Time zone", length=64, column=True, check=engine.check_timezone, aliases=("time_zone",),
        help="A name of the IANA database, such as Europe/Dublin. UTC when left out.",
    )  # fmt: skip
    hours: Mapped[dict[str, Any]] = f.json(
        label="Weekly hours", aliases=("week", "working_hours"),
        help='Day → intervals, such as {"monday": ["09:00-12:30", "13:30-18:00"]}. '
        "Monday to Friday, 9 to 17, when left out.",
    )  # fmt: skip
    holidays: Mapped[dict[str, Any]] = f.json(
        label="Holidays",
        help='Date → name, such as {"2026-12-25": "Christmas Day"}; 12-25 without a year is every year.',
    )  # fmt: skip
    observe_holidays: Mapped[bool] = f.boolean(
        label="Closed on the organization's holidays", help="Those of the leave calendar."
    )
    is_default: Mapped[bool] = f.boolean(
        label="Default", column=True, help="Used where nothing else was chosen. One profile is the default."
    )
    is_preconfigured: Mapped[bool] = f.boolean(label="Built in", read_only=True)
