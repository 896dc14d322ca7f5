"""What people do to events, set-wise: the states they put them in, with trail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import false, func, literal, select, update

from mainstay.kernel import changes, store
from mainstay.kernel.access.tables import User
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Conflict
from mainstay.kernel.store import CHUNK, integrity
from mainstay.modules.monitoring.events import placing
from mainstay.modules.monitoring.events.tables import Event
from mainstay.modules.organization.tags.tables import USER, Tag
from mainstay.modules.people.authentication.resource import own_account
from mainstay.modules.people.users.tables import UserPageConfig


def stamp_states(
    ctx: Context, values: dict[str, Any], states: Mapping[str, Any], *, before: Event | None = None
) -> None:
    """Add to ``values`` who acknowledged and when it was acknowledged or cleared, where that changes."""
    was_acknowledged = before.acknowledged if before else False
    was_cleared = before.cleared if before else False
    if bool(states.get("acknowledged")) != was_acknowledged:
        now_acknowledged = not was_acknowledged
        values["acknowledged_by"] = (ctx.principal.profile_id or None) if now_acknowledged else None
        values["acknowledged_at"] = ctx.now if now_acknowledged else None
    if bool(states.get("cleared")) != was_cleared:
        values["cleared_at"] = None if was_cleared else ctx.now
        values["clear_waits"] = False


async def put(ctx: Context, ids: Sequence[str], action: str, values: Mapping[str, Any], *conditions: Any) -> list[str]:
    """Set the same values on events that fulfil the conditions; the ids of those that changed."""
    names = list(values)
    done: list[str] = []
    for start in range(0, len(ids), CHUNK):
        columns = [getattr(Event, name) for name in names]
        query = select(Event.id, Event.version, *columns).where(
            Event.id.in_(list(ids[start : start + CHUNK])), *conditions
        )
        if not ctx.platform.database.is_sqlite:
            query = query.with_for_update()
        entries = []
        for row in (await ctx.session.execute(query)).all():
            diff = [
                changes.entry(name, old, values[name])
                for name, old in zip(names, row[2:], strict=True)
                if old != values[name]
            ]
            if diff:
                entries.append((row.id, row.version + 1, diff))
        if not entries:
            continue
        await ctx.session.execute(
            update(Event)
            .where(Event.id.in_([entry[0] for entry in entries]))
            .values(**values, version=Event.version + 1, last_update_time=ctx.now, modified_by=ctx.principal.user)
            .execution_options(synchronize_session=False)
        )
        await changes.record(ctx, "event", action, entries)
        done += [entry[0] for entry in entries]
    return done


async def acknowledge(ctx: Context, ids: Sequence[str]) -> list[str]:
    """Somebody has seen them and cares."""
    values = {"acknowledged": True, "acknowledged_by": ctx.principal.profile_id or None, "acknowledged_at": ctx.now}
    return await put(ctx, ids, "acknowledge", values, Event.acknowledged.is_(False))


async def unacknowledge(ctx: Context, ids: Sequence[str]) -> list[str]:
    values = {"acknowledged": False, "acknowledged_by": None, "acknowledged_at": None}
    return await put(ctx, ids, "unacknowledge", values, Event.acknowledged.is_(True))


async def clear(ctx: Context, ids: Sequence[str]) -> list[str]:
    """End them; what hung below a device that was down stands for itself again."""
    values = {"cleared": True, "cleared_at": ctx.now, "flapping": False, "clear_waits": False}
    done = await put(ctx, ids, "clear", values, Event.cleared.is_(False))
    await placing.restore(ctx, done)
    return done


async def reopen(ctx: Context, ids: Sequence[str]) -> list[str]:
    """Make them live again. Raises ``Conflict`` where the problem has another live event meanwhile."""
    from sqlalchemy.exc import IntegrityError

    values = {"cleared": False, "cleared_at": None, "acknowledged": False, "acknowledged_by": None,
              "acknowledged_at": None}  # fmt: skip
    try:
        return await put(ctx, ids, "reopen", values, Event.cleared.is_(True))
    except IntegrityError as error:
        if "uq_event_live" in str(error.orig) or "fingerprint" in str(error.orig):
            raise Conflict("This problem has a live event already. Work on that one.") from None
        raise integrity(error) from error


async def suppress(ctx: Context, ids: Sequence[str], until: datetime | None, reason: str) -> list[str]:
    """Mark them as not to be acted upon, until a time or until further notice. They stay visible."""
    values = {"suppressed": True, "suppressed_until": until, "suppression_reason": reason}
    return await put(ctx, ids, "suppress", values)


async def unsuppress(ctx: Context, ids: Sequence[str]) -> list[str]:
    values = {"suppressed": False, "suppressed_until": None, "suppression_reason": ""}
    return await put(ctx, ids, "unsuppress", values, Event.suppressed.is_(True))


async def assign(ctx: Context, ids: Sequence[str], assignee: str | None) -> list[str]:
    return await put(ctx, ids, "assign", {"assignee": assignee})


async def schedule(ctx: Context, ids: Sequence[str], due: datetime | None) -> list[str]:
    return await put(ctx, ids, "update", {"due_date": due})


async def tag(ctx: Context, ids: Sequence[str], names: Sequence[str], mode: str) -> list[str]:
    """Add, replace or remove tags; those of events that had the same ones change together."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for start in range(0, len(ids), CHUNK):
        query = select(Event.id, Event.tags).where(Event.id.in_(list(ids[start : start + CHUNK])))
        for row in (await ctx.session.execute(query)).all():
            held = list(row.tags or ())
            if mode == "add":
                wanted = list(dict.fromkeys([*held, *names]))
            elif mode == "remove":
                wanted = [name for name in held if name not in names]
            else:
                wanted = list(names)
            groups.setdefault(tuple(wanted), []).append(row.id)
    done: list[str] = []
    for wanted_tags, members in groups.items():
        done += await put(ctx, members, "update", {"tags": list(wanted_tags)})
    return done


