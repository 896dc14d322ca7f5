"""What an organization's events are handled by: its rules, its choices, its maintenance windows."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import select

from mainstay.kernel import options
from mainstay.kernel.context import Context
from mainstay.kernel.generation import CONFIGURATION, Generation
from mainstay.modules.monitoring.eventrules import service as eventrules
from mainstay.modules.monitoring.eventrules.service import Rulebook
from mainstay.modules.monitoring.events import settings
from mainstay.modules.monitoring.events.engine import Policy
from mainstay.modules.monitoring.maintenance import service as maintenance
from mainstay.modules.monitoring.maintenance.engine import Window

# A change of any of these raises the organization's generation, and the engine reads them again.
CONFIGURATION.update({"event_rule", "maintenance"})
KNOWN = 1000
"""Organizations whose setup is kept in memory."""


@dataclass(slots=True, kw_only=True)
class Setup:
    """All of it, as of one generation of the organization's configuration."""

    generation: int
    rules: Rulebook
    policy: Policy
    windows: list[Window] = field(default_factory=list)
    storm: int = 0
    auto_clear_hours: int = 0
    unknown_level: int = -1


class Setups:
    """The setups of this process."""

    def __init__(self) -> None:
        self._kept: dict[str, Setup] = {}

    async def of(self, ctx: Context) -> Setup:
        """The organization's setup; read again when its configuration changed."""
        number = int(await ctx.session.scalar(select(Generation.number)) or 0)
        known = self._kept.get(ctx.organization)
        if known is None or known.generation != number:
            if len(self._kept) > KNOWN:
                self._kept.clear()
            known = self._kept[ctx.organization] = await load(ctx, number)
        return known


async def load(ctx: Context, number: int) -> Setup:
    """Read it from the database."""
    reopen, turns, minutes, storm, hours, level = await options.get(
        ctx, settings.REOPEN, settings.FLAP_TURNS, settings.FLAP_MINUTES, settings.STORM, settings.AUTO_CLEAR,
        settings.UNKNOWN_LEVEL,
    )  # fmt: skip
    return Setup(
        generation=number,
        rules=await eventrules.rulebook(ctx),
        policy=Policy(reopen=timedelta(minutes=reopen), flap_turns=turns, flap_window=timedelta(minutes=minutes)),
        windows=await maintenance.windows(ctx),
        storm=storm,
        auto_clear_hours=hours,
        unknown_level=level,
    )
