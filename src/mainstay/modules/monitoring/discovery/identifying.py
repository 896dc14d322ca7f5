"""A device template tried as it stands in the form: what a discovery would make of a device with it, and without it."""

from __future__ import annotations

import time
from typing import Any

import msgspec
from sqlalchemy import select

from mainstay.kernel import verbs
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Invalid
from mainstay.kernel.validation import BadValue, read
from mainstay.modules.assets.cmdb.partlists import item_of
from mainstay.modules.monitoring.credentials import service as credentials
from mainstay.modules.monitoring.discovery import describing, reading
from mainstay.modules.monitoring.mibs.resource import mibs
from mainstay.modules.monitoring.polling.service import way, way_to
from mainstay.modules.monitoring.snmp.ber import Malformed
from mainstay.modules.monitoring.snmp.client import SnmpError
from mainstay.modules.monitoring.templates.engine import Facts, Identity, Library
from mainstay.modules.monitoring.templates.resource import device_templates
from mainstay.modules.monitoring.templates.service import layered, rule
from mainstay.modules.monitoring.templates.tables import DeviceTemplate
from mainstay.modules.monitoring.templates.text import first

DRAFT, PATIENCE = "draft", 30.0
WORDS = ("sysobjectid", "sysdescr", "vendor", "device_type", "os_type", "model", "version_expression")
THIS, OWN, SHIPPED, NOTHING = "this", "template", "shipped", "nothing"


class TryInput(msgspec.Struct, kw_only=True):
    """A template as it stands in the form (``id``: the stored one that it is to replace), and the device: an item
    (``ci_id``) or an address, asked with this credential (id or name) or the one that is for it."""

    id: str = ""
    sysobjectid: str | None = None
    sysdescr: str | None = None
    vendor: str | None = None
    device_type: str | None = None
    os_type: str | None = None
    model: str | None = None
    version_expression: str | None = None
    ci_id: str = ""
    address: str = ""
    credential: str = ""


class Is(msgspec.Struct, kw_only=True):
    """What a device is taken for."""

    vendor: str
    os: str
    version: str
    model: str
    type: str
    serial: str


class Tried(msgspec.Struct, kw_only=True):
    """What the device says, which conditions of the template hold (null: it has none), and what it would be.

    ``decided_by``: this template, another ``template`` (its id and name), a rule that is ``shipped``, or ``nothing``.
    ``without``: what the device would be if there were no such template."""

    address: str
    milliseconds: float
    sys_object_id: str
    sys_descr: str
    number_fits: bool | None
    descr_fits: bool | None
    version_found: str
    decided_by: str
    template_id: str
    template_name: str
    identity: Is
    without: Is
    problems: list[str]


@device_templates.action("POST", "test/", privilege="view", write=False)
async def test_template(ctx: Context, body: TryInput) -> Tried:
    """Try a template on a device before it is saved; nothing is stored"""
    # Asking devices is what the explorer's permission is for.
    ctx.principal.require(mibs.permission, "execute")
    values: dict[str, Any] = {name: _word(name, getattr(body, name)) for name in WORDS}
    if body.id:
        await verbs.entity_of(ctx, device_templates, body.id)
    draft = DeviceTemplate(id=DRAFT, product="", **values)
    query = select(DeviceTemplate).where(DeviceTemplate.is_enabled.is_(True), DeviceTemplate.id != body.id)
    others = list((await ctx.session.execute(query.order_by(DeviceTemplate.id))).scalars())
    if body.ci_id:
        asked = await way_to(ctx, await item_of(ctx, body.ci_id), body.credential)
    else:
        asked = await way(ctx, await credentials.allowed(ctx, body.address), body.credential)
    # Without a condition a template is for no device.
    conditions = [name for name in ("sysobjectid", "sysdescr") if values[name]]
    after, before = layered([*others, *([draft] if conditions else [])]), layered(others)
    started = time.perf_counter()
    try:
        found = await reading.read(asked.address, asked.access, after, ["entity"], PATIENCE)
    except (SnmpError, Malformed, OSError) as error:
        raise Invalid(str(error) or "The device did not answer.", address=asked.address) from None
    took = (time.perf_counter() - started) * 1000
    number, descr = (reading.text(found.scalars.get(name)) for name in ("sys_object_id", "sys_descr"))
    won = after.match(Facts(sys_object_id=number, sys_descr=descr))
    names = {one.id: one.product for one in others}
    decided = NOTHING if won is None else THIS if won.template == DRAFT else OWN if won.template else SHIPPED
    alone = {name: Library([rule(DeviceTemplate(id=DRAFT, **{**dict.fromkeys(WORDS, ""), name: values[name]}))], {})
             for name in conditions}  # fmt: skip
    fits = {name: one.match(Facts(sys_object_id=number, sys_descr=descr)) is not None for name, one in alone.items()}
    expression = values["version_expression"]
    return Tried(
        address=asked.address, milliseconds=took, sys_object_id=number, sys_descr=descr,
        number_fits=fits.get("sysobjectid"), descr_fits=fits.get("sysdescr"),
        version_found=first((expression,), descr).strip(" ,;") if expression else "", decided_by=decided,
        template_id=won.template if won is not None and decided == OWN else "",
        template_name=names.get(won.template, "") if won is not None else "",
        identity=_shown(describing.identify(found, after)), without=_shown(describing.identify(found, before)),
        problems=found.problems,
    )  # fmt: skip


def _word(name: str, given: str | None) -> str:
    if not given:
        return ""
    try:
        return str(read(device_templates.fields[name], given))
    except BadValue as bad:
        raise Invalid.field(name, str(bad)) from None


def _shown(identity: Identity) -> Is:
    return Is(vendor=identity.vendor, os=identity.os, version=identity.version, model=identity.model,
              type=identity.type, serial=identity.serial)  # fmt: skip
