"""Table of what is polled."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, Float, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from mainstay.kernel.record import Base, Identifier, JsonType, Scoped, Timestamp

UP, DOWN, SILENT, UNKNOWN = "up", "down", "silent", "unknown"
"""Silent: the device answers echo requests, but not SNMP."""
INTERVAL = 60


class Polled(Scoped, Base):
    """A device that is polled: where, with which credential, and how it was the last time."""

    __tablename__ = "polled_device"

    organization: Mapped[str] = mapped_column(Identifier, primary_key=True)
    ci: Mapped[str] = mapped_column(Identifier, primary_key=True)
    name: Mapped[str] = mapped_column(String(255), default="")
    address: Mapped[str] = mapped_column(String(45))
    credential: Mapped[str] = mapped_column(String(25), default="")
    ping: Mapped[bool] = mapped_column(Boolean, default=True)
    snmp: Mapped[bool] = mapped_column(Boolean, default=True)
    interval: Mapped[int] = mapped_column(Integer, default=INTERVAL)
    enabled: Mapped[bool] = mapped_column(Boolean, default=True)
    created: Mapped[datetime] = mapped_column(Timestamp)
    state: Mapped[str] = mapped_column(String(12), default=UNKNOWN)
    since: Mapped[datetime | None] = mapped_column(Timestamp)
    last_run: Mapped[datetime | None] = mapped_column(Timestamp)
    asked_at: Mapped[datetime | None] = mapped_column(Timestamp)
    """When somebody asked for a poll at once."""
    seconds: Mapped[float | None] = mapped_column(Float)
    error: Mapped[str] = mapped_column(String(500), default="")
    breached: Mapped[list[Any]] = mapped_column(JsonType, default=list)
    """Thresholds that are exceeded: metric, part, and the mark of the threshold that says so."""
    display: Mapped[list[Any]] = mapped_column(JsonType, default=list)
    """Measurements that the page of the device shows; empty: those that it shows of every device."""
