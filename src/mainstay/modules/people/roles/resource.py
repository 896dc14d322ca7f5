"""The Role Profile module of the API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import select

from mainstay.kernel import numbering, query, store, verbs, writing
from mainstay.kernel.access.auth import flatten
from mainstay.kernel.access.tables import ApiKey, Role, User
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Conflict, Invalid
from mainstay.kernel.operation import Saved
from mainstay.kernel.resource import Behaviour, Resource
from mainstay.modules.people.invitations import service as invitations
from mainstay.modules.people.roles import service

STAFF_ROLE, PORTAL_ROLE = 1, 2


class Roles(Behaviour[Role]):
    async def prepare(self, ctx: Context, rows: list[dict[str, Any]], given: Sequence[Mapping[str, Any]]) -> None:
        grantable = ctx.platform.registry.grantable()
        first = await numbering.take(ctx, "role", len(rows))
        for number, row in enumerate(rows, first):
            row["selected_permissions"] = service.complete(grantable, row.get("selected_permissions") or {})
            service.may_hold(ctx, row["selected_permissions"])
            row["group_id"] = number

    async def change(self, ctx: Context, entity: Role, values: dict[str, Any], given: Mapping[str, Any]) -> None:
        if entity.is_admin:
            raise Conflict(f"The role {entity.role_name} has every privilege and cannot be edited.")
        if entity.is_preconfigured and values.get("role_name", entity.role_name) != entity.role_name:
            raise Conflict(f"The built-in role {entity.role_name} keeps its name. Clone it under another one.")
        before = entity.selected_permissions
        wanted = values.get("selected_permissions")
        made = service.complete(ctx.platform.registry.grantable(), wanted or {}, before)
        service.may_hold(ctx, made)
        if wanted is not None:
            values["selected_permissions"] = made

    async def removing(self, ctx: Context, entities: Sequence[Role]) -> None:
        for role in entities:
            if role.is_admin or (role.is_preconfigured and role.role_name == service.REQUESTER_ROLE):
                raise Conflict(f"The built-in role {role.role_name} cannot be deleted.")
            service.may_hold(ctx, role.selected_permissions)
        ids = [role.id for role in entities]
        counts = await service.holders(ctx, ids)
        for role in entities:
            if counts.get(role.id):
                raise Conflict(await _held(ctx, role, counts[role.id]))
        keys = select(ApiKey).where(ApiKey.role.in_(ids), ApiKey.revoked.is_(False))
        key = await store.find(ctx, keys)
        if key is not None:
            raise Conflict(f"The API key {key.name} uses this role. Revoke it, or give it another role first.")
        for role in entities:
            await invitations.withdraw(ctx, role=role.id)

    async def decorate(self, ctx: Context, rows: list[dict[str, Any]]) -> None:
        counts = await service.holders(ctx, [row["id"] for row in rows]) if rows else {}
        for row in rows:
            granted = sorted(f"{module}.{name}" for module, name in flatten(row.get("selected_permissions") or {}))
            row.update(
                user_count=counts.get(row["id"], 0),
                is_editable=not row.get("is_admin"),
                role_type=PORTAL_ROLE if row.get("portal_only") else STAFF_ROLE,
                event_map=",".join(granted),
            )


async def _held(ctx: Context, role: Role, count: int) -> str:
    sqlite = ctx.platform.database.is_sqlite
    names = select(User.full_name).where(query.holds_any(sqlite, User.role_ids, [role.id])).order_by(User.full_name)
    some = [name for name in (await ctx.session.execute(names.limit(3))).scalars() if name]
    who = ", ".join(some) + (" and others" if count > len(some) else "")
    people = "1 user has" if count == 1 else f"{count} users have"
    return f"{people} the role {role.role_name} ({who}). Give them another role first."


roles = Resource(
    Role,
    module="Role Profile",
    path="/ux/common/roles/profile/",
    label="Role",
    title="role_name",
    area="settings",
    section="User Management",
    page="roles",
    mirrors={"is_pre_configure": "is_preconfigured"},
    extra={"user_count": int, "is_editable": bool, "role_type": int, "event_map": str},
    behaviour=Roles(),
    natural_key="role_name",
    output_name="Group",
    sample={
        "role_name": "Field engineer",
        "description": "Works on tickets on site",
        "selected_permissions": {
            "User Management": {"department": {"view": True, "add": False, "edit": False, "delete": False}}
        },
    },
)


class ModulePrivileges(msgspec.Struct, kw_only=True):
    name: str
    label: str
    privileges: list[str]


class Section(msgspec.Struct, kw_only=True):
    name: str
    modules: list[ModulePrivileges]


class RoleConfig(msgspec.Struct, kw_only=True):
    """The axes of the roles matrix."""

    sections: list[Section]


class RoleQuery(msgspec.Struct, kw_only=True):
    id: str = ""


class PermissionDocument(msgspec.Struct, kw_only=True):
    """``{section: {module: {privilege: bool}}}``, as a role takes it."""

    role_name: str
    selected_permissions: dict[str, dict[str, dict[str, bool]]]


class Clone(msgspec.Struct, kw_only=True):
    role_name: str = ""
    description: str | None = None


@roles.action("GET", "config/")
async def config(ctx: Context) -> RoleConfig:
    """Sections, their modules, and the privileges there are on each."""
    return RoleConfig(
        sections=[
            Section(
                name=section,
                modules=[
                    ModulePrivileges(name=name, label=label, privileges=list(privileges))
                    for name, (label, privileges) in modules.items()
                ],
            )
            for section, modules in ctx.platform.registry.permissions.items()
        ]
    )


@roles.action("GET", "json/")
async def json(ctx: Context, query: RoleQuery) -> PermissionDocument:
    """The permission document: of one role (``id``), else with every privilege off, to start a role from."""
    grantable = ctx.platform.registry.grantable()
    if not query.id:
        return PermissionDocument(role_name="", selected_permissions=grantable)
    role = await verbs.entity_of(ctx, roles, query.id)
    document = service.complete(grantable, {}, role.selected_permissions)
    if role.is_admin:
        document = service.permissions(grantable, {"*": service.EVERY})
    return PermissionDocument(role_name=role.role_name, selected_permissions=document)


@roles.action("POST", "{id}/clone/", privilege="add", status=201, returns=verbs.saved_of(roles))
async def clone(ctx: Context, id: str, body: Clone) -> Saved:
    """Make a role with the privileges of another."""
    source = await verbs.entity_of(ctx, roles, id)
    name = body.role_name.strip()
    if not name:
        raise Invalid.field("role_name", "Please provide role name.")
    grantable = ctx.platform.registry.grantable()
    document = service.complete(grantable, {}, source.selected_permissions)
    if source.is_admin:
        document = service.permissions(grantable, {"*": service.EVERY})
    row = await writing.create(
        ctx,
        roles,
        {
            "role_name": name,
            "description": source.description if body.description is None else body.description,
            "selected_permissions": document,
            "portal_only": source.portal_only,
            "parent_role": source.role_name,
        },
    )
    return verbs.saved(roles, await verbs.whole(ctx, roles, row["id"]), row["id"], "create")
