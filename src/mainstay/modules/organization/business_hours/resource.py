"""Business-hour profiles: the resource, and what can be asked of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import select

from mainstay.kernel import references, store, verbs
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Conflict, Invalid
from mainstay.kernel.resource import Behaviour, Resource
from mainstay.modules.organization.business_hours import engine, service
from mainstay.modules.organization.business_hours.tables import BusinessHoursProfile

PATH = "/api/business-hours/"


class Profiles(Behaviour[BusinessHoursProfile]):
    async def prepare(self, ctx: Context, rows: list[dict[str, Any]], given: Sequence[Mapping[str, Any]]) -> None:
        for row in rows:
            _clean(row)
            row["timezone"] = row.get("timezone") or "UTC"
            row["hours"] = row.get("hours") or engine.OFFICE
        if chosen := [row for row in rows if row.get("is_default")]:
            for row in chosen[:-1]:
                row["is_default"] = False
            await _only_default(ctx, "")

    async def change(
        self, ctx: Context, entity: BusinessHoursProfile, values: dict[str, Any], given: Mapping[str, Any]
    ) -> None:
        _clean(values)
        if values.get("timezone") == "":
            values["timezone"] = "UTC"
        if values.get("is_default") is False and entity.is_default:
            raise Conflict(f"{entity.name} is the default. Make another profile the default instead.")
        if values.get("is_default") and not entity.is_default:
            await _only_default(ctx, entity.id)

    async def removing(self, ctx: Context, entities: Sequence[BusinessHoursProfile]) -> None:
        for entity in entities:
            if entity.is_default:
                raise Conflict(f"{entity.name} is the default. Make another profile the default, then delete it.")
        await references.release(ctx, "business_hours", "The profile", [entity.id for entity in entities])


def _clean(values: dict[str, Any]) -> None:
    readers = {"hours": engine.clean_week, "holidays": engine.clean_holidays}
    for name, reader in readers.items():
        if values.get(name):
            try:
                values[name] = reader(values[name])
            except engine.BadHours as bad:
                raise Invalid.field(name, str(bad)) from None
    if "hours" in values and values["hours"] == {}:
        raise Invalid.field("hours", "The profile needs working hours on at least one day.")
    if values.get("holidays") == []:
        values["holidays"] = {}


async def _only_default(ctx: Context, but: str) -> None:
    query = select(BusinessHoursProfile.id).where(BusinessHoursProfile.is_default.is_(True))
    former = [item for item in (await ctx.session.execute(query)).scalars() if item != but]
    await store.update_many(ctx, BusinessHoursProfile, former, {"is_default": False})


profiles = Resource(
    BusinessHoursProfile,
    module="Business Hours",
    path=PATH,
    label="Business hours",
    plural="Business hours",
    title="name",
    area="organization",
    section="Organization",
    output_name="BusinessHours",
    verbs={"template": None, "columns": None, "validate": None, "import": None},
    sort="name",
    reverse=False,
    behaviour=Profiles(),
    natural_key="name",
    sample={
        "name": "Office Dublin",
        "timezone": "Europe/Dublin",
        "hours": {"monday": ["09:00-12:30", "13:30-17:30"], "friday": ["09:00-15:00"]},
        "holidays": {"12-25": "Christmas Day"},
    },
)


class Question(msgspec.Struct, kw_only=True):
    """A stretch of time, or a start and an amount of working time. Now, when no start is given."""

    start: datetime | None = None
    end: datetime | None = None
    minutes: float | None = None


class Calculated(msgspec.Struct, kw_only=True):
    """What the profile says: whether it is open at the start and when next; the working minutes up to ``end``; the
    time at which ``minutes`` of working time are over."""

    start: datetime
    is_open: bool
    next_open: datetime | None
    business_minutes: float | None = None
    due: datetime | None = None


@profiles.action("POST", "{id}/calculate/", privilege="view", write=False)
async def calculate(ctx: Context, id: str, body: Question) -> Calculated:
    """Count working time: between two instants, or from one on."""
    profile = await verbs.entity_of(ctx, profiles, id)
    hours = await service.of(ctx, profile.id)
    start = _instant("start", body.start or ctx.now)
    made = Calculated(start=start, is_open=hours.is_open(start), next_open=hours.next_open(start))
    if body.end is not None:
        end = _instant("end", body.end)
        if abs(end - start) > timedelta(days=3660):
            raise Invalid.field("end", "Start and end may be ten years apart at most.")
        made.business_minutes = hours.business_time_between(start, end) / timedelta(minutes=1)
    if body.minutes is not None:
        if not 0 <= body.minutes <= 5_000_000:
            raise Invalid.field("minutes", "minutes must be between 0 and 5,000,000.")
        made.due = hours.add_business_time(start, timedelta(minutes=body.minutes))
    return made


def _instant(name: str, at: datetime) -> datetime:
    if not 1970 <= at.year <= 2200:
        raise Invalid.field(name, f"{name} must be a time between 1970 and 2200.")
    return at.replace(tzinfo=ZoneInfo("UTC")) if at.tzinfo is None else at
