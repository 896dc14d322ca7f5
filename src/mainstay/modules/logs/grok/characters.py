"""Characters, escapes and bracketed classes of a pattern, written out for the engine."""

from __future__ import annotations

import re

from mainstay.modules.logs.grok.tree import MAX_DEPTH, LinearError, Node, literal

_CLASS_META = frozenset("\\[]^-&~")
_SPACE = " \\t\\n\\r\\x0b\\x0c"
_SETS = {"d": "0-9", "w": "0-9A-Za-z_", "s": _SPACE, "h": "0-9A-Fa-f"}
_CONTROLS = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "v": "\v", "a": "\a", "e": "\x1b"}
_POSIX = frozenset({"alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space",
                    "upper", "word", "xdigit"})  # fmt: skip
_PROPERTIES = {name: name for name in ("L", "Lu", "Ll", "Lt", "Lm", "Lo", "M", "N", "Nd", "Nl", "No", "P", "S", "Z",
                                       "Zs", "C", "Cc", "Sc", "Sm", "Alphabetic", "Latin", "Greek", "Cyrillic", "Han",
                                       "Arabic", "Hebrew", "Hiragana", "Katakana", "Hangul")}  # fmt: skip
_PROPERTIES |= {"Alpha": "Alphabetic", "Upper": "Lu", "Lower": "Ll", "Digit": "Nd", "Punct": "P", "Space": "Z"}


class Characters:
    """The part of the parser that reads one character or one set of them."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.depth = 0

    def fail(self, reason: str, start: int, instead: str | None = None, *, end: int | None = None) -> LinearError:
        return LinearError(reason, start, self.at if end is None else end, instead)

    def peek(self, length: int = 1) -> str:
        return self.text[self.at : self.at + length]

    def escape(self) -> Node:
        start = self.at
        self.at += 2
        char = self.text[start + 1 : start + 2]
        if not char:
            raise self.fail("The pattern ends with a single backslash.", start, "\\\\", end=start + 1)
        if char in _SETS:
            return Node("leaf", f"[{_SETS[char]}]")
        if char.lower() in _SETS and char != "H":
            return Node("leaf", f"[^{_SETS[char.lower()]}]", size=8)
        if char == "H":
            return Node("leaf", f"[^{_SETS['h']}]", size=8)
        if char == "b":
            return Node("leaf", "(?-u:\\b)")
        if char == "B":
            return Node("leaf", "\\B", size=2)
        if char in "Az":
            return Node("leaf", "\\" + char)
        if char == "Z":
            return Node("leaf", "\\z")
        if char in "pP":
            return Node("leaf", self.property(start), size=300)
        if char in "123456789" or self.text.startswith(("k<", "k'", "k{", "g<", "g'", "g{"), start + 1):
            raise self.fail("A back-reference cannot be matched in linear time. Repeat the sub-pattern instead; "
                            "whether both are equal can be asked in a condition.", start)  # fmt: skip
        if char in "GKRXQ":
            raise self.fail(f"\\{char} is not available in a linear-time engine.", start)
        return literal(self.character(char, start))

    def property(self, start: int) -> str:
        found = re.compile(r"\\[pP](?:\{\^?[A-Za-z_]{1,40}\}|[A-Z])").match(self.text, start)
        name = found[0][2:].strip("{}^") if found else ""
        if found is None or name not in _PROPERTIES:
            raise self.fail("This Unicode property is not known. There are \\p{L}, \\p{Lu}, \\p{N}, \\p{P}, \\p{S} "
                            "and the like.", start)  # fmt: skip
        self.at = found.end()
        negative = (found[0][1] == "P") != ("^" in found[0])
        return f"\\{'P' if negative else 'p'}{{{_PROPERTIES[name]}}}"

    def character(self, char: str, start: int) -> str:
        """The character that an escape stands for; ``at`` is behind its letter."""
        if char in _CONTROLS:
            return _CONTROLS[char]
        if char == "0":
            return "\0"
        if char in "xu":
            found = re.compile(r"\{([0-9A-Fa-f]{1,6})\}|([0-9A-Fa-f]{4})|([0-9A-Fa-f]{2})").match(self.text, self.at)
            digits = (
                (found[1] or (found[2] if char == "u" else None) or self.text[self.at : self.at + 2]) if found else ""
            )
            code = int(digits, 16) if digits else 0x110000
            if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
                raise self.fail("The escape names no character.", start)
            self.at += len(digits) + (2 if found and found[1] else 0)
            return chr(code)
        if char.isascii() and char.isalnum():
            raise self.fail(
                f"\\{char} has no meaning here. For the letter itself leave the backslash out.", start, char
            )
        return char

    def char_class(self) -> Node:
        start = self.at
        return Node("leaf", self.set_(), size=8 if self.text.startswith("[^", start) else 2)

    def set_(self) -> str:
        """A bracketed class, written out with everything escaped that means something."""
        start = self.at
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.fail(f"The pattern is nested deeper than {MAX_DEPTH} levels.", start)
        self.at += 1
        out = ["["]
        if self.peek() == "^":
            out.append("^")
            self.at += 1
        first, empty = True, True
        while True:
            char = self.peek()
            if not char:
                raise self.fail("The character class is not closed: a ] is missing.", start, end=start + 1)
            if char == "]" and not first:
                self.at += 1
                break
            first = False
            if self.peek(2) == "&&":
                self.at += 2
                out.append("&&")
                continue
            empty = False
            out.append(self.member())
        self.depth -= 1
        if empty or out[-1] == "&&":
            raise self.fail("The character class is empty.", start)
        return "".join(out) + "]"

    def member(self) -> str:
        """One character, range or inner class of a bracketed class."""
        start = self.at
        if self.peek(2) == "[:":
            found = re.compile(r"\[:(\^?)([a-z]+):\]").match(self.text, self.at)
            if found and found[2] in _POSIX:
                self.at = found.end()
                return found[0]
        if self.peek() == "[":
            return self.set_()
        low = self.single()
        if len(low) > 1:
            return low
        if self.peek() != "-" or self.peek(2) in ("-]", "-"):
            return _in_class(low)
        after = self.at
        self.at += 1
        if self.peek() == "[":
            self.at = after
            return _in_class(low)
        high = self.single()
        if len(high) > 1:  # [+-\w]: the hyphen is itself
            return _in_class(low) + "\\-" + high
        if high < low:
            raise self.fail("A range of the character class ends before it begins.", start)
        return f"{_in_class(low)}-{_in_class(high)}"

    def single(self) -> str:
        """One character, or (longer) a set such as ``\\d`` written out."""
        start, char = self.at, self.peek()
        self.at += 1
        if char != "\\":
            return char
        char = self.peek()
        self.at += 1
        if not char:
            raise self.fail("The character class is not closed: a ] is missing.", start)
        if char in _SETS:
            return f"[{_SETS[char]}]"
        if char.lower() in _SETS:
            return f"[^{_SETS[char.lower()]}]"
        if char in "pP":
            return self.property(start)
        if char == "b":
            return "\b"
        return self.character(char, start)


def _in_class(char: str) -> str:
    if char in _CLASS_META:
        return "\\" + char
    return char if char.isprintable() else f"\\x{{{ord(char):x}}}"
