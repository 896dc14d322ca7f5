"""People as other features show them: the documented ``{profile_id, email, full_name}``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from sqlalchemy import select

from mainstay.kernel.access.tables import User
from mainstay.kernel.context import Context
from mainstay.kernel.store import CHUNK


class Person(msgspec.Struct, kw_only=True):
    """A user, as named in teams, tickets and approvals."""

    profile_id: str
    user: int = 0
    full_name: str = ""
    email: str = ""


def person(account: Any) -> Person:
    """From an account, or a row with its columns."""
    return Person(profile_id=account.id, user=account.number, full_name=account.full_name or account.username,
                  email=account.email)  # fmt: skip


async def people(ctx: Context, ids: Iterable[str]) -> dict[str, Person]:
    """Persons by profile id; unknown ids are left out."""
    wanted = sorted({item for item in ids if item})
    found: dict[str, Person] = {}
    for start in range(0, len(wanted), CHUNK):
        query = select(User.id, User.number, User.full_name, User.username, User.email).where(
            User.id.in_(wanted[start : start + CHUNK])
        )
        for row in (await ctx.session.execute(query)).all():
            found[row.id] = person(row)
    return found


def who(raw: Any) -> Any:
    """What names a person in the documented input: an id, else an e-mail address, of the object given."""
    if isinstance(raw, Mapping):
        keys = ("profile_id", "id", "email", "username", "user", "full_name", "name")
        return next((raw[key] for key in keys if raw.get(key) not in (None, "")), None)
    return raw


def whos(raw: Any) -> Any:
    """The same for a list."""
    return [who(item) for item in raw] if isinstance(raw, list) else raw
