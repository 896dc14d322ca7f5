"""The resources of items: what is watched on them."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
from sqlalchemy import func, select, update

from mainstay.kernel import changes, csvverbs, files, rows
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Invalid
from mainstay.kernel.operation import Page, Saved, Upload
from mainstay.kernel.store import CHUNK
from mainstay.kernel.transfer import TransferError, open_table
from mainstay.modules.assets.cmdb import inventory, service
from mainstay.modules.assets.cmdb.partlists import OnePart, PartQuery, base, item_of, listed, one_of, shown
from mainstay.modules.assets.cmdb.parts import CiHardware, CiInterface, CiResource, CiStorage
from mainstay.modules.assets.cmdb.resource import items
from mainstay.modules.assets.cmdb.tables import CRITICALITIES, Ci

KINDS = ("cpu", "memory", "disk", "interface", "process", "service", "sensor", "url", "other")
EDITABLE = ("alias", "description", "criticality", "is_monitored", "tags")
MAX_ROWS = 5000


class ResourceInput(msgspec.Struct, kw_only=True):
    """A resource of an item. With ``id`` (or the key of one that is there) it is changed, else it is new."""

    ci_id: str = ""
    id: str = ""
    key: str = ""
    name: str = ""
    kind: str = "other"
    alias: str = ""
    description: str = ""
    criticality: int = 3
    is_monitored: bool = True
    tags: list[str] = []
    details: dict[str, Any] = {}


class ResourcesInput(msgspec.Struct, kw_only=True):
    """Resources of one item (``ci_id``), or of several that each names."""

    ci_id: str = ""
    resources: list[ResourceInput]


class Stored(msgspec.Struct, kw_only=True):
    """The resources as they are now."""

    status: str = "success"
    results: list[dict[str, Any]]


@items.action("GET", "resources/")
async def resources(ctx: Context, query: PartQuery) -> Page:
    """The resources of an item, or of all"""
    return await listed(ctx, CiResource, query, order=(Ci.name, CiResource.kind))


@items.action("POST", "resources/", privilege="edit")
async def put_resources(ctx: Context, body: ResourcesInput) -> Stored:
    """Add resources to items, or change those that are there"""
    if len(body.resources) > MAX_ROWS:
        raise Invalid.field("resources", f"At most {MAX_ROWS:,} resources can be stored at once.")
    grouped: dict[str, list[dict[str, Any]]] = {}
    known: dict[str, str] = {}
    for one in body.resources:
        given = one.ci_id or body.ci_id
        if given not in known:
            known[given] = (await item_of(ctx, given)).id
        grouped.setdefault(known[given], []).append(_checked(one))
    await inventory.keep(
        ctx, service.source_of(ctx), {ci: {"resources": held} for ci, held in grouped.items()}, complete=False
    )
    keys = [held["key"] for each in grouped.values() for held in each]
    wanted = base(ctx, CiResource, CiResource.ci.in_(list(grouped)), CiResource.key.in_(keys))
    return Stored(results=[shown(row) for row in (await ctx.session.execute(wanted.order_by(CiResource.id))).all()])


def _checked(one: ResourceInput) -> dict[str, Any]:
    """A resource's values. Raises ``Invalid``."""
    if not one.name.strip() and not one.key.strip():
        raise Invalid.field("name", "Please provide the name of the resource.")
    if one.kind not in KINDS:
        raise Invalid.field("kind", f"{one.kind[:40]!r} is not a kind of resource. Kinds: {', '.join(KINDS)}.")
    if one.criticality not in {choice.id for choice in CRITICALITIES}:
        raise Invalid.field("criticality", "criticality must be between 1 (critical) and 4 (low).")
    name = one.name.strip() or one.key.strip()
    return {
        "key": one.key.strip() or f"{one.kind}:{name}",
        "name": name,
        "kind": one.kind,
        "alias": one.alias,
        "description": one.description,
        "criticality": one.criticality,
        "is_monitored": one.is_monitored,
        "tags": one.tags,
        "details": one.details,
    }


