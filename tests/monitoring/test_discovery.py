"""Discovery against net-snmp's agents on loopback addresses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from mainstay.kernel import jobs
from mainstay.kernel.errors import Invalid
from mainstay.modules.monitoring.discovery import run, service
from mainstay.modules.monitoring.discovery.schedule import next_run
from mainstay.modules.monitoring.discovery.tables import Discovery
from mainstay.modules.monitoring.discovery.targets import MAX_ADDRESSES, plan
from mainstay.modules.monitoring.snmp import ber
from mainstay.modules.monitoring.snmp.message import GET, Pdu
from tests.monitoring.netsnmp import Agent, free_port
from tests.monitoring.scripted import honest, serving, system, text, whole
from tests.support import World

PATH = "/ux/ims/discovery/profile/"
ITEMS = "/ux/common/cmdb/profile/"
OWN = "ifTable,ifXTable,ipAddressTable,ipAddrTable,ip,interface,hw_mem,hrh_storage,hr_swinst,hr_swrun"
"""What several agents on one machine would have in common: left out, so that they are devices of their own."""


class Estate:
    """Two devices of their own, and one that answers on two addresses."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.agents = []
        for number, (name, oid, descr) in enumerate((
            ("core-1.example.net", "1.3.6.1.4.1.9.1.1208",
             "Cisco IOS Software, C2960S Software (C2960S-UNIVERSALK9-M), Version 12.2(55)SE7, RELEASE SOFTWARE"),
            ("fw-1.example.net", "1.3.6.1.4.1.9.1.745", "Cisco Adaptive Security Appliance Version 9.1(7)"),
        )):  # fmt: skip
            place = folder / name
            place.mkdir()
            lines = [f"sysname {name}", f"sysobjectid .{oid}", f"sysdescr {descr}", f"engineID {name}", "sysservices 6"]
            self.agents.append(Agent(place, f"127.0.0.{20 + number}", self.port, lines, without=OWN))
        place = folder / "server"
        place.mkdir()
        lines = ["sysname server-1", "sysdescr Linux server-1 5.10.0-21-amd64 #1 SMP Debian x86_64", "engineID server"]
        server = Agent(place, "127.0.0.30", self.port, lines, without="hr_swrun,hr_swinst")
        server.more = ["127.0.0.31"]
        self.agents.append(server)

    def start(self) -> None:
        for agent in self.agents:
            agent.start()

    def stop(self) -> None:
        for agent in self.agents:
            agent.stop()


@pytest.fixture(scope="module")
def estate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Estate]:
    made = Estate(tmp_path_factory.mktemp("estate"))
    made.start()
    yield made
    made.stop()


async def credential(world: World, port: int, **values: Any) -> str:
    given = {"name": f"Public {port}", "community": "public", "port": port, "timeout": 0.5, "retries": 1, **values}
    made: str = (await world.post("/api/credentials/", given, expect=201))["id"]
    return made


async def configure(world: World, **values: Any) -> str:
    made = await world.post(PATH, {"label": "Loopback", "host": "127.0.0.20-127.0.0.33", **values}, expect=201)
    return str(made["id"])


async def scan(world: World, discovery: str, **values: Any) -> str:
    begun = await world.post(f"{PATH}do-rescan/", {"id": discovery, **values})
    job = await jobs.wait(begun["job_iteration_id"], 90)
    assert job.state == "succeeded", job.error
    return str(begun["job_iteration_id"])


async def results(world: World, **query: Any) -> dict[str, dict[str, Any]]:
    listed = await world.get(f"{PATH}audit/", params={"items_per_page": 500, **query})
    return {row["address"]: row for row in listed["results"]}


