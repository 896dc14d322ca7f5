"""The Device Group module of the API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import delete, insert, select

from mainstay.kernel import changes, rows, verbs
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Invalid
from mainstay.kernel.operation import Page, Saved
from mainstay.kernel.query import CONDITIONS, ListQuery, parse_filters
from mainstay.kernel.resource import Behaviour, Resource
from mainstay.kernel.store import CHUNK
from mainstay.modules.assets.cmdb.resource import items
from mainstay.modules.assets.cmdb.tables import Ci
from mainstay.modules.assets.devicegroups import service
from mainstay.modules.assets.devicegroups.tables import DeviceGroup, DeviceGroupMember

MAX_MEMBERS = 100_000


class DeviceGroups(Behaviour[DeviceGroup]):
    def normalise(self, data: dict[str, Any]) -> dict[str, Any]:
        given = next((data[key] for key in ("device_group_filters", "filter", "filters") if key in data), None)
        if given is not None and not isinstance(given, list):
            data = {**data, "device_group_filters": [given] if given else []}
        return data

    async def prepare(self, ctx: Context, rows: list[dict[str, Any]], given: Sequence[Mapping[str, Any]]) -> None:
        for row in rows:
            await service.ruled_by(ctx, row.get("device_group_filters"))

    async def added(self, ctx: Context, rows: list[dict[str, Any]], given: Sequence[Mapping[str, Any]]) -> None:
        for row, data in zip(rows, given, strict=True):
            if "devices" in data:
                await put(ctx, row["id"], add=_ids(data["devices"]))

    async def change(self, ctx: Context, entity: DeviceGroup, values: dict[str, Any], given: Mapping[str, Any]) -> None:
        if "device_group_filters" in values:
            await service.ruled_by(ctx, values["device_group_filters"])
        if "devices" in given:
            wanted = set(_ids(given["devices"]))
            have = set(await listed(ctx, entity.id))
            await put(ctx, entity.id, add=sorted(wanted - have), remove=sorted(have - wanted))

    async def removing(self, ctx: Context, entities: Sequence[DeviceGroup]) -> None:
        gone = delete(DeviceGroupMember).where(DeviceGroupMember.group.in_([entity.id for entity in entities]))
        await ctx.session.execute(gone.execution_options(synchronize_session=False))


def _ids(raw: Any) -> list[str]:
    if not isinstance(raw, list) or len(raw) > MAX_MEMBERS:
        raise Invalid.field("devices", f"devices must be a list of at most {MAX_MEMBERS:,} ids of items.")
    found = [item.get("ci_id") or item.get("id") if isinstance(item, Mapping) else item for item in raw]
    if any(not isinstance(item, str) or not item for item in found):
        raise Invalid.field("devices", "devices must be a list of ids of items.")
    return list(dict.fromkeys(found))  # type: ignore[arg-type]


device_groups = Resource(
    DeviceGroup,
    module="Device Group",
    path="/ux/common/dgroup/device_group/",
    label="Device group",
    title="name",
    area="assets",
    section="Assets",
    id_name="device_group_id",
    sort="name",
    reverse=False,
    behaviour=DeviceGroups(),
    custom_fields=False,
    sample={
        "name": "Branch routers",
        "description": "Every router outside the head office",
        "filter": [],
        "devices": [],
    },
)


class FilterQuery(ListQuery, kw_only=True):
    """Items that a group's filters would find; without filters: what can be filtered by."""

    device_group_id: str = ""


class FilterAnswer(msgspec.Struct, kw_only=True):
    """The fields and conditions of a group's filters, and the items that the given ones find."""

    fields: list[dict[str, Any]]
    conditions: list[str]
    count: int
    devices: list[dict[str, Any]]


class Members(msgspec.Struct, kw_only=True):
    """Items to put into a group or to take out, by id."""

    add: list[str] = []
    remove: list[str] = []


class Changed(Saved, kw_only=True):
    """How many items were put in and taken out."""

    added: int = 0
    removed: int = 0


async def listed(ctx: Context, group: str) -> list[str]:
    """The items that were put into a group by hand."""
    return list(
        (await ctx.session.execute(select(DeviceGroupMember.ci).where(DeviceGroupMember.group == group))).scalars()
    )


async def put(ctx: Context, group: str, add: Sequence[str] = (), remove: Sequence[str] = ()) -> tuple[int, int]:
    """Put items in and take others out, with the trail. Raises ``Invalid`` for items that do not exist."""
    have = set(await listed(ctx, group))
    fresh = [ci for ci in dict.fromkeys(add) if ci not in have]
    for start in range(0, len(fresh), CHUNK):
        part = fresh[start : start + CHUNK]
        statement = rows.restricted(ctx, items, select(Ci.id).where(Ci.id.in_(part)))
        missing = set(part) - set((await ctx.session.execute(statement)).scalars())
        if missing:
            raise Invalid.field("devices", f"There is no item {min(missing)[:64]!r}.")
    gone = [ci for ci in dict.fromkeys(remove) if ci in have]
    if fresh:
        made = [{"organization": ctx.organization, "group": group, "ci": ci} for ci in fresh]
        await ctx.session.execute(insert(DeviceGroupMember.__table__), made)  # type: ignore[arg-type]
    for start in range(0, len(gone), CHUNK):
        statement_ = delete(DeviceGroupMember).where(
            DeviceGroupMember.group == group, DeviceGroupMember.ci.in_(gone[start : start + CHUNK])
        )
        await ctx.session.execute(statement_.execution_options(synchronize_session=False))
    if fresh or gone:
        diff = [changes.entry("devices", gone[:100], fresh[:100])]
        await changes.record(ctx, "device_group", "members", [(group, 0, diff)])
    return len(fresh), len(gone)


@device_groups.action("GET", "filter/")
async def filtered(ctx: Context, query: FilterQuery, body: Any) -> FilterAnswer:
    """What groups filter by, and what some filters find"""
    described = [one for one in await verbs.describe_fields(ctx, items) if one["filterable"]]
    document = verbs.query_filters(query, body)
    if query.device_group_id:
        group = await verbs.entity_of(ctx, device_groups, query.device_group_id)
        condition = await service.condition(ctx, group)
    else:
        condition = await service.ruled_by(ctx, document)  # type: ignore[assignment]
    found, total = [], 0
    if condition is not None:
        page = await rows.page(
            ctx, items, ListQuery(items_per_page=query.items_per_page, page=query.page), extra=[condition]
        )
        total = page.count
        found = [
            {"ci_id": one.ci_id, "name": one.name, "category_name": one.category_name, "ip_address": one.ip_address}
            for one in page.results
        ]
    return FilterAnswer(fields=described, conditions=sorted(set(CONDITIONS.values())), count=total, devices=found)


@device_groups.action("GET", "{id}/devices/")
async def members(ctx: Context, id: str, query: ListQuery) -> Page:
    """The items in a group, listed or by rule"""
    group = await verbs.entity_of(ctx, device_groups, id)
    condition = await service.condition(ctx, group)
    document = query.filters and parse_filters(query.filters)
    return await rows.page(ctx, items, query, document or None, extra=[condition])


@device_groups.action("POST", "{id}/devices/", privilege="edit")
async def change_members(ctx: Context, id: str, body: Members) -> Changed:
    """Put items into a group and take others out"""
    group = await verbs.entity_of(ctx, device_groups, id, lock=True)
    added, removed = await put(ctx, group.id, _ids(body.add), body.remove)
    return Changed(
        id=group.id, message="device_group_updated", msg="Device group updated.", added=added, removed=removed
    )
