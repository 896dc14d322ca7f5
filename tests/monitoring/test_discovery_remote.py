"""A discovery that a collector does at its site: ordered, asked there, brought back, judged here."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import func, select

from mainstay.collector.scanning import Scanning
from mainstay.collector.spool import Spool
from mainstay.kernel import jobs
from mainstay.kernel.handover import record
from mainstay.modules.monitoring.collectors import service
from mainstay.modules.monitoring.collectors.tables import OFFLINE
from mainstay.modules.monitoring.collectors.wire import Work
from mainstay.modules.monitoring.discovery import asking, remote
from mainstay.modules.monitoring.discovery.asking import Envelope, Heard
from mainstay.modules.monitoring.discovery.reading import Answers
from mainstay.modules.monitoring.discovery.tables import Brought, Order
from tests.monitoring.devices import PASSWORD, USER, Device
from tests.monitoring.netsnmp import free_port
from tests.monitoring.scripted import honest, serving
from tests.monitoring.test_collectors import LINK, Remote, add
from tests.monitoring.test_discovery import ITEMS, PATH, credential, results
from tests.monitoring.test_discovery_seeds import device
from tests.support import World


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "PAUSE", 0.02)


class Site:
    """A collector's discovery, its exchanges with the server made by hand."""

    def __init__(self, far: Remote, folder: Path) -> None:
        self.far, self.spool, self.sent = far, Spool(folder, 2**22), 0
        self.spool.open()
        self.brought = asyncio.Event()
        loop = asyncio.get_running_loop()
        self.scanning = Scanning(self.spool, lambda: loop.call_soon_threadsafe(self.brought.set))

    async def touch(self) -> Work:
        work = msgspec.json.decode((await self.far.send("GET", "configuration/")).content, type=Work)
        await self.scanning.take_over(work)
        return work

    async def until_done(self, job: str) -> None:
        """Go on as a collector does until the run has ended."""
        async with asyncio.timeout(60):
            while not (await jobs.status(job)).finished:
                await self.touch()
                await self.hand_over()
                await asyncio.sleep(0.02)

    async def hand_over(self) -> None:
        while (number := self.spool.next()) is not None:
            sent = await self.far.batch(number, self.spool.read(number), spool=self.spool.id, first=self.spool.first)
            assert sent.status_code == 200, sent.text
            self.spool.done(number)

    async def close(self) -> None:
        await self.scanning.stop()
        self.spool.close()


async def there(world: World, name: str = "Lyon", networks: str = "") -> Remote:
    """A collector that has connected."""
    far = await add(world, name, networks)
    assert (await far.send("POST", "report/", json={})).status_code == 200
    return far


async def begin(world: World, **values: Any) -> tuple[str, str]:
    made = await world.post(PATH, {"label": "There", "host": "", "agent_id": "lyon", **values}, expect=201)
    begun = await world.post(f"{PATH}do-rescan/", {"id": made["id"]})
    return made["id"], begun["job_iteration_id"]


async def left(world: World) -> int:
    async with world.platform.work(world.organization, write=False) as ctx:
        counts = [await ctx.session.scalar(select(func.count()).select_from(one)) for one in (Order, Brought)]
    return sum(number or 0 for number in counts)


@pytest.mark.proves(f"POST {PATH}", f"POST {PATH}do-rescan/", f"GET {LINK}configuration/", f"POST {LINK}batches/")
async def test_a_discovery_runs_at_the_site_of_its_collector(world: World, tmp_path: Path) -> None:
    snmp = free_port()
    await credential(world, snmp, timeout=0.5, retries=1, scope="127.0.6.0/24")
    await credential(world, free_port(), name="Not of the site", scope="10.0.0.0/8")
    far = await there(world, networks="127.0.6.0/24")
    site = Site(far, tmp_path)
    devices = {"127.0.6.1": device("far1", lldp=["127.0.6.2"]), "127.0.6.2": device("far2", lldp=["127.0.6.1"])}
    one, job = await begin(world, host="127.0.6.9, 127.0.7.1", seeds="127.0.6.1", seed_ranges="127.0.0.0/8")
    async with serving("127.0.6.1", snmp, honest(devices["127.0.6.1"])), serving(
        "127.0.6.2", snmp, honest(devices["127.0.6.2"])
    ):  # fmt: skip
        async with asyncio.timeout(30):
            while not (work := await site.touch()).scans:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        # Credentials of other networks stay here.
        assert [way[1] for way in work.scans[0].ways] == [f"Public {snmp}"]
        assert {access.port for access in work.credentials.values()} == {snmp}
        await site.until_done(job)
    assert (await jobs.status(job)).state == "succeeded"
    found = await results(world, id=one)
    assert {address: row["result"] for address, row in found.items()} == {
        "127.0.6.1": "added", "127.0.6.2": "added", "127.0.6.9": "no_snmp", "127.0.7.1": "not_allowed"
    }  # fmt: skip
    assert found["127.0.6.2"]["reason"].startswith("Found by LLDP on far1 port Gi0/1.")
    assert "networks of the collector" in found["127.0.7.1"]["reason"]
    assert found["127.0.6.1"]["rtt_ms"] is not None
    assert {row["name"] for row in (await world.get(ITEMS))["results"]} == {"far1", "far2"}
    assert await left(world) == 0
    assert (await site.touch()).scans == []
    assert not site.scanning.busy
    await site.close()


