"""What traps come to: judged once for all that differ in nothing which anybody looks at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from mainstay.modules.monitoring.traps.doors import Door
from mainstay.modules.monitoring.traps.naming import TELLING, Namer, Variable, resource_of
from mainstay.modules.monitoring.traps.rules import SUMMED, Rule, Trap, Verdict, judge


@dataclass(slots=True)
class Setup:
    """What one organization knows and wants."""

    namer: Namer
    rules: Mapping[str, list[Rule]] = field(default_factory=dict)
    """By the OID of the trap."""
    unconfigured: bool = True
    """Whether traps without a configuration are events, too."""


class Said(msgspec.Struct, gc=False):
    """A trap of any version, its variables named."""

    oid: bytes
    uptime: int
    agent: str
    items: list[Variable]
    version: str
    inform: bool


class Case(msgspec.Struct, eq=False, kw_only=True):
    """What some traps have in common: all but their ids and times, and values that decide nothing."""

    organization: str
    credential: str
    version: str
    inform: bool
    source: str
    agent: str
    oid: str
    name: str
    description: str
    resource: str
    text: str
    """Empty where nobody said how to put it: then the trap's own variables do."""
    severity: int
    configuration: str
    names: list[str]
    """Of the variables, each another one."""
    labels: list[str]
    """The same as the objects are called."""
    texts: list[str]
    """Their values."""
    verdicts: list[tuple[tuple[str, ...], Verdict]]
    """What raises or ends an event, and which problem that is."""
    plain: bool
    """Whether it is an event although nobody configured it."""


def judged(door: Door, setup: Setup, said: Said, source: str, received: int) -> Case:
    """What a trap comes to by its organization's configurations."""
    trap = seen(setup.namer, said, source, received)
    rules = setup.rules.get(trap.oid)
    text, severity, configuration, resource = "", 0, "", trap.resource
    verdicts: list[tuple[tuple[str, ...], Verdict]] = []
    for rule in rules or ():
        verdict = judge(rule, trap)
        if verdict is None:
            continue
        # The rule that raises says what the trap is; those that clear only add their events.
        if not text or not verdict.clear:
            text, configuration = verdict.message, rule.id
            severity = 0 if verdict.clear else rule.severity
            resource = verdict.resource
        if rule.raises:
            verdicts.append(((door.organization, rule.id, trap.agent, verdict.resource), verdict))
    return Case(
        organization=door.organization, credential=door.name, version=said.version, inform=said.inform, source=source,
        agent=trap.agent, oid=trap.oid, name=trap.name, description=trap.description, resource=resource, text=text,
        severity=severity, configuration=configuration, names=list(trap.variables),
        labels=[item.name for item in trap.items], texts=[item.text for item in trap.items], verdicts=verdicts,
        plain=rules is None and setup.unconfigured,
    )  # fmt: skip


def seen(namer: Namer, said: Said, source: str, received: int) -> Trap:
    """A trap as rules look at it."""
    name, oid, description = namer.trap(said.oid)
    items = said.items
    return Trap(oid, name, source, said.agent, received, said.uptime, _by_name(items), items, resource_of(items),
                description)  # fmt: skip


def deciding(setup: Setup, trap: Trap) -> list[int] | None:
    """Where the variables are that decide what ``judged`` says of traps with the variables of this one, whatever these
    hold; None where it says when the trap came."""
    found = {at for at, item in enumerate(trap.items) if item.name in TELLING}
    for rule in setup.rules.get(trap.oid, ()):
        looked_at = _deciding(rule, trap)
        if looked_at is None:
            return None
        found |= looked_at
    return sorted(found)


def _deciding(rule: Rule, trap: Trap) -> set[int] | None:
    found = {trap.position(key) for key in rule.keys}
    names = list(trap.variables)
    for words in (rule.message, rule.clear_message, rule.resource, rule.cause, rule.clear_cause):
        for macro, word in words:
            if not macro:
                continue
            if word in trap.variables:
                found.add(names.index(word))
            elif word == "*":
                return set(range(len(names)))
            elif word in ("time", "uptime"):
                return None
            else:
                # Words for what is the same in all these traps are no names of variables.
                found.add(trap.position(word))
    clears = rule.ends or (rule.alarm and rule.reset is not None)
    if not (rule.message or rule.ends) or (clears and not rule.clear_message):
        found.update(range(min(SUMMED, len(names))))
    return {at for at in found if at is not None}


def line(case: Case, texts: Sequence[str]) -> str:
    """A trap in one line, where nobody said how to put it."""
    if not texts:
        return case.name
    shown = ", ".join([f"{name}={text}" for name, text in zip(case.labels[:SUMMED], texts, strict=False)])
    return f"{case.name}: {shown}"[:2000]


def _by_name(items: list[Variable]) -> dict[str, str]:
    """Values by name; where a name comes twice, with the instance."""
    found = {item.name: item.text for item in items}
    if len(found) == len(items):
        return found
    found = {}
    for item in items:
        name = item.name
        if name in found:
            name = f"{name}.{item.instance}" if item.instance else name
            at = 2
            while name in found:
                name = f"{item.name}#{at}"
                at += 1
        found[name] = item.text
    return found
