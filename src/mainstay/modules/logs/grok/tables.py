"""Table of an organization's own grok patterns."""

from __future__ import annotations

from sqlalchemy.orm import Mapped

from mainstay.kernel import fields as f
from mainstay.kernel.record import Record, unique


class GrokPattern(Record):
    """A named pattern, written as ``%{NAME}`` in expressions."""

    __tablename__ = "log_grok_pattern"
    __table_args__ = (unique("log_grok_pattern", "lower:name"),)

    name: Mapped[str] = f.text(
        label="Name", length=60, required=True, search=True, unique=True, column=True,
        aliases=("pattern_name", "grok_name"), help="Letters, digits and _, such as ORDER_ID.",
    )  # fmt: skip
    pattern: Mapped[str] = f.longtext(
        label="Pattern", length=10_000, required=True, search=True, aliases=("grok_pattern", "regex", "expression"),
        help="A regular expression that may refer to other patterns: %{NAME} or %{NAME:field:int}.",
    )  # fmt: skip
    description: Mapped[str] = f.text(label="Description", length=1000, search=True, column=True)
    samples: Mapped[list[str]] = f.json(
        default=list, label="Sample lines", aliases=("sample_lines", "test_data", "sample"),
        help="Lines that the pattern must match; it is tried on them before it is saved.",
    )  # fmt: skip
