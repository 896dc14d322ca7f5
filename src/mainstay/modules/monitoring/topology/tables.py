"""Tables of the topology: what each device told, and the links that follow from it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from mainstay.kernel.record import Base, Identifier, JsonType, Scoped, Timestamp, new_id


class TopologyEvidence(Scoped, Base):
    """What an item told of its surroundings the last time it was asked."""

    __tablename__ = "topology_evidence"
    __table_args__ = (Index("ix_topology_evidence_chassis", "organization", "chassis"),)

    organization: Mapped[str] = mapped_column(Identifier, primary_key=True)
    ci: Mapped[str] = mapped_column(Identifier, primary_key=True)
    chassis: Mapped[str] = mapped_column(String(255), default="")
    seen: Mapped[datetime] = mapped_column(Timestamp)
    facts: Mapped[dict[str, Any]] = mapped_column(JsonType, default=dict)


class TopologyLink(Scoped, Base):
    """A link. ``far`` is empty where it leads to what is no item; ``unknown`` says what is known of that."""

    __tablename__ = "topology_link"
    __table_args__ = (
        Index("ix_topology_link_near", "organization", "near"),
        Index("ix_topology_link_far", "organization", "far"),
    )

    organization: Mapped[str] = mapped_column(Identifier, primary_key=True)
    id: Mapped[str] = mapped_column(Identifier, primary_key=True, default=new_id)
    near: Mapped[str] = mapped_column(Identifier)
    near_port: Mapped[str] = mapped_column(String(255), default="")
    far: Mapped[str] = mapped_column(String(25), default="")
    far_port: Mapped[str] = mapped_column(String(255), default="")
    speed: Mapped[int] = mapped_column(Integer, default=0)
    """Megabits a second, of all members."""
    protocols: Mapped[list[str]] = mapped_column(JsonType, default=list)
    members: Mapped[list[list[str]]] = mapped_column(JsonType, default=list)
    told_by: Mapped[list[str]] = mapped_column(JsonType, default=list)
    unknown: Mapped[dict[str, Any]] = mapped_column(JsonType, default=dict)
    first_seen: Mapped[datetime] = mapped_column(Timestamp)
    last_seen: Mapped[datetime] = mapped_column(Timestamp)
    missing_since: Mapped[datetime | None] = mapped_column(Timestamp)
    """Since when those who told of it no longer do."""