@pytest.mark.proves(
    f"POST {PATH}", f"POST {PATH}do-rescan/", f"GET {PATH}audit/", f"GET {PATH}details/", f"GET {PATH}iteration-list/"
)
async def test_from_addresses_to_items_of_the_cmdb(world: World, estate: Estate) -> None:
    used = await credential(world, estate.port)
    one = await configure(world, params={"exclude_ip_address": ["127.0.0.33"]}, credentials=[used], protocol=["SNMP"])
    done = await scan(world, one)
    found = await results(world, id=one)
    assert {address: row["result"] for address, row in found.items() if row["result"] not in ("no_snmp",)} == {
        "127.0.0.20": "added", "127.0.0.21": "added", "127.0.0.30": "added", "127.0.0.31": "duplicate",
        "127.0.0.33": "excluded",
    }  # fmt: skip
    assert "127.0.0.30 already" in found["127.0.0.31"]["reason"]
    assert found["127.0.0.25"]["result"] == "no_snmp"
    assert f"Public {estate.port}: no answer" in found["127.0.0.25"]["reason"]
    items = {row["name"]: row for row in (await world.get(ITEMS))["results"]}
    assert set(items) == {"core-1", "fw-1", "server-1"}
    core = await world.get(f"{ITEMS}{items['core-1']['id']}/")
    assert (core["manufacturer"], core["os_name"], core["os_version"], core["category_name"], core["source"]) == (
        "Cisco", "IOS", "12.2(55)SE7", "Switch", "discovery"
    )  # fmt: skip
    assert items["fw-1"]["category_name"] == "Firewall"
    server = items["server-1"]["id"]
    interfaces = (await world.get(f"{ITEMS}interface/", params={"ci_id": server}))["results"]
    assert "lo" in {row["name"] for row in interfaces}
    details = await world.get(f"{PATH}details/", params={"id": one})
    assert (details["addresses"], details["results"]["added"], details["iteration"]["state"]) == (14, 3, "succeeded")
    (shown,) = (await world.get(f"{PATH}iteration-list/", params={"id": one}))["results"]
    assert (shown["job_iteration_id"], shown["total"], shown["done"], shown["counts"]["added"]) == (done, 14, 14, 3)
    task = await world.get(f"/ux/common/async_tasks/{done}/")
    assert (task["status"], task["total"], task["done"], task["created"]) == ("succeeded", 14, 14, 3)
    # A second look finds the same, and adds nothing.
    await scan(world, one)
    again = await results(world, id=one)
    assert again["127.0.0.20"]["result"] == "unchanged"
    assert (await world.get(ITEMS))["count"] == 3
    assert (await world.get(f"{PATH}{one}/"))["last_scan_result"]["state"] == "succeeded"


@pytest.mark.proves(f"POST {PATH}do-rescan/")
async def test_neighbours_become_relations_once(world: World) -> None:
    port, lldp = free_port(), (1, 0, 8802, 1, 1, 2, 1)
    macs = {"a": b"\x00\x1b\x54\x00\x00\x0a", "b": b"\x00\x1b\x54\x00\x00\x0b"}
    interface = (1, 3, 6, 1, 2, 1, 2, 2, 1)

    def device(me: str, other: str) -> dict[Any, Any]:
        return {
            **system(f"sw-{me}"), (*interface, 2, 1): text("Gi0/1"), (*interface, 3, 1): whole(6),
            (*interface, 6, 1): (ber.OCTET_STRING, macs[me]), (*interface, 5, 1): (ber.GAUGE32, b"\x3b\x9a\xca\x00"),
            (*lldp, 3, 7, 1, 2, 1): whole(5), (*lldp, 3, 7, 1, 3, 1): text("Gi0/1"),
            (*lldp, 3, 7, 1, 4, 1): text(f"port {me}"),
            (*lldp, 4, 1, 1, 4, 0, 1, 1): whole(4), (*lldp, 4, 1, 1, 5, 0, 1, 1): (ber.OCTET_STRING, macs[other]),
            (*lldp, 4, 1, 1, 8, 0, 1, 1): text(f"port {other}"), (*lldp, 4, 1, 1, 9, 0, 1, 1): text(f"sw-{other}"),
        }  # fmt: skip

    await credential(world, port)
    one = await configure(world, host="127.0.0.40, 127.0.0.41")
    async with (
        serving("127.0.0.40", port, honest(device("a", "b"))),
        serving("127.0.0.41", port, honest(device("b", "a"))),
    ):
        await scan(world, one)
        await scan(world, one)
    found = await results(world, id=one)
    assert found["127.0.0.40"]["neighbours"][0]["chassis"] == "00:1b:54:00:00:0b"
    listed = (await world.get("/ux/common/cmdb/relation/"))["results"]
    linked = [row for row in listed if row["origin"] == "discovery"]
    assert len(linked) == 1
    assert {linked[0]["source_port"], linked[0]["target_port"]} == {"Gi0/1"}


