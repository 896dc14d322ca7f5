"""Event rules in the API, below the Events module: own rules, the shipped library and the catalogue of classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import msgspec
from sqlalchemy import select

from mainstay.kernel import writing
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Invalid
from mainstay.kernel.operation import Page
from mainstay.kernel.query import ListQuery
from mainstay.kernel.resource import Behaviour, Resource
from mainstay.kernel.trail import envelope
from mainstay.modules.monitoring.eventrules import catalogue, library, service, severity
from mainstay.modules.monitoring.eventrules.matcher import Matcher, PatternError, Rule, check
from mainstay.modules.monitoring.eventrules.tables import EventRule

FIELDS = ("name", "position", "enabled", "pattern", "event_class", "severity", "disposition", "template", "key",
          "clears", "vendors", "samples")  # fmt: skip
FORMAT = "mainstay-event-rules"


class Rules(Behaviour[EventRule]):
    async def prepare(self, ctx: Context, rows: list[dict[str, Any]], given: Sequence[Mapping[str, Any]]) -> None:
        for row in rows:
            _check({**dict.fromkeys(FIELDS), **row})

    async def change(self, ctx: Context, entity: EventRule, values: dict[str, Any], given: Mapping[str, Any]) -> None:
        _check({**{name: getattr(entity, name) for name in FIELDS}, **values})


def _check(row: Mapping[str, Any]) -> None:
    rule = service.rule_of(SimpleNamespace(**row))
    groups = set(check(rule.patterns[0]).groupindex)
    missing = [name for name in rule.key if name not in groups]
    if missing:
        raise Invalid.field("key", f"The pattern has no group named {missing[0]!r}: write (?P<{missing[0]}>...).")
    service.try_samples(rule, row.get("samples") or [])


event_rules = Resource(
    EventRule,
    module="Events",
    path="/ux/common/events/rules/",
    label="Event rule",
    title="name",
    area="monitoring",
    section="Monitoring",
    sort="position",
    reverse=False,
    behaviour=Rules(),
    sample={
        "name": "Backup failed", "pattern": r"backup of (?P<share>\S+) failed", "event_class": "Backup | Failed",
        "severity": "Major", "key": ["share"], "samples": ["backup of /srv/files failed: no space"],
    },
)  # fmt: skip


class Trial(msgspec.Struct, kw_only=True):
    """Messages, and the pattern to try on them; without a pattern the rules in force are tried."""

    messages: list[str]
    pattern: str = ""
    vendor: str = ""


class TrialResult(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What one message was recognised as."""

    message: str
    matched: bool
    rule: str = ""
    event_class: str = ""
    own: bool = False
    variables: dict[str, str] = {}


class TrialAnswer(msgspec.Struct, kw_only=True):
    results: list[TrialResult]


@event_rules.action("POST", "test/", write=False)
async def test(ctx: Context, body: Trial) -> TrialAnswer:
    """Try a pattern, or the rules in force, on messages

    Nothing is stored and no event is raised."""
    if len(body.messages) > 1000:
        raise Invalid.field("messages", "At most 1000 messages can be tried at once.")
    if body.pattern:
        try:
            matcher: Any = Matcher([Rule(name="", event_class="", patterns=(body.pattern,), own=True)])
        except PatternError as error:
            raise Invalid.field("pattern", f"The pattern cannot be used: {error}") from None
    else:
        matcher = await service.rulebook(ctx)
    results = [TrialResult(message=item, **service.shown(matcher.match(item, body.vendor))) for item in body.messages]
    return TrialAnswer(results=results)


class ClassQuery(ListQuery, kw_only=True):
    """Which entries: ``search`` looks in every text."""


class ClassShown(msgspec.Struct, kw_only=True):
    """One class of the catalogue."""

    name: str
    severity: int
    severity_name: str
    disposition: str
    clears: list[str]
    cleared_by: list[str]
    key: list[str]
    type: str
    cause: str
    meaning: str
    action: str


