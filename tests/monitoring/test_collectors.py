"""Collectors: their tokens, their work, what they hand over, and the spool on their disk."""

from __future__ import annotations

import asyncio
import gzip
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from sqlalchemy import update

from mainstay.collector.link import checked_url
from mainstay.collector.listening import confirmations
from mainstay.collector.polling import Polling
from mainstay.collector.sender import Pauses
from mainstay.collector.spool import Full, Spool
from mainstay.kernel.handover import Damaged, joined, packed, record, records, unpacked
from mainstay.kernel.intake.batch import Batch, one_source
from mainstay.modules.monitoring.collectors import work as watching
from mainstay.modules.monitoring.collectors.engine import GAP, NEXT, REPEATED, Site, site_of, verdict
from mainstay.modules.monitoring.collectors.tables import Collector, CollectorSpool
from mainstay.modules.monitoring.collectors.wire import Work
from mainstay.modules.monitoring.credentials.service import spans
from mainstay.modules.monitoring.polling.measured import encoded
from mainstay.modules.monitoring.polling.poller import Poller
from mainstay.modules.monitoring.snmp import ber, message
from mainstay.modules.monitoring.snmp.message import TRAP, V2C, Pdu
from mainstay.settings import SettingError, Settings
from tests.monitoring.netsnmp import free_port
from tests.monitoring.scripted import honest, serving, system
from tests.monitoring.support import rows
from tests.monitoring.test_discovery import configure, credential, scan
from tests.support import World

PATH = "/api/collectors/"
LINK = "/api/collector/"
LOGS = "/ux/logmanagement/log_search/log_search/logs/"
TRAPS = "/ux/common/trap/configuration/trap_msgs/"
SPOOL = "0123456789abcdef" * 2


class Remote:
    """What a collector does by hand."""

    def __init__(self, world: World, made: dict[str, Any]) -> None:
        self.world, self.id, self.token = world, str(made["id"]), str(made["token"])

    async def send(self, method: str, path: str, **options: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token}", **options.pop("headers", {})}
        return await self.world.send(method, LINK + path, headers=headers, **options)

    async def batch(
        self, sequence: int, *made: bytes, spool: str = SPOOL, first: int = 1, content: bytes | None = None
    ) -> httpx.Response:
        headers = {
            "Content-Type": "application/octet-stream", "Content-Encoding": "gzip", "X-Collector-Spool": spool,
            "X-Collector-Sequence": str(sequence), "X-Collector-First": str(first),
        }  # fmt: skip
        body = gzip.compress(b"".join(made)) if content is None else content
        return await self.send("POST", "batches/", content=body, headers=headers)


async def add(world: World, name: str = "Lyon", networks: str = "") -> Remote:
    return Remote(world, (await world.post(PATH, {"name": name, "networks": networks}, expect=201))["data"])


def syslog(*messages: str, address: str = "10.20.0.7") -> bytes:
    lines = [f"<34>1 - {address.replace('.', '-')} app - - - {text}".encode() for text in messages]
    return record("syslog", packed(one_source(lines, address)))


def trap(community: str, address: str = "10.20.0.9") -> bytes:
    pdu = Pdu(TRAP, 1, 0, 0, [
        (ber.oid_bytes((1, 3, 6, 1, 2, 1, 1, 3, 0)), ber.TIME_TICKS, b"\x01"),
        (ber.oid_bytes((1, 3, 6, 1, 6, 3, 1, 1, 4, 1, 0)), ber.OBJECT_IDENTIFIER,
         ber.oid_bytes((1, 3, 6, 1, 6, 3, 1, 1, 5, 3))),
    ])  # fmt: skip
    return record("trap", packed(one_source([message.encode(V2C, community.encode(), pdu)], address)))


async def stored(world: World, query: str = "") -> list[tuple[str, str]]:
    found = (await world.post(LOGS, {"query": query, "limit": 500}))["results"]
    return [(line["source"], line["message"]) for line in sorted(found, key=lambda line: int(line["id"]))]


