"""Table of requesters."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import Index, column, func, text
from sqlalchemy.orm import Mapped

from mainstay.kernel import fields as f
from mainstay.kernel.record import Record, live_index

INTERNAL, EXTERNAL = 1, 2
TYPES = (f.Choice(INTERNAL, "Internal"), f.Choice(EXTERNAL, "External"))


class Requester(Record):
    """Somebody who asks for help. ``profile_id`` is the account, where the person can log in."""

    __tablename__ = "requester"
    __table_args__ = (
        # Not everybody has an e-mail address; those who have one are told apart by it.
        Index(
            "uq_requester_email",
            column("organization"),
            func.lower(column("email")),
            unique=True,
            sqlite_where=text("is_deleted = 0 AND email <> ''"),
            postgresql_where=text("is_deleted = false AND email <> ''"),
        ),
        live_index("ix_requester_profile", column("organization"), column("profile_id")),
    )

    full_name: Mapped[str] = f.text(label="Name", required=True, search=True, column=True, aliases=("name",))
    email: Mapped[str] = f.email(label="E-mail", search=True, unique=True, column=True)
    phone_number: Mapped[str] = f.phone(label="Mobile", search=True, column=True, aliases=("contact_number", "contact"))
    phone_ext: Mapped[str] = f.text(label="Country code or extension", length=20)
    land_line: Mapped[str] = f.phone(label="Landline")
    type: Mapped[int] = f.choice(
        TYPES, label="Requester type", default=INTERNAL, column=True, aliases=("requester_type",)
    )
    department: Mapped[str | None] = f.reference("department", label="Department", column=True)
    designation: Mapped[str] = f.text(label="Designation")
    employee_id: Mapped[str] = f.text(label="Employee ID", length=100, search=True)
    emp_type: Mapped[str] = f.text(label="Employment", length=100)
    joining_date: Mapped[date | None] = f.day(label="Joined")
    reporting_manager: Mapped[str | None] = f.user(label="Reporting manager", aliases=("reporting_id",))
    site: Mapped[str | None] = f.reference(
        "location",
        label="Location",
        section="Location",
        help="Used to find the team for the person's tickets.",
    )
    work_location: Mapped[dict[str, Any]] = f.json(label="Address", section="Location", aliases=("location",))
    support_location: Mapped[str] = f.text(label="Support location", section="Location")
    support_hub: Mapped[str] = f.text(label="Support hub", section="Location")
    organization_name: Mapped[str] = f.text(label="Company", search=True, section="Customer")
    customer_id: Mapped[str] = f.text(label="Customer ID", search=True, section="Customer")
    customer_entity_id: Mapped[str] = f.text(label="Customer entity ID", section="Customer")
    customer_site_group: Mapped[str] = f.text(label="Site group", section="Customer")
    subscriber_id: Mapped[str] = f.text(label="Subscriber ID", search=True, section="Customer")
    subscriber_status: Mapped[str] = f.text(label="Subscriber status", length=100, section="Customer")
    subscription_info: Mapped[dict[str, Any]] = f.json(label="Subscription", section="Customer")
    business_segment: Mapped[str] = f.text(label="Business segment", section="Customer")
    business_entity: Mapped[str] = f.text(label="Business entity", section="Customer")
    req_category: Mapped[str] = f.text(label="Category", section="Customer")
    branch_partner: Mapped[str] = f.text(label="Branch partner", section="Customer")
    sub_partner: Mapped[str] = f.text(label="Sub-partner", section="Customer")
    notify_email: Mapped[list[str]] = f.tags(label="Also notify (e-mail)", section="Notices")
    notify_phone: Mapped[list[str]] = f.tags(label="Also notify (phone)", section="Notices")
    tags: Mapped[list[str]] = f.tags(label="Tags", help="Groups used by assignment rules and announcements.")
    is_login_active: Mapped[bool] = f.boolean(default=True, label="Active", column=True)
    is_login_enable: Mapped[bool] = f.boolean(label="May log in to the portal", column=True)
    profile_id: Mapped[str | None] = f.user(label="Account", read_only=True)
    avatar_color: Mapped[str] = f.color(label="Avatar colour")
    source: Mapped[str] = f.text(label="Source", length=64, read_only=True)
