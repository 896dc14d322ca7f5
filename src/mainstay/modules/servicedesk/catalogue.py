"""What the service desk serves and runs."""

from __future__ import annotations

from mainstay.kernel.registry import Registry
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
    registry.add(incidents, conversation, event_tickets, event_triggers)
    registry.service(TriggerClock)
