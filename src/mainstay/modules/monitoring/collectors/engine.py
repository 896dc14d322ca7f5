"""Which collector a device belongs to, and what a batch's number means; pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass

from mainstay.modules.monitoring.credentials.service import Address, Span

NEXT, REPEATED, GAP = "next", "repeated", "gap"


@dataclass(slots=True, frozen=True)
class Site:
    """A collector, and the networks whose devices it polls."""

    id: str
    enabled: bool
    spans: tuple[Span, ...]


def site_of(address: str, sites: Sequence[Site]) -> Site | None:
    """The collector of an address: where networks overlap, the smallest that holds it decides, then the first."""
    try:
        one: Address = ipaddress.ip_address(address)
    except ValueError:
        return None
    best: tuple[int, Site] | None = None
    for site in sites:
        for first, last in site.spans:
            if first.version == one.version and int(first) <= int(one) <= int(last):
                size = int(last) - int(first)
                if best is None or size < best[0]:
                    best = (size, site)
    return best[1] if best else None


def verdict(sequence: int, acknowledged: int) -> str:
    """What to do with a batch: store it, acknowledge it again, or refuse it."""
    if sequence <= acknowledged:
        return REPEATED
    return NEXT if sequence == acknowledged + 1 else GAP
