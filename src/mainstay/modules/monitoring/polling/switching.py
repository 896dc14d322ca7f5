"""Performance measuring of items switched on and off, below the Cmdb module, and what that would mean before."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import Any

import msgspec
from sqlalchemy import func, select, update

from mainstay.kernel import changes, options
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Conflict, Invalid, NotFound
from mainstay.modules.assets.cmdb.chosen import chosen, split
from mainstay.modules.assets.cmdb.lookup import canonical
from mainstay.modules.assets.cmdb.tables import Ci
from mainstay.modules.monitoring.credentials import service as credentials
from mainstay.modules.monitoring.events.tables import Event
from mainstay.modules.monitoring.polling.performance import performance
from mainstay.modules.monitoring.polling.service import Binding, bind
from mainstay.modules.monitoring.polling.tables import INTERVAL, Polled

SHORTEST, LONGEST = 10, 86_400
ACTION = "polling"


class ItemsQuery(msgspec.Struct, kw_only=True):
    """``ci_ids``: items, separated by commas, at most 500. ``credential``: id or name of the one to ask with; without
    it the first that is for the address."""

    ci_ids: str = ""
    ci_id: str = ""
    credential: str = ""
    interval: int | None = None


class Measuring(msgspec.Struct, kw_only=True):
    """How an item is measured, or would be. ``problem``: why it cannot be; ``credential`` empty: by echo alone."""

    ci_id: str
    name: str
    address: str
    polled: bool
    enabled: bool
    interval: int
    credential: str = ""
    credential_name: str = ""
    snmp: bool = False
    problem: str = ""


class MeasuringList(msgspec.Struct, kw_only=True):
    """How items would be measured."""

    results: list[Measuring]


class MeasuringDone(msgspec.Struct, kw_only=True):
    """How many items are measured from now on, and how each stands."""

    status: str = "success"
    changed: int
    results: list[Measuring]


async def planned(ctx: Context, ids: Iterable[str], credential: str) -> list[Measuring]:
    """How items would be measured; the same number of statements however many they are."""
    names = await chosen(ctx, list(ids))
    query = select(Ci.id, Ci.ip_address).where(Ci.id.in_(names))
    addresses = {row.id: row.ip_address for row in (await ctx.session.execute(query)).all()}
    polled = {row.ci: row for row in (await ctx.session.execute(select(Polled).where(Polled.ci.in_(names)))).scalars()}
    known = list((await ctx.session.execute(credentials.active())).scalars())
    if credential:
        known = [one for one in known if credential == one.id or credential.lower() == one.name.lower()]
        if not known:
            raise NotFound(f"There is no active credential {credential[:80]!r} for SNMP.")
    (text,) = await options.get(ctx, credentials.ALLOWED)
    permitted = credentials.spans(str(text))
    scopes = [(one, credentials.spans(one.scope)) for one in known]
    made = []
    for ci, name in names.items():
        row = polled.get(ci)
        address = canonical(addresses.get(ci) or (row.address if row else ""))
        on, interval = (row.enabled, row.interval) if row is not None else (False, INTERVAL)
        one = Measuring(ci_id=ci, name=name, address=address, polled=row is not None, enabled=on, interval=interval)
        made.append(one)
        if not address:
            one.problem = "It has no address."
            continue
        where = ipaddress.ip_address(address)
        if not credentials.inside(where, permitted):
            one.problem = f"{address} is outside the networks whose devices may be asked."
            continue
        fitting = [held for held, scope in scopes if not scope or credentials.inside(where, scope)]
        if credential and not fitting:
            one.problem = f"The credential {known[0].name} is not for {address}."
            continue
        kept = next((held for held in fitting if row is not None and held.id == row.credential), None)
        found = kept or next(iter(fitting), None)
        if found is not None:
            one.credential, one.credential_name, one.snmp = found.id, found.name, True
    return made


@performance.route("GET", "enable-pm-common-info/", permission=("asset", "view"))
async def enable_info(ctx: Context, query: ItemsQuery) -> MeasuringList:
    """How items would be measured: at which address, with which credential, or why not"""
    return MeasuringList(results=await planned(ctx, _ids(query), query.credential))


@performance.route("GET", "add-enable-pm/", permission=("asset", "execute"), write=True)
async def enable_many(ctx: Context, query: ItemsQuery) -> MeasuringDone:
    """Measure items from now on

    Those that cannot be are left as they are, and say why."""
    return await _enable(ctx, query, await planned(ctx, _ids(query), query.credential))


@performance.route("GET", "enable-pm/", permission=("asset", "execute"), write=True)
async def enable_one(ctx: Context, query: ItemsQuery) -> MeasuringDone:
    """Measure an item from now on"""
    found = await planned(ctx, _one(query), query.credential)
    if found[0].problem:
        raise Conflict(f"{found[0].name} cannot be measured. {found[0].problem}")
    return await _enable(ctx, query, found)


async def _enable(ctx: Context, query: ItemsQuery, found: list[Measuring]) -> MeasuringDone:
    if query.interval is not None and not SHORTEST <= query.interval <= LONGEST:
        raise Invalid.field("interval", f"interval is a number of seconds from {SHORTEST} to {LONGEST}.")
    usable = [one for one in found if not one.problem]
    await bind(ctx, [
        Binding(one.ci_id, one.name, one.address, one.credential, True, one.snmp) for one in usable
    ])  # fmt: skip
    started = [one.ci_id for one in usable if not one.enabled]
    values: dict[str, Any] = {"enabled": True, "asked_at": ctx.now}
    if query.interval is not None:
        values["interval"] = query.interval
    ids = [one.ci_id for one in usable]
    if ids:
        stored = update(Polled).where(Polled.ci.in_(ids)).values(**values)
        await ctx.session.execute(stored.execution_options(synchronize_session=False))
    note = [changes.entry("measured", False, True)]
    await changes.record(ctx, "ci", ACTION, [(ci, 0, note) for ci in started])
    for one in usable:
        one.polled = one.enabled = True
        one.interval = query.interval or one.interval
    return MeasuringDone(changed=len(started), results=found)


class Stopping(msgspec.Struct, kw_only=True):
    """What would stop with the measuring of an item: its thresholds that are exceeded, and its open events."""

    ci_id: str
    name: str
    polled: bool
    enabled: bool
    interval: int | None
    state: str
    breached: int
    open_events: int


class StoppingList(msgspec.Struct, kw_only=True):
    """What would stop."""

    results: list[Stopping]


@performance.route("GET", "disable-pm-common-info/", permission=("asset", "view"))
async def disable_info(ctx: Context, query: ItemsQuery) -> StoppingList:
    """What would stop if items were measured no more"""
    return StoppingList(results=await _stopping(ctx, _ids(query)))


async def _stopping(ctx: Context, ids: Iterable[str]) -> list[Stopping]:
    names = await chosen(ctx, list(ids))
    rows = {row.ci: row for row in (await ctx.session.execute(select(Polled).where(Polled.ci.in_(names)))).scalars()}
    counted: Any = (
        select(Event.ci, func.count())
        .where(Event.ci.in_(names), Event.cleared.is_(False), Event.source.in_(("polling", "threshold")))
        .group_by(Event.ci)
    )
    events = {row[0]: row[1] for row in (await ctx.session.execute(counted)).all()}
    return [
        Stopping(ci_id=ci, name=name, polled=ci in rows, enabled=ci in rows and rows[ci].enabled,
                 interval=rows[ci].interval if ci in rows else None, state=rows[ci].state if ci in rows else "",
                 breached=len(rows[ci].breached) if ci in rows else 0, open_events=events.get(ci, 0))
        for ci, name in names.items()
    ]  # fmt: skip


class StoppingDone(msgspec.Struct, kw_only=True):
    """How many items are measured no more, and how each stands."""

    status: str = "success"
    changed: int
    results: list[Stopping]


@performance.route("GET", "add-disable-pm/", permission=("asset", "execute"), write=True)
async def disable_many(ctx: Context, query: ItemsQuery) -> StoppingDone:
    """Measure items no more; what was measured stays"""
    return await _disable(ctx, await _stopping(ctx, _ids(query)))


@performance.route("GET", "disable-pm/", permission=("asset", "execute"), write=True)
async def disable_one(ctx: Context, query: ItemsQuery) -> StoppingDone:
    """Measure an item no more; what was measured stays"""
    found = await _stopping(ctx, _one(query))
    if not found[0].polled:
        raise Conflict(f"{found[0].name} is not measured.")
    return await _disable(ctx, found)


async def _disable(ctx: Context, found: list[Stopping]) -> StoppingDone:
    stopped = [one.ci_id for one in found if one.enabled]
    if stopped:
        stored = update(Polled).where(Polled.ci.in_(stopped)).values(enabled=False)
        await ctx.session.execute(stored.execution_options(synchronize_session=False))
    note = [changes.entry("measured", True, False)]
    await changes.record(ctx, "ci", ACTION, [(ci, 0, note) for ci in stopped])
    for one in found:
        one.enabled = False
    return StoppingDone(changed=len(stopped), results=found)


def _ids(query: ItemsQuery) -> list[str]:
    return split(query.ci_ids or query.ci_id)


def _one(query: ItemsQuery) -> list[str]:
    if not query.ci_id.strip():
        raise Invalid.field("ci_id", "Please provide ci_id.")
    return [query.ci_id.strip()]