async def test_a_collector_logs_in_at_its_site(world: World, tmp_path: Path) -> None:
    port, machine = free_port(), Device({"hostname": "far-web", "uname": "Linux 6.1.0 x86_64", "ip": "[]"})
    given = {"kind": "ssh", "username": USER, "password": PASSWORD, "port": port, "trust_new": True}
    here = await world.post("/api/credentials/", {**given, "name": "Here", "scope": "127.0.6.0/24"}, expect=201)
    await world.post("/api/credentials/", {**given, "name": "Elsewhere", "scope": "10.0.0.0/8"}, expect=201)
    far = await there(world, networks="127.0.6.0/24")
    site = Site(far, tmp_path)
    one, job = await begin(world, host="127.0.6.60", protocol=["ssh"], params={"ssh_port": port})
    async with machine.serving("127.0.6.60", port):
        async with asyncio.timeout(30):
            while not (work := await site.touch()).scans:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        assert list(work.logins) == [here["id"]]
        await site.until_done(job)
    (found,) = (await results(world, id=one)).values()
    assert (found["result"], found["name"], found["ssh"]["credential"]) == ("added", "far-web", here["id"])
    (known,) = (await world.get("/api/ssh-host-keys/"))["results"]
    assert (known["address"], known["fingerprint"]) == ("127.0.6.60", machine.key.get_fingerprint())
    await site.close()


async def test_what_was_not_ordered_is_not_taken(world: World, tmp_path: Path) -> None:
    far, other = await there(world, networks="127.0.6.0/24"), await there(world, "Nice", "127.0.8.0/24")
    one, job = await begin(world, host="127.0.6.20-127.0.6.21", protocol=["icmp"])
    async with asyncio.timeout(30):
        while not (scans := (await far.send("GET", "configuration/")).json()["scans"]):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    assert (await other.send("GET", "configuration/")).json()["scans"] == []
    scan = scans[0]["id"]

    def says(address: str, of: str = "", to: str = scan) -> bytes:
        heard = asking.encoded(Heard(address=of or address, rtt=1.5))
        return record(asking.KIND, msgspec.msgpack.encode(Envelope(scan=to, address=address, heard=heard)))

    # Somebody else's order, an address that is not in it, an order that is none.
    assert (await other.batch(1, says("127.0.6.20"))).status_code == 200
    assert (await far.batch(1, says("127.0.6.99"), says("127.0.6.20", to="nobody-0"))).status_code == 200
    for damaged in (says("127.0.6.20", of="127.0.6.21"), says("127.0.6.20", to="x"), record(asking.KIND, b"\xc1")):
        assert (await far.batch(2, damaged)).status_code == 400
    assert (await left(world)) == 1
    # One comes; it is not ordered again. It comes twice, and counts once.
    assert (await far.batch(2, says("127.0.6.20"))).status_code == 200
    assert (await far.send("GET", "configuration/")).json()["scans"][0]["addresses"] == ["127.0.6.21"]
    assert (await far.batch(3, says("127.0.6.20"), says("127.0.6.21"))).status_code == 200
    assert (await jobs.wait(job, 30)).state == "succeeded"
    assert {row["result"] for row in (await results(world, id=one)).values()} == {"added"}
    assert (await far.batch(4, says("127.0.6.21"))).status_code == 200
    assert await left(world) == 0


