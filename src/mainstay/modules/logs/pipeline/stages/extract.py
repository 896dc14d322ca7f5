"""Stages that find fields in text: grok, key-value, JSON, CSV."""

from __future__ import annotations

import csv
import re
from typing import Any

import msgspec
import polars as pl

from mainstay.modules.logs.grok import engine
from mainstay.modules.logs.grok.library import Library
from mainstay.modules.logs.grok.linear import field_name
from mainstay.modules.logs.pipeline import definitions as d
from mainstay.modules.logs.pipeline.batch import MAX_KEYS, Batch
from mainstay.modules.logs.pipeline.stages.base import Run, Stage

MAX_PATTERNS = 50
MAX_COLUMNS = 200
MAX_LINE = 65_536
"""Bytes of a line that pairs are looked for in."""
MAX_LEVELS = 10
"""Levels of a JSON document that become fields; what is deeper stays JSON."""
ENTRIES = {"row": pl.UInt32, "key": pl.String, "value": pl.String}


class Grok(Stage):
    kind = "grok"

    def __init__(self, path: str, spec: d.Grok, library: Library) -> None:
        super().__init__(path, spec.name, spec.when)
        self.field = field_name(spec.field)
        if not spec.patterns:
            raise d.DefinitionError("Please provide patterns.")
        if len(spec.patterns) > MAX_PATTERNS:
            raise d.DefinitionError(f"A grok stage has at most {MAX_PATTERNS} patterns.")
        names = Library(library.own | spec.definitions) if spec.definitions else library
        self.expressions = [engine.compile_grok(text, names) for text in spec.patterns]

    def apply(self, batch: Batch, run: Run, pipeline: str) -> tuple[Batch, pl.Series | None]:
        text = batch.text(self.field)
        first = self.expressions[0].extract(text)
        matched, wrong = first.matched, first.wrong_type
        for name, value in first.fields.items():
            wrong = _put(batch, name, value, wrong)
        for expression in self.expressions[1:]:
            if matched.all():
                break
            # Only lines that nothing matched so far; the others are null and cannot match.
            found = expression.extract(pl.select(pl.when(~matched).then(text)).to_series())
            wrong = wrong | found.wrong_type
            for name, value in found.fields.items():
                wrong = _put(batch, name, value, wrong)
            matched = matched | found.matched
        return batch, _tag(batch, ~matched, "_grokfailure", wrong)


def _put(batch: Batch, name: str, value: pl.Series, wrong: pl.Series) -> pl.Series:
    refused = batch.put(name, value)
    return wrong if refused is None else wrong | refused


def _tag(batch: Batch, failed: pl.Series, tag: str, wrong: pl.Series | None = None) -> pl.Series:
    """Tag lines that failed, and those in which a value was not of its type."""
    if failed.any():
        batch.tag(failed, tag)
    if wrong is not None and wrong.any():
        batch.tag(wrong, "_typefailure")
        failed = failed | wrong
    return failed


class KeyValue(Stage):
    kind = "kv"

    def __init__(self, path: str, spec: d.KeyValue) -> None:
        super().__init__(path, spec.name, spec.when)
        self.field = field_name(spec.field)
        self.prefix, self.include, self.exclude = spec.prefix[:60], spec.include[:500], spec.exclude[:500]
        for name, characters in (("pair_separator", spec.pair_separator), ("value_separator", spec.value_separator)):
            if not 1 <= len(characters) <= 10:
                raise d.DefinitionError(f"{name} must have 1 to 10 characters.")
        ends = _set(spec.pair_separator + ("\t\r\n" if " " in spec.pair_separator else ""))
        between = _set(spec.value_separator)
        # No blanks around the separator: in `OUT= MAC=` the first is empty.
        key = rf"[^\s{ends}{between}\"']{{1,200}}"
        self.pair = rf"{key}[{between}](?:\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|[^{ends}]*)"
        self.parts = rf"(?s)^(?P<key>{key})[{between}](?P<value>.*)$"

    def apply(self, batch: Batch, run: Run, pipeline: str) -> tuple[Batch, pl.Series | None]:
        text = batch.text(self.field)
        frame = pl.DataFrame({"row": batch.frame["row"], "pair": _short(text)})
        pairs = (
            frame.lazy()
            .with_columns(pl.col("pair").str.extract_all(self.pair).list.head(MAX_KEYS))
            .filter(pl.col("pair").list.len() > 0)
            .explode("pair")
            .with_columns(pl.col("pair").str.extract_groups(self.parts))
            .unnest("pair")
            .with_columns(pl.col("value").str.replace(r"""(?s)^(?:"(.*)"|'(.*)')\s*$""", "${1}${2}"))
            .filter(pl.col("key").is_not_null())
            .collect()
        )
        if self.include:
            pairs = pairs.filter(pl.col("key").is_in(self.include))
        if self.exclude:
            pairs = pairs.filter(~pl.col("key").is_in(self.exclude))
        if self.prefix:
            pairs = pairs.with_columns((pl.lit(self.prefix) + pl.col("key")).alias("key"))
        found = batch.frame["row"].is_in(pairs["row"].implode())
        batch.add(pairs)
        return batch, _tag(batch, ~found, "_kvfailure")


