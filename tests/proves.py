"""Plugin: writes down which documented operations passing tests prove, for ``make conformance``.

A test says what it proves with ``@pytest.mark.proves("GET /path/", ...)``. The outcome is kept per test and
database in ``.conformance/<database>.json``, so that a run of some of the tests adds to what is known.
"""

from __future__ import annotations

import json
import os
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parents[1] / ".conformance"


def pytest_configure(config: pytest.Config) -> None:
    # Workers of a parallel run send their reports to the controller, which alone writes.
    if not hasattr(config, "workerinput"):
        some = bool(config.option.keyword or config.getoption("lf", False)) or any("::" in arg for arg in config.args)
        config.pluginmanager.register(Recorder(some=some), "mainstay-proves")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, None]:
    outcome = yield
    report = outcome.get_result()
    # An attribute of the report travels from a worker to the controller with it.
    report.proves = sorted({str(name) for mark in item.iter_markers("proves") for name in mark.args})


class Recorder:
    """Collects outcomes during a run and merges them into the file at its end."""

    def __init__(self, *, some: bool) -> None:
        self.some = some
        """Whether only some tests of a file may have been picked."""
        self.outcomes: dict[str, dict[str, Any]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        operations: list[str] = getattr(report, "proves", [])
        if not operations or (report.when != "call" and report.passed):
            return
        known = self.outcomes.setdefault(report.nodeid, {"operations": operations, "passed": True})
        if not report.passed:
            known["passed"] = False

    def pytest_sessionfinish(self) -> None:
        if not self.outcomes:
            return
        path = FOLDER / f"{os.environ.get('MAINSTAY_TEST_DATABASE', 'sqlite')}.json"
        kept: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
        if not self.some:
            # Whole files ran: what they had before and have no more is gone.
            ran = {test.split("::")[0] for test in self.outcomes}
            kept = {test: outcome for test, outcome in kept.items() if test.split("::")[0] not in ran}
        kept.update(self.outcomes)
        FOLDER.mkdir(exist_ok=True)
        path.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n")
