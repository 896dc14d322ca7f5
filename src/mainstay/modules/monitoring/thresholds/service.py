"""The thresholds in force: an organization's own, and under them those that are shipped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from sqlalchemy import select

from mainstay.kernel.context import Context
from mainstay.kernel.database import ANY_ORGANIZATION
from mainstay.modules.assets.categories.service import classes
from mainstay.modules.assets.cmdb.tables import Ci
from mainstay.modules.assets.devicegroups.service import condition
from mainstay.modules.assets.devicegroups.tables import DeviceGroup
from mainstay.modules.monitoring.thresholds.engine import CATEGORY, GROUP, Place, Rules, Threshold, rules_for
from mainstay.modules.monitoring.thresholds.shipped import METRICS, SHIPPED
from mainstay.modules.monitoring.thresholds.tables import SCOPES, SECONDS, MonitorThreshold

if TYPE_CHECKING:
    from mainstay.kernel.platform import Platform

_BASE = {one.metric: one for one in SHIPPED}
_SHIPPED_ONLY = Rules(SHIPPED)
Devices = Mapping[tuple[str, str], str]
"""Organization and item → category."""


def threshold(row: MonitorThreshold) -> Threshold:
    """A stored row as the engine takes it; what it leaves open is as shipped for the measurement."""
    known = METRICS.get(row.metric)
    base = _BASE.get(row.metric) or Threshold(
        metric=row.metric, set_point=0, reset_point=0, unit=f" {known.unit}" if known and known.unit else "",
        label=known.label if known else "", event_class="Threshold Exceeded",
    )  # fmt: skip
    level = SCOPES[row.scope]
    target = row.device_group if level == GROUP else row.category if level == CATEGORY else row.ci
    return replace(
        base, set_point=row.set_point, reset_point=row.reset_point, condition=row.condition, statistic=row.statistic,
        points=row.poll_points, percent=row.breached_percent, hold=row.set_hold, reset_hold=row.reset_hold,
        seconds=row.hold_unit == SECONDS, severity=row.severity, event_class=row.event_class or base.event_class,
        set_message=row.set_message or base.set_message, reset_message=row.reset_message or base.reset_message,
        mark=f"{row.id}/{row.version}", level=level, target=target or "", part=row.resource, alarm=row.alarm,
    )  # fmt: skip


async def in_force(platform: Platform, devices: Devices) -> dict[tuple[str, str], Rules]:
    """What counts for each of these devices. Devices without thresholds of their own are left out: see ``shipped``."""
    async with platform.work(ANY_ORGANIZATION, write=False) as ctx:
        query = select(MonitorThreshold).where(MonitorThreshold.is_enabled.is_(True))
        own: dict[str, list[Threshold]] = {}
        for row in (await ctx.session.execute(query)).scalars():
            own.setdefault(row.organization, []).append(threshold(row))
    found: dict[tuple[str, str], Rules] = {}
    for organization, given in own.items():
        mine = {ci: category for (owner, ci), category in devices.items() if owner == organization}
        if mine:
            async with platform.work(organization, write=False) as ctx:
                made = await _rules(ctx, given, mine)
            found |= {(organization, ci): rules for ci, rules in made.items()}
    return found


async def of_item(ctx: Context, ci: str, category: str) -> Rules:
    """What counts for one item."""
    query = select(MonitorThreshold).where(MonitorThreshold.is_enabled.is_(True))
    given = [threshold(row) for row in (await ctx.session.execute(query)).scalars()]
    return (await _rules(ctx, given, {ci: category})).get(ci) or shipped()


async def _rules(ctx: Context, given: list[Threshold], devices: Mapping[str, str]) -> dict[str, Rules]:
    within = {key: frozenset(one.path) for key, one in (await classes(ctx)).items()}
    groups = await _groups(ctx, {one.target for one in given if one.level == GROUP})
    found: dict[str, Rules] = {}
    for ci, category in devices.items():
        place = Place(ci=ci, category=category, groups=frozenset(key for key, cis in groups.items() if ci in cis))
        about = rules_for(place, given, within)
        if about:
            found[ci] = Rules([*about, *SHIPPED])
    return found


def shipped() -> Rules:
    """What counts where an organization says nothing else."""
    return _SHIPPED_ONLY


async def _groups(ctx: Context, wanted: set[str]) -> dict[str, set[str]]:
    """The items of device groups."""
    found: dict[str, set[str]] = {}
    if wanted:
        query = select(DeviceGroup).where(DeviceGroup.id.in_(sorted(wanted)), DeviceGroup.is_enabled.is_(True))
        for group in list((await ctx.session.execute(query)).scalars()):
            held = await ctx.session.execute(select(Ci.id).where(await condition(ctx, group)))
            found[group.id] = set(held.scalars())
    return found
