"""The CMDBRelation module of the API: relations and their types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select

from mainstay.kernel import references
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Conflict, Invalid
from mainstay.kernel.resource import Behaviour, Resource
from mainstay.modules.assets.cmdb.service import source_of
from mainstay.modules.assets.cmdb.tables import Ci
from mainstay.modules.assets.devicegroups import service as groups
from mainstay.modules.assets.relations.tables import ENDS, Relation, RelationType


class RelationTypes(Behaviour[RelationType]):
    async def removing(self, ctx: Context, entities: Sequence[RelationType]) -> None:
        for entity in entities:
            if entity.is_preconfigured:
                raise Conflict(f"{entity.name} is built in: rules use it. Disable it instead.")
        await references.release(ctx, "ci_relation_type", "The type of relation", [entity.id for entity in entities])


relation_types = Resource(
    RelationType,
    module="CMDBRelation",
    path="/ux/common/cmdb/relation-type/",
    label="Relation type",
    title="name",
    area="assets",
    section="Assets",
    permission="ci_relation",
    permission_label="Asset relations",
    id_name="relation_type_id",
    sort="name",
    reverse=False,
    behaviour=RelationTypes(),
    custom_fields=False,
    sample={"name": "Cools", "reverse": "Cooled by", "impact": "target"},
)


class Relations(Behaviour[Relation]):
    async def check(
        self,
        ctx: Context,
        rows: Sequence[dict[str, Any]],
        given: Sequence[Mapping[str, Any]],
        wrong: Sequence[dict[str, list[str]]],
    ) -> None:
        for row, errors in zip(rows, wrong, strict=True):
            for name, message in _faults(row).items():
                errors.setdefault(name, [message])

    async def prepare(self, ctx: Context, rows: list[dict[str, Any]], given: Sequence[Mapping[str, Any]]) -> None:
        source = source_of(ctx)
        for row in rows:
            row["origin"] = source
        await groups.require(ctx, sorted({row[end] for row in rows for end in ("source", "target") if row.get(end)}))

    async def added(self, ctx: Context, rows: list[dict[str, Any]], given: Sequence[Mapping[str, Any]]) -> None:
        await self._once(ctx, rows)

    async def change(self, ctx: Context, entity: Relation, values: dict[str, Any], given: Mapping[str, Any]) -> None:
        merged = {name: values.get(name, getattr(entity, name)) for name in ("source", "type", *ENDS)}
        if entity.rule and any(merged[name] != getattr(entity, name) for name in merged):
            raise Conflict(f"The rule {entity.rule} keeps this relation. Change the item instead, or the rule.")
        problems = _faults(merged)
        if problems:
            raise Invalid(fields={name: [text] for name, text in problems.items()})
        await groups.require(ctx, sorted({merged[end] for end in ("source", "target") if merged[end]}))

    async def saved(self, ctx: Context, entity: Relation, diff: list[dict[str, Any]], given: Mapping[str, Any]) -> None:
        await self._once(ctx, [{name: getattr(entity, name) for name in ("id", "source", "type", *ENDS)}])

    async def _once(self, ctx: Context, rows: Sequence[Mapping[str, Any]]) -> None:
        """Raises ``Conflict`` when a relation to a place, a department or a person is there already.

        Between two items the unique index says so.
        """
        wanted = [row for row in rows if not row.get("target")]
        for row in wanted:
            end = next(name for name in ENDS if row.get(name))
            query = select(Relation.id).where(
                Relation.source == row["source"],
                Relation.type == row["type"],
                getattr(Relation, end) == row[end],
                Relation.id != row["id"],
            )
            if (await ctx.session.execute(query.limit(1))).first():
                raise Conflict("This relation is there already.")

    def visible(self, ctx: Context) -> ColumnElement[bool] | None:
        seen = groups.visible(ctx)
        if seen is None:
            return None
        mine = select(Ci.id).where(seen)
        return and_(Relation.source.in_(mine), or_(Relation.target.is_(None), Relation.target.in_(mine)))


def _faults(row: Mapping[str, Any]) -> dict[str, str]:
    ends = [name for name in ENDS if row.get(name)]
    if len(ends) != 1:
        every = "an item (target), a department, a location, a user or a requester"
        return {"target": f"A relation leads to exactly one thing: {every}."}
    if row.get("source") and row["source"] == row.get("target"):
        return {"target": "An item cannot be related to itself."}
    return {}


relations = Resource(
    Relation,
    module="CMDBRelation",
    path="/ux/common/cmdb/relation/",
    label="Relation",
    title="description",
    area="assets",
    section="Assets",
    permission="ci_relation",
    permission_label="Asset relations",
    id_name="relation_id",
    behaviour=Relations(),
    custom_fields=False,
    sample={"source": "app-01", "type": "Runs on", "target": "srv-01"},
)
