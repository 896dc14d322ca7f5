"""Jobs: discoveries and polled devices as one list."""

from __future__ import annotations

import time
from datetime import datetime

import pytest

from mainstay.kernel import jobs
from mainstay.modules.monitoring.polling.poller import Poller
from tests.monitoring.netsnmp import free_port
from tests.monitoring.scripted import honest, serving, system
from tests.monitoring.test_discovery import PATH as DISCOVERIES
from tests.monitoring.test_discovery import configure, credential, scan
from tests.support import World

PATH = "/ux/ims/jobs/profile/"


@pytest.mark.proves(
    f"GET {PATH}", f"POST {PATH}", f"GET {PATH}{{id}}/", f"PUT {PATH}{{id}}/", f"DELETE {PATH}{{id}}/"
)  # fmt: skip
async def test_jobs_are_seen_paused_resumed_and_run(world: World, stranger: World) -> None:
    port = free_port()
    await credential(world, port, timeout=0.3, retries=0)
    one = await configure(world, host="127.0.0.110", schedule={"period": "daily"}, params={"ping_monitor": 0})
    poller = world.platform.service(Poller)
    assert poller is not None
    async with serving("127.0.0.110", port, honest(system("jobbed"))):
        await scan(world, one)
        await poller.refresh()
        (device,) = [each for each in poller.devices.values() if each.organization == world.organization]
        await poller.poll(device)
        await poller.drain()
    listed = (await world.get(PATH))["results"]
    assert [(row["object_type"], row["name"], row["status"], row["state"]) for row in listed] == [
        ("discovery", "Loopback", 1, "succeeded"), ("polling", "jobbed", 1, "up"),
    ]  # fmt: skip
    assert all(row["last_run"] and row["next_run"] and row["seconds"] is not None for row in listed)
    configured = await world.get(f"{DISCOVERIES}{one}/")
    assert [(row["user_id"], row["mtime"]) for row in listed] == [
        (configured["created_by"], int(datetime.fromisoformat(listed[0]["last_update_time"]).timestamp())),
        (0, int(datetime.fromisoformat(listed[1]["last_update_time"]).timestamp())),
    ]  # fmt: skip
    assert (configured["created_by"] > 0, configured["customer_id"], configured["is_csv_upload"]) == (
        True, configured["organization"], 0
    )  # fmt: skip
    listing = await configure(world, label="Listed", host="", csv_data=["127.0.0.111"])
    assert (await world.get(f"{DISCOVERIES}{listing}/"))["is_csv_upload"] == 1
    await world.delete(f"{DISCOVERIES}{listing}/", expect=204)
    assert [row["name"] for row in (await world.get(PATH, params={"search": "job"}))["results"]] == ["jobbed"]
    assert (await world.get(PATH, params={"object_type": "polling"}))["count"] == 1
    assert (await stranger.get(PATH))["count"] == 0
    await stranger.get(f"{PATH}{one}/", expect=404)
    # Paused: it has no next run, and the poller lets it be.
    paused = await world.put(f"{PATH}{device.ci}/", {"action": "pause"})
    assert (paused["status"], paused["next_run"]) == (0, None)
    await poller.refresh()
    assert (world.organization, device.ci) not in poller.devices
    assert (await world.get(PATH, params={"status": 0}))["count"] == 1
    resumed = await world.put(f"{PATH}{device.ci}/", {**paused, "status": 1, "interval": 300})
    assert (resumed["status"], resumed["interval"]) == (1, 300)
    await poller.refresh()
    assert poller.devices[world.organization, device.ci].due > time.monotonic()
    asked = await world.post(PATH, {"object_type": "polling", "object_id": device.ci, "action": "run"}, expect=201)
    assert asked["object_id"] == device.ci
    await poller.refresh()
    assert poller.devices[world.organization, device.ci].due <= time.monotonic()
    # The same for the discovery.
    assert (await world.put(f"{PATH}{one}/", {"action": "pause"}))["next_run"] is None
    assert (await world.get(f"{DISCOVERIES}{one}/"))["is_enabled"] is False
    assert (await world.put(f"{PATH}{one}/", {"action": "resume"}))["next_run"] is not None
    refused = await world.put(f"{PATH}{one}/", {"interval": 300}, expect=400)
    assert list(refused["fields"]) == ["interval"]
    await world.post(PATH, {"object_id": one, "action": "run"}, expect=201)
    runs = (await world.get(f"{DISCOVERIES}iteration-list/", params={"id": one}))["results"]
    assert len(runs) == 2
    await jobs.wait(runs[0]["job_iteration_id"], 30)
    for wrong, field in (({"object_id": ""}, "object_id"), ({"object_id": one, "action": "stop"}, "action"),
                         ({"object_id": one, "object_type": "polling"}, "object_type"),
                         ({"object_id": device.ci, "interval": 1}, "interval")):  # fmt: skip
        assert list((await world.post(PATH, wrong, expect=400))["fields"]) == [field]
    watcher = await world.granted({"jobs": ("view", "edit", "execute")})
    await world.post(PATH, {"object_id": one, "action": "run"}, by=watcher, expect=403)
    await world.delete(f"{PATH}{device.ci}/", expect=204)
    await world.get(f"{PATH}{device.ci}/", expect=404)
    await world.delete(f"{PATH}{one}/", expect=204)
    assert (await world.get(f"{DISCOVERIES}{one}/"))["schedule"] == {}
    poller.devices.clear()
