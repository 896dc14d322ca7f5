"""From what a ticket says of its requester to the requester's record, set-wise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import bindparam, false, func, or_, select

from mainstay.kernel import direct, store
from mainstay.kernel.access.tables import User
from mainstay.kernel.context import Context
from mainstay.kernel.record import new_id
from mainstay.kernel.statements import fixed, plain
from mainstay.modules.people.requesters.tables import Requester


class Wanted(msgspec.Struct, kw_only=True, frozen=True):
    """A requester as a ticket names one: by id, or by e-mail address with a name for a new one."""

    id: str | None = None
    email: str = ""
    name: str = ""
    phone: str = ""


class Known(msgspec.Struct, kw_only=True, frozen=True):
    """The requester that was found or made."""

    id: str
    name: str
    email: str
    phone: str


_NAMED = fixed(
    select(Requester.id, Requester.full_name, Requester.email, Requester.phone_number).where(
        Requester.organization == bindparam("in_organization"),
        Requester.is_deleted == false(),
        or_(
            Requester.id.in_(bindparam("ids", expanding=True)),
            func.lower(Requester.email).in_(bindparam("mails", expanding=True)),
        ),
    )
)


_COLUMNS = (Requester.id, Requester.full_name, Requester.email, Requester.phone_number)
_ONE = select(*_COLUMNS).where(Requester.organization == bindparam("in_organization"), Requester.is_deleted == false())
_BY_ID = direct.Statement(plain(_ONE.where(Requester.id == bindparam("wanted"))))
_BY_MAIL = direct.Statement(plain(_ONE.where(func.lower(Requester.email) == bindparam("wanted"))))


async def _found(ctx: Context, ids: list[str], mails: list[str]) -> Sequence[Any]:
    """Id, name, address and phone of the requesters with these ids or addresses."""
    named = {"in_organization": ctx.organization, "ids": ids, "mails": mails}
    if len(ids) + len(mails) > 1:
        return (await ctx.session.execute(_NAMED, named)).all()
    # What nearly every ticket asks.
    database, wanted = ctx.platform.database, (ids or mails)[0]
    one = (_BY_ID if ids else _BY_MAIL).on(database)
    return await direct.run(database, ctx.session, one, {**named, "wanted": wanted})


async def find_or_create(ctx: Context, wanted: Sequence[Wanted]) -> list[Known | None]:
    """One answer per ticket; ``None`` where it names nobody. New addresses become requesters, set-wise."""
    ids = sorted({item.id for item in wanted if item.id})
    mails = sorted({item.email.lower() for item in wanted if item.email and not item.id})
    by_id: dict[str, Known] = {}
    by_mail: dict[str, Known] = {}
    for start in range(0, max(len(ids), len(mails)), store.CHUNK):
        part_ids, part_mails = ids[start : start + store.CHUNK], mails[start : start + store.CHUNK]
        for record_id, name, email, phone in await _found(ctx, part_ids, part_mails):
            known = Known(id=record_id, name=name, email=email, phone=phone)
            by_id[record_id] = known
            if email:
                by_mail[email.lower()] = known
    fresh: dict[str, Wanted] = {}
    for item in wanted:
        low = item.email.lower()
        if not item.id and low and low not in by_mail:
            fresh.setdefault(low, item)
    if fresh:
        # Somebody who has an account already is the same person.
        accounts: dict[str, str] = {}
        for start in range(0, len(fresh), store.CHUNK):
            address = func.lower(User.email)
            held = select(address, User.id).where(address.in_(list(fresh)[start : start + store.CHUNK]))
            accounts.update({row[0]: row[1] for row in (await ctx.session.execute(held)).all()})
        rows = [
            {"id": new_id(), "full_name": item.name or item.email.split("@")[0], "email": item.email,
             "phone_number": item.phone, "source": "Ticket", "profile_id": accounts.get(item.email.lower())}
            for item in fresh.values()
        ]  # fmt: skip
        for made in await store.add_many(ctx, Requester, rows):
            by_mail[made["email"].lower()] = Known(id=made["id"], name=made["full_name"], email=made["email"],
                                                   phone=made["phone_number"])  # fmt: skip
    return [by_id.get(item.id) if item.id else by_mail.get(item.email.lower()) for item in wanted]
