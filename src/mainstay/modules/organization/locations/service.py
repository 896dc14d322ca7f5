"""The tree of locations: what is around a place and what is in it."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from sqlalchemy import select

from mainstay.kernel.context import Context
from mainstay.modules.organization.locations.tables import Location

MAX_DEPTH = 50
"""Levels that are followed; the rules keep circles out, this keeps a mistake from hanging a request."""


async def tree(ctx: Context) -> dict[str, tuple[str, str | None]]:
    """Every location's name and parent, by id. Remembered for this unit of work."""
    if "locations" not in ctx.cache:
        found = await ctx.session.execute(select(Location.id, Location.location_name, Location.parent))
        ctx.cache["locations"] = {row.id: (row.location_name, row.parent) for row in found.all()}
    known: dict[str, tuple[str, str | None]] = ctx.cache["locations"]
    return known


async def around(ctx: Context, location_id: str) -> list[str]:
    """The location and what it is part of, nearest first."""
    return ancestors(await tree(ctx), location_id)


def ancestors(known: dict[str, tuple[str, Any]], location_id: str) -> list[str]:
    """The path from a location to the top."""
    path: list[str] = []
    here: str | None = location_id
    while here in known and here not in path and len(path) < MAX_DEPTH:
        path.append(here)
        here = known[here][1]
    return path


def inside(known: dict[str, tuple[str, Any]], location_id: str) -> list[str]:
    """The location and everything that is part of it."""
    children: dict[str | None, list[str]] = defaultdict(list)
    for key, (_, parent) in known.items():
        children[parent].append(key)
    found, wave = [location_id], [location_id]
    for _ in range(MAX_DEPTH):
        wave = [child for place in wave for child in children.get(place, ()) if child not in found]
        if not wave:
            break
        found += wave
    return found
