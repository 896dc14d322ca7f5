"""Table of saved searches."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Mapped

from mainstay.kernel import fields as f
from mainstay.kernel.record import Record


class LogSearch(Record):
    """A search of the log lines that somebody keeps; private unless it is shared."""

    __tablename__ = "log_search"

    name: Mapped[str] = f.text(label="Name", required=True, search=True, column=True, aliases=("search_name",))
    query: Mapped[str] = f.text(length=4000, label="Query", search=True, column=True, sort=False)
    description: Mapped[str] = f.text(length=2000, label="Description", search=True)
    shared: Mapped[bool] = f.boolean(label="Shared", column=True, help="Everybody who may view logs sees it.")
    time_from: Mapped[str] = f.text(label="From", length=64, default="now-1h", aliases=("from",), sort=False)
    time_to: Mapped[str] = f.text(label="To", length=64, aliases=("to",), sort=False, help="Empty: no end.")
    columns: Mapped[list[str]] = f.json(list, label="Columns", help="Names of columns, in order.")
    view: Mapped[dict[str, Any]] = f.json(label="View", help="What else the page keeps: sort, width, facets.")
