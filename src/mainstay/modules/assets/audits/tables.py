"""Tables of stock-takes."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from mainstay.kernel import fields as f
from mainstay.kernel.record import Base, Identifier, JsonType, Record, Scoped, Timestamp, unique

PLANNED, RUNNING, COMPLETED, CANCELLED = 1, 2, 3, 4
STATES = (
    f.Choice(PLANNED, "Planned", "#6b7280"),
    f.Choice(RUNNING, "In progress", "#2563eb"),
    f.Choice(COMPLETED, "Completed", "#15803d"),
    f.Choice(CANCELLED, "Cancelled", "#475569"),
)
PENDING, VERIFIED, MISMATCH, MISSING, UNEXPECTED = "pending", "verified", "mismatch", "missing", "unexpected"
RESULTS = (PENDING, VERIFIED, MISMATCH, MISSING, UNEXPECTED)


class AuditTemplate(Record):
    """What a stock-take covers and what is compared."""

    __tablename__ = "asset_audit_template"
    __table_args__ = (unique("asset_audit_template", "lower:name"),)

    name: Mapped[str] = f.text(
        label="Name", length=120, required=True, search=True, unique=True, column=True, aliases=("template_name",)
    )
    description: Mapped[str] = f.text(label="Description", length=500, column=True)
    categories: Mapped[list[str]] = f.references("ci_category", label="Categories", help="Empty: all of them.")
    location: Mapped[str | None] = f.reference(
        "location", label="Location", column=True, help="What is inside of it counts too."
    )
    department: Mapped[str | None] = f.reference("department", label="Department", column=True)
    filters: Mapped[list[Any]] = f.json(list, label="Filters", help="Further conditions on the items.")
    compared: Mapped[list[str]] = f.tags(
        label="Fields", aliases=("fields",), help="Fields that are compared: location, used_by, serial_number ..."
    )


class Audit(Record):
    """One stock-take."""

    __tablename__ = "asset_audit"

    name: Mapped[str] = f.text(
        label="Name", length=120, required=True, search=True, column=True, aliases=("audit_name",)
    )
    template: Mapped[str] = f.reference(
        "asset_audit_template", label="Template", required=True, column=True, index=True, aliases=("template_id",)
    )
    status: Mapped[int] = f.choice(STATES, default=RUNNING, label="Status", column=True)
    auditor: Mapped[str | None] = f.user(label="Auditor", column=True)
    due_date: Mapped[date | None] = f.day(label="Due", column=True)
    note: Mapped[str] = f.text(label="Note", length=500)
    finished_at: Mapped[datetime | None] = f.instant(label="Finished", read_only=True)


class AuditItem(Scoped, Base):
    """What a stock-take expects of an item, and what was found."""

    __tablename__ = "asset_audit_item"
    __table_args__ = (Index("ix_asset_audit_item_result", "organization", "audit", "result"),)

    audit: Mapped[str] = mapped_column(Identifier, primary_key=True)
    ci: Mapped[str] = mapped_column(Identifier, primary_key=True)
    result: Mapped[str] = mapped_column(String(16), default=PENDING)
    expected: Mapped[dict[str, Any]] = mapped_column(JsonType, default=dict)
    found: Mapped[dict[str, Any]] = mapped_column(JsonType, default=dict)
    note: Mapped[str] = mapped_column(String(500), default="")
    seen_at: Mapped[datetime | None] = mapped_column(Timestamp)
    seen_by: Mapped[str] = mapped_column(String(255), default="")
    applied_at: Mapped[datetime | None] = mapped_column(Timestamp)