async def test_agents_that_lie_end_in_a_clear_state(world: World) -> None:
    port, interface, calm = free_port(), (1, 3, 6, 1, 2, 1, 2, 2, 1, 2), system("liar")
    good = honest(calm)

    def circles(pdu: Pdu) -> list[Any] | None:
        return good(pdu) if pdu.kind == GET else [(ber.oid_bytes((*interface, 7)), *text("again"))] * 3

    def endless(pdu: Pdu) -> list[Any] | None:
        if pdu.kind == GET:
            return good(pdu)
        name = ber.oid_of(pdu.varbinds[0][0])
        return [(ber.oid_bytes((*name, n)), *text("x" * 60)) for n in range(1, 3)] if len(name) < 100 else [
            (ber.oid_bytes((*name[:99], name[99] + 1 + n)), *text("y" * 900)) for n in range(2)]  # fmt: skip

    def wrong(pdu: Pdu) -> list[Any] | None:
        if pdu.kind != GET:
            name = ber.oid_of(pdu.varbinds[0][0])
            return [(ber.oid_bytes((*name, 1)), ber.COUNTER64, b"\xff" * 9)]
        return [(item[0], ber.INTEGER, b"") for item in pdu.varbinds]

    def stalls(pdu: Pdu) -> list[Any] | None:
        return good(pdu) if pdu.kind == GET else None

    def nothing(pdu: Pdu) -> list[Any] | None:
        return []

    await credential(world, port, timeout=0.2, retries=0)
    one = await configure(world, host="127.0.0.50-127.0.0.55", params={"device_seconds": 5})
    agents = (circles, endless, wrong, stalls, nothing)
    async with AsyncExitStack() as stack:
        for number, agent in enumerate(agents):
            await stack.enter_async_context(serving(f"127.0.0.{50 + number}", port, agent))
        await scan(world, one)
    found = await results(world, id=one)
    assert len(found) == 6
    assert {row["result"] for row in found.values()} <= {"added", "duplicate", "no_snmp", "unchanged"}
    assert any("circles" in problem for problem in found["127.0.0.50"]["problems"])
    assert any("beyond" in problem or "seconds" in problem for problem in found["127.0.0.51"]["problems"])
    assert any("stopped answering" in problem for problem in found["127.0.0.53"]["problems"])


async def test_a_dry_run_changes_nothing_and_approval_waits(world: World) -> None:
    port = free_port()
    await credential(world, port)
    one = await configure(world, host="127.0.0.60-127.0.0.61", approval_required=True)
    async with (
        serving("127.0.0.60", port, honest(system("new-1"))),
        serving("127.0.0.61", port, honest(system("new-2"))),
    ):
        dry = await scan(world, one, dry_run=True)
        found = await results(world, job_iteration_id=dry)
        assert {(row["result"], row["reason"], row["name"]) for row in found.values()} == {
            ("dry_run", "It would be added.", "new-1"), ("dry_run", "It would be added.", "new-2"),
        }  # fmt: skip
        assert (await world.get(ITEMS))["count"] == 0
        done = await scan(world, one)
        assert [row["result"] for row in (await results(world, id=one)).values()] == ["awaiting"] * 2
        assert (await world.get(ITEMS))["count"] == 0
    stray = {"job_iteration_id": done, "addresses": ["127.0.0.61", "127.0.0.62"]}
    refused = await world.post(f"{PATH}approve/", stray, expect=400)
    assert refused["fields"] == {"addresses": ["127.0.0.62 does not wait for approval in this run."]}
    operator = await world.granted({"discovery": ("view", "execute")})
    await world.post(f"{PATH}approve/", {"job_iteration_id": done}, by=operator, expect=403)
    told = await world.post(f"{PATH}approve/", {"job_iteration_id": done, "addresses": ["127.0.0.61"]})
    assert [(one["address"], one["result"]) for one in told["results"]] == [("127.0.0.61", "added")]
    assert [row["name"] for row in (await world.get(ITEMS))["results"]] == ["new-2"]
    assert (await world.post(f"{PATH}approve/", {"job_iteration_id": done}))["approved"] == 1
    assert (await world.get(ITEMS))["count"] == 2
    assert (await results(world, id=one))["127.0.0.60"]["reason"].startswith("Approved by")


async def test_only_allowed_networks_are_asked(world: World) -> None:
    port = free_port()
    await credential(world, port)
    await world.put("/api/settings", {"values": {"devices.allowed_networks": "127.0.0.71"}})
    one = await configure(world, host="127.0.0.70-127.0.0.71")
    async with (
        serving("127.0.0.70", port, honest(system("a"))) as forbidden,
        serving("127.0.0.71", port, honest(system("b"))) as allowed,
    ):
        await scan(world, one)
        assert forbidden.asked == 0
        assert allowed.asked > 0
    found = await results(world, id=one)
    assert {address: row["result"] for address, row in found.items()} == {
        "127.0.0.70": "not_allowed", "127.0.0.71": "added"
    }  # fmt: skip
    assert "settings" in found["127.0.0.70"]["reason"]


