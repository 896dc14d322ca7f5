"""Tables of log rules and of how far each was evaluated."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Integer, Text
from sqlalchemy.orm import Mapped, mapped_column

from mainstay.kernel import fields as f
from mainstay.kernel.fields import Choice
from mainstay.kernel.record import Base, Identifier, JsonType, Record, Scoped, Timestamp, unique

MATCH, THRESHOLD = "match", "threshold"
KINDS = (Choice(MATCH, "Every match"), Choice(THRESHOLD, "Threshold"))
MEASURES = (
    Choice("count", "Number of lines"), Choice("distinct", "Different values of a field"),
    Choice("sum", "Sum of a field"), Choice("avg", "Average of a field"), Choice("min", "Smallest value of a field"),
    Choice("max", "Largest value of a field"),
)  # fmt: skip
COMPARISONS = (
    Choice(">", "more than"), Choice(">=", "at least"), Choice("<", "less than"), Choice("<=", "at most"),
    Choice("=", "exactly"),
)  # fmt: skip
SEVERITIES = (
    Choice(1, "Critical", "#dc2626"), Choice(2, "Major", "#ea580c"), Choice(3, "Minor", "#ca8a04"),
    Choice(4, "Informational", "#2563eb"),
)  # fmt: skip


class LogRule(Record):
    """What to look for in the log, how often, and what to raise."""

    __tablename__ = "log_rule"
    __table_args__ = (unique("log_rule", "lower:name"),)

    name: Mapped[str] = f.text(
        label="Name", required=True, unique=True, search=True, column=True, aliases=("rule_name",)
    )
    description: Mapped[str] = f.text(length=2000, label="Description", search=True)
    enabled: Mapped[bool] = f.boolean(True, label="Enabled", column=True, aliases=("is_enabled",))
    query: Mapped[str] = f.text(
        length=4000, label="Query", search=True, column=True, sort=False,
        help="Which lines, as in Search log lines: failed password and host:core-1. Empty: every line.",
    )  # fmt: skip
    kind: Mapped[str] = f.choice(KINDS, default=THRESHOLD, label="Kind", column=True, aliases=("type",))
    measure: Mapped[str] = f.choice(MEASURES, default="count", label="Measure", section="Threshold")
    field: Mapped[str] = f.text(
        length=210, label="Field", section="Threshold", help="Whose values are measured.",
        only={"measure": tuple(choice.id for choice in MEASURES if choice.id != "count")},
    )  # fmt: skip
    comparison: Mapped[str] = f.choice(COMPARISONS, default=">", label="Comparison", section="Threshold")
    threshold: Mapped[float | None] = f.number(label="Threshold", section="Threshold", column=True)
    group_by: Mapped[list[str]] = f.json(
        list, label="Group by", section="Threshold", help="An event of its own for every value of these fields."
    )
    window: Mapped[int | None] = f.integer(
        default=5, label="Window, minutes", minimum=1, maximum=10_080, section="Schedule", column=True
    )
    every: Mapped[int | None] = f.integer(
        default=5, label="Every, minutes", minimum=1, maximum=1440, section="Schedule", aliases=("interval",),
        help="How often it is evaluated; the window is a multiple of it.",
    )  # fmt: skip
    severity: Mapped[int] = f.choice(SEVERITIES, default=3, label="Severity", section="Event", column=True)
    message: Mapped[str] = f.text(
        length=1000, label="Message", section="Event", sort=False,
        help="With {rule}, {value}, {count}, {threshold}, {window}, {message}, {host}, and the fields grouped by.",
    )  # fmt: skip
    event_class: Mapped[str] = f.text(length=120, label="Event class", section="Event")
    clear: Mapped[bool] = f.boolean(True, label="Clear", section="Event", help="When a window is below again.")


class LogRuleState(Scoped, Base):
    """How far a rule was evaluated, and what it has raised and not cleared."""

    __tablename__ = "log_rule_state"

    organization: Mapped[str] = mapped_column(Identifier, primary_key=True)
    rule: Mapped[str] = mapped_column(Identifier, ForeignKey("log_rule.id", ondelete="CASCADE"), primary_key=True)
    evaluated_until: Mapped[datetime] = mapped_column(Timestamp)
    ran_at: Mapped[datetime] = mapped_column(Timestamp)
    took_ms: Mapped[int] = mapped_column(Integer, default=0)
    active: Mapped[dict[str, Any]] = mapped_column(JsonType, default=dict)
    """Key of the event → what it was raised for."""
    error: Mapped[str] = mapped_column(Text, default="")
