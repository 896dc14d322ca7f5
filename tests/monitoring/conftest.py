"""Fixtures of the monitoring tests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
from sqlalchemy import select

from mainstay.kernel import store
from mainstay.kernel.platform import Platform
from mainstay.kernel.signals import RAW_EVENTS, RawEvent
from mainstay.modules.monitoring.polling.poller import Poller
from mainstay.modules.monitoring.traps.receiver import TrapReceiver
from mainstay.modules.monitoring.traps.tables import TrapConfiguration
from tests.monitoring.netsnmp import Agent
from tests.support import World


@pytest.fixture(scope="session")
def agent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Agent]:
    """A running SNMP agent."""
    made = Agent(tmp_path_factory.mktemp("snmpd"))
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="session")
async def traps(platform: Platform) -> AsyncIterator[TrapReceiver]:
    """The trap receiver, on a port of its own."""
    service = platform.service(TrapReceiver)
    assert service is not None
    # Tests count statements: it looks at its configuration when told to.
    await service.listen(0, limit=0, watch=False)
    yield service
    await service.stop()


@pytest.fixture
async def poller(world: World) -> AsyncIterator[Poller]:
    """The poller, which knows no device yet."""
    found = world.platform.service(Poller)
    assert found is not None
    yield found
    found.devices.clear()


@pytest.fixture
def raw_events() -> Iterator[list[RawEvent]]:
    """What is published for the event engine."""
    heard: list[RawEvent] = []

    async def hear(_platform: Platform, batch: list[RawEvent]) -> None:
        heard.extend(batch)

    RAW_EVENTS.subscribe(hear)
    yield heard
    RAW_EVENTS.unsubscribe(hear)


@pytest.fixture
async def own_rules_only(world: World) -> None:
    """The organization without the trap configurations that every one starts with."""
    async with world.platform.work(world.organization) as ctx:
        ids = list((await ctx.session.execute(select(TrapConfiguration.id))).scalars())
        await store.remove_many(ctx, TrapConfiguration, ids)
