"""Which devices cannot be reached only because another one is down: told by the links of the topology.

A device with a neighbour that answers is where the trouble is. One without is behind a neighbour that is down, too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection

from sqlalchemy import or_, select

from mainstay.kernel.context import Context
from mainstay.kernel.store import CHUNK
from mainstay.modules.monitoring.polling.tables import UNKNOWN, Polled
from mainstay.modules.monitoring.topology.tables import TopologyLink

Down = Callable[[Context, Collection[str]], Awaitable[dict[str, str]]]
"""Of items those that are down, each with the event that says so."""


async def behind(ctx: Context, lost: Collection[str], down: Down) -> dict[str, list[str]]:
    """Items that cannot be reached → events of the neighbours that they may be behind, the likeliest first."""
    near = await neighbours(ctx, lost)
    around = {one for every in near.values() for one in every}
    if not around:
        return {}
    events = await down(ctx, around)
    beyond = await neighbours(ctx, events)
    known = around | {one for every in beyond.values() for one in every}
    answering = await _watched(ctx, known) - (await down(ctx, known)).keys() - set(lost)
    found = {}
    for ci, every in near.items():
        if not every & answering:
            # First one that the others still reach, else the one with most links: it is nearer to the rest.
            likely = sorted(
                every & events.keys(), key=lambda one: (not beyond[one] & answering, -len(beyond[one]), one)
            )
            found[ci] = [events[one] for one in likely]
    return found


async def neighbours(ctx: Context, items: Collection[str]) -> dict[str, set[str]]:
    """The items that these are linked with."""
    found: dict[str, set[str]] = defaultdict(set)
    every = set(items)
    ordered = sorted(every)
    for start in range(0, len(ordered), CHUNK):
        part = ordered[start : start + CHUNK]
        query = select(TopologyLink.near, TopologyLink.far).where(
            or_(TopologyLink.near.in_(part), TopologyLink.far.in_(part)), TopologyLink.far != "",
            TopologyLink.missing_since.is_(None), TopologyLink.near != TopologyLink.far,
        )  # fmt: skip
        for near, far in (await ctx.session.execute(query)).all():
            for one, other in ((near, far), (far, near)):
                if one in every:
                    found[one].add(other)
    return found


async def _watched(ctx: Context, items: Collection[str]) -> set[str]:
    """Those of which the poller knows how they are."""
    found: set[str] = set()
    ordered = sorted(items)
    for start in range(0, len(ordered), CHUNK):
        query = select(Polled.ci).where(
            Polled.ci.in_(ordered[start : start + CHUNK]), Polled.enabled.is_(True), Polled.state != UNKNOWN
        )
        found |= set((await ctx.session.execute(query)).scalars())
    return found
