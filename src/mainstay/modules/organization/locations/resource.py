"""The Organization Location module of the API: the address book."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import func, select

from mainstay.kernel import references, rows, verbs
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Conflict, Invalid
from mainstay.kernel.query import holds_any
from mainstay.kernel.references import Use
from mainstay.kernel.resource import Behaviour, Resource
from mainstay.modules.organization.locations import service
from mainstay.modules.organization.locations.tables import Location
from mainstay.modules.people.teams.tables import Team


class Locations(Behaviour[Location]):
    async def change(self, ctx: Context, entity: Location, values: dict[str, Any], given: Mapping[str, Any]) -> None:
        parent = values.get("parent")
        if parent and parent != entity.parent:
            known = await service.tree(ctx)
            if entity.id in service.ancestors(known, parent):
                raise Invalid.field(
                    "parent", f"{entity.location_name} cannot be part of itself or of a place inside it."
                )
            if len(service.ancestors(known, parent)) >= service.MAX_DEPTH - 1:
                raise Invalid.field("parent", "Locations can be nested 50 levels deep at most.")

    async def removing(self, ctx: Context, entities: Sequence[Location]) -> None:
        ids = [entity.id for entity in entities]
        query = select(func.count()).where(Location.parent.in_(ids), Location.id.not_in(ids))
        children = int(await ctx.session.scalar(query) or 0)
        if children:
            raise Conflict(f"{children} locations are part of this one. Move or delete them first.")
        if any(entity.is_preconfigured for entity in entities):
            raise Conflict("A built-in location cannot be deleted.")
        await references.release(ctx, "location", "The location", ids, keep=("servicedesk",))


locations = Resource(
    Location,
    module="Organization Location",
    path="/ux/common/org/location/",
    label="Location",
    title="location_name",
    area="organization",
    section="Organization",
    id_name="location_id",
    mirrors={"name": "location_name"},
    verbs={"columns": "csv_cols/", "import": ("upload-csv/", "create-csv/")},
    sort="location_name",
    reverse=False,
    behaviour=Locations(),
    natural_key="location_name",
    sample={
        "location_name": "Head office",
        "country": "Ireland",
        "address": "1 Harbour Street",
        "state": "Leinster",
        "city": "Dublin",
        "area": "Docklands",
        "subarea": "Block B",
        "pincode": "D01 X2Y3",
        "description": "Reception on the ground floor",
    },
)


class DetailsQuery(msgspec.Struct, kw_only=True):
    """A location, by id or by name."""

    location_id: str = ""
    location_name: str = ""


class Place(msgspec.Struct, kw_only=True):
    """A location by name."""

    location_id: str
    location_name: str


class LocationDetails(msgspec.Struct, kw_only=True):
    """A location with what is around it, what is in it and what uses it."""

    location: locations.output  # type: ignore[name-defined]
    path: list[Place]
    children: list[Place]
    usages: list[Use]


class TeamLocationQuery(msgspec.Struct, kw_only=True):
    """The locations of a team; or the teams of a location, those of the places around it included."""

    team_id: str = ""
    location_id: str = ""
    search: str = ""


class TeamLocation(msgspec.Struct, kw_only=True):
    """A team and the locations it serves."""

    team_id: str
    team_name: str
    locations: list[Place]


class TeamLocations(msgspec.Struct, kw_only=True):
    """Teams with their locations."""

    count: int
    results: list[TeamLocation]


@locations.action("GET", "location_details/")
async def details(ctx: Context, query: DetailsQuery) -> LocationDetails:
    """A location with its surroundings and its uses"""
    if not (query.location_id or query.location_name):
        raise Invalid.field("location_id", "Please provide location id or location name.")
    condition = (
        Location.id == query.location_id
        if query.location_id
        else func.lower(Location.location_name) == query.location_name.strip().lower()
    )
    row = await rows.one(ctx, locations, condition, query.location_id or query.location_name)
    key = row["id"]
    (out,) = await rows.answer(ctx, locations, [row])
    known = await service.tree(ctx)

    def place(item: str) -> Place:
        return Place(location_id=item, location_name=known[item][0])

    fields = [item for item in references.holders(ctx, "location") if item[0].name != "location"]
    children = sorted((item for item, (_, parent) in known.items() if parent == key), key=lambda item: known[item][0])
    return LocationDetails(
        location=out,
        path=[place(item) for item in reversed(service.ancestors(known, key))],
        children=[place(item) for item in children],
        usages=await references.uses(ctx, fields, [key]),
    )


@locations.action("GET", "team_location/")
async def team_location(ctx: Context, query: TeamLocationQuery) -> TeamLocations:
    """Which teams serve which locations"""
    statement = select(Team.id, Team.name, Team.locations).order_by(Team.name, Team.id)
    if query.team_id:
        statement = statement.where(Team.id == query.team_id)
    sqlite = ctx.platform.database.is_sqlite
    if query.location_id:
        await verbs.entity_of(ctx, locations, query.location_id)
        near = await service.around(ctx, query.location_id)
        statement = statement.where(holds_any(sqlite, Team.locations, near))
    elif not query.team_id:
        length = func.json_array_length if sqlite else func.jsonb_array_length
        statement = statement.where(length(Team.locations) > 0)
    if query.search:
        statement = statement.where(func.lower(Team.name).contains(query.search.lower(), autoescape=True))
    found = (await ctx.session.execute(statement.limit(1000))).all()
    known = await service.tree(ctx)
    results = [
        TeamLocation(
            team_id=row.id,
            team_name=row.name,
            locations=[
                Place(location_id=item, location_name=known[item][0]) for item in row.locations if item in known
            ],
        )
        for row in found
    ]
    return TeamLocations(count=len(results), results=results)