@event_rules.action("GET", "classes/")
async def classes(ctx: Context, query: ClassQuery) -> Page:
    """The catalogue of event classes"""
    every = [
        ClassShown(
            name=kind.name, severity=kind.severity, severity_name=severity.NAMES[kind.severity],
            disposition=kind.disposition, clears=list(kind.clears), cleared_by=list(kind.cleared_by),
            key=list(kind.key), type=kind.type, cause=kind.cause, meaning=kind.meaning, action=kind.action,
        )
        for kind in sorted(catalogue.classes().values(), key=lambda item: item.name)
    ]  # fmt: skip
    return _page(query, [item for item in every if _holds(query, item.name, item.meaning, item.action)])


class RuleShown(msgspec.Struct, kw_only=True):
    """One shipped rule."""

    name: str
    event_class: str
    severity: int
    severity_name: str
    vendors: list[str]
    patterns: list[str]
    samples: list[str]


@event_rules.action("GET", "library/")
async def shipped(ctx: Context, query: ClassQuery) -> Page:
    """The shipped rules"""
    every = [
        RuleShown(
            name=rule.name, event_class=rule.event_class, severity=kind.severity,
            severity_name=severity.NAMES[kind.severity], vendors=list(rule.vendors), patterns=list(rule.patterns),
            samples=list(rule.tests),
        )
        for rule in library.rules() for kind in (catalogue.find(rule.event_class),)
        if _holds(query, rule.name, rule.event_class, *rule.vendors, *rule.patterns, *rule.tests)
    ]  # fmt: skip
    return _page(query, every)


def _holds(query: ListQuery, *texts: str) -> bool:
    whole = " ".join(texts).lower()
    return all(word in whole for word in query.search.lower().split())


def _page(query: ListQuery, every: list[Any]) -> Page:
    if not 1 <= query.items_per_page <= 1000 or not 1 <= query.page <= 10**9:
        raise Invalid.field("items_per_page", "items_per_page must be between 1 and 1000, and page 1 or more.")
    start = (query.page - 1) * query.items_per_page
    return envelope(query, len(every), every[start : start + query.items_per_page])


class RuleFile(msgspec.Struct, kw_only=True):
    """Own rules as a document that another installation takes."""

    format: str = FORMAT
    rules: list[dict[str, Any]]


class Imported(msgspec.Struct, kw_only=True):
    status: str = "success"
    created: int
    updated: int


@event_rules.action("GET", "export-json/", privilege="export")
async def export(ctx: Context) -> RuleFile:
    """Your own rules as a JSON document"""
    query = select(EventRule).order_by(EventRule.position, EventRule.id)
    found = (await ctx.session.execute(query)).scalars()
    return RuleFile(rules=[{name: getattr(row, name) for name in FIELDS} for row in found])


@event_rules.action("POST", "import-json/", privilege="add")
async def take(ctx: Context, body: RuleFile) -> Imported:
    """Take rules from a JSON document, all or none

    A rule with the name of one that is there replaces it, which needs the privilege to edit."""
    if body.format != FORMAT:
        raise Invalid.field("format", f"The document must say that its format is {FORMAT!r}.")
    if len(body.rules) > service.MAX_RULES:
        raise Invalid.field("rules", f"At most {service.MAX_RULES} rules can be imported.")
    known = {row.name.lower(): row for row in (await ctx.session.execute(select(EventRule))).scalars()}
    names = [str(item.get("name", "")).strip().lower() for item in body.rules]
    if len(set(names)) != len(names):
        raise Invalid.field("rules", "Two rules of the document have the same name.")
    fresh = [item for item, name in zip(body.rules, names, strict=True) if name not in known]
    if len(fresh) < len(names):
        ctx.principal.require("event_rule", "edit")
    await writing.create_many(ctx, event_rules, fresh)
    for item, name in zip(body.rules, names, strict=True):
        if name in known:
            await writing.update(ctx, event_rules, known[name], item, partial=True)
    return Imported(created=len(fresh), updated=len(names) - len(fresh))
