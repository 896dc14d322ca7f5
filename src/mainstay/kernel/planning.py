"""What SQLite's planner is told about the tables.

Without statistics it takes the first column of an index for selective. Here that is the organization, which most
installations have one of: a look-up of ten ids would read every row of the table. Statistics gathered from the data
would come too late for the first import, and change plans from one day to the next; these say what is true of a large
installation, and every connection reads them when it opens.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Boolean, Connection, Index, Integer, String, text
from sqlalchemy.sql.elements import ColumnElement

from mainstay.kernel.record import Base, JsonType

ROWS = 1_000_000
FEW, SOME, MANY = 10, 1000, 50_000
"""Rows that share one value: of what is nearly unique, of a reference, of a choice."""


def teach(connection: Connection) -> None:
    """Write the statistics of every index; safe to call again."""
    connection.execute(text("ANALYZE organization"))  # makes the table that holds them
    connection.execute(text("DELETE FROM sqlite_stat1"))
    known = set(connection.execute(text("SELECT name FROM sqlite_schema WHERE type = 'index'")).scalars())
    rows = []
    for table in Base.metadata.tables.values():
        for index in table.indexes:
            if index.name in known:
                rows.append({"tbl": table.name, "idx": str(index.name), "stat": " ".join(map(str, shares(index)))})
        key = list(table.primary_key.columns)
        automatic = f"sqlite_autoindex_{table.name}_1"
        if automatic in known and key:
            each = _falling([_share(column) for column in key])
            rows.append({"tbl": table.name, "idx": automatic, "stat": " ".join(map(str, [ROWS, *each[:-1], 1]))})
    connection.execute(text("INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES (:tbl, :idx, :stat)"), rows)


def shares(index: Index) -> list[int]:
    """Rows in the index, then how many share the first column, the first two, and so on."""
    each = _falling([_share(column) for column in index.expressions])
    if str(index.name).endswith("_recent") and len(each) > 1:
        # Where no index narrows rows down they are read in the order they were made, which is that of the file, and not
        # by an index that has a little more in it to look at.
        each[0] = ROWS * 3 // 10
    elif any(_coarse(column) for column in index.expressions):
        # The order of lists but for what is within a step: worth more than to read in the order of the file.
        each[0] = ROWS // 10 if str(index.name).endswith("_open") else ROWS * 2 // 10
    if index.unique:
        each[-1] = 1
    return [ROWS, *each]


def _coarse(column: Any) -> bool:
    """Whether it stands in the indexes for a finer one (``fields.Coarse``)."""
    return bool(getattr(column, "info", {}).get("coarse"))


def _falling(each: list[int]) -> list[int]:
    """More columns are never shared by more rows; every further one narrows by its own share."""
    found: list[int] = []
    left = ROWS
    for share in each:
        left = max(1, left * share // ROWS) if found else share
        found.append(left)
    return found


def _share(column: Any) -> int:
    """How many rows have the same value in this column."""
    name = getattr(column, "name", "")
    if name == "organization":
        return ROWS
    if not isinstance(column, ColumnElement) or name in ("", "id", "seq") or not hasattr(column, "type"):
        return FEW
    if isinstance(column.type, Boolean) or name.startswith("is_"):
        return ROWS // 2
    if name in ("status", "type", "kind", "resource", "category", "source_kind", "result", "decision"):
        return MANY
    if _coarse(column):
        return SOME
    if name == "criticality":  # one of four
        return ROWS // 4
    if isinstance(column.type, Integer) and name not in ("user", "number", "seq", "next_number", "created_by"):
        return MANY
    if column.type is not JsonType and isinstance(column.type, String) and column.type.length == 25 and name != "id":
        return SOME
    return FEW
