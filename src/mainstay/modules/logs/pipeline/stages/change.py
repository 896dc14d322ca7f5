"""Stages that change fields: date, rename, remove, set, mask."""

from __future__ import annotations

import re

import polars as pl

from mainstay.modules.logs.grok.linear import field_name, plain
from mainstay.modules.logs.grok.pacing import paced
from mainstay.modules.logs.pipeline import definitions as d
from mainstay.modules.logs.pipeline.batch import MAX_VALUE, READABLE, WRITABLE, Batch, is_column, own_name
from mainstay.modules.logs.pipeline.formats import Format
from mainstay.modules.logs.pipeline.stages.base import Run, Stage
from mainstay.modules.logs.pipeline.stages.extract import _tag, composed

MAX_FIELDS = 200


def target(text: str) -> str:
    """A field that a stage may write. Raises ``DefinitionError`` for the columns that say how a line came in."""
    name = field_name(text)
    if name in READABLE and name not in WRITABLE:
        raise d.DefinitionError(f"{name} cannot be set: it says how the line was received.")
    if name in ("tags", "fields", "organization"):
        raise d.DefinitionError(f"{name} cannot be set. Use a route stage for tags.")
    return name


class Date(Stage):
    kind = "date"

    def __init__(self, path: str, spec: d.Date) -> None:
        super().__init__(path, spec.name, spec.when)
        self.field = field_name(spec.field)
        if not 1 <= len(spec.formats) <= 20:
            raise d.DefinitionError("A date stage has 1 to 20 formats.")
        self.formats = [Format(text, spec.timezone) for text in spec.formats]
        self.target = "" if spec.target == "time" else target(spec.target)

    def apply(self, batch: Batch, run: Run, pipeline: str) -> tuple[Batch, pl.Series | None]:
        text, received = batch.text(self.field), batch.frame["received"].cast(pl.Datetime("us", "UTC"))
        made = self.formats[0].read(text, received)
        for form in self.formats[1:]:
            if not made.null_count():
                break
            rest = pl.select(pl.when(made.is_null()).then(text)).to_series()
            made = pl.select(pl.coalesce(made, form.read(rest, received))).to_series()
        if self.target:
            batch.put(self.target, made.dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ"))
        else:
            batch.put_time(made)
        return batch, _tag(batch, made.is_null(), "_datefailure")


class Rename(Stage):
    kind = "rename"

    def __init__(self, path: str, spec: d.Rename) -> None:
        super().__init__(path, spec.name, spec.when)
        if not 1 <= len(spec.fields) <= MAX_FIELDS:
            raise d.DefinitionError(f"A rename stage has 1 to {MAX_FIELDS} fields.")
        self.pairs = [(field_name(old), target(new)) for old, new in spec.fields.items()]

    def apply(self, batch: Batch, run: Run, pipeline: str) -> tuple[Batch, pl.Series | None]:
        wrong = None
        for old, new in self.pairs:
            if old == new:
                continue
            refused = batch.put(new, batch.text(old))
            if refused is not None and refused.any():
                wrong = refused if wrong is None else wrong | refused
            if not is_column(old) and own_name(old) != own_name(new):
                batch.remove(old)
        if wrong is not None:
            _tag(batch, wrong, "_typefailure")
        return batch, wrong


class Remove(Stage):
    kind = "remove"

    def __init__(self, path: str, spec: d.Remove) -> None:
        super().__init__(path, spec.name, spec.when)
        if not 1 <= len(spec.fields) <= MAX_FIELDS:
            raise d.DefinitionError(f"A remove stage has 1 to {MAX_FIELDS} fields.")
        self.fields = [target(name) for name in spec.fields]

    def apply(self, batch: Batch, run: Run, pipeline: str) -> tuple[Batch, pl.Series | None]:
        for name in self.fields:
            batch.remove(name)
        return batch, None


class Set(Stage):
    kind = "set"

    def __init__(self, path: str, spec: d.Set) -> None:
        super().__init__(path, spec.name, spec.when)
        if not 1 <= len(spec.fields) <= MAX_FIELDS:
            raise d.DefinitionError(f"A set stage has 1 to {MAX_FIELDS} fields.")
        self.overwrite = spec.overwrite
        self.values = []
        for name, value in spec.fields.items():
            text = str(value).lower() if isinstance(value, bool) else str(value)
            if len(text) > MAX_VALUE:
                raise d.DefinitionError(f"A value has at most {MAX_VALUE:,} characters.")
            self.values.append((target(name), composed(text)))

    def apply(self, batch: Batch, run: Run, pipeline: str) -> tuple[Batch, pl.Series | None]:
        wrong = None
        for name, parts in self.values:
            value = _value(batch, parts)
            if not self.overwrite:
                value = pl.select(pl.when(batch.text(name).is_null()).then(value)).to_series()
            refused = batch.put(name, value)
            if refused is not None and refused.any():
                wrong = refused if wrong is None else wrong | refused
        if wrong is not None:
            _tag(batch, wrong, "_typefailure")
        return batch, wrong


def _value(batch: Batch, parts: list[tuple[bool, str]]) -> pl.Series:
    """The parts put together for every line; a missing field is an empty text."""
    pieces = [batch.text(text).fill_null("") if is_field else pl.lit(text) for is_field, text in parts]
    if not any(is_field for is_field, _text in parts):
        return pl.Series([parts[0][1] if parts else ""], dtype=pl.String).new_from_index(0, len(batch))
    # Cut, so that stages that put a value into itself over and over do not fill the memory.
    return pl.select(pl.concat_str(pieces).str.slice(0, MAX_VALUE)).to_series()


_WORDS = r"pass(?:word|wd|phrase|code)?|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|credentials?"
KINDS: dict[str, list[tuple[str, str]]] = {
    "password": [
        (
            rf"(?i)(\b[A-Za-z0-9_-]*(?:{_WORDS})[\"']?\s*[:=]\s*)(?:\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|[^\s,;&\"']+)",
            "${1}{}",
        ),
        (r"(://[^/\s:@]+:)[^/\s@]+@", "${1}{}@"),
        (r"(?i)\b(password|secret) ([05789]) \S+", "${1} ${2} {}"),
    ],
    "token": [
        (r"(?i)\b(bearer|basic|digest) +[A-Za-z0-9._~+/=-]{8,}", "${1} {}"),
        (r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*)?", "{}"),
        (r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b", "{}"),
        (r"\b(?:ghp|gho|ghs|github_pat|glpat|xox[abprs])[_-][A-Za-z0-9_-]{16,}", "{}"),
    ],
    "private_key": [(r"(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)", "{}")],
    "card": [],
    "email": [(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+", "{}")],
    "ip": [(r"\b(?:[0-9]{1,3}\.){3}[0-9]{1,3}\b", "{}")],
}
"""What is masked by name: expressions, and what a match becomes; ``{}`` is the replacement."""
_NAMED = rf"(?i)^(?:.*[._-])?(?:{_WORDS})$"
_CARD = re.compile(r"\b[2-6][0-9]{3}(?:[ -]?[0-9]{2,6}){2,4}\b")


class Mask(Stage):
    kind = "mask"

    def __init__(self, path: str, spec: d.Mask) -> None:
        super().__init__(path, spec.name, spec.when)
        unknown = [kind for kind in spec.kinds if kind not in KINDS]
        if unknown:
            raise d.DefinitionError(f"{unknown[0]!r} is not a kind of secret. There are {', '.join(KINDS)}.")
        if len(spec.patterns) > 50 or len(spec.replacement) > 60:
            raise d.DefinitionError("A mask stage has at most 50 patterns and a replacement of 60 characters.")
        self.text = spec.replacement
        literal = spec.replacement.replace("$", "$$")
        self.rules = [(*plain(rule), kept.replace("{}", literal)) for kind in spec.kinds for rule, kept in KINDS[kind]]
        self.rules += [(*plain(pattern), literal) for pattern in spec.patterns]
        for rule, _size, _replacement in self.rules:
            pl.Series([""]).str.contains(rule)
        self.cards, self.keys = "card" in spec.kinds, "password" in spec.kinds
        self.fields = [field_name(name) for name in spec.fields[:MAX_FIELDS]]
        for name in self.fields:
            target(name)

    def apply(self, batch: Batch, run: Run, pipeline: str) -> tuple[Batch, pl.Series | None]:
        if self.fields:
            for name in self.fields:
                batch.put(name, self._masked(batch.text(name)), keep_raw=False)
            if "message" in self.fields:
                batch.frame = batch.frame.with_columns(self._masked(batch.frame["raw"]).alias("raw"))
            return batch, None
        for column in ("message", "raw"):
            batch.frame = batch.frame.with_columns(self._masked(batch.frame[column]).alias(column))
        for column in [name for name in batch.frame.columns if name.startswith("f:")]:
            value = self._masked(batch.frame[column])
            if self.keys and re.match(_NAMED, column[2:]):
                value = pl.select(pl.when(value.is_not_null()).then(pl.lit(self.text))).to_series()
            batch.frame = batch.frame.with_columns(value.alias(column))
        if batch.rest is not None and batch.rest.height:
            value = self._masked(batch.rest["value"])
            if self.keys:
                secret = batch.rest["key"].str.contains(_NAMED)
                value = pl.select(pl.when(secret).then(pl.lit(self.text)).otherwise(value)).to_series()
            batch.rest = batch.rest.with_columns(value.alias("value"))
        return batch, None

    def _masked(self, text: pl.Series) -> pl.Series:
        for rule, size, replacement in self.rules:
            text = paced(text, size, lambda lines, rule=rule, new=replacement: _replaced(lines, rule, new))  # type: ignore[misc]
        if self.cards:
            likely = text.str.contains(r"\b[2-6][0-9]{3}(?:[ -]?[0-9]{2,6}){2,4}\b").fill_null(False)
            if likely.any():
                clean = pl.Series([self._cards(line) for line in text.filter(likely)], dtype=pl.String)
                text = text.scatter(likely.arg_true(), clean)
        return text

    def _cards(self, line: str) -> str:
        return _CARD.sub(lambda found: self.text if _luhn(found[0]) else found[0], line)


def _replaced(lines: pl.Series, rule: str, replacement: str) -> pl.Series:
    # Looking is much cheaper than replacing, and most lines have nothing to hide.
    return lines.str.replace_all(rule, replacement) if lines.str.contains(rule).any() else lines


def _luhn(text: str) -> bool:
    """Whether the check digit of a card number is right; most other numbers fail it."""
    digits = [int(char) for char in text if char.isdigit()]
    if not 13 <= len(digits) <= 19:
        return False
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0
