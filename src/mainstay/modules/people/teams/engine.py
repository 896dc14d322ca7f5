"""Which team fits a piece of work: pure rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from mainstay.modules.people.teams.tables import APPROVAL, CAB


@dataclass(slots=True, kw_only=True)
class Need:
    """A piece of work: where it is, whose it is, what it takes."""

    module: int | None = None
    location: str = ""
    department: str = ""
    tags: list[str] = field(default_factory=list)
    expertise: list[str] = field(default_factory=list)
    places: list[str] = field(default_factory=list)
    """The location and those around it, nearest first."""


class Candidate(Protocol):
    """What the rules look at in a team."""

    team_id: str
    name: str
    type: str
    locations: list[str]
    department: str | None


def best(teams: Sequence[Any], need: Need, skills: Mapping[str, Sequence[str]]) -> list[tuple[Any, list[str]]]:
    """Fitting teams, best first. A team bound to other places or another department does not fit."""
    ranked = []
    for team in teams:
        if team.type in (APPROVAL, CAB):
            continue
        points, reasons = _fit(team, need, skills.get(team.team_id, ()))
        if points is not None:
            ranked.append((points, team, reasons))
    ranked.sort(key=lambda item: (-item[0], item[1].name.lower()))
    return [(team, reasons) for _, team, reasons in ranked]


def _fit(team: Candidate, need: Need, skills: Sequence[str]) -> tuple[int | None, list[str]]:
    points, reasons = 0, []
    if need.places and team.locations:
        near = [index for index, place in enumerate(need.places) if place in team.locations]
        if not near:
            return None, []
        # The nearer the place, the better: the floor's own team before the city's.
        points += 100 - min(near[0], 50)
        reasons.append("location" if near[0] == 0 else "surrounding location")
    if need.department and team.department:
        if team.department != need.department:
            return None, []
        points += 30
        reasons.append("department")
    shared = set(skills) & {*need.tags, *need.expertise}
    if shared:
        points += 10 * len(shared)
        reasons.append(f"skills or tags: {', '.join(sorted(shared))}")
    return points, reasons
