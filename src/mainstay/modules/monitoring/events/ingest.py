"""Batches of occurrences into live rows, with the same few statements whatever their length."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import ARRAY, Integer, String, and_, bindparam, case, false, func, insert, select, text, true, update

from mainstay.kernel import changes, direct, store
from mainstay.kernel.context import Context
from mainstay.kernel.direct import Statement
from mainstay.kernel.record import Timestamp, new_id
from mainstay.modules.monitoring.events.engine import Occurrence, Policy, State, decide, difference
from mainstay.modules.monitoring.events.storm import Storms
from mainstay.modules.monitoring.events.tables import Event, step_of
from mainstay.modules.monitoring.events.tally import count

_t = Event.__table__.c
READ = ("id", "fingerprint", "severity", "original_severity", "last_seen", "cleared", "cleared_at", "acknowledged",
        "flapping", "clear_waits", "maintenance", "parent", "version", "count")  # fmt: skip
"""In the order of the fields of ``State``; ``turns`` follow where they are read."""
WRITTEN = ("severity", "original_severity", "cleared", "cleared_at", "acknowledged", "flapping", "clear_waits", "turns",
           "maintenance", "parent")  # fmt: skip
ACTIONS = ("create", "clear", "reopen", "update")


async def alone(ctx: Context) -> None:
    """Let one process at a time change an organization's live rows. SQLite has one writer anyway."""
    if not ctx.platform.database.is_sqlite:
        await ctx.session.execute(
            text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": f"event {ctx.organization}"}
        )


async def store_batch(
    ctx: Context, batch: Sequence[Occurrence], policy: Policy, storms: Storms, limit: int
) -> list[State]:
    """Count, decide about the rest and write; returns the states that were touched."""
    await alone(ctx)
    counted, batch = await count(ctx, batch)
    if not batch:
        return counted
    keys = list(dict.fromkeys(key for item in batch for key in item.keys))
    states = await read(ctx, keys, policy)
    redirected = storms.collapse(batch, {state.fingerprint for state in states}, limit, ctx.now)
    if redirected:
        states += await read(ctx, list({item.keys[0] for item in redirected}), policy)
    await _take(ctx, states, batch)
    touched = decide(states, batch, policy, new_id)
    await write(ctx, touched)
    return counted + touched


async def _take(ctx: Context, states: Sequence[State], batch: Sequence[Occurrence]) -> None:
    """Read once more, with their turns, the rows whose state this batch may change, and keep others from them.

    Most rows are only counted, which goes well with whatever happens to them meanwhile.
    """
    changing = {key for item in batch if item.clear or item.escalates for key in item.keys}
    wanted = {
        state.id: state
        for state in states
        if state.cleared or state.clear_waits or state.flapping or state.fingerprint in changing
    }
    names = (*READ, "turns")
    ids = list(wanted)
    for start in range(0, len(ids), store.CHUNK):
        part = ids[start : start + store.CHUNK]
        query = select(*[_t[name] for name in names]).where(_t.organization == ctx.organization, _t.id.in_(part))
        for row in (await ctx.session.execute(query.with_for_update())).all():
            state = wanted[row.id]
            for name, value in zip(names, row, strict=True):
                setattr(state, name, value)
            state.turns = list(state.turns or ())


async def read(ctx: Context, keys: Sequence[str], policy: Policy) -> list[State]:
    """The live rows of these fingerprints, and those cleared so lately that they would be reopened."""
    live = await _select(ctx, _LIVE, keys)
    if policy.reopen:
        known = {state.fingerprint for state in live}
        missing = [key for key in keys if key not in known]
        if missing:
            gone = await _select(ctx, _GONE, missing, since=ctx.now - policy.reopen)
            # Of several, the one cleared last.
            live += sorted(gone, key=lambda state: state.cleared_at or ctx.now, reverse=True)
    return live


async def flapping(ctx: Context) -> list[State]:
    """The rows that flap."""
    statement = select(*[_t[name] for name in (*READ, "turns")]).where(
        _t.organization == ctx.organization, _t.is_deleted == false(), _t.flapping == true()
    )
    found = (await ctx.session.execute(statement.limit(1000))).all()
    return [State(*row) for row in found]


def _reading(condition: Any) -> tuple[Statement, Statement]:
    """The rows of given fingerprints, in the words of SQLite and of PostgreSQL."""
    query = select(*[_t[name] for name in READ]).where(
        _t.organization == bindparam("organization"), _t.is_deleted == false(), condition
    )
    each = func.json_each(bindparam("keys", type_=String)).table_valued("value")
    return (
        Statement(query.where(_t.fingerprint.in_(select(each.c.value)))),
        Statement(query.where(_t.fingerprint == func.any(bindparam("keys", type_=ARRAY(String))))),
    )


_LIVE = _reading(_t.cleared == false())
_GONE = _reading(and_(_t.cleared == true(), _t.cleared_at >= bindparam("since", type_=_t.cleared_at.type)))


async def _select(
    ctx: Context, statements: tuple[Statement, Statement], keys: Sequence[str], **given: Any
) -> list[State]:
    if not keys:
        return []
    database = ctx.platform.database
    given |= {"organization": ctx.organization, "keys": _encoded(keys) if database.is_sqlite else list(keys)}
    statement = statements[not database.is_sqlite].on(database)
    found = await direct.run(database, ctx.session, statement, given)
    return [State(*row) for row in found]


def _encoded(value: Any) -> str:
    return msgspec.json.encode(value).decode()


