"""Table of item classifications."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Mapped

from mainstay.kernel import fields as f
from mainstay.kernel.record import Record, unique
from mainstay.modules.assets.cmdb.tables import TYPES


class ItemClassification(Record):
    """A named view of the items: those of some categories, of a type, that some filters find."""

    __tablename__ = "item_classification"
    __table_args__ = (unique("item_classification", "lower:classification_name"),)

    classification_name: Mapped[str] = f.text(
        label="Name",
        length=120,
        required=True,
        search=True,
        unique=True,
        column=True,
        aliases=("name", "template_name"),
    )
    parent: Mapped[str | None] = f.reference("item_classification", label="Part of", column=True, index=True)
    categories: Mapped[list[str]] = f.references(
        "ci_category", label="Categories", help="What is part of them counts too. Empty: all of them."
    )
    cmdb_class: Mapped[int | None] = f.choice(TYPES, label="Type of asset")
    classification_filters: Mapped[list[Any]] = f.json(
        list, label="Filters", aliases=("filters", "filter"), help="Conditions on the fields of items."
    )
    pinned_by: Mapped[list[str]] = f.users(label="Pinned by", read_only=True)
    is_preconfigured: Mapped[bool] = f.boolean(label="Built in", read_only=True)
