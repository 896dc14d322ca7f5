"""Which devices are polled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import select, update

from mainstay.kernel.context import Context
from mainstay.modules.monitoring.polling.tables import Polled


class Binding(NamedTuple):
    """A device, and how it was reached."""

    ci: str
    name: str
    address: str
    credential: str
    ping: bool
    snmp: bool


async def bind(ctx: Context, given: Sequence[Binding]) -> None:
    """Poll these devices from now on; one that is polled already keeps its interval, and whether it is paused."""
    wanted = {one.ci: one for one in reversed(given)}
    if not wanted:
        return
    query = select(Polled.ci).where(Polled.ci.in_(sorted(wanted)))
    known = set((await ctx.session.execute(query)).scalars())
    for ci, one in wanted.items():
        values = {"name": one.name[:255], "address": one.address, "credential": one.credential, "ping": one.ping,
                  "snmp": one.snmp and bool(one.credential)}  # fmt: skip
        if ci in known:
            changed = update(Polled).where(Polled.ci == ci).values(**values)
            await ctx.session.execute(changed.execution_options(synchronize_session=False))
        else:
            ctx.session.add(Polled(organization=ctx.organization, ci=ci, created=ctx.now, **values))
    await ctx.session.flush()
