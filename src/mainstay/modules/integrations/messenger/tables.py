"""Tables of notifications: channels, templates, subscriptions, what people chose for themselves, the messages."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from mainstay.kernel import fields as f
from mainstay.kernel.fields import Choice
from mainstay.kernel.record import Base, Identifier, JsonType, Record, Scoped, Timestamp, new_id, unique

EMAIL, SMS, API, BEEP, SYSLOG = "email", "sms", "api", "beep", "syslog"
KINDS = (
    Choice(EMAIL, "E-mail"), Choice(SMS, "SMS"), Choice(API, "API call"), Choice(BEEP, "Console beep"),
    Choice(SYSLOG, "Syslog"),
)  # fmt: skip
MESSAGE_TYPES = {EMAIL: 1, SMS: 2, API: 3, BEEP: 4, SYSLOG: 5}
"""The documented ``msg_type``."""

HELD, QUEUED, HANDED, SENT, DIGESTED, FAILED, SUPPRESSED, CANCELLED = (
    "held", "queued", "handed", "sent", "digested", "failed", "suppressed", "cancelled",
)  # fmt: skip
STATUSES = (
    Choice(HELD, "Waiting for its time", "#6b7280"), Choice(QUEUED, "Queued", "#2563eb"),
    Choice(HANDED, "With the mail server", "#0891b2"), Choice(SENT, "Sent", "#15803d"),
    Choice(DIGESTED, "Sent in a digest", "#15803d"), Choice(FAILED, "Failed", "#b91c1c"),
    Choice(SUPPRESSED, "Suppressed", "#a16207"), Choice(CANCELLED, "Cancelled", "#475569"),
)  # fmt: skip

EVENT, INCIDENT = "event", "incident"
ABOUT = (Choice(EVENT, "Events"), Choice(INCIDENT, "Incidents"))
TRIGGERS = (
    Choice("raised", "Event raised"), Choice("severity", "Event severity changed"), Choice("cleared", "Event cleared"),
    Choice("acknowledged", "Event acknowledged"), Choice("opened", "Ticket opened"),
    Choice("assigned", "Assigned"), Choice("status", "Ticket status changed"), Choice("priority", "Priority changed"),
    Choice("commented", "Comment added"), Choice("resolved", "Ticket resolved"), Choice("closed", "Ticket closed"),
    Choice("reopened", "Raised or opened again"),
)  # fmt: skip
TRIGGER_NAMES = {str(choice.id): choice.name for choice in TRIGGERS}
OF = {
    EVENT: ("raised", "severity", "cleared", "acknowledged", "assigned", "reopened"),
    INCIDENT: ("opened", "assigned", "status", "priority", "commented", "resolved", "closed", "reopened"),
}
"""Which triggers exist for what."""

METHODS = tuple(Choice(word, word) for word in ("POST", "PUT", "PATCH", "GET"))
TRANSPORTS = (Choice("udp", "UDP"), Choice("tcp", "TCP"), Choice("tls", "TLS"))
_FACILITIES = (
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp", "ntp",
    "audit", "alert", "clock", *(f"local{number}" for number in range(8)),
)  # fmt: skip
FACILITIES = tuple(Choice(number, name) for number, name in enumerate(_FACILITIES))
SOUNDS = tuple(Choice(word, word.capitalize()) for word in ("chime", "ping", "alert", "alarm"))
SUPPRESS, HOLD = "suppress", "hold"
OUTSIDE = (Choice(HOLD, "Hold until they begin"), Choice(SUPPRESS, "Suppress"))
PEOPLE = (
    Choice("assignee", "Assignee"), Choice("team", "Assigned team"), Choice("watchers", "Watchers"),
    Choice("requester", "Requester"),
)  # fmt: skip


_HTTP = {"kind": (API, SMS)}
_SYSLOG = {"kind": (SYSLOG,)}
_TLS = {"kind": (API, SMS, SYSLOG)}
_CONSOLE = {"kind": (BEEP,)}


class Channel(Record):
    """A way out: a gateway, a webhook, a syslog collector, the mail server, the console's sound."""

    __tablename__ = "notification_channel"
    __table_args__ = (unique("notification_channel", "lower:name"),)

    name: Mapped[str] = f.text(label="Name", required=True, unique=True, search=True, column=True)
    kind: Mapped[str] = f.choice(KINDS, label="Kind", required=True, column=True)
    enabled: Mapped[bool] = f.boolean(default=True, label="Enabled", column=True)
    description: Mapped[str] = f.text(label="Description", length=500)
    url: Mapped[str] = f.text(label="URL", length=2000, section="HTTP", only=_HTTP, search=True, sort=False,
                              help="Of the webhook or SMS gateway. {{ recipient }}, {{ text }} and {{ credential }} "
                                   "are filled in.")  # fmt: skip
    method: Mapped[str] = f.choice(METHODS, default="POST", label="Method", section="HTTP", only=_HTTP)
    headers: Mapped[dict[str, Any]] = f.json(
        label="Headers", section="HTTP", only=_HTTP, help="Name and value of each."
    )
    body: Mapped[str] = f.longtext(label="Body", section="HTTP", only=_HTTP, length=20_000, filter=False,
                                   help="Empty: a JSON document that says everything.")  # fmt: skip
    content_type: Mapped[str] = f.text(label="Content type", length=120, section="HTTP", only=_HTTP,
                                       help="Of the body; application/json when left out.")  # fmt: skip
    expect: Mapped[str] = f.text(label="Expected in the answer", section="HTTP", only=_HTTP,
                                 help="For gateways that answer 200 even when they refuse.")  # fmt: skip
    timeout: Mapped[int] = f.integer(
        default=10, label="Timeout in seconds", minimum=1, maximum=60, section="HTTP", only=_HTTP
    )
    retries: Mapped[int] = f.integer(default=10, label="Retries", minimum=0, maximum=20, section="Delivery")
    host: Mapped[str] = f.text(label="Host", section="Syslog", only=_SYSLOG)
    port: Mapped[int] = f.integer(default=514, label="Port", minimum=1, maximum=65535, section="Syslog", only=_SYSLOG)
    transport: Mapped[str] = f.choice(TRANSPORTS, default="udp", label="Transport", section="Syslog", only=_SYSLOG)
    facility: Mapped[int] = f.choice(FACILITIES, default=16, label="Facility", section="Syslog", only=_SYSLOG)
    verify_tls: Mapped[bool] = f.boolean(default=True, label="Check the certificate", section="TLS", only=_TLS)
    authority: Mapped[str] = f.longtext(label="Own certificate authority", length=40_000, section="TLS", only=_TLS,
                                        filter=False, csv=False, help="PEM, beside the system's.")  # fmt: skip
    sound: Mapped[str] = f.choice(SOUNDS, default="chime", label="Sound", section="Console", only=_CONSOLE)
    has_credential: Mapped[bool] = f.boolean(label="Credential stored", read_only=True, csv=False)
    has_signing_secret: Mapped[bool] = f.boolean(label="Signing secret stored", read_only=True, csv=False)
    sealed: Mapped[dict[str, str]] = mapped_column(JsonType, default=dict)
    """Credential and signing secret, each sealed by the vault; never answered."""


