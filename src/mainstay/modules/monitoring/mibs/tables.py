"""Tables of uploaded MIB modules."""

from __future__ import annotations

from typing import Any

from sqlalchemy import LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from mainstay.kernel import fields as f
from mainstay.kernel.fields import Choice
from mainstay.kernel.record import Base, Identifier, Record, Scoped, unique

LOADED, PARTIAL, FAILED = "loaded", "partial", "failed"
STATUSES = (Choice(LOADED, "Loaded", "#16a34a"), Choice(PARTIAL, "Partly loaded", "#eab308"),
            Choice(FAILED, "Not loaded", "#dc2626"))  # fmt: skip


class Mib(Record):
    """A MIB module that somebody uploaded."""

    __tablename__ = "mib"
    __table_args__ = (unique("mib", "mib_name"),)

    mib_name: Mapped[str] = f.text(label="Module", search=True, unique=True, read_only=True, column=True)
    mib_description: Mapped[str] = f.text(label="Description", length=2000, search=True, column=True)
    mib_file: Mapped[str] = f.text(label="File", search=True, read_only=True, column=True)
    mib_file_dependencies: Mapped[list[str]] = f.tags(label="Needs", read_only=True, filter=False, csv=False)
    status: Mapped[str] = f.choice(STATUSES, default=LOADED, label="Status", read_only=True, column=True)
    object_count: Mapped[int | None] = f.integer(default=0, label="Objects", read_only=True, column=True)
    notification_count: Mapped[int | None] = f.integer(default=0, label="Notifications", read_only=True, column=True)
    missing: Mapped[list[str]] = f.tags(label="Missing modules", read_only=True, filter=False, csv=False)
    problems: Mapped[dict[str, Any]] = f.json(label="Problems", read_only=True)


class MibContent(Scoped, Base):
    """A module's text and what it was compiled to, both compressed; apart from the record, whose trail they would
    burst."""

    __tablename__ = "mib_content"

    mib: Mapped[str] = mapped_column(Identifier, primary_key=True)
    source: Mapped[bytes] = mapped_column(LargeBinary)
    compiled: Mapped[bytes] = mapped_column(LargeBinary)
