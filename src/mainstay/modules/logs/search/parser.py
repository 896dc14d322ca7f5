"""From the text of a query to its tree."""

from __future__ import annotations

import re

import re2

from mainstay.modules.logs.search import columns
from mainstay.modules.logs.search.query import (
    And,
    Compare,
    Everything,
    Exists,
    Node,
    Or,
    Pattern,
    QueryError,
    Regex,
    Wild,
    Words,
    join,
    negate,
)

LONGEST = 4000
MOST_TERMS = 200
DEEPEST = 40
LONGEST_REGEX = 1000

_SPACE = re.compile(r"\s*")
_FIELD = re.compile(r"([A-Za-z_@][A-Za-z0-9_.@-]{0,199})(\s*(?:!=|<=|>=|=|<|>|~)|:)")
_OPERATOR = re.compile(r"\s*(?:!=|<=|>=|=|<|>|~)|:")
_KEYWORD = re.compile(r"(and|or|not|&&|\|\|)(?=[\s()\"]|$)", re.IGNORECASE)
_WORDS = {"&&": "and", "||": "or"}
_PLAIN_WORD = re.compile(r"[^\s()\"\\*?,]+")


def parse(text: str) -> Node:
    """The tree of a query. Raises ``QueryError`` with the place and the way out."""
    if len(text) > LONGEST:
        raise QueryError(f"A query has at most {LONGEST} characters; this has {len(text)}.", LONGEST)
    return _Parser(text).query()


