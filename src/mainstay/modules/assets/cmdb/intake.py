"""Facts that come in by the API or by file, and the conflicts they leave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import select, update

from mainstay.kernel import changes, csvverbs, importing, rows, trail, verbs, writing
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Invalid
from mainstay.kernel.importing import Outcome as Stored
from mainstay.kernel.operation import Page, Upload
from mainstay.kernel.query import ListQuery
from mainstay.kernel.resource import Resource
from mainstay.kernel.transfer import Row
from mainstay.modules.assets.cmdb import inventory, lookup, service
from mainstay.modules.assets.cmdb.facts import Facts
from mainstay.modules.assets.cmdb.partlists import item_of
from mainstay.modules.assets.cmdb.parts import PARTS, CiClaim
from mainstay.modules.assets.cmdb.reconcile import CREATED, REFUSED, UPDATED, Outcome, reconcile, referenced
from mainstay.modules.assets.cmdb.resource import items
from mainstay.modules.assets.cmdb.tables import Ci

MAX_DEVICES = 1000
STORE = "cmdb.facts"


class FactsInput(msgspec.Struct, kw_only=True):
    """What a source knows of devices. ``source``: api, agent, discovery or csv."""

    source: str = "api"
    items: list[Facts]
    create: bool = True


class Reconciled(msgspec.Struct, kw_only=True):
    """What became of each device, in the order they were given."""

    status: str = "success"
    created: int
    updated: int
    unchanged: int
    refused: int
    results: list[Outcome]


@items.action("POST", "reconcile/", privilege="edit")
async def take(ctx: Context, body: FactsInput) -> Reconciled:
    """Tell what a source knows of devices

    Each is found by what identifies it, or becomes an item. Values of a source whose word counts more stay; what the
    others say instead is listed under ``conflicts/``.
    """
    if not 1 <= len(body.items) <= MAX_DEVICES:
        raise Invalid.field("items", f"Please provide one to {MAX_DEVICES:,} devices.")
    if body.create:
        ctx.principal.require(items.permission, "add")
    if body.source == service.MANUAL:
        raise Invalid.field("source", "What somebody decides by hand is written to the item itself.")
    found = await reconcile(ctx, body.source, referenced(body.items), create=body.create)
    return summed(found)


def summed(found: Sequence[Outcome]) -> Reconciled:
    """Outcomes with their numbers."""
    number = {what: sum(one.what == what for one in found) for what in (CREATED, UPDATED, REFUSED, "unchanged")}
    return Reconciled(
        created=number[CREATED],
        updated=number[UPDATED],
        unchanged=number["unchanged"],
        refused=number[REFUSED],
        results=list(found),
    )


class ConflictQuery(ListQuery, kw_only=True):
    """Conflicts of an item, or of all; ``decision``: open, kept, taken."""

    ci_id: str = ""
    decision: str = "open"
    source: str = ""


class Claim(msgspec.Struct, kw_only=True):
    """A value that a source claims, beside the one the item has."""

    id: str
    ci_id: str
    ci_name: str
    attribute: str
    label: str
    source: str
    value: Any
    current: Any
    current_source: str
    seen: datetime
    decision: str
    decided_by: str
    decided_at: datetime | None


@items.action("GET", "conflicts/")
async def conflicts(ctx: Context, query: ConflictQuery) -> Page:
    """Where sources disagree: what the item says, and what another source says"""
    wanted: Any = select(CiClaim, Ci).join(Ci, Ci.id == CiClaim.ci)
    if query.ci_id:
        wanted = wanted.where(CiClaim.ci == (await item_of(ctx, query.ci_id)).id)
    if query.decision:
        wanted = wanted.where(CiClaim.decision == query.decision)
    if query.source:
        wanted = wanted.where(CiClaim.source == query.source)
    wanted = rows.restricted(ctx, items, wanted).order_by(CiClaim.seen.desc(), CiClaim.id)
    ids: Any = wanted.with_only_columns(CiClaim.id)
    total, page = await trail.paged(ctx, ids, query)
    found = (await ctx.session.execute(wanted.where(CiClaim.id.in_([row.id for row in page])))).all()
    return trail.envelope(query, total, [_claim(claim, item) for claim, item in found])


def _claim(claim: CiClaim, item: Ci) -> Claim:
    spec = items.fields.get(claim.attribute)
    custom = claim.attribute not in items.fields
    current = item.custom_field_data.get(claim.attribute) if custom else getattr(item, claim.attribute)
    return Claim(
        id=claim.id,
        ci_id=item.id,
        ci_name=item.name,
        attribute=claim.attribute,
        label=spec.label if spec else claim.attribute.replace("_", " "),
        source=claim.source,
        value=claim.value,
        current=changes.plain(current),
        current_source=item.origins.get(claim.attribute, item.source),
        seen=claim.seen,
        decision=claim.decision,
        decided_by=claim.decided_by,
        decided_at=claim.decided_at,
    )


class Decision(msgspec.Struct, kw_only=True):
    """Conflicts by id, and what to do: ``keep`` the item's value, or ``take`` the claimed one."""

    ids: list[str]
    decision: str


