"""Who may send traps, and to which organization they belong: communities and users with the networks they come from."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass

from mainstay.modules.monitoring.snmp.usm import User
from mainstay.modules.monitoring.traps.addresses import Network

MAX_REMEMBERED = 20_000
# Where the well-known community is accepted from unless an organization says otherwise: nothing on the internet.
LOCAL = tuple(
    ipaddress.ip_network(text)
    for text in ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10",
                 "::1/128", "fc00::/7", "fe80::/10")
)  # fmt: skip


@dataclass(slots=True, frozen=True)
class Door:
    """One way in. Without networks it is open to every address."""

    organization: str
    credential: str
    name: str
    networks: tuple[Network, ...] = ()
    user: User | None = None

    def fit(self, address: str) -> int:
        """How closely it fits an address: the length of the network, 0 for any, -1 for not at all."""
        if not self.networks:
            return 0
        one = ipaddress.ip_address(address.partition("%")[0])
        return max((1 + network.prefixlen for network in self.networks if one in network), default=-1)


class Doors:
    """All doors of the installation."""

    def __init__(self, communities: Iterable[tuple[bytes, Door]] = (), users: Iterable[Door] = ()) -> None:
        self._communities: dict[bytes, list[Door]] = {}
        self._users: dict[bytes, list[Door]] = {}
        for community, door in communities:
            self._communities.setdefault(community, []).append(door)
        for door in users:
            if door.user is not None:
                self._users.setdefault(door.user.name, []).append(door)
        self._known: dict[tuple[bytes, str], Door | None] = {}

    def by_community(self, community: bytes, address: str) -> Door | None:
        """The door that fits best, remembered per sender."""
        key = (community, address)
        try:
            return self._known[key]
        except KeyError:
            found = next(iter(_fitting(self._communities.get(community, []), address)), None)
            if len(self._known) >= MAX_REMEMBERED:
                self._known.clear()
            self._known[key] = found
            return found

    def by_user(self, name: bytes, address: str) -> list[Door]:
        """The doors for a user, the best fitting first."""
        return _fitting(self._users.get(name, []), address)


def _fitting(doors: list[Door], address: str) -> list[Door]:
    ranked = [(door.fit(address), door) for door in doors]
    return [door for fit, door in sorted(ranked, key=lambda item: -item[0]) if fit >= 0]
