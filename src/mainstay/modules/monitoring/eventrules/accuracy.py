"""How well the shipped rules tell what real messages mean, against messages whose class is known.

``python -m mainstay.modules.monitoring.eventrules.accuracy messages.jsonl`` prints the accuracy, how well it lasts when
the messages change, and the confusions; each line of the file is ``{"message", "vendor", "class"}``.
"""

from __future__ import annotations

import json
import random
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mainstay.modules.monitoring.eventrules import library
from mainstay.modules.monitoring.eventrules.matcher import Matcher

CHANGES = 5
"""In how many ways each message is changed for the report."""
NOISE = "Unknown | Ignore"
"""What a message is that no rule knows: it raises no event."""


@dataclass(slots=True)
class Accuracy:
    """The result of one run."""

    total: int = 0
    right: int = 0
    wrong: list[tuple[str, str, str, str]] = field(default_factory=list)
    """(vendor, class it should be, class it was taken for, message)"""

    def add(self, row: Mapping[str, str], found: str) -> None:
        self.total += 1
        if found == row["class"]:
            self.right += 1
        else:
            self.wrong.append((row["vendor"], row["class"], found, row["message"]))

    @property
    def share(self) -> float:
        return self.right / self.total if self.total else 0.0

    def confusions(self) -> Counter[tuple[str, str]]:
        """How often a class was taken for another."""
        return Counter((wanted, found) for _vendor, wanted, found, _message in self.wrong)


@dataclass(slots=True)
class Literalness:
    """How much the rules know by heart."""

    rules: int
    """Rules that count for any of the messages."""
    single: int
    """Those that count for one message only."""
    lost: list[tuple[str, str, str, str]]
    """Messages that are wrong when the rule that only they need is taken away; as in ``Accuracy.wrong``."""


def classify(matcher: Matcher, message: str, vendor: str = "") -> str:
    """The class of a message; that of noise where no rule knows it."""
    match = matcher.match(message, vendor)
    return match.rule.event_class if match is not None else NOISE


def measure(rows: Iterable[Mapping[str, str]], *, vendors: bool = True) -> Accuracy:
    """Classify every row. ``vendors``: whether the sender's vendor is known, as it is where the CMDB knows it."""
    matcher = Matcher(library.rules(), library.forms())
    result = Accuracy()
    for row in rows:
        result.add(row, classify(matcher, row["message"], row["vendor"] if vendors else ""))
    return result


def literalness(rows: Sequence[Mapping[str, str]]) -> Literalness:
    """What is left of the accuracy when every rule that a single message needs is taken away."""
    matcher = Matcher(library.rules(), library.forms())
    known = [matcher.candidates(row["message"], row["vendor"]) for row in rows]
    needed = Counter(id(found[0]) for found in known if found)
    lost = []
    for row, found in zip(rows, known, strict=True):
        if not found or needed[id(found[0])] > 1:
            continue
        rest = found[1].event_class if len(found) > 1 else NOISE
        if rest != row["class"]:
            lost.append((row["vendor"], row["class"], rest, row["message"]))
    return Literalness(len(needed), sum(1 for count in needed.values() if count == 1), lost)


_TAGS = (
    re.compile(r"%{1,2}[A-Z]\w*(?:[-/]\w+)*?[-/]\w[-/](\w[\w ]*\w)\s*[:(]"),
    re.compile(r"\b\w+/\d/([\w ]+)[:(]"),
    re.compile(r"\b([A-Z][A-Z0-9]+(?:_[A-Z0-9]+)+)\b"),
)
ALIKE = 0.7
"""The share of its words from which on a message says the same as another."""


def name_of(message: str) -> str:
    """The maker's name of the message: its mnemonic; empty where it has none."""
    return next((found[1].lower() for tag in _TAGS if (found := tag.search(message))), "")


def akin(one: str, other: str) -> bool:
    """Whether two messages have the same name or, where one has none, nearly the same words."""
    names = name_of(one), name_of(other)
    if all(names):
        return names[0] == names[1]
    words, others = (set(re.findall(r"[a-z]{3,}", text.lower())) for text in (one, other))
    return len(words & others) >= ALIKE * max(1, min(len(words), len(others)))