class Decided(msgspec.Struct, kw_only=True):
    """How many conflicts were decided."""

    status: str = "success"
    decided: int


@items.action("POST", "conflicts/", privilege="edit")
async def decide(ctx: Context, body: Decision) -> Decided:
    """Decide conflicts: keep what the item says, or take what the source says"""
    if body.decision not in ("keep", "take"):
        raise Invalid.field("decision", "decision must be keep or take.")
    if not 1 <= len(body.ids) <= 500:
        raise Invalid.field("ids", "Please provide one to 500 conflicts.")
    wanted: Any = select(CiClaim, Ci).join(Ci, Ci.id == CiClaim.ci).where(CiClaim.id.in_(body.ids))
    found = (await ctx.session.execute(rows.restricted(ctx, items, wanted))).all()
    for claim, _item in found:
        if body.decision == "take":
            entity = await verbs.entity_of(ctx, items, claim.ci, lock=True)
            custom = claim.attribute not in items.fields
            value = {"custom_field_data": {claim.attribute: claim.value}} if custom else {claim.attribute: claim.value}
            await writing.update(ctx, items, entity, value, partial=True)
            # From now on it is that source's value, and it may keep it up to date.
            origins = {**entity.origins, claim.attribute: claim.source}
            statement = update(Ci).where(Ci.id == entity.id).values(origins=origins)
            await ctx.session.execute(statement.execution_options(synchronize_session=False))
    done = update(CiClaim).where(CiClaim.id.in_([claim.id for claim, _item in found]))
    word = {"keep": "kept", "take": "taken"}[body.decision]
    await ctx.session.execute(
        done.values(decision=word, decided_by=ctx.principal.name, decided_at=ctx.now).execution_options(
            synchronize_session=False
        )
    )
    return Decided(decided=len(found))


class InventoryInput(msgspec.Struct, kw_only=True):
    """What an item is made of. A kind that is left out stays as it is; ``complete``: the rest is missing."""

    ci_id: str
    interfaces: list[dict[str, Any]] | None = None
    hardware: list[dict[str, Any]] | None = None
    software: list[dict[str, Any]] | None = None
    storage: list[dict[str, Any]] | None = None
    resources: list[dict[str, Any]] | None = None
    complete: bool = False


class InventoryChanged(msgspec.Struct, kw_only=True):
    """Which kinds of parts changed."""

    status: str = "success"
    ci_id: str
    changed: list[str]


@items.action("POST", "save-inventory/", privilege="edit")
async def save_inventory(ctx: Context, body: InventoryInput) -> InventoryChanged:
    """Store what an item is made of: interfaces, hardware parts, software, storage, resources"""
    from mainstay.modules.assets.relations import rules

    item = await item_of(ctx, body.ci_id)
    parts = {kind: getattr(body, kind) for kind in PARTS if getattr(body, kind) is not None}
    if not parts:
        raise Invalid.field("hardware", f"Please provide one of: {', '.join(PARTS)}.")
    if any(len(each) > 20_000 for each in parts.values()):
        raise Invalid.field("hardware", "At most 20,000 parts of one kind can be stored.")
    changed = await inventory.keep(ctx, service.source_of(ctx), {item.id: parts}, complete=body.complete)
    if "software" in parts:
        await rules.software_changed(ctx, [item.id])
    return InventoryChanged(ci_id=item.id, changed=changed.get(item.id, []))


