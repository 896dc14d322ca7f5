"""Log rules as a resource, and what a rule would have raised."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import select

from mainstay.kernel import verbs, writing
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Invalid
from mainstay.kernel.resource import Behaviour, Resource
from mainstay.modules.logs.rules import engine, service
from mainstay.modules.logs.rules.tables import MATCH, LogRule, LogRuleState
from mainstay.modules.logs.search import columns, counting
from mainstay.modules.logs.search import service as search

MOST_SHOWN = 500
LONGEST_PREVIEW = 168


class LogRules(Behaviour[LogRule]):
    async def prepare(self, ctx: Context, rows: list[dict[str, Any]], given: Sequence[Mapping[str, Any]]) -> None:
        for row in rows:
            if row.get("threshold") is None:
                row["threshold"] = 0.0
            _check(ctx, row)

    async def change(self, ctx: Context, entity: LogRule, values: dict[str, Any], given: Mapping[str, Any]) -> None:
        _check(ctx, {**service.values_of(entity), **values})

    async def decorate(self, ctx: Context, rows: list[dict[str, Any]]) -> None:
        query = select(LogRuleState).where(LogRuleState.rule.in_([row["id"] for row in rows]))
        states = {state.rule: state for state in (await ctx.session.execute(query)).scalars()}
        for row in rows:
            row.update(service.state_fields(states.get(row["id"])))


def _check(ctx: Context, values: Mapping[str, Any]) -> None:
    """Whether the parts of a rule fit together. Raises ``Invalid``."""
    search.condition_of(ctx.organization, search.node_of(values.get("query") or ""), ctx.now)
    groups = values.get("group_by") or []
    if not isinstance(groups, list) or len(groups) > 5 or not all(isinstance(item, str) and item for item in groups):
        raise Invalid.field("group_by", "group_by must be a list of at most five fields.")
    for name in groups:
        if columns.find(name).name in counting.UNCOUNTED:
            raise Invalid.field("group_by", f"Lines cannot be grouped by {name}: nearly each has its own.")
    if (place := engine.unknown_place(values.get("message") or "", groups)) is not None:
        known = ", ".join(sorted(engine.PLACES))
        raise Invalid.field(
            "message", f"Nothing is put in for {{{place[:60]}}}. There are {known}, and what you group by."
        )
    if values.get("kind") == MATCH:
        return
    if values.get("threshold") is None:
        raise Invalid.field("threshold", "Please provide threshold.")
    if values.get("measure", "count") != "count" and not values.get("field"):
        raise Invalid.field("field", "Please provide the field that is measured.")
    window, every = values.get("window") or 5, values.get("every") or 5
    if window % every:
        raise Invalid.field(
            "window", f"The window must be a multiple of {every} minutes, which is how often it is evaluated."
        )
    if window // every > engine.MOST_WINDOWS:
        raise Invalid.field(
            "every", f"A window of {window} minutes is evaluated every {-(-window // 60)} minutes or less often."
        )


log_rules = Resource(
    LogRule,
    module="Log Search",
    path="/api/logs/rules/",
    label="Log rule",
    permission_label="Log rules",
    title="name",
    area="logs",
    section="Logs",
    id_name="log_rule_id",
    behaviour=LogRules(),
    custom_fields=False,
    page="log_rule",
    extra={
        "last_run": datetime | None, "evaluated_until": datetime | None, "last_error": str, "took_ms": int | None,
        "active": list[dict[str, Any]],
    },
    sample={
        "name": "Many failed log-ins", "query": '"failed password"', "kind": "threshold", "measure": "count",
        "comparison": ">", "threshold": 20, "group_by": ["host"], "window": 5, "every": 5, "severity": 2,
        "message": "{value} failed log-ins on {host} in {window} minutes",
    },
)  # fmt: skip


class PreviewInput(msgspec.Struct, kw_only=True):
    """A rule as it would be saved, or the ``id`` of one; over how many ``hours`` back."""

    id: str = ""
    rule: dict[str, Any] = {}
    hours: int = 24


class PreviewEvent(msgspec.Struct, kw_only=True):
    at: datetime
    state: str
    """raised, or cleared."""
    group: dict[str, str]
    value: float | None
    count: int | None
    message: str


class Preview(msgspec.Struct, kw_only=True):
    """What the rule would have raised and cleared. ``raised`` counts problems, ``firing`` windows beyond the limit."""

    windows: int
    firing: int
    raised: int
    results: list[PreviewEvent]
    more: bool


@log_rules.action("POST", "preview/", write=False)
async def preview(ctx: Context, body: PreviewInput) -> Preview:
    """What a rule would have raised over the last day"""
    search.between("hours", body.hours, 1, LONGEST_PREVIEW)
    if body.id:
        entity = await verbs.entity_of(ctx, log_rules, body.id)
        values = {**service.values_of(entity), **body.rule}
    else:
        values = {"name": "This rule", **body.rule}
    ((checked,), (wrong,)) = await writing.read_many(ctx, log_rules, [values])
    if wrong:
        raise Invalid(fields=wrong)
    _check(ctx, checked)
    rule = engine.rule_of({"id": "preview", **checked})
    last = engine.boundary(rule, ctx.now)
    step = timedelta(minutes=rule.every)
    ends = [last - step * index for index in range(body.hours * 60 // rule.every or 1)][::-1]
    found = await service.evaluate(ctx.platform, ctx.organization, rule, checked.get("query") or "", ends)
    active: dict[str, Any] = {}
    outcome = engine.follow(rule, found, ends, active)
    groups = dict(outcome.began)
    shown = [
        PreviewEvent(at=hit.until, state="raised", group=hit.group, value=hit.value, count=hit.count,
                     message=engine.text(rule, hit))
        for _name, hit in outcome.began
    ]  # fmt: skip
    if checked.get("clear", True):
        shown += [
            PreviewEvent(at=at, state="cleared", group=groups[name].group, value=None, count=None, message="")
            for name, at in outcome.cleared
        ]
    shown.sort(key=lambda item: item.at, reverse=True)
    return Preview(
        windows=len(ends), firing=len({hit.until for hit in found}), raised=len(outcome.began),
        results=shown[:MOST_SHOWN], more=len(shown) > MOST_SHOWN,
    )  # fmt: skip
