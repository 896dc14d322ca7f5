"""Which rule a message is recognised by: all rules at once, in time linear in the message.

RE2 finds the words that each rule needs in one pass and tries only the rules whose words are there. Whole batches of
log lines are sieved before by such words in Rust, so that a line that no rule makes an event of costs next to nothing.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import Any

import re2

from mainstay.modules.monitoring.eventrules import catalogue
from mainstay.modules.monitoring.eventrules.sieve import Sieve

REMEMBERED = 50_000
"""Messages whose rule is remembered: in a storm the same ones come again and again."""
MAX_MESSAGE = 8192
"""Characters of a message that rules look at."""
FOREIGN = 9
"""The rank of a rule that is for another vendor alone."""
_OPTIONS = re2.Options()
_OPTIONS.log_errors = False
_OPTIONS.max_mem = 64 * 2**20


class PatternError(ValueError):
    """A pattern that cannot be used; the text says why."""


@dataclass(slots=True, kw_only=True)
class Rule:
    """One rule: a message that any of ``patterns`` is found in is an event of ``event_class``."""

    name: str
    event_class: str
    patterns: tuple[str, ...]
    vendors: tuple[str, ...] = ()
    severity: int | None = None
    only: bool = False
    """For messages of these vendors alone: plain words that mean something else elsewhere."""
    set: dict[str, str] = field(default_factory=dict)
    """Variables with a fixed value."""
    template: str = ""
    """The event's message, with ``{variable}``; empty: the message as it came."""
    key: tuple[str, ...] = ()
    """Variables that tell problems apart; empty: those of the class."""
    clear: str = ""
    """The class that this one ends, beside what its class ends."""
    disposition: str = ""
    tests: tuple[str, ...] = ()
    own: bool = False
    """The organization's own; these come before the shipped ones."""
    last: bool = False
    """Tried only where no other rule knows the message."""
    objects: dict[str, str] = field(default_factory=dict)
    """Variables, and expressions whose first group with something in it finds their value anywhere in the message."""


@dataclass(frozen=True, slots=True)
class Match:
    """A rule and what its named groups hold."""

    rule: Rule
    variables: dict[str, str]


def check(pattern: str) -> Any:
    """The compiled pattern. Raises ``PatternError`` for what is not in RE2's language."""
    try:
        return re2.compile(pattern, _OPTIONS)
    except re2.error as error:
        said = error.args[0] if error.args else ""
        text = said.decode(errors="replace") if isinstance(said, bytes) else str(said)
        hint = (
            " Look-around and back references are not available; write the message out instead." if "(?" in text else ""
        )
        raise PatternError(f"{text}.{hint}") from None


_compiled = lru_cache(check)

_OVER = (
    r"(?i)\b(?:cleared|clears|recovered|recovers|attempting to recover|restore[ds]|resume[ds]|released|ceased)\b"
    r"|\b(?:back|return\w*) to (?:the |its |a )?normal\b|\bno longer (?:exist|present|detect|exceed|in effect|needed)"
    r"|(?-i:RECOVER|RECOVERED|RECOVERY|CLEAR|CLEARED|RESUME|RESTORED?|(?:[A-Z]|[^T]_)OK)\s*[:(]"
)
"""How a message says that something is over, in its words or at the end of its name."""
_STILL = r"(?i)\bnot (?:\w+ ){0,2}(?:clear|recover|return|restor|resum)|NOT_?OK\b"


def _found(objects: dict[str, str], message: str) -> dict[str, str]:
    """What the expressions find in the message."""
    hits = {name: _compiled(pattern).search(message) for name, pattern in objects.items()}
    return {name: next(filter(None, hit.groups()), "") for name, hit in hits.items() if hit}


class _Tier:
    """Patterns that are tried together, and their places in the whole list."""

    def __init__(self) -> None:
        self._filter = re2.Filter()
        self._places: list[int] = []

    def add(self, place: int, pattern: str) -> None:
        self._places.append(place)
        self._filter.Add(pattern, _OPTIONS)

    def compile(self) -> None:
        if self._places:
            self._filter.Compile()

    def match(self, message: str) -> list[int]:
        """The places of the patterns that match."""
        found = self._filter.Match(message) if self._places else None
        return [self._places[at] for at in found or ()]


