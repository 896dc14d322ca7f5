"""How well the shipped rules tell what real messages mean, against messages whose class is known.

``python -m mainstay.modules.monitoring.eventrules.accuracy messages.jsonl`` prints the accuracy and the confusions;
each line of the file is ``{"message", "vendor", "class"}``.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mainstay.modules.monitoring.eventrules import library
from mainstay.modules.monitoring.eventrules.matcher import Matcher

NOISE = "Unknown | Ignore"
"""What a message is that no rule knows: it raises no event."""


@dataclass(slots=True)
class Accuracy:
    """The result of one run."""

    total: int = 0
    right: int = 0
    wrong: list[tuple[str, str, str, str]] = field(default_factory=list)
    """(vendor, class it should be, class it was taken for, message)"""

    @property
    def share(self) -> float:
        return self.right / self.total if self.total else 0.0

    def confusions(self) -> Counter[tuple[str, str]]:
        """How often a class was taken for another."""
        return Counter((wanted, found) for _vendor, wanted, found, _message in self.wrong)


def classify(matcher: Matcher, message: str, vendor: str = "") -> str:
    """The class of a message; that of noise where no rule knows it."""
    match = matcher.match(message, vendor)
    return match.rule.event_class if match is not None else NOISE


def measure(rows: Iterable[Mapping[str, str]], *, vendors: bool = True) -> Accuracy:
    """Classify every row. ``vendors``: whether the sender's vendor is known, as it is where the CMDB knows it."""
    matcher = Matcher(library.rules(), library.forms())
    result = Accuracy()
    for row in rows:
        found = classify(matcher, row["message"], row["vendor"] if vendors else "")
        result.total += 1
        if found == row["class"]:
            result.right += 1
        else:
            result.wrong.append((row["vendor"], row["class"], found, row["message"]))
    return result


def read(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]


def report(rows: list[dict[str, str]]) -> str:
    """Figures and confusions, for people."""
    known, unknown = measure(rows), measure(rows, vendors=False)
    lines = [f"{known.total} messages",
             f"vendor known:   {known.right} right, {known.share:.1%}",
             f"vendor unknown: {unknown.right} right, {unknown.share:.1%}", ""]  # fmt: skip
    for (wanted, found), count in known.confusions().most_common():
        lines.append(f"{count:4}  {wanted}  taken for  {found}")
    return "\n".join(lines)


if __name__ == "__main__":
    print(report(read(Path(sys.argv[1]))))
