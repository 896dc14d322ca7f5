"""Lines on their way through stages: columns of ``log_lines``, and fields that are columns of their own meanwhile.

A field that a stage names is a column (``f:name``). What comes in with the lines, and keys that only the data knows
(JSON, key=value), stays in long form (``row``, ``key``, ``value``): a hostile sender cannot make columns. A key is in
one of both places, never in both. Tags set on the way are columns of truth values (``t:name``) until the end.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from mainstay.kernel.telemetry.arrow import pa
from mainstay.modules.logs.intake.lines import FRAME, TIME

COLUMNS = FRAME
READABLE = frozenset(COLUMNS) - {"organization", "fields", "tags"}
WRITABLE = frozenset({"message", "host", "ci", "facility", "severity", "app", "procid", "msgid"})
SEVERITIES = ("emergency", "alert", "critical", "error", "warning", "notice", "informational", "debug")
_SEVERITY_WORDS = {
    "emerg": 0, "panic": 0, "crit": 2, "fatal": 2, "severe": 2, "err": 3, "warn": 4, "info": 6, "information": 6,
    "trace": 7, "verbose": 7, **{name: number for number, name in enumerate(SEVERITIES)},
}  # fmt: skip
FACILITIES = (
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp", "ntp",
    "audit", "console", "cron2", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
)  # fmt: skip
CODES: dict[str, dict[str, int]] = {
    "severity": _SEVERITY_WORDS,
    "facility": {name: number for number, name in enumerate(FACILITIES)},
}
MAX_VALUE = 65_536
"""Characters of a value that a stage composes."""
MAX_KEYS = 300
"""Fields that one line gets from its own data."""
MAX_KEY = 200


def own_name(name: str) -> str:
    """``fields.x`` is the field x also where a column has the name."""
    return name.removeprefix("fields.")


def is_column(name: str) -> bool:
    return name in READABLE


class Batch:
    """Lines of one organization. Stages change it in place, or make parts of it."""

    def __init__(self, frame: pl.DataFrame, rest: pl.DataFrame | None = None, *, untouched: bool = False) -> None:
        self.frame = frame
        self._rest = rest
        self.untouched = untouched
        """Whether the fields that the lines came with are still in their own column only."""

    @property
    def rest(self) -> pl.DataFrame | None:
        """Fields in long form; None where there are none."""
        if self.untouched:
            self.untouched = False
            if self.frame["fields"].list.len().sum():
                lines = self.frame.lazy().select("row", "fields").filter(pl.col("fields").list.len() > 0)
                self._rest = lines.explode("fields").unnest("fields").collect()
        return self._rest

    @rest.setter
    def rest(self, value: pl.DataFrame | None) -> None:
        self.untouched = False
        self._rest = value

    def copy(self) -> Batch:
        """The same lines, to be changed apart; columns are shared."""
        return Batch(self.frame, self._rest, untouched=self.untouched)

    @classmethod
    def of(cls, frame: pl.DataFrame) -> Batch:
        """Lines as they are received. Missing columns are added, missing values filled."""
        frame = frame.with_columns(
            pl.lit(None, dtype=kind).alias(name) for name, kind in COLUMNS.items() if name not in frame.columns
        ).with_columns(
            pl.col("message", "raw").fill_null(""),
            pl.col("fields").cast(COLUMNS["fields"]),
            pl.col("tags").cast(COLUMNS["tags"]).fill_null(pl.lit([], dtype=COLUMNS["tags"])),
            pl.int_range(pl.len(), dtype=pl.UInt32).alias("row"),
        )
        return cls(frame, untouched=True)

    def __len__(self) -> int:
        return self.frame.height

    # Reading

    def text(self, name: str) -> pl.Series:
        """A field or column as text; null where the line has none."""
        if is_column(name):
            column = self.frame[name]
            if column.dtype == pl.String:
                return pl.select(pl.when(column != "").then(column)).to_series()
            if column.dtype == TIME:
                return column.dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ")
            return column.cast(pl.String)
        name = own_name(name)
        self._bring(name)
        column_name = f"f:{name}"
        if column_name in self.frame.columns:
            return self.frame[column_name]
        return pl.Series(name, [None], dtype=pl.String).new_from_index(0, len(self))

    def tagged(self, tag: str) -> pl.Series:
        """Lines that have the tag."""
        has = self.frame["tags"].list.contains(tag)
        column = f"t:{tag}"
        return has | self.frame[column] if column in self.frame.columns else has

    def names(self) -> list[str]:
        """Fields that any line has."""
        named = [
            name[2:] for name in self.frame.columns if name.startswith("f:") and self.frame[name].is_not_null().any()
        ]
        return named + ([] if self.rest is None else self.rest["key"].unique().sort().to_list())

    # Writing

    def put(self, name: str, value: pl.Series, *, keep_raw: bool = True) -> pl.Series | None:
        """Set a field or column where ``value`` is not null. Lines whose value does not fit are returned."""
        if not is_column(name):
            name = own_name(name)
            self._bring(name)
            column = f"f:{name}"
            if column in self.frame.columns and value.null_count():
                value = pl.select(pl.coalesce(value, self.frame[column])).to_series()
            self.frame = self.frame.with_columns(value.alias(column))
            return None
        if name in CODES:
            number = _code(name, value)
            wrong = number.is_null() & value.is_not_null()
            self.frame = self.frame.with_columns(pl.coalesce(number, self.frame[name]).alias(name))
            return wrong
        if name == "message" and keep_raw:
            # What was received stays readable when a stage replaces the message.
            first = (self.frame["raw"] == "") & value.is_not_null()
            raw = pl.when(first).then(self.frame["message"]).otherwise(self.frame["raw"])
            self.frame = self.frame.with_columns(raw.alias("raw"))
        self.frame = self.frame.with_columns(pl.coalesce(value, self.frame[name]).alias(name))
        return None

    def put_time(self, value: pl.Series) -> None:
        """Set the line's time where ``value`` is not null."""
        self.frame = self.frame.with_columns(pl.coalesce(value, self.frame["time"]).cast(TIME).alias("time"))

    def remove(self, name: str) -> None:
        """Take a field away; a column is emptied."""
        if is_column(name):
            if name in WRITABLE and name not in CODES:
                self.frame = self.frame.with_columns(pl.lit("").alias(name))
            return
        name = own_name(name)
        if f"f:{name}" in self.frame.columns:
            self.frame = self.frame.drop(f"f:{name}")
        if self.rest is not None:
            self.rest = self.rest.filter(pl.col("key") != name)

    def tag(self, lines: pl.Series, tag: str) -> None:
        """Tag these lines."""
        column = f"t:{tag}"
        if column in self.frame.columns:
            lines = lines | self.frame[column]
        self.frame = self.frame.with_columns(lines.alias(column))

    def untag(self, tag: str) -> None:
        """Take a tag off all lines."""
        if f"t:{tag}" in self.frame.columns:
            self.frame = self.frame.drop(f"t:{tag}")
        self.frame = self.frame.with_columns(pl.col("tags").list.eval(pl.element().filter(pl.element() != tag)))

    def add(self, entries: pl.DataFrame) -> None:
        """Fields that the data names: ``row``, ``key``, ``value``; the last of a key counts."""
        entries = entries.with_columns(pl.col("key").str.slice(0, MAX_KEY)).unique(
            ["row", "key"], keep="last", maintain_order=True
        )
        entries = entries.filter(pl.col("key").cum_count().over("row") <= MAX_KEYS)
        if not entries.height:
            return
        for column in [name for name in self.frame.columns if name.startswith("f:")]:
            mine = entries.filter(pl.col("key") == column[2:])
            if mine.height:
                self.put(f"fields.{column[2:]}", self._spread(mine))
                entries = entries.filter(pl.col("key") != column[2:])
        if self.rest is not None and self.rest.height:
            entries = pl.concat([self.rest, entries]).unique(["row", "key"], keep="last", maintain_order=True)
        self.rest = entries

    def _bring(self, name: str) -> None:
        """Make a column of a field that is in long form."""
        if self.rest is None or not self.rest.height:
            return
        mine = self.rest.filter(pl.col("key") == name)
        if not mine.height:
            return
        column = f"f:{name}"
        value = self._spread(mine)
        if column in self.frame.columns:
            value = pl.select(pl.coalesce(self.frame[column], value)).to_series()
        self.frame = self.frame.with_columns(value.alias(column))
        self.rest = self.rest.filter(pl.col("key") != name)

    def _spread(self, entries: pl.DataFrame) -> pl.Series:
        """One key's values in the order of the lines."""
        return self.frame.select("row").join(
            entries.select("row", "value").unique("row", keep="last"), on="row", how="left", maintain_order="left"
        )["value"]

    # Parts

    def where(self, lines: pl.Series) -> Batch:
        """These lines as a batch of their own."""
        frame = self.frame.filter(lines)
        if self.untouched:
            return Batch(frame, untouched=True)
        rest = self.rest
        if rest is not None and rest.height:
            rest = rest.join(frame.select("row"), on="row", how="semi", maintain_order="left")
        return Batch(frame, rest)

    @classmethod
    def merge(cls, parts: list[Batch]) -> Batch:
        """Parts of one batch together again, in the order of the lines."""
        parts = [part for part in parts if len(part)] or parts[:1]
        if len(parts) == 1:
            return parts[0]
        untouched = all(part.untouched for part in parts)
        named: set[str] = set()
        for part in parts:
            named.update(name for name in part.frame.columns if name.startswith("f:"))
        for part in parts:
            # A key is a column in all parts, or in none.
            for name in named.difference(part.frame.columns):
                part._bring(name[2:])
        frame = pl.concat([part.frame for part in parts], how="diagonal").sort("row")
        frame = frame.with_columns(pl.col(name).fill_null(False) for name in frame.columns if name.startswith("t:"))
        if untouched:
            return cls(frame, untouched=True)
        rests = [part.rest for part in parts if part.rest is not None and part.rest.height]
        return cls(frame, pl.concat(rests) if rests else None)

    def finish(self) -> pl.DataFrame:
        """The lines as rows of ``log_lines``."""
        frame = self.frame
        named = [name for name in frame.columns if name.startswith("f:")]
        tags = [name for name in frame.columns if name.startswith("t:") and frame[name].any()]
        if tags:
            added = pl.concat_list(pl.when(pl.col(name)).then(pl.lit(name[2:])) for name in tags).list.drop_nulls()
            frame = frame.with_columns(pl.col("tags").list.set_union(added))
        if named or not self.untouched:
            frame = frame.with_columns(self._fields(named).alias("fields"))
        return frame.drop([name for name in frame.columns if name not in COLUMNS])

    def _fields(self, named: list[str]) -> pl.Series:
        rest = self.rest if self.rest is not None and self.rest.height else None
        if not named and rest is None:
            return pl.Series("fields", [[]], dtype=COLUMNS["fields"]).new_from_index(0, len(self))
        height = len(self)
        keys, values, rows = [], [], []
        if named:
            flat = self.frame.select(pl.concat_list(named).explode(empty_as_null=False)).to_series()
            here = flat.is_not_null()
            key = pl.Series([name[2:] for name in named]).gather(
                np.tile(np.arange(len(named), dtype=np.uint32), height)
            )
            keys.append(key.filter(here))
            values.append(flat.filter(here))
            rows.append(np.repeat(np.arange(height, dtype=np.uint32), len(named))[here.to_numpy()])
        if rest is not None:
            place = self.frame.select("row", pl.int_range(pl.len(), dtype=pl.UInt32).alias("place"))
            rest = rest.join(place, on="row", how="inner", maintain_order="left")
            keys.append(rest["key"])
            values.append(rest["value"])
            rows.append(rest["place"].to_numpy())
        row = np.concatenate(rows)
        pairs = pl.DataFrame({"key": pl.concat(keys), "value": pl.concat(values).fill_null("")})
        if len(rows) > 1 or rest is not None:
            order = np.argsort(row, kind="stable")
            row, pairs = row[order], pairs[order]
        offsets = np.zeros(height + 1, dtype=np.int64)
        np.cumsum(np.bincount(row, minlength=height), out=offsets[1:])
        made: Any = pl.from_arrow(pa.LargeListArray.from_arrays(pa.array(offsets), pairs.to_struct("p").to_arrow()))
        return pl.Series("fields", made)


def _code(name: str, value: pl.Series) -> pl.Series:
    """Severity or facility from a number or a word; null where it is neither."""
    words, top = CODES[name], 7 if name == "severity" else 23
    known = value.unique().drop_nulls().to_list()
    codes: list[int | None] = []
    for word in known:
        clean = word.strip().lower()
        number = int(clean) if clean.isascii() and clean.isdigit() and len(clean) < 3 else words.get(clean)
        codes.append(number if number is not None and number <= top else None)
    return value.replace_strict(known, codes, default=None, return_dtype=pl.UInt8)
