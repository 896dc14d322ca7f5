"""Walks over relations, compared with the same walk done in memory."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Collection

import pytest
from sqlalchemy import update

from mainstay.kernel import store
from mainstay.kernel.record import new_id
from mainstay.modules.assets.relations import graph, service, steps
from mainstay.modules.assets.relations.graph import Edge
from mainstay.modules.assets.relations.service import Kind
from mainstay.modules.assets.relations.tables import Relation
from tests.support import World, make_world

ITEMS = 60


def leads(edge: Edge, here: str, direction: str, types: dict[str, Kind]) -> str | None:
    """Where a relation leads from here, if it does."""
    source, target, type_ = edge
    if type_ not in types or here not in (source, target):
        return None
    kind, other = types[type_], target if here == source else source
    if direction in (graph.IMPACT, graph.DEPENDENCY):
        relying = {"source": (source,), "target": (target,), "both": (source, target), "none": ()}[kind.impact]
        wanted = other if direction == graph.IMPACT else here
        return other if kind.enabled and wanted in relying else None
    ways = {graph.DOWN: (source,), graph.UP: (target,), graph.BOTH: (source, target)}[direction]
    return other if here in ways else None


def walked(
    edges: Collection[Edge], start: str, direction: str, depth: int, types: dict[str, Kind]
) -> tuple[dict[str, int], set[Edge]]:
    """The walk as it is meant: by looking at every relation, again and again."""
    depths, gone = {start: 0}, set[Edge]()
    for level in range(1, depth + 1):
        for here in [key for key, at in depths.items() if at == level - 1]:
            for edge in edges:
                there = leads(edge, here, direction, types)
                if there is not None:
                    depths.setdefault(there, level)
                    gone.add(edge)
    return depths, gone


async def tangle(world: World) -> tuple[list[str], list[Edge]]:
    """Relations of every type between items picked at random, some of them deleted again; and another's."""
    dice = random.Random(5)
    ids = [new_id() for _ in range(ITEMS)]
    async with world.platform.work(world.organization) as ctx:
        kinds = sorted(await service.kinds(ctx))
        made = {(*dice.sample(ids, 2), dice.choice(kinds)) for _ in range(3 * ITEMS)}
        rows = [{"source": source, "target": target, "type": type_} for source, target, type_ in sorted(made)]
        full = await store.add_many(ctx, Relation, rows)
        gone = full[::5]
        await store.remove_many(ctx, Relation, [row["id"] for row in gone])
        await store.add_many(ctx, Relation, [{"source": ids[0], "location": new_id(), "type": kinds[0]}])
    other = await make_world(world.platform, world.client)
    async with other.platform.work(other.organization) as ctx:
        foreign = [{"source": ids[0], "target": one, "type": type_} for one in ids[1:] for type_ in kinds]
        await store.add_many(ctx, Relation, foreign)
    left = {row["id"] for row in full} - {row["id"] for row in gone}
    return ids, [(row["source"], row["target"], row["type"]) for row in full if row["id"] in left]


@pytest.mark.parametrize("few", [True, False])
async def test_a_walk_goes_where_the_relations_lead(world: World, few: bool) -> None:
    ids, edges = await tangle(world)
    async with world.platform.work(world.organization, write=False) as ctx:
        kinds = await service.kinds(ctx)
        types = dict(list(kinds.items())[: steps.FEW]) if few else kinds
        for direction in graph.DIRECTIONS:
            for start in ids[:5]:
                for depth in (1, 3, 9):
                    found = await graph.walk(ctx, [start], direction, depth=depth, types=types)
                    depths, gone = walked(edges, start, direction, depth, types)
                    assert found.depth == depths, (direction, depth)
                    assert (set(found.edges), len(found.edges)) == (gone, len(gone)), (direction, depth)


async def test_a_disabled_type_passes_no_failure_on(world: World) -> None:
    ids, edges = await tangle(world)
    async with world.platform.work(world.organization, write=False) as ctx:
        kinds = {key: one._replace(enabled=one.code != "depends_on") for key, one in (await service.kinds(ctx)).items()}
        found = await graph.walk(ctx, ids[:1], graph.IMPACT, depth=9, types=kinds)
        assert found.depth == walked(edges, ids[0], graph.IMPACT, 9, kinds)[0]
        relies = await service.reliances(ctx, ids, kinds)
    wanted = {
        (leads(edge, here, graph.DEPENDENCY, kinds), here, edge[2])
        for here in ids
        for edge in edges
        if leads(edge, here, graph.DEPENDENCY, kinds)
    }
    assert set(relies) == wanted


async def test_a_walk_asks_once_per_level_and_sees_its_own_changes(world: World) -> None:
    ids = [new_id() for _ in range(300)]
    async with world.platform.work(world.organization) as ctx:
        kind = await service.kind(ctx, "depends_on")
        rows = [{"source": one, "target": ids[n // 10], "type": kind.id} for n, one in enumerate(ids) if n]
        await store.add_many(ctx, Relation, rows)
        types = {kind.id: kind}
        asked: list[str] = []
        mine = asyncio.current_task()

        def note(sql: str) -> None:
            if asyncio.current_task() is mine:  # followers of the feed ask, too
                asked.append(sql)

        world.platform.database.watchers.append(note)
        found = await graph.walk(ctx, ids[:1], graph.IMPACT, depth=9, types=types)
        world.platform.database.watchers.remove(note)
        assert max(found.depth.values()) == 3
        assert len(found.depth) == 300
        # Once for the types that there are relations of, then once per level.
        assert len([sql for sql in asked if "ci_relation.is_deleted" in sql]) == 1 + 4
        gone = update(Relation).where(Relation.source == ids[2]).values(is_deleted=True)
        await ctx.session.execute(gone)
        # 2, the ten that rely on it, and the hundred that rely on those.
        assert len((await graph.walk(ctx, ids[:1], graph.IMPACT, depth=9, types=types)).depth) == 300 - 111
        cut = await graph.walk(ctx, ids[:1], graph.IMPACT, depth=9, types=types, limit=7)
        assert (len(cut.depth), cut.truncated) == (7, True)
