"""Table of events."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from mainstay.kernel import fields as f
from mainstay.kernel.fields import Choice, Coarse, Field
from mainstay.kernel.record import JsonType, Record, Timestamp

CRITICAL, MAJOR, MINOR, INFORMATIONAL, UNKNOWN, MAINTENANCE = 1, 2, 3, 4, 5, 6
SEVERITIES = (
    Choice(CRITICAL, "Critical", "#dc2626"),
    Choice(MAJOR, "Major", "#ea580c"),
    Choice(MINOR, "Minor", "#ca8a04"),
    Choice(INFORMATIONAL, "Informational", "#16a34a"),
    Choice(UNKNOWN, "Unknown", "#2563eb"),
    Choice(MAINTENANCE, "Under Maintenance", "#6b7280"),
)
RAISED = SEVERITIES[:4]
"""The severities that a source or a rule gives; the other two are states that the product puts an event in."""


# Looked up for every raw event: by byte, where a locale's comparison of two costs as much as the rest of it.
Fingerprint = String(64).with_variant(String(64, collation="C"), "postgresql")
STEP = 10
"""Seconds of a step of ``seen_step``: as long as that, the indexes do not hear that an event occurred again."""

_MOST = 2**31 - 1


def step_of(at: datetime) -> int:
    """The step that an instant is in; the last one there is for those that somebody asks for only."""
    return max(-_MOST, min(_MOST, int(at.timestamp() // STEP)))


def _step_of_row(context: Any) -> int:
    return step_of(context.get_current_parameters()["last_seen"])


def _seen(label: str, coarse: Coarse | None = None) -> Any:
    spec = Field(kind="datetime", label=label, read_only=True, column=True, coarse=coarse)
    return mapped_column(Timestamp, nullable=False, default=lambda: datetime.now(UTC), info={"field": spec})


def _where(condition: str = "") -> dict[str, Any]:
    """The condition of a partial index, for both databases; deleted rows are in none."""
    whole = " AND ".join(part for part in ("is_deleted = {no}", condition) if part)
    return {
        "sqlite_where": text(whole.format(no=0, yes=1)),
        "postgresql_where": text(whole.format(no="false", yes="true")),
    }


class Event(Record):
    """A problem, or something worth knowing, on one object. At most one live row per fingerprint."""

    __tablename__ = "event"
    __table_args__ = (
        # What makes "one live row per problem" true however many processes work.
        Index("uq_event_live", "organization", "fingerprint", unique=True, **_where("cleared = {no}")),
        Index("ix_event_cleared", "organization", "fingerprint", "cleared_at", **_where("cleared = {yes}")),
        # No index has ``count`` or ``last_seen``: what is only counted then leaves all of them as they are. SQLite
        # reads rows from an index alone only where that has the columns of its condition, too.
        Index("ix_event_seen", "organization", "seen_step", "is_deleted", **_where()),
        Index("ix_event_open", "organization", "seen_step", "cleared", "is_deleted", **_where("cleared = {no}")),
        Index("ix_event_ci", "organization", "ci", **_where("cleared = {no} AND ci IS NOT NULL")),
        Index("ix_event_parent", "organization", "parent", **_where("cleared = {no} AND parent IS NOT NULL")),
        Index("ix_event_in_maintenance", "organization", "maintenance",
              **_where("cleared = {no} AND maintenance IS NOT NULL")),
        Index("ix_event_suppressed", "suppressed_until", **_where("suppressed = {yes}")),
        Index("ix_event_flapping", "organization", **_where("flapping = {yes}")),
        # Room in every page for the next version of its rows.
        {"postgresql_with": {"fillfactor": 60}},
    )  # fmt: skip

    event_class: Mapped[str] = f.text(label="Class", search=True, column=True, aliases=("class",))
    message: Mapped[str] = f.text(
        label="Message", length=2000, required=True, search=True, column=True,
        aliases=("event_message", "alarm_message", "title", "summary"),
    )  # fmt: skip
    severity: Mapped[int] = f.choice(SEVERITIES, default=INFORMATIONAL, label="Severity", column=True)
    original_severity: Mapped[int] = f.choice(
        RAISED, default=INFORMATIONAL, label="Severity as raised", read_only=True,
        help="What the severity is outside maintenance and while no parent is down.",
    )  # fmt: skip
    cleared: Mapped[bool] = f.boolean(label="Cleared", column=True)
    acknowledged: Mapped[bool] = f.boolean(label="Acknowledged", column=True)
    first_seen: Mapped[datetime] = _seen("First seen")
    last_seen: Mapped[datetime] = _seen("Last seen", Coarse("seen_step", step_of))
    count: Mapped[int] = f.integer(default=1, label="Count", read_only=True, column=True, big=True)
    cleared_at: Mapped[datetime | None] = f.instant(label="Cleared at", read_only=True)
    acknowledged_by: Mapped[str | None] = f.user(label="Acknowledged by", read_only=True)
    acknowledged_at: Mapped[datetime | None] = f.instant(label="Acknowledged at", read_only=True)
    ci: Mapped[str | None] = f.reference("ci", label="Configuration item", aliases=("ci_id", "asset_id"))
    host: Mapped[str] = f.text(label="Host", search=True, column=True, aliases=("hostname", "device", "asset_name"))
    address: Mapped[str] = f.text(label="Address", length=64, search=True, aliases=("ip", "ip_address"))
    resource: Mapped[str] = f.text(label="Resource", search=True, column=True, help="Interface, disk, process, ...")
    source: Mapped[str] = f.text(label="Source", length=64, default="manual", aliases=("event_source",))
    fingerprint: Mapped[str] = mapped_column(
        Fingerprint, default="",
        info={"field": Field(kind="text", label="Fingerprint", max_length=64, read_only=True, default="")},
    )  # fmt: skip
    rule: Mapped[str] = f.text(label="Rule", read_only=True)
    variables: Mapped[dict[str, Any]] = f.json(label="Variables", listed=False)
    raw: Mapped[str] = f.longtext(label="Raw message", length=16_000, read_only=True, csv=False)
    reference: Mapped[str] = f.text(label="Reference", help="Where the original is: a log line, a trap, a URL.")
    assignee: Mapped[str | None] = f.user(label="Assignee", column=True, aliases=("assignee_id", "assigned_to"))
    due_date: Mapped[datetime | None] = f.instant(label="Due date")
    tags: Mapped[list[str]] = f.tags(label="Tags", aliases=("tag",))
    suppressed: Mapped[bool] = f.boolean(label="Suppressed", read_only=True)
    suppressed_until: Mapped[datetime | None] = f.instant(label="Suppressed until", read_only=True)
    suppression_reason: Mapped[str] = f.text(label="Reason of suppression", length=500, read_only=True)
    flapping: Mapped[bool] = f.boolean(label="Flapping", read_only=True)
    parent: Mapped[str | None] = f.reference("event", label="Parent event", read_only=True)
    maintenance: Mapped[str | None] = f.reference("maintenance", label="Maintenance window", read_only=True)

    # Of the engine's own bookkeeping; not part of the record that is answered.
    seen_step: Mapped[int] = mapped_column(default=_step_of_row, info={"coarse": True})
    """``last_seen`` in steps of ten seconds, for the indexes."""
    clear_waits: Mapped[bool] = mapped_column(default=False)
    """The end was reported while the event flapped; it takes effect when the event has been calm."""
    turns: Mapped[list[float]] = mapped_column(JsonType, default=list)
    """When it was raised and cleared lately, in seconds since 1970."""


NEWEST_FIRST = (Event.seen_step.desc(), Event.last_seen.desc(), Event.id.desc())
"""What was seen last comes first, in the order of the indexes."""
