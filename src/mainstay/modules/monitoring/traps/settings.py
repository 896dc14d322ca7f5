"""What an organization's administrators choose about traps."""

from __future__ import annotations

from mainstay.kernel.options import option

PUBLIC = option(
    "traps.accept_public",
    "boolean",
    True,
    "Accept traps with the community public",
    section="Traps",
    help="From private and loopback addresses, into the installation's first organization. Off: only from the "
    "communities and users under Trap credentials.",
)
UNCONFIGURED = option(
    "traps.unconfigured_events",
    "boolean",
    True,
    "Traps without a configuration are events",
    section="Traps",
    help="Informational ones. Off: such traps are kept, and no event is raised.",
)
