"""The User Profile module of the API: accounts of the staff."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, select

from mainstay.kernel import query as lists
from mainstay.kernel import rows as reading
from mainstay.kernel import store, verbs
from mainstay.kernel.access import bootstrap, login
from mainstay.kernel.access.tables import STAFF, Role, User
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Invalid
from mainstay.kernel.generation import cached
from mainstay.kernel.operation import Page
from mainstay.kernel.query import ListQuery
from mainstay.kernel.resource import Behaviour, Resource
from mainstay.modules.people.invitations import service as invitations
from mainstay.modules.people.users import service

PATH = "/ux/common/user/profile/"
OWN = "own_profile"
"""Set in a context's cache: this unit of work is about the caller's own account, of whatever kind."""
COLORS = ("#1d4ed8", "#0f766e", "#b45309", "#9d174d", "#4d7c0f", "#6d28d9", "#b91c1c", "#155e75")


class Users(Behaviour[User]):
    def visible(self, ctx: Context) -> ColumnElement[bool] | None:
        # Requesters are a population of their own (the Requester module), also where they can log in.
        if ctx.cache.get(OWN):
            return User.id == ctx.principal.profile_id
        return User.kind == STAFF

    def normalise(self, data: dict[str, Any]) -> dict[str, Any]:
        # Older clients name the role of the organization differently.
        if "organization_role" in data and not any(name in data for name in ("role", "roles", "role_ids")):
            return {**data, "role_ids": data["organization_role"]}
        return data

    async def prepare(self, ctx: Context, rows: list[dict[str, Any]], given: Sequence[Mapping[str, Any]]) -> None:
        await service.may_give(ctx, {role for row in rows for role in row.get("role_ids", ())})
        number = await bootstrap.next_number(ctx)
        passwords = [service.read_password(item) for item in given]
        if sum(map(bool, passwords)) > service.MAX_PASSWORDS:
            raise Invalid.field(
                "password",
                f"At most {service.MAX_PASSWORDS} users can be created with a password at "
                "once. Leave it out: each gets a link to choose one.",
            )
        for offset, (row, password) in enumerate(zip(rows, passwords, strict=True)):
            row["username"] = row.get("username") or row["email"]
            service.check_timezone(row.get("timezone"))
            row.update(number=number + offset, kind=STAFF, password_history=[], must_change_password=False)
            if password:
                row["password_hash"] = await service.hashed(
                    ctx, password, row["username"], row["email"], row.get("full_name", "")
                )
                row.update(password_changed_at=ctx.now, must_change_password=True)

    async def added(self, ctx: Context, rows: list[dict[str, Any]], given: Sequence[Mapping[str, Any]]) -> None:
        # Without a password nobody can log in: they get a link to choose one.
        waiting = [row for row in rows if not row.get("password_hash") and row.get("is_active", True)]
        await invitations.send(
            ctx,
            [
                invitations.Invited(
                    email=row["email"], role=row["role_ids"][0], target=row["id"], name=row["full_name"]
                )
                for row in waiting
            ],
        )

    async def change(self, ctx: Context, entity: User, values: dict[str, Any], given: Mapping[str, Any]) -> None:
        await service.within_reach(ctx, [entity])
        service.check_timezone(values.get("timezone"))
        if values.get("username") == "":
            values["username"] = values.get("email") or entity.email
        roles = values.get("role_ids")
        if roles is not None and set(roles) != set(entity.role_ids):
            await service.may_give(ctx, set(roles))
            if not await _holds_admin(ctx, roles):
                await service.keep_an_administrator(ctx, [entity.id])
        if values.get("is_active") is False and entity.is_active:
            service.not_oneself(ctx, [entity.id], "deactivate")
            await service.keep_an_administrator(ctx, [entity.id])
        password = service.read_password(dict(given))
        if password:
            if entity.id == ctx.principal.profile_id:
                raise Invalid.field(
                    "password", "Change your own password at /api/session/password, with the current one."
                )
            await login.set_password(ctx, entity, password, must_change=True)

    async def saved(self, ctx: Context, entity: User, diff: list[dict[str, Any]], given: Mapping[str, Any]) -> None:
        if any(item["field"] == "is_active" for item in diff) and not entity.is_active:
            await service.gone(ctx, [entity], deleted=False)

    async def removing(self, ctx: Context, entities: Sequence[User]) -> None:
        ids = [entity.id for entity in entities]
        service.not_oneself(ctx, ids, "delete")
        await service.within_reach(ctx, entities)
        await service.keep_an_administrator(ctx, ids)
        await service.gone(ctx, entities, deleted=True)

    async def decorate(self, ctx: Context, rows: list[dict[str, Any]]) -> None:
        names = await cached(ctx, "role_names", _role_names)
        for row in rows:
            held = [{"id": role, "name": names[role]} for role in row.get("role_ids") or () if role in names]
            titles = [role["name"] for role in held]
            colour = row.get("avatar_color") or COLORS[(row.get("number") or 0) % len(COLORS)]
            row.update(
                user=row.get("number"),
                name=row.get("full_name") or row.get("username"),
                roles=held,
                role=titles[0] if titles else "",
                profile=", ".join(titles),
                avatar=colour,
                customer_id=[],
                customer_entity_id=[],
                is_multiple_customer_user=False,
                is_profile_image=bool(row.get("profile_image")),
                picture=picture_of(row["id"], row.get("profile_image")),
            )


def picture_of(profile_id: str, image: str | None) -> str:
    """Where a person's picture is served; empty where there is none."""
    return f"{PATH}{profile_id}/picture/?v={image}" if image else ""


