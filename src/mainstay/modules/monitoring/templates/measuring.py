"""What templates measure, in the API: statistics checked, imported, tried on a device; templates made from items."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
from sqlalchemy import select

from mainstay.kernel import verbs, writing
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Conflict, Invalid
from mainstay.kernel.rows import restricted
from mainstay.modules.assets.categories.service import classes
from mainstay.modules.assets.cmdb.facts import Facts
from mainstay.modules.assets.cmdb.partlists import item_of
from mainstay.modules.assets.cmdb.reconcile import UPDATED, reconcile
from mainstay.modules.assets.cmdb.resource import items
from mainstay.modules.assets.cmdb.tables import Ci
from mainstay.modules.monitoring.credentials import service as credentials
from mainstay.modules.monitoring.mibs.resource import mibs
from mainstay.modules.monitoring.mibs.values import shown
from mainstay.modules.monitoring.polling.service import way, way_to
from mainstay.modules.monitoring.snmp import ber
from mainstay.modules.monitoring.snmp.ber import Malformed, Varbind
from mainstay.modules.monitoring.snmp.client import Client, SnmpError
from mainstay.modules.monitoring.templates import statistics
from mainstay.modules.monitoring.templates.engine import Facts as Answered
from mainstay.modules.monitoring.templates.engine import Library
from mainstay.modules.monitoring.templates.resource import device_templates
from mainstay.modules.monitoring.templates.service import rule
from mainstay.modules.monitoring.templates.tables import DeviceTemplate
from mainstay.modules.monitoring.thresholds.shipped import METRICS

MOST, SHOWN, PATIENCE = 200, 20, 30
COUNTERS = (ber.COUNTER32, ber.COUNTER64)
TYPES = {
    ber.INTEGER: "integer", ber.OCTET_STRING: "text", ber.OBJECT_IDENTIFIER: "oid", ber.IP_ADDRESS: "address",
    ber.COUNTER32: "counter", ber.GAUGE32: "gauge", ber.TIME_TICKS: "time", ber.COUNTER64: "counter",
}  # fmt: skip
FIELDS = ("product", "vendor", "sysobjectid", "sysdescr", "device_type", "os_type", "model", "series",
          "version_expression", "is_enabled", "resource")  # fmt: skip


class Taken(msgspec.Struct, kw_only=True):
    """``templates``: new ones, as ``POST`` takes them. ``ci_ids``: items to make templates from, with what is known."""

    templates: list[dict[str, Any]] = []
    ci_ids: list[str] = []


class Made(msgspec.Struct, kw_only=True):
    """The templates that were made."""

    status: str = "success"
    created: int
    results: list[dict[str, str]]


@device_templates.action("POST", "create-templates/", privilege="add")
async def create_templates(ctx: Context, body: Taken) -> Made:
    """Create several templates at once: as given, or from items that are known already"""
    if not 1 <= len(body.templates) + len(body.ci_ids) <= MOST:
        raise Invalid.field("templates", f"Please provide one to {MOST} templates or items.")
    given = list(body.templates)
    for ci in body.ci_ids:
        item = await item_of(ctx, ci)
        if not item.sys_object_id:
            raise Conflict(f"It is not known which sysObjectID {item.name} has; run a discovery first.")
        known = await _category(ctx, item)
        given.append({
            "product": f"{item.manufacturer} {item.model}".strip() or item.name, "vendor": item.manufacturer,
            "sysobjectid": f"={item.sys_object_id}", "os_type": item.os_name[:120], "model": item.model,
            "device_type": known,
        })  # fmt: skip
    made = await writing.create_many(ctx, device_templates, given)
    return Made(created=len(made), results=[{"id": row["id"], "product": row["product"]} for row in made])


async def _category(ctx: Context, item: Ci) -> str:
    found = (await classes(ctx)).get(item.category)
    return found.name if found else ""


class TemplateQuery(msgspec.Struct, kw_only=True):
    """A template; empty: all."""

    id: str = ""


class Exported(msgspec.Struct, kw_only=True):
    """A template with its statistics, as ``import-stats-json/`` takes them."""

    id: str
    product: str
    statistics: list[dict[str, Any]]


class Choices(msgspec.Struct, kw_only=True):
    """What templates come and go as."""

    formats: list[str]
    fields: list[str]
    statistic_fields: list[str]
    templates: list[Exported]


@device_templates.action("GET", "export-import-options/")
async def export_import(ctx: Context, query: TemplateQuery) -> Choices:
    """In which forms templates are exported and imported; their statistics as JSON"""
    wanted = select(DeviceTemplate).order_by(DeviceTemplate.product, DeviceTemplate.id).limit(1000)
    if query.id:
        wanted = wanted.where(DeviceTemplate.id == (await verbs.entity_of(ctx, device_templates, query.id)).id)
    rows = list((await ctx.session.execute(wanted)).scalars())
    return Choices(
        formats=["csv", "json"], fields=list(FIELDS), statistic_fields=list(statistics.Statistic.__dataclass_fields__),
        templates=[Exported(id=row.id, product=row.product, statistics=row.resource) for row in rows],
    )  # fmt: skip


class StatsInput(msgspec.Struct, kw_only=True):
    """Statistics for a template (``id``), as ``statistics`` or, as the template has them, ``resource``.

    ``replace``: instead of those that it has, else besides them."""

    id: str = ""
    statistics: Any = None
    resource: Any = None
    replace: bool = False


class StatsChecked(msgspec.Struct, kw_only=True):
    """Which statistics can be measured, and what is wrong with the others by their place in the list."""

    valid: int
    invalid: int
    statistics: list[dict[str, Any]]
    errors: list[dict[str, Any]]


@device_templates.action("POST", "validate-stats-json/", write=False)
async def validate_stats(ctx: Context, body: StatsInput) -> StatsChecked:
    """Check statistics before they are imported; nothing is stored"""
    return (await _checked(ctx, body))[1]


async def _checked(ctx: Context, body: StatsInput, *, lock: bool = False) -> tuple[Any, StatsChecked]:
    row = await verbs.entity_of(ctx, device_templates, body.id, lock=lock) if body.id else None
    taken = {str(one["key"]) for one in row.resource} if row is not None and not body.replace else set()
    given = body.resource if body.statistics is None else body.statistics
    if given is None:
        raise Invalid.field("statistics", "Please provide statistics: a list of objects with key, name and oid.")
    good, wrong = statistics.checked(given, {*METRICS, *taken})
    if len(good) + len(taken) > statistics.MOST:
        wrong.append({"row": 0, "error": f"A template holds at most {statistics.MOST} statistics."})
    plain = [statistics.plain(one) for one in good]
    return row, StatsChecked(valid=len(good), invalid=len(wrong), statistics=plain, errors=wrong)


@device_templates.action("POST", "import-stats-json/", privilege="edit")
async def import_stats(ctx: Context, body: StatsInput) -> StatsChecked:
    """Take statistics over into a template: all of them, or none where one is wrong"""
    if not body.id:
        raise Invalid.field("id", "Please say into which template.")
    row, found = await _checked(ctx, body, lock=True)
    if found.errors:
        raise Invalid.field("statistics", f"Statistic {found.errors[0]['row']}: {found.errors[0]['error']}")
    every = [*([] if body.replace else row.resource), *found.statistics]
    await writing.update(ctx, device_templates, row, {"resource": every}, partial=True)
    return found


class ConfigOptions(msgspec.Struct, kw_only=True):
    """What a statistic can be, and the keys that are taken by what is measured on every device."""

    types: list[str]
    kinds: list[str]
    units: list[str]
    taken: list[str]
    most: int


@device_templates.action("GET", "res-config-options/")
async def config_options(ctx: Context) -> ConfigOptions:
    """What can be said of the statistics of a template"""
    return ConfigOptions(
        types=[statistics.SCALAR, statistics.COLUMN], kinds=[statistics.GAUGE, statistics.COUNTER],
        units=["%", "°C", "V", "A", "W", "rpm", "s", "ms", "B", "bit/s", "1/s", "dBm", "Hz"], taken=list(METRICS),
        most=statistics.MOST,
    )  # fmt: skip


class Resynced(msgspec.Struct, kw_only=True):
    """Items that a template is about, and which of them were changed by it."""

    status: str = "success"
    matched: int
    updated: int
    items: list[dict[str, Any]]


class ResyncInput(msgspec.Struct, kw_only=True):
    """One template; empty: all of them."""

    id: str = ""


@device_templates.action("POST", "sys-object-resync/", privilege="edit")
async def resync(ctx: Context, body: ResyncInput) -> Resynced:
    """Bring what templates say of a sysObjectID to the items that have it, without another discovery"""
    ctx.principal.require("asset", "edit")
    only = (await verbs.entity_of(ctx, device_templates, body.id)).id if body.id else ""
    query = select(DeviceTemplate).where(DeviceTemplate.is_enabled.is_(True)).order_by(DeviceTemplate.id)
    templates = {row.id: row for row in (await ctx.session.execute(query)).scalars()}
    library = Library([rule(row) for row in templates.values()], {})
    known: Any = select(Ci.id, Ci.name, Ci.sys_object_id, Ci.description).where(Ci.sys_object_id != "").order_by(Ci.id)
    facts: list[Facts] = []
    for row in (await ctx.session.execute(restricted(ctx, items, known))).all():
        # Discovery keeps sysDescr as the description; where somebody wrote another, the next discovery tells.
        answered = Answered(sys_object_id=row.sys_object_id, sys_descr=row.description)
        found = library.match(answered)
        if found is None or (only and found.template != only):
            continue
        one = templates[found.template]
        said = {"manufacturer": one.vendor, "os_name": one.os_type, "model": one.model,
                "os_version": library.identify(answered).version if one.version_expression else ""}  # fmt: skip
        told = {name: text for name, text in said.items() if text}
        facts.append(Facts(ref=row.id, ci=row.id, category=one.device_type, attributes=told))
    outcomes = await reconcile(ctx, "discovery", facts, create=False) if facts else []
    changed = [one for one in outcomes if one.what == UPDATED]
    return Resynced(matched=len(facts), updated=len(changed), items=[
        {"id": one.ci_id, "name": one.name, "changed": one.changed, "conflicts": one.conflicts}
        for one in outcomes[:1000]
    ])  # fmt: skip


class VerifyQuery(msgspec.Struct, kw_only=True):
    """``oid``: the object; ``label_oid``: the column with the names of its rows.

    The device is an item (``ci_id``) or an address; ``credential``: id or name, else the one that it is polled with,
    else the first that is for the address.
    """

    oid: str = ""
    label_oid: str = ""
    ci_id: str = ""
    address: str = ""
    credential: str = ""


class Row(msgspec.Struct, kw_only=True):
    """A value that the device answered."""

    oid: str
    index: str
    label: str
    value: str


class Verified(msgspec.Struct, kw_only=True):
    """Whether the device has the object, and what a statistic for it looks like."""

    exists: bool
    msg: str
    address: str
    oid: str
    type: str
    """scalar or column."""
    syntax: str
    kind: str
    """gauge or counter; empty where the value is no number."""
    rows: list[Row]


@device_templates.action("GET", "verify-oid-exists/")
async def verify_oid(ctx: Context, query: VerifyQuery) -> Verified:
    """Ask a device whether it has an object, with its own credential or another one"""
    # Asking devices is what the explorer's permission is for.
    ctx.principal.require(mibs.permission, "execute")
    names = {}
    for field, raw in (("oid", query.oid), ("label_oid", query.label_oid)):
        if raw or field == "oid":
            try:
                names[field] = ber.parse_oid(raw.strip().lstrip("."))
            except ValueError:
                raise Invalid.field(field, "An OID is numbers with dots, such as 1.3.6.1.2.1.1.3.0.") from None
    if query.ci_id:
        found = await way_to(ctx, await item_of(ctx, query.ci_id), query.credential)
    else:
        found = await way(ctx, await credentials.allowed(ctx, query.address), query.credential)
    oid = names["oid"]
    try:
        async with asyncio.timeout(PATIENCE), Client(found.address, found.access) as device:
            rows = await device.walk(oid, limit=SHOWN)
            below = names.get("label_oid")
            labels = {ber.oid_of(one[0])[len(below) :]: one for one in await device.walk(below, 1000)} if below else {}
    except (SnmpError, Malformed, TimeoutError) as error:
        raise Invalid(f"{str(error) or 'The device did not finish in time.'}", address=found.address) from None
    return _verified(found.address, oid, rows, labels)


def _verified(
    address: str, oid: tuple[int, ...], rows: list[Varbind], labels: dict[tuple[int, ...], Varbind]
) -> Verified:  # fmt: skip
    text = ber.oid_text(ber.oid_bytes(oid))
    if not rows:
        return Verified(exists=False, msg=f"The device has nothing at {text}.", address=address, oid=text, type="",
                        syntax="", kind="", rows=[])  # fmt: skip
    scalar = ber.oid_of(rows[0][0]) == oid
    tags = {one[1] for one in rows}
    syntax = TYPES.get(rows[0][1], "other") if len(tags) == 1 else "other"
    kind = statistics.COUNTER if tags <= set(COUNTERS) else statistics.GAUGE if syntax in ("integer", "gauge") else ""
    made = []
    for one in rows:
        index = ber.oid_of(one[0])[len(oid) :]
        label = shown(None, *labels[index][1:])[:200] if index in labels else ""
        made.append(Row(oid=ber.oid_text(one[0]), index=".".join(map(str, index)), label=label,
                        value=shown(None, *one[1:])[:500]))  # fmt: skip
    return Verified(exists=True, msg="The device has it.", address=address, oid=text, syntax=syntax, kind=kind,
                    type=statistics.SCALAR if scalar else statistics.COLUMN, rows=made)  # fmt: skip
