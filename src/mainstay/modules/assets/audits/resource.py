"""Stock-takes in the Cmdb module of the API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mainstay.kernel import query as filtering
from mainstay.kernel import references, rows
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Invalid
from mainstay.kernel.resource import Behaviour, Resource
from mainstay.modules.assets.audits import service
from mainstay.modules.assets.audits.tables import COMPLETED, RESULTS, Audit, AuditTemplate
from mainstay.modules.assets.cmdb.resource import items

PERMISSION = "asset_audit"
PRIVILEGES = ("view", "add", "edit", "delete", "export", "approve")


class Templates(Behaviour[AuditTemplate]):
    async def prepare(self, ctx: Context, rows: list[dict[str, Any]], given: Sequence[Mapping[str, Any]]) -> None:
        for row in rows:
            service.check_fields(row.get("compared") or ())
            filtering.where(await _source(ctx), filtering.parse_filters(row.get("filters")))

    async def change(
        self, ctx: Context, entity: AuditTemplate, values: dict[str, Any], given: Mapping[str, Any]
    ) -> None:
        service.check_fields(values.get("compared") or ())
        filtering.where(await _source(ctx), filtering.parse_filters(values.get("filters")))

    async def removing(self, ctx: Context, entities: Sequence[AuditTemplate]) -> None:
        await references.release(ctx, "asset_audit_template", "The template", [entity.id for entity in entities])


async def _source(ctx: Context) -> Any:
    return await rows.source(ctx, items)


class Audits(Behaviour[Audit]):
    async def added(self, ctx: Context, rows: list[dict[str, Any]], given: Sequence[Mapping[str, Any]]) -> None:
        for row in rows:
            await service.fill(ctx, row["id"], await ctx.session.get_one(AuditTemplate, row["template"]))

    async def change(self, ctx: Context, entity: Audit, values: dict[str, Any], given: Mapping[str, Any]) -> None:
        if values.get("template", entity.template) != entity.template:
            raise Invalid.field("template", "The template of a stock-take cannot be changed. Start another one.")
        if values.get("status") == COMPLETED and entity.status != COMPLETED:
            values["finished_at"] = ctx.now

    async def removing(self, ctx: Context, entities: Sequence[Audit]) -> None:
        await service.forget(ctx, [entity.id for entity in entities])

    async def decorate(self, ctx: Context, rows: list[dict[str, Any]]) -> None:
        found = await service.counts(ctx, [row["id"] for row in rows])
        for row in rows:
            row["counts"] = {name: found.get(row["id"], {}).get(name, 0) for name in RESULTS}


templates = Resource(
    AuditTemplate,
    module="Cmdb",
    path="/ux/common/cmdb/audit-template/",
    label="Audit template",
    title="name",
    area="assets",
    section="Assets",
    permission=PERMISSION,
    privileges=PRIVILEGES,
    permission_label="Asset audits",
    id_name="template_id",
    sort="name",
    reverse=False,
    behaviour=Templates(),
    custom_fields=False,
)
audits = Resource(
    Audit,
    module="Cmdb",
    path="/ux/common/cmdb/audit/",
    label="Asset audit",
    title="name",
    area="assets",
    section="Assets",
    permission=PERMISSION,
    privileges=PRIVILEGES,
    permission_label="Asset audits",
    id_name="audit_id",
    extra={"counts": dict[str, int]},
    behaviour=Audits(),
    custom_fields=False,
)