@pytest.mark.proves(f"POST {PATH}{{id}}/new_token/", f"GET {LINK}configuration/", f"POST {LINK}report/")
async def test_a_token_is_shown_once_and_is_good_for_a_collectors_work_only(world: World, stranger: World) -> None:
    remote = await add(world)
    read = await world.get(f"{PATH}{remote.id}/")
    assert read["state"] == "new"
    assert remote.token.startswith(read["token_prefix"])
    assert remote.token not in str(read) + str(await world.get(f"{PATH}{remote.id}/history/"))
    first = await remote.send("GET", "configuration/")
    assert (first.status_code, first.json()["name"]) == (200, "Lyon")
    again = await remote.send("GET", "configuration/", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    said = await remote.send("POST", "report/", json={"software": "1.2", "backlog": 3, "lost": 7, "oldest": 1.8e9})
    assert said.status_code == 200
    read = await world.get(f"{PATH}{remote.id}/")
    assert (read["state"], read["software"], read["backlog"], read["lost"]) == ("online", "1.2", 3, 7)
    # The token opens nothing else, and nobody else's key opens this.
    for path in (PATH, "/api/credentials/", "/api/user"):
        refused = await world.client.get(path, headers={"Authorization": f"Bearer {remote.token}"})
        assert refused.status_code == 403 or path == "/api/user"
    await world.get(f"{LINK}configuration/", expect=403)
    person = await world.granted({"collector": ("view",)})
    await world.post(f"{PATH}{remote.id}/new_token/", {}, by=person, expect=403)
    await stranger.post(f"{PATH}{remote.id}/new_token/", {}, expect=404)
    # Credentials come with networks: nobody gets to them by a token of their own making.
    keeper = await world.granted({"collector": ("view", "add", "edit")})
    await world.post(PATH, {"name": "Rome", "networks": "10.0.0.0/8"}, by=keeper, expect=403)
    rome = (await world.post(PATH, {"name": "Rome"}, by=keeper, expect=201))["data"]["id"]
    await world.patch(f"{PATH}{rome}/", {"networks": "10.0.0.0/8"}, by=keeper, expect=403)
    await world.post(f"{PATH}{rome}/new_token/", {}, by=keeper)
    await world.patch(f"{PATH}{rome}/", {"networks": "10.0.0.0/8"})
    await world.post(f"{PATH}{rome}/new_token/", {}, by=keeper, expect=403)
    await world.patch(f"{PATH}{rome}/", {"networks": "10.0.0.0/33"}, expect=400)
    old = remote.token
    remote.token = (await world.post(f"{PATH}{remote.id}/new_token/", {}))["data"]["token"]
    assert (await remote.send("GET", "configuration/")).status_code == 200
    ended = await world.client.get(f"{LINK}configuration/", headers={"Authorization": f"Bearer {old}"})
    assert ended.status_code == 401
    await world.patch(f"{PATH}{remote.id}/", {"enabled": False})
    assert (await remote.send("GET", "configuration/")).status_code == 403
    await world.patch(f"{PATH}{remote.id}/", {"enabled": True})
    await world.delete(f"{PATH}{remote.id}/")
    assert (await remote.send("GET", "configuration/")).status_code == 401


@pytest.mark.proves(f"POST {LINK}batches/")
async def test_a_segment_is_stored_once_however_often_it_comes(world: World, stranger: World) -> None:
    remote = await add(world)
    await world.post("/api/trap-credentials/", {"name": "site", "kind": "community", "community": "site"}, expect=201)
    one = (syslog("one", "two"), trap("site"), trap("wrong"), syslog("three", address="10.20.0.8"))
    assert (await remote.batch(1, *one)).json() == {"status": "success", "acknowledged": 1, "repeated": False}
    assert (await remote.batch(1, *one)).json()["repeated"] is True
    gap = await remote.batch(3, syslog("five"))
    assert (gap.status_code, gap.json()["expected"]) == (409, 2)
    assert (await remote.batch(2, syslog("four"))).status_code == 200
    lines = [("10.20.0.7", "one"), ("10.20.0.7", "two"), ("10.20.0.8", "three"), ("10.20.0.7", "four")]
    assert await stored(world) == lines
    (got,) = (await world.get(TRAPS))["results"]
    assert (got["source"], got["name"]) == ("10.20.0.9", "linkDown")
    assert [event["address"] for event in await rows(world, source="trap")] == ["10.20.0.9"]
    # As after a crash between storing and acknowledging: what is stored under a token is stored once.
    async with world.platform.work(world.organization) as ctx:
        await ctx.session.execute(update(CollectorSpool).values(acknowledged=0))
    assert (await remote.batch(1, *one)).json()["repeated"] is False
    assert await stored(world) == lines
    assert len((await world.get(TRAPS))["results"]) == 1
    # Another spool has numbers of its own; another organization sees nothing of it.
    assert (await remote.batch(7, syslog("new disk"), spool="f" * 32, first=7)).status_code == 200
    assert (await stored(world))[-1] == ("10.20.0.7", "new disk")
    assert await stored(stranger) == []
    assert (await world.get(f"{PATH}{remote.id}/"))["handed_over"] == 4


async def test_what_is_no_segment_is_refused_and_not_acknowledged(world: World) -> None:
    remote = await add(world)
    good = syslog("good")
    bomb = gzip.compress(bytes(70 * 2**20))
    for content, status in (
        (gzip.compress(good[:-1]), 400), (gzip.compress(good[:-1] + b"?"), 400), (b"no gzip", 400),
        (gzip.compress(good)[:-9], 400), (bomb, 413), (gzip.compress(record("future", b"x")), 400),
        (gzip.compress(record("syslog", b"x")), 400), (gzip.compress(record("poll", b"x")), 400),
    ):  # fmt: skip
        assert (await remote.batch(1, content=content)).status_code == status
    assert (await remote.batch(1, good, spool="../../etc")).status_code == 400
    assert (await remote.batch(0, good)).status_code == 400
    assert await stored(world) == []
    assert (await remote.batch(1, good)).json()["acknowledged"] == 1
    headers = {"Content-Type": "application/octet-stream"}
    assert (await world.send("POST", f"{LINK}batches/", content=good, headers=headers)).status_code == 400
    known = {**headers, "X-Collector-Spool": SPOOL, "X-Collector-Sequence": "2", "X-Collector-First": "1"}
    assert (await world.send("POST", f"{LINK}batches/", content=good, headers=known)).status_code == 403


async def test_a_collector_that_falls_silent_is_an_event_until_it_is_back(world: World) -> None:
    remote = await add(world)
    await remote.send("POST", "report/", json={})
    assert await rows(world) == []
    async with world.platform.work(world.organization) as ctx:
        await ctx.session.execute(update(Collector).values(last_seen=ctx.now - timedelta(minutes=2)))
    await watching.look(world.platform)
    await watching.look(world.platform)
    assert (await world.get(f"{PATH}{remote.id}/"))["state"] == "offline"
    (event,) = await rows(world)
    assert (event["event_class"], event["cleared"]) == ("Availability | Collector Offline", False)
    await remote.send("POST", "report/", json={})
    (event,) = await rows(world)
    assert event["cleared"] is True
    assert (await world.get(f"{PATH}{remote.id}/"))["state"] == "online"


async def test_a_device_of_a_site_is_polled_by_its_collector_and_judged_here(world: World, tmp_path: Path) -> None:
    poller = world.platform.service(Poller)
    assert poller is not None
    port = free_port()
    await credential(world, port, timeout=0.6, retries=0)
    spool = Spool(tmp_path / "spool", 2**20)
    polling = Polling(spool, lambda: None)
    async with serving("127.0.0.95", port, honest(system("remote"))):
        await scan(world, await configure(world, host="127.0.0.95", params={"ping_monitor": 0}))
        remote = await add(world, networks="127.0.0.64/26")
        await poller.refresh()
        (device,) = [one for one in poller.devices.values() if one.organization == world.organization]
        assert device.collector == remote.id
        answer = await remote.send("GET", "configuration/")
        work = msgspec.json.decode(answer.content, type=Work)
        (item,) = work.devices
        assert (item.ci, item.address) == (device.ci, "127.0.0.95")
        assert [given.community for given in work.credentials.values()] == ["public"]
        await polling.take_over(work)
        up = await polling.poll(item)
    down = [await polling.poll(item) for _ in range(2)]
    assert (await remote.batch(1, record("poll", up))).status_code == 200
    assert device.state == "up"
    # Not of this site: nothing is believed of it.
    other = await add(world, name="Nice")
    assert (await other.batch(1, *(record("poll", one) for one in down))).status_code == 200
    assert device.state == "up"
    assert (await remote.batch(2, *(record("poll", one) for one in down))).status_code == 200
    assert (await remote.batch(2, *(record("poll", one) for one in down))).json()["repeated"] is True
    (event,) = await rows(world)
    assert (event["event_class"], event["ci"]) == ("Availability | Device Down", device.ci)
    found = await world.get("/api/metrics/", params={"ci_id": device.ci, "metric": "availability"})
    assert [point["value"] for point in found["series"][0]["points"]] == [1.0, 0.0, 0.0]
    # Off the loopback and without TLS, secrets stay here.
    plain = httpx.ASGITransport(app=world.platform.memory["app"], client=("192.0.2.9", 1))
    async with httpx.AsyncClient(transport=plain, base_url="http://mainstay.test") as far:
        got = await far.get(f"{LINK}configuration/", headers={"Authorization": f"Bearer {remote.token}"})
    assert got.json()["credentials"] == {}
    assert "TLS" in got.json()["note"]
    assert "public" not in got.text
    poller.devices.clear()


def test_the_smallest_network_decides_whose_a_device_is() -> None:
    wide = Site("wide", True, tuple(spans("10.0.0.0/8, 2001:db8::/32")))
    narrow = Site("narrow", True, tuple(spans("10.1.0.0-10.1.0.50")))
    found = [site_of(text, [wide, narrow]) for text in ("10.1.0.7", "10.1.0.77", "2001:db8::1", "192.0.2.1", "x")]
    assert [one and one.id for one in found] == ["narrow", "wide", "wide", None, None]
    assert [verdict(number, 4) for number in (3, 4, 5, 6)] == [REPEATED, REPEATED, NEXT, GAP]


def test_messages_travel_as_they_were_received_and_damage_is_noticed() -> None:
    first, second = one_source([b"a", b"", b"ccc"], "10.0.0.1"), one_source([b"dd"], "10.0.0.2")
    both = joined([unpacked(packed(batch)) for batch in (first, second, first)])
    assert [(text, sender[0]) for text, sender, _at in both.rows()] == [
        (b"a", "10.0.0.1"), (b"", "10.0.0.1"), (b"ccc", "10.0.0.1"), (b"dd", "10.0.0.2"),
        (b"a", "10.0.0.1"), (b"", "10.0.0.1"), (b"ccc", "10.0.0.1"),
    ]  # fmt: skip
    raw = packed(first)
    for at in range(len(raw)):
        for bad in (raw[:at], raw[:at] + bytes([raw[at] ^ 0xFF]) + raw[at + 1 :]):
            try:
                got: Batch = unpacked(bad)
            except Damaged:
                continue
            assert len(got.messages()) == 3
    whole = record("syslog", raw)
    assert records(whole + whole[:-1]) == ([("syslog", raw)], len(whole))
    inform = Pdu(message.INFORM, 9, 0, 0, [])
    batch = one_source([message.encode(V2C, b"c", inform), b"junk", message.encode(V2C, b"c", Pdu(TRAP, 1, 0, 0, []))],
                       "10.0.0.3")  # fmt: skip
    ((answer, sender),) = confirmations(batch)
    assert sender[0] == "10.0.0.3"
    assert answer == message.encode(V2C, b"c", Pdu(message.RESPONSE, 9, 0, 0, []))


def test_a_spool_goes_on_after_any_end(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool", 2**20, segment_bytes=200)
    spool.open()
    name = spool.id
    for number in range(20):
        spool.append("syslog", b"%030d" % number)
    with pytest.raises(SettingError):
        Spool(tmp_path / "spool", 2**20).open()
    first = spool.next()
    assert first == 1
    sent = spool.read(first)
    spool.close()
    # A torn record at the end, as a kill while it was written leaves it.
    newest = max((tmp_path / "spool").glob("*.seg"))
    whole = newest.read_bytes()
    newest.write_bytes(whole + record("syslog", b"torn")[:-2])
    again = Spool(tmp_path / "spool", 2**20, segment_bytes=200)
    again.open()
    assert again.id == name
    assert newest.read_bytes() == whole
    assert again.read(1) == sent
    again.append("syslog", b"%030d" % 20)
    got, numbers = [], []
    while (number := again.next()) is not None:
        numbers.append(number)
        got += [int(data) for _kind, data in records(again.read(number))[0]]
        again.done(number)
    assert got == list(range(21))
    assert numbers == list(range(1, len(numbers) + 1))
    again.close()
    # Empty, it still knows where it was.
    last = Spool(tmp_path / "spool", 2**20)
    last.open()
    last.append("syslog", b"more")
    assert last.next() == numbers[-1] + 1
    last.start_over()
    assert (last.id != name, last.first) == (True, numbers[-1] + 1)
    last.close()


def test_a_full_spool_says_so_and_takes_again_when_there_is_room(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool", 1000, segment_bytes=400)
    spool.open()
    for _ in range(8):
        spool.append("syslog", bytes(100))
    with pytest.raises(Full):
        spool.append("syslog", bytes(100))
    number = spool.next()
    assert number is not None
    spool.done(number)
    spool.append("syslog", bytes(100))
    assert spool.backlog[0] >= 2
    assert 0 < time.time() - spool.oldest < 600
    spool.close()


def test_a_server_is_named_by_a_safe_address_and_pauses_grow_with_a_bound() -> None:
    for url in ("", "ftp://x", "https://", "http://it.example.com", "https://x?y=1", "https://x:99999"):
        with pytest.raises(SettingError):
            checked_url(Settings(server_url=url))
    assert checked_url(Settings(server_url="https://it.example.com/base/")) == "https://it.example.com/base"
    assert checked_url(Settings(server_url="http://127.0.0.1:8000")) == "http://127.0.0.1:8000"
    assert checked_url(Settings(server_url="http://x", collector_plain=True)) == "http://x"
    pauses = Pauses(1, 8)
    found = [pauses.next() for _ in range(8)]
    assert all(bound / 2 <= pause <= bound for pause, bound in zip(found, (1, 2, 4, 8, 8, 8, 8, 8), strict=True))
    pauses.reset()
    assert pauses.next() <= 1


async def test_a_poll_is_never_too_large_to_travel() -> None:
    from mainstay.modules.monitoring.polling.measured import decoded
    from mainstay.modules.monitoring.polling.readings import Counter, Reading

    reading = Reading(5, {("cpu", ""): 7.0}, {("if_in", "lo"): Counter(2**64 - 1)}, {"lo": 1e9})
    made, got = await asyncio.to_thread(decoded, encoded("ci", 1.5, 0.1, None, 100.0, reading, ""))
    assert (made.ci, made.took, made.lost, got) == ("ci", None, 100.0, reading)
