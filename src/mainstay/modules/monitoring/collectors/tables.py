"""Tables of collectors."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from mainstay.kernel import fields as f
from mainstay.kernel.fields import Choice
from mainstay.kernel.record import Base, Identifier, Record, Scoped, Timestamp, live_index, unique

NEW, ONLINE, OFFLINE = "new", "online", "offline"
STATES = (Choice(NEW, "Never seen", "#6b7280"), Choice(ONLINE, "Online", "#16a34a"),
          Choice(OFFLINE, "Offline", "#dc2626"))  # fmt: skip


class Collector(Record):
    """A collector. Its token is an API key that can only fetch its work and hand over; the hash is stored."""

    __tablename__ = "collector"
    __table_args__ = (unique("collector", "lower:name"), live_index("ix_collector_key", "key"))

    name: Mapped[str] = f.text(label="Name", required=True, search=True, unique=True, column=True)
    location: Mapped[str | None] = f.reference("location", label="Site", column=True, aliases=("site",))
    description: Mapped[str] = f.text(label="Description", length=1000)
    networks: Mapped[str] = f.text(
        label="Networks", length=4000, column=True, search=True,
        help="Addresses, networks and ranges of its site, separated by commas: it polls the devices in them.",
    )  # fmt: skip
    enabled: Mapped[bool] = f.boolean(
        default=True, label="Enabled", column=True, help="Off: it keeps what it receives until it is on again."
    )
    state: Mapped[str] = f.choice(STATES, default=NEW, label="State", read_only=True, column=True)
    last_seen: Mapped[datetime | None] = f.instant(label="Last seen", read_only=True, column=True)
    backlog: Mapped[int] = f.integer(
        default=0, label="Backlog", read_only=True, column=True, help="Segments that wait to be handed over."
    )
    backlog_bytes: Mapped[int] = f.integer(default=0, big=True, label="Backlog in bytes", read_only=True)
    oldest: Mapped[datetime | None] = f.instant(
        label="Oldest waiting", read_only=True, help="When the oldest of what waits was received."
    )
    received: Mapped[int] = f.integer(
        default=0, big=True, label="Received", read_only=True, help="Messages, since the collector started."
    )
    lost: Mapped[int] = f.integer(
        default=0, big=True, label="Lost", read_only=True, column=True,
        help="Datagrams it had no room for or that came faster than their limit, since it started.",
    )  # fmt: skip
    handed_over: Mapped[int] = f.integer(
        default=0, big=True, label="Handed over", read_only=True, help="Segments stored here."
    )
    devices: Mapped[int] = f.integer(default=0, label="Devices polled", read_only=True)
    error: Mapped[str] = f.text(label="Trouble", length=500, read_only=True)
    software: Mapped[str] = f.text(label="Version", length=64, read_only=True, column=True)
    hostname: Mapped[str] = f.text(label="Host", read_only=True)
    address: Mapped[str] = f.text(label="Address", length=64, read_only=True)
    token_prefix: Mapped[str] = f.text(label="Token", length=16, read_only=True, help="How its token begins.")
    key: Mapped[str | None] = mapped_column(Identifier)


class CollectorSpool(Scoped, Base):
    """How far one spool of a collector was handed over. A new disk is a new spool, with numbers of its own."""

    __tablename__ = "collector_spool"

    organization: Mapped[str] = mapped_column(Identifier, primary_key=True)
    collector: Mapped[str] = mapped_column(Identifier, primary_key=True)
    spool: Mapped[str] = mapped_column(String(32), primary_key=True)
    acknowledged: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime] = mapped_column(Timestamp)
