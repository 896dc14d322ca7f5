"""Which items are in which group, and which groups somebody is confined to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, false, func, or_, select

from mainstay.kernel import query, rows
from mainstay.kernel.access.auth import on_authentication
from mainstay.kernel.context import Context, Principal
from mainstay.kernel.database import ANY_ORGANIZATION, confine
from mainstay.kernel.errors import Forbidden
from mainstay.kernel.generation import CONFIGURATION
from mainstay.kernel.store import CHUNK
from mainstay.modules.assets.cmdb.tables import Ci
from mainstay.modules.assets.devicegroups.tables import DeviceGroup, DeviceGroupMember

CONFIGURATION.add("device_group")
Known = dict[str, tuple[frozenset[str], frozenset[str], ColumnElement[bool]]]
"""Group → users, roles, and the condition on items."""


async def condition(ctx: Context, group: DeviceGroup) -> ColumnElement[bool]:
    """The condition that an item is in the group. Raises ``Invalid`` for filters that do not hold together."""
    listed = Ci.id.in_(
        select(DeviceGroupMember.ci).where(
            DeviceGroupMember.group == group.id, DeviceGroupMember.organization == group.organization
        )
    )
    ruled = await ruled_by(ctx, group.device_group_filters)
    return listed if ruled is None else or_(listed, ruled)


async def ruled_by(ctx: Context, filters: Any) -> ColumnElement[bool] | None:
    """The condition of a group's filters; ``None`` where there are none. Raises ``Invalid``."""
    if not filters:
        return None
    res = ctx.platform.registry.resources["ci"]
    return query.where(await rows.source(ctx, res), query.parse_filters(filters))


async def known(ctx: Context) -> Known:
    """The enabled groups of the caller's organization, from memory while its configuration is unchanged."""
    memory: dict[str, tuple[int, Known]] = ctx.platform.memory.setdefault("device_groups", {})
    kept = memory.get(ctx.organization)
    generation = ctx.principal.generation
    if kept is not None and kept[0] == generation and generation >= 0:
        return kept[1]
    found = (await ctx.session.execute(select(DeviceGroup).where(DeviceGroup.is_enabled.is_(True)))).scalars()
    made = {row.id: (frozenset(row.users), frozenset(row.roles), await condition(ctx, row)) for row in found}
    memory[ctx.organization] = (generation, made)
    return made


@on_authentication
async def assign(ctx: Context, who: Principal) -> None:
    """Note the groups that the caller is confined to. Administrators are not."""
    if who.is_admin:
        return
    kept = ctx.platform.memory.get("device_groups", {}).get(who.organization)
    if kept is not None and kept[0] == who.generation:
        found: Known = kept[1]
    else:
        confine(ctx.session, who.organization)
        found = await known(replace(ctx, principal=who, cache={}))
        confine(ctx.session, ANY_ORGANIZATION)
    roles = set(who.roles)
    who.groups = tuple(
        sorted(key for key, (users, given, _) in found.items() if who.profile_id in users or roles & given)
    )


def visible(ctx: Context) -> ColumnElement[bool] | None:
    """The condition on items that the caller may see; ``None``: all of them."""
    if not ctx.principal.groups:
        return None
    kept = ctx.platform.memory.get("device_groups", {}).get(ctx.organization)
    # A process that has not read the groups shows nothing rather than everything.
    conditions = [kept[1][key][2] for key in ctx.principal.groups if key in kept[1]] if kept else []
    return or_(false(), *conditions)


async def require(ctx: Context, ids: Sequence[str]) -> None:
    """Raises ``Forbidden`` when one of the items is not in the caller's groups."""
    if not ctx.principal.groups:
        return
    await known(ctx)
    seen = 0
    for start in range(0, len(ids), CHUNK):
        part = list(ids[start : start + CHUNK])
        statement = select(func.count()).select_from(Ci).where(Ci.id.in_(part), visible(ctx))  # type: ignore[arg-type]
        seen += int(await ctx.session.scalar(statement) or 0)
    if seen < len(ids):
        raise Forbidden("You may only keep items that are in your device groups.")
