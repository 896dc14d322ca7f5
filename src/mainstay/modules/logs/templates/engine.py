"""Finding templates: a line's values are masked, and lines of which most words agree fall into one cluster.

The search for the cluster follows the fixed-depth tree of Drain (He et al., 2017): by application, number of words and
first words, then by the share of equal words. Pure: no store, no clock.
"""

from __future__ import annotations

import hashlib
import re
from collections import OrderedDict
from dataclasses import dataclass, field

VALUE = "<*>"
REST = "<...>"
"""Ends a template that is longer than what is compared."""
MASK = r"[0-9A-Fa-f]*[0-9][0-9A-Za-z.:/_%+-]*"
"""What is a value wherever it stands: numbers, addresses, times, versions, hexadecimal ids."""
LONGEST = 400
MOST_WORDS = 40
ALIKE = 0.6
"""Share of words that must agree."""
MOST_CLUSTERS = 5000
MOST_KNOWN = 20_000

_MASK = re.compile(MASK)


@dataclass(slots=True)
class Cluster:
    """Lines of one kind. ``lines`` and the example are those since the last ``take``."""

    number: int
    app: str
    words: list[str]
    lines: float = 0.0
    first: int = 0
    last: int = 0
    example: str = ""
    example_id: int = 0

    @property
    def text(self) -> str:
        return " ".join(self.words)


@dataclass
class Tree:
    """The clusters of one organization; the least recently seen go when there are too many."""

    clusters: OrderedDict[int, Cluster] = field(default_factory=OrderedDict)
    groups: dict[tuple[str, ...], list[Cluster]] = field(default_factory=dict)
    known: dict[tuple[str, str], int] = field(default_factory=dict)
    """Masked lines seen before → their cluster."""
    changed: set[int] = field(default_factory=set)

    def learn(self, number: int, app: str, text: str) -> None:
        """Take over a cluster that was found before."""
        if number not in self.clusters and text:
            self._add(Cluster(number, app, text.split(" ")))

    def add(
        self, app: str, masked: str, *, lines: float, first: int, last: int, example: str, example_id: int
    ) -> Cluster:
        """Count lines with this masked text into their cluster."""
        key = (app, masked)
        number = self.known.get(key)
        cluster = self.clusters.get(number) if number is not None else None
        if cluster is None:
            cluster = self._cluster(app, words_of(masked))
            if len(self.known) >= MOST_KNOWN:
                self.known.clear()
            self.known[key] = cluster.number
        self.clusters.move_to_end(cluster.number)
        cluster.first = min(cluster.first or first, first)
        if last >= cluster.last:
            cluster.last, cluster.example, cluster.example_id = last, example, example_id
        cluster.lines += lines
        self.changed.add(cluster.number)
        return cluster

    def take(self) -> list[Cluster]:
        """Copies of the clusters with lines since the last call; their counts begin anew."""
        taken = []
        for number in self.changed:
            cluster = self.clusters.get(number)
            if cluster is not None:
                taken.append(Cluster(number, cluster.app, list(cluster.words), cluster.lines, cluster.first,
                                     cluster.last, cluster.example, cluster.example_id))  # fmt: skip
                cluster.lines, cluster.first, cluster.last = 0.0, 0, 0
        self.changed.clear()
        return taken

    def _cluster(self, app: str, words: list[str]) -> Cluster:
        best, alike = None, 0.0
        for cluster in self.groups.get(_group(app, words), ()):
            share = _alike(cluster.words, words)
            if share > alike:
                best, alike = cluster, share
        if best is not None and alike >= ALIKE:
            best.words = [mine if mine == theirs else VALUE for mine, theirs in zip(best.words, words, strict=True)]
            return best
        text = f"{app}\0{' '.join(words)}"
        # The same for every process that sees this kind of line first in this form.
        number = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
        known = self.clusters.get(number)
        return known if known is not None and len(known.words) == len(words) else self._add(Cluster(number, app, words))

    def _add(self, cluster: Cluster) -> Cluster:
        while len(self.clusters) >= MOST_CLUSTERS:
            number, oldest = next(iter(self.clusters.items()))
            if number in self.changed:
                break  # not counted yet: rather one too many
            del self.clusters[number]
            group = _group(oldest.app, oldest.words)
            self.groups[group] = [item for item in self.groups[group] if item.number != number]
            if not self.groups[group]:
                del self.groups[group]
        self.clusters[cluster.number] = cluster
        self.groups.setdefault(_group(cluster.app, cluster.words), []).append(cluster)
        return cluster


def mask(message: str) -> str:
    """The message with a mark in place of each value."""
    return _MASK.sub(VALUE, message[:LONGEST])


def words_of(masked: str) -> list[str]:
    """The words that are compared."""
    words = masked.split()
    return [*words[:MOST_WORDS], REST] if len(words) > MOST_WORDS else words or [VALUE]


def _group(app: str, words: list[str]) -> tuple[str, ...]:
    """Only lines of one group are compared. The first word keeps its place, or the cluster could not be found again."""
    return (app, str(len(words)), words[0] if VALUE not in words[0] else VALUE)


def _alike(cluster: list[str], words: list[str]) -> float:
    # The first word is what the group is by: it never becomes a value.
    if cluster[0] != words[0] and VALUE not in cluster[0]:
        return 0.0
    same = sum(mine == theirs for mine, theirs in zip(cluster, words, strict=True))
    return same / len(words)


def expression(template: str, longest: int) -> str:
    """A regular expression (RE2) for the messages of a template, at most so long."""
    words = template.split(" ")
    whole = True
    if words and words[-1] == REST:
        words, whole = words[:-1], False
    made = r"^\s*"
    for index, word in enumerate(words):
        piece = (r"\s+" if index else "") + r"\S+".join(re.escape(part) for part in word.split(VALUE))
        if len(made) + len(piece) > longest - 4:
            return made
        made += piece
    return made + (r"\s*$" if whole else "")


def phrases(template: str) -> list[str]:
    """Runs of words without values in them, the longest first: what an index can look for."""
    runs: list[list[str]] = [[]]
    for word in template.split(" "):
        if VALUE in word or word == REST:
            runs.append([])
        else:
            runs[-1].append(word)
    texts = [" ".join(run) for run in runs if run]
    return sorted((text for text in texts if re.search("[0-9A-Za-z]", text)), key=len, reverse=True)[:5]
