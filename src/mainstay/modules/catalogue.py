"""Every feature that is served, in the order the navigation shows them."""

from __future__ import annotations

from mainstay.kernel import csvverbs  # noqa: F401 - adds the verbs on files
from mainstay.kernel.access.resource import apikeys
from mainstay.kernel.console import console
from mainstay.kernel.registry import Registry
from mainstay.modules.assets.categories.resource import categories
from mainstay.modules.assets.cmdb.lookup import AddressBook
from mainstay.modules.assets.cmdb.resource import items
from mainstay.modules.assets.devicegroups.resource import device_groups
from mainstay.modules.assets.founding import AssetDefaults
from mainstay.modules.assets.relations import actions as _actions  # noqa: F401 - adds the walks
from mainstay.modules.assets.relations import ends as _ends  # noqa: F401 - adds what relations lead to
from mainstay.modules.assets.relations.resource import relation_types, relations
from mainstay.modules.monitoring.eventrules.resource import event_rules
from mainstay.modules.monitoring.events.actions import events
from mainstay.modules.monitoring.events.listener import EventEngine
from mainstay.modules.monitoring.maintenance.resource import maintenances
from mainstay.modules.organization.announcements.resource import announcements
from mainstay.modules.organization.async_tasks.resource import async_tasks
from mainstay.modules.organization.business_hours.resource import profiles as business_hours
from mainstay.modules.organization.field_configuration.custom import custom_fields
from mainstay.modules.organization.field_configuration.resource import field_configs
from mainstay.modules.organization.locations.resource import locations
from mainstay.modules.organization.settings.resource import settings
from mainstay.modules.organization.tags.resource import tags
from mainstay.modules.people.authentication.resource import authentication, caller
from mainstay.modules.people.departments.resource import departments
from mainstay.modules.people.invitations.resource import invitations
from mainstay.modules.people.leaves.actions import holidays, leave_types, leaves
from mainstay.modules.people.partners.resource import partners
from mainstay.modules.people.requesters.resource import requesters
from mainstay.modules.people.roles.resource import roles
from mainstay.modules.people.teams.actions import teams
from mainstay.modules.people.users.clocks import clocks
from mainstay.modules.people.users.own import own
from mainstay.modules.people.users.resource import users
from mainstay.modules.people.vendors.resource import vendors
from mainstay.modules.servicedesk.eventtickets import defaults, listening  # noqa: F401 - heard by the kernel
from mainstay.modules.servicedesk.eventtickets.clock import TriggerClock
from mainstay.modules.servicedesk.eventtickets.operations import event_tickets
from mainstay.modules.servicedesk.eventtickets.resource import triggers as event_triggers
from mainstay.modules.servicedesk.incident import (  # noqa: F401 - declare operations and timers
    actions,
    content,
    jobs,
    lookups,
    merging,
)
from mainstay.modules.servicedesk.incident.conversation import conversation
from mainstay.modules.servicedesk.incident.resource import incidents


def register(registry: Registry) -> None:
    """Add every resource and group of operations."""
    registry.add(incidents, conversation, event_tickets, event_triggers)
    registry.service(TriggerClock)
    registry.add(events, event_rules, maintenances)
    registry.service(EventEngine)
    registry.add(items, categories, relations, relation_types, device_groups)
    registry.service(AssetDefaults, AddressBook)
    registry.add(authentication, caller, own, clocks, invitations, users, requesters, departments, roles, apikeys)
    registry.add(teams, vendors, partners, leaves, leave_types, holidays, tags, locations, announcements)
    registry.add(business_hours, field_configs, custom_fields, settings)
    registry.add(async_tasks, console)
    registry.permission("Configuration", "settings", "Settings", ("view", "edit"))
