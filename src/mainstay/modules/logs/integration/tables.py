"""Table of log sources."""

from __future__ import annotations

from sqlalchemy.orm import Mapped

from mainstay.kernel import fields as f
from mainstay.kernel.fields import Choice
from mainstay.kernel.record import Record, unique

SYSLOG, HTTP, OTLP, AGENT = "syslog", "http", "otlp", "agent"
KINDS = (Choice(SYSLOG, "Syslog"), Choice(HTTP, "HTTP"), Choice(OTLP, "OpenTelemetry"), Choice(AGENT, "Agent"))
RETENTIONS = (
    Choice(0, "As long as the installation keeps lines"), Choice(1, "1 day"), Choice(7, "7 days"),
    Choice(30, "30 days"), Choice(90, "90 days"), Choice(365, "1 year"),
)  # fmt: skip


class LogIntegration(Record):
    """A source of log lines. Its networks say whose the lines are that come from them by syslog."""

    __tablename__ = "log_integration"
    __table_args__ = (unique("log_integration", "lower:name"),)

    name: Mapped[str] = f.text(
        label="Name", required=True, unique=True, search=True, column=True, aliases=("integration_name", "source_name")
    )
    description: Mapped[str] = f.text(length=2000, label="Description", search=True)
    kind: Mapped[str] = f.choice(KINDS, default=SYSLOG, label="Kind", column=True, aliases=("type", "log_type"))
    networks: Mapped[list[str]] = f.json(
        list, label="Networks", column=True, aliases=("addresses", "ip_address", "hosts"),
        help="Addresses and networks (10.1.0.0/16) of the senders. Where networks overlap, the smaller one decides.",
    )  # fmt: skip
    timezone: Mapped[str] = f.text(
        length=64, label="Time zone", aliases=("time_zone",),
        help="Of clocks that do not say it, such as Europe/Dublin. Empty: the organization's.",
    )  # fmt: skip
    rate_limit: Mapped[int | None] = f.integer(
        label="Lines a second", minimum=0, maximum=1_000_000,
        help="Taken by UDP from each address. Empty: the installation's limit; 0: any number.",
    )  # fmt: skip
    pipeline: Mapped[str] = f.text(length=64, label="Pipeline", aliases=("pipeline_id",), column=True)
    retention: Mapped[int] = f.choice(
        RETENTIONS, default=0, label="Kept for", column=True, help="Can only be shorter than the installation's."
    )
    enabled: Mapped[bool] = f.boolean(True, label="Enabled", column=True, aliases=("is_enabled", "status"))
    cis: Mapped[list[str]] = f.json(
        list, label="Configuration items", aliases=("ci", "assets", "ci_ids"), help="Ids of the items that send here."
    )
