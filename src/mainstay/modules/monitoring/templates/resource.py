"""Device templates in the API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import func, or_, select

from mainstay.kernel import files, store
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Invalid
from mainstay.kernel.operation import Page
from mainstay.kernel.query import ListQuery
from mainstay.kernel.resource import Behaviour, Resource
from mainstay.kernel.trail import envelope
from mainstay.modules.assets.cmdb.tables import Ci
from mainstay.modules.monitoring.templates.library import systems
from mainstay.modules.monitoring.templates.service import ICONS, KEPT_AS, PATH, icons_and_names
from mainstay.modules.monitoring.templates.statistics import checked, plain
from mainstay.modules.monitoring.templates.tables import DeviceTemplate
from mainstay.modules.monitoring.thresholds.shipped import METRICS

NEITHER = "Please provide the sysObjectID, an expression for the description, or both."


class Templates(Behaviour[DeviceTemplate]):
    async def check(
        self,
        ctx: Context,
        rows: Sequence[dict[str, Any]],
        given: Sequence[Mapping[str, Any]],
        wrong: Sequence[dict[str, list[str]]],
    ) -> None:
        for row, errors in zip(rows, wrong, strict=True):
            if not errors and not row.get("sysobjectid") and not row.get("sysdescr"):
                errors["sysobjectid"] = [NEITHER]

    async def prepare(self, ctx: Context, rows: list[dict[str, Any]], given: Sequence[Mapping[str, Any]]) -> None:
        for row in rows:
            row["resource"] = _statistics(row.get("resource") or [])
        if any(not row.get("sysobjectid") and not row.get("sysdescr") for row in rows):
            raise Invalid.field("sysobjectid", NEITHER)

    async def change(
        self, ctx: Context, entity: DeviceTemplate, values: dict[str, Any], given: Mapping[str, Any]
    ) -> None:
        after = {name: values.get(name, getattr(entity, name)) for name in ("sysobjectid", "sysdescr")}
        if not any(after.values()):
            raise Invalid.field("sysobjectid", NEITHER)
        if "resource" in values:
            values["resource"] = _statistics(values["resource"] or [])

    async def decorate(self, ctx: Context, rows: list[dict[str, Any]]) -> None:
        numbers = {int(row.get(name) or 0) for row in rows for name in ("created_by", "modified_by")} - {0}
        shown, names = await icons_and_names(ctx, [row["id"] for row in rows], numbers)
        for row in rows:
            row |= {f"{kind}_icon": shown.get(row["id"], {}).get(f"{kind}_icon", "") for kind in ICONS}
            row["created_by_name"] = names.get(row.get("created_by") or 0, "")
            row["modified_by_name"] = names.get(row.get("modified_by") or 0, "")

    async def removing(self, ctx: Context, entities: Sequence[DeviceTemplate]) -> None:
        for entity in entities:
            for file in await files.of(ctx, KEPT_AS, entity.id):
                await store.remove(ctx, file)


def _statistics(given: Any) -> list[dict[str, Any]]:
    good, wrong = checked(given, METRICS)
    if wrong:
        raise Invalid.field("resource", f"Statistic {wrong[0]['row']}: {wrong[0]['error']}")
    return [plain(one) for one in good]


device_templates = Resource(
    DeviceTemplate,
    module="Device Template",
    path=PATH,
    label="Device template",
    title="product",
    area="monitoring",
    section="IT Operations",
    verbs={"columns": "csv_cols/", "import": "upload-csv/"},
    extra={"device_icon": str, "vendor_icon": str, "os_icon": str, "created_by_name": str, "modified_by_name": str},
    behaviour=Templates(),
    natural_key="product",
    sample={
        "product": "Edge router", "sysobjectid": "1.3.6.1.4.1.99999.1", "vendor": "Example", "device_type": "Router",
        "os_type": "ExampleOS", "model": "ER-1",
    },
)  # fmt: skip


class OidQuery(msgspec.Struct, kw_only=True):
    """A sysObjectID, or the beginning of one."""

    sysobjectid: str = ""


class Known(msgspec.Struct, kw_only=True):
    """Items that have it, the first hundred by name."""

    exists: bool
    count: int
    items: list[dict[str, str]]


@device_templates.action("GET", "verify-sysobjectid-asset-exists/")
async def asset_exists(ctx: Context, query: OidQuery) -> Known:
    """Whether there are items with a sysObjectID, or below it"""
    oid = query.sysobjectid.strip().lstrip(".=")
    if not oid or not all(part.isdigit() for part in oid.split(".")):
        raise Invalid.field("sysobjectid", "Please provide a sysObjectID, such as 1.3.6.1.4.1.9.1.1208.")
    here = or_(Ci.sys_object_id == oid, Ci.sys_object_id.startswith(f"{oid}.", autoescape=True))
    ctx.principal.require("asset", "view")
    count = int(await ctx.session.scalar(select(func.count()).select_from(Ci).where(here)) or 0)
    found = (await ctx.session.execute(select(Ci.id, Ci.name).where(here).order_by(Ci.name, Ci.id).limit(100))).all()
    return Known(exists=count > 0, count=count, items=[{"id": row.id, "name": row.name} for row in found])


class Shipped(msgspec.Struct, kw_only=True):
    """A rule that comes with Mainstay."""

    vendor: str
    os: str
    sysobjectid: str
    sysdescr: str
    object: str
    """An object that the device must have besides; templates of one's own cannot say this."""
    device_type: str
    version: list[str]
    model: list[str]


@device_templates.action("GET", "library/")
async def library(ctx: Context, query: ListQuery) -> Page:
    """The rules that come with Mainstay; an organization's own templates go before them"""
    if not 1 <= query.items_per_page <= 1000 or not 1 <= query.page <= 10**6:
        raise Invalid.field("items_per_page", "items_per_page must be between 1 and 1000, and page 1 or more.")
    words = query.search.lower().split()
    every = [one for one in systems() if all(word in f"{one.vendor} {one.os} {one.oid}".lower() for word in words)]
    start = (query.page - 1) * query.items_per_page
    return envelope(query, len(every), [
        Shipped(vendor=one.vendor, os=one.os, sysobjectid=one.oid, sysdescr=one.descr,
                object=one.has.oid if one.has else "", device_type=one.type,
                version=list(one.version), model=list(one.model))
        for one in every[start : start + query.items_per_page]
    ])  # fmt: skip