def compile_regex(expression: str, at: int) -> None:
    """Raises ``QueryError`` for what the linear-time engine does not take."""
    if len(expression) > LONGEST_REGEX:
        raise QueryError(f"A regular expression has at most {LONGEST_REGEX} characters.", at)
    options = re2.Options()
    options.max_mem = 1 << 20
    options.log_errors = False
    try:
        re2.compile(expression, options)
    except (re2.error, UnicodeEncodeError) as error:
        reason = error.args[0] if error.args else "it cannot be read"
        reason = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
        raise QueryError(
            f"This regular expression is not accepted ({reason}). The syntax is RE2's: no look-around and no "
            "back-references.",
            at,
        ) from None


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.depth = 0
        self.terms = 0

    def query(self) -> Node:
        self._space()
        if self.at == len(self.text):
            return Everything()
        node = self._either()
        if self.at < len(self.text):
            raise QueryError("This closing parenthesis has no opening one. Remove it, or quote it.", self.at)
        return node

    def _either(self) -> Node:
        items = [self._both()]
        while self._keyword("or"):
            items.append(self._both())
        return join(Or, items)

    def _both(self) -> Node:
        items = [self._negated()]
        while True:
            start = self.at
            joined = self._keyword("and")
            if not joined and (self._ended() or self._peek("or")):
                self.at = start
                self._space()
                return join(And, items)
            items.append(self._negated())

    def _negated(self) -> Node:
        self._space()
        start = self.at
        if self._keyword("not") or self._sign():
            self._deeper(start)
            node = negate(self._negated(), start)
            self.depth -= 1
            return node
        return self._primary()

    def _primary(self) -> Node:
        self._space()
        start = self.at
        if start == len(self.text):
            raise QueryError("The query ends where a word or a condition is expected.", start)
        character = self.text[start]
        if character == "(":
            self.at += 1
            self._deeper(start)
            node = self._either()
            self.depth -= 1
            self._close(start)
            return node
        if character == ")":
            raise QueryError("A word or a condition is expected before this parenthesis.", start)
        for word in ("and", "or"):
            if self._peek(word):
                raise QueryError(f"A condition is expected before {word!r}; quote it to search for it.", start)
        self._count(start)
        if character == '"':
            text = self._string()
            operator = _OPERATOR.match(self.text, self.at)
            if operator is None:
                return Words(Pattern((text,) if text else ()), at=start) if text else self._empty(start)
            self.at = operator.end()
            return self._condition(text, operator.group().strip(), start)
        field = _FIELD.match(self.text, start)
        if field is not None and not self._address(field):
            self.at = field.end()
            return self._condition(field.group(1), field.group(2).strip(), start)
        pattern = self._chunk()
        return Everything(at=start) if pattern.parts == (Wild.ANY,) else Words(pattern, at=start)

    def _empty(self, start: int) -> Node:
        raise QueryError("There is nothing between these quotes.", start)

    def _address(self, field: re.Match[str]) -> bool:
        """Whether what looks like a field is the beginning of an IPv6 address or a URL."""
        return field.group(2) == ":" and self.text.startswith((":", "//"), field.end())

    def _condition(self, name: str, op: str, start: int) -> Node:
        if not name.strip() or "\x00" in name:
            raise QueryError("The name of the field is empty.", start)
        column = columns.find(name)
        if op != ":":
            self._space()
        at = self.at
        if at == len(self.text) or self.text[at].isspace() or self.text[at] == ")":
            raise QueryError(
                f'There is no value after {name[:60]}{op} - give one, or quote it to search for it: "{name[:60]}{op}"',
                at,
            )
        if op == "~":
            if self.text[at] != '"':
                raise QueryError(f'A regular expression stands in quotes: {name[:60]}~"^link .* down$"', at)
            expression = self._string()
            compile_regex(expression, at)
            return Regex(column.name, expression, at=start)
        if self.text[at] == "(":
            if op not in (":", "=", "!="):
                raise QueryError(f"A list of values needs : or = or != before it, not {op}.", at)
            return self._list(column, op, start)
        return self._compare(column, op, self._value(in_list=False), start)

    def _list(self, column: columns.Column, op: str, start: int) -> Node:
        opened = self.at
        self.at += 1
        items: list[Node] = []
        while True:
            self._space()
            if self.at < len(self.text) and self.text[self.at] in "),":
                raise QueryError("A value is expected here.", self.at)
            if self.at == len(self.text):
                raise QueryError("This list of values is not closed. Add a parenthesis.", opened)
            for word in ("and", "not", "or"):
                if self._peek(word):
                    raise QueryError(f"A value is expected, not {word!r}. Join values with 'or' or a comma.", self.at)
            self._count(self.at)
            items.append(self._compare(column, ":" if op == "!=" else op, self._value(in_list=True), start))
            self._space()
            if self.at < len(self.text) and self.text[self.at] == ",":
                self.at += 1
            elif self.at < len(self.text) and self.text[self.at] == ")":
                self.at += 1
                return negate(join(Or, items), start) if op == "!=" else join(Or, items)
            elif not self._keyword("or"):
                if self.at == len(self.text):
                    raise QueryError("This list of values is not closed. Add a parenthesis.", opened)
                raise QueryError("Join the values of a list with 'or' or a comma.", self.at)

    def _compare(self, column: columns.Column, op: str, value: Pattern, start: int) -> Node:
        if value.parts == (Wild.ANY,) and op in (":", "=", "!="):
            exists = Exists(column.name, at=start)
            return negate(exists, start) if op == "!=" else exists
        if column.name == "message" and op == ":" and not value.parts:
            return self._empty(start)
        if value.literal is None and op not in (":", "=", "!="):
            raise QueryError(f"Wildcards cannot be compared with {op}. Quote the value if it holds * or ?.", start)
        return Compare(column.name, op, value, at=start)

    def _value(self, *, in_list: bool) -> Pattern:
        if self.text[self.at] == '"':
            text = self._string()
            return Pattern((text,) if text else ())
        return self._chunk(stop="," if in_list else "")

    def _chunk(self, stop: str = "") -> Pattern:
        """A run of characters up to a space, a parenthesis or a quote; ``*`` and ``?`` are wildcards, ``\\`` is not."""
        parts: list[str | Wild] = []
        plain: list[str] = []
        start = self.at

        def settle() -> None:
            if plain:
                parts.append("".join(plain))
                plain.clear()

        while self.at < len(self.text):
            run = _PLAIN_WORD.match(self.text, self.at)
            if run is not None:
                plain.append(run.group())
                self.at = run.end()
                continue
            character = self.text[self.at]
            if character == "\\" and self.at + 1 < len(self.text):
                plain.append(self.text[self.at + 1])
                self.at += 2
            elif character in "*?":
                settle()
                if not (character == "*" and parts and parts[-1] is Wild.ANY):
                    parts.append(Wild(character))
                self.at += 1
            elif character == "\\" or (character == "," and not stop):
                plain.append(character)
                self.at += 1
            else:
                break
        settle()
        if not parts:
            raise QueryError("A value is expected here.", start)
        return Pattern(tuple(parts))

    def _string(self) -> str:
        """What stands between quotes; ``\\"`` and ``\\\\`` are a quote and a backslash."""
        start = self.at
        self.at += 1
        made: list[str] = []
        while self.at < len(self.text):
            character = self.text[self.at]
            if character == "\\" and self.text[self.at + 1 : self.at + 2] in ('"', "\\"):
                made.append(self.text[self.at + 1])
                self.at += 2
                continue
            self.at += 1
            if character == '"':
                return "".join(made)
            made.append(character)
        raise QueryError('This quote is not closed. Add a ", or write \\" for a quote that is part of the text.', start)

    def _sign(self) -> bool:
        """A minus or an exclamation mark right before a term."""
        text, at = self.text, self.at
        if at + 1 < len(text) and text[at] in "-!" and not text[at + 1].isspace() and text[at + 1] != ")":
            self.at += 1
            return True
        return False

    def _keyword(self, word: str) -> bool:
        self._space()
        found = _KEYWORD.match(self.text, self.at)
        if found is None or _WORDS.get(found.group(), found.group().lower()) != word:
            return False
        self.at = found.end()
        return True

    def _peek(self, word: str) -> bool:
        at = self.at
        found = self._keyword(word)
        self.at = at
        return found

    def _ended(self) -> bool:
        self._space()
        return self.at == len(self.text) or self.text[self.at] == ")"

    def _close(self, opened: int) -> None:
        self._space()
        if self.at == len(self.text):
            raise QueryError("This parenthesis is not closed.", opened)
        self.at += 1

    def _space(self) -> None:
        found = _SPACE.match(self.text, self.at)
        if found is not None:
            self.at = found.end()

    def _deeper(self, at: int) -> None:
        self.depth += 1
        if self.depth > DEEPEST:
            raise QueryError(f"Conditions are nested more than {DEEPEST} levels deep.", at)

    def _count(self, at: int) -> None:
        self.terms += 1
        if self.terms > MOST_TERMS:
            raise QueryError(f"A query has at most {MOST_TERMS} conditions.", at)
