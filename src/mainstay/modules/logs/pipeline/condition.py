"""Conditions: which lines a pipeline or a stage is for. A small language, compiled once, run over columns.

``app == "sshd" and (severity <= warning or message contains "fail") and not source cidr "10.0.0.0/8"``
"""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import ip_address, ip_network
from typing import Any

import polars as pl

from mainstay.modules.logs.grok.linear import field_name, plain
from mainstay.modules.logs.grok.pacing import paced
from mainstay.modules.logs.grok.tree import LinearError
from mainstay.modules.logs.pipeline.batch import CODES, Batch

MAX_TEXT = 4000
MAX_DEPTH = 40
MAX_VALUES = 1000
OPERATORS = {
    "==": "equal to", "!=": "not equal to, also where the field is missing", "<": "less, as numbers",
    "<=": "less or equal, as numbers", ">": "greater, as numbers", ">=": "greater or equal, as numbers",
    "contains": "has this text in it", "startswith": "begins with this text", "endswith": "ends with this text",
    "matches": "matches this regular expression", "in": "is one of: (\"a\", \"b\")",
    "cidr": "is an address of this network, or of one of several",
}  # fmt: skip
_TOKEN = re.compile(
    r"""\s*(?:
      (?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|/(?:[^/\\]|\\.)+/)
    | (?P<reference>%\{[^}\s]+\})
    | (?P<sign>==|!=|=~|!~|<=|>=|&&|\|\||[=<>()!,])
    | (?P<word>(?:\[[^\]\s]+\])+|[^\s"'=<>!()&|,]+)
    )""",
    re.VERBOSE,
)
_WORDS = {
    "&&": "and", "||": "or", "!": "not", "=": "==", "=~": "matches", "starts_with": "startswith",
    "ends_with": "endswith", "exists": "has",
}  # fmt: skip

Mask = pl.Series
Test = Callable[[Batch], Mask]


class ConditionError(ValueError):
    """A condition that cannot be read; the text says what is wrong and where."""


class Condition:
    """A compiled condition. ``mask`` says for each line whether it holds."""

    def __init__(self, text: str) -> None:
        self.text = text.strip()
        self._test = _Parser(self.text).whole() if self.text else None

    def mask(self, batch: Batch) -> Mask | None:
        """True where it holds; None: for every line."""
        return None if self._test is None else self._test(batch).fill_null(False)


