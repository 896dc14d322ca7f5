"""Lines that were stored by a process that died before its event engine saw them."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from sqlalchemy import select

from mainstay.kernel.database import ANY_ORGANIZATION
from mainstay.kernel.feed import FeedPosition
from mainstay.kernel.signals import process_number
from mainstay.modules.logs.intake.lines import TABLE, Numbers, complete, to_arrow
from mainstay.modules.monitoring.events.unseen import PREFIX, Unseen
from tests.kernel.processes import once
from tests.logs.test_log_intake_running import Intake
from tests.monitoring.support import DOWN, PATH, engine, lines, rows
from tests.support import World


async def test_what_a_dead_process_stored_beyond_its_mark_is_looked_at_once(world: World) -> None:
    platform = world.platform
    assert platform.telemetry is not None
    dead = (process_number(platform) + 1) % 1024
    ids = Numbers(dead).take(3)
    stored = lines(world, *(DOWN.format(n=n) for n in range(3)), host="core9", source="192.0.2.99").with_columns(
        pl.Series("id", ids)
    )
    await platform.telemetry.insert(TABLE, to_arrow(complete(stored)))
    unseen = Unseen(platform)
    taken: list[int] = []

    async def take(page: pl.DataFrame) -> None:
        taken.extend(page["id"].to_list())
        await engine(world).take_lines(page)

    # The first of the three was looked at before the end.
    async with platform.work(ANY_ORGANIZATION) as ctx:
        ctx.session.add(FeedPosition(name=f"{PREFIX}{dead}", transaction=0, seq=int(ids[0])))
    gone = {f"{PREFIX}{dead}": int(ids[0])}
    assert await unseen.catch_up(dict(gone), take) == 2
    assert taken == ids[1:].tolist()
    assert {row["message"] for row in await rows(world)} == {DOWN.format(n=n) for n in (1, 2)}
    async with platform.work(ANY_ORGANIZATION, write=False) as ctx:
        kept = await ctx.session.scalar(select(FeedPosition.seq).where(FeedPosition.name == f"{PREFIX}{dead}"))
    assert kept is None


async def test_an_error_while_catching_up_repeats_nothing_that_was_looked_at(world: World) -> None:
    unseen = Unseen(world.platform)
    name = f"{PREFIX}{(process_number(world.platform) + 2) % 1024}"
    gone = {name: 7 << 23}

    async def page(_name: str, after: int) -> pl.DataFrame | None:
        return pl.DataFrame({"id": [after + 1]}) if after < (7 << 23) + 3 else None

    unseen._page = page  # type: ignore[method-assign]
    seen: list[int] = []

    async def take(found: pl.DataFrame) -> None:
        if len(seen) == 1 and not failed:
            failed.append(1)
            raise RuntimeError("the database is away")
        seen.extend(found["id"].to_list())

    failed: list[int] = []
    with pytest.raises(RuntimeError):
        await unseen.catch_up(gone, take)
    assert await unseen.catch_up(gone, take) == 2
    assert seen == [(7 << 23) + at for at in (1, 2, 3)]
    assert not gone


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Intake]:
    with Intake(tmp_path / "data") as made:
        made.set_up()
        yield made


@once
def test_kill_9_between_the_store_and_the_event_engine_loses_no_event(home: Intake) -> None:
    home.serve()
    with socket.create_connection(("127.0.0.1", home.syslog)) as tcp:
        tcp.sendall(b"".join(
            b"<189>1 - sw%d app - - - " % n + DOWN.format(n=n % 40).encode() + b"\n" for n in range(2000)
        ))  # fmt: skip
        home.stored(1)
    home.kill()
    wanted = len(home.messages("message LIKE '%changed state to down'"))
    assert wanted
    home.serve()
    until = time.monotonic() + 30
    while (found := home.post(f"{PATH}list/", {"items_per_page": 1}).json()["count"]) < wanted:
        assert time.monotonic() < until, (found, wanted)
        time.sleep(0.1)
    assert found == wanted
