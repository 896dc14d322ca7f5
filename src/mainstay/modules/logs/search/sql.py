"""From a query's tree to a condition on ``log_lines``; every value is a bound parameter.

Text is compared without case. Words are looked for in ``WORDS``, which the table's text index covers, so that only
the parts of the table that hold them are read; what the index cannot answer alone is checked on what it left over.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from mainstay.modules.logs.search import columns, moments
from mainstay.modules.logs.search.columns import Column
from mainstay.modules.logs.search.query import (
    And,
    Compare,
    Everything,
    Exists,
    Node,
    Not,
    Or,
    Pattern,
    QueryError,
    Regex,
    Wild,
    Words,
)

# The indexes of the table are on exactly these expressions: change them together (see ``table``).
WORDS = "lower(concat(host, ' ', app, ' ', msgid, ' ', message))"
PAIRS = "arrayMap((k, v) -> concat(k, '=', lower(v)), mapKeys(fields), mapValues(fields))"

_TOKEN = re.compile(r"[0-9a-z\x80-\U0010ffff]+")
_RUN = re.compile(r"[0-9a-z]{3,}")
_OPERATORS = {"=": "=", ":": "=", "!=": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)


def lower(text: str) -> str:
    """As the engine's ``lower``: ASCII letters only."""
    return "".join(chr(ord(c) + 32) if "A" <= c <= "Z" else c for c in text)


def micros(moment: datetime) -> int:
    """Microseconds since 1970, exactly."""
    return int(moment.replace(microsecond=0).timestamp()) * 1_000_000 + moment.microsecond


