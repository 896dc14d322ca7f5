"""kill -9 in the middle of a discovery: it goes on where it was, and nothing is lost or doubled."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from tests.kernel.processes import Installation, once
from tests.monitoring.netsnmp import Agent

pytestmark = [pytest.mark.slow, once]
PATH = "/ux/ims/discovery/profile/"


def until(call: Any, seconds: float = 60) -> Any:
    end = time.monotonic() + seconds
    while not (found := call()):
        assert time.monotonic() < end
        time.sleep(0.1)
    return found


def test_kill_9_in_the_middle_of_a_discovery(tmp_path: Path) -> None:
    place = tmp_path / "agent"
    place.mkdir()
    agent = Agent(place, "127.0.1.70", 0, ["sysname survivor", "sysdescr Linux survivor 5.10 x86_64"])
    agent.start()
    try:
        with Installation(tmp_path / "data") as server:
            server.set_up()
            server.serve()
            given = {"name": "Public", "community": "public", "port": agent.port, "timeout": 0.2, "retries": 0}
            assert server.post("/api/credentials/", given).status_code == 201
            made = server.post(PATH, {"label": "All", "host": "127.0.1.0/24", "params": {"rate": 200}}).json()
            begun = server.post(f"{PATH}do-rescan/", {"id": made["id"]}).json()["job_iteration_id"]
            task = f"/ux/common/async_tasks/{begun}/"
            seen = until(lambda: server.get(task)["done"])
            assert seen < 254
            server.kill()
            server.serve()
            until(lambda: server.get(task)["status"] == "succeeded")
            rows = server.get(f"{PATH}audit/", params={"job_iteration_id": begun, "items_per_page": 500})["results"]
            assert len(rows) == 254
            assert len({row["address"] for row in rows}) == 254
            assert [row["address"] for row in rows if row["result"] == "added"] == ["127.0.1.70"]
            (item,) = server.get("/ux/common/cmdb/profile/")["results"]
            # The poller of the running server takes the device up without being asked.
            assert server.post("/ux/ims/jobs/profile/", {"object_id": item["id"], "action": "run"}).status_code == 201
            measured = {"ci_id": item["id"], "metric": "availability"}
            series = until(lambda: server.get("/api/metrics/", params=measured)["series"])
            assert series[0]["points"][0]["value"] == 1.0
    finally:
        agent.stop()