@items.action("POST", "saveResource/", privilege="edit")
async def save_resource(ctx: Context, body: ResourceInput) -> Saved:
    """Add a resource to an item, or change one"""
    if body.id:
        found = await one_of(ctx, CiResource, body.id)
        changed = msgspec.structs.replace(body, ci_id=found["ci"], key=found["key"], name=body.name or found["name"])
        item = await item_of(ctx, found["ci"])
    else:
        item = await item_of(ctx, body.ci_id)
        changed = body
    values = _checked(changed)
    await inventory.keep(ctx, service.source_of(ctx), {item.id: {"resources": [values]}}, complete=False)
    wanted = base(ctx, CiResource, CiResource.ci == item.id, CiResource.key == values["key"])
    data = shown((await ctx.session.execute(wanted)).one())
    return Saved(id=data["id"], message="resource_saved", msg="Resource saved.", data=data)


class MonitorQuery(msgspec.Struct, kw_only=True):
    """Which resources of an item are watched: their ids, with commas between. The item's others are not."""

    ci_id: str
    ids: str = ""


class Watched(msgspec.Struct, kw_only=True):
    """How many resources of an item are watched, and how many this changed."""

    status: str = "success"
    monitored: int
    changed: int


@items.action("GET", "save-resources-list/", privilege="edit", write=True)
async def save_list(ctx: Context, query: MonitorQuery) -> Watched:
    """Choose which of an item's resources are watched"""
    item = await item_of(ctx, query.ci_id)
    wanted = {part.strip() for part in query.ids.split(",") if part.strip()}
    have = select(CiResource.id, CiResource.name, CiResource.is_monitored).where(CiResource.ci == item.id)
    found = (await ctx.session.execute(have)).all()
    unknown = wanted - {row.id for row in found}
    if unknown:
        raise Invalid.field("ids", f"The item has no resource {min(unknown)[:40]!r}.")
    diff = [row for row in found if row.is_monitored != (row.id in wanted)]
    for on in (True, False):
        await _change(ctx, [row.id for row in diff if (row.id in wanted) is on], {"is_monitored": on})
    if diff:
        told = [
            changes.entry(f"resources.{row.name}.is_monitored", row.is_monitored, not row.is_monitored) for row in diff
        ]
        await changes.record(ctx, "ci", "inventory", [(item.id, 0, told[:50])])
    return Watched(monitored=len(wanted), changed=len(diff))


async def _change(ctx: Context, ids: list[str], values: dict[str, Any]) -> None:
    for start in range(0, len(ids), CHUNK):
        statement = update(CiResource).where(CiResource.id.in_(ids[start : start + CHUNK])).values(values)
        await ctx.session.execute(statement.execution_options(synchronize_session=False))


class BulkEdit(msgspec.Struct, kw_only=True):
    """Resources, and what to change in all of them: alias, description, criticality, is_monitored, tags."""

    ids: list[str]
    values: dict[str, Any]


class Edited(msgspec.Struct, kw_only=True):
    """How many resources were changed."""

    status: str = "success"
    updated: int


@items.action("POST", "perform_bulk_edit_resource/", privilege="edit")
async def bulk_edit(ctx: Context, body: BulkEdit) -> Edited:
    """Change several resources at once"""
    unknown = sorted(set(body.values) - set(EDITABLE))
    if unknown or not body.values:
        raise Invalid.field("values", f"What can be changed in resources: {', '.join(EDITABLE)}.")
    if not 1 <= len(body.ids) <= MAX_ROWS:
        raise Invalid.field("ids", f"Please provide one to {MAX_ROWS:,} resources.")
    sample = msgspec.convert({"name": "x", **body.values}, ResourceInput, strict=False)
    checked = _checked(sample)
    values = {name: checked[name] for name in body.values}
    entries: dict[str, list[dict[str, Any]]] = {}
    done: list[str] = []
    for start in range(0, len(body.ids), CHUNK):
        wanted = base(ctx, CiResource, CiResource.id.in_(body.ids[start : start + CHUNK]))
        for row in (await ctx.session.execute(wanted)).all():
            diff = [
                changes.entry(f"resources.{row.name}.{name}", getattr(row, name), value)
                for name, value in values.items()
                if getattr(row, name) != value
            ]
            if diff:
                entries.setdefault(row.ci, []).extend(diff)
                done.append(row.id)
    await _change(ctx, done, values)
    await changes.record(ctx, "ci", "inventory", [(ci, 0, diff[:50]) for ci, diff in entries.items()])
    return Edited(updated=len(done))