async def test_a_collector_that_brings_nothing_is_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "PATIENCE", timedelta(0))
    far = await there(world, networks="127.0.6.0/24")
    one, job = await begin(world, host="127.0.6.30")
    assert (await jobs.wait(job, 30)).state == "failed"
    (shown,) = (await world.get(f"{PATH}iteration-list/", params={"id": one}))["results"]
    assert shown["state"] == "failed"
    assert "did not bring an answer in time" in shown["error"]
    assert await left(world) == 0
    async with world.platform.work(world.organization) as ctx:
        await service.note(ctx, far.id, {"state": OFFLINE})
    refused = await world.post(f"{PATH}do-rescan/", {"id": one}, expect=409)
    assert "Lyon is offline" in refused["error"]
    assert list(refused["fields"]) == ["agent_id"]
    # One that has never connected is refused as well, rather than waited for.
    await add(world, "Nantes", "127.0.9.0/24")
    await world.patch(f"{PATH}{one}/", {"agent_id": "Nantes"})
    refused = await world.post(f"{PATH}do-rescan/", {"id": one}, expect=409)
    assert "Nantes has never connected" in refused["fields"]["agent_id"][0]
    assert len((await world.get(f"{PATH}iteration-list/", params={"id": one}))["results"]) == 1


async def test_what_is_missing_of_an_order_is_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    far = await there(world, networks="127.0.6.0/24")
    one, job = await begin(world, host="127.0.6.40-127.0.6.41", protocol=["icmp"])
    async with asyncio.timeout(30):
        while not (scans := (await far.send("GET", "configuration/")).json()["scans"]):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    made = Envelope(scan=scans[0]["id"], address="127.0.6.40", heard=asking.encoded(Heard("127.0.6.40", rtt=1.0)))
    assert (await far.batch(1, record(asking.KIND, msgspec.msgpack.encode(made)))).status_code == 200
    # Once the first has come, the second is not waited for.
    monkeypatch.setattr(remote, "PATIENCE", timedelta(0))
    assert (await jobs.wait(job, 30)).state == "succeeded"
    found = await results(world, id=one)
    assert [row["result"] for row in found.values()] == ["added", "not_asked"]
    assert "did not bring an answer" in found["127.0.6.41"]["reason"]


@pytest.mark.proves(f"POST {PATH}")
async def test_the_collector_is_checked(world: World, stranger: World) -> None:
    far = await there(world, networks="127.0.6.0/24")
    await add(world, "Without networks")
    for sender, wrong in ((world, "nobody"), (world, "Without networks"), (stranger, far.id)):
        refused = await sender.post(PATH, {"label": "W", "host": "127.0.6.1", "agent_id": wrong}, expect=400)
        assert list(refused["fields"]) == ["agent_id"]
    made = await world.post(PATH, {"label": "R", "host": "127.0.6.1", "agent_id": far.id}, expect=201)
    refused = await world.patch(f"{PATH}{made['id']}/", {"agent_id": "nobody"}, expect=400)
    assert list(refused["fields"]) == ["agent_id"]


async def test_a_device_with_numbers_that_are_none_does_not_hold_up_the_others() -> None:
    odd = Heard("127.0.6.1", answers=Answers(tables={"if": {(1, 2): {3: 2**70, 4: b"\xff"}}}), credential="c")
    again = asking.decoded(asking.encoded(odd))
    assert (again.answers, again.credential, again.told) == (None, "", ["it answered numbers that are none"])
    fine = Heard("127.0.6.1", answers=Answers(tables={"if": {(1, 2): {3: 2**63, 4: b"\xff"}}}, scalars={"x": "y"}))
    assert asking.decoded(asking.encoded(fine)) == fine
    # What would be too large for one record goes without its longest tables, and says so.
    tables = {"if": {(n,): {2: "x" * 20} for n in range(10)}, "running": {(n,): {2: "y" * 20} for n in range(100)}}
    large = asking.decoded(asking.encoded(Heard("127.0.6.1", answers=Answers(tables=tables)), 1000))
    assert large.answers is not None
    assert list(large.answers.tables) == ["if"]
    assert "running was left out" in large.answers.problems[0]
    with pytest.raises(ValueError, match="cannot be read"):
        asking.decoded(b"\x00")
