"""The Log Grok Pattern Configuration module of the API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import select

from mainstay.kernel.context import Context
from mainstay.kernel.errors import Invalid
from mainstay.kernel.resource import Behaviour, Resource
from mainstay.modules.logs.grok import service
from mainstay.modules.logs.grok.engine import Explained, Refused
from mainstay.modules.logs.grok.library import Library, known
from mainstay.modules.logs.grok.tables import GrokPattern

MAX_TRIED = 200


class GrokPatterns(Behaviour[GrokPattern]):
    def normalise(self, data: dict[str, Any]) -> dict[str, Any]:
        out = dict(data)
        for key in ("samples", "sample_lines", "test_data", "sample"):
            if key in out:
                out["samples"] = service.sample_lines(out.pop(key))
        return out

    async def prepare(self, ctx: Context, rows: list[dict[str, Any]], given: Sequence[Mapping[str, Any]]) -> None:
        patterns = await service.own(ctx) | {row["name"]: row["pattern"] for row in rows}
        await service.check(ctx, patterns, [(row["name"], row["pattern"], row.get("samples") or []) for row in rows])

    async def change(self, ctx: Context, entity: GrokPattern, values: dict[str, Any], given: Mapping[str, Any]) -> None:
        name, text = values.get("name", entity.name), values.get("pattern", entity.pattern)
        patterns = await service.own(ctx)
        patterns.pop(entity.name, None)
        patterns[name] = text
        await service.check(ctx, patterns, [(name, text, values.get("samples", entity.samples) or [])])
        if (name, text) != (entity.name, entity.pattern):
            await service.check_users(ctx, patterns, [entity.name])

    async def removing(self, ctx: Context, entities: Sequence[GrokPattern]) -> None:
        gone = {entity.name for entity in entities}
        left = {name: text for name, text in (await service.own(ctx)).items() if name not in gone}
        await service.check_users(ctx, left, sorted(gone))


grok_patterns = Resource(
    GrokPattern,
    module="Log Grok Pattern Configuration",
    path="/ux/log_grok_pattern/log_grok_pattern_configuration/",
    label="Grok pattern",
    title="name",
    area="logs",
    section="Logs",
    id_name="grok_pattern_id",
    extra={"samples": list[str]},
    sort="name",
    reverse=False,
    behaviour=GrokPatterns(),
    natural_key="name",
    sample={
        "name": "ORDER_ID",
        "pattern": "ORD-[0-9]{6}",
        "description": "Order number of the shop",
        "samples": ["order ORD-004217 paid"],
    },
)


class PatternQuery(msgspec.Struct, kw_only=True):
    """Which patterns: a part of the name or definition, a category (``own``: the organization's)."""

    search: str = ""
    category: str = ""


class NamedPattern(msgspec.Struct, kw_only=True):
    """A pattern that expressions can refer to. ``id`` is empty for the well-known ones."""

    name: str
    pattern: str
    category: str
    description: str
    own: bool
    id: str


class NamedPatterns(msgspec.Struct, kw_only=True):
    """Every pattern name and its definition."""

    count: int
    categories: list[str]
    results: list[NamedPattern]


class Trial(msgspec.Struct, kw_only=True):
    """An expression and the lines it is tried on. ``patterns``: further names, not saved, for this trial."""

    pattern: str
    lines: list[str] = []
    line: str | None = None
    patterns: dict[str, str] = {}


class TrialResult(msgspec.Struct, kw_only=True):
    """What the expression does with one line; where it does not match, how far it does and why no further."""

    line: str
    matched: bool
    start: int
    length: int
    text: str
    fields: dict[str, str | int | float]
    wrong_type: bool
    reason: str
    matched_expression: str
    matched_text: str
    failed_at: str
    rest: str


class TrialAnswer(msgspec.Struct, kw_only=True):
    """Whether the expression can be used; if not, why, where, and what to write instead."""

    valid: bool
    reason: str = ""
    position: dict[str, int] | None = None
    rewrite: str | None = None
    regex: str = ""
    """What the engine runs."""
    size: int = 0
    """States of the automaton, roughly."""
    fields: list[str] = []
    matched: int = 0
    results: list[TrialResult] = []


@grok_patterns.action("GET", "get_grok_pattern_list/")
async def pattern_list(ctx: Context, query: PatternQuery) -> NamedPatterns:
    """Every pattern that expressions can refer to, the well-known and the organization's own"""
    return await all_patterns(ctx, query)


@grok_patterns.action("POST", "test/", write=False)
async def test(ctx: Context, body: Trial) -> TrialAnswer:
    """Try an expression on lines: the fields found, the matched length, or why it does not match"""
    return await trial(ctx, body)


async def all_patterns(ctx: Context, query: PatternQuery) -> NamedPatterns:
    """The well-known patterns and the organization's own, by name."""
    columns = (GrokPattern.id, GrokPattern.name, GrokPattern.pattern, GrokPattern.description)
    mine = (await ctx.session.execute(select(*columns).order_by(GrokPattern.name))).all()
    every = [
        NamedPattern(name=row.name, pattern=row.pattern, category="own", description=row.description, own=True,
                     id=row.id)
        for row in mine
    ] + [
        NamedPattern(name=item.name, pattern=item.pattern, category=item.category, description="", own=False, id="")
        for item in known().values()
    ]  # fmt: skip
    word, category = query.search.lower(), query.category.lower()
    categories = sorted({item.category for item in known().values()} | {"own"})
    if category and category not in categories:
        raise Invalid.field("category", f"Categories are {', '.join(categories)}.")
    found = [
        item
        for item in every
        if (not category or item.category == category)
        and (not word or word in item.name.lower() or word in item.pattern.lower())
    ]
    return NamedPatterns(count=len(found), categories=categories, results=found)


async def trial(ctx: Context, wanted: Trial) -> TrialAnswer:
    """Compile and try; a refused expression is an answer here, not an error."""
    lines = wanted.lines if wanted.line is None else [wanted.line, *wanted.lines]
    if len(lines) > MAX_TRIED:
        raise Invalid.field("lines", f"At most {MAX_TRIED} lines are tried at once.")
    for name in wanted.patterns:
        if name in known():
            raise Invalid.field("patterns", f"{name[:60]} is a well-known pattern. Choose another name.")
    if not wanted.pattern:
        raise Invalid.field("pattern", "Please provide pattern.")
    patterns = Library(await service.own(ctx) | wanted.patterns)
    try:
        grok = await service.compile_off(wanted.pattern, patterns)
    except Refused as refused:
        return TrialAnswer(
            valid=False, reason=refused.reason, position={"start": refused.start, "end": refused.end},
            rewrite=refused.rewritten,
        )  # fmt: skip
    results = await service.try_lines(grok, lines)
    return TrialAnswer(
        valid=True, regex=grok.regex, size=grok.root.size, fields=list(grok.groups),
        matched=sum(result.matched for result in results),
        results=[_result(line, result) for line, result in zip(lines, results, strict=True)],
    )  # fmt: skip


def _result(line: str, result: Explained) -> TrialResult:
    return TrialResult(line=line, **{name: getattr(result, name) for name in result.__slots__})
