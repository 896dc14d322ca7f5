"""What leads on from many items at once: what a walk asks per level and way, straight on the driver."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import bindparam, false, literal_column, select

from mainstay.kernel import direct, listed
from mainstay.kernel.context import Context
from mainstay.kernel.statements import plain
from mainstay.modules.assets.relations.tables import ON_BOTH, ON_SOURCE, ON_TARGET, Relation, RelationType

if TYPE_CHECKING:
    from mainstay.modules.assets.relations.service import Kind

IMPACT, DEPENDENCY, DOWN, UP, BOTH = "impact", "dependency", "downstream", "upstream", "both"
DIRECTIONS = (IMPACT, DEPENDENCY, DOWN, UP, BOTH)
FEW = 2
"""Types up to which the index is asked for each; with more it is cheaper to look at all of an item's relations."""
Step = tuple[str, str, str, int]
"""(from, to, type, place of the leg that leads there)"""


class Leg(NamedTuple):
    """One way to go on from an item: along the arrows or against them, by relations of some types."""

    along: bool
    types: frozenset[str]


def legs(direction: str, types: Mapping[str, Kind]) -> list[Leg]:
    """The ways that a direction means; those on which no type leads are left out."""
    if direction in (IMPACT, DEPENDENCY):
        # The source relies on the target, or the target on the source: a failure goes the other way.
        back = direction == IMPACT
        found = [
            Leg((end == ON_SOURCE) != back,
                frozenset(key for key, one in types.items() if one.enabled and one.impact in (end, ON_BOTH)))
            for end in (ON_SOURCE, ON_TARGET)
        ]  # fmt: skip
    else:
        ways = {DOWN: (True,), UP: (False,), BOTH: (True, False)}[direction]
        found = [Leg(along, frozenset(types)) for along in ways]
    return [leg for leg in found if leg.types]


async def lead_on(ctx: Context, ids: Collection[str], wanted: Sequence[Leg]) -> Sequence[Step]:
    """The relations that lead on from these items, from each once per leg."""
    if not ids or not wanted:
        return []
    database = ctx.platform.database
    sqlite = database.is_sqlite
    many = len(ids) > listed.MANY
    every = list(ids)
    # One way alone is asked for in two halves, so that it takes as long as two ways do.
    halves = [every[::2], every[1::2]] if many and len(wanted) == 1 else [every]
    asked, places = [], []
    for place, leg in enumerate(wanted):
        key = (sqlite, leg.along, len(leg.types))
        if key not in _made:
            _made[key] = _statement(*key)
        types = {f"type_{number}": type_ for number, type_ in enumerate(leg.types)}
        for part in halves:
            given = {"in_organization": ctx.organization, "ids": listed.value(sqlite, part), **types}
            asked.append((_made[key].on(database), given))
            places.append(place)
    found = await direct.run_all(database, ctx.session, asked, much=many)
    return [
        (here, there, type_, place)
        for place, answer in zip(places, found, strict=True)
        for here, there, type_ in listed.rows(sqlite, answer)
    ]


async def used(ctx: Context, types: Mapping[str, Kind]) -> dict[str, Kind]:
    """Those of the types that any relation is of: the others lead nowhere, and are not asked for level by level."""
    database = ctx.platform.database
    found = await direct.run(database, ctx.session, _USED.on(database), {"in_organization": ctx.organization})
    there = {row[0] for row in found}
    return {key: one for key, one in types.items() if key in there}


# The first from each type on, in order: that is found in the index, also where PostgreSQL thinks that reading all
# relations would soon meet one of a type of which there is none.
_FIRST = (
    select(Relation.type)
    .where(
        Relation.organization == RelationType.organization, Relation.type >= RelationType.id,
        Relation.is_deleted == false(),
    )
    .order_by(Relation.type)
    .limit(1)
)  # fmt: skip
_USED = direct.Statement(
    plain(
        select(RelationType.id).where(
            RelationType.organization == bindparam("in_organization"), _FIRST.scalar_subquery() == RelationType.id
        )
    )
)


_made: dict[tuple[bool, bool, int], direct.Statement] = {}


def _statement(sqlite: bool, along: bool, count: int) -> direct.Statement:
    here, there = (Relation.source, Relation.target) if along else (Relation.target, Relation.source)
    query: Any = select(here, there, Relation.type).where(
        Relation.organization == bindparam("in_organization"),
        listed.among(sqlite, here, listed.bound(sqlite, "ids")),
        Relation.target.is_not(None),
        Relation.is_deleted == false(),
        # As an expression, so that the index is read once for an item and not once for each of its types.
        (Relation.type if count <= FEW else Relation.type.concat(literal_column("''"))).in_(
            [bindparam(f"type_{number}") for number in range(count)]
        ),
    )
    return direct.Statement(plain(listed.gathered(sqlite, query)))
