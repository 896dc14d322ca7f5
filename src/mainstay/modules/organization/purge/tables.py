"""Table of what an organization keeps for how long."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Mapped

from mainstay.kernel import fields as f
from mainstay.kernel.record import Record

LONGEST = 36_500
"""Days."""
DAYS = "Days. Empty: as long as the installation keeps them."


class Purge(Record):
    """What goes when it is how many days old. Of several that are enabled the shortest time counts."""

    __tablename__ = "purge_configuration"

    name: Mapped[str] = f.text(label="Name", search=True, column=True)
    is_enabled: Mapped[bool] = f.boolean(True, label="Enabled", column=True)
    rawdata: Mapped[int | None] = f.integer(label="Single measurements", minimum=1, maximum=LONGEST, help=DAYS)
    minutesdata: Mapped[int | None] = f.integer(label="5-minute summaries", minimum=1, maximum=LONGEST, help=DAYS)
    hoursdata: Mapped[int | None] = f.integer(label="Hourly summaries", minimum=1, maximum=LONGEST, help=DAYS)
    events: Mapped[int | None] = f.integer(
        label="Occurrences of events", minimum=1, maximum=LONGEST, help="Days. Live events stay."
    )
    traps: Mapped[int | None] = f.integer(label="Traps", minimum=1, maximum=LONGEST, help=DAYS)
    syslog: Mapped[int | None] = f.integer(label="Log lines", minimum=1, maximum=LONGEST, help=DAYS)
    upload_job: Mapped[int | None] = f.integer(
        label="Imports that have ended", minimum=1, maximum=LONGEST, help=DAYS, aliases=("upload job",)
    )
    audits: Mapped[int | None] = f.integer(
        label="Audit trail",
        minimum=30,
        maximum=LONGEST,
        help="At least 30 days. Empty: all of it is kept.",
        column=True,
    )
    assets_scan_history: Mapped[int | None] = f.integer(
        label="Runs of discoveries", minimum=1, maximum=LONGEST, help=DAYS, aliases=("assets scan history",)
    )
    last_run: Mapped[datetime | None] = f.instant(label="Last run", read_only=True, column=True)
    last_result: Mapped[dict[str, Any]] = f.json(label="What went the last time", read_only=True)


KINDS = ("rawdata", "minutesdata", "hoursdata", "events", "traps", "syslog", "upload_job", "audits",
         "assets_scan_history")  # fmt: skip
