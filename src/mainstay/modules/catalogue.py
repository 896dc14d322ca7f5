"""Every feature that is served, in the order the navigation shows them."""

from __future__ import annotations

from mainstay.kernel import csvverbs  # noqa: F401 - adds the verbs on files
from mainstay.kernel.access.resource import apikeys
from mainstay.kernel.console import console
from mainstay.kernel.registry import Registry
from mainstay.modules.logs.grok.resource import grok_patterns
from mainstay.modules.logs.intake.resource import intake
from mainstay.modules.logs.intake.service import LogIntake
from mainstay.modules.logs.integration import jobs as log_integration_jobs  # noqa: F401 - declares the timer
from mainstay.modules.logs.integration.resource import integrations
from mainstay.modules.logs.rules import jobs as log_rule_jobs  # noqa: F401 - declares the schedule
from mainstay.modules.logs.rules.resource import log_rules
from mainstay.modules.logs.search.resource import log_searches, logs
from mainstay.modules.logs.templates.resource import templates
from mainstay.modules.logs.templates.service import Templates
from mainstay.modules.logs.pipeline.actions import lookup_tables, pipelines
from mainstay.modules.logs.pipeline.service import LogPipelines
from mainstay.modules.assets.audits.actions import stocktaking
from mainstay.modules.assets.audits.resource import audits, templates
from mainstay.modules.assets.categories.resource import categories
from mainstay.modules.assets.classification.resource import classifications
from mainstay.modules.assets.cmdb.lookup import AddressBook
from mainstay.modules.assets.cmdb.people import people as requester_items
from mainstay.modules.assets.cmdb.people import users as user_items
from mainstay.modules.assets.devicegroups.resource import device_groups
from mainstay.modules.assets.founding import AssetDefaults
from mainstay.modules.assets.relations import actions as _actions  # noqa: F401 - adds the walks
from mainstay.modules.assets.relations import ends as _ends  # noqa: F401 - adds what relations lead to
from mainstay.modules.assets.relations.resource import relation_types, relations
from mainstay.modules.integrations.messenger import matching  # noqa: F401 - follows the change feed
from mainstay.modules.integrations.messenger.channels import channels
from mainstay.modules.integrations.messenger.messages import notifications
from mainstay.modules.integrations.messenger.messenger import api_calls, beeps, sms, suppressed, syslogs
from mainstay.modules.integrations.messenger.preferences import mine
from mainstay.modules.integrations.messenger.sender import Sender
from mainstay.modules.integrations.messenger.subscriptions import subscriptions
from mainstay.modules.integrations.messenger.templates import templates
from mainstay.modules.monitoring.events.listener import EventEngine
from mainstay.modules.monitoring.events.resource import events
from mainstay.modules.logs.intake.resource import intake
from mainstay.modules.logs.intake.service import LogIntake
from mainstay.modules.monitoring.credentials.resource import credentials
from mainstay.modules.monitoring.events.listener import EventEngine
from mainstay.modules.monitoring.events.resource import events
from mainstay.modules.monitoring.mibs import run  # noqa: F401 - adds asking devices
from mainstay.modules.monitoring.mibs.resource import mibs
from mainstay.modules.monitoring.traps.actions import trap_configurations
from mainstay.modules.monitoring.traps.credentials import trap_credentials
from mainstay.modules.monitoring.traps.receiver import TrapReceiver
from mainstay.modules.assets.relations.resource import relation_types
from mainstay.modules.assets.served import items, relations
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
    registry.add(incidents, conversation)
    registry.add(log_searches, logs, integrations, templates, log_rules)
    registry.service(Templates)
    registry.add(incidents, conversation, event_tickets, event_triggers)
    registry.service(TriggerClock)
    registry.add(events)
    registry.service(EventEngine)
    registry.add(items, categories, relations, relation_types, device_groups)
    registry.add(items, categories, relations, relation_types, device_groups, classifications)
    registry.add(audits, templates, stocktaking, user_items, requester_items)
    registry.service(AssetDefaults, AddressBook)
    registry.add(authentication, caller, own, clocks, invitations, users, requesters, departments, roles, apikeys)
    registry.add(teams, vendors, partners, leaves, leave_types, holidays, tags, locations, announcements)
    registry.add(business_hours, field_configs, custom_fields, settings)
    registry.add(subscriptions, channels, templates, notifications, api_calls, beeps, sms, syslogs, suppressed, mine)
    registry.service(Sender)
    registry.add(field_configs, custom_fields, settings)
    registry.add(trap_configurations, trap_credentials, mibs, credentials)
    registry.service(TrapReceiver)
    registry.add(async_tasks, console)
    registry.add(intake)
    registry.permission("Logs", "log_intake", "Log intake", ("view", "add"))
    registry.add(grok_patterns, pipelines, lookup_tables)
    # The pipelines before the intake: they are there with the first line, and until the last is through.
    registry.service(LogPipelines, LogIntake)
    registry.permission("Configuration", "settings", "Settings", ("view", "edit"))
