"""Walks over relations: level by level, each item once, so that circles end and depth is the shortest distance.

``propagate`` is pure; the walks ask the database once or twice per level, however wide the level is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import select

from mainstay.kernel.context import Context
from mainstay.modules.assets.relations import service
from mainstay.modules.assets.relations.service import Kind, among
from mainstay.modules.assets.relations.tables import Relation

IMPACT, DEPENDENCY, DOWN, UP, BOTH = "impact", "dependency", "downstream", "upstream", "both"
DIRECTIONS = (IMPACT, DEPENDENCY, DOWN, UP, BOTH)
MAX_DEPTH = 50
MAX_NODES = 20_000
Reliance = tuple[str, str, str]
"""(provider, dependent, type)"""


class Edge(NamedTuple):
    """A relation that a walk went along."""

    source: str
    target: str
    type: str


@dataclass(slots=True)
class Walk:
    """What a walk found: how far each item is from where it began, and the relations on the way."""

    depth: dict[str, int]
    edges: list[Edge] = field(default_factory=list)
    truncated: bool = False


async def walk(
    ctx: Context,
    start: Collection[str],
    direction: str,
    *,
    depth: int = 5,
    types: Mapping[str, Kind],
    limit: int = MAX_NODES,
) -> Walk:
    """Follow relations from ``start``.

    impact: to what fails along; dependency: to what is relied on; downstream and upstream: along the arrows and
    against them, whatever they mean; both: either way.
    """
    found = Walk(dict.fromkeys(start, 0))
    seen: set[Edge] = set()
    wave = list(found.depth)
    for level in range(1, min(depth, MAX_DEPTH) + 1):
        if not wave:
            break
        onward: list[str] = []
        for edge, reached in await _step(ctx, wave, direction, dict(types)):
            if reached not in found.depth:
                if len(found.depth) >= limit:
                    found.truncated = True
                    continue
                found.depth[reached] = level
                onward.append(reached)
            if edge not in seen:
                seen.add(edge)
                found.edges.append(edge)
        wave = onward
    return found


async def _step(ctx: Context, wave: list[str], direction: str, types: dict[str, Kind]) -> list[tuple[Edge, str]]:
    """The relations that lead on from these items, with where each leads."""
    if direction in (IMPACT, DEPENDENCY):
        ask = service.dependents if direction == IMPACT else service.reliances
        out = []
        for provider, dependent, type_ in await ask(ctx, wave, types):
            relies = types[type_].impact != "target"
            edge = Edge(dependent, provider, type_) if relies else Edge(provider, dependent, type_)
            out.append((edge, dependent if direction == IMPACT else provider))
        return out
    steps: list[tuple[Any, Any]] = []
    if direction in (DOWN, BOTH):
        steps.append((Relation.source, Relation.target))
    if direction in (UP, BOTH):
        steps.append((Relation.target, Relation.source))
    out = []
    for here, there in steps:
        query = select(Relation.source, Relation.target, Relation.type).where(
            among(ctx, here, wave), among(ctx, Relation.type, types, "types"), Relation.target.is_not(None)
        )
        for row in (await ctx.session.execute(query)).all():
            edge = Edge(row[0], str(row[1]), row[2])
            out.append((edge, edge.target if there is Relation.target else edge.source))
    return out


@dataclass(slots=True)
class Failure:
    """What a failure would mean."""

    failed: set[str]
    lost: dict[str, int]
    """Items that lose their last path, with their distance from the failure."""
    degraded: dict[str, int]
    """Items that lose a path and keep another."""
    truncated: bool


async def what_if(
    ctx: Context, failed: Collection[str], types: Mapping[str, Kind], *, limit: int = MAX_NODES
) -> Failure:
    """What loses its last path if these items fail."""
    reached = await walk(ctx, failed, IMPACT, depth=MAX_DEPTH, types=types, limit=limit)
    hit = {key: level for key, level in reached.depth.items() if level}
    relies = await service.reliances(ctx, list(hit), dict(types))
    alive = propagate(set(failed), set(hit), relies, {key for key, one in types.items() if one.needs_all})
    # Only who relies on something that is down has lost a path at all.
    down = set(failed) | (set(hit) - alive)
    touched = {dependent for provider, dependent, _type in relies if provider in down}
    return Failure(
        failed=set(failed),
        lost={key: level for key, level in hit.items() if key not in alive},
        degraded={key: level for key, level in hit.items() if key in alive and key in touched},
        truncated=reached.truncated,
    )


def propagate(failed: set[str], hit: set[str], relies: Iterable[Reliance], needs_all: Collection[str]) -> set[str]:
    """Those of ``hit`` that stay alive when ``failed`` fail.

    An item lives while everything it needs unconditionally lives, and one of its alternatives does. Who is not in
    ``hit`` lives. Items that only hold each other up do not live: support has to come from outside a circle.
    """
    needs: dict[str, set[str]] = defaultdict(set)
    alternatives: dict[str, set[str]] = defaultdict(set)
    supports: dict[str, set[str]] = defaultdict(set)
    for provider, dependent, type_ in relies:
        if provider == dependent:
            continue
        (needs if type_ in needs_all else alternatives)[dependent].add(provider)
        if type_ not in needs_all:
            supports[provider].add(dependent)
    alive = set(hit)
    while True:
        # From those whose support is beyond doubt, onward.
        sure = {
            item
            for item in alive
            if not alternatives[item] or any(one not in failed and one not in hit for one in alternatives[item])
        }
        wave = list(sure)
        while wave:
            item = wave.pop()
            for onward in supports.get(item, ()):
                if onward in alive and onward not in sure:
                    sure.add(onward)
                    wave.append(onward)
        left = {
            item for item in sure if not any(one in failed or (one in hit and one not in sure) for one in needs[item])
        }
        if left == alive:
            return alive
        alive = left
