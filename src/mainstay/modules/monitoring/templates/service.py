"""The rules in force in an organization: its own templates, then those that are shipped."""

from __future__ import annotations

from mainstay.kernel.context import Context
from mainstay.modules.monitoring.templates.engine import Library
from mainstay.modules.monitoring.templates.library import shipped


async def library(ctx: Context) -> Library:
    """What tells devices apart."""
    return shipped()
