"""Tables of relations and their types."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String, column
from sqlalchemy.orm import Mapped, mapped_column

from mainstay.kernel import fields as f
from mainstay.kernel.record import Record, live_index, unique

ON_SOURCE, ON_TARGET, ON_BOTH, ON_NONE = "source", "target", "both", "none"
IMPACTS = (
    f.Choice(ON_SOURCE, "The target's failure hits the source"),
    f.Choice(ON_TARGET, "The source's failure hits the target"),
    f.Choice(ON_BOTH, "Either failure hits the other"),
    f.Choice(ON_NONE, "No failure is passed on"),
)
ORIGINS = (
    f.Choice("manual", "By hand"),
    f.Choice("api", "API"),
    f.Choice("discovery", "Discovery"),
    f.Choice("rule", "Rule"),
    f.Choice("csv", "CSV import"),
    f.Choice("agent", "Agent"),
)
ENDS = ("target", "department", "location", "user", "requester")
"""What a relation can lead to; exactly one is set."""


def _walked(name: str, *columns: str) -> Index:
    return live_index(f"ix_ci_relation_{name}", *[column(one) for one in ("organization", *columns, "is_deleted")])


class RelationType(Record):
    """A kind of relation, read in both directions: ``name`` from source to target, ``reverse`` back."""

    __tablename__ = "ci_relation_type"
    __table_args__ = (unique("ci_relation_type", "lower:name"),)

    name: Mapped[str] = f.text(
        label="Reading",
        length=120,
        required=True,
        search=True,
        unique=True,
        column=True,
        help="From source to target, such as: Depends on.",
        aliases=("parent_reading",),
    )
    reverse: Mapped[str] = f.text(
        label="Reverse reading",
        length=120,
        required=True,
        search=True,
        column=True,
        help="From target to source, such as: Is depended on by.",
        aliases=("child_reading",),
    )
    impact: Mapped[str] = f.choice(IMPACTS, default=ON_SOURCE, label="Impact", column=True)
    needs_all: Mapped[bool] = f.boolean(
        label="Needs all",
        column=True,
        help="Off: one of several of this type is enough. On: the failure of any one is a failure.",
    )
    description: Mapped[str] = f.text(label="Description", length=500)
    is_enabled: Mapped[bool] = f.boolean(default=True, label="Enabled", column=True)
    is_preconfigured: Mapped[bool] = f.boolean(label="Built in", read_only=True)
    code: Mapped[str] = mapped_column(String(40), default="")
    """What programs know a built-in type by, whatever it is called."""


class Relation(Record):
    """A relation from an item to another one, to a place, a department or a person."""

    __tablename__ = "ci_relation"
    __table_args__ = (
        unique("ci_relation", "source", "type", "target"),
        # What walks read, without touching the rows: whether one is deleted stands in the index, too.
        _walked("there", "source", "type", "target"),
        _walked("back", "target", "type", "source"),
        # Whether there is any relation of a type.
        _walked("type", "type"),
    )

    source: Mapped[str] = f.reference(
        "ci", label="Source", required=True, column=True, aliases=("ci_id", "source_ci", "parent_ci")
    )
    type: Mapped[str] = f.reference(
        "ci_relation_type", label="Relation", required=True, column=True, aliases=("relation_type", "relation")
    )
    target: Mapped[str | None] = f.reference(
        "ci", label="Target", column=True, aliases=("target_ci", "child_ci", "related_ci")
    )
    department: Mapped[str | None] = f.reference("department", label="Department")
    location: Mapped[str | None] = f.reference("location", label="Location")
    user: Mapped[str | None] = f.user(label="User")
    requester: Mapped[str | None] = f.reference("requester", label="Requester")
    source_port: Mapped[str] = f.text(label="Port of the source", length=120, aliases=("source_slot",))
    target_port: Mapped[str] = f.text(label="Port of the target", length=120, aliases=("target_slot",))
    description: Mapped[str] = f.text(label="Description", length=500, search=True)
    origin: Mapped[str] = f.choice(ORIGINS, default="manual", label="Origin", read_only=True, column=True)
    rule: Mapped[str] = f.text(label="Rule", length=32, read_only=True)
    last_seen: Mapped[datetime | None] = f.instant(label="Last seen", read_only=True)
