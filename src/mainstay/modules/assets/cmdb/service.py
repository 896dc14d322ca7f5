"""What holds for every item: its source, its addresses, what goes along when it goes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import delete, insert, select, update

from mainstay.kernel import direct, store
from mainstay.kernel.context import Context
from mainstay.kernel.store import CHUNK
from mainstay.modules.assets.cmdb import engine, identity
from mainstay.modules.assets.cmdb.parts import PARTS, CiClaim, CiSighting
from mainstay.modules.assets.cmdb.tables import PEOPLE, Ci, CiAddress
from mainstay.modules.people.users.service import on_leaving

IMPORTS = ("upload-csv", "create-csv", "upload-bulk-inventory-csv", "bulk-inventory-create-csv")
MANUAL, CSV, API = "manual", "csv", "api"
_STORED = re.compile(r"[0-9a-f]{2}(?::[0-9a-f]{2}){5}(?:(?::[0-9a-f]{2}){2})?")
_TABLE: Any = CiAddress.__table__
_INSERT = direct.Statement(insert(_TABLE), [column.key for column in _TABLE.columns])


def source_of(ctx: Context) -> str:
    """By which way a write comes: the API with a key, an import, or somebody's hand."""
    if ctx.url.rstrip("/").endswith(IMPORTS) or (not ctx.url and ctx.principal.kind != "system"):
        return CSV
    return API if ctx.principal.by_key else MANUAL


def mac(raw: str) -> str:
    """A hardware address as it is stored: six or eight octets in lower case with colons; else as it was given."""
    if _STORED.fullmatch(raw):
        return raw
    digits = re.sub(r"[^0-9A-Fa-f]", "", raw)
    if len(digits) not in (12, 16) or re.search(r"[^0-9A-Fa-f:.\- ]", raw):
        return raw.strip()
    return ":".join(digits[i : i + 2] for i in range(0, len(digits), 2)).lower()


def allocate(ctx: Context, values: dict[str, Any], before: Mapping[str, Any]) -> None:
    """Let the allocation follow the state and the people of an item."""
    merged = {**before, **values} if before else values
    state = merged.get("status")
    if values.get("status") in (engine.IN_STOCK, engine.RETURNED, *engine.GONE) and before:
        for name in ("used_by", "requester"):
            if before.get(name) and values.get(name, before[name]) == before[name]:
                values[name] = merged[name] = None
    holds = bool(merged.get("used_by") or merged.get("requester"))
    if state == engine.ALLOCATED:
        holds = holds or bool(merged.get("department"))
    was = before.get("allocation")
    if holds and was != "allocated":
        values.update(allocation="allocated", allocated_at=ctx.now)
    elif not holds and was == "allocated":
        values.update(allocation="deallocated", allocated_at=None)


async def add_addresses(ctx: Context, rows: Iterable[Mapping[str, Any]], source: str) -> None:
    """Note the address of new items."""
    made = [{"address": row["ip_address"], "ci": row["id"]} for row in rows if row.get("ip_address")]
    if made:
        database = ctx.platform.database
        common = {"organization": ctx.organization, "management": True, "source": source, "last_seen": ctx.now}
        await direct.insert(database, ctx.session, _INSERT.on(database), made, common)


async def move_address(ctx: Context, entity: Ci, old: str) -> None:
    """The item's own address was changed by hand: the old one is no longer its."""
    if old:
        gone = delete(CiAddress).where(CiAddress.ci == entity.id, CiAddress.address == old)
        await ctx.session.execute(gone.execution_options(synchronize_session=False))
    if entity.ip_address:
        known = update(CiAddress).where(CiAddress.ci == entity.id, CiAddress.address == entity.ip_address)
        done = await ctx.session.execute(
            known.values(management=True, last_seen=ctx.now).execution_options(synchronize_session=False)
        )
        if not done.rowcount:  # type: ignore[attr-defined]
            row = {"id": entity.id, "ip_address": entity.ip_address}
            await add_addresses(ctx, [row], source_of(ctx))


async def drop(ctx: Context, ids: Sequence[str]) -> None:
    """Before items go: what belongs to them alone goes along."""
    await identity.forget(ctx, ids)
    for start in range(0, len(ids), CHUNK):
        part = list(ids[start : start + CHUNK])
        models: tuple[Any, ...] = (CiAddress, CiSighting, CiClaim, *PARTS.values())
        for model in models:
            gone = delete(model).where(model.ci.in_(part))
            await ctx.session.execute(gone.execution_options(synchronize_session=False))
        children = select(Ci.id).where(Ci.parent.in_(part), Ci.id.not_in(part))
        await store.update_many(ctx, Ci, list((await ctx.session.execute(children)).scalars()), {"parent": None})


@on_leaving
async def give_back(ctx: Context, profiles: Sequence[str], deleted: bool) -> None:
    """Whoever leaves is taken off every item; what they used is free again."""
    for name in PEOPLE:
        if name == "requester":
            continue
        column = getattr(Ci, name)
        found = list((await ctx.session.execute(select(Ci.id).where(column.in_(list(profiles))))).scalars())
        values: dict[str, Any] = {name: None}
        if name == "used_by":
            values.update(allocation="deallocated", allocated_at=None)
        await store.update_many(ctx, Ci, found, values)