async def tags(ctx: Context) -> dict[str, int]:
    """The tags that events carry, with how many; and the organization's tags for people, which they may carry."""
    declared = (await ctx.session.execute(select(Tag.name).where(Tag.type == USER))).scalars()
    found = dict.fromkeys(declared, 0)
    held = Event.__table__.c.tags
    each = (func.json_each if ctx.platform.database.is_sqlite else func.jsonb_array_elements_text)(held).table_valued(
        "value", name="each_tag"
    )
    table = Event.__table__.join(each, literal(True))
    query = (
        select(each.c.value, func.count())
        .select_from(table)
        .where(Event.__table__.c.organization == ctx.organization, Event.__table__.c.is_deleted == false())
        .group_by(each.c.value)
    )
    found.update({str(row[0]): int(row[1]) for row in (await ctx.session.execute(query)).all()})
    return found


PAGE = "events"


async def columns(ctx: Context) -> list[Any]:
    """The columns that the caller saved."""
    row = await _page_config(ctx, (await own_account(ctx)).id)
    return list(row.config.get("columns", [])) if row is not None else []


async def save_columns(ctx: Context, wanted: list[Any]) -> None:
    account = await own_account(ctx)
    # The account is locked, so that two first saves do not collide.
    await store.get(ctx, User, account.id, lock=True)
    row = await _page_config(ctx, account.id)
    if row is None:
        await store.add(ctx, UserPageConfig(profile=account.id, page=PAGE, config={"columns": wanted}))
    else:
        row.config = {**row.config, "columns": wanted}
        await store.save(ctx, row)


async def _page_config(ctx: Context, profile: str) -> UserPageConfig | None:
    query = select(UserPageConfig).where(UserPageConfig.profile == profile, UserPageConfig.page == PAGE)
    return await store.find(ctx, query)
