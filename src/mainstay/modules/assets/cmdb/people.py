"""Items by the people they are linked to: served among the operations on users and requesters."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import String, cast, or_, select

from mainstay.kernel import rows, trail, verbs
from mainstay.kernel.access.tables import Role, User
from mainstay.kernel.changes import Change
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Invalid
from mainstay.kernel.operation import Group, Page
from mainstay.kernel.query import ListQuery
from mainstay.modules.assets.cmdb.life import Step, steps
from mainstay.modules.assets.cmdb.resource import items
from mainstay.modules.assets.cmdb.tables import Ci
from mainstay.modules.people.departments.tables import Department
from mainstay.modules.people.requesters.tables import Requester

LINKS = ("owner", "managed_by", "used_by")
SHOWN = 3
"""Items of a person that one row names."""
users = Group("User Profile")
people = Group("Requester")


class LifeQuery(ListQuery, kw_only=True):
    """People with items; ``profile_id``: one of them, with what happened to the items. ``all``: those without, too."""

    profile_id: str = ""
    all: bool = False


class PersonAssets(msgspec.Struct, kw_only=True):
    """Somebody and the items they own, use or manage."""

    profile_id: str
    user: int
    username: str
    email: str
    full_name: str
    department: str | None
    department_name: str
    roles: list[str]
    is_active: bool
    last_login: datetime | None
    assets: list[dict[str, Any]]
    asset_count: int
    more: int
    steps: list[Step] = []


class People(msgspec.Struct, kw_only=True):
    """A page of people."""

    count: int
    next: str | None
    previous: str | None
    results: list[PersonAssets]
    max_page_limit: int
    total_pages: int


@users.route("GET", "/ux/common/user/profile/asset-lifecycle/", permission=("asset", "view"))
async def asset_lifecycle(ctx: Context, query: LifeQuery) -> People:
    """Who has which items, for moves and for those who leave; of one person also what happened to them"""
    links = [getattr(Ci, name) for name in LINKS]
    wanted: Any = select(User, Department.dept_name).outerjoin(Department, Department.id == User.department)
    if query.profile_id:
        wanted = wanted.where(User.id == query.profile_id)
    elif not query.all:
        wanted = wanted.where(or_(*[User.id.in_(select(link).where(link.is_not(None))) for link in links]))
    for word in query.search.lower().split()[:8]:
        wanted = wanted.where(
            or_(*[column.icontains(word, autoescape=True) for column in (User.full_name, User.username, User.email)])
        )
    ids = wanted.with_only_columns(User.id, User.full_name).order_by(User.full_name, User.id)
    total, page = await trail.paged(ctx, ids, query)
    keys = [row.id for row in page]
    accounts = {row[0].id: row for row in (await ctx.session.execute(wanted.where(User.id.in_(keys)))).all()}
    held = await _held(ctx, keys)
    roles = {row.id: row.role_name for row in (await ctx.session.execute(select(Role.id, Role.role_name))).all()}
    results = []
    for key in keys:
        account, department = accounts[key]
        mine = held.get(key, [])
        detail = bool(query.profile_id)
        results.append(
            PersonAssets(
                profile_id=account.id,
                user=account.number,
                username=account.username,
                email=account.email,
                full_name=account.full_name,
                department=account.department,
                department_name=department or "",
                roles=[roles[role] for role in account.role_ids if role in roles],
                is_active=account.is_active,
                last_login=account.last_login,
                assets=mine if detail else mine[:SHOWN],
                asset_count=len(mine),
                more=0 if detail else max(0, len(mine) - SHOWN),
                steps=await _steps(ctx, key, mine) if detail else [],
            )
        )
    envelope = trail.envelope(query, total, [])
    return People(
        count=total,
        next=envelope.next,
        previous=envelope.previous,
        results=results,
        max_page_limit=envelope.max_page_limit,
        total_pages=envelope.total_pages,
    )


async def _held(ctx: Context, keys: list[str]) -> dict[str, list[dict[str, Any]]]:
    """Person → items, with how each is linked; one statement."""
    wanted: Any = select(
        Ci.id,
        Ci.name,
        Ci.display_id,
        Ci.status,
        Ci.warranty_expiry,
        Ci.amc_expiry,
        *[getattr(Ci, name) for name in LINKS],
    )
    wanted = rows.restricted(ctx, items, wanted.where(or_(*[getattr(Ci, name).in_(keys) for name in LINKS])))
    held: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in (await ctx.session.execute(wanted.order_by(Ci.name, Ci.id))).all():
        for key in {getattr(row, name) for name in LINKS} & set(keys):
            held[key].append(
                {
                    "ci_id": row.id,
                    "name": row.name,
                    "display_id": row.display_id,
                    "status": row.status,
                    "warranty_expiry": row.warranty_expiry,
                    "amc_expiry": row.amc_expiry,
                    "as": [name for name in LINKS if getattr(row, name) == key],
                }
            )
    return held


async def _steps(ctx: Context, key: str, mine: list[dict[str, Any]]) -> list[Step]:
    """What happened to the items of somebody, also to those that they had once."""

    once = (
        select(Change.record_id).where(Change.resource == "ci", cast(Change.changes, String).contains(key)).limit(200)
    )
    ids = {item["ci_id"] for item in mine} | set((await ctx.session.execute(once)).scalars())
    return await steps(ctx, sorted(ids))


class Whose(msgspec.Struct, kw_only=True):
    """A requester, by id, profile or e-mail address."""

    requester_id: str = ""
    id: str = ""
    profile_id: str = ""
    email: str = ""
    items_per_page: int = 50
    page: int = 1


@people.route(
    "POST",
    "/ux/common/requester/profile/assets/",
    permission=("asset", "view"),
    write=False,
    returns=verbs.page_of(items),
)
async def requester_assets(ctx: Context, body: Whose) -> Page:
    """The items of a requester: those that were requested for them, and those they use by their account"""
    tests = []
    if body.requester_id or body.id:
        tests.append(Requester.id == (body.requester_id or body.id))
    if body.profile_id:
        tests.append(Requester.profile_id == body.profile_id)
    if body.email:
        tests.append(Requester.email.ilike(body.email.strip().replace("%", r"\%").replace("_", r"\_"), escape="\\"))
    if not tests:
        raise Invalid.field("requester_id", "Please provide requester_id, profile_id or email.")
    found = (await ctx.session.execute(select(Requester.id, Requester.profile_id).where(*tests).limit(1))).first()
    if found is None:
        raise Invalid.field("requester_id", "There is no such requester.")
    linked: list[Any] = [Ci.requester == found.id]
    if found.profile_id:
        linked += [getattr(Ci, name) == found.profile_id for name in LINKS]
    query = ListQuery(items_per_page=body.items_per_page, page=body.page)
    return await rows.page(ctx, items, query, extra=[or_(*linked)])
