"""What happens to events: the states people put them in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mainstay.kernel.context import Context
from mainstay.modules.monitoring.events.tables import Event


def stamp_states(
    ctx: Context, values: dict[str, Any], states: Mapping[str, Any], *, before: Event | None = None
) -> None:
    """Add to ``values`` who acknowledged and when it was acknowledged or cleared, where that changes."""
    was_acknowledged = before.acknowledged if before else False
    was_cleared = before.cleared if before else False
    if bool(states.get("acknowledged")) != was_acknowledged:
        now_acknowledged = not was_acknowledged
        values["acknowledged_by"] = (ctx.principal.profile_id or None) if now_acknowledged else None
        values["acknowledged_at"] = ctx.now if now_acknowledged else None
    if bool(states.get("cleared")) != was_cleared:
        values["cleared_at"] = None if was_cleared else ctx.now
        values["clear_waits"] = False
