"""Reading stored lines in tests."""

from __future__ import annotations

from typing import Any

from tests.support import World


async def stored(world: World, text: str = "") -> list[dict[str, Any]]:
    """The organization's lines whose message has ``text``, in the order of receipt."""
    assert world.platform.telemetry is not None
    return await world.platform.telemetry.query(
        "SELECT * FROM log_lines WHERE organization = {organization:String} AND position(message, {text:String}) > 0 "
        "ORDER BY id",
        {"organization": world.organization, "text": text},
    )