async def test_a_device_that_answers_only_echo_is_told_or_added(world: World) -> None:
    one = await configure(world, host="127.0.0.75", protocol=["snmp"])
    await scan(world, one)
    assert (await results(world, id=one))["127.0.0.75"]["result"] == "no_credential"
    await world.patch(f"{PATH}{one}/", {"protocol": ["icmp"]})
    await scan(world, one)
    found = (await results(world, id=one))["127.0.0.75"]
    assert found["result"] == "added"
    assert found["rtt_ms"] is not None
    assert [row["ip_address"] for row in (await world.get(ITEMS))["results"]] == ["127.0.0.75"]


@pytest.mark.proves(
    f"GET {PATH}", f"GET {PATH}{{id}}/", f"PUT {PATH}{{id}}/", f"DELETE {PATH}{{id}}/", f"POST {PATH}multidelete/",
    f"GET {PATH}options/", f"POST {PATH}get-custom-scanner-fields/", f"GET {PATH}download_csv/",
    f"POST {PATH}validate_csv/",
)  # fmt: skip
async def test_configurations_are_kept_and_checked(world: World, stranger: World) -> None:
    one = await configure(world, host="10.1.0.0/24", schedule={"period": "daily", "hour": "2", "min": "30"})
    read = await world.get(f"{PATH}{one}/")
    assert (read["label"], read["job_id"], read["next_run"][11:16]) == ("Loopback", one, "02:30")
    await world.put(f"{PATH}{one}/", {**read, "label": "Branch", "schedule": {}})
    (row,) = (await world.get(PATH))["results"]
    assert (row["label"], row["next_run"]) == ("Branch", None)
    for wrong, field in (
        ({"host": ""}, "host"), ({"host": "10.0.0.0/8"}, "host"), ({"host": "10.0.0.9-10.0.0.1"}, "host"),
        ({"host": "10.0.0.1", "params": {"rate": 0}}, "params"), ({"host": "10.0.0.1", "params": {"x": 1}}, "params"),
        ({"host": "10.0.0.1", "params": {"exclude_ip_address": ["x"]}}, "params"),
        ({"host": "10.0.0.1", "schedule": {"period": "hourly"}}, "schedule"),
        ({"host": "10.0.0.1", "schedule": {"period": "once", "at": "2020-01-01T08:00:00Z"}}, "schedule"),
        ({"host": "10.0.0.1", "protocol": ["telnet"]}, "protocol"),
        ({"host": "10.0.0.1", "credentials": ["nobody"]}, "credentials"),
    ):  # fmt: skip
        refused = await world.post(PATH, {"label": "Wrong", **wrong}, expect=400)
        assert list(refused["fields"]) == [field], refused
    options = await world.get(f"{PATH}options/")
    assert "filter_by_ping" in [item["name"] for item in options["extra"]["params"]]
    fields = await world.post(f"{PATH}get-custom-scanner-fields/", {"protocol": ["ICMP"]})
    assert {"rate", "filter_by_ping"} <= {item["name"] for item in fields["fields"]}
    assert "software" not in {item["name"] for item in fields["fields"]}
    await world.post(f"{PATH}get-custom-scanner-fields/", {"protocol": ["telnet"]}, expect=400)
    template = await world.get(f"{PATH}download_csv/")
    assert "Addresses" in template.splitlines()[0]
    checked = await world.post(
        f"{PATH}validate_csv/", content="Name,Addresses\nBranch 2,10.2.0.0/24\nBranch 3,nowhere\n",
        headers={"Content-Type": "text/csv"},
    )  # fmt: skip
    assert (checked["valid"], checked["invalid"]) == (1, 1)
    assert (await world.get(PATH))["count"] == 1
    assert (await stranger.get(PATH))["count"] == 0
    await stranger.get(f"{PATH}details/", params={"id": one}, expect=404)
    await stranger.post(f"{PATH}do-rescan/", {"id": one}, expect=404)
    two = await configure(world, label="Two", host="10.3.0.1")
    assert (await world.post(f"{PATH}multidelete/", {"ids": [two]}))["deleted"] == 1
    await world.delete(f"{PATH}{one}/", expect=204)
    assert (await world.get(PATH))["count"] == 0


