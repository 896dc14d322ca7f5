"""The words a pattern needs: what must be in every message that it matches."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

SHORTEST = 2
"""One letter is in nearly every message and sieves nothing."""
SPELLINGS = 16
"""A digit in a word stands for ten words; no word is spelled in more ways than this."""
WAYS = 12
"""Ways that a pattern is told apart into; more are taken for one."""

Clauses = list[frozenset[str]]
"""Sets of words (in lower case), of each of which one must be in the message."""
_END = (SimpleNamespace(name=""), None)
"""Comes after the last item, so that the word before it is taken."""


def needed(pattern: str) -> list[Clauses] | None:
    """The ways in which a message can match: in each, one word of every clause must be there. ``None`` where there is
    a way that needs no particular word.

    The parser of the standard library reads the pattern; RE2's language is a part of its language.
    """
    from re import _parser  # type: ignore[attr-defined]

    try:
        tree = _parser.parse(pattern)
    except (re.error, RecursionError, OverflowError):
        return None
    ways = _ways(list(tree))
    usable = [[clause for clause in way if min(map(len, clause)) >= SHORTEST] for way in ways]
    return usable if usable and all(usable) else None


def _ways(items: list[Any]) -> list[Clauses]:
    """The alternatives of the pattern as a whole: those of its one branching part, beside what all of them need.

    Words do not run on over the ends of a branch.
    """
    for at, (code, value) in enumerate(items):
        inner = value[1] if code.name == "BRANCH" else None
        if code.name == "SUBPATTERN" and len(value[3]) == 1 and value[3][0][0].name == "BRANCH":
            inner = value[3][0][1][1]
        if inner is None or len(inner) > WAYS:
            continue
        branches = [_of(list(branch)) for branch in inner]
        # An edge of a word, ``(?:\b|_)``, tells nothing apart.
        if any(min(map(len, clause)) >= SHORTEST for clauses in branches for clause in clauses):
            before, after = _of(items[:at]), _of(items[at + 1 :])
            return [[*before, *clauses, *after] for clauses in branches]
    return [_of(items)]


def _of(items: list[Any]) -> Clauses:
    """What the parts need that must all be there."""
    found: Clauses = []
    run = {""}
    for code, value in [*items, _END]:
        name = code.name
        letters = _letters(name, value)
        if letters and len(run) * len(letters) <= SPELLINGS:
            run = {word + letter for word in run for letter in letters}
            continue
        if run != {""}:
            found.append(frozenset(run))
        run = set(letters) if letters else {""}
        if name == "SUBPATTERN":
            found += _of(list(value[3]))
        elif name == "BRANCH":
            found += _branch(value[1])
        elif name in ("MAX_REPEAT", "MIN_REPEAT") and value[0] >= 1:
            found += _of(list(value[2]))
    return found


def _letters(name: str, value: Any) -> list[str]:
    """What one place of the pattern can be, where that is little."""
    if name == "LITERAL":
        return [chr(value).lower()] if value < 128 else []
    if name != "IN":
        return []
    found: set[str] = set()
    for code, inner in value:
        kind = code.name
        if kind == "LITERAL" and inner < 128:
            found.add(chr(inner).lower())
        elif kind == "CATEGORY" and inner.name == "CATEGORY_DIGIT":
            found |= set("0123456789")
        else:
            return []
    return sorted(found)


def _branch(branches: list[Any]) -> Clauses:
    """One clause: the best word of each branch."""
    words: set[str] = set()
    for branch in branches:
        found = _of(list(branch))
        if not found:
            return []
        words |= max(found, key=lambda clause: (min(map(len, clause)), -len(clause)))
    return [frozenset(words)]