class Matcher:
    """A list of rules; the first that matches counts, the vendor's own before the general before other vendors'.

    ``forms``: vendors and patterns that only their messages match, the first first. They say the vendor of a message
    whose sender is not known.
    """

    def __init__(self, rules: Sequence[Rule], forms: Sequence[tuple[str, str]] = ()) -> None:
        self.rules = list(rules)
        self._dialects = [vendor for vendor, _pattern in forms]
        self._forms = re2.Set.SearchSet(_OPTIONS)
        for _vendor, pattern in forms:
            self._forms.Add(pattern)
        if forms:
            self._forms.Compile()
        self._of: list[tuple[int, Any]] = []
        self._tiers = [_Tier(), _Tier()]
        for number, rule in enumerate(self.rules):
            for pattern in rule.patterns:
                self._of.append((number, check(pattern)))
                self._tiers[rule.last].add(len(self._of) - 1, pattern)
        for tier in self._tiers:
            tier.compile()
        self._memory: OrderedDict[tuple[str, str], Match | None] = OrderedDict()
        self._ends: dict[int, Rule | None] = {}

    def match(self, message: str, vendor: str = "") -> Match | None:
        """The rule that recognises the message."""
        known = (message, vendor)
        if known in self._memory:
            return self._memory[known]
        found = self._match(message[:MAX_MESSAGE], vendor)
        self._memory[known] = found
        if len(self._memory) > REMEMBERED:
            self._memory.popitem(last=False)
        return found

    def _match(self, message: str, vendor: str) -> Match | None:
        # Most messages are known to the first tier or to none, and the patterns of the last are costly.
        hits = next(filter(None, (self._hits(tier, message, vendor) for tier in self._tiers)), None)
        if not hits:
            return None
        number, pattern = self._of[min(hits)[1]]
        rule = self._meant(number, message)
        found = pattern.search(message)
        variables = rule.set | _found(rule.objects, message)
        if found is not None:
            variables |= {name: value.strip() for name, value in found.groupdict().items() if value is not None}
        return Match(rule, variables)

    def candidates(self, message: str, vendor: str = "") -> list[Rule]:
        """Every rule that recognises the message, the one that counts first."""
        found = [hit for tier in self._tiers for hit in sorted(self._hits(tier, message, vendor))]
        numbers = dict.fromkeys(self._of[index][0] for _rank, index in found)
        return [self._meant(number, message) for number in numbers]

    def _meant(self, number: int, message: str) -> Rule:
        """The rule, or what ends its problem where the message says that it is over.

        A name or a subject recognises a problem and its end alike, and no list of names is complete. An own rule means
        what its author says.
        """
        rule = self.rules[number]
        if rule.own:
            return rule
        if number not in self._ends:
            ends = catalogue.find(rule.event_class).cleared_by
            name = f"{rule.name}, over"
            self._ends[number] = (
                replace(rule, name=name, event_class=ends[0], severity=None, template="") if len(ends) == 1 else None
            )
        end = self._ends[number]
        if end is not None and _compiled(_OVER).search(message) and not _compiled(_STILL).search(message):
            return end
        return rule

    def _hits(self, tier: _Tier, message: str, vendor: str) -> list[tuple[int, int]]:
        """The patterns of a tier that match, each with its rank."""
        found = tier.match(message)
        if not found:
            return []
        vendor = vendor or self.dialect(message)
        ranked = ((self._rank(index, vendor), index) for index in found)
        return [item for item in ranked if item[0] != FOREIGN]

    def dialect(self, message: str) -> str:
        """The vendor whose devices speak like this; empty where many do."""
        found = self._forms.Match(message) if self._dialects else []
        return self._dialects[min(found)] if found else ""

    def _rank(self, index: int, vendor: str) -> int:
        rule = self.rules[self._of[index][0]]
        if rule.own:
            return 0
        if not rule.vendors:
            return 2
        if vendor and _is_of(vendor, rule.vendors):
            return 1
        if rule.only:
            return FOREIGN
        return 3 if vendor else 1

    @cached_property
    def _sieve(self) -> Sieve:
        # Half a second of work for the shipped rules; where no log lines come, never (see ``service.prepare``).
        return Sieve(pattern for rule in self.rules if _raises(rule) for pattern in rule.patterns)

    @property
    def sieves(self) -> bool:
        """Whether the sieve keeps anything out."""
        return not self._sieve.open

    def sieve(self, messages: Any) -> Any:
        """Which messages of a Polars series any rule may make an event of, as a series of booleans."""
        return self._sieve(messages)


def _raises(rule: Rule) -> bool:
    """Whether events come of what the rule recognises; else a message that only it knows is as good as unknown."""
    return (rule.disposition or catalogue.find(rule.event_class).disposition) == catalogue.RAISE


def _is_of(vendor: str, wanted: Iterable[str]) -> bool:
    return any(vendor == item or (item.endswith("*") and vendor.startswith(item[:-1])) for item in wanted)
