"""Where an event stands: in a maintenance window, below a device that is down, or for itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import bindparam, false, select, update

from mainstay.kernel import changes
from mainstay.kernel.context import Context
from mainstay.kernel.store import CHUNK
from mainstay.modules.monitoring.eventrules import catalogue
from mainstay.modules.monitoring.events.engine import Occurrence, State, effective
from mainstay.modules.monitoring.events.tables import Event
from mainstay.modules.monitoring.maintenance.engine import Window

Parents = Callable[[Context, Collection[str]], Awaitable[Mapping[str, Collection[str]]]]
_provider: list[Parents] = []


def parents_from(function: Parents | None) -> Parents | None:
    """Tell who knows what a configuration item depends on: ``async def f(ctx, ids) -> {id: ids it hangs on}``.

    The relations of the CMDB are not this area's; whoever keeps them says so once. Answers the one before.
    """
    before = _provider[0] if _provider else None
    _provider[:] = [function] if function is not None else []
    return before


@cache
def outages() -> tuple[str, ...]:
    """The classes that say that a device cannot be reached."""
    return tuple(name for name, kind in catalogue.classes().items() if kind.outage)


def window_of(windows: Sequence[Window], item: Any) -> str | None:
    """The first of the windows in effect that an occurrence or a row is within."""
    for window in windows:
        if window.about(ci=item.ci or "", host=item.host, address=item.address, event_class=item.event_class,
                        rule=item.rule):  # fmt: skip
            return window.id
    return None


async def place(ctx: Context, batch: Sequence[Occurrence], windows: Sequence[Window]) -> None:
    """Note on each occurrence the window it is in and the event of the parent that is down."""
    active = [window for window in windows if window.active(ctx.now)]
    if active:
        for item in batch:
            item.maintenance = None if item.clear else window_of(active, item)
    cis = {item.ci for item in batch if item.ci and not item.clear}
    if not cis or not _provider:
        return
    above = await _provider[0](ctx, cis)
    down = await _down(ctx, {parent for every in above.values() for parent in every})
    for item in batch:
        for parent in above.get(item.ci, ()) if item.ci and not item.clear else ():
            if parent in down and parent != item.ci:
                item.parent = down[parent]
                break


async def _down(ctx: Context, cis: Collection[str]) -> dict[str, str]:
    """Configuration items that are down → the event that says so."""
    found: dict[str, str] = {}
    every = sorted(cis)
    for start in range(0, len(every), CHUNK):
        query = select(Event.ci, Event.id).where(
            Event.cleared == false(), Event.ci.in_(every[start : start + CHUNK]), Event.event_class.in_(outages())
        )
        for ci, event in (await ctx.session.execute(query)).all():
            found.setdefault(str(ci), event)
    return found


async def follow(ctx: Context, touched: Sequence[State]) -> None:
    """What a device that went down, or came back, means for the events of what hangs on it."""
    ended = [state.id for state in touched if state.cleared]
    await restore(ctx, ended)
    raised = {
        state.latest.ci: state.id
        for state in touched
        if state.latest is not None
        and not state.cleared
        and state.latest.ci
        and state.latest.event_class in outages()
        and {"create", "reopen"} & set(state.actions)
    }
    if not raised or not _provider:
        return
    query = select(Event.ci).where(Event.cleared == false(), Event.ci.is_not(None), Event.parent.is_(None)).distinct()
    cis = [str(ci) for ci in (await ctx.session.execute(query)).scalars() if ci not in raised]
    above = await _provider[0](ctx, cis)
    below = {
        ci: next(raised[p] for p in every if p in raised) for ci, every in above.items() if set(every) & set(raised)
    }
    children = sorted(below)
    for start in range(0, len(children), CHUNK):
        rows = await _rows(ctx, Event.ci.in_(children[start : start + CHUNK]), Event.parent.is_(None))
        await move(ctx, [(row, row.maintenance, below[row.ci]) for row in rows])


async def restore(ctx: Context, ended: Sequence[str]) -> None:
    """The children of events that ended stand for themselves again, or below another parent that is down."""
    for start in range(0, len(ended), CHUNK):
        rows = await _rows(ctx, Event.parent.in_(list(ended[start : start + CHUNK])))
        if not rows:
            continue
        other: dict[str, str] = {}
        above = await _provider[0](ctx, {row.ci for row in rows if row.ci}) if _provider else {}
        down = await _down(ctx, {parent for every in above.values() for parent in every})
        for ci, every in above.items():
            still = [down[parent] for parent in every if parent in down and parent != ci]
            if still:
                other[ci] = still[0]
        await move(ctx, [(row, row.maintenance, other.get(row.ci or "")) for row in rows])


async def attend(ctx: Context, windows: Sequence[Window]) -> int:
    """Put live events into the windows that are in effect, and take them out of those that ended."""
    active = [window for window in windows if window.active(ctx.now)]
    known = {window.id for window in active}
    moved = 0
    rows = await _rows(ctx, Event.maintenance.is_not(None))
    gone = [row for row in rows if row.maintenance not in known or window_of(active, row) is None]
    await move(ctx, [(row, window_of(active, row), row.parent) for row in gone])
    moved += len(gone)
    if active:
        rows = await _rows(ctx, Event.maintenance.is_(None))
        entering = [(row, window_of(active, row), row.parent) for row in rows]
        entering = [entry for entry in entering if entry[1] is not None]
        await move(ctx, entering)
        moved += len(entering)
    return moved


_SHOWN = (Event.id, Event.version, Event.severity, Event.original_severity, Event.maintenance, Event.parent, Event.ci,
          Event.host, Event.address, Event.event_class, Event.rule)  # fmt: skip


async def _rows(ctx: Context, *conditions: Any) -> Sequence[Any]:
    return (await ctx.session.execute(select(*_SHOWN).where(Event.cleared == false(), *conditions))).all()


async def move(ctx: Context, wanted: Sequence[tuple[Any, str | None, str | None]]) -> None:
    """Write window and parent of rows, and the severity that follows, with their trail."""
    t = Event.__table__.c
    values, entries = [], []
    for row, maintenance, parent in wanted:
        severity = effective(row.original_severity, maintenance, parent)
        diff = [changes.entry(name, old, new) for name, old, new in (
            ("maintenance", row.maintenance, maintenance), ("parent", row.parent, parent),
            ("severity", row.severity, severity)) if old != new]  # fmt: skip
        if diff:
            values.append({"b_id": row.id, "b_maintenance": maintenance, "b_parent": parent, "b_severity": severity,
                           "b_version": row.version + 1})  # fmt: skip
            entries.append((row.id, row.version + 1, diff))
    if not values:
        return
    statement = (
        update(Event.__table__)  # type: ignore[arg-type]
        .where(t.id == bindparam("b_id"), t.organization == ctx.organization)
        .values(maintenance=bindparam("b_maintenance", type_=t.maintenance.type), severity=bindparam("b_severity"),
                parent=bindparam("b_parent", type_=t.parent.type), version=bindparam("b_version"),
                last_update_time=ctx.now)
    )  # fmt: skip
    await ctx.session.execute(statement, values)
    await changes.record(ctx, "event", "update", entries)
