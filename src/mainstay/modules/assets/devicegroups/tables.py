"""Tables of device groups."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from mainstay.kernel import fields as f
from mainstay.kernel.record import Base, Identifier, Record, Scoped, unique


class DeviceGroup(Record):
    """A set of items: those listed in ``DeviceGroupMember`` and those its filters find."""

    __tablename__ = "device_group"
    __table_args__ = (unique("device_group", "lower:name"),)

    name: Mapped[str] = f.text(label="Name", length=120, required=True, search=True, unique=True, column=True)
    description: Mapped[str] = f.text(label="Description", length=500, search=True, column=True)
    device_group_filters: Mapped[list[Any]] = f.json(
        list,
        label="Filters",
        aliases=("filter", "filters"),
        help="What items are in the group: conditions on their fields. Empty: only the items listed.",
    )
    users: Mapped[list[str]] = f.users(
        label="Users", help="Who sees the items of this group, and of their others, only."
    )
    roles: Mapped[list[str]] = f.references("role", label="Roles", help="Roles whose holders see these items only.")
    is_enabled: Mapped[bool] = f.boolean(default=True, label="Enabled", column=True)


class DeviceGroupMember(Scoped, Base):
    """An item that was put into a group by hand."""

    __tablename__ = "device_group_member"
    __table_args__ = (Index("ix_device_group_member_ci", "organization", "ci"),)

    organization: Mapped[str] = mapped_column(Identifier, primary_key=True)
    group: Mapped[str] = mapped_column(Identifier, primary_key=True)
    ci: Mapped[str] = mapped_column(Identifier, primary_key=True)
