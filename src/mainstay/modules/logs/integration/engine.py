"""Networks of log sources: reading them, and whether two of them meet."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

Network = IPv4Network | IPv6Network
MOST = 1000
SMALLEST_PREFIX = {4: 8, 6: 16}
"""Where several organizations share an installation, none may claim more than this."""


class BadNetwork(ValueError):
    """What is no network; the text says what is."""


def read(given: Any) -> list[Network]:
    """Networks from a list. Raises ``BadNetwork``."""
    if not isinstance(given, list):
        raise BadNetwork("networks must be a list of addresses and networks.")
    if len(given) > MOST:
        raise BadNetwork(f"A source has at most {MOST} networks.")
    found: list[Network] = []
    for item in given:
        try:
            network = ip_network(str(item).strip(), strict=False)
        except ValueError:
            raise BadNetwork(
                f"{str(item)[:60]!r} is neither an address nor a network. Write 192.0.2.7 or 192.0.2.0/24."
            ) from None
        if network not in found:
            found.append(network)
    return found


def write(networks: Iterable[Network]) -> list[str]:
    """As they are stored: a single address without its prefix."""
    return [
        str(item.network_address) if item.prefixlen == item.max_prefixlen else item.with_prefixlen for item in networks
    ]


def meeting(one: Iterable[Network], other: Iterable[Network]) -> Network | None:
    """The first network of ``one`` that has an address in common with ``other``."""
    others = list(other)
    return next(
        (item for item in one if any(item.version == known.version and item.overlaps(known) for known in others)), None
    )


def wide(network: Network) -> bool:
    """Whether it is more than one organization of several may claim."""
    return network.prefixlen < SMALLEST_PREFIX[network.version]
