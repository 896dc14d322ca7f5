"""Table of tags."""

from __future__ import annotations

from sqlalchemy.orm import Mapped

from mainstay.kernel import fields as f
from mainstay.kernel.fields import Choice
from mainstay.kernel.record import Record, unique

USER, ASSET = 1, 2
TYPES = (Choice(USER, "User"), Choice(ASSET, "Asset"))


class Tag(Record):
    """A name that groups people (user tag) or assets (asset tag). Records hold the name itself."""

    __tablename__ = "tag"
    __table_args__ = (unique("tag", "type", "lower:name"),)

    name: Mapped[str] = f.text(label="Name", required=True, search=True, unique=True, column=True, aliases=("tag",))
    type: Mapped[int] = f.choice(TYPES, default=USER, label="Type", column=True)
    color: Mapped[str] = f.color(label="Colour", column=True)
    description: Mapped[str] = f.text(label="Description", length=1000, column=True)
