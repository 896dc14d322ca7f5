"""Items whose log lines are not taken: their lines are dropped before any pipeline sees them."""

from __future__ import annotations

import time
from collections import OrderedDict
from datetime import datetime
from typing import TYPE_CHECKING

import polars as pl
import structlog
from sqlalchemy import String, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Mapped, mapped_column

from mainstay.kernel.database import ANY_ORGANIZATION
from mainstay.kernel.record import Base, Identifier, Scoped, Timestamp
from mainstay.modules.logs.intake import stages

if TYPE_CHECKING:
    from mainstay.kernel.platform import Platform

log = structlog.get_logger("mainstay.logs")
LOOK_SECONDS = 5.0
ENTRIES = 20_000


class KeptOut(Scoped, Base):
    """An item whose log lines are not taken; the others have no row."""

    __tablename__ = "log_kept_out"

    organization: Mapped[str] = mapped_column(Identifier, primary_key=True)
    ci: Mapped[str] = mapped_column(Identifier, primary_key=True)
    since: Mapped[datetime] = mapped_column(Timestamp)
    by_name: Mapped[str] = mapped_column(String(255), default="")
    reason: Mapped[str] = mapped_column(String(500), default="")


class Gate:
    """The items that are kept out, from memory that is a few seconds old at most, and how many lines that cost."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._looked = float("-inf")
        self._items: frozenset[tuple[str, str]] = frozenset()
        self._dropped: OrderedDict[tuple[str, str], int] = OrderedDict()

    def forget(self) -> None:
        """Look again before the next line."""
        self._looked = float("-inf")

    def dropped(self, organization: str, ci: str) -> int:
        """How many lines of an item this process dropped since its start."""
        return self._dropped.get((organization, ci), 0)

    async def items(self) -> frozenset[tuple[str, str]]:
        """The items that are kept out, with their organizations."""
        if time.monotonic() - self._looked >= LOOK_SECONDS:
            begun = time.monotonic()
            try:
                async with self._platform.work(ANY_ORGANIZATION, write=False) as ctx:
                    rows = (await ctx.session.execute(select(KeptOut.organization, KeptOut.ci))).all()
                self._items = frozenset((row.organization, row.ci) for row in rows)
            except SQLAlchemyError as error:
                log.warning("items kept out of the logs not read; the last ones hold", error=str(error)[:300])
            self._looked = begun
        return self._items

    def note(self, lost: pl.DataFrame) -> None:
        """Count lines that were dropped."""
        for organization, ci, lines in lost.group_by("organization", "ci").len().iter_rows():
            key = (organization, ci)
            self._dropped[key] = self._dropped.pop(key, 0) + lines
        while len(self._dropped) > ENTRIES:
            self._dropped.popitem(last=False)


def gate_of(platform: Platform) -> Gate:
    found: Gate = platform.memory.setdefault(Gate, Gate(platform))
    return found


@stages.first
async def keep_out(platform: Platform, frame: pl.DataFrame) -> pl.DataFrame:
    """The frame without the lines of items that are kept out."""
    if "ci" not in frame.columns:
        return frame
    gate = gate_of(platform)
    wanted = await gate.items()
    if not wanted:
        return frame
    # Ids of items are unique in the whole installation.
    out = frame["ci"].is_in([ci for _organization, ci in wanted]).fill_null(False)
    if not out.any():
        return frame
    gate.note(frame.filter(out))
    return frame.filter(~out)
