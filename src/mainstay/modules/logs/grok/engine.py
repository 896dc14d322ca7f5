"""Grok expressions over columns of lines. Pure: no I/O, no clock.

An expression is compiled once; ``extract`` then takes a whole column. What a line costs is bounded by the size of the
automaton times the length of the line; both are limited here.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import polars as pl
from polars.exceptions import PolarsError

from mainstay.modules.logs.grok.library import Library
from mainstay.modules.logs.grok.linear import parse, rewrite
from mainstay.modules.logs.grok.pacing import OutOfTime, longest, paced, until
from mainstay.modules.logs.grok.tree import LinearError, Node, write

MAX_CAPTURES = 200
WHOLE = "whole"


class Refused(ValueError):
    """An expression that cannot be used: the reason, where, and what to write instead if that is known."""

    def __init__(self, reason: str, start: int = 0, end: int = 0, rewritten: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.start = start
        self.end = end
        self.rewritten = rewritten


@dataclass(slots=True)
class Found:
    """What an expression found in a column of lines."""

    matched: pl.Series
    fields: dict[str, pl.Series]
    wrong_type: pl.Series
    """Lines in which a typed field was not a number; its text is kept."""


@dataclass(slots=True)
class Grok:
    """A compiled expression."""

    text: str
    regex: str
    root: Node
    groups: dict[str, list[str]] = field(default_factory=dict)
    """Field → its groups; the first one that took part in the match counts."""
    types: dict[str, str] = field(default_factory=dict)

    def short(self, lines: pl.Series) -> pl.Series:
        """The lines that are not too long to be tried; the others are null, and do not match."""
        most = longest(self.root.size)
        if (lines.str.len_bytes() > most).any():
            return pl.select(pl.when(lines.str.len_bytes() <= most).then(lines)).to_series()
        return lines

    def _groups(self, lines: pl.Series) -> pl.Series:
        return lines.alias("line").to_frame().select(pl.col("line").str.extract_groups(self.regex)).to_series()

    def extract(self, lines: pl.Series) -> Found:
        """Match every line. Fields are text; those typed int or float are written as such a number."""
        lines = self.short(lines)
        columns = paced(lines, self.root.size, self._groups).struct.unnest()
        fields: dict[str, pl.Series] = {}
        wrong = pl.repeat(False, lines.len(), eager=True)
        for name, groups in self.groups.items():
            value = columns[groups[0]] if len(groups) == 1 else columns.select(pl.coalesce(groups)).to_series()
            if self.types.get(name):
                number = as_number(value, self.types[name])
                wrong = wrong | (number.is_null() & value.is_not_null())
                value = pl.select(pl.coalesce(number, value)).to_series()
            fields[name] = value
        return Found(columns[WHOLE].is_not_null(), fields, wrong)


def as_number(text: pl.Series, type_: str) -> pl.Series:
    """Numbers written the same way each: ``007`` is 7, ``1e3`` is 1000.0; null where it is no number."""
    clean = text.str.strip_chars().str.strip_prefix("+")
    if type_ == "float":
        number = clean.cast(pl.Float64, strict=False)
        return pl.select(pl.when(number.is_finite()).then(number.cast(pl.String))).to_series()
    whole = clean.cast(pl.Int64, strict=False)
    if whole.null_count() > text.null_count():
        rest = clean.cast(pl.Float64, strict=False)
        cut = pl.select(pl.when(rest.abs() < 2**53).then(rest)).to_series()
        whole = pl.select(pl.coalesce(whole, cut.cast(pl.Int64, strict=False))).to_series()
    return whole.cast(pl.String)


def compile_grok(text: str, library: Library) -> Grok:
    """An expression, ready to match. Raises ``Refused``."""
    try:
        root = parse(text, library.tree)
    except LinearError as error:
        raise Refused(error.reason, error.start, error.end, rewrite(text, library.tree)) from None
    if root.captures > MAX_CAPTURES:
        raise Refused(f"An expression captures at most {MAX_CAPTURES} fields; this captures {root.captures}.")
    return _made(text, root)


def _made(text: str, root: Node) -> Grok:
    made = Grok(text=text, regex="", root=root)

    def capture(name: str, type_: str) -> str:
        group = f"g{sum(len(groups) for groups in made.groups.values())}"
        made.groups.setdefault(name, []).append(group)
        if type_:
            made.types[name] = type_
        return group

    made.regex = f"(?P<{WHOLE}>{write(root, capture)}{_end(root)})"
    try:
        pl.Series([""]).str.contains(made.regex)
    except PolarsError as error:
        if "size limit" in str(error):
            raise Refused("The expression is too large for the engine. Split it into two stages.") from None
        raise Refused(f"The engine refuses the expression: {_first(str(error))}") from None
    return made


def _end(node: Node) -> str:
    """What is written behind an expression that takes the rest of the line: that it ends there.

    Such an expression ends there anyway; told so, the engine keeps its captures once instead of at every character.
    """
    while node.items and (node.kind == "seq" or node.kind == "group"):
        node = node.items[-1]
    rest = node.kind == "repeat" and node.high is None and not node.lazy and node.items[0].text == "."
    return "(?m:$)" if rest else ""


def _first(error: str) -> str:
    """The sentence of an engine's error that says what is wrong."""
    for line in error.splitlines():
        if line.strip().startswith("error:"):
            return line.strip().removeprefix("error:").strip()
    return error.strip().splitlines()[0][:200] if error.strip() else "unknown"


