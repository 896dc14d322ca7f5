"""Stock-takes as the documented operations of the Cmdb module."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import func, select

from mainstay.kernel import rows, store, trail, verbs, writing
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Invalid
from mainstay.kernel.operation import Group, Page, Saved, Success
from mainstay.kernel.query import ListQuery
from mainstay.modules.assets.audits import service
from mainstay.modules.assets.audits.resource import PERMISSION, audits, templates
from mainstay.modules.assets.audits.tables import COMPLETED, RESULTS, STATES, Audit, AuditItem
from mainstay.modules.assets.cmdb.resource import PATH, items
from mainstay.modules.assets.cmdb.tables import Ci

stocktaking = Group("Cmdb", PATH)


def _may(privilege: str) -> tuple[str, str]:
    return (PERMISSION, privilege)


class TemplateInput(msgspec.Struct, kw_only=True):
    """A template; with ``template_id`` it is changed."""

    template_id: str = ""
    name: str = ""
    description: str = ""
    categories: list[Any] = []
    location: Any = None
    department: Any = None
    filters: list[Any] = []
    compared: list[str] = []


@stocktaking.route("POST", "asset-audit-template/", permission=_may("add"))
async def save_template(ctx: Context, body: TemplateInput) -> Saved:
    """Store a template of stock-takes"""
    given = msgspec.to_builtins(body)
    key = given.pop("template_id")
    if key:
        ctx.principal.require(PERMISSION, "edit")
        entity = await verbs.entity_of(ctx, templates, key, lock=True)
        given = {name: value for name, value in given.items() if value not in ("", None, []) or name in ("filters",)}
        await writing.update(ctx, templates, entity, given, partial=True)
        what = "update"
    else:
        key = (await writing.create(ctx, templates, given))["id"]
        what = "create"
    return verbs.saved(templates, msgspec.to_builtins(await verbs.whole(ctx, templates, key)), key, what)


class TemplateQuery(ListQuery, kw_only=True):
    """A template."""

    template_id: str = ""


@stocktaking.route("GET", "audit_template_details/", permission=_may("view"), returns=verbs.page_of(templates))
async def template_list(ctx: Context, query: TemplateQuery, body: Any) -> Page:
    """The templates of stock-takes"""
    return await rows.page(ctx, templates, query, verbs.query_filters(query, body))


class TemplateDetails(msgspec.Struct, kw_only=True):
    """A template, what it compares, and how many items it covers now."""

    template: dict[str, Any]
    fields: list[dict[str, Any]]
    items: int
    audits: int


@stocktaking.route("GET", "audit-template-details/", permission=_may("view"))
async def template_details(ctx: Context, query: TemplateQuery) -> TemplateDetails:
    """A template with the number of items it covers and of the stock-takes made from it"""
    entity = await verbs.entity_of(ctx, templates, query.template_id)
    covered = select(func.count()).select_from(Ci).where(*await service.scope(ctx, entity))
    made = select(func.count()).select_from(Audit).where(Audit.template == entity.id)
    names = service.compared(entity)
    return TemplateDetails(
        template=msgspec.to_builtins(await verbs.whole(ctx, templates, entity.id)),
        fields=[{"field": name, "label": items.fields[name].label, "kind": items.fields[name].kind} for name in names],
        items=int(await ctx.session.scalar(covered) or 0),
        audits=int(await ctx.session.scalar(made) or 0),
    )


@stocktaking.route("GET", "getAssetAuditTempateData/", permission=_may("view"))
async def template_data(ctx: Context, query: TemplateQuery) -> Page:
    """The items that a template covers now, with what would be compared"""
    entity = await verbs.entity_of(ctx, templates, query.template_id)
    found = await rows.page(ctx, items, query, extra=await service.scope(ctx, entity))
    names = service.compared(entity)
    wanted = ["ci_id", "name", "display_id", "category_name", "asset_tag", "serial_number"]
    shown = [*wanted, *names, *(f"{name}_name" for name in names)]
    found.results = [{name: getattr(row, name) for name in shown if hasattr(row, name)} for row in found.results]
    return found


class AuditInput(msgspec.Struct, kw_only=True):
    """A stock-take to start."""

    template_id: str
    name: str = ""
    auditor: Any = None
    due_date: str | None = None
    note: str = ""


@stocktaking.route("POST", "asset-audit-record/", permission=_may("add"), status=201)
async def start(ctx: Context, body: AuditInput) -> Saved:
    """Start a stock-take: what its template covers is what is expected"""
    template = await verbs.entity_of(ctx, templates, body.template_id)
    given = {
        "name": body.name or f"{template.name} {ctx.now:%Y-%m-%d}",
        "template": template.id,
        "auditor": body.auditor or ctx.principal.profile_id or None,
        "due_date": body.due_date,
        "note": body.note,
    }
    row = await writing.create(ctx, audits, given)
    return verbs.saved(audits, msgspec.to_builtins(await verbs.whole(ctx, audits, row["id"])), row["id"], "create")


@stocktaking.route("GET", "audit_record_list/", permission=_may("view"), returns=verbs.page_of(audits))
async def audit_list(ctx: Context, query: ListQuery, body: Any) -> Page:
    """The stock-takes"""
    return await rows.page(ctx, audits, query, verbs.query_filters(query, body))


class LineQuery(ListQuery, kw_only=True):
    """The lines of a stock-take with one result."""

    result: str = ""


class Line(msgspec.Struct, kw_only=True):
    """An item in a stock-take."""

    ci_id: str
    name: str
    display_id: str
    asset_tag: str
    serial_number: str
    result: str
    expected: dict[str, Any]
    found: dict[str, Any]
    note: str
    seen_at: datetime | None
    seen_by: str
    applied_at: datetime | None


class AuditDetails(msgspec.Struct, kw_only=True):
    """A stock-take with a page of its lines."""

    audit: dict[str, Any]
    lines: Page


@stocktaking.route("GET", "audit_record_item/{id}/", permission=_may("view"))
async def audit_item(ctx: Context, id: str, query: LineQuery) -> AuditDetails:
    """A stock-take with its lines"""
    entity = await verbs.entity_of(ctx, audits, id)
    wanted: Any = select(AuditItem, Ci).join(Ci, Ci.id == AuditItem.ci).where(AuditItem.audit == entity.id)
    if query.result:
        if query.result not in RESULTS:
            raise Invalid.field("result", f"result must be one of: {', '.join(RESULTS)}.")
        wanted = wanted.where(AuditItem.result == query.result)
    wanted = rows.restricted(ctx, items, wanted).order_by(Ci.name, Ci.id)
    columns = wanted.with_only_columns(AuditItem.ci)
    total, page = await trail.paged(ctx, columns, query)
    found = (await ctx.session.execute(wanted.where(AuditItem.ci.in_([row.ci for row in page])))).all()
    lines = [
        Line(
            ci_id=item.id,
            name=item.name,
            display_id=item.display_id,
            asset_tag=item.asset_tag,
            serial_number=item.serial_number,
            result=line.result,
            expected=line.expected,
            found=line.found,
            note=line.note,
            seen_at=line.seen_at,
            seen_by=line.seen_by,
            applied_at=line.applied_at,
        )
        for line, item in found
    ]
    shown = msgspec.to_builtins(await verbs.whole(ctx, audits, entity.id))
    return AuditDetails(audit=shown, lines=trail.envelope(query, total, lines))


class StatusQuery(msgspec.Struct, kw_only=True):
    """Stock-takes: one, those of a template, those in a status, those since and until a day."""

    audit_id: str = ""
    template_id: str = ""
    status: str = ""
    since: datetime | None = None
    until: datetime | None = None


class StatusCounts(msgspec.Struct, kw_only=True):
    """Lines by result, and stock-takes by status."""

    lines: dict[str, int]
    audits: dict[str, int]


@stocktaking.route("GET", "audit_status_count/", permission=_may("view"))
async def status_count(ctx: Context, query: StatusQuery) -> StatusCounts:
    """How far a stock-take is: its lines by result"""
    entity = await verbs.entity_of(ctx, audits, query.audit_id)
    return await _counted(ctx, [Audit.id == entity.id])


@stocktaking.route("GET", "audit_status_count_filter/", permission=_may("view"))
async def status_count_filter(ctx: Context, query: StatusQuery) -> StatusCounts:
    """How far stock-takes are: those of a template, in a status, in a time"""
    conditions: list[Any] = []
    if query.audit_id:
        conditions.append(Audit.id == query.audit_id)
    if query.template_id:
        conditions.append(Audit.template == query.template_id)
    if query.status:
        word = query.status.lower()
        wanted = [state.id for state in STATES if word in (state.name.lower(), str(state.id))]
        if not wanted:
            raise Invalid.field("status", f"status must be one of: {', '.join(state.name for state in STATES)}.")
        conditions.append(Audit.status == wanted[0])
    if query.since:
        conditions.append(Audit.creation_time >= query.since)
    if query.until:
        conditions.append(Audit.creation_time <= query.until)
    return await _counted(ctx, conditions)


async def _counted(ctx: Context, conditions: list[Any]) -> StatusCounts:
    lines = select(AuditItem.result, func.count()).join(Audit, Audit.id == AuditItem.audit).where(*conditions)
    made = select(Audit.status, func.count()).where(*conditions).group_by(Audit.status)
    by_result = {row[0]: row[1] for row in (await ctx.session.execute(lines.group_by(AuditItem.result))).all()}
    by_status = {row[0]: row[1] for row in (await ctx.session.execute(made)).all()}
    return StatusCounts(
        lines={name: by_result.get(name, 0) for name in RESULTS},
        audits={state.name: by_status.get(int(state.id), 0) for state in STATES},
    )


class FoundItem(msgspec.Struct, kw_only=True):
    """What was found: which item, whether it was there, and the compared fields as they are."""

    ci_id: str = ""
    asset_tag: str = ""
    serial_number: str = ""
    found: bool = True
    values: dict[str, Any] = {}
    note: str = ""


class FoundInput(msgspec.Struct, kw_only=True):
    """What was found in a stock-take. ``finish``: it is complete; what nobody saw is missing."""

    audit_id: str
    items: list[FoundItem] = []
    finish: bool = False


class Recorded(msgspec.Struct, kw_only=True):
    """How many lines have which result now, of those given."""

    status: str = "success"
    audit_id: str
    recorded: dict[str, int]
    missing: int = 0


@stocktaking.route("POST", "saveAssetAudit/", permission=_may("edit"))
async def save(ctx: Context, body: FoundInput) -> Recorded:
    """Note what was found: seen as expected, different, not there, or not expected"""
    if len(body.items) > 1000:
        raise Invalid.field("items", "At most 1,000 entries can be stored at once.")
    entity = await verbs.entity_of(ctx, audits, body.audit_id, lock=True)
    done = await service.record(ctx, entity, [msgspec.to_builtins(one) for one in body.items])
    missing = 0
    if body.finish:
        missing = await service.close(ctx, entity.id)
        entity.status, entity.finished_at = COMPLETED, ctx.now
        await store.save(ctx, entity)
    return Recorded(audit_id=entity.id, recorded=done, missing=missing)


class ApplyInput(msgspec.Struct, kw_only=True):
    """Which differences go into the items; none named: all of them. ``mark_missing``: also those not found."""

    audit_id: str
    ci_ids: list[str] = []
    mark_missing: bool = False


class Applied(msgspec.Struct, kw_only=True):
    """How many items were brought in line, and which could not be."""

    status: str = "success"
    updated: int
    refused: list[dict[str, Any]]


@stocktaking.route("POST", "update_ci_from_audit/", permission=_may("approve"))
async def update_items(ctx: Context, body: ApplyInput) -> Applied:
    """Bring the items in line with what was found"""
    ctx.principal.require(items.permission, "edit")
    entity = await verbs.entity_of(ctx, audits, body.audit_id, lock=True)
    return Applied(**await service.apply(ctx, entity, body.ci_ids, body.mark_missing))


@stocktaking.route("PUT", "delete_audit_record/{id}/", permission=_may("delete"))
async def remove(ctx: Context, id: str) -> Success:
    """Delete a stock-take"""
    entity = await verbs.entity_of(ctx, audits, id, lock=True)
    await writing.remove_many(ctx, audits, [entity.id])
    return Success()
