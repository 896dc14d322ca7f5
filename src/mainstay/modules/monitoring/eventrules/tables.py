"""Table of an organization's own event rules."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Mapped

from mainstay.kernel import fields as f
from mainstay.kernel.fields import Choice
from mainstay.kernel.record import Record, unique
from mainstay.modules.monitoring.eventrules.catalogue import IGNORE, LOG, RAISE
from mainstay.modules.monitoring.eventrules.matcher import PatternError, check
from mainstay.modules.monitoring.eventrules.severity import NAMES

SEVERITIES = tuple(Choice(number, name) for number, name in NAMES.items())
DISPOSITIONS = (
    Choice(RAISE, "Raise an event"),
    Choice(LOG, "Recognise it, but raise no event"),
    Choice(IGNORE, "Noise"),
)


def _pattern(value: str) -> str | None:
    try:
        check(value)
    except PatternError as error:
        return f"The pattern cannot be used: {error}"
    return None


class EventRule(Record):
    """A rule of the organization. They come before the shipped ones, by position."""

    __tablename__ = "event_rule"
    __table_args__ = (unique("event_rule", "lower:name"),)

    name: Mapped[str] = f.text(label="Name", required=True, search=True, unique=True, column=True)
    position: Mapped[int] = f.integer(default=100, label="Position", column=True, help="Lower ones are tried first.")
    enabled: Mapped[bool] = f.boolean(True, label="Enabled", column=True)
    pattern: Mapped[str] = f.text(
        label="Pattern", length=2000, required=True, check=_pattern, column=True, search=True,
        help="A regular expression (RE2) found anywhere in the message; (?P<name>...) makes a variable.",
    )  # fmt: skip
    event_class: Mapped[str] = f.text(label="Class", required=True, column=True, search=True)
    severity: Mapped[int | None] = f.choice(SEVERITIES, label="Severity", column=True, help="Empty: that of the class.")
    disposition: Mapped[str] = f.choice(DISPOSITIONS, default=RAISE, label="Disposition", column=True)
    template: Mapped[str] = f.text(
        label="Message", length=1000, help="Of the event, with {variable}; empty: the message as it came."
    )
    key: Mapped[list[str]] = f.tags(label="Key", help="Variables that tell problems apart; empty: those of the class.")
    clears: Mapped[str] = f.text(label="Clears", help="The class whose event a message of this rule ends.")
    vendors: Mapped[list[str]] = f.tags(label="Vendors", help="Empty: any.")
    samples: Mapped[list[Any]] = f.json(
        list, label="Samples", help="Messages that the rule must recognise; tried before it is saved."
    )
