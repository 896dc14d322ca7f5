"""Item classifications, part of the ux module of the API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from mainstay.kernel import store, verbs, writing
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Conflict, Invalid
from mainstay.kernel.operation import Deleted
from mainstay.kernel.resource import Behaviour, Resource
from mainstay.modules.assets.classification import service
from mainstay.modules.assets.classification.tables import ItemClassification


class Classifications(Behaviour[ItemClassification]):
    def normalise(self, data: dict[str, Any]) -> dict[str, Any]:
        key = next((name for name in ("classification_filters", "filters", "filter") if name in data), "")
        raw = data.get(key)
        if isinstance(raw, str) and raw.strip():
            try:
                raw = msgspec.json.decode(raw)
            except (msgspec.DecodeError, RecursionError):
                raw = {"field": "name", "condition": "contains", "value": raw}
        if key and not isinstance(raw, list):
            raw = [raw] if raw else []
        return {**data, "classification_filters": raw} if key else data

    async def prepare(self, ctx: Context, rows: list[dict[str, Any]], given: Sequence[Mapping[str, Any]]) -> None:
        for row in rows:
            await service.own(
                ctx, row.get("categories") or [], row.get("cmdb_class"), row.get("classification_filters")
            )
            await _depth(ctx, row.get("parent"), "")

    async def change(
        self, ctx: Context, entity: ItemClassification, values: dict[str, Any], given: Mapping[str, Any]
    ) -> None:
        await service.own(ctx, values.get("categories", []), None, values.get("classification_filters"))
        if values.get("parent"):
            await _depth(ctx, values["parent"], entity.id)

    async def removing(self, ctx: Context, entities: Sequence[ItemClassification]) -> None:
        ids = {entity.id for entity in entities}
        inside = [row for row in (await service.every(ctx)).values() if row.parent in ids and row.id not in ids]
        if inside:
            raise Conflict(f"{inside[0].classification_name} is part of it. Delete or move that first.")

    async def decorate(self, ctx: Context, rows: list[dict[str, Any]]) -> None:
        for row in rows:
            row["customer_id"] = row["customer_entity_id"] = row.get("organization", ctx.organization)


async def _depth(ctx: Context, parent: str | None, own: str) -> None:
    known = await service.every(ctx)
    for _ in range(service.MAX_DEPTH):
        if parent is None or parent not in known:
            return
        if parent == own:
            raise Invalid.field("parent", "A classification cannot be part of itself or of one inside it.")
        parent = known[parent].parent
    raise Invalid.field("parent", f"Classifications can be nested {service.MAX_DEPTH} levels deep at most.")


classifications = Resource(
    ItemClassification,
    module="ux",
    path="/ux/common/cmdb/item-classification/",
    label="Item classification",
    title="classification_name",
    area="assets",
    section="Assets",
    id_name="classification_id",
    mirrors={"template_id": "id", "template_name": "classification_name"},
    extra={"customer_id": str, "customer_entity_id": str},
    sort="classification_name",
    reverse=False,
    behaviour=Classifications(),
    custom_fields=False,
    sample={"classification_name": "Old laptops", "classification_filters": '{"model": "T480"}'},
)


class Classified(msgspec.Struct, kw_only=True):
    """A classification in its tree, with the number of its items."""

    classification_id: str
    classification_name: str
    filters: list[Any]
    categories: list[str]
    cmdb_class: int | None
    count: int
    pinned: bool
    is_preconfigured: bool
    children: list[Classified] = []


class ClassificationTree(msgspec.Struct, kw_only=True):
    """Classifications, and those that the caller pinned."""

    results: list[Classified]
    pinned: list[str]


async def _tree(ctx: Context, only_built_in: bool) -> ClassificationTree:
    known = await service.every(ctx)
    wanted = {key: row for key, row in known.items() if row.is_preconfigured or not only_built_in}
    counts = await service.counts(ctx, known)
    me = ctx.principal.profile_id
    nodes = {
        key: Classified(
            classification_id=key,
            classification_name=row.classification_name,
            filters=row.classification_filters,
            categories=row.categories,
            cmdb_class=row.cmdb_class,
            count=counts[key],
            pinned=bool(me) and me in row.pinned_by,
            is_preconfigured=row.is_preconfigured,
        )
        for key, row in wanted.items()
    }
    top: list[Classified] = []
    for key, row in wanted.items():
        (nodes[row.parent].children if row.parent in nodes else top).append(nodes[key])
    return ClassificationTree(results=top, pinned=[key for key, node in nodes.items() if node.pinned])


@classifications.action("GET", "item-classifications-tree/")
async def tree(ctx: Context) -> ClassificationTree:
    """The classifications as a tree, with the numbers of items"""
    return await _tree(ctx, False)


@classifications.action("GET", "default-item-classifications/")
async def built_in(ctx: Context) -> ClassificationTree:
    """The classifications that every organization starts with"""
    return await _tree(ctx, True)


class Which(msgspec.Struct, kw_only=True):
    """Classifications by id."""

    id: str = ""
    classification_id: str = ""
    template_id: str = ""
    ids: list[str] = []

    def wanted(self) -> list[str]:
        found = [key for key in (self.id, self.classification_id, self.template_id, *self.ids) if key]
        if not found:
            raise Invalid.field("ids", "Please provide the id of a classification.")
        return list(dict.fromkeys(found))


@classifications.action("POST", "delete-classification-config/", privilege="delete")
async def delete_whole(ctx: Context, body: Which) -> Deleted:
    """Delete classifications with everything that is part of them"""
    known = await service.every(ctx)
    going = [(await verbs.entity_of(ctx, classifications, key)).id for key in body.wanted()]
    for key in going:  # grows while it is walked: what is inside comes after what it is inside of
        going += [row.id for row in known.values() if row.parent == key and row.id not in going]
    return Deleted(deleted=await writing.remove_many(ctx, classifications, going))


@classifications.action("POST", "delete-sub-classification/", privilege="delete")
async def delete_inner(ctx: Context, body: Which) -> Deleted:
    """Delete classifications that are part of others"""
    found = [await verbs.entity_of(ctx, classifications, key) for key in body.wanted()]
    outer = next((one for one in found if one.parent is None), None)
    if outer is not None:
        raise Conflict(f"{outer.classification_name} is not part of another one. Delete it as a whole instead.")
    return Deleted(deleted=await writing.remove_many(ctx, classifications, [one.id for one in found]))


class Pin(Which, kw_only=True):
    """Classifications to pin, or to let go."""

    pinned: bool = True


class Pinned(msgspec.Struct, kw_only=True):
    """What the caller has pinned."""

    status: str = "success"
    pinned: list[str]


@classifications.action("POST", "pin-item-classifications/", privilege="view")
async def pin(ctx: Context, body: Pin) -> Pinned:
    """Keep classifications at hand for the caller, or let them go"""
    me = ctx.principal.profile_id
    if not me:
        raise Invalid.field("ids", "Only people pin classifications; this key acts as nobody.")
    for key in body.wanted():
        entity = await verbs.entity_of(ctx, classifications, key, lock=True)
        others = [one for one in entity.pinned_by if one != me]
        entity.pinned_by = [*others, me] if body.pinned else others
        await store.save(ctx, entity)
    return Pinned(pinned=[key for key, row in (await service.every(ctx)).items() if me in row.pinned_by])
