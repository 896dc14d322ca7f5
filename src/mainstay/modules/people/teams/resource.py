"""The Teams module of the API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import literal, null, select, union_all

from mainstay.kernel import links, references
from mainstay.kernel.access.tables import User
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Conflict, Invalid
from mainstay.kernel.resource import Behaviour, Resource
from mainstay.modules.organization.locations.tables import Location
from mainstay.modules.people.persons import Person, whos
from mainstay.modules.people.teams import service, staffing
from mainstay.modules.people.teams.tables import APPROVAL, TYPES, Team

PEOPLE = ("staffs", "owner", "delegate_members")
TYPE_NUMBERS = {choice.id: number for number, choice in enumerate(TYPES, 1)}


class Teams(Behaviour[Team]):
    def normalise(self, data: dict[str, Any]) -> dict[str, Any]:
        out = dict(data)
        for name in ("staffs", "staff", "members", "owner", "owners", "delegate_members", "delegates"):
            if name in out:
                out[name] = whos(out[name])
        place = out.get("location")
        if isinstance(place, Mapping):
            place = place.get("locations", [place] if place else [])
        if "location" in out:
            out["location"] = [_place(item) for item in place] if isinstance(place, list) else place
        # Both lists may come by level or turn; what is stored is checked in `prepare` and `change`.
        for name, key in (("level_staff", "level"), ("sequence_staffs", "sequence")):
            if name in out:
                out[name] = staffing.steps(name, out[name], key)
        return out

    async def prepare(self, ctx: Context, rows: list[dict[str, Any]], given: Sequence[Mapping[str, Any]]) -> None:
        await self._staff(ctx, rows)
        for row, data in zip(rows, given, strict=True):
            if "staff_selection_type" not in data:
                row["staff_selection_type"] = staffing.guess(row)
            _check(row, row)

    async def change(self, ctx: Context, entity: Team, values: dict[str, Any], given: Mapping[str, Any]) -> None:
        values.setdefault("staffs", list(entity.staffs))
        await self._staff(ctx, [values])
        _check(values, {name: values.get(name, getattr(entity, name)) for name in teams.fields})
        if entity.is_preconfigure and values.get("type", entity.type) != entity.type:
            raise Conflict("The type of a built-in team cannot change.")

    async def removing(self, ctx: Context, entities: Sequence[Team]) -> None:
        for entity in entities:
            if entity.is_preconfigure:
                raise Conflict(f"{entity.name} is built in and cannot be deleted. Change its members instead.")
        ids = [entity.id for entity in entities]
        what = f"The team {entities[0].name}" if len(entities) == 1 else "One of the teams"
        work = await staffing.open_work(ctx, ids)
        if work:
            raise references.in_use(what, work)
        await references.release(ctx, "team", what, ids, keep=("servicedesk",))

    async def decorate(self, ctx: Context, rows: list[dict[str, Any]]) -> None:
        names = await _names(ctx, rows)
        for row in rows:
            row["group_id"] = TYPE_NUMBERS.get(row["type"], 0)
            for name in PEOPLE:
                row[name] = [names[item] for item in row[name] if isinstance(names.get(item), Person)]
            for name in ("level_staff", "sequence_staffs"):
                row[name] = [
                    {**step, "staffs": [names[item] for item in step["staffs"] if item in names]} for step in row[name]
                ]
            row["location"] = {
                "locations": [
                    {"location_id": item, "location_name": names[item]} for item in row["locations"] if item in names
                ]
            }

    async def detail(self, ctx: Context, row: Any) -> Any:
        row.members = (await service.members_of(ctx, [row.team_id])).get(row.team_id, [])
        return row

    async def options(self, ctx: Context) -> dict[str, Any]:
        from mainstay.modules.organization.tags.tables import USER, Tag

        names = select(Tag.name).where(Tag.type == USER).order_by(Tag.name).limit(200)
        return {"tags": list((await ctx.session.execute(names)).scalars()), "levels": ["L1", "L2", "L3"]}

    async def _staff(self, ctx: Context, rows: list[dict[str, Any]]) -> None:
        """Put ids into levels and turns; who has one is a member."""
        given = sorted({item for row in rows for item in staffing.named(row)})
        if not given:
            return
        known = await links.look_up(ctx, "user", given)
        for row in rows:
            staffing.settle(row, known)


def _place(item: Any) -> Any:
    if isinstance(item, Mapping):
        return item.get("location_id") or item.get("id") or item.get("location_name") or item.get("name")
    return item


def _check(values: Mapping[str, Any], whole: Mapping[str, Any]) -> None:
    if whole.get("is_approval_sequence") and not whole.get("sequence_staffs") and whole.get("type") == APPROVAL:
        staffs = whole.get("staffs") or []
        if isinstance(values, dict):
            values["sequence_staffs"] = [{"sequence": n, "staffs": [item]} for n, item in enumerate(staffs, 1)]
    selection = whole.get("staff_selection_type")
    if selection == "tag" and not whole.get("tags"):
        raise Invalid.field("tags", "Please provide user tags: the members are chosen by them.")
    if selection == "expertise" and not whole.get("expertise"):
        raise Invalid.field("expertise", "Please provide expertise groups: the members are chosen by them.")


async def _names(ctx: Context, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Persons and location names that rows refer to, by id, in one statement."""
    people = {item for row in rows for name in PEOPLE for item in row[name]}
    people |= {
        item
        for row in rows
        for name in ("level_staff", "sequence_staffs")
        for step in row[name]
        for item in step["staffs"]
    }
    places = {item for row in rows for item in row["locations"]}
    if not people and not places:
        return {}
    users, where = User.__table__.c, Location.__table__.c
    parts = []
    ids = sorted(people)
    for start in range(0, len(ids), 500):
        chunk = users.id.in_(ids[start : start + 500])
        parts.append(
            select(users.id, users.number, users.full_name, users.username, users.email).where(
                users.organization == ctx.organization, chunk
            )
        )
    if places:
        parts.append(
            select(where.id, null(), where.location_name, literal(""), literal("")).where(
                where.organization == ctx.organization, where.id.in_(sorted(places)[:1000])
            )
        )
    found: dict[str, Any] = {}
    for key, number, name, username, email in (await ctx.session.execute(union_all(*parts))).all():
        found[key] = (
            name if number is None else Person(profile_id=key, user=number, full_name=name or username, email=email)
        )
    return found


teams = Resource(
    Team,
    module="Teams",
    path="/ux/common/teams/profile/",
    label="Team",
    title="name",
    area="people",
    section="User Management",
    id_name="team_id",
    mirrors={
        "group_type": "type",
        "module_id": "module",
        "module_ui_name": "module_name",
        "approval_sequence": "is_approval_sequence",
        "expertiseGroupList": "expertise",
    },
    extra={
        "staffs": list[Person],
        "owner": list[Person],
        "delegate_members": list[Person],
        "level_staff": list[staffing.Step],
        "sequence_staffs": list[staffing.Step],
        "location": dict[str, Any],
        "group_id": int,
        "members": list[Person],
        "events_thres_id": list[Any],
    },
    behaviour=Teams(),
    natural_key="name",
    sample={
        "name": "Network operations",
        "description": "Routers, switches and lines",
        "type": "technical",
        "staff_selection_type": "user",
        "approval_sequence": False,
        "staff": [],
        "expertiseGroupList": [],
        "owners": [],
    },
)