@dataclass(slots=True)
class Explained:
    """What an expression does with one line."""

    matched: bool
    start: int = 0
    length: int = 0
    text: str = ""
    fields: dict[str, str | int | float] = field(default_factory=dict)
    wrong_type: bool = False
    reason: str = ""
    matched_expression: str = ""
    """The longest beginning of the expression that does match."""
    matched_text: str = ""
    failed_at: str = ""
    """The part of the expression at which it ends."""
    rest: str = ""
    """The line from where the expression stops to match."""


def explain(grok: Grok, line: str) -> Explained:
    """Match one line; where it does not match, say how far it does."""
    series = pl.Series([line])
    found = grok.extract(series)
    if found.matched[0]:
        text = series.str.extract(grok.regex, 1)[0]
        at = _position(series, grok.regex)
        values = {name: value[0] for name, value in found.fields.items() if value[0] is not None}
        return Explained(
            True, at, len(text), text, {name: typed(value, grok.types.get(name, "")) for name, value in values.items()},
            wrong_type=bool(found.wrong_type[0]),
        )  # fmt: skip
    most = longest(grok.root.size)
    if len(line.encode()) > most:
        return Explained(False, reason=f"The line is longer than {most:,} bytes; it is kept whole but not matched.")
    return _how_far(grok, line)


def typed(value: str, type_: str) -> str | int | float:
    """A captured value in its declared type."""
    try:
        return int(value) if type_ == "int" else float(value) if type_ == "float" else value
    except ValueError:
        return value


def _position(series: pl.Series, regex: str) -> int:
    """Characters before the match."""
    byte = series.str.find(regex)[0] or 0
    return len(series[0].encode()[:byte].decode())


def _how_far(grok: Grok, line: str) -> Explained:
    items, series = grok.root.items if grok.root.kind == "seq" else [grok.root], pl.Series([line])
    low, high, kept = 0, len(items), ("", 0)
    # A longer beginning never matches where a shorter one does not, so halving finds the longest.
    while high - low > 1:
        middle = (low + high) // 2
        begun = _made(grok.text, Node("seq", items=items[:middle]))
        text = paced(series, grok.root.size, lambda lines, regex=begun.regex: lines.str.extract(regex, 1))[0]  # type: ignore[misc]
        if text is None:
            high = middle
        else:
            low, kept = middle, (text, _position(series, begun.regex) + len(text))
    failed = items[low] if low < len(items) else grok.root
    part = grok.text[failed.start : failed.end]
    if low == 0:
        reason = f"No part of the line matches the beginning of the expression, {part[:80]}."
        return Explained(False, reason=reason, failed_at=part, rest=line)
    behind = line[kept[1] :]
    reason = f"The expression matches up to {part[:80]}, which does not match the text that follows: {behind[:80]!r}."
    if not behind:
        reason = f"The line ends before {part[:80]}."
    return Explained(
        False, reason=reason, matched_expression=grok.text[items[0].start : items[low - 1].end], matched_text=kept[0],
        failed_at=part, rest=behind,
    )  # fmt: skip


def tried(grok: Grok, lines: Sequence[str], seconds: float = 5.0) -> list[Explained]:
    """Every line explained, as far as there is time."""
    out: list[Explained] = []
    with until(time.monotonic() + seconds):
        for line in lines:
            try:
                out.append(explain(grok, line))
            except OutOfTime:
                out.append(Explained(False, reason="Not tried: the lines before took too long."))
    return out