async def test_a_discovery_runs_when_its_time_has_come(world: World) -> None:
    one = await configure(world, host="127.0.0.80", schedule={"period": "every", "min": "10", "unit": "minutes"})
    async with world.platform.work(world.organization) as ctx:
        past = update(Discovery).where(Discovery.id == one).values(next_run=datetime.now(UTC) - timedelta(seconds=5))
        await ctx.session.execute(past.execution_options(synchronize_session=False))
    assert await service.run_due(world.platform) == 1
    assert await service.run_due(world.platform) == 0
    (shown,) = (await world.get(f"{PATH}iteration-list/", params={"id": one}))["results"]
    assert shown["trigger"] == "schedule"
    await jobs.wait(shown["job_iteration_id"], 30)
    assert datetime.fromisoformat((await world.get(f"{PATH}{one}/"))["next_run"]) > datetime.now(UTC)


async def test_a_batch_that_was_stored_is_not_asked_again(world: World) -> None:
    """What a crash between a batch and the engine's note of it comes to."""
    port = free_port()
    await credential(world, port)
    one = await configure(world, host="127.0.0.85-127.0.0.86")
    async with serving("127.0.0.85", port, honest(system("once"))) as served:
        done = await scan(world, one)
        asked = served.asked
        assert await run._batch(world.platform, world.organization, done, 0) == 0
        assert served.asked == asked
    assert (await world.get(ITEMS))["count"] == 1
    assert len(await results(world, job_iteration_id=done)) == 2


def test_addresses_of_a_discovery() -> None:
    made = plan("192.0.2.0/30, 192.0.2.2-192.0.2.5\n192.0.2.9", ["192.0.2.9", "2001:db8::1"])
    assert [str(one) for one in made.slice(0, 100)] == [
        "192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4", "192.0.2.5", "192.0.2.9", "2001:db8::1"
    ]  # fmt: skip
    short = plan("192.0.2.254-255, 192.0.2.10 - 11", [])
    assert [str(one) for one in short.slice(0, 9)] == ["192.0.2.10", "192.0.2.11", "192.0.2.254", "192.0.2.255"]
    assert [str(one) for one in made.slice(4, 2)] == ["192.0.2.5", "192.0.2.9"]
    assert len(plan("10.0.0.0/16", [])) == MAX_ADDRESSES - 2
    for wrong in ("10.0.0.0/15", "2001:db8::/64", " , ", "192.0.2.10-9", "192.0.2.10-300", "2001:db8::1-9"):
        with pytest.raises(Invalid):
            plan(wrong, [])


def test_schedules() -> None:
    now = datetime(2026, 1, 30, 12, 0, tzinfo=UTC)  # a Friday
    for schedule, expected in (
        ({}, None),
        ({"period": "daily", "hour": 11}, "2026-01-31T11:00"),
        ({"period": "daily", "hour": "13", "min": "5"}, "2026-01-30T13:05"),
        ({"period": "weekly", "days": "mon,wed", "hour": 1}, "2026-02-02T01:00"),
        ({"period": "monthly", "days": "31"}, "2026-01-31T00:00"),
        ({"period": "every", "hour": 2, "unit": "hours"}, "2026-01-30T14:00"),
        ({"period": "once", "at": "2026-02-01T08:00:00Z"}, "2026-02-01T08:00"),
        ({"period": "once", "at": "2026-01-01T08:00:00Z"}, None),
    ):
        found = next_run(schedule, now)
        assert (found.strftime("%Y-%m-%dT%H:%M") if found else None) == expected, schedule


async def test_a_cancelled_run_says_when_it_ended_and_what_it_found(world: World) -> None:
    await credential(world, free_port(), timeout=0.1, retries=0)
    slow = await configure(world, host="127.0.0.40-127.0.0.60", params={"rate": 1, "filter_by_ping": 0})
    begun = await world.post(f"{PATH}do-rescan/", {"id": slow})
    await world.post(f"/ux/common/async_tasks/{begun['job_iteration_id']}/cancel/")
    shown = (await world.get(f"{PATH}details/", params={"id": slow}))["iteration"]
    assert (shown["state"], shown["finished_at"] is None, shown["seconds"] is None) == ("cancelled", False, False)
    found = await results(world, job_iteration_id=begun["job_iteration_id"])
    assert sum(shown["counts"].values()) <= len(found) < 21
    # It holds up no other.
    again = await world.post(f"{PATH}do-rescan/", {"id": slow})
    await world.post(f"/ux/common/async_tasks/{again['job_iteration_id']}/cancel/")
