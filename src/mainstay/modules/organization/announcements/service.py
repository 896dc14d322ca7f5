"""Who an announcement is for, and telling open consoles about a new one."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func, literal, or_, select

from mainstay.kernel.access.tables import User
from mainstay.kernel.context import Context
from mainstay.kernel.query import holds_any
from mainstay.modules.organization.announcements.tables import Announcement
from mainstay.modules.people.teams.tables import BY_EXPERTISE, BY_TAG, Team


def addressed(ctx: Context) -> ColumnElement[bool]:
    """The condition that an announcement is for the caller: named, in a team, with a tag, or for all."""
    who, sqlite = ctx.principal, ctx.platform.database.is_sqlite
    length = func.json_array_length if sqlite else func.jsonb_array_length
    lists = (Announcement.users, Announcement.teams, Announcement.tags)
    everybody = and_(*[length(column) == 0 for column in lists])
    if not who.profile_id:
        return everybody
    me = User.id == who.profile_id
    tagged = (
        select(literal(1)).where(me, _overlap(sqlite, Announcement.tags, User.tags)).correlate(Announcement).exists()
    )
    by_tag = and_(Team.staff_selection_type == BY_TAG, _overlap(sqlite, Team.tags, User.tags))
    by_skill = and_(Team.staff_selection_type == BY_EXPERTISE, _overlap(sqlite, Team.expertise, User.expertise))
    named = [holds_any(sqlite, column, [who.profile_id]) for column in (Team.staffs, Team.owner, Team.delegate_members)]
    in_team = (
        select(literal(1))
        .select_from(User)
        .join(Team, and_(_contains(sqlite, Announcement.teams, Team.id), or_(*named, by_tag, by_skill)))
        .where(me)
        .correlate(Announcement)
        .exists()
    )
    return or_(
        everybody,
        Announcement.created_by == who.user,
        holds_any(sqlite, Announcement.users, [who.profile_id]),
        tagged,
        in_team,
    )


def _each(sqlite: bool, column: Any, name: str) -> Any:
    function = func.json_each if sqlite else func.jsonb_array_elements_text
    return function(column).table_valued("value", name=name)


def _overlap(sqlite: bool, one: Any, other: Any) -> ColumnElement[bool]:
    """Whether two JSON lists share an element."""
    left, right = _each(sqlite, one, "left_value"), _each(sqlite, other, "right_value")
    return select(literal(1)).select_from(left).join(right, left.c.value == right.c.value).exists()


def _contains(sqlite: bool, column: Any, value: Any) -> ColumnElement[bool]:
    each = _each(sqlite, column, "each_id")
    return select(literal(1)).select_from(each).where(each.c.value == value).exists()


def tell(ctx: Context, record_id: str, start: datetime, end: datetime) -> None:
    """After the commit, let open consoles fetch what is now shown."""
    live = ctx.platform.live
    if live is not None and start <= ctx.now < end:
        organization, data = ctx.organization, {"id": record_id}
        ctx.after_commit.append(lambda: live.publish(organization, "announcement", data, "announcement"))
