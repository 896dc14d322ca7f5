"""What most of a flood is: problems whose rows are live happen once more. One statement counts all, nobody decides."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import ARRAY, Integer, String, bindparam, false, func, or_, select, update

from mainstay.kernel import direct
from mainstay.kernel.context import Context
from mainstay.kernel.direct import Statement
from mainstay.kernel.record import Timestamp
from mainstay.modules.monitoring.events.engine import Occurrence, State
from mainstay.modules.monitoring.events.tables import Event, step_of

ANY = 0
"""No source named a severity."""
_t = Event.__table__.c
_TOLD = ("id", "fingerprint", "severity", "original_severity", "last_seen", "count")


class Tally(msgspec.Struct):
    """What a batch holds of one problem."""

    added: int
    seen: datetime
    severity: int
    """The one that its source named: a row that was raised with another changes, which is not only counting."""


def tally(batch: Sequence[Occurrence]) -> dict[str, Tally]:
    """By fingerprint what of a batch would only be counted in a live row.

    Such a row is the one of an occurrence's preferred fingerprint, whatever the others lead to. Left out is what takes
    a decision in the order of the batch: problems that end in it, or whose severity changes in it.
    """
    found: dict[str, Tally] = {}
    barred: set[str] = set()
    for item in batch:
        key, *others = item.keys
        if item.clear:
            barred.update(item.keys)
            continue
        barred.update(others)
        severity = item.severity if item.escalates else ANY
        known = found.get(key)
        if known is None:
            found[key] = Tally(item.count, item.at, severity)
            continue
        known.added += item.count
        if item.at > known.seen:
            known.seen = item.at
        if severity != known.severity:
            barred.add(key)
    for key in barred:
        found.pop(key, None)
    return found


def _counting(given: Any, larger: Any, *, moving: bool) -> Statement:
    """``moving``: also the rows whose step, which the indexes have, is another one by now."""
    values = {"count": _t.count + given.c.added, "last_seen": larger(_t.last_seen, given.c.seen)}
    conditions = [_t.organization == bindparam("organization"), _t.fingerprint == given.c.key,
                  _t.is_deleted == false(), _t.cleared == false(), _t.clear_waits == false(),
                  or_(given.c.severity == ANY, _t.original_severity == given.c.severity)]  # fmt: skip
    if moving:
        values["seen_step"] = larger(_t.seen_step, given.c.step)
    else:
        conditions.append(_t.seen_step >= given.c.step)
    table: Any = Event.__table__
    return Statement(update(table).where(*conditions).values(values).returning(*[_t[name] for name in _TOLD]))


def _documents() -> Any:
    each = func.json_each(bindparam("rows", type_=String)).table_valued("value")
    columns = (("key", String()), ("added", _t.count.type), ("seen", Integer()), ("step", Integer()),
               ("severity", Integer()))  # fmt: skip
    values = [func.json_extract(each.c.value, f"$[{at}]", type_=kind) for at, (_name, kind) in enumerate(columns)]
    return select(*[value.label(name) for value, (name, _kind) in zip(values, columns, strict=True)]).subquery("given")


def _arrays() -> Any:
    kinds = {"key": String(), "added": _t.count.type, "seen": _t.last_seen.type, "step": Integer(),
             "severity": Integer()}  # fmt: skip
    arrays = func.unnest(*[bindparam(name, type_=ARRAY(kind)) for name, kind in kinds.items()])
    return arrays.table_valued(*kinds, name="given").render_derived()


# SQLite writes an index anew whose column is assigned, even to the same value: first the rows whose step stays.
_ON_SQLITE = [_counting(_documents(), func.max, moving=moving) for moving in (False, True)]
_ON_POSTGRESQL = [_counting(_arrays(), func.greatest, moving=True)]
_SEEN = Timestamp()


async def count(ctx: Context, batch: Sequence[Occurrence]) -> tuple[list[State], Sequence[Occurrence]]:
    """Count what can be counted; the rows, and what is left of the batch. Each occurrence counted knows its row."""
    waiting = tally(batch)
    done: dict[str, State] = {}
    database = ctx.platform.database
    for statement in _ON_SQLITE if database.is_sqlite else _ON_POSTGRESQL:
        if not waiting:
            break
        given = {"organization": ctx.organization, **_given(ctx, waiting)}
        for record_id, key, severity, original, seen, total in await direct.run(
            database, ctx.session, statement.on(database), given
        ):
            added = waiting.pop(key).added
            done[key] = State(record_id, key, severity, original, seen, count=total - added, added=added)
    if not done:
        return [], batch
    rest = []
    for item in batch:
        state = done.get(item.keys[0])
        if state is None:
            rest.append(item)
        else:
            item.event = state.id
    return list(done.values()), rest


def _given(ctx: Context, waiting: dict[str, Tally]) -> dict[str, Any]:
    each = waiting.values()
    added, severities = [one.added for one in each], [one.severity for one in each]
    seen, steps = [one.seen for one in each], [step_of(one.seen) for one in each]
    database = ctx.platform.database
    if not database.is_sqlite:
        return {"key": list(waiting), "added": added, "seen": seen, "step": steps, "severity": severities}
    dialect, write = database.engine.dialect, _SEEN.process_bind_param
    written = [write(at, dialect) for at in seen]
    rows = list(zip(waiting, added, written, steps, severities, strict=True))
    return {"rows": msgspec.json.encode(rows).decode()}