@items.action("GET", "resources-list/")
async def resource_list(ctx: Context, query: PartQuery) -> Page:
    """The resources of an item by id and name, with whether each is watched"""
    await item_of(ctx, query.ci_id)
    found = await listed(ctx, CiResource, query, order=(CiResource.kind,))
    keys = ("id", "key", "name", "alias", "kind", "is_monitored", "criticality")
    found.results = [{key: row[key] for key in keys} for row in found.results]
    return found


class Kinds(msgspec.Struct, kw_only=True):
    """The kinds of resources there can be, and what there is of each."""

    kinds: list[str]
    criticalities: list[dict[str, Any]]
    counts: list[dict[str, Any]]


@items.action("GET", "resources-list-options/")
async def resource_options(ctx: Context, query: PartQuery) -> Kinds:
    """What resources can be narrowed down by"""
    wanted: Any = select(CiResource.kind, func.count(), func.count().filter(CiResource.is_monitored.is_(True)))
    wanted = wanted.join(Ci, Ci.id == CiResource.ci).where(CiResource.missing_since.is_(None))
    if query.ci_id:
        wanted = wanted.where(CiResource.ci == (await item_of(ctx, query.ci_id)).id)
    grouped = rows.restricted(ctx, items, wanted).group_by(CiResource.kind).order_by(CiResource.kind)
    return Kinds(
        kinds=list(KINDS),
        criticalities=[{"id": one.id, "name": one.name} for one in CRITICALITIES],
        counts=[
            {"kind": row[0], "count": row[1], "monitored": int(row[2] or 0)}
            for row in (await ctx.session.execute(grouped)).all()
        ],
    )


class Choices(msgspec.Struct, kw_only=True):
    """Resources for a choice."""

    results: list[dict[str, Any]]


@items.action("GET", "getResDropdownList/")
async def dropdown(ctx: Context, query: PartQuery) -> Choices:
    """The resources of an item, for a choice"""
    found = await resource_list(ctx, msgspec.structs.replace(query, items_per_page=1000))
    return Choices(
        results=[{"id": row["id"], "name": row["alias"] or row["name"], "kind": row["kind"]} for row in found.results]
    )


class Ids(msgspec.Struct, kw_only=True):
    """Resources by id."""

    ids: list[str]


@items.action("POST", "getResDetails/", write=False)
async def details(ctx: Context, body: Ids) -> Choices:
    """Several resources with their items"""
    if len(body.ids) > CHUNK:
        raise Invalid.field("ids", f"At most {CHUNK} resources can be read at once.")
    found = (await ctx.session.execute(base(ctx, CiResource, CiResource.id.in_(body.ids)))).all()
    return Choices(results=[shown(row) for row in found])


@items.action("GET", "resourse/")
async def one_resource(ctx: Context, query: OnePart) -> dict[str, Any]:
    """One resource"""
    return await one_of(ctx, CiResource, query.id)


class ResourceData(msgspec.Struct, kw_only=True):
    """A resource, and the part of the item that it is."""

    resource: dict[str, Any]
    part: dict[str, Any] | None


@items.action("GET", "resource-data/")
async def resource_data(ctx: Context, query: OnePart) -> ResourceData:
    """A resource with the interface, disk or hardware part behind it"""
    one = await one_of(ctx, CiResource, query.id)
    model: Any = {"interface": CiInterface, "disk": CiStorage, "memory": CiStorage}.get(one["kind"], CiHardware)
    wanted = base(ctx, model, model.ci == one["ci"], model.name == one["name"])
    row = (await ctx.session.execute(wanted.limit(1))).first()
    return ResourceData(resource=one, part=shown(row) if row else None)


