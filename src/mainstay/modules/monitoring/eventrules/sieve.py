"""Which of many messages any pattern may match, told by words and without looking at them one by one.

Every pattern can be told by several words, and which of them is rare depends on what a network says: ``port`` is in
every line of a login server and in few of a router. So the words are chosen by what came, and chosen again when too
many messages pass.

In a mix of many kinds of messages each word is frequent somewhere. Where many messages have a word, it is seen whether
they have another one that its patterns need, too.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache

import polars as pl

from mainstay.modules.monitoring.eventrules.literals import Clauses, needed

PASSING = 0.02
"""The share of messages that may pass; of more it is seen whether other words tell better."""
SAMPLE = 500
LEAST = 50_000
"""Messages between two choices; twice as many each time that it did not help."""


MANY = 500
"""Messages with a word of which a second one is looked for: of fewer it is not worth the trouble."""


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
        self._seconds: dict[str, list[str]] = {}
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
        return self._closer(small, kept) if int(kept.sum()) >= MANY else kept

    def _kept(self, messages: pl.Series) -> pl.Series:
        return _has(messages, self._words)

    def _closer(self, messages: pl.Series, kept: pl.Series) -> pl.Series:
        """Of the messages that have a word, those that may match by a second word of the same pattern, too."""
        rows = kept.arg_true()
        words = pl.col("text").str.extract_many(list(self._seconds), overlapping=True).list.unique()
        hits = (
            pl.DataFrame({"row": rows, "text": messages.gather(rows)}).with_columns(words.alias("word"))
            .explode("word", empty_as_null=True)
        )  # fmt: skip
        stay = [pl.Series("row", [], dtype=hits["row"].dtype)]
        for (word,), group in hits.group_by("word"):
            second = self._seconds.get(str(word))
            stay.append((group.filter(_has(group["text"], second)) if second else group)["row"])
        return pl.repeat(False, len(messages), eager=True).scatter(pl.concat(stay), True)

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

        ordered = [sorted(way, key=cost) for way in self._ways]
        self._words = _shortest({word for way in ordered for word in way[0]})
        self._seconds = self._second_words(ordered)

    def _second_words(self, ordered: list[list[frozenset[str]]]) -> dict[str, list[str]]:
        """By each word that is rare: those of which one more must be there; empty where it is enough alone."""
        found: dict[str, set[str]] = {}
        alone: set[str] = set()
        for first, *others in ordered:
            for word in first:
                found.setdefault(word, set()).update(others[0] if others else ())
            if not others:
                alone |= first
        return {word: [] if word in alone else _shortest(more) for word, more in found.items()}


@lru_cache(maxsize=1000)
def _pattern(words: tuple[str, ...]) -> str:
    """One expression for all the words; empty where they are too many for one."""
    pattern = "(?-u)" + "|".join(re.escape(word) for word in words)
    try:
        pl.Series([""]).str.contains(pattern)
    except pl.exceptions.ComputeError:
        return ""
    return pattern


def _has(messages: pl.Series, words: list[str]) -> pl.Series:
    """Which messages have one of the words. One expression is looked for faster than a list of them."""
    pattern = _pattern(tuple(words))
    found = messages.str.contains(pattern) if pattern else messages.str.contains_any(words)
    return found.fill_null(False)


def _shortest(words: Iterable[str]) -> list[str]:
    """Without words that contain another one: the other one is looked for anyway."""
    kept: list[str] = []
    for word in sorted(words, key=lambda word: (len(word), word)):
        if not any(other in word for other in kept):
            kept.append(word)
    return kept
