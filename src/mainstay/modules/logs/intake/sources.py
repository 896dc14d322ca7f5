"""Whose lines they are: from the address that sent them to organization, time zone and configuration item.

Features tell what they know of networks with ``source_rules``; the address book of the CMDB is plugged in with
``find_items``. What nobody claims belongs to the oldest organization.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from mainstay.kernel import options
from mainstay.kernel.access.tables import Organization
from mainstay.kernel.database import ANY_ORGANIZATION
from mainstay.modules.logs.intake.clocks import zone_of
from mainstay.modules.logs.intake.syslog import Sender

if TYPE_CHECKING:
    from mainstay.kernel.platform import Platform

log = structlog.get_logger("mainstay.logs")
LOOK_SECONDS = 5.0
ENTRIES = 50_000
"""Addresses remembered; those of datagrams can be forged."""
TIMEZONE = options.option(
    "log_timezone", "text", "UTC", "Time zone of log sources", section="Logs",
    help="The zone in which devices write their clocks where a line does not name one, such as Europe/Berlin.",
)  # fmt: skip


@dataclass(slots=True, frozen=True, kw_only=True)
class SourceRule:
    """What is known of a network. Where networks overlap, the smaller one decides."""

    network: str
    organization: str
    timezone: str = ""
    """Name of a zone; empty: the organization's."""
    limit: int | None = None
    """Lines a second taken by UDP from each address; ``None``: the installation's, 0: any number."""


Rules = Callable[["Platform"], Awaitable[Iterable[SourceRule]]]
Items = Callable[["Platform", str, Collection[str]], Awaitable[dict[str, str]]]
_rules: list[Rules] = []
_items: list[Items] = []


def source_rules(call: Rules) -> Rules:
    """Decorator: ``async def call(platform)`` answers rules of every organization; asked every few seconds."""
    _rules.append(call)
    return call


def find_items(call: Items) -> Items:
    """Decorator: ``async def call(platform, organization, addresses)`` answers ids of configuration items by address;
    asked for every batch."""
    _items[:] = [call]
    return call


class Sources:
    """Answers ``Sender`` by address, from memory that is a few seconds old at most."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._looked = float("-inf")
        self._networks: list[tuple[int, int, int, SourceRule]] = []
        self._zones: dict[str, str] = {}
        self._default = ""
        self._known: OrderedDict[str, tuple[Sender, int | None]] = OrderedDict()

    async def senders(self, addresses: Sequence[str]) -> list[Sender]:
        """What is known of each address."""
        await self.look()
        found = [self._of(address)[0] for address in addresses]
        if not _items:
            return found
        items: dict[str, dict[str, str]] = {}
        # Before the first organization is made there is none, and no item is anybody's.
        for organization in {sender.organization for sender in found} - {""}:
            theirs = [sender.address for sender in found if sender.organization == organization]
            try:
                items[organization] = await _items[0](self._platform, organization, theirs)
            except SQLAlchemyError as error:
                log.warning("configuration items not found", error=str(error)[:300])
        return [
            Sender(sender.address, sender.organization, sender.timezone, ci)
            if (ci := items.get(sender.organization, {}).get(sender.address)) else sender
            for sender in found
        ]  # fmt: skip

    async def senders_of(self, organization: str, addresses: Sequence[str]) -> list[Sender]:
        """What is known of addresses at a site of this organization, whoever has the same addresses elsewhere."""
        zone = await self.timezone(organization)
        found = [self._of(address)[0] for address in addresses]
        items = await _items[0](self._platform, organization, addresses) if _items else {}
        return [
            Sender(address, organization, sender.timezone if sender.organization == organization else zone,
                   items.get(address, ""))
            for address, sender in zip(addresses, found, strict=True)
        ]  # fmt: skip

    async def timezone(self, organization: str) -> str:
        """The time zone that an organization chose for clocks without one."""
        await self.look()
        zone = self._zones.get(organization, "")
        return zone if zone_of(zone) else "UTC"

    def limit(self, address: str) -> int | None:
        """The own limit of an address; for the receiving thread."""
        known = self._known.get(address)
        return known[1] if known else None

    async def look(self, *, now: bool = False) -> None:
        """Read the rules again where they are old."""
        if not now and time.monotonic() - self._looked < LOOK_SECONDS:
            return
        self._looked = time.monotonic()
        try:
            rules = [rule for call in _rules for rule in await call(self._platform)]
            await self._read_organizations()
        except SQLAlchemyError as error:
            log.warning("rules of log sources not read; the last ones hold", error=str(error)[:300])
            return
        networks = []
        for rule in rules:
            try:
                network = ip_network(rule.network.strip(), strict=False)
            except ValueError:
                log.warning("a log source is no network", network=rule.network[:100], organization=rule.organization)
                continue
            networks.append((network.version, int(network.network_address), network.prefixlen, rule))
        self._networks = sorted(networks, key=lambda item: -item[2])
        self._known.clear()

    async def _read_organizations(self) -> None:
        async with self._platform.work(ANY_ORGANIZATION, write=False) as ctx:
            query = select(Organization.id).order_by(Organization.creation_time, Organization.id)
            known = list((await ctx.session.execute(query)).scalars())
            chosen = select(options.OrganizationOption.organization, options.OrganizationOption.value).where(
                options.OrganizationOption.name == TIMEZONE
            )
            zones = (await ctx.session.execute(chosen)).all()
        self._default = known[0] if known else ""
        self._zones = {row.organization: str(row.value) for row in zones}

    def _of(self, address: str) -> tuple[Sender, int | None]:
        known = self._known.get(address)
        if known is None:
            rule = self._rule(address)
            organization = rule.organization if rule else self._default
            zone = (rule.timezone if rule else "") or self._zones.get(organization, "")
            known = Sender(address, organization, zone if zone_of(zone) else "UTC"), rule.limit if rule else None
            self._known[address] = known
            if len(self._known) > ENTRIES:
                self._known.popitem(last=False)
        return known

    def _rule(self, address: str) -> SourceRule | None:
        try:
            found: IPv4Address | IPv6Address = ip_address(address)
        except ValueError:
            return None
        number, bits = int(found), found.max_prefixlen
        for version, network, length, rule in self._networks:
            if version == found.version and number >> (bits - length) == network >> (bits - length):
                return rule
        return None
