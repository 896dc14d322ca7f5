"""The rules in force in an organization: its own templates, then those that are shipped."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, String, cast, func, literal, select, union_all

from mainstay.kernel.access.tables import User
from mainstay.kernel.context import Context
from mainstay.kernel.database import ANY_ORGANIZATION
from mainstay.kernel.files import Attachment
from mainstay.modules.monitoring.templates.engine import Facts, Identity, Library, System
from mainstay.modules.monitoring.templates.library import shipped
from mainstay.modules.monitoring.templates.statistics import Statistic, checked
from mainstay.modules.monitoring.templates.tables import DeviceTemplate

if TYPE_CHECKING:
    from mainstay.kernel.platform import Platform


ICONS, KEPT_AS = ("device", "vendor", "os"), "device_template_icon"
"""Kinds of icons, and what their attachments belong to: they are no files of the template."""
PATH = "/ux/ims/device-template/"


async def icons_of(ctx: Context, templates: Collection[str]) -> dict[str, dict[str, str]]:
    """Where the icons of these templates are served, by template; of those that have any."""
    return _served((await ctx.session.execute(_icons(templates))).all()) if templates else {}


async def icons_and_names(
    ctx: Context, templates: Collection[str], numbers: Collection[int]
) -> tuple[dict[str, dict[str, str]], dict[int, str]]:
    """The same, and the names of users by their number: in one statement, for lists."""
    named = func.coalesce(func.nullif(User.full_name, ""), User.username)
    people = select(literal(""), cast(User.number, String), named).where(User.number.in_(numbers))
    rows = (await ctx.session.execute(union_all(_icons(templates), people))).all()
    return _served(row for row in rows if row[0]), {int(row[1]): row[2] for row in rows if not row[0]}


def _icons(templates: Collection[str]) -> Select[str, str, str]:
    query = select(Attachment.id, Attachment.record_id, Attachment.part)
    return query.where(Attachment.resource == KEPT_AS, Attachment.record_id.in_(templates))


def _served(rows: Iterable[Any]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for icon, template, kind in rows:
        # Another address for another picture.
        found.setdefault(template, {})[f"{kind}_icon"] = f"{PATH}{template}/icon/{kind}/?v={icon}"
    return found


class Layered(Library):
    """Own rules before the others: what they leave open the others may say."""

    def __init__(self, own: Library, base: Library, models: Mapping[str, str]) -> None:
        super().__init__((), {})
        self._own, self._base, self._models = own, base, models

    def candidates(self, sys_object_id: str) -> list[System]:
        return [*self._own.candidates(sys_object_id), *self._base.candidates(sys_object_id)]

    def match(self, facts: Facts) -> System | None:
        return self._own.match(facts) or self._base.match(facts)

    def telling(self, facts: Facts) -> list[str]:
        return [*self._own.telling(facts), *self._base.telling(facts)]

    def wanted(self, facts: Facts) -> list[str]:
        return [*self._own.wanted(facts), *self._base.wanted(facts)]

    def identify(self, facts: Facts) -> Identity:
        base = self._base.identify(facts)
        system = self._own.match(facts)
        if system is None:
            return base
        own = self._own.identify(facts)
        own = replace(own, model=self._models.get(system.template) or base.model)
        empty = {one.name: getattr(base, one.name) for one in fields(Identity) if not getattr(own, one.name)}
        return replace(own, **empty)


async def library(ctx: Context) -> Library:
    """What tells devices apart."""
    query = select(DeviceTemplate).where(DeviceTemplate.is_enabled.is_(True)).order_by(DeviceTemplate.id)
    return layered(list((await ctx.session.execute(query)).scalars()))


def layered(rows: Sequence[DeviceTemplate]) -> Library:
    """What tells devices apart with these templates."""
    if not rows:
        return shipped()
    return Layered(Library([rule(row) for row in rows], {}), shipped(), {row.id: row.model for row in rows})


def rule(row: DeviceTemplate) -> System:
    """A template as a rule."""
    return System(
        vendor=row.vendor, os=row.os_type, oid=row.sysobjectid, descr=row.sysdescr, type=row.device_type,
        version=(row.version_expression,) if row.version_expression else (), template=row.id,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Measured:
    """What an organization's own templates measure."""

    library: Library
    statistics: Mapping[str, tuple[Statistic, ...]]

    def of(self, sys_object_id: str, sys_descr: str) -> tuple[Statistic, ...]:
        """The statistics of a device: those of the template that says what it is."""
        found = self.library.match(Facts(sys_object_id=sys_object_id, sys_descr=sys_descr))
        return self.statistics.get(found.template, ()) if found else ()


async def measured(platform: Platform) -> dict[str, Measured]:
    """What is measured by template, of every organization that has statistics of its own."""
    query = select(DeviceTemplate).where(DeviceTemplate.is_enabled.is_(True)).order_by(DeviceTemplate.id)
    grouped: dict[str, list[DeviceTemplate]] = {}
    async with platform.work(ANY_ORGANIZATION, write=False) as ctx:
        for row in (await ctx.session.execute(query)).scalars():
            grouped.setdefault(row.organization, []).append(row)
    return {
        organization: Measured(
            Library([rule(row) for row in rows], {}),
            {row.id: tuple(checked(row.resource)[0]) for row in rows if row.resource},
        )
        for organization, rows in grouped.items()
        if any(row.resource for row in rows)
    }


async def statistic_keys(ctx: Context) -> dict[str, tuple[str, str]]:
    """Name and unit of every statistic of the organization's templates, by key."""
    query = select(DeviceTemplate.resource).where(DeviceTemplate.is_enabled.is_(True))
    every = [one for raw in (await ctx.session.execute(query)).scalars() for one in checked(raw)[0]]
    return {one.key: (one.name, one.unit) for one in every}