async def write(ctx: Context, touched: Sequence[State]) -> None:
    """Store the states with their trail. What ended goes first, so that a new row of the same problem finds room."""
    counted = [state for state in touched if state.first is None and state.before is None and state.added]
    changed = [state for state in touched if state.first is None and state.before is not None]
    fresh = [state for state in touched if state.first is not None]
    if counted:
        await _count(ctx, counted)
    if changed:
        await _change(ctx, changed)
    if fresh:
        await ctx.session.execute(insert(Event.__table__), [_row(ctx, state) for state in fresh])  # type: ignore[arg-type]
    entries: dict[str, list[tuple[str, int, list[dict[str, Any]]]]] = {}
    for state in changed:
        diff = difference(state)
        if diff:
            word = next((name for name in ACTIONS if name in state.actions), "update")
            entries.setdefault(word, []).append((state.id, state.version, diff))
    entries["create"] = [(state.id, 1, _made(state)) for state in fresh]
    for word, made in entries.items():
        await changes.record(ctx, "event", word, made)


def _counting() -> tuple[Statement, Statement]:
    """All rows that are only counted at once: from a JSON document on SQLite, from arrays on PostgreSQL."""
    each = func.json_each(bindparam("rows", type_=String)).table_valued("value")
    rows = select(
        *(func.json_extract(each.c.value, f"$[{at}]", type_=kind).label(name)
          for at, (name, kind) in enumerate((("id", _t.id.type), ("added", _t.count.type), ("seen", Integer()),
                                             ("step", Integer()))))
    ).subquery("rows")  # fmt: skip
    arrays = (
        func.unnest(*[bindparam(name, type_=ARRAY(kind)) for name, kind in
                      (("id", String()), ("added", _t.count.type), ("seen", _t.last_seen.type), ("step", Integer()))])
        .table_valued("id", "added", "seen", "step", name="rows")
        .render_derived()
    )  # fmt: skip
    made = [
        update(Event.__table__)  # type: ignore[arg-type]
        .where(_t.id == given.c.id, _t.organization == bindparam("organization"))
        .values(count=_t.count + given.c.added, last_seen=given.c.seen, seen_step=given.c.step)
        for given in (rows, arrays)
    ]
    return Statement(made[0]), Statement(made[1])


_COUNT = _counting()
_SEEN = Timestamp()


async def _count(ctx: Context, states: Sequence[State]) -> None:
    database = ctx.platform.database
    ids, added = [state.id for state in states], [state.added for state in states]
    seen: list[Any] = [state.last_seen for state in states]
    steps = [step_of(at) for at in seen]
    given: dict[str, Any] = {"organization": ctx.organization}
    if database.is_sqlite:
        written = [_SEEN.process_bind_param(at, database.engine.dialect) for at in seen]
        given["rows"] = _encoded(list(zip(ids, added, written, steps, strict=True)))
    else:
        given |= {"id": ids, "added": added, "seen": seen, "step": steps}
    await direct.run(database, ctx.session, _COUNT[not database.is_sqlite].on(database), given)


async def _change(ctx: Context, states: Sequence[State]) -> None:
    """State changes are rare beside occurrences: row by row in one call."""
    values = {name: bindparam(f"b_{name}", type_=_t[name].type) for name in (*WRITTEN, "last_seen")}
    statement = (
        update(Event.__table__)  # type: ignore[arg-type]
        .where(_t.id == bindparam("b_id"), _t.organization == bindparam("b_organization"))
        .values(
            **values, seen_step=bindparam("b_step"), count=_t.count + bindparam("b_added"),
            version=bindparam("b_version"), last_update_time=ctx.now, modified_by=ctx.principal.user,
            # Who acknowledged is forgotten with the acknowledgement.
            acknowledged_by=case((bindparam("b_keeps", type_=_t.acknowledged.type) == true(), _t.acknowledged_by)),
            acknowledged_at=case((bindparam("b_keeps", type_=_t.acknowledged.type) == true(), _t.acknowledged_at)),
        )
    )  # fmt: skip
    rows = []
    for state in states:
        if difference(state):
            state.version += 1
        rows.append(
            {f"b_{name}": getattr(state, name) for name in (*WRITTEN, "last_seen", "id", "added", "version")}
            | {"b_organization": ctx.organization, "b_keeps": state.acknowledged, "b_step": step_of(state.last_seen)}
        )
    await ctx.session.execute(statement, rows)


def _row(ctx: Context, state: State) -> dict[str, Any]:
    item = state.first
    assert item is not None
    complete = {name: value() if callable(value) else value for name, value in store.defaults(Event).items()}
    complete.update(
        id=state.id, organization=ctx.organization, creation_time=ctx.now, last_update_time=ctx.now, created_by=0,
        modified_by=0, version=1, event_class=item.event_class[:255], message=item.message[:2000],
        first_seen=min(item.at, state.last_seen), last_seen=state.last_seen, seen_step=step_of(state.last_seen),
        count=state.added,
        ci=item.ci or None, host=item.host[:255], address=item.address[:64], resource=item.resource[:255],
        source=item.source[:64], fingerprint=state.fingerprint, rule=item.rule[:255], variables=item.variables,
        raw=item.raw[:16_000], reference=item.reference[:255], tags=item.tags,
    )  # fmt: skip
    complete.update({name: getattr(state, name) for name in WRITTEN})
    return complete


TRAILED = ("event_class", "message", "host", "address", "ci", "resource", "source", "rule")


def _made(state: State) -> list[dict[str, Any]]:
    """What the trail says of a new row: what consumers of the feed decide by, not its raw text."""
    item = state.first
    values = [(name, getattr(item, name)) for name in TRAILED]
    values += [("severity", state.severity), ("cleared", state.cleared or None)]
    return [changes.entry(name, None, value) for name, value in values if value]
