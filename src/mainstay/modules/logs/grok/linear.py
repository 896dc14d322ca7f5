"""Regular expressions as people write them for grok, read into a tree that is written out for a linear-time engine.

What such an engine cannot do (look-around, back-references, atomic groups, possessive quantifiers) is refused here,
with the place, the reason and, where there is one, what to write instead. The tree also says how large the automaton
will be, so that a short pattern cannot ask for a huge one.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from mainstay.modules.logs.grok.characters import Characters
from mainstay.modules.logs.grok.tree import MAX_DEPTH, MAX_SIZE, LinearError, Node, literal, write

MAX_TEXT = 10_000
"""Characters of one pattern."""
MAX_REPEAT = 1000

_NAME = re.compile(r"[A-Za-z_@][A-Za-z0-9_@.\-]*|(?:\[[A-Za-z0-9_@.\- ]+\])+")
_REFERENCE = re.compile(r"%\{([A-Za-z0-9_]+)(?::([^:{}]*))?(?::([A-Za-z]*))?\}")
_QUANTIFIER = re.compile(r"\{(\d{1,6})?(,)?(\d{1,6})?\}")
_TYPES = {"": "", "string": "", "text": "", "int": "int", "integer": "int", "long": "int", "float": "float",
          "double": "float", "number": "float"}  # fmt: skip


def field_name(text: str) -> str:
    """The name of a field from how it is written: ``[a][b]`` is ``a.b``. Raises ``ValueError``."""
    if len(text) > 100 or not _NAME.fullmatch(text):
        raise ValueError(
            f"{text[:100]!r} is not a field name. Use letters, digits, _ and . and begin with a letter, or [a][b]."
        )
    return ".".join(part.strip() for part in text[1:-1].split("][")) if text.startswith("[") else text


Resolve = Callable[[str], Node]
"""The tree of a named pattern. Raises ``LinearError`` for a name that does not exist."""


class _Parser(Characters):
    def __init__(self, text: str, resolve: Resolve | None) -> None:
        super().__init__(text)
        self.resolve = resolve

    def whole(self) -> Node:
        node = self.alternatives()
        if self.at < len(self.text):
            raise self.fail("There is a closing parenthesis without an opening one.", self.at, "\\)", end=self.at + 1)
        return node

    def alternatives(self) -> Node:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.fail(f"The pattern is nested deeper than {MAX_DEPTH} levels.", self.at)
        start = self.at
        options = [self.sequence()]
        while self.peek() == "|":
            self.at += 1
            options.append(self.sequence())
        self.depth -= 1
        if len(options) == 1:
            return options[0]
        return Node("alt", items=options, size=sum(o.size for o in options) + len(options), start=start, end=self.at,
                    captures=sum(o.captures for o in options))  # fmt: skip

    def sequence(self) -> Node:
        start, items = self.at, []
        while self.at < len(self.text) and self.peek() not in ("|", ")"):
            node = self.quantified()
            if node is not None:
                items.append(node)
        return Node("seq", items=items, size=sum(i.size for i in items), start=start, end=self.at,
                    captures=sum(i.captures for i in items))  # fmt: skip

    def quantified(self) -> Node | None:
        start = self.at
        node = self.atom()
        if node is None:
            return None
        node.start, node.end = start, self.at
        bounds = self.quantifier()
        if bounds is None:
            return node
        if node.kind == "flags":
            raise self.fail("There is nothing to repeat before the quantifier.", start)
        low, high = bounds
        lazy = self.peek() == "?"
        self.at += lazy
        if self.peek() == "+" and not lazy:
            self.at += 1
            raise self.fail("A possessive quantifier (such as a++) does not exist in a linear-time engine, which never "
                            "goes back anyway. Leave the second + out.", self.at - 1, "")  # fmt: skip
        if self.peek() in ("*", "+", "?") or _QUANTIFIER.match(self.text, self.at):
            raise self.fail("Two quantifiers follow each other. Put the inner part in (?:...).", self.at,
                            end=self.at + 1)  # fmt: skip
        times = max(low, high if high is not None else low + 1, 1)
        size = node.size * times + 1
        if size > MAX_SIZE:
            raise self.fail(f"The repetition makes the pattern too large: about {size:,} states, of {MAX_SIZE:,}. "
                            "Use * or + where the number does not matter.", start)  # fmt: skip
        return Node("repeat", items=[node], size=size, low=low, high=high, lazy=lazy, start=start, end=self.at,
                    captures=node.captures)  # fmt: skip

    def quantifier(self) -> tuple[int, int | None] | None:
        simple: dict[str, tuple[int, int | None]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}
        if self.peek() in simple and self.peek():
            self.at += 1
            return simple[self.text[self.at - 1]]
        found = _QUANTIFIER.match(self.text, self.at)
        if found is None or not (found[1] or found[3]):
            return None
        start, self.at = self.at, found.end()
        low = int(found[1] or 0)
        high = low if not found[2] else int(found[3]) if found[3] else None
        if low > MAX_REPEAT or (high or 0) > MAX_REPEAT:
            raise self.fail(f"A number of repetitions is at most {MAX_REPEAT}.", start)
        if high is not None and high < low:
            raise self.fail("The repetition ends below where it begins.", start)
        return low, high

    def atom(self) -> Node | None:
        char = self.peek()
        start = self.at
        if char == "(":
            return self.group()
        if char == "[":
            return self.char_class()
        if char == "\\":
            return self.escape()
        if char == "%" and self.peek(2) == "%{":
            return self.reference()
        self.at += 1
        if char == ".":
            return Node("leaf", ".", size=8)
        if char in "^$":
            return Node("leaf", char)
        if char in "*+?":
            raise self.fail("There is nothing to repeat before the quantifier.", start, "\\" + char)
        return literal(char)

    def reference(self) -> Node:
        start = self.at
        found = _REFERENCE.match(self.text, start)
        if found is None or self.resolve is None:
            raise self.fail("Write %{PATTERN}, %{PATTERN:field} or %{PATTERN:field:int}; a percent sign before a brace "
                            "is \\%\\{.", start, end=start + 2)  # fmt: skip
        self.at = found.end()
        try:
            body = self.resolve(found[1])
        except LinearError as error:
            raise self.fail(error.reason, start) from None
        if not found[2] and not found[3]:
            return Node("group", "?:", items=[body], size=body.size + 1, captures=body.captures)
        return self.captured(body, found[2] or "", found[3] or "", start)

    def captured(self, body: Node, name: str, type_: str, start: int) -> Node:
        try:
            name = field_name(name)
        except ValueError as error:
            raise self.fail(str(error), start) from None
        if type_.lower() not in _TYPES:
            raise self.fail(f"{type_!r} is not a type. Use int, float or string.", start)
        return Node("group", items=[body], size=body.size + 2, capture=name, type=_TYPES[type_.lower()],
                    captures=body.captures + 1)  # fmt: skip

    def group(self) -> Node | None:
        start = self.at
        self.at += 1
        if self.peek() != "?":
            return self.closed("", start, capture="")
        for opening, reason in (("?=", "looks ahead"), ("?!", "looks ahead"), ("?<=", "looks behind"),
                                ("?<!", "looks behind")):  # fmt: skip
            if self.peek(len(opening)) == opening:
                return self.looking(opening, reason, start)
        if self.peek(2) == "?>":
            self.at += 2
            raise self.fail("An atomic group (?>...) does not exist in a linear-time engine, which never goes back "
                            "anyway. Write (?:...).", start, "(?:")  # fmt: skip
        if self.peek(2) == "?#":
            end = self.text.find(")", self.at)
            if end < 0:
                raise self.fail("The comment (?#...) is not closed.", start)
            self.at = end + 1
            return None
        named = re.compile(r"\?(?:P?<([^<>=!]+)>|'([^']+)')").match(self.text, self.at)
        if named:
            self.at = named.end()
            name, _, type_ = (named[1] or named[2]).partition(":")
            closed = self.closed("", start, capture=None)
            return self.captured(closed.items[0], name, type_, start)
        if self.peek(3) == "?P=":
            raise self.fail("A back-reference (?P=name) cannot be matched in linear time. Repeat the sub-pattern.",
                            start)  # fmt: skip
        flags = re.compile(r"\?([ims]*)(?:-([ims]+))?([:)])").match(self.text, self.at)
        if flags is None:
            raise self.fail("This kind of group is not known. There are (...), (?:...), (?<name>...) and the flags "
                            "(?i), (?m) and (?s).", start, end=start + 3)  # fmt: skip
        self.at = flags.end()
        switches = "?" + flags[1] + (f"-{flags[2]}" if flags[2] else "")
        if flags[3] == ")":
            if switches == "?":
                return None
            return Node("flags", f"({switches})")
        return self.closed(switches + ":", start, capture=None)

    def closed(self, text: str, start: int, capture: str | None) -> Node:
        body = self.alternatives()
        if self.peek() != ")":
            raise self.fail("The group is not closed: a ) is missing.", start, end=start + 1)
        self.at += 1
        return Node("group", text or "?:", items=[body], size=body.size + (2 if capture is not None else 1),
                    capture=capture, captures=body.captures)  # fmt: skip

    def looking(self, opening: str, reason: str, start: int) -> Node:
        self.at += len(opening)
        inside = self.at
        self.closed("", start, capture=None)
        content = self.text[inside : self.at - 1]
        instead = None
        if opening in ("?!", "?<!") and re.fullmatch(r"\[(?:0-9|a-z|A-Z|_|\\w|\\d|[.+-])+\]|\\[wd]", content):
            instead = "\\b"  # the same at the edge of a number or a word
        elif opening == "?=" and self.at == len(self.text):
            instead = f"(?:{content})"  # at the very end it does no harm to take the text as well
        hint = "" if instead is None else f" Here {instead} does nearly the same."
        reason = f"The group ({opening}...) {reason}, which cannot be done in linear time. Match the neighbouring text "
        raise self.fail(f"{reason}itself and capture only the part that is wanted.{hint}", start, instead)


def parse(text: str, resolve: Resolve | None = None) -> Node:
    """The tree of a pattern. Raises ``LinearError``."""
    if len(text) > MAX_TEXT:
        raise LinearError(f"A pattern has at most {MAX_TEXT:,} characters; this has {len(text):,}.", 0, len(text))
    try:
        text.encode()
    except UnicodeEncodeError:
        raise LinearError("The pattern contains characters that are not valid Unicode.") from None
    node = _Parser(text, resolve).whole()
    if node.size > MAX_SIZE:
        raise LinearError(
            f"The pattern is too large: about {node.size:,} states, of {MAX_SIZE:,}. Split it into two stages.",
            0, len(text),
        )  # fmt: skip
    return node


def rewrite(text: str, resolve: Resolve | None = None) -> str | None:
    """The pattern with every refused part replaced by what may stand there; None where there is no such thing."""
    for _ in range(40):
        try:
            parse(text, resolve)
        except LinearError as error:
            if error.instead is None:
                return None
            text = text[: error.start] + error.instead + text[error.end :]
        else:
            return text
    return None


def plain(text: str) -> tuple[str, int]:
    """A pattern without named references, for the engine, and its size; unnamed groups stay numbered.

    Raises ``LinearError``.
    """
    names = iter(range(10_000))
    root = parse(text)
    return write(root, lambda _field, _type: f"g{next(names)}", numbered=True), root.size
