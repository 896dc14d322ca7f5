"""How polls went is stored for many devices at once, and never lost by a failure."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from mainstay.modules.monitoring.polling.notes import Notes
from mainstay.modules.monitoring.polling.service import Binding, bind
from mainstay.modules.monitoring.polling.tables import Polled
from tests.support import World


def note(world: World, error: str) -> dict[str, Any]:
    return {"state": "up", "since": None, "last_run": world.platform.now(), "seconds": 0.5, "error": error,
            "breached": [["cpu", "", "shipped"]]}  # fmt: skip


async def stored(world: World) -> dict[str, str]:
    async with world.platform.work(world.organization, write=False) as ctx:
        return {row.ci: row.error for row in (await ctx.session.execute(select(Polled))).scalars()}


async def polled(world: World, *cis: str) -> None:
    async with world.platform.work(world.organization) as ctx:
        await bind(ctx, [Binding(ci, ci, "192.0.2.1", "", ping=True, snmp=False) for ci in cis])


async def test_the_newest_note_of_each_device_is_stored(world: World, stranger: World) -> None:
    for one in (world, stranger):
        await polled(one, "a", "b")
    notes = Notes(world.platform)
    notes.add(world.organization, "a", note(world, "first"))
    notes.add(world.organization, "a", note(world, "second"))
    notes.add(world.organization, "b", note(world, "other"))
    notes.add(stranger.organization, "b", note(world, "theirs"))
    await notes.write()
    assert await stored(world) == {"a": "second", "b": "other"}
    assert await stored(stranger) == {"a": "", "b": "theirs"}
    notes.add(world.organization, "a", note(world, "third"))
    await notes.close()
    assert (await stored(world))["a"] == "third"


async def test_a_note_that_cannot_be_stored_waits(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await polled(world, "a", "b")
    notes, work = Notes(world.platform), world.platform.work

    def broken(*_: Any, **__: Any) -> Any:
        raise OperationalError("UPDATE", {}, Exception("the server went away"))

    notes.add(world.organization, "a", note(world, "kept"))
    notes.add(world.organization, "b", note(world, "old"))
    monkeypatch.setattr(world.platform, "work", broken)
    with pytest.raises(OperationalError):
        await notes.write()
    # A newer one takes the place of one that waits.
    notes.add(world.organization, "b", note(world, "new"))
    monkeypatch.setattr(world.platform, "work", work)
    await notes.close()
    assert await stored(world) == {"a": "kept", "b": "new"}
