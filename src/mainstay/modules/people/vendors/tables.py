"""Table of vendors."""

from __future__ import annotations

from sqlalchemy.orm import Mapped

from mainstay.kernel import fields as f
from mainstay.kernel.fields import Choice
from mainstay.kernel.record import Record, unique

ACTIVE, INACTIVE = 1, 0
STATUSES = (Choice(ACTIVE, "Active", "#16a34a"), Choice(INACTIVE, "Inactive", "#6b7280"))
TYPES = (
    Choice(1, "Hardware"),
    Choice(2, "Software"),
    Choice(3, "Service"),
    Choice(4, "Network"),
    Choice(5, "Telecom"),
    Choice(6, "Cloud"),
    Choice(7, "Other"),
)


class Vendor(Record):
    """A company that sells or supports things."""

    __tablename__ = "vendor"
    __table_args__ = (unique("vendor", "lower:vendor_name"),)

    vendor_name: Mapped[str] = f.text(
        label="Name", required=True, search=True, unique=True, column=True, aliases=("name",)
    )
    status: Mapped[int] = f.choice(STATUSES, default=ACTIVE, label="Status", column=True)
    type: Mapped[int | None] = f.choice(TYPES, label="Type", column=True)
    web_url: Mapped[str] = f.url(label="Website", aliases=("website",))
    contact_person: Mapped[str] = f.text(label="Contact person", search=True, column=True)
    email: Mapped[str] = f.email(label="E-mail", search=True, column=True)
    phone: Mapped[str] = f.phone(label="Phone", column=True, aliases=("phone_number",))
    location_id: Mapped[str | None] = f.reference("location", label="Location", aliases=("location",))
    description: Mapped[str] = f.text(label="Description", length=2000)
