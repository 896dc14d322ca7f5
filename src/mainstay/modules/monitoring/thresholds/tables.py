"""Table of an organization's own thresholds."""

from __future__ import annotations

from sqlalchemy.orm import Mapped

from mainstay.kernel import fields as f
from mainstay.kernel.fields import Choice
from mainstay.kernel.record import Record
from mainstay.modules.monitoring.thresholds import engine
from mainstay.modules.monitoring.thresholds.engine import ABOVE, VALUE

SCOPES = {
    "organization": engine.ORGANIZATION,
    "group": engine.GROUP,
    "category": engine.CATEGORY,
    "item": engine.ITEM,
    "resource": engine.RESOURCE,
}
_SCOPES = (
    Choice("organization", "Whole organization"), Choice("group", "Device group"), Choice("category", "Category"),
    Choice("item", "One item"), Choice("resource", "One resource of an item"),
)  # fmt: skip
_CONDITIONS = (Choice(ABOVE, "At or above the set point"), Choice(engine.BELOW, "At or below the set point"))
_STATISTICS = (
    Choice(VALUE, "Each value"), Choice(engine.AVERAGE, "Average of the poll points"),
    Choice(engine.HIGHEST, "Highest of the poll points"), Choice(engine.LOWEST, "Lowest of the poll points"),
)  # fmt: skip
POLLS, SECONDS = "polls", "seconds"
SEVERITIES = (
    Choice(1, "Critical", "#b91c1c"), Choice(2, "Major", "#c2410c"), Choice(3, "Minor", "#a16207"),
    Choice(4, "Informational", "#1d4ed8"),
)  # fmt: skip
_MACROS = (
    "{device}, {resource}, {value}, {unit}, {metric}, {set_point} and {reset_point} are filled in. Empty: as shipped."
)


class MonitorThreshold(Record):
    """When a measurement becomes an event in a part of the organization."""

    __tablename__ = "monitor_threshold"

    name: Mapped[str] = f.text(label="Name", required=True, search=True, column=True)
    metric: Mapped[str] = f.text(
        label="Measurement", length=120, required=True, search=True, column=True, aliases=("statistic_name", "kpi"),
        help="Such as cpu, latency or if_errors, or the key of a statistic of a device template.",
    )  # fmt: skip
    scope: Mapped[str] = f.choice(_SCOPES, default="organization", label="Applies to", column=True)
    device_group: Mapped[str | None] = f.reference("device_group", label="Device group", only={"scope": ("group",)})
    category: Mapped[str | None] = f.reference("ci_category", label="Category", only={"scope": ("category",)})
    ci: Mapped[str | None] = f.reference(
        "ci", label="Item", index=True, aliases=("ci_id",), only={"scope": ("item", "resource")}
    )
    resource: Mapped[str] = f.text(
        label="Resource", search=True, help="Name of an interface, a disk or another part; * stands for any characters."
    )
    condition: Mapped[str] = f.choice(_CONDITIONS, default=ABOVE, label="Condition", aliases=("polarity",))
    set_point: Mapped[float] = f.number(label="Set point", required=True, column=True)
    reset_point: Mapped[float] = f.number(label="Reset point", required=True, column=True)
    statistic: Mapped[str] = f.choice(_STATISTICS, default=VALUE, label="Of the values")
    poll_points: Mapped[int] = f.integer(
        default=1, minimum=1, maximum=100, label="Poll points", help="How many of the last polls are looked at."
    )
    breached_percent: Mapped[int] = f.integer(
        default=100, minimum=1, maximum=100, label="Breached %", help="How many of them must be beyond the point."
    )
    hold_unit: Mapped[str] = f.choice(
        (Choice(POLLS, "Polls"), Choice(SECONDS, "Seconds")), default=POLLS, label="Hold times in"
    )
    set_hold: Mapped[int] = f.integer(default=3, minimum=0, maximum=86_400, label="Hold before it is raised")
    reset_hold: Mapped[int] = f.integer(default=2, minimum=0, maximum=86_400, label="Hold before it is over")
    severity: Mapped[int] = f.choice(SEVERITIES, default=2, label="Severity", column=True)
    event_class: Mapped[str] = f.text(label="Event class", help="Empty: the one that is shipped for the measurement.")
    set_message: Mapped[str] = f.text(label="Message", length=1000, help=_MACROS)
    reset_message: Mapped[str] = f.text(label="Message when it is over", length=1000, help=_MACROS)
    alarm: Mapped[bool] = f.boolean(
        True, label="Raises events", help="Off: the measurement raises nothing here, whatever wider thresholds say."
    )
    is_enabled: Mapped[bool] = f.boolean(True, label="Enabled", column=True, aliases=("enabled",))
