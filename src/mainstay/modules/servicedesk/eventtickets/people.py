"""Who gets an incident that a trigger opens, and who hears of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, or_, select

from mainstay.kernel.access.tables import REQUESTER, User
from mainstay.kernel.context import Context
from mainstay.modules.people.teams import service as teams
from mainstay.modules.people.teams.tables import Team
from mainstay.modules.servicedesk.eventtickets import engine
from mainstay.modules.servicedesk.eventtickets.tables import EventTrigger
from mainstay.modules.servicedesk.incident.tables import Incident


async def assignments(
    ctx: Context, trigger: EventTrigger, events: Sequence[dict[str, Any]]
) -> list[dict[str, str | None]]:
    """Team and assignee for each of the events: by expression where it names somebody, else the trigger's own."""
    by_team = [engine.fill(trigger.team_from or "", facts).strip() for facts in events]
    by_user = [engine.fill(trigger.assignee_from or "", facts).strip() for facts in events]
    known_teams, known_users = await _teams(ctx, by_team), await _users(ctx, by_user)
    return [
        {
            "team": known_teams.get(team.lower(), trigger.team),
            "assignee": known_users.get(user.lower(), trigger.assignee),
        }
        for team, user in zip(by_team, by_user, strict=True)
    ]


async def _teams(ctx: Context, names: Sequence[str]) -> dict[str, str]:
    wanted = sorted({name.lower() for name in names if name})
    if not wanted:
        return {}
    query = select(Team.id, Team.name).where(or_(func.lower(Team.name).in_(wanted), Team.id.in_(wanted)))
    return {name: row.id for row in (await ctx.session.execute(query)).all() for name in (row.name.lower(), row.id)}


async def _users(ctx: Context, names: Sequence[str]) -> dict[str, str]:
    wanted = sorted({name.lower() for name in names if name})
    if not wanted:
        return {}
    query = select(User.id, User.username, User.email).where(
        or_(func.lower(User.username).in_(wanted), func.lower(User.email).in_(wanted), User.id.in_(wanted)),
        User.is_active.is_(True),
        User.kind != REQUESTER,
    )
    found: dict[str, str] = {}
    for row in (await ctx.session.execute(query)).all():
        found |= {name: row.id for name in (row.username.lower(), row.email.lower(), row.id) if name}
    return found


async def addresses(ctx: Context, trigger: EventTrigger, found: Sequence[Incident]) -> dict[str, list[str]]:
    """Where a trigger's news of incidents goes, by incident; each address once."""
    query = select(User.id, User.email).where(User.id.in_(trigger.notify_users or []), User.is_active.is_(True))
    users = [row.email for row in (await ctx.session.execute(query)).all()] if trigger.notify_users else []
    always = [*(trigger.notify_emails or []), *users]
    by_team: dict[str, list[str]] = {}
    if trigger.notify_team:
        members = await teams.members_of(ctx, {row.team for row in found if row.team})
        by_team = {team: [person.email for person in people] for team, people in members.items()}
    return {
        row.id: list({mail.lower(): mail for mail in [*always, *by_team.get(row.team or "", [])] if mail}.values())
        for row in found
    }
