"""Table of departments."""

from __future__ import annotations

from sqlalchemy.orm import Mapped

from mainstay.kernel import fields as f
from mainstay.kernel.record import Record, unique


class Department(Record):
    """A department of the organization."""

    __tablename__ = "department"
    __table_args__ = (unique("department", "lower:dept_name"),)

    dept_name: Mapped[str] = f.text(
        label="Name", required=True, search=True, unique=True, column=True, aliases=("name",)
    )
    dept_head: Mapped[str | None] = f.user(label="Head", column=True, help="High-level approver of the department.")
    prime_user: Mapped[list[str]] = f.users(
        label="Prime users", help="Team leads who allocate work and give basic approval."
    )
    description: Mapped[str] = f.text(label="Description", length=2000, search=True, column=True, aliases=("ci_descr",))
