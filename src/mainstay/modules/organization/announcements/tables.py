"""Table of announcements."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, case
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped
from sqlalchemy.sql.expression import FunctionElement

from mainstay.kernel import fields as f
from mainstay.kernel.fields import Choice
from mainstay.kernel.record import Record, Timestamp

ACTIVE, UPCOMING, EXPIRED = "active", "upcoming", "expired"
STATUSES = (
    Choice(ACTIVE, "Active", "#16a34a"),
    Choice(UPCOMING, "Upcoming", "#2563eb"),
    Choice(EXPIRED, "Expired", "#6b7280"),
)


class utc_now(FunctionElement[datetime]):
    """The database's present, as ``Timestamp`` columns are stored."""

    type = Timestamp()
    inherit_cache = True


@compiles(utc_now, "sqlite")
def _sqlite_now(_element: Any, _compiler: Any, **_options: Any) -> str:
    return "CAST((julianday('now') - 2440587.5) * 86400000000.0 AS INTEGER)"


@compiles(utc_now, "postgresql")
def _postgresql_now(_element: Any, _compiler: Any, **_options: Any) -> str:
    return "now()"


class Announcement(Record):
    """A message that appears and expires by itself."""

    __tablename__ = "announcement"

    summary: Mapped[str] = f.text(label="Title", search=True, column=True, aliases=("title",))
    message: Mapped[str] = f.longtext(
        kind="html", label="Message", required=True, search=True, aliases=("description",)
    )
    publish_start: Mapped[datetime] = f.instant(label="Publish from", column=True, help="Now, when left out.")
    publish_end: Mapped[datetime] = f.instant(label="Publish until", column=True, help="A week later, when left out.")
    users: Mapped[list[str]] = f.users(label="Users", section="Audience", help="All three empty: everybody.")
    teams: Mapped[list[str]] = f.references("team", label="Teams", section="Audience")
    tags: Mapped[list[str]] = f.tags(label="User tags", section="Audience")
    change_id: Mapped[str] = f.text(label="Change", length=64, section="Links", aliases=("change",))
    catalogue: Mapped[str] = f.text(label="Catalogue", section="Links")
    impact_service: Mapped[str] = f.text(label="Affected service", length=64, section="Links")
    impact_service_name: Mapped[str] = f.text(label="Name of the affected service", section="Links")
    service_classification: Mapped[str] = f.text(label="Service classification", length=64, section="Links")
    service_classification_name: Mapped[str] = f.text(label="Name of the classification", section="Links")
    state: Mapped[str] = f.text(label="State of the service", length=120, section="Links")

    @hybrid_property
    def status(self) -> str:
        """Whether it is shown now."""
        now = datetime.now(UTC)
        return UPCOMING if self.publish_start > now else EXPIRED if self.publish_end <= now else ACTIVE

    @status.inplace.expression
    @classmethod
    def _status(cls) -> ColumnElement[str]:
        return case((cls.publish_start > utc_now(), UPCOMING), (cls.publish_end <= utc_now(), EXPIRED), else_=ACTIVE)
