"""The words a pattern needs: every message it matches holds at least one of them."""

from __future__ import annotations

import re
from typing import Any

SHORTEST = 3
"""A word shorter than this is in nearly every message and sieves nothing."""
SPELLINGS = 16
"""A digit in a word stands for ten words; no word is spelled in more ways than this."""


def needed(pattern: str) -> set[str] | None:
    """Words (in lower case) of which one must be in the message; ``None`` where there are no such words.

    The parser of the standard library reads the pattern; RE2's language is a part of its language.
    """
    from re import _parser  # type: ignore[attr-defined]

    try:
        tree = _parser.parse(pattern)
    except (re.error, RecursionError, OverflowError):
        return None
    found = _of(list(tree))
    return found if found and min(map(len, found)) >= SHORTEST else None


def _of(items: list[Any]) -> set[str] | None:
    """The best set of alternatives among the parts that must all be there."""
    options: list[set[str]] = []
    run = {""}
    for code, value in [*items, (None, None)]:
        name = str(code)
        letters = _letters(name, value)
        if letters and len(run) * len(letters) <= SPELLINGS:
            run = {word + letter for word in run for letter in letters}
            continue
        if run != {""}:
            options.append(run)
        run = set(letters) if letters else {""}
        inner: set[str] | None = None
        if name == "SUBPATTERN":
            inner = _of(list(value[3]))
        elif name == "BRANCH":
            inner = _branch(value[1])
        elif name in ("MAX_REPEAT", "MIN_REPEAT") and value[0] >= 1:
            inner = _of(list(value[2]))
        if inner:
            options.append(inner)
    if not options:
        return None
    return max(options, key=lambda words: (min(map(len, words)), -len(words)))


def _letters(name: str, value: Any) -> list[str]:
    """What one place of the pattern can be, where that is little."""
    if name == "LITERAL":
        return [chr(value).lower()] if value < 128 else []
    if name != "IN":
        return []
    found: set[str] = set()
    for code, inner in value:
        kind = str(code)
        if kind == "LITERAL" and inner < 128:
            found.add(chr(inner).lower())
        elif kind == "CATEGORY" and str(inner) == "CATEGORY_DIGIT":
            found |= set("0123456789")
        else:
            return []
    return sorted(found)


def _branch(branches: list[Any]) -> set[str] | None:
    words: set[str] = set()
    for branch in branches:
        found = _of(list(branch))
        if not found:
            return None
        words |= found
    return words
