"""What integrations serve and run."""

from __future__ import annotations

from mainstay.kernel.registry import Registry
from mainstay.modules.integrations.messenger import matching as _matching  # noqa: F401 - follows the change feed
from mainstay.modules.integrations.messenger.channels import channels
from mainstay.modules.integrations.messenger.messages import notifications
from mainstay.modules.integrations.messenger.messenger import api_calls, beeps, sms, suppressed, syslogs
from mainstay.modules.integrations.messenger.preferences import mine
from mainstay.modules.integrations.messenger.sender import Sender
from mainstay.modules.integrations.messenger.subscriptions import subscriptions
from mainstay.modules.integrations.messenger.templates import templates


def register(registry: Registry) -> None:
    registry.add(subscriptions, channels, templates, notifications, api_calls, beeps, sms, syslogs, suppressed, mine)
    registry.service(Sender)
