"""The Field Configuration module of the API: how fields behave per role and status."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec
from sqlalchemy import select

from mainstay.kernel import customfields, links
from mainstay.kernel.access.tables import Role
from mainstay.kernel.context import Context
from mainstay.kernel.customfields import FieldConfig
from mainstay.kernel.errors import Invalid
from mainstay.kernel.operation import operation
from mainstay.kernel.resource import Behaviour, Resource
from mainstay.modules.organization.field_configuration import service


class FieldConfigs(Behaviour[FieldConfig]):
    def normalise(self, data: dict[str, Any]) -> dict[str, Any]:
        return service.unwrap(data)

    async def prepare(self, ctx: Context, rows: list[dict[str, Any]], given: Sequence[Mapping[str, Any]]) -> None:
        for row in rows:
            res = service.module_of(ctx, row["module"])
            row["module"] = res.name
            row["field_config"] = await service.behaviours(ctx, res, row.get("field_config") or {})
            row["status"] = service.status_of(res, row.get("status") or "")
            row["position"], row["note"] = 0, ""

    async def change(self, ctx: Context, entity: FieldConfig, values: dict[str, Any], given: Mapping[str, Any]) -> None:
        res = service.module_of(ctx, values.get("module") or entity.module)
        if "module" in values:
            values["module"] = res.name
        if "status" in values:
            values["status"] = service.status_of(res, values["status"])
        if "field_config" in values or res.name != entity.module:
            chosen = values.get("field_config", entity.field_config)
            values["field_config"] = await service.behaviours(ctx, res, chosen)

    async def options(self, ctx: Context) -> dict[str, Any]:
        every = [res for res in service.configurable(ctx) if ctx.principal.can(res.permission, "view")]
        return {
            "modules": [{"id": res.name, "name": res.label} for res in every],
            "statuses": {res.name: service.statuses(res) for res in every},
            "fields": {res.name: await service.field_names(ctx, res) for res in every},
            "behaviours": list(customfields.BEHAVIOURS),
        }


field_configs = Resource(
    FieldConfig,
    module="Field Configuration",
    path="/ux/common/fieldconfig/field-config/",
    label="Field configuration",
    title="module",
    area="settings",
    section="Configuration",
    id_name="field_config_id",
    behaviour=FieldConfigs(),
    custom_fields=False,
    output_name="FieldConfigList",
    sample={
        "module": "incident",
        "role": "IT Support Operator",
        "status": "",
        "field_config": {"priority_id": "read_only", "description": "mandatory"},
    },
)


class PermissionWanted(msgspec.Struct, kw_only=True):
    """Of which module, in which status, for which role (default: yours)."""

    module: str
    status: str = ""
    role: Any = None


class FieldBehaviour(msgspec.Struct, kw_only=True):
    """How one field behaves: visible, read_only, mandatory or hidden."""

    field: str
    label: str
    behaviour: str


class FieldPermission(msgspec.Struct, kw_only=True):
    """How the fields of a module behave. ``fields`` names the ones that are not simply visible."""

    module: str
    status: str
    role_name: str
    fields: dict[str, str]
    results: list[FieldBehaviour]


async def field_permission(ctx: Context, body: PermissionWanted) -> FieldPermission:
    """How the fields of a module behave for a role in a status

    For the caller's own role it needs to view the module; for another role, also field configurations.
    """
    res = service.module_of(ctx, body.module)
    ctx.principal.require(res.permission, "view")
    asking = ctx
    names = await ctx.session.execute(select(Role.role_name).where(Role.id.in_(ctx.principal.roles)))
    role_name = ", ".join(sorted(names.scalars()))
    if body.role not in (None, "", {}):
        ctx.principal.require("field_config", "view")
        role_id, role_name = await _role(ctx, body.role)
        asking = replace(ctx, principal=replace(ctx.principal, roles=(role_id,)))
    status = service.status_of(res, body.status)
    found = await customfields.rules(asking, res, status)
    every = await service.field_names(ctx, res)
    return FieldPermission(
        module=res.name,
        status=status,
        role_name=role_name,
        fields={name: behaviour for name, behaviour in found.items() if behaviour != customfields.VISIBLE},
        results=[
            FieldBehaviour(
                field=item["name"],
                label=item["label"],
                behaviour=found.get(item["name"], customfields.VISIBLE),
            )
            for item in every
        ],
    )


async def _role(ctx: Context, raw: Any) -> tuple[str, str]:
    word = str(raw.get("id") or raw.get("role_name") or raw.get("name") if isinstance(raw, dict) else raw)
    role_id = (await links.look_up(ctx, "role", [word])).get(word.lower())
    if role_id is None:
        raise Invalid.field("role", f"There is no role {word[:80]!r}.")
    return role_id, str(await ctx.session.scalar(select(Role.role_name).where(Role.id == role_id)))


# Everybody may ask what holds for themselves: the handler checks the module's own permission.
field_configs.actions.append(
    operation(
        field_permission,
        "POST",
        field_configs.path + "field_permission/",
        field_configs.module,
        write=False,
        resource=field_configs.name,
    )
)
