"""The words a pattern needs: every message it matches holds at least one of them."""

from __future__ import annotations

import re
from typing import Any

SHORTEST = 4
"""A word shorter than this is in nearly every message and sieves nothing."""


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
    run = ""
    for code, value in [*items, (None, None)]:
        name = str(code)
        if name == "LITERAL" and value < 128:
            run += chr(value).lower()
            continue
        if run:
            options.append({run})
            run = ""
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


def _branch(branches: list[Any]) -> set[str] | None:
    words: set[str] = set()
    for branch in branches:
        found = _of(list(branch))
        if not found:
            return None
        words |= found
    return words