class _Parser:
    def __init__(self, text: str) -> None:
        if len(text) > MAX_TEXT:
            raise ConditionError(f"A condition has at most {MAX_TEXT:,} characters.")
        self.tokens: list[tuple[str, str, int]] = []
        at = 0
        while text[at:].strip():
            found = _TOKEN.match(text, at)
            if found is None:
                raise ConditionError(f"The condition cannot be read at {text[at : at + 20].strip()!r}.")
            kind = str(found.lastgroup)
            value = found[kind]
            if kind in ("word", "sign") and (value.lower() in _WORDS):
                value = _WORDS[value.lower()]
            self.tokens.append((kind, value, found.start(kind)))
            at = found.end()
        self.at = 0
        self.depth = 0

    def peek(self) -> str:
        kind, value, _ = self.tokens[self.at] if self.at < len(self.tokens) else ("", "", 0)
        return value.lower() if kind in ("word", "sign") else ""

    def take(self, what: str) -> tuple[str, str]:
        if self.at >= len(self.tokens):
            raise ConditionError(f"The condition ends where {what} is expected.")
        kind, value, _ = self.tokens[self.at]
        self.at += 1
        return kind, value

    def whole(self) -> Test:
        test = self.any()
        if self.at < len(self.tokens):
            raise ConditionError(f"{self.tokens[self.at][1]!r} is not expected there. Join tests with and, or.")
        return test

    def any(self) -> Test:
        tests = [self.all()]
        while self.peek() == "or":
            self.at += 1
            tests.append(self.all())
        return tests[0] if len(tests) == 1 else lambda batch: _fold(tests, batch, any_of=True)

    def all(self) -> Test:
        tests = [self.one()]
        while self.peek() == "and":
            self.at += 1
            tests.append(self.one())
        return tests[0] if len(tests) == 1 else lambda batch: _fold(tests, batch, any_of=False)

    def one(self) -> Test:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise ConditionError(f"The condition is nested deeper than {MAX_DEPTH} levels.")
        try:
            word = self.peek()
            if word == "not":
                self.at += 1
                inner = self.one()
                return lambda batch: ~inner(batch).fill_null(False)
            if word == "(":
                self.at += 1
                inner = self.any()
                if self.take("a closing parenthesis")[1] != ")":
                    raise ConditionError("A closing parenthesis is missing.")
                return inner
            if word == "has":
                self.at += 1
                name = self.field()
                return lambda batch: batch.text(name).is_not_null()
            return self.comparison()
        finally:
            self.depth -= 1

    def field(self) -> str:
        kind, value = self.take("a field")
        if kind != "word":
            raise ConditionError(f"A field is expected, not {value}.")
        try:
            return field_name(value)
        except ValueError as error:
            raise ConditionError(str(error)) from None

    def comparison(self) -> Test:
        if self.tokens and self.at < len(self.tokens) and self.tokens[self.at][0] == "text":
            value = _unquoted(self.take("a value")[1])
            if self.peek() != "in":
                raise ConditionError(f"After the text {value!r}, only `in tags` can follow. Write the field first.")
            self.at += 1
            if self.take("tags")[1].lower() != "tags":
                raise ConditionError(f'Write "{value}" in tags, or field contains "{value}".')
            return lambda batch: batch.tagged(value)
        name = self.field()
        if name.lower() in ("true", "*") and self.peek() in ("", "and", "or", ")"):
            return lambda batch: pl.repeat(True, len(batch), eager=True)
        _, operator = self.take("a comparison such as == or contains")
        operator = operator.lower()
        negative = operator in ("not", "!~", "!=")
        if operator == "not":
            operator = self.take("in, contains, matches or the like")[1].lower()
        operator = {"!~": "matches", "!=": "=="}.get(operator, operator)
        if operator not in OPERATORS:
            known = ", ".join(OPERATORS)
            raise ConditionError(f"{operator!r} is not a comparison. There are {known}, and has.")
        test = self.test(name, operator)
        return (lambda batch: ~test(batch).fill_null(False)) if negative else test

    def test(self, name: str, operator: str) -> Test:
        if operator in ("in", "cidr"):
            return self.listed(name, operator)
        kind, raw = self.take("a value")
        if kind == "reference":
            if operator != "==":
                raise ConditionError("Two fields can only be compared with == and !=.")
            other = raw[2:-1]
            return lambda batch: batch.text(name) == batch.text(other)
        if kind == "sign":
            raise ConditionError(f"A value is expected, not {raw!r}. Put it in quotes.")
        value = raw if kind == "word" else _unquoted(raw)
        if name == "tags":
            if operator not in ("==", "contains"):
                raise ConditionError('Tags are asked with tags contains "name".')
            return lambda batch: batch.tagged(value)
        if operator == "matches":
            try:
                regex, size = plain(value)
                pl.Series([""]).str.contains(regex)
            except LinearError as error:
                raise ConditionError(f"The expression {value[:80]!r} cannot be used: {error.reason}") from None
            except pl.exceptions.PolarsError:
                raise ConditionError(f"The expression {value[:80]!r} is too large.") from None
            return lambda batch: paced(batch.text(name), size, lambda lines: lines.str.contains(regex))
        if operator == "contains":
            return lambda batch: batch.text(name).str.contains(value, literal=True)
        if operator == "startswith":
            return lambda batch: batch.text(name).str.starts_with(value)
        if operator == "endswith":
            return lambda batch: batch.text(name).str.ends_with(value)
        return _ordered(name, operator, value)

    def listed(self, name: str, operator: str) -> Test:
        values = []
        if self.peek() == "(":
            self.at += 1
            while True:
                kind, value = self.take("a value")
                if kind == "sign":
                    raise ConditionError(f"A value is expected in the list, not {value!r}.")
                values.append(_unquoted(value) if kind == "text" else value)
                if len(values) > MAX_VALUES:
                    raise ConditionError(f"A list has at most {MAX_VALUES:,} values. Use a lookup table.")
                sign = self.take("a comma or a closing parenthesis")[1]
                if sign == ")":
                    break
                if sign != ",":
                    raise ConditionError(f"Values of a list are separated by commas; {sign!r} is none.")
        else:
            kind, value = self.take("a value or a list in parentheses")
            values = [_unquoted(value) if kind == "text" else value]
        if operator == "in":
            if name in CODES:
                values = [str(_number(name, value)) for value in values]
            series = pl.Series(values, dtype=pl.String)
            return lambda batch: batch.text(name).is_in(series.implode())
        try:
            networks = [ip_network(value, strict=False) for value in values]
        except ValueError:
            raise ConditionError(f"{values!r} are not networks. Write 10.0.0.0/8 or 2001:db8::/32.") from None
        return lambda batch: _inside(batch.text(name), networks)


def _fold(tests: list[Test], batch: Batch, *, any_of: bool) -> Mask:
    out = tests[0](batch).fill_null(False)
    for test in tests[1:]:
        # What the first tests settle for every line needs no further look.
        if out.all() if any_of else not out.any():
            break
        mask = test(batch).fill_null(False)
        out = (out | mask) if any_of else (out & mask)
    return out


def _unquoted(value: str) -> str:
    if value[:1] == "/":
        return value[1:-1].replace("\\/", "/")
    return re.sub(rf"\\([\\{value[0]}])", r"\1", value[1:-1])


def _number(name: str, value: str) -> float | int:
    if name in CODES and value.lower() in CODES[name]:
        return CODES[name][value.lower()]
    try:
        number = float(value)
    except ValueError:
        words = f", or one of {', '.join(CODES[name])}" if name in CODES else ""
        raise ConditionError(f"{value!r} is not a number{words}.") from None
    return int(number) if number.is_integer() and abs(number) < 2**53 else number


def _ordered(name: str, operator: str, value: str) -> Test:
    if operator == "==" and name not in CODES:
        return lambda batch: batch.text(name) == value
    number = _number(name, value)
    compare: dict[str, Callable[[pl.Series], Any]] = {
        "==": lambda series: series == number, "<": lambda series: series < number,
        "<=": lambda series: series <= number, ">": lambda series: series > number,
        ">=": lambda series: series >= number,
    }  # fmt: skip

    def test(batch: Batch) -> Mask:
        held = batch.frame[name] if name in CODES else batch.text(name).cast(pl.Float64, strict=False)
        made: Mask = compare[operator](held)
        return made

    return test


def _inside(addresses: pl.Series, networks: list[Any]) -> Mask:
    known = addresses.unique().drop_nulls().to_list()
    inside = []
    for text in known:
        try:
            address = ip_address(text)
        except ValueError:
            continue
        if any(address in network for network in networks):
            inside.append(text)
    return addresses.is_in(pl.Series(inside, dtype=pl.String).implode())
