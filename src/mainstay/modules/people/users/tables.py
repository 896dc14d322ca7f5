"""Tables of what users keep for themselves: clock times and page settings."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped

from mainstay.kernel import fields as f
from mainstay.kernel.record import Record, unique


class UserClock(Record):
    """One stretch of work: from clocking in to clocking out. At most one is open per user."""

    __tablename__ = "user_clock"
    __table_args__ = (
        Index(
            "uq_user_clock_open",
            "organization",
            "profile",
            unique=True,
            sqlite_where=text("is_deleted = 0 AND clock_out IS NULL"),
            postgresql_where=text("is_deleted = false AND clock_out IS NULL"),
        ),
        Index("ix_user_clock_times", "organization", "profile", "clock_in"),
    )

    profile: Mapped[str] = f.user(label="User", required=True)
    clock_in: Mapped[datetime] = f.instant(label="Clocked in")
    clock_out: Mapped[datetime | None] = f.instant(label="Clocked out")
    note: Mapped[str] = f.text(label="Note", length=500)


class UserPageConfig(Record):
    """How one user set up one page of the console: columns, saved filters."""

    __tablename__ = "user_page_config"
    __table_args__ = (unique("user_page_config", "profile", "page"),)

    profile: Mapped[str] = f.user(label="User", required=True)
    page: Mapped[str] = f.text(label="Page", required=True, length=100)
    config: Mapped[dict[str, Any]] = f.json(label="Settings")
