"""A discovery at another site: its addresses are ordered from a collector, which asks them and brings the answers.

An order is there until its run has taken what was brought, so that neither a restart here nor one at the site loses
or doubles anything. What becomes of the answers is decided here, as for addresses that this server asks itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

import msgspec
import structlog
from sqlalchemy import delete, func, insert, or_, select

from mainstay.kernel.context import Context
from mainstay.kernel.errors import Conflict, Invalid, Unavailable
from mainstay.kernel.handover import Damaged, HandOver, hand_over
from mainstay.kernel.tasks import FINISHED, AsyncTask
from mainstay.modules.monitoring.collectors.tables import NEW, ONLINE, Collector
from mainstay.modules.monitoring.collectors.wire import Scan
from mainstay.modules.monitoring.credentials.service import Address, Span, inside, spans
from mainstay.modules.monitoring.discovery import asking, reading
from mainstay.modules.monitoring.discovery.asking import KIND, Account, Envelope, Heard, Way
from mainstay.modules.monitoring.discovery.probing import Look, Setup, barred, judged
from mainstay.modules.monitoring.discovery.tables import Brought, Order

if TYPE_CHECKING:
    from mainstay.kernel.platform import Platform

log = structlog.stdlib.get_logger("mainstay.discovery")
BATCH, PAUSE = 256, 1.0
"""``BATCH``: addresses of one order; ``PAUSE``: seconds between two looks at what has come."""
PATIENCE = timedelta(minutes=5)
"""How long an order is waited for while nothing of it comes."""
NOT_ASKED = "not_asked"


async def chosen(ctx: Context, given: str, *, now: bool = False) -> str:
    """The id of the collector with this id or name; empty for none. Raises ``Invalid``, and with ``now`` ``Conflict``
    for one that is offline."""
    word = given.strip()
    if not word:
        return ""
    query = select(Collector.id, Collector.name, Collector.enabled, Collector.networks, Collector.state).where(
        or_(Collector.id == word, func.lower(Collector.name) == word.lower()), Collector.is_deleted.is_(False)
    )
    found = (await ctx.session.execute(query)).first()
    if found is None:
        raise Invalid.field("agent_id", f"There is no collector {word[:60]!r}.")
    if not found.enabled or not found.networks.strip():
        raise Invalid.field("agent_id", "This collector is turned off, or has no networks to ask in.")
    if now and found.state != ONLINE:
        why = "has never connected" if found.state == NEW else "is offline"
        told = f"The collector {found.name} {why}, so nobody can ask these addresses."
        raise Conflict(told, fields={"agent_id": [told]})
    return str(found.id)


async def look(
    platform: Platform, organization: str, iteration: str, given: Sequence[tuple[int, Address]], known: Setup,
    collector: str,
) -> list[Look]:  # fmt: skip
    """Have the addresses asked at the site; the outcome of each, in their order.

    Raises ``Unavailable`` when nothing comes at all.
    """
    looks = barred(given, known)
    async with platform.work(organization) as ctx:
        networks = await ctx.session.scalar(select(Collector.networks).where(Collector.id == collector))
        own = spans(networks or "", "networks")
        for (_number, address), one in zip(given, looks, strict=True):
            if not one.result and not inside(address, own):
                one.result, one.reason = "not_allowed", "It is outside the networks of the collector."
        asked = [one.address for one in looks if not one.result]
        if not asked:
            return await judged(looks, {}, known)
        number = given[0][0]
        if await ctx.session.get(Order, (ctx.organization, iteration, number)) is None:
            ctx.session.add(Order(
                organization=ctx.organization, iteration=iteration, number=number, collector=collector,
                content=_content(asked, known),
            ))  # fmt: skip
            await ctx.session.flush()
    why = await _arrived(platform, organization, iteration, number, len(asked))
    heard: dict[str, Heard] = {}
    async with platform.work(organization) as ctx:
        mine = (Brought.iteration == iteration, Brought.number == number)
        for raw in (await ctx.session.execute(select(Brought.heard).where(*mine))).scalars():
            came = asking.decoded(raw)
            heard[came.address] = came
    if not heard:
        # The rest would be waited for in the same way, order by order.
        raise Unavailable(why)
    for each in looks:
        if not each.result and each.address not in heard:
            each.result, each.reason = NOT_ASKED, why
    return await judged(looks, heard, known)


def _content(asked: Sequence[str], known: Setup) -> dict[str, Any]:
    # A site is given what its own addresses need, and no more.
    here = [ip_address(one) for one in asked]
    ways = [way for way in known.ways if not way.scope or any(inside(one, way.scope) for one in here)]
    return {
        "addresses": list(asked), "params": dict(known.params), "protocols": list(known.protocols),
        "tables": reading.wanted(known.params, known.follow), "insist": known.insist,
        "ways": [_told(way) for way in ways],
        "accounts": [_told(one) for one in known.accounts
                     if not one.scope or any(inside(each, one.scope) for each in here)],
        "keys": [[address, port, key] for (address, port), key in known.keys.items()],
    }  # fmt: skip


def _told(way: Way | Account) -> list[str]:
    return [way.id, way.name, ", ".join(f"{first}-{last}" for first, last in way.scope)]


async def _arrived(platform: Platform, organization: str, iteration: str, number: int, wanted: int) -> str:
    """Wait until everything has come; why not, where it does not."""
    before, since = -1, platform.now()
    while True:
        async with platform.work(organization, write=False) as ctx:
            query = select(func.count()).select_from(Brought).where(
                Brought.iteration == iteration, Brought.number == number
            )  # fmt: skip
            there = await ctx.session.scalar(query) or 0
            task = await ctx.session.get(AsyncTask, iteration)
            ended = task is None or task.status in FINISHED
        if there >= wanted:
            return ""
        if ended:
            return "Not asked: the run was ended."
        if there != before:
            before, since = there, platform.now()
        if platform.now() >= since + PATIENCE:
            return "The collector did not bring an answer in time."
        await asyncio.sleep(PAUSE)


async def done(ctx: Context, iteration: str, number: int | None = None) -> None:
    """Drop an order that was taken, or all of a run."""
    for model in (Order, Brought):
        gone = delete(model).where(model.iteration == iteration)
        if number is not None:
            gone = gone.where(model.number == number)
        await ctx.session.execute(gone.execution_options(synchronize_session=False))


@hand_over(KIND)
async def take(platform: Platform, given: HandOver) -> None:
    """Keep what a collector brought of orders that are its own; once, and nothing that was not ordered."""
    found: dict[tuple[str, int, str], bytes] = {}
    for raw in given.records:
        try:
            one = msgspec.msgpack.decode(raw, type=Envelope)
            heard = asking.decoded(one.heard)
        except (msgspec.MsgspecError, ValueError) as error:
            raise Damaged(f"What a discovery heard cannot be read: {str(error)[:200]}.") from None
        iteration, _dash, number = one.scan.rpartition("-")
        if heard.address != one.address or not number.isdecimal() or len(number) > 9:
            raise Damaged("What a discovery heard is not of the address that it names.")
        found[iteration, int(number), one.address] = one.heard
    async with platform.work(given.organization) as ctx:
        for iteration, position in sorted({key[:2] for key in found}):
            order = await ctx.session.get(Order, (ctx.organization, iteration, position))
            if order is None or order.collector != given.collector:
                continue  # a run that has ended meanwhile
            query = select(Brought.address).where(Brought.iteration == iteration, Brought.number == position)
            known = set((await ctx.session.execute(query)).scalars())
            fresh = [
                {"organization": ctx.organization, "iteration": iteration, "number": position, "address": key[2],
                 "heard": raw}
                for key, raw in found.items()
                if key[:2] == (iteration, position) and key[2] not in known and key[2] in order.content["addresses"]
            ]  # fmt: skip
            if fresh:
                await ctx.session.execute(insert(Brought), fresh)


async def scans(ctx: Context, collector: str, permitted: list[Span]) -> list[Scan]:
    """What a collector is to ask: of runs that are under way, without what it brought already."""
    query = select(Order).join(AsyncTask, AsyncTask.id == Order.iteration).where(
        Order.collector == collector, AsyncTask.status.not_in(FINISHED)
    )  # fmt: skip
    made = []
    for order in (await ctx.session.execute(query.order_by(Order.iteration, Order.number))).scalars():
        brought = select(Brought.address).where(
            Brought.iteration == order.iteration, Brought.number == order.number
        )  # fmt: skip
        there = set((await ctx.session.execute(brought)).scalars())
        given = msgspec.convert({**order.content, "id": f"{order.iteration}-{order.number}"}, Scan)
        # The settings may have changed since it was ordered.
        given.addresses = [
            one for one in given.addresses if one not in there and inside(ip_address(one), permitted)
        ]  # fmt: skip
        made.append(given)
    return made


__all__ = ["BATCH", "NOT_ASKED", "chosen", "done", "look", "scans"]
