"""What other features ask about teams: who is in them, which teams somebody is in, who takes what work."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import func, or_, select

from mainstay.kernel import store
from mainstay.kernel.access.tables import REQUESTER, User
from mainstay.kernel.context import Context
from mainstay.kernel.query import holds_any
from mainstay.modules.people.persons import Person, person
from mainstay.modules.people.teams.engine import Need, best
from mainstay.modules.people.teams.tables import APPROVAL, BY_EXPERTISE, BY_TAG, MODULES, Team

DEFAULT_APPROVERS = "Default Approval Team"


class TeamStaff(msgspec.Struct, kw_only=True):
    """A team with the people in it, as tickets offer it."""

    team_id: str
    name: str
    type: str
    module: int | None
    group_email: str
    locations: list[str]
    department: str | None
    staffs: list[Person]
    owner: list[Person]
    levels: dict[str, list[str]]


async def members_of(ctx: Context, team_ids: Iterable[str]) -> dict[str, list[Person]]:
    """The active members of teams, by team id: named ones, and those with a tag or a skill of the team."""
    wanted = sorted(set(team_ids))
    if not wanted:
        return {}
    found = await ctx.session.execute(select(Team).where(Team.id.in_(wanted)).order_by(Team.name))
    return await resolve(ctx, list(found.scalars()))


async def teams_with_staff(
    ctx: Context, team_ids: Collection[str] | None = None, *, module: int | None = None
) -> list[TeamStaff]:
    """Teams by name with their members and owners, in two statements. ``module``: those that do its work."""
    query = select(Team).order_by(func.lower(Team.name), Team.id)
    if team_ids is not None:
        query = query.where(Team.id.in_(sorted(team_ids)))
    if module is not None:
        query = query.where(or_(Team.module == module, Team.module.is_(None)))
    teams = list((await ctx.session.execute(query)).scalars())
    accounts = await _accounts(ctx, teams)
    return [
        TeamStaff(
            team_id=team.id,
            name=team.name,
            type=team.type,
            module=team.module,
            group_email=team.group_email,
            locations=team.locations,
            department=team.department,
            staffs=_members(team, accounts),
            owner=[person(accounts[item]) for item in team.owner if item in accounts],
            levels={item["level"]: item["staffs"] for item in team.level_staff},
        )
        for team in teams
    ]


async def resolve(ctx: Context, teams: Sequence[Team]) -> dict[str, list[Person]]:
    """The active members of loaded teams, in one statement."""
    accounts = await _accounts(ctx, teams)
    return {team.id: _members(team, accounts) for team in teams}


async def _accounts(ctx: Context, teams: Sequence[Team]) -> dict[str, Any]:
    """Every active account that may be in one of the teams."""
    ids = sorted({item for team in teams for item in (*team.staffs, *team.owner)})
    tags = sorted({tag for team in teams if team.staff_selection_type == BY_TAG for tag in team.tags})
    skills = sorted({skill for team in teams if team.staff_selection_type == BY_EXPERTISE for skill in team.expertise})
    if not (ids or tags or skills):
        return {}
    sqlite = ctx.platform.database.is_sqlite
    columns = (User.id, User.number, User.full_name, User.username, User.email, User.tags, User.expertise)
    found: dict[str, Any] = {}
    tests: list[Any] = [User.id.in_(ids[start : start + 500]) for start in range(0, len(ids), 500)]
    if tags:
        tests.append(holds_any(sqlite, User.tags, tags))
    if skills:
        tests.append(holds_any(sqlite, User.expertise, skills))
    query = select(*columns).where(User.is_active.is_(True), User.kind != REQUESTER, or_(*tests))
    for row in (await ctx.session.execute(query.order_by(User.number))).all():
        found[row.id] = row
    return found


def _members(team: Team, accounts: dict[str, Any]) -> list[Person]:
    named = [item for item in team.staffs if item in accounts]
    if team.staff_selection_type == BY_TAG:
        wanted = set(team.tags)
        named += [key for key, row in accounts.items() if wanted & set(row.tags)]
    elif team.staff_selection_type == BY_EXPERTISE:
        wanted = set(team.expertise)
        named += [key for key, row in accounts.items() if wanted & set(row.expertise)]
    return [person(accounts[item]) for item in dict.fromkeys(named)]


async def teams_of(ctx: Context, profile_ids: Iterable[str]) -> dict[str, list[TeamStaff]]:
    """The teams that people are members or owners of, by profile id."""
    wanted = list(dict.fromkeys(profile_ids))
    found: dict[str, list[TeamStaff]] = {item: [] for item in wanted}
    for team in await teams_with_staff(ctx):
        inside = {item.profile_id for item in (*team.staffs, *team.owner)}
        for item in wanted:
            if item in inside:
                found[item].append(team)
    return found


async def teams_for(ctx: Context, need: Need) -> list[tuple[TeamStaff, list[str]]]:
    """The teams that take a piece of work, the best fitting first, each with what speaks for it."""
    from mainstay.modules.organization.locations import service as locations

    need.places = await locations.around(ctx, need.location) if need.location else []
    teams = await teams_with_staff(ctx, module=need.module)
    skills: dict[str, list[str]] = {}
    if need.tags or need.expertise:
        rows = await ctx.session.execute(select(Team.id, Team.tags, Team.expertise))
        skills = {row.id: [*row.tags, *row.expertise] for row in rows.all()}
    return best(teams, need, skills)


async def make_defaults(ctx: Context) -> Team:
    """The team that approves where no other was chosen; made once."""
    known = await store.find(ctx, select(Team).where(func.lower(Team.name) == DEFAULT_APPROVERS.lower()))
    if known is not None:
        return known
    return await store.add(
        ctx,
        Team(
            name=DEFAULT_APPROVERS,
            type=APPROVAL,
            is_preconfigure=True,
            description="Approves where no other team was chosen.",
            **_blank(),
        ),
    )


def _blank() -> dict[str, Any]:
    lists = (
        "staffs",
        "owner",
        "tags",
        "expertise",
        "level_staff",
        "sequence_staffs",
        "locations",
        "asset_tags",
        "delegate_members",
        "events_thres_id",
    )
    return {name: [] for name in lists}


MODULE_NAMES = {choice.id: choice.name for choice in MODULES}