class Template(Record):
    """The words of a message."""

    __tablename__ = "notification_template"
    __table_args__ = (unique("notification_template", "lower:name"),)

    name: Mapped[str] = f.text(label="Name", required=True, unique=True, search=True, column=True)
    about: Mapped[str] = f.choice(ABOUT, default=EVENT, label="About", column=True)
    description: Mapped[str] = f.text(label="Description", length=500, column=True)
    subject: Mapped[str] = f.text(label="Subject", length=500, help="One line; also the title of a beep.")
    body: Mapped[str] = f.longtext(label="Text", length=20_000, filter=False)
    html: Mapped[str] = f.longtext(label="HTML of e-mails", length=50_000, filter=False, csv=False,
                                   help="Empty: made from the text.")  # fmt: skip


class Subscription(Record):
    """Who is told what, where and when."""

    __tablename__ = "notification_subscription"
    __table_args__ = (unique("notification_subscription", "lower:name"),)

    name: Mapped[str] = f.text(label="Name", required=True, unique=True, search=True, column=True)
    enabled: Mapped[bool] = f.boolean(default=True, label="Enabled", column=True)
    about: Mapped[str] = f.choice(ABOUT, default=EVENT, label="About", column=True)
    triggers: Mapped[list[str]] = f.choices(TRIGGERS, label="When", column=True,
                                            help="Empty: raised and cleared, opened and resolved.")  # fmt: skip
    description: Mapped[str] = f.text(label="Description", length=500)
    conditions: Mapped[dict[str, Any]] = f.json(label="Conditions", help="A filter, as lists take it.")
    channels: Mapped[list[str]] = f.references("notification_channel", label="Channels", required=True, column=True)
    template: Mapped[str | None] = f.reference("notification_template", label="Template")
    users: Mapped[list[str]] = f.users(label="Users", section="Recipients")
    teams: Mapped[list[str]] = f.references("team", label="Teams", section="Recipients")
    people: Mapped[list[str]] = f.choices(PEOPLE, label="People of the record", section="Recipients")
    addresses: Mapped[list[str]] = f.tags(label="Addresses", section="Recipients",
                                          help="E-mail addresses and phone numbers.")  # fmt: skip
    mandatory: Mapped[bool] = f.boolean(label="Nobody may unsubscribe", section="Recipients")
    timezone: Mapped[str] = f.text(label="Time zone", length=64, section="Times")
    business_hours: Mapped[str | None] = f.reference("business_hours", label="Only in business hours", section="Times")
    quiet_from: Mapped[str] = f.text(label="Quiet from", length=5, section="Times", help="Such as 22:00.")
    quiet_until: Mapped[str] = f.text(label="Quiet until", length=5, section="Times", help="Such as 06:00.")
    outside: Mapped[str] = f.choice(OUTSIDE, default=HOLD, label="Outside these times", section="Times")
    digest_minutes: Mapped[int] = f.integer(default=0, label="Collect for minutes", minimum=0, maximum=10_080,
                                            section="Times", help="One message for all that happened.")  # fmt: skip
    repeat_minutes: Mapped[int] = f.integer(default=0, label="Not again within minutes", minimum=0, maximum=10_080,
                                            section="Suppression")  # fmt: skip
    max_per_hour: Mapped[int] = f.integer(default=0, label="At most per hour", minimum=0, maximum=100_000,
                                          section="Suppression", help="0: no limit.")  # fmt: skip
    in_maintenance: Mapped[bool] = f.boolean(label="Also in maintenance", section="Suppression")
    when_flapping: Mapped[bool] = f.boolean(label="Also while flapping", section="Suppression")