def _set(characters: str) -> str:
    return "".join("\\" + char if char in "\\[]^-&~" else char for char in characters)


def _short(text: pl.Series) -> pl.Series:
    """The text where it is not too long to be tried."""
    return pl.select(pl.when(text.str.len_bytes() <= MAX_LINE).then(text)).to_series()


class Json(Stage):
    kind = "json"

    def __init__(self, path: str, spec: d.Json) -> None:
        super().__init__(path, spec.name, spec.when)
        self.field, self.prefix = field_name(spec.field), spec.prefix[:60]

    def apply(self, batch: Batch, run: Run, pipeline: str) -> tuple[Batch, pl.Series | None]:
        decode = msgspec.json.Decoder().decode
        rows: list[int] = []
        keys: list[str] = []
        values: list[str] = []
        failed = []
        for row, text in zip(batch.frame["row"].to_list(), batch.text(self.field).to_list(), strict=True):
            try:
                document = decode(text) if text else None
            except (msgspec.DecodeError, RecursionError):
                document = None
            if not isinstance(document, dict):
                failed.append(True)
                continue
            failed.append(False)
            before = len(keys)
            _flatten(document, self.prefix, keys, values, before + MAX_KEYS, 1)
            rows.extend([row] * (len(keys) - before))
        batch.add(pl.DataFrame({"row": rows, "key": keys, "value": values}, schema=ENTRIES))
        return batch, _tag(batch, pl.Series(failed, dtype=pl.Boolean), "_jsonfailure")


def _flatten(document: dict[str, Any], prefix: str, keys: list[str], values: list[str], limit: int, level: int) -> None:
    for key, value in document.items():
        if len(keys) >= limit:
            return
        name = f"{prefix}{key}"
        if isinstance(value, dict) and value and level < MAX_LEVELS:
            _flatten(value, f"{name}.", keys, values, limit, level + 1)
        elif value is not None:
            keys.append(name)
            values.append(value if isinstance(value, str) else msgspec.json.encode(value).decode())


class Csv(Stage):
    kind = "csv"

    def __init__(self, path: str, spec: d.Csv) -> None:
        super().__init__(path, spec.name, spec.when)
        self.field = field_name(spec.field)
        if not spec.columns or len(spec.columns) > MAX_COLUMNS:
            raise d.DefinitionError(f"A CSV stage has 1 to {MAX_COLUMNS} columns.")
        self.columns = [field_name(name) if name else "" for name in spec.columns]
        if len(spec.separator) != 1 or len(spec.quote) > 1 or spec.separator == spec.quote or spec.separator in "\r\n":
            raise d.DefinitionError("separator and quote must be one character each, and not the same.")
        self.options: dict[str, Any] = {"delimiter": spec.separator, "strict": True}
        self.options |= {"quotechar": spec.quote} if spec.quote else {"quoting": csv.QUOTE_NONE}

    def apply(self, batch: Batch, run: Run, pipeline: str) -> tuple[Batch, pl.Series | None]:
        width = len(self.columns)
        rows: list[list[str] | None] = []
        for text in batch.text(self.field).to_list():
            try:
                # A line at a time: a quote left open must not swallow the lines that follow.
                row = next(csv.reader([text], **self.options), None) if text else None
            except csv.Error:
                row = None
            rows.append(row if row is not None and len(row) == width else None)
        for position, name in enumerate(self.columns):
            if name:
                batch.put(name, pl.Series([row[position] if row else None for row in rows], dtype=pl.String))
        return batch, _tag(batch, pl.Series([row is None for row in rows], dtype=pl.Boolean), "_csvfailure")


def composed(template: str) -> list[tuple[bool, str]]:
    """A text with ``%{field}`` in it, as parts: (is a field, name or text)."""
    parts = []
    for number, part in enumerate(re.split(r"%\{([^}]*)\}", template)):
        if number % 2:
            parts.append((True, field_name(part)))
        elif part:
            parts.append((False, part))
    return parts
