"""Tables of accounts on devices, and of the host keys that are trusted."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from mainstay.kernel import fields as f
from mainstay.kernel.record import Base, Identifier, JsonType, Record, Scoped, Timestamp, unique
from mainstay.modules.monitoring.credentials.tables import ACTIVE, STATUSES


class SshAccess(Record):
    """An account to log in to devices with. What is secret is sealed and never answered."""

    __tablename__ = "ssh_access"
    __table_args__ = (unique("ssh_access", "lower:name"),)

    name: Mapped[str] = f.text(label="Name", required=True, search=True, unique=True, column=True)
    description: Mapped[str] = f.text(label="Description", length=2000, search=True)
    scope: Mapped[str] = f.text(
        label="For addresses", length=4000, column=True,
        help="Addresses, networks and ranges, separated by commas. Empty: for all.",
    )  # fmt: skip
    priority: Mapped[int | None] = f.integer(
        default=100, minimum=1, maximum=1000, label="Priority", column=True, help="The lowest that fits is taken."
    )
    port: Mapped[int | None] = f.integer(default=22, minimum=1, maximum=65535, label="Port")
    username: Mapped[str] = f.text(label="User name", required=True, search=True, column=True)
    status: Mapped[int] = f.choice(STATUSES, default=ACTIVE, label="Status", column=True)
    sealed: Mapped[dict[str, str]] = mapped_column(JsonType, default=dict)


class SshHostKey(Scoped, Base):
    """The host key that somebody accepted for an address. Another one is not talked to."""

    __tablename__ = "ssh_host_key"

    organization: Mapped[str] = mapped_column(Identifier, primary_key=True)
    address: Mapped[str] = mapped_column(String(45), primary_key=True)
    port: Mapped[int] = mapped_column(Integer, primary_key=True)
    public_key: Mapped[str] = mapped_column(String(4000))
    fingerprint: Mapped[str] = mapped_column(String(120))
    since: Mapped[datetime] = mapped_column(Timestamp)
    by_name: Mapped[str] = mapped_column(String(255), default="")
