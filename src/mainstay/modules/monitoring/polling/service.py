"""Which devices are polled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import func, or_, select, update

from mainstay.kernel.context import Context
from mainstay.kernel.errors import Conflict, NotFound
from mainstay.modules.assets.cmdb.tables import Ci, CiAddress
from mainstay.modules.monitoring.credentials import service as credentials
from mainstay.modules.monitoring.credentials.tables import ACTIVE, SNMP, Credential
from mainstay.modules.monitoring.polling.tables import UP, Polled
from mainstay.modules.monitoring.snmp.client import Access

DISPLACED = "Another device answers at its address now:"


class Binding(NamedTuple):
    """A device, and how it was reached."""

    ci: str
    name: str
    address: str
    credential: str
    ping: bool
    snmp: bool


async def bind(ctx: Context, given: Sequence[Binding]) -> None:
    """Poll these devices from now on; one that is polled already keeps its interval, and whether it is paused.

    One that is polled by SNMP stays so, though no credential opened it this time, and at the address where it answers
    while that is one of its own, though it was found at another. One that was polled at an address
    where another device answers now is not polled there any more: what it measured would be the other's.
    """
    wanted = {one.ci: one for one in reversed(given)}
    if not wanted:
        return
    columns = (Polled.ci, Polled.credential, Polled.address, Polled.error, Polled.state)
    query = select(*columns).where(Polled.ci.in_(sorted(wanted)))
    known = {row.ci: row for row in (await ctx.session.execute(query)).all()}
    listed = select(CiAddress.ci, CiAddress.address).where(CiAddress.ci.in_(sorted(known)))
    own = {(row.ci, row.address) for row in (await ctx.session.execute(listed)).all()}
    await _displaced(ctx, wanted)
    for ci, one in wanted.items():
        values: dict[str, Any] = {"name": one.name[:255], "address": one.address, "credential": one.credential,
                                  "ping": one.ping, "snmp": one.snmp and bool(one.credential)}  # fmt: skip
        there = known.get(ci)
        displaced = there is not None and there.error.startswith(DISPLACED)
        if there is not None and there.credential and not one.credential and not displaced:
            continue
        if there is not None:
            if displaced:
                values |= {"enabled": True, "error": ""}
            elif there.state == UP and there.credential and there.address != one.address and (ci, there.address) in own:
                values = {"name": values["name"]}
            changed = update(Polled).where(Polled.ci == ci).values(**values)
            await ctx.session.execute(changed.execution_options(synchronize_session=False))
        else:
            ctx.session.add(Polled(organization=ctx.organization, ci=ci, created=ctx.now, **values))
    await ctx.session.flush()


async def _displaced(ctx: Context, wanted: Mapping[str, Binding]) -> None:
    """Stop polling items at addresses where these devices answer now."""
    at = {one.address: one for one in wanted.values()}
    query = select(Polled.ci, Polled.address).where(Polled.address.in_(sorted(at)), Polled.enabled.is_(True))
    for row in (await ctx.session.execute(query)).all():
        if row.ci not in wanted:
            told = f"{DISPLACED} {at[row.address].name}. It is not polled until it is found elsewhere."
            ended = update(Polled).where(Polled.ci == row.ci).values(enabled=False, error=told[:500])
            await ctx.session.execute(ended.execution_options(synchronize_session=False))


class Way(NamedTuple):
    """Where and how a device is asked."""

    address: str
    access: Access


async def way_to(ctx: Context, item: Ci, credential: str = "") -> Way:
    """How to ask an item: with this credential (id or name), else the one it is polled with, else the first that is for
    its address. Raises ``Conflict`` where there is none, ``Invalid`` for an address that may not be asked."""
    polled = (await ctx.session.execute(select(Polled).where(Polled.ci == item.id))).scalar()
    host = polled.address if polled is not None else item.ip_address
    if not host:
        raise Conflict(f"{item.name} has no address.")
    address = await credentials.allowed(ctx, host)
    return await way(ctx, address, credential or (polled.credential if polled is not None else ""))


async def way(ctx: Context, address: str, credential: str) -> Way:
    """How to ask an address that may be asked."""
    row: Credential | None
    if credential:
        query = select(Credential).where(
            or_(Credential.id == credential, func.lower(Credential.name) == credential.lower()),
            Credential.status == ACTIVE, Credential.kind.in_(SNMP),
        )  # fmt: skip
        row = (await ctx.session.execute(query)).scalar()
        if row is None:
            raise NotFound(f"There is no active credential {credential[:80]!r} for SNMP.")
        if not credentials.fits(row, address):
            raise Conflict(f"The credential {row.name} is not for {address}.")
    else:
        row = next(iter(await credentials.for_address(ctx, address)), None)
        if row is None:
            raise Conflict(f"No credential is for {address}.")
    return Way(address, await credentials.access_of(credentials.values_of(row), credentials.opened(ctx, row)))
