"""Which of many messages any pattern may match, told by words and without looking at them one by one.

Every pattern can be told by several words, and which of them is rare depends on what a network says: ``port`` is in
every line of a login server and in few of a router. So the words are chosen by what came, and chosen again when too
many messages pass.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

import polars as pl

from mainstay.modules.monitoring.eventrules.literals import Clauses, needed

PASSING = 0.02
"""The share of messages that may pass; of more it is seen whether other words tell better."""
SAMPLE = 500
LEAST = 50_000
"""Messages between two choices; twice as many each time that it did not help."""


class Sieve:
    """The words of some patterns. ``open`` where one of them needs no particular word: it must see every message."""

    def __init__(self, patterns: Iterable[str]) -> None:
        ways: dict[tuple[frozenset[str], ...], None] = {}
        self.open = False
        for pattern in patterns:
            found = needed(pattern)
            if found is None:
                self.open = True
            else:
                ways.update(dict.fromkeys(tuple(way) for way in found))
        self._ways: list[Clauses] = [list(way) for way in ways]
        self._often: Counter[str] = Counter()
        self._wait, self._seen = 0, 0
        self._words: list[str] = []
        self._pattern = ""
        """Empty where the words are too many for one pattern."""
        self._choose()

    def __call__(self, messages: pl.Series) -> pl.Series:
        """Which messages may match, as booleans."""
        if self.open:
            return messages.is_not_null()
        if not self._ways:
            return pl.repeat(False, len(messages), eager=True)
        small = messages.str.to_lowercase()
        kept = self._kept(small)
        self._seen += len(messages)
        if self._seen >= self._wait and len(messages) >= SAMPLE and int(kept.sum()) > len(messages) * PASSING:
            self._learn(small)
            better = self._kept(small)
            helped = int(better.sum()) < int(kept.sum()) * 0.8
            self._seen, self._wait = 0, LEAST if helped else max(LEAST, 2 * self._wait)
            kept = better
        return kept

    def _kept(self, messages: pl.Series) -> pl.Series:
        # One expression is looked for faster than a list of words.
        found = messages.str.contains(self._pattern) if self._pattern else messages.str.contains_any(self._words)
        return found.fill_null(False)

    def _learn(self, messages: pl.Series) -> None:
        words = sorted({word for way in self._ways for clause in way for word in clause})
        # What was seen before still counts a little: a mix that changes to and fro is not learned anew every time.
        self._often = Counter({word: number // 2 for word, number in self._often.items() if number > 1})
        for found in messages.sample(SAMPLE, seed=0).str.extract_many(words, overlapping=True).drop_nulls().to_list():
            self._often.update(set(found))
        self._choose()

    def _choose(self) -> None:
        often = self._often

        def cost(clause: frozenset[str]) -> tuple[int, int, int]:
            return sum(often[word] for word in clause), -min(map(len, clause)), len(clause)

        chosen = {word for way in self._ways for word in min(way, key=cost)}
        self._words = _shortest(chosen)
        pattern = "(?-u)" + "|".join(re.escape(word) for word in self._words)
        try:
            pl.Series([""]).str.contains(pattern)
        except pl.exceptions.ComputeError:
            pattern = ""
        self._pattern = pattern


def _shortest(words: Iterable[str]) -> list[str]:
    """Without words that contain another one: the other one is looked for anyway."""
    kept: list[str] = []
    for word in sorted(words, key=lambda word: (len(word), word)):
        if not any(other in word for other in kept):
            kept.append(word)
    return kept
