"""What organization serves."""

from __future__ import annotations

from mainstay.kernel.registry import Registry
from mainstay.modules.organization.announcements.resource import announcements
from mainstay.modules.organization.async_tasks.resource import async_tasks
from mainstay.modules.organization.business_hours.resource import profiles as business_hours
from mainstay.modules.organization.field_configuration.custom import custom_fields
from mainstay.modules.organization.field_configuration.resource import field_configs
from mainstay.modules.organization.locations.resource import locations
from mainstay.modules.organization.purge.resource import purges
from mainstay.modules.organization.settings.resource import settings
from mainstay.modules.organization.tags.resource import tags


def register(registry: Registry) -> None:
    registry.add(tags, locations, announcements, business_hours, field_configs, custom_fields, settings, async_tasks)
    registry.add(purges)
    registry.permission("Configuration", "settings", "Settings", ("view", "edit"))
