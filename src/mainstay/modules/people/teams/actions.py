"""The further operations of teams: matching work to teams, memberships, and what a change would touch."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import func, select

from mainstay.kernel import links, references, store
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Invalid
from mainstay.kernel.fields import Field
from mainstay.kernel.references import Use
from mainstay.kernel.validation import BadValue, read_choice
from mainstay.modules.people.persons import Person, people, who
from mainstay.modules.people.teams import service, staffing
from mainstay.modules.people.teams.engine import Need
from mainstay.modules.people.teams.resource import teams
from mainstay.modules.people.teams.service import TeamStaff
from mainstay.modules.people.teams.tables import Team


class Work(msgspec.Struct, kw_only=True):
    """A piece of work that looks for a team: where it is, whose it is, what it takes. Each by id or name."""

    module: int | str | None = None
    location: Any = None
    department: Any = None
    tags: list[str] = []
    expertise: list[str] = []


class Match(msgspec.Struct, kw_only=True):
    """A team that takes the work, what speaks for it, and how much open work it and its members have."""

    team: TeamStaff
    reasons: list[str]
    open_incidents: int
    by_member: dict[str, int]


class Matches(msgspec.Struct, kw_only=True):
    """``team_id``: the best fitting team; empty when none fits for a reason."""

    team_id: str
    results: list[Match]


class GroupsWanted(msgspec.Struct, kw_only=True):
    """Of whom the teams are wanted (nobody named: yours), or the members of which teams."""

    users: list[Any] = []
    team_ids: list[str] = []


class GroupRef(msgspec.Struct, kw_only=True):
    """A team by name."""

    team_id: str
    name: str
    type: str


class Membership(msgspec.Struct, kw_only=True):
    """A person and the teams they are a member or owner of."""

    profile_id: str
    full_name: str
    email: str
    teams: list[GroupRef]


class GroupMembers(msgspec.Struct, kw_only=True):
    """A team and everybody in it."""

    team_id: str
    name: str
    members: list[Person]


class Groups(msgspec.Struct, kw_only=True):
    """Memberships of people, and members of teams."""

    users: list[Membership]
    teams: list[GroupMembers]


class ChangeQuery(msgspec.Struct, kw_only=True):
    """The team, and who is to leave it (ids or e-mails, separated by commas; empty: the team is to go)."""

    team_id: str
    remove: str = ""


class ChangeCheck(msgspec.Struct, kw_only=True):
    """Whether the change may be made; ``usages`` is the open work, ``references`` all that names the team."""

    status: str = "success"
    valid: bool
    msg: str
    members_left: list[Person]
    usages: list[Use]
    references: list[Use]


@teams.action("POST", "incident_map/", write=False)
async def incident_map(ctx: Context, body: Work) -> Matches:
    """Which teams take an incident, the best fitting first

    The location decides first (a team of the floor before one of the city), then department, skills and tags.
    A team bound to other places is left out.
    """
    need = Need(
        module=_module(body.module),
        location=await _id(ctx, "location", body.location),
        department=await _id(ctx, "department", body.department),
        tags=body.tags[:100],
        expertise=body.expertise[:100],
    )
    ranked = await service.teams_for(ctx, need)
    load = await open_incidents(ctx)
    results = [
        Match(
            team=team,
            reasons=reasons,
            open_incidents=load.get((team.team_id, None), 0),
            by_member={item.profile_id: load.get((team.team_id, item.profile_id), 0) for item in team.staffs},
        )
        for team, reasons in ranked
    ]
    chosen = results[0].team.team_id if results and results[0].reasons else ""
    return Matches(team_id=chosen, results=results)


def _module(raw: Any) -> int | None:
    if raw in (None, ""):
        return 1
    try:
        return int(read_choice(teams.fields["module"], raw))
    except BadValue as bad:
        raise Invalid.field("module", str(bad)) from None


async def _id(ctx: Context, target: str, raw: Any) -> str:
    if isinstance(raw, dict):
        raw = raw.get(f"{target}_id") or raw.get("id") or raw.get("name")
    if raw in (None, ""):
        return ""
    word = str(raw)
    found = (await links.look_up(ctx, target, [word])).get(word.lower())
    if found is None:
        raise Invalid.field(target, f"There is no {target} {word[:80]!r}.")
    return found


async def open_incidents(ctx: Context) -> dict[tuple[str, str | None], int]:
    """Open incidents by team, and by team and assignee, in one statement."""
    incident = ctx.platform.registry.resources.get("incident")
    if incident is None:
        return {}
    model = incident.model
    query = (
        select(model.team, model.assignee, func.count())
        .where(model.closed_at.is_(None), model.team.is_not(None))
        .group_by(model.team, model.assignee)
    )
    found: dict[tuple[str, str | None], int] = {}
    for team, assignee, count in (await ctx.session.execute(query)).all():
        found[team, None] = found.get((team, None), 0) + count
        if assignee:
            found[team, assignee] = count
    return found


@teams.action("POST", "usergrplist/", write=False)
async def user_groups(ctx: Context, body: GroupsWanted) -> Groups:
    """The teams of people, and the people of teams"""
    given = [str(item) for item in map(who, body.users[:500]) if item not in (None, "")]
    if not given and not body.team_ids and ctx.principal.profile_id:
        given = [ctx.principal.profile_id]
    ids = await _users(ctx, "users", given)
    known = await people(ctx, ids)
    held = await service.teams_of(ctx, ids) if ids else {}
    wanted = await service.teams_with_staff(ctx, body.team_ids[:500]) if body.team_ids else []
    missing = set(body.team_ids[:500]) - {team.team_id for team in wanted}
    if missing:
        raise Invalid.field("team_ids", f"There is no team {sorted(missing)[0][:80]!r}.")
    return Groups(
        users=[
            Membership(
                profile_id=item,
                full_name=known[item].full_name,
                email=known[item].email,
                teams=[GroupRef(team_id=team.team_id, name=team.name, type=team.type) for team in held[item]],
            )
            for item in ids
            if item in known
        ],
        teams=[GroupMembers(team_id=team.team_id, name=team.name, members=team.staffs) for team in wanted],
    )


async def _users(ctx: Context, name: str, given: list[str]) -> list[str]:
    found = await links.look_up(ctx, "user", given) if given else {}
    missing = [item for item in given if item.lower() not in found]
    if missing:
        raise Invalid.field(name, f"There is no user {missing[0][:80]!r}.")
    return list(dict.fromkeys(found[item.lower()] for item in given))


@teams.action("GET", "validate_team_change/")
async def validate_change(ctx: Context, query: ChangeQuery) -> ChangeCheck:
    """Whether a team may go, or people may leave it, and what work that would touch"""
    team = await store.get(ctx, Team, query.team_id)
    leaving = await _users(ctx, "remove", [item.strip() for item in query.remove.split(",") if item.strip()])
    members = (await service.resolve(ctx, [team]))[team.id]
    every = [item for item in references.holders(ctx, "team") if item[0].name != "team"]
    named = await references.uses(ctx, every, [team.id])
    if not leaving:
        work = await staffing.open_work(ctx, [team.id])
        problem = f"{team.name} is built in and cannot be deleted." if team.is_preconfigure else ""
        if not problem and work:
            problem = references.in_use(f"The team {team.name}", work).error
        return ChangeCheck(
            valid=not problem,
            msg=problem or f"{team.name} can be deleted.",
            members_left=members,
            usages=work,
            references=named,
        )
    left = [item for item in members if item.profile_id not in leaving]
    work = await _assigned(ctx, team.id, leaving)
    problem = ""
    if work:
        what = f"{work[0].count} open {work[0].label.lower()} of {team.name}"
        problem = f"{what} would lose their assignee. Reassign them first."
    elif not left:
        problem = f"{team.name} would have no members left."
    return ChangeCheck(
        valid=not problem,
        msg=problem or f"{team.name} can be changed.",
        members_left=left,
        usages=work,
        references=named,
    )


async def _assigned(ctx: Context, team_id: str, profile_ids: list[str]) -> list[Use]:
    """Open work of the team that is assigned to these people."""
    fields: list[tuple[Any, Field]] = [
        (res, spec)
        for res, spec in references.holders(ctx, "user")
        if res.area == "servicedesk" and spec.name == "assignee" and hasattr(res.model, "closed_at")
    ]
    return await references.uses(
        ctx, fields, profile_ids, lambda model: (model.closed_at.is_(None)) & (model.team == team_id)
    )


__all__ = ["teams"]
