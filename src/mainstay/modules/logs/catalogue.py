"""What logs serve and run."""

from __future__ import annotations

from mainstay.kernel.registry import Registry
from mainstay.modules.logs.agents.resource import agents
from mainstay.modules.logs.grok.resource import grok_patterns
from mainstay.modules.logs.intake import handover as _handover  # noqa: F401 - takes what collectors received
from mainstay.modules.logs.intake import items as _items  # noqa: F401 - tells whose address it is
from mainstay.modules.logs.intake.itemlogs import item_logs
from mainstay.modules.logs.intake.resource import intake
from mainstay.modules.logs.intake.service import LogIntake
from mainstay.modules.logs.integration import jobs as _integration_jobs  # noqa: F401 - declares the timer
from mainstay.modules.logs.integration.resource import integrations
from mainstay.modules.logs.pipeline.actions import lookup_tables, pipelines
from mainstay.modules.logs.pipeline.service import LogPipelines
from mainstay.modules.logs.rules import jobs as _rule_jobs  # noqa: F401 - declares the schedule
from mainstay.modules.logs.rules.resource import log_rules
from mainstay.modules.logs.search.resource import log_searches, logs
from mainstay.modules.logs.templates.resource import templates
from mainstay.modules.logs.templates.service import Templates


def register(registry: Registry) -> None:
    registry.add(log_searches, logs, templates, log_rules, integrations, pipelines, grok_patterns, lookup_tables)
    registry.add(agents, intake, item_logs)
    registry.permission("Logs", "log_intake", "Log intake", ("view", "add"))
    # The pipelines before the intake: they are there with the first line, and until the last is through.
    registry.service(Templates, LogPipelines, LogIntake)