class Preference(Record):
    """What one person chose for themselves."""

    __tablename__ = "notification_preference"
    __table_args__ = (unique("notification_preference", "profile"),)

    profile: Mapped[str] = mapped_column(Identifier)
    unsubscribed: Mapped[list[str]] = mapped_column(JsonType, default=list)
    kinds_off: Mapped[list[str]] = mapped_column(JsonType, default=list)
    muted_until: Mapped[datetime | None] = mapped_column(Timestamp)


class Notification(Record):
    """One message to one recipient on one channel, from its making to its end."""

    __tablename__ = "notification"
    __table_args__ = (
        Index("ix_notification_due", "status", "due_at"),
        Index("ix_notification_order", "target", "status", "id"),
        Index("ix_notification_ref", "organization", "ref_id"),
        Index("ix_notification_by", "organization", "subscription", "creation_time"),
        Index("ix_notification_kind", "organization", "kind", "status", "creation_time", "id"),
    )

    kind: Mapped[str] = f.choice(KINDS, label="Kind", required=True, column=True, aliases=("type",))
    status: Mapped[str] = f.choice(STATUSES, default=QUEUED, label="Status", column=True)
    channel: Mapped[str | None] = f.reference("notification_channel", label="Channel", column=True,
                                              aliases=("received_config_id",))  # fmt: skip
    recipient: Mapped[str] = f.text(label="Recipient", length=500, search=True, column=True)
    profile: Mapped[str | None] = f.user(label="User", aliases=("user_id",))
    subject: Mapped[str] = f.text(label="Subject", length=500, search=True, column=True)
    body: Mapped[str] = f.longtext(label="Text", length=100_000)
    html: Mapped[str] = f.longtext(label="HTML", length=200_000, filter=False, csv=False)
    data: Mapped[dict[str, Any]] = f.json(label="Data", listed=False)
    subscription: Mapped[str | None] = f.reference("notification_subscription", label="Subscription")
    trigger: Mapped[str] = f.text(label="Trigger", length=32, read_only=True)
    ref_type: Mapped[str] = f.text(label="About", length=64)
    ref_id: Mapped[str] = f.text(label="Record", length=64)
    ref_display_id: Mapped[str] = f.text(label="Record ID", length=64, search=True)
    is_system_gen: Mapped[bool] = f.boolean(label="Made by a subscription", read_only=True)
    queued_at: Mapped[datetime | None] = f.instant(label="Queued", read_only=True)
    due_at: Mapped[datetime | None] = f.instant(label="Due", aliases=("send_at",), help="Later: it waits until then.")
    attempts: Mapped[int] = f.integer(default=0, label="Attempts", read_only=True, column=True)
    sent_at: Mapped[datetime | None] = f.instant(label="Sent", read_only=True)
    latency_ms: Mapped[int | None] = f.integer(label="Latency in ms", read_only=True)
    response_status: Mapped[int | None] = f.integer(label="Answered with", read_only=True)
    response: Mapped[str] = f.text(label="Answer", length=1000, read_only=True, sort=False)
    error: Mapped[str] = f.text(label="Error", length=500, read_only=True, column=True, sort=False)
    reason: Mapped[str] = f.text(label="Suppressed because", length=255)
    suppressed_until: Mapped[datetime | None] = f.instant(label="Suppressed until")
    digest: Mapped[str] = f.text(label="Digest", length=25, read_only=True)
    """Id of the message that collects this one."""
    read_at: Mapped[datetime | None] = f.instant(label="Read", read_only=True)
    target: Mapped[str] = mapped_column(String(64), default="")
    """What keeps its order: channel and recipient."""
    claimed_by: Mapped[str] = mapped_column(String(32), default="")
    claimed_until: Mapped[datetime | None] = mapped_column(Timestamp)
    mail: Mapped[str | None] = mapped_column(Identifier)
    """The e-mail in the outbox that carries it."""


class Attempt(Scoped, Base):
    """One try to deliver a notification."""

    __tablename__ = "notification_attempt"
    __table_args__ = (Index("ix_notification_attempt_of", "organization", "notification", "id"),)

    id: Mapped[str] = mapped_column(Identifier, primary_key=True, default=new_id)
    notification: Mapped[str] = mapped_column(Identifier)
    at: Mapped[datetime] = mapped_column(Timestamp)
    number: Mapped[int] = mapped_column(Integer)
    outcome: Mapped[str] = mapped_column(String(16))
    latency_ms: Mapped[int] = mapped_column(Integer, default=0)
    response_status: Mapped[int | None] = mapped_column(Integer)
    response: Mapped[str] = mapped_column(Text, default="")
    error: Mapped[str] = mapped_column(String(500), default="")
