"""The Leaves module of the API, and its leave types and holidays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time
from typing import Any
from urllib.parse import urlencode

from mainstay.kernel import references, rows, verbs
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Invalid
from mainstay.kernel.operation import Page
from mainstay.kernel.query import ListQuery
from mainstay.kernel.resource import Behaviour, Resource
from mainstay.modules.people.leaves import service
from mainstay.modules.people.leaves.tables import Holiday, Leave, LeaveType
from mainstay.modules.people.persons import who

MODULE = "Leaves"


class LeaveTypes(Behaviour[LeaveType]):
    async def removing(self, ctx: Context, entities: Sequence[LeaveType]) -> None:
        await references.release(ctx, "leave_type", "The leave type", [entity.id for entity in entities])


class Holidays(Behaviour[Holiday]):
    async def added(self, ctx: Context, rows: list[dict[str, Any]], given: Sequence[Mapping[str, Any]]) -> None:
        await service.recount(ctx, [row["date"] for row in rows])

    async def change(self, ctx: Context, entity: Holiday, values: dict[str, Any], given: Mapping[str, Any]) -> None:
        ctx.cache["holiday_before"] = entity.date

    async def saved(self, ctx: Context, entity: Holiday, diff: list[dict[str, Any]], given: Mapping[str, Any]) -> None:
        await service.recount(ctx, [entity.date, ctx.cache["holiday_before"]])

    async def removing(self, ctx: Context, entities: Sequence[Holiday]) -> None:
        await service.recount(ctx, [entity.date for entity in entities], without=True)


leave_types = Resource(
    LeaveType,
    module=MODULE,
    path="/api/leave-types/",
    label="Leave type",
    title="name",
    area="people",
    section="User Management",
    permission="leave_config",
    permission_label="Leave types and holidays",
    id_name="leave_type_id",
    sort="name",
    reverse=False,
    behaviour=LeaveTypes(),
    natural_key="name",
    sample={"name": "Annual leave", "days": 25, "color": "#16a34a"},
)
holidays = Resource(
    Holiday,
    module=MODULE,
    path="/api/holidays/",
    label="Holiday",
    title="name",
    area="people",
    section="User Management",
    permission="leave_config",
    permission_label="Leave types and holidays",
    id_name="holiday_id",
    sort="date",
    reverse=False,
    behaviour=Holidays(),
    natural_key="date",
    sample={"name": "New Year", "date": "2027-01-01"},
)


class Leaves(Behaviour[Leave]):
    def normalise(self, data: dict[str, Any]) -> dict[str, Any]:
        out = dict(data)
        for name in ("user", "profile_id"):
            if isinstance(out.get(name), Mapping):
                out[name] = who(out[name])
        return out

    async def prepare(self, ctx: Context, rows: list[dict[str, Any]], given: Sequence[Mapping[str, Any]]) -> None:
        me = ctx.principal.profile_id
        for row in rows:
            row["user"] = row.get("user") or me
            if not row["user"]:
                raise Invalid.field("user", "Please provide user: this key acts for nobody.")
            if row["user"] != me:
                # Everybody applies for themselves; for others only who may edit leaves.
                ctx.principal.require("leave", "edit")
        await service.check(ctx, rows)

    async def change(self, ctx: Context, entity: Leave, values: dict[str, Any], given: Mapping[str, Any]) -> None:
        names = ("user", "leave_type", "start_date", "end_date")
        whole = {name: values.get(name) or getattr(entity, name) for name in names}
        if any(whole[name] != getattr(entity, name) for name in names):
            await service.check(ctx, [whole], except_id=entity.id)
            entity.days = whole["days"]
        values.update({name: whole[name] for name in names if name in values})

    async def decorate(self, ctx: Context, rows: list[dict[str, Any]]) -> None:
        known = await service.accounts(ctx, {row["user"] for row in rows})
        for row in rows:
            account = known.get(row["user"])
            row["username"] = account.username if account else ""
            row["email"] = account.email if account else ""
            for name in ("start_date", "end_date"):
                # Documented as date-time; a leave covers whole days.
                row[name] = datetime.combine(row[name], time(), UTC)


leaves = Resource(
    Leave,
    module=MODULE,
    path="/ux/common/leaves/leaveinfo/",
    label="Leave",
    title="reason",
    area="people",
    section="User Management",
    privileges=("view", "add", "edit", "delete", "export"),
    id_name="leave_id",
    verbs={"options": "get_options/"},
    extra={"username": str, "email": str, "start_date": datetime, "end_date": datetime},
    sort="start_date",
    behaviour=Leaves(),
    output_name="LeavesList",
    sample={
        "leave_type": "Annual leave",
        "start_date": "2026-07-06",
        "end_date": "2026-07-10",
        "reason": "Holiday",
    },
)


class LeaveQuery(ListQuery, kw_only=True):
    """Pages of leaves: ``items_per_page`` and ``offset`` (or ``page``); ``user``: of one person."""

    offset: int | None = None
    user: str = ""


@leaves.action("GET", "", stage="list", returns=verbs.page_of(leaves), body=None)
async def listing(ctx: Context, query: LeaveQuery, body: Any) -> Page:
    """List leaves"""
    extra = [Leave.user == query.user] if query.user else []
    return await page_of(ctx, query, verbs.query_filters(query, body), extra)


async def page_of(ctx: Context, wanted: LeaveQuery, document: Any, extra: Sequence[Any]) -> Page:
    """A page of leaves, by offset where one is given."""
    if wanted.offset is None:
        return await rows.page(ctx, leaves, wanted, document, extra=extra)
    if not 0 <= wanted.offset <= 10**9:
        raise Invalid.field("offset", "offset must be 0 or more.")
    page = await rows.page(ctx, leaves, wanted, document, extra=extra, offset=wanted.offset)
    size = wanted.items_per_page
    page.next = _link(ctx, wanted, wanted.offset + size) if wanted.offset + size < page.count else None
    page.previous = _link(ctx, wanted, max(0, wanted.offset - size)) if wanted.offset else None
    return page


def _link(ctx: Context, wanted: LeaveQuery, offset: int) -> str:
    parameters: dict[str, Any] = {"items_per_page": wanted.items_per_page, "offset": offset}
    for name in ("sort", "search", "filters", "user"):
        if getattr(wanted, name):
            parameters[name] = getattr(wanted, name)
    if wanted.reverse:
        parameters["reverse"] = "true"
    return f"{ctx.url}?{urlencode(parameters)}"
