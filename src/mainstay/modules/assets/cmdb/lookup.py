"""Which item a network address belongs to."""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from collections.abc import Collection, Iterable
from contextlib import suppress
from ipaddress import ip_address
from typing import TYPE_CHECKING, NamedTuple

import structlog
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from mainstay.kernel.changes import Change
from mainstay.kernel.context import Context
from mainstay.kernel.database import ANY_ORGANIZATION
from mainstay.kernel.services import Service
from mainstay.kernel.store import CHUNK
from mainstay.modules.assets.cmdb.tables import Ci, CiAddress

if TYPE_CHECKING:
    from mainstay.kernel.platform import Platform

log = structlog.get_logger("mainstay.cmdb")
ENTRIES = 200_000
"""Addresses remembered; those of nobody count too."""
INTERVAL = 0.5
LOOK_BACK = 200
"""Numbers re-read at each look: on PostgreSQL a lower number may become visible after a higher one."""
FIELDS = frozenset({"name", "ip_address", "addresses"})


class CiRef(NamedTuple):
    """An item, as far as those need it who only have its address."""

    id: str
    name: str


_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_PLAIN = re.compile(rf"{_OCTET}\.{_OCTET}\.{_OCTET}\.{_OCTET}")
"""What most addresses are: IPv4 as it is stored."""


def canonical(address: str) -> str:
    """An address as it is stored: RFC 5952, IPv4-mapped as IPv4; empty where it is none."""
    if _PLAIN.fullmatch(address):
        return address
    try:
        found = ip_address(address.strip().split("%")[0])
    except ValueError:
        return ""
    mapped = getattr(found, "ipv4_mapped", None)
    return str(mapped or found)


async def by_address(ctx: Context, addresses: Collection[str]) -> dict[str, CiRef]:
    """The items of these addresses, by the address as it was given; those of nobody are left out.

    Where several items claim one, it is the one that is managed by it, then the one last seen with it.
    """
    spelled: dict[str, list[str]] = {}
    for given in addresses:
        if known := canonical(given):
            spelled.setdefault(known, []).append(given)
    found: dict[str, CiRef] = {}
    every = sorted(spelled)
    for start in range(0, len(every), CHUNK):
        query = (
            select(CiAddress.address, Ci.id, Ci.name)
            .join(Ci, Ci.id == CiAddress.ci)
            .where(CiAddress.address.in_(every[start : start + CHUNK]))
            .order_by(CiAddress.management.desc(), CiAddress.last_seen.desc(), Ci.id.desc())
        )
        for address, ci, name in (await ctx.session.execute(query)).all():
            for given in spelled[address]:
                found.setdefault(given, CiRef(ci, name))
    return found


class AddressBook(Service):
    """The same in memory, for those who ask for every packet. What changed is forgotten within half a second."""

    def __init__(self, platform: Platform) -> None:
        super().__init__(platform)
        self._known: OrderedDict[tuple[str, str], CiRef | None] = OrderedDict()
        self._last = 0
        self._round = 0
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        await self._skip()
        self._task = asyncio.create_task(self._follow(), name="address-book")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    def get(self, organization: str, address: str) -> CiRef | None:
        """The item as far as it is in memory. ``look_up`` finds those that are not."""
        return self._known.get((organization, address))

    async def look_up(self, organization: str, addresses: Iterable[str]) -> dict[str, CiRef]:
        """The items of these addresses: from memory, the others with one statement; those of nobody are left out."""
        wanted = set(addresses)
        missing = [address for address in wanted if (organization, address) not in self._known]
        if missing:
            begun = self._round
            async with self.platform.work(organization, write=False) as ctx:
                found = await by_address(ctx, missing)
            if begun == self._round:  # else what was read may be older than what was forgotten meanwhile
                self._known.update({(organization, address): found.get(address) for address in missing})
            while len(self._known) > ENTRIES:
                self._known.popitem(last=False)
        else:
            found = {}
        known = {address: self._known.get((organization, address)) for address in wanted}
        return {address: ref for address, ref in known.items() if ref is not None} | found

    async def refresh(self) -> None:
        """Forget what changed since the last look."""
        back = 0 if self.platform.database.is_sqlite else LOOK_BACK
        query = (
            select(Change.seq, Change.organization, Change.record_id, Change.action, Change.changes)
            .where(Change.seq > self._last - back, Change.resource == "ci")
            .order_by(Change.seq)
            .limit(5000)
        )
        async with self.platform.work(ANY_ORGANIZATION, write=False) as ctx:
            rows = (await ctx.session.execute(query)).all()
        if not rows:
            return
        self._round += 1
        self._last = max(self._last, rows[-1].seq)
        if len(rows) == 5000:
            # More than is worth looking at one by one; start over from what is newest.
            self._known.clear()
            await self._skip()
            return
        changed = {
            (row.organization, row.record_id)
            for row in rows
            if row.action != "update" or any(item["field"] in FIELDS for item in row.changes)
        }
        organizations = {organization for organization, _ci in changed}
        for key, ref in list(self._known.items()):
            if key[0] in organizations and (ref is None or (key[0], ref.id) in changed):
                del self._known[key]

    async def _skip(self) -> None:
        async with self.platform.work(ANY_ORGANIZATION, write=False) as ctx:
            self._last = int(await ctx.session.scalar(select(func.max(Change.seq))) or 0)

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(INTERVAL)
            if not self._known:
                with suppress(SQLAlchemyError):
                    await self._skip()
                continue
            try:
                await self.refresh()
            except SQLAlchemyError as error:
                log.warning("the address book waits for the database", error=str(error)[:200])