async def _role_names(ctx: Context) -> dict[str, str]:
    return {row.id: row.role_name for row in await ctx.session.execute(select(Role.id, Role.role_name))}


async def _holds_admin(ctx: Context, role_ids: Sequence[str]) -> bool:
    query = select(Role.id).where(Role.id.in_(list(role_ids)), Role.is_admin.is_(True)).limit(1)
    return await ctx.session.scalar(query) is not None


users = Resource(
    User,
    module="User Profile",
    path=PATH,
    label="User",
    title="full_name",
    area="people",
    section="User Management",
    id_name="profile_id",
    mirrors={"actual_username": "username", "last_loggged_in": "last_login"},
    extra={
        "user": int,
        "name": str,
        "profile": str,
        "role": str,
        "roles": list[dict[str, str]],
        "avatar": str,
        "customer_id": list[str],
        "customer_entity_id": list[str],
        "is_multiple_customer_user": bool,
        "is_profile_image": bool,
        "picture": str,
    },
    verbs={"import": ("upload_csv/", "update_csv/")},
    behaviour=Users(),
    natural_key="email",
    output_name="UserList",
    sample={
        "email": "ravi@example.com",
        "name": "Ravi Kumar",
        "username": "ravi",
        "password": "Kept-for-the-first-login-1",
        "confirm_password": "Kept-for-the-first-login-1",
        "landline": "",
        "timezone": "Asia/Kolkata",
        "phone": "+91 98400 00000",
        "dashboard": "",
        "role": "IT Support Operator",
        "is_active": True,
        "organization_role": "",
        "first_name": "Ravi",
    },
)


class ActiveSearch(msgspec.Struct, kw_only=True):
    """Which active users: by words, filters or ids."""

    search: str = ""
    filters: Any = None
    ids: list[str] = []
    items_per_page: int = 50
    page: int = 1


class Activation(msgspec.Struct, kw_only=True):
    """Whom to activate or deactivate."""

    ids: list[str] = []
    profile_id: str = ""
    is_active: bool


class Updated(msgspec.Struct, kw_only=True):
    """How many records changed."""

    status: str = "success"
    updated: int


class ActiveUser(msgspec.Struct, kw_only=True):
    """A user as pickers show one."""

    profile_id: str
    user: int
    username: str
    full_name: str
    name: str
    email: str
    department: str | None
    last_loggged_in: datetime | None


class ActiveUsers(msgspec.Struct, kw_only=True):
    count: int
    results: list[ActiveUser]


@users.action("POST", "active_users/", write=False, returns=verbs.page_of(users))
async def active_users(ctx: Context, body: ActiveSearch) -> Page:
    """The active users that a search finds, page by page."""
    wanted = ListQuery(search=body.search, items_per_page=body.items_per_page, page=body.page, sort="full_name")
    only: list[Any] = [User.is_active.is_(True)]
    if body.ids:
        only.append(User.id.in_(body.ids[:500]))
    return await reading.page(ctx, users, wanted, lists.parse_filters(body.filters), extra=only)


class ActiveQuery(msgspec.Struct, kw_only=True):
    search: str = ""
    limit: int = 500


@users.action("GET", "activeuser_list/")
async def activeuser_list(ctx: Context, query: ActiveQuery) -> ActiveUsers:
    """The active users in short, by name: what pickers need."""
    if not 1 <= query.limit <= 1000:
        raise Invalid.field("limit", "limit must be between 1 and 1000.")
    found = lists.search(await reading.source(ctx, users), query.search)
    statement = select(User).where(User.is_active.is_(True), User.kind == STAFF)
    if found is not None:
        statement = statement.where(found)
    listed = (await ctx.session.execute(statement.order_by(User.full_name, User.id).limit(query.limit))).scalars()
    results = [
        ActiveUser(
            profile_id=row.id,
            user=row.number,
            username=row.username,
            full_name=row.full_name,
            email=row.email,
            name=row.full_name or row.username,
            department=row.department,
            last_loggged_in=row.last_login,
        )
        for row in listed
    ]
    return ActiveUsers(count=len(results), results=results)


@users.action("POST", "updateactiveusers/", privilege="edit")
async def updateactiveusers(ctx: Context, body: Activation) -> Updated:
    """Activate or deactivate users. Deactivation ends their log-ins at once."""
    wanted = [*body.ids, *([body.profile_id] if body.profile_id else [])]
    if not wanted:
        raise Invalid.field("ids", "Please provide ids.")
    if len(wanted) > store.CHUNK:
        raise Invalid.field("ids", f"At most {store.CHUNK} users can be changed at once.")
    query = select(User).where(User.id.in_(wanted), User.kind == STAFF)
    found = list((await ctx.session.execute(query)).scalars())
    missing = set(wanted) - {account.id for account in found}
    if missing:
        raise Invalid.field("ids", f"There is no user {sorted(missing)[0][:64]!r}.")
    return Updated(updated=await service.set_active(ctx, found, body.is_active))
