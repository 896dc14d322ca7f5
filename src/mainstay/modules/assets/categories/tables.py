"""Table of categories."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Mapped

from mainstay.kernel import fields as f
from mainstay.kernel.record import Record, unique


class Category(Record):
    """A class of items. What it does not say itself it has from the category it is part of."""

    __tablename__ = "ci_category"
    __table_args__ = (unique("ci_category", "lower:name"),)

    name: Mapped[str] = f.text(
        label="Name", length=120, required=True, search=True, unique=True, column=True, aliases=("category_name",)
    )
    parent: Mapped[str | None] = f.reference(
        "ci_category", label="Part of", column=True, index=True, aliases=("parent_id", "parent_category")
    )
    description: Mapped[str] = f.text(label="Description", length=500, column=True)
    icon: Mapped[str] = f.text(label="Icon", length=64)
    abstract: Mapped[bool] = f.boolean(label="Group only", help="Holds categories, not items.")
    is_enabled: Mapped[bool] = f.boolean(default=True, label="Enabled")
    attributes: Mapped[list[dict[str, Any]]] = f.json(
        list,
        label="Attributes",
        listed=False,
        help="What items of this category have beside the common fields: key, label, kind, choices, required, section.",
    )
    sections: Mapped[list[dict[str, Any]]] = f.json(
        list,
        label="Sections",
        listed=False,
        help="Sections of the form: name, and its fields, each with whether it is mandatory here.",
    )
    identifiers: Mapped[list[Any]] = f.json(
        list,
        label="Unique identifiers",
        listed=False,
        help="Lists of fields whose values together belong to one item only.",
    )
    is_preconfigured: Mapped[bool] = f.boolean(label="Built in", read_only=True)
