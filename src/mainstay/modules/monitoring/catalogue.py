"""What monitoring serves and runs."""

from __future__ import annotations

from mainstay.kernel.registry import Registry
from mainstay.modules.assets.relations.service import parents
from mainstay.modules.monitoring.collectors import polls as _polls  # noqa: F401 - takes what collectors polled
from mainstay.modules.monitoring.collectors.link import link
from mainstay.modules.monitoring.collectors.resource import collectors
from mainstay.modules.monitoring.collectors.work import CollectorWatch
from mainstay.modules.monitoring.commands.actions import commands, host_keys
from mainstay.modules.monitoring.commands.resource import ssh_accesses
from mainstay.modules.monitoring.credentials import trying as _trying  # noqa: F401 - adds asking with a credential
from mainstay.modules.monitoring.credentials.resource import credentials
from mainstay.modules.monitoring.discovery import coverage as _coverage  # noqa: F401 - adds who looks at an item
from mainstay.modules.monitoring.discovery import identifying as _identifying  # noqa: F401 - adds trying templates
from mainstay.modules.monitoring.discovery.cards import cards
from mainstay.modules.monitoring.discovery.resource import discoveries
from mainstay.modules.monitoring.eventrules.resource import event_rules
from mainstay.modules.monitoring.eventrules.service import prepare as prepare_rules
from mainstay.modules.monitoring.events import noise as _noise  # noqa: F401 - adds what could be suppressed
from mainstay.modules.monitoring.events import placing
from mainstay.modules.monitoring.events.actions import events
from mainstay.modules.monitoring.events.listener import EventEngine
from mainstay.modules.monitoring.jobs.actions import scheduled
from mainstay.modules.monitoring.maintenance.resource import maintenances
from mainstay.modules.monitoring.mibs import run as _run  # noqa: F401 - adds asking devices
from mainstay.modules.monitoring.mibs.resource import mibs
from mainstay.modules.monitoring.polling import asked as _asked  # noqa: F401 - adds asking devices at once
from mainstay.modules.monitoring.polling import configured as _configured  # noqa: F401 - adds how items are monitored
from mainstay.modules.monitoring.polling import controllers as _controllers  # noqa: F401 - adds wireless controllers
from mainstay.modules.monitoring.polling import fetching as _fetching  # noqa: F401 - adds polling at once
from mainstay.modules.monitoring.polling import switching as _switching  # noqa: F401 - adds switching it on and off
from mainstay.modules.monitoring.polling.actions import measurements
from mainstay.modules.monitoring.polling.performance import performance
from mainstay.modules.monitoring.polling.poller import Poller
from mainstay.modules.monitoring.templates import icons as _icons  # noqa: F401 - adds icons
from mainstay.modules.monitoring.templates import measuring as _measuring  # noqa: F401 - adds statistics
from mainstay.modules.monitoring.templates.resource import device_templates
from mainstay.modules.monitoring.thresholds.resource import thresholds
from mainstay.modules.monitoring.topology.clients import clients
from mainstay.modules.monitoring.topology.resource import topology
from mainstay.modules.monitoring.traps import handover as _trap_handover  # noqa: F401 - takes what collectors received
from mainstay.modules.monitoring.traps.actions import trap_configurations
from mainstay.modules.monitoring.traps.credentials import trap_credentials
from mainstay.modules.monitoring.traps.receiver import TrapReceiver

# A device that cannot be reached because what it relies on is down is not one more alarm.
placing.parents_from(parents)


def register(registry: Registry) -> None:
    registry.add(events, event_rules, maintenances, trap_configurations, mibs, credentials, trap_credentials)
    registry.add(discoveries, measurements, performance, scheduled, device_templates, topology, thresholds)
    registry.add(collectors, link, cards, clients, ssh_accesses, host_keys, commands)
    registry.permission("IT Operations", "collector_link", "Collectors' own work", ("add",))
    registry.permission("IT Operations", "jobs", "Jobs", ("view", "add", "edit", "delete", "execute"))
    registry.prepare(prepare_rules)
    # The engine before what feeds it.
    registry.service(EventEngine, TrapReceiver, Poller, CollectorWatch)
