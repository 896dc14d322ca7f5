"""Devices asked at once, below the Cmdb module: polling state, ports, and what takes the processor's time."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import select, update

from mainstay.kernel import changes, verbs
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Conflict, Invalid
from mainstay.modules.assets.cmdb.partlists import OnePart, item_of, one_of
from mainstay.modules.assets.cmdb.parts import CiInterface
from mainstay.modules.monitoring.discovery.describing import STATES
from mainstay.modules.monitoring.discovery.reading import HOST, IF, RUNNING, number, text, value
from mainstay.modules.monitoring.events.resource import events
from mainstay.modules.monitoring.polling.performance import MOST, _seen, performance
from mainstay.modules.monitoring.polling.service import way_to
from mainstay.modules.monitoring.polling.tables import Polled
from mainstay.modules.monitoring.snmp import ber
from mainstay.modules.monitoring.snmp.ber import Malformed, Oid
from mainstay.modules.monitoring.snmp.client import Client, SnmpError

ADMIN, OPER = (*IF, 7), (*IF, 8)
RUN_CPU, RUN_MEMORY = (*HOST, 5, 1, 1, 1), (*HOST, 5, 1, 1, 2)
PATIENCE = 30


class ItemsInput(msgspec.Struct, kw_only=True):
    """Items, at most 500."""

    ci_ids: list[str]


class PollState(msgspec.Struct, kw_only=True):
    """How the polling of an item is going. ``polled``: false for one that is not polled at all."""

    ci_id: str
    name: str
    polled: bool
    enabled: bool = False
    state: str = ""
    since: datetime | None = None
    last_run: datetime | None = None
    next_run: datetime | None = None
    seconds: float | None = None
    error: str = ""
    breached: int = 0


class PollStates(msgspec.Struct, kw_only=True):
    """How the polling of items is going."""

    results: list[PollState]


@performance.route("POST", "poll-status/", permission=("asset", "view"), write=False)
async def poll_status(ctx: Context, body: ItemsInput) -> PollStates:
    """Whether items are polled, and how it went the last time"""
    if not 1 <= len(body.ci_ids) <= MOST:
        raise Invalid.field("ci_ids", f"Please name one to {MOST} items.")
    names = await _seen(ctx, body.ci_ids)
    rows = {row.ci: row for row in (await ctx.session.execute(select(Polled).where(Polled.ci.in_(names)))).scalars()}
    made = []
    for ci, name in names.items():
        row = rows.get(ci)
        if row is None:
            made.append(PollState(ci_id=ci, name=name, polled=False))
            continue
        upcoming = row.last_run + timedelta(seconds=row.interval) if row.last_run and row.enabled else None
        made.append(PollState(
            ci_id=ci, name=name, polled=True, enabled=row.enabled, state=row.state, since=row.since,
            last_run=row.last_run, next_run=upcoming, seconds=row.seconds, error=row.error, breached=len(row.breached),
        ))  # fmt: skip
    return PollStates(results=made)


class Resynced(msgspec.Struct, kw_only=True):
    """How many items are polled at once, and which are not polled at all."""

    status: str = "success"
    asked: int
    not_polled: list[str]


@performance.route("POST", "resync-poll-jobs/", permission=("asset", "execute"))
async def resync(ctx: Context, body: ItemsInput) -> Resynced:
    """Take over the address of items into their polling, and poll them at once"""
    if not 1 <= len(body.ci_ids) <= MOST:
        raise Invalid.field("ci_ids", f"Please name one to {MOST} items.")
    names = await _seen(ctx, body.ci_ids)
    known = set((await ctx.session.execute(select(Polled.ci).where(Polled.ci.in_(names)))).scalars())
    for ci in sorted(known):
        item = await item_of(ctx, ci)
        values: dict[str, Any] = {"asked_at": ctx.now, "name": item.name[:255]}
        if item.ip_address:
            values["address"] = item.ip_address
        stored = update(Polled).where(Polled.ci == ci).values(**values)
        await ctx.session.execute(stored.execution_options(synchronize_session=False))
    return Resynced(asked=len(known), not_polled=sorted(set(names) - known))


class Port(msgspec.Struct, kw_only=True):
    """A port as the device tells it now."""

    id: str
    ci_id: str
    name: str
    if_index: int
    admin_status: str
    oper_status: str


@performance.route("GET", "port-status/", permission=("asset", "execute"))
async def port_status(ctx: Context, query: OnePart) -> Port:
    """Ask the device whether a port is switched on, and whether it is up"""
    return await _port(ctx, query.id, None)


@performance.route("GET", "enable-port-status/", permission=("asset", "execute"), write=True)
async def enable_port(ctx: Context, query: OnePart) -> Port:
    """Switch a port on"""
    return await _port(ctx, query.id, 1)


@performance.route("GET", "disable-port-status/", permission=("asset", "execute"), write=True)
async def disable_port(ctx: Context, query: OnePart) -> Port:
    """Switch a port off"""
    return await _port(ctx, query.id, 2)


async def _port(ctx: Context, id: str, wanted: int | None) -> Port:
    if wanted is not None:
        ctx.principal.require("asset", "edit")
    port = await one_of(ctx, CiInterface, id)
    index = port["if_index"]
    if index is None:
        raise Conflict(f"It is not known which number the port {port['name']} has on the device.")
    item = await item_of(ctx, port["ci"])
    way = await way_to(ctx, item)
    if wanted is not None and way.access.user is None and not way.access.write_community:
        raise Conflict("The credential of the device cannot write: it has no write community.")
    try:
        async with asyncio.timeout(PATIENCE), Client(way.address, way.access) as device:
            if wanted is not None:
                # The number may belong to another port since; better nothing than the wrong one.
                await _same(device, index, port)
                await device.set([(ber.oid_bytes((*ADMIN, index)), ber.INTEGER, bytes([wanted]))])
            answer = await device.get([(*ADMIN, index), (*OPER, index)])
    except (SnmpError, Malformed, TimeoutError) as error:
        raise Invalid(f"{str(error) or 'The device did not finish in time.'}", address=way.address) from None
    admin, oper = (STATES.get(number(value(one)), "") if one[1] not in ber.EXCEPTIONS else "" for one in answer)
    if wanted is not None:
        entry = changes.entry(f"interfaces.{port['name']}.admin_status", port["admin_status"], admin)
        await changes.record(ctx, "ci", "update", [(item.id, item.version, [entry])])
        kept = update(CiInterface).where(CiInterface.id == port["id"]).values(admin_status=admin, oper_status=oper)
        await ctx.session.execute(kept.execution_options(synchronize_session=False))
    return Port(id=port["id"], ci_id=item.id, name=port["name"], if_index=index, admin_status=admin, oper_status=oper)


async def _same(device: Client, index: int, port: dict[str, Any]) -> None:
    names = await device.get([(1, 3, 6, 1, 2, 1, 31, 1, 1, 1, 1, index), (*IF, 2, index)])
    called = {text(value(one)) for one in names if one[1] not in ber.EXCEPTIONS}
    if not called & {port["name"], port["description"]}:
        raise Conflict(f"Number {index} on the device is not {port['name']} any more; run the discovery again.")


class TopQuery(msgspec.Struct, kw_only=True):
    """``id``: the event. ``by``: cpu or memory. ``seconds``: how long the processor is watched."""

    id: str = ""
    by: str = "cpu"
    limit: int = 10
    seconds: float = 1.0


class Process(msgspec.Struct, kw_only=True):
    """A process. ``cpu``: percent of one processor while it was watched; ``memory``: kilobytes."""

    pid: int
    name: str
    cpu: float
    memory: int


class Processes(msgspec.Struct, kw_only=True):
    """What takes most of a device."""

    ci_id: str
    name: str
    address: str
    results: list[Process]


@events.action("GET", "get-top-process/")
async def top_processes(ctx: Context, query: TopQuery) -> Processes:
    """Ask the device of an event which processes take most of its processors or its memory"""
    ctx.principal.require("asset", "execute")
    if query.by not in ("cpu", "memory") or not 1 <= query.limit <= 100 or not 0.1 <= query.seconds <= 10:
        raise Invalid.field("by", "by is cpu or memory, limit 1 to 100, seconds 0.1 to 10.")
    event = await verbs.entity_of(ctx, events, query.id)
    if not event.ci:
        raise Conflict("It is not known which item the event is about.")
    item = await item_of(ctx, event.ci)
    way = await way_to(ctx, item)
    try:
        async with asyncio.timeout(PATIENCE), Client(way.address, way.access) as device:
            first, began = await _column(device, RUN_CPU), asyncio.get_running_loop().time()
            await asyncio.sleep(query.seconds)
            second, passed = await _column(device, RUN_CPU), asyncio.get_running_loop().time() - began
            memory, names = await _column(device, RUN_MEMORY), await _column(device, (*RUNNING, 2))
    except (SnmpError, Malformed, TimeoutError) as error:
        raise Invalid(f"{str(error) or 'The device did not finish in time.'}", address=way.address) from None
    if not second:
        raise Conflict("The device does not tell its processes (HOST-RESOURCES-MIB).")
    # The counter is in hundredths of a second.
    found = [
        Process(pid=pid, name=text(names.get(pid)), cpu=max(0, number(used) - number(first.get(pid, used))) / passed,
                memory=number(memory.get(pid)))
        for pid, used in second.items()
    ]  # fmt: skip
    found.sort(key=lambda one: (-(one.cpu if query.by == "cpu" else one.memory), -one.memory, one.pid))
    return Processes(ci_id=item.id, name=item.name, address=way.address, results=found[: query.limit])


async def _column(device: Client, top: Oid) -> dict[int, Any]:
    found = await device.walk(top, limit=5000, repetitions=50)
    return {ber.oid_of(one[0])[-1]: value(one) for one in found if one[1] not in ber.EXCEPTIONS}
