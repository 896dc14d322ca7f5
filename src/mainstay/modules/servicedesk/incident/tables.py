"""Tables of incidents and their conversation."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, Index, Integer, String, column, text
from sqlalchemy.orm import Mapped, mapped_column

from mainstay.kernel import fields as f
from mainstay.kernel.record import Identifier, Record, Timestamp, live_index, unique
from mainstay.modules.servicedesk.incident import engine


def _by(name: str) -> Index:
    return live_index(
        f"ix_incident_{name}", column("organization"), column(name), column("creation_time"), column("id")
    )


class Incident(Record):
    """One incident. Names of the requester are kept as they were when it was reported."""

    __tablename__ = "incident"
    __table_args__ = (
        unique("incident", "display_id"),
        _by("status_id"),
        _by("assignee"),
        _by("team"),
        _by("requester"),
        Index("ix_incident_auto_close", "auto_close_at", sqlite_where=text("auto_close_at IS NOT NULL"),
              postgresql_where=text("auto_close_at IS NOT NULL")),
        Index("ix_incident_parent", "parent", sqlite_where=text("parent IS NOT NULL"),
              postgresql_where=text("parent IS NOT NULL")),
    )  # fmt: skip

    display_id: Mapped[str] = f.text(label="ID", length=50, read_only=True, search=True, column=True)
    summary: Mapped[str] = f.text(label="Summary", length=500, required=True, search=True, column=True)
    description: Mapped[str] = f.longtext(kind="html", label="Description")
    status_id: Mapped[int] = f.choice(
        engine.STATUSES, default=engine.NEW, label="Status", column=True, aliases=("status",)
    )
    state_id: Mapped[int] = f.choice(
        engine.STATES, default=engine.OPEN, label="State", read_only=True, aliases=("state",)
    )
    priority_id: Mapped[int] = f.choice(
        engine.PRIORITIES, default=4, label="Priority", column=True, aliases=("priority",)
    )
    urgency_id: Mapped[int] = f.choice(engine.URGENCIES, default=3, label="Urgency", aliases=("urgency",))
    impact_id: Mapped[int] = f.choice(engine.IMPACTS, default=5, label="Impact", aliases=("impact",))
    severity_id: Mapped[int | None] = f.choice(engine.SEVERITIES, label="Severity", aliases=("severity",))
    source: Mapped[int] = f.choice(
        engine.SOURCES, default=5, label="Source", aliases=("incident_source", "source_info")
    )
    requester: Mapped[str | None] = f.reference("requester", label="Requester", section="Requester",
                                                aliases=("requester_id",))  # fmt: skip
    requester_name: Mapped[str] = f.text(label="Requester name", search=True, column=True, section="Requester")
    requester_email: Mapped[str] = f.email(label="Requester e-mail", search=True, section="Requester")
    requester_phone: Mapped[str] = f.phone(label="Requester phone", section="Requester")
    reporter_name: Mapped[str] = f.text(label="Reported by", section="Requester")
    reporter_email: Mapped[str] = f.email(label="Reporter e-mail", section="Requester")
    reporter_phone: Mapped[str] = f.phone(label="Reporter phone", section="Requester")
    team: Mapped[str | None] = f.reference("team", label="Team", column=True, section="Assignment",
                                           aliases=("support_group", "team_id"))  # fmt: skip
    assignee: Mapped[str | None] = f.user(label="Assignee", column=True, section="Assignment",
                                          aliases=("assignee_profile_id", "assignee_email"))  # fmt: skip
    watcher: Mapped[list[str]] = f.users(label="Watchers", section="Assignment", aliases=("current_watcher",))
    catalogue: Mapped[str] = f.text(label="Catalogue", section="Service")
    impact_service: Mapped[str] = f.text(label="Impact service ID", section="Service")
    impact_service_name: Mapped[str] = f.text(label="Impact service", section="Service")
    service_classification: Mapped[str] = f.text(label="Classification ID", section="Service")
    service_classification_name: Mapped[str] = f.text(label="Classification", section="Service")
    location: Mapped[str | None] = f.reference("location", label="Location", section="Service")
    tag: Mapped[list[str]] = f.tags(label="Tags")
    assets: Mapped[list[str]] = f.tags(label="Impacted assets", section="Service", aliases=("impacted_asset",))
    due_date: Mapped[datetime | None] = f.instant(label="Due")
    is_first_call: Mapped[bool] = f.boolean(label="Solved on first call")
    resolution_type: Mapped[str] = f.text(label="Resolution type", section="Closure")
    resolution_note: Mapped[str] = f.longtext(kind="html", label="Resolution", section="Closure", read_only=True)
    closure_note: Mapped[str] = f.longtext(kind="html", label="Closure note", section="Closure")
    close_type: Mapped[str] = f.text(label="Close type", section="Closure")
    responded_at: Mapped[datetime | None] = f.instant(label="First response", read_only=True, section="Closure")
    resolved_at: Mapped[datetime | None] = f.instant(label="Resolved at", read_only=True, section="Closure")
    resolved_by: Mapped[str] = f.text(label="Resolved by", read_only=True, section="Closure")
    closed_at: Mapped[datetime | None] = f.instant(label="Closed at", read_only=True, section="Closure")
    closed_by: Mapped[str] = f.text(label="Closed by", read_only=True, section="Closure")
    reopen_count: Mapped[int] = f.integer(default=0, label="Times reopened", read_only=True)
    rating: Mapped[int | None] = f.integer(
        label="Rating", read_only=True, section="Closure", help="1 to 5, by the requester."
    )
    feedback: Mapped[str] = f.text(label="Feedback", length=2000, read_only=True, section="Closure")
    feedback_at: Mapped[datetime | None] = f.instant(label="Rated at", read_only=True, section="Closure")
    parent: Mapped[str | None] = mapped_column(
        # Not a reference: lists would pay a join for a name that nobody reads there.
        Identifier, info={"field": f.Field(kind="text", label="Merged into", read_only=True, csv=False)}
    )  # fmt: skip
    """The incident that this one was merged into."""
    is_archive: Mapped[bool] = f.boolean(label="Archived")
    unread_mail: Mapped[bool] = f.boolean(label="Unread answer", read_only=True)
    auto_close_at: Mapped[datetime | None] = f.instant(label="Closes itself at", read_only=True, section="Closure")
    incident_type: Mapped[dict[str, Any]] = f.json(label="Type")
    hold_config: Mapped[dict[str, Any]] = f.json(label="Hold")
    escalation: Mapped[dict[str, Any]] = f.json(label="Escalation")
    config: Mapped[dict[str, Any]] = f.json(label="Settings")
    reference: Mapped[list[Any]] = f.json(list, label="References")
    template_info: Mapped[dict[str, Any]] = f.json(label="Template")
    kb: Mapped[list[str]] = f.tags(label="Knowledge articles", section="Closure")


class Message(Record):
    """One message of an incident's conversation; ``message`` is sanitised HTML."""

    __tablename__ = "incident_message"
    __table_args__ = (Index("ix_incident_message_thread", "organization", "incident_id", "creation_time", "id"),)

    incident_id: Mapped[str] = mapped_column(Identifier)
    type: Mapped[str] = mapped_column(String(64), default="comment")
    is_public: Mapped[bool] = mapped_column(Boolean, default=True)
    is_requester: Mapped[bool] = mapped_column(Boolean, default=False)
    message: Mapped[str] = mapped_column(default="")
    user_id: Mapped[str] = mapped_column(String(25), default="")
    user_name: Mapped[str] = mapped_column(String(255), default="")
    attachment_count: Mapped[int] = mapped_column(Integer, default=0)
    read_at: Mapped[datetime | None] = mapped_column(Timestamp)
