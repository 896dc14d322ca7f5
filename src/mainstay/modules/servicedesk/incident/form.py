"""What a ticket's form offers: statuses, codes, teams and people."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import func, select

from mainstay.kernel import options
from mainstay.kernel.access.tables import REQUESTER, User
from mainstay.kernel.context import Context
from mainstay.kernel.generation import CONFIGURATION, cached
from mainstay.modules.people.teams import service as teams
from mainstay.modules.servicedesk.incident import engine
from mainstay.modules.servicedesk.incident.policy import MATRIX

# Teams and users are in every ticket's form; their changes are rare enough to count as configuration.
CONFIGURATION.update({"team", "user"})


async def form_options(ctx: Context) -> dict[str, Any]:
    """What a ticket's form offers; kept while users and teams are unchanged."""
    form = await cached(ctx, "incident.form", _form)
    # The portal offers choices, not the list of the people who work here.
    return {**form, "users": [], "teams": []} if ctx.principal.kind == REQUESTER else form


def _team(team: teams.TeamStaff) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.to_builtins(team)
    return found


async def _form(ctx: Context) -> dict[str, Any]:
    (matrix,) = await options.get(ctx, MATRIX)
    people = (
        await ctx.session.execute(
            select(User.id, User.number, User.full_name, User.username, User.email)
            .where(User.is_active.is_(True), User.kind != REQUESTER)
            .order_by(func.lower(User.full_name))
            .limit(1000)
        )
    ).all()
    pairs = {
        "urgency": engine.URGENCIES,
        "impact": engine.IMPACTS,
        "severity": engine.SEVERITIES,
        "priority": engine.PRIORITIES,
        "source": engine.SOURCES,
    }
    return {
        "status": [engine.status_row(status) for status in engine.WORKFLOW],
        **{
            name: [{"id": item.id, "name": item.name, "color": item.color} for item in items]
            for name, items in pairs.items()
        },
        "priority_matrix": matrix,
        "teams": [_team(team) for team in await teams.teams_with_staff(ctx)],
        "users": [
            {"profile_id": row.id, "user": row.number, "full_name": row.full_name or row.username, "email": row.email}
            for row in people
        ],
    }
