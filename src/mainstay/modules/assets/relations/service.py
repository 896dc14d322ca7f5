"""Relations as other features use them: the types, links made by programs, the parents of an item."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, or_, select, update

from mainstay.kernel import listed, store
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Invalid
from mainstay.kernel.generation import CONFIGURATION, cached
from mainstay.kernel.store import CHUNK
from mainstay.modules.assets.relations import steps
from mainstay.modules.assets.relations.tables import Relation, RelationType

CONFIGURATION.add("ci_relation_type")


class Kind(NamedTuple):
    """A type of relation, as walks need it."""

    id: str
    name: str
    reverse: str
    impact: str
    needs_all: bool
    code: str
    enabled: bool


class Link(NamedTuple):
    """A relation between two items that a program knows of; ``type`` is a code, a name or an id."""

    source: str
    type: str
    target: str
    source_port: str = ""
    target_port: str = ""
    description: str = ""


async def kinds(ctx: Context) -> dict[str, Kind]:
    """Every type by id."""
    return await cached(ctx, "ci_relation_types", _load)


async def _load(ctx: Context) -> dict[str, Kind]:
    query = select(RelationType).order_by(RelationType.name)
    return {
        row.id: Kind(row.id, row.name, row.reverse, row.impact, row.needs_all, row.code, row.is_enabled)
        for row in (await ctx.session.execute(query)).scalars()
    }


async def kind(ctx: Context, wanted: str) -> Kind:
    """A type by id, code or reading. Raises ``Invalid``."""
    known = await kinds(ctx)
    low = wanted.strip().lower()
    found = known.get(wanted) or next(
        (one for one in known.values() if low and low in (one.code, one.name.lower(), one.reverse.lower())), None
    )
    if found is None:
        raise Invalid.field("type", f"There is no type of relation {wanted[:80]!r}.")
    return found


async def chosen(ctx: Context, wanted: Collection[str]) -> dict[str, Kind]:
    """The enabled types, or those of them that are wanted. Raises ``Invalid``."""
    if wanted:
        return {one.id: one for one in [await kind(ctx, name) for name in wanted]}
    return {key: one for key, one in (await kinds(ctx)).items() if one.enabled}


def among(ctx: Context, column: Any, ids: Collection[str], name: str = "ids") -> ColumnElement[bool]:
    """The condition that a column holds one of many ids, as one bound value however many there are."""
    sqlite = ctx.platform.database.is_sqlite
    return listed.among(sqlite, column, listed.bound(sqlite, name, ids))


async def remove_of(ctx: Context, ids: Sequence[str]) -> None:
    """Before items go: their relations go, with their trail."""
    for start in range(0, len(ids), CHUNK):
        part = list(ids[start : start + CHUNK])
        query = select(Relation.id).where(or_(Relation.source.in_(part), Relation.target.in_(part)))
        await store.remove_many(ctx, Relation, list((await ctx.session.execute(query)).scalars()))


async def connect(ctx: Context, links: Iterable[Link], origin: str) -> int:
    """Make sure that these relations exist, set-wise; returns how many are new. Those that exist are seen again, and
    those of the same origin whose ports nobody names any more get the ports that are named now."""
    wanted: dict[tuple[str, str, str], Link] = {}
    ports: dict[tuple[str, str, str], set[tuple[str, str]]] = {}
    for link in links:
        if link.source != link.target:
            key = (link.source, (await kind(ctx, link.type)).id, link.target)
            wanted.setdefault(key, link)
            ports.setdefault(key, set()).add((link.source_port, link.target_port))
    if not wanted:
        return 0
    known: dict[tuple[str, str, str], str] = {}
    moved: dict[str, Link] = {}
    sources = sorted({key[0] for key in wanted})
    for start in range(0, len(sources), CHUNK):
        columns = (Relation.id, Relation.source, Relation.type, Relation.target, Relation.source_port,
                   Relation.target_port, Relation.origin)  # fmt: skip
        query = select(*columns).where(
            Relation.source.in_(sources[start : start + CHUNK]), Relation.target.is_not(None)
        )
        for row in (await ctx.session.execute(query)).all():
            key = (row[1], row[2], str(row[3]))
            known[key] = row[0]
            if key in wanted and row.origin == origin and (row.source_port, row.target_port) not in ports[key]:
                moved[row[0]] = wanted[key]
    again = [known[key] for key in wanted if key in known]
    for start in range(0, len(again), CHUNK):
        seen = update(Relation).where(Relation.id.in_(again[start : start + CHUNK])).values(last_seen=ctx.now)
        await ctx.session.execute(seen.execution_options(synchronize_session=False))
    for relation, link in moved.items():
        values = {"source_port": link.source_port, "target_port": link.target_port, "description": link.description}
        await store.update_many(ctx, Relation, [relation], values)
    fresh = [
        {
            "source": key[0],
            "type": key[1],
            "target": key[2],
            "source_port": link.source_port,
            "target_port": link.target_port,
            "description": link.description,
            "origin": origin,
            "last_seen": ctx.now,
        }
        for key, link in wanted.items()
        if key not in known
    ]
    await store.add_many(ctx, Relation, fresh)
    return len(fresh)


async def parents(ctx: Context, ci_ids: Collection[str]) -> dict[str, set[str]]:
    """What each item directly relies on: those whose failure hits it. Items that rely on nothing are left out."""
    found: dict[str, set[str]] = {}
    for provider, dependent, _type in await reliances(ctx, ci_ids, await kinds(ctx)):
        found.setdefault(dependent, set()).add(provider)
    return found


async def reliances(ctx: Context, dependents: Collection[str], types: dict[str, Kind]) -> list[tuple[str, str, str]]:
    """(provider, dependent, type) for everything that these items directly rely on."""
    found = await steps.lead_on(ctx, dependents, steps.legs(steps.DEPENDENCY, types))
    return [(provider, dependent, type_) for dependent, provider, type_, _leg in found]