class NetworkInput(msgspec.Struct, kw_only=True):
    """What address management knows of an item."""

    ip_address: str = ""
    host_name: str = ""
    mac_address: str = ""
    addresses: list[str] | None = None
    """Every address it has; those not named are no longer its."""


@items.action("PUT", "ipam_asset_update/{id}/", privilege="edit", returns=verbs.saved_of(items))
async def ipam_update(ctx: Context, id: str, body: NetworkInput) -> Any:
    """Bring an item's addresses in line with address management"""
    entity = await verbs.entity_of(ctx, items, id, lock=True)
    given = {"ip_address": body.ip_address, "host_name": body.host_name, "mac_address": body.mac_address}
    await writing.update(ctx, items, entity, {key: value for key, value in given.items() if value}, partial=True)
    if body.addresses is not None:
        from mainstay.modules.assets.cmdb import applying

        wrong = [one for one in body.addresses if not lookup.canonical(one)]
        if wrong:
            raise Invalid.field("addresses", f"{wrong[0][:60]!r} is not an IP address.")
        own = [entity.ip_address] if entity.ip_address else []
        wanted = list(dict.fromkeys([*own, *(lookup.canonical(one) for one in body.addresses)]))
        await applying.addresses(ctx, service.source_of(ctx), {entity.id: wanted})
    return verbs.saved(items, await verbs.whole(ctx, items, entity.id), entity.id, "update")


@items.action(
    "POST", "bulk_inventory_csv_cols/", privilege="add", body=csvverbs.ImportInput, returns=csvverbs.UploadAnswer
)
async def bulk_columns(ctx: Context, upload: Upload | None, body: Any) -> Any:
    """Upload a file of items that may be there already, and see its columns"""
    return await csvverbs.read_columns(ctx, items, upload, body)


async def _bulk(ctx: Context, upload: Upload | None, body: Any) -> Any:
    return await csvverbs.run_import(ctx, items, upload, body, store_as=STORE)


for _spelling in ("bulk-inventory-create-csv/", "upload-bulk-inventory-csv/"):

    @items.action("POST", _spelling, privilege="add", body=csvverbs.ImportInput, returns=csvverbs.ImportAnswer)
    async def bulk(ctx: Context, upload: Upload | None, body: Any) -> Any:
        """Import items from a file, old ones and new ones

        Rows are recognised by Asset ID, serial number, asset tag, address or name; what is there is brought up to date
        as far as the precedence of sources allows. More than 200 rows become a background task.
        """
        return await _bulk(ctx, upload, body)


async def store_facts(
    ctx: Context, res: Resource[Any], headers: Sequence[str], mapping: Mapping[str, str], batch: Sequence[Row]
) -> Stored:
    """Rows of a file as facts of the source csv."""
    readable, unreadable = importing.read(headers, mapping, batch)
    outcome = Stored(errors=unreadable)
    facts: list[Facts] = []
    source: dict[str, tuple[Row, dict[str, Any]]] = {}
    for row, data in readable:
        custom = data.pop("custom_field_data", {})
        ref = str(row.number)
        source[ref] = (row, data)
        facts.append(
            Facts(
                ref=ref,
                category=str(data.get("category", "")),
                attributes={**{k: v for k, v in data.items() if k != "category"}, **custom},
            )
        )
    for one in await reconcile(ctx, service.CSV, facts):
        row, data = source[one.ref]
        outcome.created += one.what == CREATED
        outcome.updated += one.what not in (CREATED, REFUSED)
        if one.problems:
            reason = {"": one.problems}
            outcome.errors.append(importing.refused(row, reason, data))
    return outcome


importing.STORES[STORE] = store_facts
