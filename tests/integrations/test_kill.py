"""kill -9 in the middle of delivery: every message arrives, in its target's order."""

from __future__ import annotations

import asyncio
import json
import sys
import textwrap
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import func, select

from mainstay.app import build_registry
from mainstay.kernel import database, options, store
from mainstay.kernel.access import bootstrap
from mainstay.kernel.outgoing import ALLOWED
from mainstay.kernel.platform import Platform
from mainstay.kernel.record import new_id
from mainstay.modules.integrations.messenger import outbox
from mainstay.modules.integrations.messenger.sender import Sender
from mainstay.modules.integrations.messenger.tables import SENT, Channel, Notification
from mainstay.settings import Settings
from tests.integrations.receivers import Receiver, Reply, receiving, until

TARGETS, EACH = 3, 30


@pytest.fixture
async def place(settings: Settings, tmp_path: Path) -> AsyncIterator[Platform]:
    """An installation on a folder and a database of its own, with nothing running."""
    url = settings.database_url
    if url:
        name = f"kill_{new_id()}"
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        url = url.replace("/postgres?", f"/{name}?")
        assert name in url
    own = replace(settings, data_dir=tmp_path, database_url=url)
    await asyncio.to_thread(database.migrate, own)
    made = Platform(own, build_registry())
    yield made
    await made.database.close()


async def fill(place: Platform, receiver: Receiver) -> str:
    """An organization with messages for several targets; its id."""
    async with place.work("*") as ctx:
        organization = await bootstrap.make_organization(ctx, f"kill{receiver.port}", "Kill")
    async with place.work(organization.id) as ctx:
        await options.put(ctx, {ALLOWED: "127.0.0.0/8"})
        channels = [
            await store.add(ctx, Channel(name=f"c{n}", kind="api", url=f"{receiver.url}/{n}")) for n in range(TARGETS)
        ]
        await outbox.put(ctx, [
            {"kind": "api", "channel": channel.id, "subject": str(number)}
            for number in range(EACH) for channel in channels
        ])  # fmt: skip
    return organization.id


async def left(place: Platform, organization: str) -> int:
    async with place.work(organization, write=False) as ctx:
        query = select(func.count()).select_from(Notification).where(Notification.status != SENT)
        return int(await ctx.session.scalar(query) or 0)


async def test_kill_9_while_messages_are_sent(place: Platform) -> None:
    program = textwrap.dedent(f"""
        import asyncio
        from datetime import timedelta
        from pathlib import Path
        from mainstay.app import build_registry
        from mainstay.kernel.platform import Platform
        from mainstay.modules.integrations.messenger.sender import Sender
        from mainstay.settings import Settings

        async def main():
            settings = Settings(data_dir=Path({str(place.settings.data_dir)!r}),
                                database_url={place.settings.database_url!r})
            await Sender(Platform(settings, build_registry()), poll=0.05, lease=timedelta(seconds=2)).run()

        asyncio.run(main())
    """)
    async with receiving() as receiver:
        receiver.usual = Reply(delay=0.02)
        organization = await fill(place, receiver)
        kills = 0
        while await left(place, organization):
            before = len(receiver.requests)
            child = await asyncio.create_subprocess_exec(sys.executable, "-c", program)
            try:
                async with asyncio.timeout(60):
                    while len(receiver.requests) < before + 12 or kills >= 2:
                        assert child.returncode is None, "the sender ended by itself"
                        if not await left(place, organization):
                            break
                        await asyncio.sleep(0.02)
            finally:
                with suppress(ProcessLookupError):
                    child.kill()
                await child.wait()
            kills += 1
    assert kills >= 3, "the kills came too late"
    seen: dict[str, list[int]] = {}
    for request in receiver.requests:
        seen.setdefault(request.path, []).append(int(json.loads(request.body)["subject"]))
    for numbers in seen.values():
        # At least once each; what is repeated is what was under way, and nothing overtakes.
        assert list(dict.fromkeys(numbers)) == list(range(EACH))
    assert TARGETS * EACH <= len(receiver.requests) <= TARGETS * EACH + TARGETS * kills


async def test_two_senders_share_the_work(place: Platform) -> None:
    async with receiving() as receiver:
        organization = await fill(place, receiver)
        other = Platform(place.settings, build_registry())
        tasks = [asyncio.create_task(Sender(one, poll=0.02, width=2).run()) for one in (place, other)]
        await until(lambda: len(receiver.requests) >= TARGETS * EACH, 30)

        async def done() -> bool:
            return not await left(place, organization)

        await until(done)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        await other.database.close()
    seen: dict[str, list[int]] = {}
    for request in receiver.requests:
        seen.setdefault(request.path, []).append(int(json.loads(request.body)["subject"]))
    assert seen == {f"/{n}": list(range(EACH)) for n in range(TARGETS)}
