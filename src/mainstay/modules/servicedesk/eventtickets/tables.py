"""Tables of event triggers, of what waits for them, and of the links between events and incidents."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from mainstay.kernel import fields as f
from mainstay.kernel.record import Base, Identifier, Record, Scoped, Timestamp, new_id, unique
from mainstay.modules.servicedesk.eventtickets import engine
from mainstay.modules.servicedesk.incident.engine import IMPACTS, PRIORITIES, URGENCIES


class EventTrigger(Record):
    """A rule from events to incidents."""

    __tablename__ = "event_trigger"
    __table_args__ = (unique("event_trigger", "lower:name"),)

    name: Mapped[str] = f.text(label="Name", length=120, required=True, search=True, unique=True, column=True)
    description: Mapped[str] = f.text(label="Description", length=1000, search=True)
    status: Mapped[str] = f.choice(engine.STATUSES, default=engine.ACTIVE, label="Status", column=True)
    trigger_type: Mapped[str] = f.choice(
        engine.TYPES, default=engine.ALERT, label="Type", column=True, aliases=("type",),
        help="After correlation: an event whose cause has an incident joins that one.",
    )  # fmt: skip
    conditions: Mapped[dict[str, Any]] = f.json(
        label="Conditions", section="Conditions", aliases=("filters", "criteria"),
        help="Filters over the fields of an event and variables.<name>, combined with and/or. Empty: every event.",
    )  # fmt: skip
    delay: Mapped[int] = f.integer(
        default=0, label="Delay in seconds", minimum=0, maximum=604_800, section="Conditions",
        help="Look again so long after the event, then act.",
    )  # fmt: skip
    only_if_not_cleared: Mapped[bool] = f.boolean(default=True, label="Only if not cleared", section="Conditions")
    skip_suppressed: Mapped[bool] = f.boolean(
        default=True, label="Leave out what is suppressed or under maintenance", section="Conditions"
    )
    business_hours: Mapped[str | None] = f.reference(
        "business_hours", label="Business hours", section="Conditions", help="Acts only within them. Empty: always."
    )
    outside_hours: Mapped[str] = f.choice(
        engine.OUTSIDE, default=engine.WAIT, label="Outside business hours", section="Conditions"
    )
    group_by: Mapped[str] = f.choice(engine.GROUPINGS, default=engine.BY_EVENT, label="Incidents", section="Incident",
                                     column=True)  # fmt: skip
    group_expression: Mapped[str] = f.text(
        label="Group expression", length=500, section="Incident", only={"group_by": (engine.BY_EXPRESSION,)},
        help="Events with the same text belong together, such as {{ci}} {{variables.vlan}}.",
    )  # fmt: skip
    group_window: Mapped[int] = f.integer(
        default=0, label="Group for minutes", minimum=0, maximum=525_600, section="Incident",
        help="How long after its opening an incident takes further events. 0: as long as it is open.",
    )  # fmt: skip
    summary_template: Mapped[str] = f.text(
        label="Summary", length=500, section="Incident", aliases=("summary",), help=f"Like {engine.SUMMARY}"
    )
    description_template: Mapped[str] = f.longtext(
        kind="html", label="Description", section="Incident", help="Stands above the table of events."
    )
    impact: Mapped[int | None] = f.choice(IMPACTS, label="Impact", section="Incident", help="Empty: by severity.")
    urgency: Mapped[int | None] = f.choice(URGENCIES, label="Urgency", section="Incident", help="Empty: by severity.")
    priority: Mapped[int | None] = f.choice(
        PRIORITIES, label="Priority", section="Incident", help="Empty: from impact and urgency."
    )
    by_severity: Mapped[dict[str, Any]] = f.json(
        label="By severity", section="Incident", check=engine.check_weights,
        help='Severity → codes, such as {"1": {"urgency": 1, "impact": 1}}. What is left out is as shipped.',
    )  # fmt: skip
    team: Mapped[str | None] = f.reference("team", label="Team", section="Incident", aliases=("support_group",))
    team_from: Mapped[str] = f.text(
        label="Team by expression", section="Incident", help="The name of a team, such as {{variables.team}}."
    )
    assignee: Mapped[str | None] = f.user(label="Assignee", section="Incident")
    assignee_from: Mapped[str] = f.text(
        label="Assignee by expression", section="Incident",
        help="A user's name, e-mail or id, such as {{assignee}}.",
    )  # fmt: skip
    tag: Mapped[list[str]] = f.tags(label="Tags", section="Incident", aliases=("tags",))
    note_severity: Mapped[bool] = f.boolean(
        default=True, label="Note changes of severity", section="Afterwards", help="On the incident, for its staff."
    )
    follow_severity: Mapped[bool] = f.boolean(
        label="Raise the priority with the severity", section="Afterwards", help="Up only; never down."
    )
    on_clear: Mapped[str] = f.choice(
        engine.ON_CLEAR, default=engine.RESOLVE, label="When all events have cleared", section="Afterwards"
    )
    resolve_delay: Mapped[int] = f.integer(
        default=0, label="Resolve after seconds", minimum=0, maximum=604_800, section="Afterwards",
        help="Only if nothing comes back in that time.",
    )  # fmt: skip
    resolution_note: Mapped[str] = f.text(
        label="Resolution", length=1000, section="Afterwards", help=f"Else: {engine.RESOLUTION}"
    )
    on_recurrence: Mapped[str] = f.choice(
        engine.ON_RECURRENCE, default=engine.REOPEN, label="When it comes back", section="Afterwards",
        help="Of a resolved incident; after it is closed, a new one is opened.",
    )  # fmt: skip
    notify_users: Mapped[list[str]] = f.users(label="E-mail to users", section="Notification")
    notify_emails: Mapped[list[str]] = f.tags(label="E-mail to addresses", section="Notification", csv=False)
    notify_team: Mapped[bool] = f.boolean(label="E-mail to the incident's team", section="Notification")
    fired_count: Mapped[int] = f.integer(default=0, label="Incidents opened", read_only=True, section="Activity")
    last_fired_at: Mapped[datetime | None] = f.instant(label="Last acted", read_only=True, section="Activity",
                                                       column=True)  # fmt: skip
    last_error: Mapped[str] = f.text(label="Last error", length=500, read_only=True, section="Activity")
    is_preconfigured: Mapped[bool] = f.boolean(label="Built in", read_only=True)


class EventTicket(Scoped, Base):
    """An event belongs to an incident. ``rule`` is the trigger that linked them; empty: somebody did."""

    __tablename__ = "event_ticket"
    __table_args__ = (
        UniqueConstraint("organization", "event", "incident"),
        Index("ix_event_ticket_incident", "organization", "incident", "id"),
    )

    id: Mapped[str] = mapped_column(Identifier, primary_key=True, default=new_id)
    event: Mapped[str] = mapped_column(Identifier)
    incident: Mapped[str] = mapped_column(Identifier)
    rule: Mapped[str] = mapped_column(Identifier, default="")
    created_at: Mapped[datetime] = mapped_column(Timestamp)
    created_by_name: Mapped[str] = mapped_column(String(255), default="")


class TriggerGroup(Scoped, Base):
    """The present incident of a group of events. Locked while somebody decides about it: one incident per group.

    ``trigger`` is empty for groups that clients of ``upsert_incident`` name by a key of their own.
    """

    __tablename__ = "event_trigger_group"

    organization: Mapped[str] = mapped_column(Identifier, primary_key=True)
    trigger: Mapped[str] = mapped_column(Identifier, primary_key=True)
    key: Mapped[str] = mapped_column(String(255), primary_key=True)
    incident: Mapped[str] = mapped_column(Identifier, default="")
    opened_at: Mapped[datetime] = mapped_column(Timestamp)


class TriggerDue(Scoped, Base):
    """What a trigger will look at later: an event that matched, or an incident whose events have cleared."""

    __tablename__ = "event_trigger_due"
    __table_args__ = (
        UniqueConstraint("organization", "kind", "trigger", "subject"),
        Index("ix_event_trigger_due_at", "due_at"),
    )

    id: Mapped[str] = mapped_column(Identifier, primary_key=True, default=new_id)
    kind: Mapped[str] = mapped_column(String(16))
    trigger: Mapped[str] = mapped_column(Identifier)
    subject: Mapped[str] = mapped_column(Identifier)
    due_at: Mapped[datetime] = mapped_column(Timestamp)
    attempts: Mapped[int] = mapped_column(Integer, default=0)
