"""Levels and turns of a team's members, and the open work that a team holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from mainstay.kernel import references
from mainstay.kernel.context import Context
from mainstay.kernel.errors import Invalid
from mainstay.kernel.references import Use
from mainstay.modules.people.persons import Person, who
from mainstay.modules.people.teams.tables import BY_EXPERTISE, BY_TAG, BY_USER

LABELS = {"level_staff": "Support levels", "sequence_staffs": "Approval sequence"}


class Step(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Who is at a support level (L1, L2 …), or whose turn it is in an approval."""

    level: str = ""
    sequence: int = 0
    staffs: list[Person] = []


def steps(name: str, raw: Any, key: str) -> list[dict[str, Any]]:
    """The stored form ``[{"level" | "sequence", "staffs": [who]}]`` of the ways these lists are written.

    Raises ``Invalid`` naming the field.
    """
    if isinstance(raw, str):
        try:
            raw = msgspec.json.decode(raw) if raw.strip() else []
        except msgspec.DecodeError:
            raise Invalid.field(name, f"{LABELS[name]} must be a list.") from None
    if isinstance(raw, Mapping):
        raw = [{key: word, "staffs": people} for word, people in raw.items()]
    if not isinstance(raw, list):
        raise Invalid.field(name, f"{LABELS[name]} must be a list.")
    if len(raw) > 100:
        raise Invalid.field(name, f"{LABELS[name]} takes at most 100 steps.")
    return [_step(name, item, key, number) for number, item in enumerate(raw, 1)]


def _step(name: str, item: Any, key: str, number: int) -> dict[str, Any]:
    people: Any = [item]
    word: Any = None
    if isinstance(item, Mapping) and any(part in item for part in ("staffs", "staff", "users", "members")):
        people = next(item[part] for part in ("staffs", "staff", "users", "members") if part in item)
        word = item.get(key, item.get("name"))
    people = people if isinstance(people, list) else [people]
    ids = [who(one) for one in people]
    if not all(isinstance(one, str | int) and not isinstance(one, bool) for one in ids):
        raise Invalid.field(name, f"{LABELS[name]}: a person must be given by profile_id or e-mail.")
    if key == "sequence":
        return {"sequence": number, "staffs": [str(one) for one in ids]}
    level = str(word if word not in (None, "") else f"L{number}")[:40]
    return {"level": f"L{level}" if level.isdigit() else level, "staffs": [str(one) for one in ids]}


def named(row: Mapping[str, Any]) -> Iterator[str]:
    """Everybody named in levels and turns."""
    for name in LABELS:
        for step in row.get(name) or ():
            yield from step["staffs"]


def settle(row: dict[str, Any], known: Mapping[str, str]) -> None:
    """Ids in place of what was given; everybody with a level or a turn is a member. Raises ``Invalid``."""
    for name in LABELS:
        for step in row.get(name) or ():
            missing = [item for item in step["staffs"] if item.lower() not in known]
            if missing:
                raise Invalid.field(name, f"There is no user {missing[0][:80]!r}.")
            step["staffs"] = list(dict.fromkeys(known[item.lower()] for item in step["staffs"]))
            row["staffs"] = list(dict.fromkeys([*(row.get("staffs") or ()), *step["staffs"]]))


def guess(row: Mapping[str, Any]) -> str:
    """How members are chosen, where it was not said."""
    if not row.get("staffs") and row.get("tags"):
        return BY_TAG
    if not row.get("staffs") and row.get("expertise"):
        return BY_EXPERTISE
    return BY_USER


async def open_work(ctx: Context, team_ids: Sequence[str]) -> list[Use]:
    """Work of the service desk that belongs to one of the teams and is not closed yet."""
    found = [
        (res, spec)
        for res, spec in references.holders(ctx, "team")
        if res.area == "servicedesk" and hasattr(res.model, "closed_at")
    ]
    return await references.uses(ctx, found, team_ids, lambda model: model.closed_at.is_(None))
