"""Icons of device templates: of the device, its maker and its system. Devices that a template tells show them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import select

from mainstay.kernel import changes, files, pictures, store, verbs
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Invalid, NotFound
from mainstay.kernel.files import Attachment, AttachmentInput, Media
from mainstay.kernel.operation import Reply, Success
from mainstay.modules.assets.cmdb.tables import Ci
from mainstay.modules.monitoring.templates.engine import Facts, Library
from mainstay.modules.monitoring.templates.resource import device_templates
from mainstay.modules.monitoring.templates.service import ICONS, KEPT_AS, icons_of, rule
from mainstay.modules.monitoring.templates.tables import DeviceTemplate

LARGEST, MOST = 256 * 1024, 1000
"""Bytes of an icon; items that are asked for at once."""


class IconInput(msgspec.Struct, kw_only=True):
    """A PNG, JPEG, GIF or WebP file of at most 256 KiB as a data URI. ``kind``: device, vendor or os."""

    kind: str = ""
    data: str = ""
    name: str = "icon"


class Icons(msgspec.Struct, kw_only=True):
    """Where the icons are served; empty where there is none."""

    device_icon: str = ""
    vendor_icon: str = ""
    os_icon: str = ""


class IconsSaved(Success, kw_only=True):
    icons: Icons


class IconsQuery(msgspec.Struct, kw_only=True):
    """Ids of items, separated by commas."""

    ci_id: str


class IconsOfItems(msgspec.Struct, kw_only=True):
    """Of those items that have any."""

    results: dict[str, Icons]


@device_templates.action("POST", "{id}/icon/", privilege="edit")
async def set_icon(ctx: Context, id: str, body: IconInput) -> IconsSaved:
    """Give a template an icon: of the device, of its maker, or of its system"""
    template = await verbs.entity_of(ctx, device_templates, id, lock=True)
    _kind(body.kind)
    file = AttachmentInput(name=body.name, data=body.data)
    pictures.check(*files.decode(ctx.platform.settings, file), LARGEST)
    before = await _find(ctx, template.id, body.kind)
    if before is not None:
        await store.remove(ctx, before)
    await files.attach(ctx, KEPT_AS, template.id, [file], part=body.kind, note=False)
    await _note(ctx, template, [changes.entry(f"{body.kind}_icon", before and before.name, body.name)])
    made = await icons_of(ctx, [template.id])
    return IconsSaved(icons=Icons(**made[template.id]))


@device_templates.action("DELETE", "{id}/icon/{kind}/", privilege="edit", status=204)
async def remove_icon(ctx: Context, id: str, kind: str) -> None:
    """Take an icon of a template away"""
    template = await verbs.entity_of(ctx, device_templates, id, lock=True)
    found = await _find(ctx, template.id, _kind(kind))
    if found is None:
        raise NotFound("The template has no such icon.")
    await store.remove(ctx, found)
    await _note(ctx, template, [changes.entry(f"{kind}_icon", found.name, None)])


@device_templates.action("GET", "{id}/icon/{kind}/", returns=Media)
async def icon(ctx: Context, id: str, kind: str) -> Reply:
    """An icon of a template"""
    template = await verbs.entity_of(ctx, device_templates, id)
    found = await _find(ctx, template.id, _kind(kind))
    if found is None:
        raise NotFound("The template has no such icon.")
    return files.content(ctx, found)


@device_templates.action("GET", "icons/")
async def icons(ctx: Context, query: IconsQuery) -> IconsOfItems:
    """The icons of items: those of the template of one's own that tells what each of them is"""
    ctx.principal.require("asset", "view")
    wanted = [word for word in (part.strip() for part in query.ci_id.split(",")) if word]
    if len(wanted) > MOST:
        raise Invalid.field("ci_id", f"Please ask for at most {MOST} items at once.")
    there = select(Attachment.record_id).where(Attachment.resource == KEPT_AS)
    templates = select(DeviceTemplate).where(DeviceTemplate.is_enabled.is_(True)).order_by(DeviceTemplate.id)
    rows = list((await ctx.session.execute(templates)).scalars())
    shown = await icons_of(ctx, list((await ctx.session.execute(there.distinct())).scalars()))
    found: dict[str, Icons] = {}
    if shown and wanted:
        library = Library([rule(row) for row in rows], {})
        told = select(Ci.id, Ci.sys_object_id, Ci.description).where(Ci.id.in_(wanted))
        for item in (await ctx.session.execute(told)).all():
            fits = library.match(Facts(sys_object_id=item.sys_object_id, sys_descr=item.description))
            if fits is not None and fits.template in shown:
                found[item.id] = Icons(**shown[fits.template])
    return IconsOfItems(results=found)


def _kind(kind: str) -> str:
    if kind not in ICONS:
        raise Invalid.field("kind", f"kind is one of {', '.join(ICONS)}.")
    return kind


async def _find(ctx: Context, template: str, kind: str) -> Attachment | None:
    return next(iter(await files.of(ctx, KEPT_AS, template, kind)), None)


async def _note(ctx: Context, template: DeviceTemplate, entries: Sequence[dict[str, Any]]) -> None:
    await changes.record(ctx, device_templates.name, "icon", [(template.id, 0, list(entries))])
