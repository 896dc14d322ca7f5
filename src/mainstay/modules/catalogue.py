"""Every feature that is served, in the order the navigation shows them. Each area lists its own."""

from __future__ import annotations

from mainstay.kernel import csvverbs  # noqa: F401 - adds the verbs on files
from mainstay.kernel.console import console
from mainstay.kernel.registry import Registry
from mainstay.modules.assets import catalogue as assets
from mainstay.modules.integrations import catalogue as integrations
from mainstay.modules.logs import catalogue as logs
from mainstay.modules.monitoring import catalogue as monitoring
from mainstay.modules.organization import catalogue as organization
from mainstay.modules.people import catalogue as people
from mainstay.modules.servicedesk import catalogue as servicedesk

# Services start in this order and stop in the opposite one: what listens to others comes before them.
AREAS = (servicedesk, people, organization, assets, integrations, monitoring, logs)


def register(registry: Registry) -> None:
    """Add every resource, group of operations and service."""
    for area in AREAS:
        area.register(registry)
    registry.add(console)
