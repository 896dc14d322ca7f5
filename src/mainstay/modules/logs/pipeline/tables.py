"""Tables of pipelines, their versions, and lookup tables."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from mainstay.kernel import fields as f
from mainstay.kernel.record import Base, Identifier, JsonType, Record, Scoped, Timestamp, unique


class LogPipeline(Record):
    """A pipeline as it is edited. What runs is the version in force."""

    __tablename__ = "log_pipeline"
    __table_args__ = (unique("log_pipeline", "lower:name"),)

    name: Mapped[str] = f.text(
        label="Name", length=120, required=True, search=True, unique=True, column=True, aliases=("pipeline_name",)
    )
    description: Mapped[str] = f.text(label="Description", length=1000, search=True)
    condition: Mapped[str] = f.longtext(
        label="Applies to", length=4000, aliases=("applies_to", "when"), sort=False,
        help='Lines that it is for, such as app == "nginx" or source cidr "10.0.0.0/8". Empty: every line.',
    )  # fmt: skip
    stages: Mapped[list[Any]] = f.json(default=list, label="Stages", aliases=("pipeline", "processors"))
    enabled: Mapped[bool] = f.boolean(True, label="Enabled", column=True, aliases=("is_enabled", "status"))
    position: Mapped[int] = f.integer(
        default=100, label="Position", minimum=0, maximum=100_000, column=True, aliases=("order",),
        help="Pipelines are tried in this order; the first whose condition a line meets has it.",
    )  # fmt: skip
    passing: Mapped[bool] = f.boolean(
        False, label="Pass on", help="Offer lines to the pipelines that follow, too.", aliases=("continue",)
    )
    parent: Mapped[str | None] = f.reference(
        "log_pipeline", label="Parent", index=True, aliases=("parent_pipeline",),
        help="Runs after this pipeline, for its lines that meet the condition.",
    )  # fmt: skip
    revision: Mapped[int] = f.integer(default=1, label="Newest version", read_only=True, csv=False)
    in_force: Mapped[int] = f.integer(
        default=0, label="Version in force", read_only=True, csv=False, column=True, help="0: none, it does not run."
    )
    uploaded_at: Mapped[datetime | None] = f.instant(label="In force since", read_only=True, csv=False, column=True)


class LogPipelineVersion(Scoped, Base):
    """One saved state of a pipeline. Never changed."""

    __tablename__ = "log_pipeline_version"

    pipeline: Mapped[str] = mapped_column(Identifier, primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    condition: Mapped[str] = mapped_column(Text, default="")
    stages: Mapped[list[Any]] = mapped_column(JsonType, default=list)
    note: Mapped[str] = mapped_column(String(255), default="")
    created_at: Mapped[datetime] = mapped_column(Timestamp)
    created_by: Mapped[int] = mapped_column(Integer, default=0)
    created_by_name: Mapped[str] = mapped_column(String(255), default="")


class LogLookupTable(Record):
    """A table that pipelines look fields up in."""

    __tablename__ = "log_lookup_table"
    __table_args__ = (unique("log_lookup_table", "lower:name"),)

    name: Mapped[str] = f.text(label="Name", length=120, required=True, search=True, unique=True, column=True)
    description: Mapped[str] = f.text(label="Description", length=1000, search=True, column=True)
    content: Mapped[str] = f.longtext(
        label="Content", length=2_000_000, required=True, filter=False, listed=False,
        help="CSV with a header; the first column is what is looked up, the others are what is found.",
    )  # fmt: skip
