"""The organization's own rules, ready to match."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl
from sqlalchemy import select

from mainstay.kernel.context import Context
from mainstay.kernel.errors import Invalid
from mainstay.modules.monitoring.eventrules import library
from mainstay.modules.monitoring.eventrules.matcher import Match, Matcher, Rule
from mainstay.modules.monitoring.eventrules.tables import EventRule
from mainstay.settings import Settings

MAX_RULES = 2000
_shared: list[Matcher] = []


def shipped() -> Matcher:
    """The shipped rules, compiled once for every organization."""
    if not _shared:
        _shared.append(Matcher(library.rules(), library.forms()))
    return _shared[0]


def prepare(settings: Settings) -> None:
    """Make the shipped rules ready before anything comes in: more than half a second, and as much again for the words
    that log lines are sieved by, where they come. A flood in that second would be more than the kernel can hold."""
    if settings.syslog_port or settings.syslog_tls_port:
        shipped().sieve(pl.Series(["", ""]))
    elif settings.trap_port:
        shipped()


class Rulebook:
    """What one organization's messages are recognised by: its own rules, then the shipped ones."""

    def __init__(self, own: Sequence[Rule]) -> None:
        self.own = Matcher(own) if own else None

    def match(self, message: str, vendor: str = "") -> Match | None:
        """The rule that recognises the message."""
        found = self.own.match(message, vendor) if self.own is not None else None
        return found if found is not None else shipped().match(message, vendor)

    def sieve(self, messages: Any) -> Any:
        """Which messages of a Polars series any rule may match."""
        kept = shipped().sieve(messages)
        return kept if self.own is None else kept | self.own.sieve(messages)


def rule_of(row: Any) -> Rule:
    """A stored rule as the matcher takes it."""
    return Rule(
        name=row.name, event_class=row.event_class, patterns=(row.pattern,), vendors=tuple(row.vendors or ()),
        only=bool(row.vendors), severity=row.severity, template=row.template or "", key=tuple(row.key or ()),
        clear=row.clears or "", disposition=row.disposition or "", own=True,
    )  # fmt: skip


async def rulebook(ctx: Context) -> Rulebook:
    """The rules in force."""
    query = select(EventRule).where(EventRule.enabled.is_(True)).order_by(EventRule.position, EventRule.id)
    return Rulebook([rule_of(row) for row in (await ctx.session.execute(query.limit(MAX_RULES))).scalars()])


def try_samples(rule: Rule, samples: Sequence[Any]) -> None:
    """Raise ``Invalid`` for a sample that the rule does not recognise."""
    if not all(isinstance(item, str) for item in samples):
        raise Invalid.field("samples", "Samples must be a list of messages.")
    if len(samples) > 100:
        raise Invalid.field("samples", "At most 100 samples can be given.")
    matcher = Matcher([rule])
    for item in samples:
        if matcher.match(item, rule.vendors[0] if rule.vendors else "") is None:
            raise Invalid.field("samples", f"The pattern does not recognise this sample: {item[:200]!r}.")


def shown(found: Match | None) -> Mapping[str, Any]:
    """What a match means, for people."""
    if found is None:
        return {"matched": False}
    return {"matched": True, "rule": found.rule.name, "event_class": found.rule.event_class, "own": found.rule.own,
            "variables": found.variables}  # fmt: skip
