"""Evaluating log rules: what is due is measured, told to the event engine, and written down."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import delete, select

from mainstay.kernel.database import ANY_ORGANIZATION
from mainstay.kernel.errors import ApiError
from mainstay.kernel.platform import Platform
from mainstay.kernel.signals import RAW_EVENTS, RawEvent
from mainstay.modules.logs.rules import engine
from mainstay.modules.logs.rules.tables import LogRule, LogRuleState
from mainstay.modules.logs.search import service as search

log = structlog.get_logger("mainstay.logs.rules")
AT_ONCE = 3
SECONDS = 20


async def run_due(platform: Platform, now: datetime) -> int:
    """Evaluate every window that has ended by ``now``, in all organizations; returns how many rules were looked at.

    A window is evaluated until it is written down: after a crash in between its events come once more, which the event
    engine counts on the same problem.
    """
    lock: asyncio.Lock = platform.memory.setdefault("log_rules", asyncio.Lock())
    async with lock:
        async with platform.work(ANY_ORGANIZATION, write=False) as ctx:
            rules = list((await ctx.session.execute(select(LogRule).where(LogRule.enabled.is_(True)))).scalars())
            states = {row.rule: row for row in (await ctx.session.execute(select(LogRuleState))).scalars()}
        await _end(platform, [state for name, state in states.items() if name not in {rule.id for rule in rules}], now)
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(row: LogRule) -> bool:
            async with gate:
                return await _run(platform, row, states.get(row.id), now)

        return sum(await asyncio.gather(*(one(row) for row in rules)))


def values_of(row: LogRule) -> dict[str, Any]:
    return {column.key: getattr(row, column.key) for column in LogRule.__table__.columns}


async def _run(platform: Platform, row: LogRule, state: LogRuleState | None, now: datetime) -> bool:
    rule = engine.rule_of(values_of(row))
    ends = engine.due(rule, state.evaluated_until if state else None, now)
    if not ends:
        return False
    started = time.perf_counter()
    active: dict[str, Any] = dict(state.active) if state else {}
    until, failed = ends[-1], ""
    try:
        found = await evaluate(platform, row.organization, rule, row.query, ends)
        outcome = engine.follow(rule, found, ends, active)
        await RAW_EVENTS.publish(platform, events(row, rule, outcome, now))
    except Exception as error:
        # The windows stay due. A rule that costs too much says so on its page.
        until = state.evaluated_until if state else ends[0] - timedelta(minutes=rule.every)
        active = dict(state.active) if state else {}
        failed = "The rule could not be evaluated; the server's log says why."
        if isinstance(error, ApiError):
            failed = error.error
        else:
            log.exception("log rule failed", rule=row.id, organization=row.organization)
    took = round((time.perf_counter() - started) * 1000)
    async with platform.work(row.organization) as ctx:
        if await ctx.session.get(LogRule, row.id) is None:
            return True  # deleted meanwhile
        await ctx.session.merge(
            LogRuleState(rule=row.id, organization=row.organization, evaluated_until=until, ran_at=now, took_ms=took,
                         active=active, error=failed)
        )  # fmt: skip
    return True


async def evaluate(
    platform: Platform, organization: str, rule: engine.Rule, query: str, ends: list[datetime]
) -> list[engine.Hit]:
    """The groups beyond the threshold in the windows that end then. Raises ``ApiError``."""
    chosen = search.condition_of(organization, search.node_of(query), ends[-1])
    sql, parameters = engine.measure(rule, chosen, ends[0], ends[-1])
    rows = await search.rows(platform, sql, parameters, seconds=SECONDS)
    return engine.hits(rule, rows, ends)


def events(row: LogRule, rule: engine.Rule, outcome: engine.Outcome, now: datetime) -> list[RawEvent]:
    """What the event engine is told."""
    made = [
        RawEvent(
            organization=row.organization, source="log_rule", at=min(hit.until, now), message=engine.text(rule, hit),
            address=hit.source, host=hit.host or hit.group.get("host", ""), ci=hit.ci,
            resource=", ".join(f"{name}={value}" for name, value in hit.group.items() if name != "host"),
            severity=row.severity, event_class=row.event_class, key=name,
            reference=str(hit.line) if hit.line else "", variables=_variables(rule, hit), extra={"rule": row.id},
        )
        for name, hit in outcome.raised
    ]  # fmt: skip
    if row.clear:
        made += [_clear(row.organization, row.event_class, name, until, row.name) for name, until in outcome.cleared]
    return sorted(made, key=lambda event: event.at)


def _variables(rule: engine.Rule, hit: engine.Hit) -> dict[str, str]:
    return {
        **hit.group, "rule": rule.name, "value": f"{hit.value:g}", "count": str(hit.count),
        "threshold": f"{rule.threshold:g}", "window_minutes": str(rule.window), "line": hit.message[:1000],
    }  # fmt: skip


def _clear(organization: str, event_class: str, name: str, at: datetime, rule: str) -> RawEvent:
    return RawEvent(organization=organization, source="log_rule", at=at, message=f"{rule}: over", key=name,
                    event_class=event_class, clear=True)  # fmt: skip


async def _end(platform: Platform, states: list[LogRuleState], now: datetime) -> None:
    """Clear what rules have raised that are gone or switched off."""
    for state in states:
        made = [_clear(state.organization, "", name, now, "Log rule") for name in state.active]
        await RAW_EVENTS.publish(platform, made)
        async with platform.work(state.organization) as ctx:
            await ctx.session.execute(
                delete(LogRuleState).where(
                    LogRuleState.organization == state.organization, LogRuleState.rule == state.rule
                )
            )


def state_fields(state: Any) -> Mapping[str, Any]:
    """What a rule's record says of its last evaluation."""
    return {
        "last_run": state.ran_at if state else None, "evaluated_until": state.evaluated_until if state else None,
        "last_error": state.error if state else "", "took_ms": state.took_ms if state else None,
        "active": [{"key": name, **item} for name, item in state.active.items()] if state else [],
    }  # fmt: skip
