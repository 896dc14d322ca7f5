"""A process has one embedded telemetry store, so these tests run before those that start the application."""

from __future__ import annotations

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: "kernel/telemetry" not in item.nodeid)
