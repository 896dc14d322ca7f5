"""The Announcement module of the API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, select

from mainstay.kernel import options, rows, verbs
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Invalid
from mainstay.kernel.fields import Field
from mainstay.kernel.operation import Page
from mainstay.kernel.query import ListQuery
from mainstay.kernel.resource import Behaviour, Resource
from mainstay.modules.organization.announcements import service
from mainstay.modules.organization.announcements.tables import ACTIVE, STATUSES, Announcement

DAYS = options.option(
    "announcement.days",
    "integer",
    7,
    "Days an announcement stays when no end is given",
    section="Announcements",
    minimum=1,
    maximum=365,
)


class AnnouncementQuery(ListQuery, kw_only=True):
    """Which announcements: ``status`` is active, upcoming or expired."""

    status: str = ""


class ChangeQuery(ListQuery, kw_only=True):
    """The change whose announcements are wanted."""

    change_id: str


class Announcements(Behaviour[Announcement]):
    def normalise(self, data: dict[str, Any]) -> dict[str, Any]:
        if data.get("message") in (None, "") and data.get("description") in (None, "") and data.get("summary"):
            data = {**data, "message": data["summary"]}
        audience = data.get("visibility") or data.get("audience")
        if isinstance(audience, Mapping):
            data = {**{key: audience[key] for key in ("users", "teams", "tags") if key in audience}, **data}
        return data

    async def prepare(self, ctx: Context, rows: list[dict[str, Any]], given: Sequence[Mapping[str, Any]]) -> None:
        (days,) = await options.get(ctx, DAYS)
        for row in rows:
            row["publish_start"] = row.get("publish_start") or ctx.now
            row["publish_end"] = row.get("publish_end") or row["publish_start"] + timedelta(days=days)
            _in_order(row["publish_start"], row["publish_end"])

    async def added(self, ctx: Context, rows: list[dict[str, Any]], given: Sequence[Mapping[str, Any]]) -> None:
        for row in rows:
            service.tell(ctx, row["id"], row["publish_start"], row["publish_end"])

    async def change(
        self, ctx: Context, entity: Announcement, values: dict[str, Any], given: Mapping[str, Any]
    ) -> None:
        for name in ("publish_start", "publish_end"):
            if name in values and values[name] is None:
                raise Invalid.field(name, f"Please provide {'a start' if name.endswith('start') else 'an end'}.")
        _in_order(values.get("publish_start", entity.publish_start), values.get("publish_end", entity.publish_end))

    async def saved(
        self, ctx: Context, entity: Announcement, diff: list[dict[str, Any]], given: Mapping[str, Any]
    ) -> None:
        if diff:
            service.tell(ctx, entity.id, entity.publish_start, entity.publish_end)

    async def decorate(self, ctx: Context, rows: list[dict[str, Any]]) -> None:
        # Lists leave long texts out; an announcement is its text.
        bare = [row["id"] for row in rows if "message" not in row]
        if not bare:
            return
        query = select(Announcement.id, Announcement.message).where(Announcement.id.in_(bare))
        texts = {row.id: row.message for row in (await ctx.session.execute(query)).all()}
        for row in rows:
            if row["id"] in texts:
                row["message"] = row["description"] = texts[row["id"]]

    def visible(self, ctx: Context) -> ColumnElement[bool] | None:
        # Who keeps announcements sees all of them; everybody else what is addressed to them.
        who = ctx.principal
        return None if who.can("announcement", "edit") else service.addressed(ctx)


def _in_order(start: Any, end: Any) -> None:
    if end <= start:
        raise Invalid.field("publish_end", "The end must be after the start.")


announcements = Resource(
    Announcement,
    module="Announcement",
    path="/ux/common/announcement/announcements/",
    label="Announcement",
    title="summary",
    area="organization",
    section="Organization",
    id_name="announcement_id",
    mirrors={"description": "message"},
    sort="publish_start",
    behaviour=Announcements(),
    sample={
        "message": "<p>The mail server is down from 18:00 to 19:00.</p>",
        "publish_start": "2026-01-05T08:00:00Z",
        "publish_end": "2026-01-06T08:00:00Z",
        "users": [],
        "teams": [],
        "tags": [],
    },
)
announcements.fields["status"] = Field(
    name="status",
    kind="choice",
    choices=STATUSES,
    label="Status",
    read_only=True,
    sort=False,
    csv=False,
    column=True,
    help="Computed from the time of publishing.",
)


async def _page(ctx: Context, wanted: ListQuery, document: Any, extra: Sequence[Any]) -> Page:
    # A status changes as time passes, without a write: the condition on the present keeps the remembered
    # count of an earlier moment from being used.
    present = Announcement.creation_time <= ctx.now + timedelta(seconds=1)
    return await rows.page(ctx, announcements, wanted, document, extra=[present, *extra])


@announcements.action("GET", "", stage="list", returns=verbs.page_of(announcements), body=None)
async def listing(ctx: Context, query: AnnouncementQuery, body: Any) -> Page:
    """List announcements"""
    extra = [_status(query.status)] if query.status else []
    return await _page(ctx, query, verbs.query_filters(query, body), extra)


def _status(word: str) -> ColumnElement[bool]:
    known = {str(choice.id) for choice in STATUSES}
    if word.lower() not in known:
        raise Invalid.field("status", "status must be one of: active, upcoming, expired.")
    return Announcement.status == word.lower()


@announcements.action("GET", "mine/", returns=verbs.page_of(announcements))
async def mine(ctx: Context, query: ListQuery) -> Page:
    """The announcements that are shown to you now"""
    extra = [Announcement.status == ACTIVE, service.addressed(ctx)]
    return await _page(ctx, query, verbs.query_filters(query, None), extra)


@announcements.action("GET", "change-ancmt/", returns=verbs.page_of(announcements))
async def of_change(ctx: Context, query: ChangeQuery) -> Page:
    """The announcements linked to a change"""
    if not query.change_id.strip():
        raise Invalid.field("change_id", "Please provide change id.")
    extra = [Announcement.change_id == query.change_id.strip()]
    return await _page(ctx, query, verbs.query_filters(query, None), extra)