@dataclass
class Condition:
    """A condition under construction: its parameters, and the time that relative times count from."""

    now: datetime
    zone: ZoneInfo
    parameters: dict[str, Any] = field(default_factory=dict)

    def bind(self, value: Any, kind: str = "String") -> str:
        """A place for the value in the statement."""
        if kind == "String" and isinstance(value, str):
            value = value.encode("utf-8", "replace").decode()
        name = f"p{len(self.parameters)}"
        self.parameters[name] = value
        return f"{{{name}:{kind}}}"

    def moment(self, value: datetime) -> str:
        return f"fromUnixTimestamp64Micro({self.bind(micros(value), 'Int64')}, 'UTC')"

    def of(self, node: Node) -> str:
        """The SQL condition of a tree. Raises ``QueryError``."""
        match node:
            case Everything():
                return "1"
            case Words():
                return self._words(node.pattern, WORDS)
            case Not():
                return f"NOT ({self.of(node.item)})"
            case And():
                return "(" + " AND ".join(self.of(item) for item in node.items) + ")"
            case Or():
                return "(" + " OR ".join(self.of(item) for item in node.items) + ")"
            case Exists():
                return self._exists(columns.find(node.column))
            case Regex():
                return self._regex(columns.find(node.column), node)
            case Compare():
                return self._compare(columns.find(node.column), node)
        raise TypeError(f"{node!r} is no part of a query.")

    def _words(self, pattern: Pattern, where: str) -> str:
        """Words one after the other, whole at both ends unless a wildcard stands there."""
        low = [lower(part) if isinstance(part, str) else part for part in pattern.parts]
        conditions: list[str] = []
        tokens = _whole_tokens(low)
        if tokens:
            # The index reads the whole list of each word's lines: those of frequent words cost more than they spare.
            picked = sorted(tokens, key=lambda token: (token.isalpha(), -len(token)))[:2]
            conditions.append(f"hasAllTokens({WORDS}, {self.bind(picked, 'Array(String)')})")
        if pattern.literal is not None and where == WORDS and tokens == [low[0]]:
            return conditions[0]
        if any(isinstance(part, Wild) for part in low):
            runs = [run for part in low if isinstance(part, str) for run in _RUN.findall(part)]
            # The index finds the tokens that hold these letters.
            conditions += [f"{WORDS} LIKE {self.bind(f'%{run}%')}" for run in sorted(set(runs) - set(tokens))[:4]]
        conditions.append(f"match({where}, {self.bind(_expression(low))})")
        return "(" + " AND ".join(conditions) + ")"

    def _exists(self, column: Column) -> str:
        if column.kind == "field":
            return f"mapContains(fields, {self.bind(columns.key_of(column))})"
        if column.kind == "list":
            return "notEmpty(tags)"
        return f"{column.name} != ''" if column.kind in ("text", "word", "address") else "1"

    def _text(self, column: Column) -> str:
        if column.kind == "field":
            return f"fields[{self.bind(columns.key_of(column))}]"
        return column.name if column.kind in ("text", "word", "address") else f"toString({column.name})"

    def _regex(self, column: Column, node: Regex) -> str:
        if column.kind in ("time", "number", "level"):
            raise QueryError(f"{column.name} holds numbers: compare it with = < <= > >= instead of ~.", node.at)
        expression = self.bind(f"(?i){node.expression}")
        if column.kind == "list":
            return f"arrayExists(x -> match(x, {expression}), tags)"
        return f"match({self._text(column)}, {expression})"

    def _compare(self, column: Column, node: Compare) -> str:
        if column.kind == "time":
            return self._time(column, node)
        if column.kind == "level":
            return self._level(column, node)
        if column.kind == "number":
            return self._number(column.name, node, f"{column.name} is a whole number, such as {column.name}:17.")
        if node.op in ("<", "<=", ">", ">="):
            if column.kind != "field":
                raise QueryError(f"{column.name} is text: compare it with : = or !=, not {node.op}.", node.at)
            return self._field_number(column, node)
        if column.name == "message" and node.op == ":":
            return self._words(node.value, "lower(message)")
        if column.kind == "list":
            equal = f"arrayExists(x -> {self._matches('lower(x)', node.value)}, tags)"
            return f"NOT {equal}" if node.op == "!=" else equal
        if column.kind == "address" and (network := _network(node.value)) is not None:
            equal = self._inside(network)
        elif column.kind == "field":
            equal = self._field_equal(column, node.value)
        else:
            equal = self._matches(f"lower({column.name})", node.value)
        # "is another value" is not "has no value".
        return f"({self._exists(column)} AND NOT {equal})" if node.op == "!=" else equal

    def _field_equal(self, column: Column, value: Pattern) -> str:
        key, literal = columns.key_of(column), value.literal
        if literal and "=" not in key:
            return f"hasAllTokens({PAIRS}, {self.bind([f'{key}={lower(literal)}'], 'Array(String)')})"
        equal = self._matches(f"lower({self._text(column)})", value)
        return equal if literal else f"({self._exists(column)} AND {equal})"

    def _matches(self, text: str, value: Pattern) -> str:
        """Whether the whole text is the pattern."""
        literal = value.literal
        if literal is not None:
            return f"{text} = {self.bind(lower(literal))}"
        pieces = [
            _like(lower(part)) if isinstance(part, str) else {Wild.ANY: "%", Wild.ONE: "_"}[part]
            for part in value.parts
        ]
        return f"{text} LIKE {self.bind(''.join(pieces))}"

    def _inside(self, network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> str:
        first, last = (_mapped(address) for address in (network.network_address, network.broadcast_address))
        # What is no address is inside no network.
        between = f"toIPv6OrNull(source) BETWEEN toIPv6({self.bind(first)}) AND toIPv6({self.bind(last)})"
        return f"ifNull({between}, 0)"

    def _level(self, column: Column, node: Compare) -> str:
        word = node.value.literal or ""
        number = columns.level(column.name, word)
        if number is None:
            names = ", ".join(columns.level_names(column.name))
            raise QueryError(f"{column.name} is a number or one of: {names}.", node.at)
        return f"{column.name} {_OPERATORS[node.op]} {self.bind(number, 'UInt8')}"

    def _number(self, name: str, node: Compare, way_out: str) -> str:
        word = node.value.literal or ""
        if not (word.isascii() and word.isdigit() and len(word) <= 20 and int(word) < 2**64):
            raise QueryError(way_out, node.at)
        return f"{name} {_OPERATORS[node.op]} {self.bind(int(word), 'UInt64')}"

    def _field_number(self, column: Column, node: Compare) -> str:
        word = node.value.literal or ""
        if not _NUMBER.fullmatch(word) or len(word) > 40:
            raise QueryError(
                f"{node.op} compares numbers, and {word[:40]!r} is none. Use {columns.key_of(column)[:40]}:{word[:40]} "
                "to find the text.", node.at,
            )  # fmt: skip
        number = self.bind(float(word), "Float64")
        return f"ifNull(toFloat64OrNull({self._text(column)}) {_OPERATORS[node.op]} {number}, 0)"

    def _time(self, column: Column, node: Compare) -> str:
        try:
            value = moments.read(node.value.literal or "", self.now, self.zone)
        except moments.BadMoment as bad:
            raise QueryError(str(bad), node.at) from None
        return f"{column.name} {_OPERATORS[node.op]} {self.moment(value)}"


def _whole_tokens(parts: list[Any]) -> list[str]:
    """The tokens that a text holding this pattern must have, each complete."""
    found: list[str] = []
    for index, part in enumerate(parts):
        if not isinstance(part, str):
            continue
        for token in _TOKEN.finditer(part):
            cut_before = token.start() == 0 and index > 0
            cut_after = token.end() == len(part) and index < len(parts) - 1
            if not cut_before and not cut_after:
                found.append(token.group())
    return list(dict.fromkeys(found))[:50]


def _expression(parts: list[Any]) -> str:
    """A regular expression for words; RE2 runs it in linear time."""
    made = [re.escape(part) if isinstance(part, str) else r"\S*" if part is Wild.ANY else r"\S" for part in parts]
    first, last = parts[0], parts[-1]
    before = "(?:^|[^0-9a-z])" if isinstance(first, str) and _TOKEN.match(first) else ""
    after = "(?:$|[^0-9a-z])" if isinstance(last, str) and _TOKEN.fullmatch(last[-1:]) else ""
    return f"(?s){before}{''.join(made)}{after}"


def _like(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _network(value: Pattern) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    literal = value.literal or ""
    if "/" not in literal:
        return None
    try:
        return ipaddress.ip_network(literal, strict=False)
    except ValueError:
        return None


def _mapped(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    return f"::ffff:{address}" if address.version == 4 else str(address)
