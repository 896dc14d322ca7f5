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
from mainstay.modules.monitoring.events.behind import behind, neighbours
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
    if not cis:
        return
    lost = {item.ci for item in batch if item.ci and not item.clear and item.event_class in outages()}
    above = await _above(ctx, cis, lost)
    for item in batch:
        if item.ci and not item.clear:
            item.parent = above.get(item.ci)


async def _above(
    ctx: Context, cis: Collection[str], lost: Collection[str] = (), near: Collection[str] | None = None
) -> dict[str, str]:
    """Items that rely on one that is down, or are behind it → the event that says so. ``lost``: those that cannot be
    reached themselves, beside those of which an event says so already; ``near``: those that the links may tell of."""
    relied = await _provider[0](ctx, cis) if _provider else {}
    linked = set(cis) if near is None else set(cis) & set(near)
    down = await _down(ctx, {*linked, *relied, *(one for every in relied.values() for one in every)})
    events = {ci: [down[one] for one in every if one in down and one != ci] for ci, every in relied.items()}
    gone = {ci for ci in linked if ci in down or ci in lost}
    for ci, every in (await behind(ctx, gone, _down) if gone else {}).items():
        events[ci] = [*events.get(ci, ()), *every]
    higher = await _higher(ctx, {event for every in events.values() for event in every})
    found: dict[str, str] = {}
    for ci in sorted(events):
        for event in events[ci]:
            # Of those that are down because of each other, one stands for itself.
            if down.get(ci) not in _climb(event, higher):
                found[ci] = event
                if ci in down:
                    higher[down[ci]] = event
                break
    return found


def _climb(event: str, higher: Mapping[str, str]) -> set[str]:
    """The event and all that it is below."""
    passed = {event}
    while (event := higher.get(event, "")) and event not in passed:
        passed.add(event)
    return passed


async def _higher(ctx: Context, events: Collection[str]) -> dict[str, str]:
    """Event → the one it is below, for these and all above them."""
    found: dict[str, str] = {}
    wanted = set(events)
    seen: set[str] = set()
    while wanted:
        seen |= wanted
        ordered = sorted(wanted)
        wanted = set()
        for start in range(0, len(ordered), CHUNK):
            query = select(Event.id, Event.parent).where(
                Event.id.in_(ordered[start : start + CHUNK]), Event.parent.is_not(None)
            )
            for event, parent in (await ctx.session.execute(query)).all():
                found[event] = str(parent)
                wanted |= {str(parent)} - seen
    return found


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
    await restore(ctx, [state.id for state in touched if state.cleared])
    raised = {
        state.latest.ci
        for state in touched
        if state.latest is not None
        and not state.cleared
        and state.latest.ci
        and state.latest.event_class in outages()
        and {"create", "reopen"} & set(state.actions)
    }
    if not raised:
        return
    query = select(Event.ci).where(Event.cleared == false(), Event.ci.is_not(None), Event.parent.is_(None)).distinct()
    cis = {str(ci) for ci in (await ctx.session.execute(query)).scalars()}
    near = {*raised, *(one for every in (await neighbours(ctx, raised)).values() for one in every)}
    below = await _above(ctx, cis, near=near)
    children = sorted(below)
    for start in range(0, len(children), CHUNK):
        rows = await _rows(ctx, Event.ci.in_(children[start : start + CHUNK]), Event.parent.is_(None))
        await move(ctx, [(row, row.maintenance, below[row.ci]) for row in rows])


async def restore(ctx: Context, ended: Sequence[str]) -> None:
    """The children of events that ended stand for themselves again, or below another parent that is down; so do the
    neighbours of a device that answers again."""
    for start in range(0, len(ended), CHUNK):
        part = list(ended[start : start + CHUNK])
        query = select(Event.ci).where(Event.id.in_(part), Event.ci.is_not(None), Event.event_class.in_(outages()))
        back = await neighbours(ctx, {str(ci) for ci in (await ctx.session.execute(query)).scalars()})
        rows = [*await _rows(ctx, Event.parent.in_(part))]
        known, beside = {row.id for row in rows}, sorted({one for every in back.values() for one in every})
        for first in range(0, len(beside), CHUNK):
            near = await _rows(ctx, Event.ci.in_(beside[first : first + CHUNK]), Event.parent.is_not(None))
            rows += [row for row in near if row.id not in known]
        if rows:
            above = await _above(ctx, {row.ci for row in rows if row.ci})
            await move(ctx, [(row, row.maintenance, above.get(row.ci or "")) for row in rows])


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
