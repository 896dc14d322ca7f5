"""Fixtures of the monitoring tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.monitoring.netsnmp import Agent


@pytest.fixture(scope="session")
def agent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Agent]:
    """A running SNMP agent."""
    made = Agent(tmp_path_factory.mktemp("snmpd"))
    made.start()
    yield made
    made.stop()
