"""Walks over relations: level by level, each item once, so that circles end and depth is the shortest distance.

``propagate`` is pure; the walks ask the database once per level, however wide the level is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from mainstay.kernel.context import Context
from mainstay.modules.assets.relations import service, steps
from mainstay.modules.assets.relations.service import Kind
from mainstay.modules.assets.relations.steps import BOTH, DEPENDENCY, DIRECTIONS, DOWN, IMPACT, UP

__all__ = ["BOTH", "DEPENDENCY", "DIRECTIONS", "DOWN", "IMPACT", "UP"]

MAX_DEPTH = 50
MAX_NODES = 20_000
Reliance = tuple[str, str, str]
"""(provider, dependent, type)"""
Edge = tuple[str, str, str]
"""(source, target, type)"""


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
    depths = dict.fromkeys(start, 0)
    legs = steps.legs(direction, await steps.used(ctx, types))
    along = [leg.along for leg in legs]
    wave, edges, truncated = list(depths), list[Edge](), False
    for level in range(1, min(depth, MAX_DEPTH) + 1):
        if not wave:
            break
        onward: list[str] = []
        for here, there, type_, leg in await steps.lead_on(ctx, wave, legs):
            if there not in depths:
                if len(depths) >= limit:
                    truncated = True
                    continue
                depths[there] = level
                onward.append(there)
            edges.append((here, there, type_) if along[leg] else (there, here, type_))
        wave = onward
    # What leads both ways was met from both ends.
    return Walk(depths, list(dict.fromkeys(edges)), truncated)


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

    An item lives while, of every type by which it relies on something, one provider lives; of the types in
    ``needs_all``, every one. Who is not in ``hit`` lives. Items that only hold each other up do not live: support has
    to come from outside a circle.
    """
    needs: dict[str, set[str]] = defaultdict(set)
    groups: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    supports: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for provider, dependent, type_ in relies:
        if provider == dependent:
            continue
        if type_ in needs_all:
            needs[dependent].add(provider)
        else:
            groups[dependent][type_].add(provider)
            supports[provider].add((dependent, type_))
    alive = set(hit)
    while True:
        sure = _supported(alive, failed | hit, groups, supports)
        left = {
            item for item in sure if not any(one in failed or (one in hit and one not in sure) for one in needs[item])
        }
        if left == alive:
            return alive
        alive = left


def _supported(
    among_: set[str],
    doubtful: set[str],
    groups: Mapping[str, Mapping[str, set[str]]],
    supports: Mapping[str, set[tuple[str, str]]],
) -> set[str]:
    """Those that have a provider of every type whose support leads outside of what is doubtful."""
    waiting = {item: {type_ for type_, providers in groups[item].items() if providers <= doubtful} for item in among_}
    sure = {item for item, types in waiting.items() if not types}
    wave = list(sure)
    while wave:
        for onward, type_ in supports.get(wave.pop(), ()):
            if onward in among_ and type_ in waiting[onward]:
                waiting[onward].discard(type_)
                if not waiting[onward]:
                    sure.add(onward)
                    wave.append(onward)
    return sure
