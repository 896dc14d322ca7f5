"""Answers of lists kept in memory, and checked against the change feed on every request.

A queue that twenty agents look at is the same list until something in it changes. One statement asks for the newest
change of the resource and of everything it shows names of; while they are the same, so is the answer. Only for
resources whose every write goes through the store (``cache_lists``), and only where all callers with the same roles
see the same rows.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from typing import Any

import msgspec
from sqlalchemy import select

from mainstay.kernel import changes, direct, rows
from mainstay.kernel.context import Context
from mainstay.kernel.operation import Page, Reply
from mainstay.kernel.query import ListQuery
from mainstay.kernel.resource import Resource
from mainstay.kernel.statements import plain

ENTRIES = 256
LARGEST = 1_000_000
"""Bytes of an answer that is worth keeping."""


async def answer(ctx: Context, res: Resource[Any], wanted: ListQuery, document: Any) -> Page | Reply:
    """The page, from memory where that is exact."""
    if not res.cache_lists or res.behaviour.visible(ctx) is not None or ctx.principal.generation < 0:
        return await rows.page(ctx, res, wanted, document)
    heads = await _heads(ctx, res)
    memory: OrderedDict[Any, tuple[Any, bytes, str]] = ctx.platform.memory.setdefault("lists", OrderedDict())
    who = ctx.principal
    key = (ctx.url, who.organization, who.roles, who.kind, msgspec.json.encode(wanted), msgspec.json.encode(document))
    kept = memory.get(key)
    if heads is None or kept is None or kept[0] != heads:
        body = msgspec.json.encode(await rows.page(ctx, res, wanted, document))
        kept = (heads, body, f'"{hashlib.sha256(body).hexdigest()[:32]}"')
        if heads is not None and len(body) <= LARGEST:
            memory[key] = kept
            if len(memory) > ENTRIES:
                memory.popitem(last=False)
    else:
        memory.move_to_end(key)
    _heads_seen, body, tag = kept
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    if ctx.headers.get("if-none-match") == tag:
        return Reply(b"", status=304, headers=headers)
    return Reply(body, headers=headers)


async def _heads(ctx: Context, res: Resource[Any]) -> tuple[Any, ...] | None:
    """What the answer depends on, as of now; ``None`` while an older change may still be on its way."""
    database = ctx.platform.database
    # A declaration outlives a database, and the two kinds say differently what is settled.
    key = ("heads", database.is_sqlite)
    if key not in res.memory:
        names = sorted({res.name, *(spec.reference for spec in res.links.values())})
        newest = [changes.newest(name).label(f"head_{name}") for name in names]
        res.memory[key] = direct.Statement(plain(select(*newest, changes.settled(database.is_sqlite).label("settled"))))
    asked = res.memory[key].on(database)
    (row,) = await direct.run(database, ctx.session, asked, {"in_organization": ctx.organization})
    return (ctx.principal.generation, *row[:-1]) if row[-1] else None
