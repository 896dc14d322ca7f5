"""Every feature that is served, in the order the navigation shows them."""

from __future__ import annotations

from mainstay.kernel import csvverbs  # noqa: F401 - adds the verbs on files
from mainstay.kernel.access.resource import apikeys
from mainstay.kernel.console import console
from mainstay.kernel.registry import Registry
from mainstay.modules.assets.audits.actions import stocktaking
from mainstay.modules.assets.audits.resource import audits, templates
from mainstay.modules.assets.categories.resource import categories
from mainstay.modules.assets.classification.resource import classifications
from mainstay.modules.assets.cmdb.lookup import AddressBook
from mainstay.modules.assets.cmdb.people import people as requester_items
from mainstay.modules.assets.cmdb.people import users as user_items
from mainstay.modules.assets.devicegroups.resource import device_groups
from mainstay.modules.assets.founding import AssetDefaults
from mainstay.modules.assets.relations.resource import relation_types
from mainstay.modules.assets.served import items, relations
from mainstay.modules.logs.agents.resource import agents
from mainstay.modules.logs.grok.resource import grok_patterns
from mainstay.modules.logs.intake.resource import intake
from mainstay.modules.logs.intake.service import LogIntake
from mainstay.modules.logs.pipeline.actions import lookup_tables, pipelines
from mainstay.modules.logs.pipeline.service import LogPipelines
from mainstay.modules.organization.announcements.resource import announcements
from mainstay.modules.organization.async_tasks.resource import async_tasks
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
from mainstay.modules.servicedesk.incident import jobs  # noqa: F401 - declares the timers
from mainstay.modules.servicedesk.incident.conversation import conversation
from mainstay.modules.servicedesk.incident.resource import incidents


def register(registry: Registry) -> None:
    """Add every resource and group of operations."""
    registry.add(incidents, conversation)
    registry.add(items, categories, relations, relation_types, device_groups, classifications)
    registry.add(audits, templates, stocktaking, user_items, requester_items)
    registry.service(AssetDefaults, AddressBook)
    registry.add(authentication, caller, own, clocks, invitations, users, requesters, departments, roles, apikeys)
    registry.add(teams, vendors, partners, leaves, leave_types, holidays, tags, locations, announcements)
    registry.add(field_configs, custom_fields, settings)
    registry.add(async_tasks, console)
    registry.add(intake, agents)
    registry.permission("Logs", "log_intake", "Log intake", ("view", "add"))
    registry.add(grok_patterns, pipelines, lookup_tables)
    # The pipelines before the intake: they are there with the first line, and until the last is through.
    registry.service(LogPipelines, LogIntake)
    registry.permission("Configuration", "settings", "Settings", ("view", "edit"))