class Checked(msgspec.Struct, kw_only=True):
    """Which lines of a file hold resources, ready to be sent to ``resources/``, and what is wrong with the others."""

    valid: int
    invalid: int
    resources: list[dict[str, Any]]
    errors: list[dict[str, Any]]


@items.action("POST", "validate_resource_csv/", privilege="edit", body=csvverbs.ImportInput)
async def validate_csv(ctx: Context, upload: Upload | None, body: Any) -> Checked:
    """Check a file of resources: columns asset (id or name), name, kind, alias, criticality, monitored, description"""
    file, _mapping = await csvverbs.received(ctx, upload, body)
    try:
        table = await asyncio.to_thread(open_table, files.path_of(ctx.platform.settings, file.digest))
        lines = list(table.rows())[: MAX_ROWS + 1]
    except TransferError as error:
        raise Invalid.field("file", str(error)) from None
    if len(lines) > MAX_ROWS:
        raise Invalid.field("file", f"At most {MAX_ROWS:,} lines are checked at once.")
    names = [_COLUMNS.get(header.strip().lower().replace(" ", "_"), "") for header in table.headers]
    if "ci_id" not in names or "name" not in names:
        raise Invalid.field("file", "The file needs the columns asset and name.")
    good: list[dict[str, Any]] = []
    errors: list[dict[str, Any]] = []
    given = [
        {key: cell.strip() for key, cell in zip(names, line.cells, strict=False) if key and cell.strip()}
        for line in lines
    ]
    found = await _items(ctx, {row.get("ci_id", "") for row in given})
    for line, row in zip(lines, given, strict=True):
        try:
            ci = found.get(row.get("ci_id", "").lower())
            if ci is None:
                raise Invalid.field("asset", f"There is no item {row.get('ci_id', '')[:60]!r}.")
            good.append({"ci_id": ci, **_checked(_typed({**row, "ci_id": ci}))})
        except Invalid as wrong:
            name = next(iter(wrong.extra["fields"]))
            errors.append({"row": line.number, "field": name, "value": row.get(name, ""), "error": wrong.error})
    return Checked(valid=len(good), invalid=len(errors), resources=good, errors=errors[:100])


_COLUMNS = {
    "asset": "ci_id",
    "ci_id": "ci_id",
    "ci_name": "ci_id",
    "asset_id": "ci_id",
    "device": "ci_id",
    "name": "name",
    "resource": "name",
    "resource_name": "name",
    "kind": "kind",
    "type": "kind",
    "alias": "alias",
    "criticality": "criticality",
    "monitored": "is_monitored",
    "is_monitored": "is_monitored",
    "description": "description",
}


def _typed(row: dict[str, Any]) -> ResourceInput:
    known = {choice.name.lower(): choice.id for choice in CRITICALITIES}
    if "criticality" in row:
        row["criticality"] = known.get(row["criticality"].lower(), row["criticality"])
    if "is_monitored" in row:
        row["is_monitored"] = row["is_monitored"].lower() in ("1", "true", "yes", "y")
    if "kind" in row:
        row["kind"] = row["kind"].lower()
    try:
        return msgspec.convert(row, ResourceInput, strict=False)
    except msgspec.ValidationError:
        raise Invalid.field("criticality", "criticality must be Critical, High, Medium or Low.") from None


async def _items(ctx: Context, given: set[str]) -> dict[str, str]:
    """Items by id, Asset ID or name, in lower case."""
    found: dict[str, str] = {}
    every = sorted(given - {""})
    for start in range(0, len(every), CHUNK):
        part = every[start : start + CHUNK]
        low = [one.lower() for one in part]
        wanted: Any = select(Ci.id, Ci.display_id, Ci.name).where(
            Ci.id.in_(part) | Ci.display_id.in_([one.upper() for one in part]) | func.lower(Ci.name).in_(low)
        )
        for row in (await ctx.session.execute(rows.restricted(ctx, items, wanted))).all():
            found.setdefault(row.name.lower(), row.id)
            found[row.display_id.lower()] = found[row.id.lower()] = row.id
    return found