def withheld(rows: Iterable[Mapping[str, str]]) -> Accuracy:
    """As if nobody had ever seen the message: every rule is taken away that has a test message akin to it."""
    matcher = Matcher(library.rules(), library.forms())
    result = Accuracy()
    for row in rows:
        message = row["message"]
        found = matcher.candidates(message, row["vendor"])
        rest = next((rule for rule in found if not any(akin(test, message) for test in rule.tests)), None)
        result.add(row, rest.event_class if rest else NOISE)
    return result


def perturb(message: str, chance: random.Random) -> str:
    """The same event of another device: other ports, addresses, people, numbers, and another header."""
    text = _ADDRESS.sub(lambda _: ".".join(str(chance.randint(1, 254)) for _ in range(4)), message)
    text = _MAC.sub(lambda found: re.sub(r"[0-9a-fA-F]", lambda _: chance.choice("0123456789abcdef"), found[0]), text)
    text = _PORT.sub(lambda found: re.sub(r"\d+", lambda _: str(chance.randint(0, 48)), found[0]), text)
    text = _PERSON.sub(lambda found: found[1] + chance.choice(["operator", "j.doe", "root2", "svc-net"]), text)
    text = _SEQUENCE.sub(lambda found: str(chance.randint(10 ** (len(found[0]) - 1), 10 ** len(found[0]) - 1)), text)
    return chance.choice(["", "", "", "000123: ", "*Mar  1 00:01:02.123 UTC: ", "Nov 22 10:11:12 sw-7 ",
                          "Nov 22 2026 10:11:12 core.example.net "]) + text  # fmt: skip


_ADDRESS = re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}\b(?!\.\d)")
_MAC = re.compile(r"\b(?:[0-9a-fA-F]{4}\.){2}[0-9a-fA-F]{4}\b|\b(?:[0-9a-fA-F]{2}[:-]){5}[0-9a-fA-F]{2}\b")
_PORT = re.compile(
    r"(?<=[A-Za-z ])\d+(?:/\d+)+(?:\.\d+)?\b|(?<=[Pp]ort )\d+\b|(?<=port: )\d+\b|(?<=Vlan)\d+\b|(?<=VID )\d+\b"
)
_PERSON = re.compile(
    r"((?:[Uu]ser(?:name:)? |Username: )'?)(?!name|attempting|authen|priv|list|CLI|session|exec)[a-z][\w-]*(?=[ ',)])"
)
_SEQUENCE = re.compile(r"(?<=\[)\d{3,}(?=\])|(?<=ifIndex )\d+")


def perturbed(rows: Iterable[Mapping[str, str]], times: int = CHANGES, seed: int = 1) -> Iterator[dict[str, str]]:
    """Every message, changed in several ways."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    for row in rows:
        for _ in range(times):
            yield {**row, "message": perturb(row["message"], chance)}


def read(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]


def report(rows: list[dict[str, str]]) -> str:
    """Figures and confusions, for people."""
    known, unknown = measure(rows), measure(rows, vendors=False)
    changed = list(perturbed(rows))
    moved, blind = measure(changed), measure(changed, vendors=False)
    heart, unseen = literalness(rows), withheld(rows)
    lines = [f"{known.total} messages",
             f"vendor known:   {known.right} right, {known.share:.1%}",
             f"vendor unknown: {unknown.right} right, {unknown.share:.1%}",
             f"changed messages, vendor known:   {moved.right} of {moved.total} right, {moved.share:.1%}",
             f"changed messages, vendor unknown: {blind.right} of {blind.total} right, {blind.share:.1%}",
             f"rules that count: {heart.rules}, for one message only: {heart.single}; "
             f"without these {1 - len(heart.lost) / max(1, known.total):.1%} right",
             f"without every rule tested with the like: {unseen.right} right, {unseen.share:.1%}", ""]  # fmt: skip
    for (wanted, found), count in known.confusions().most_common():
        lines.append(f"{count:4}  {wanted}  taken for  {found}")
    return "\n".join(lines)


if __name__ == "__main__":
    print(report(read(Path(sys.argv[1]))))
