"""Table of partners."""

from __future__ import annotations

from sqlalchemy.orm import Mapped

from mainstay.kernel import fields as f
from mainstay.kernel.record import Record, unique


class Partner(Record):
    """An outside company that works with the organization."""

    __tablename__ = "partner"
    __table_args__ = (unique("partner", "lower:partner_name"),)

    partner_name: Mapped[str] = f.text(label="Name", required=True, search=True, unique=True, column=True,
                                       aliases=("name",))  # fmt: skip
    email: Mapped[str] = f.email(label="Business e-mail", search=True, column=True, aliases=("business_email",))
    contact_number: Mapped[str] = f.phone(label="Phone", column=True, aliases=("phone",))
    address: Mapped[str] = f.text(label="Address", length=200, search=True, column=True)
    partner_operators: Mapped[list[str]] = f.users(label="Operators", help="Users who work for this partner.")
    avatar_color: Mapped[str] = f.color(label="Colour")
    group_id: Mapped[int | None] = f.integer(label="Group number")
    profile_id: Mapped[str | None] = f.user(label="Account", read_only=True,
                                            help="Made when the partner is given a password.")  # fmt: skip
    user_id: Mapped[int | None] = f.integer(label="Account number", read_only=True)
