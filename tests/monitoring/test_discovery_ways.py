"""Signs of life beside ICMP and SNMP: TCP ports, and what an SSH server says; on loopback sockets."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import asyncssh
import pytest
from sqlalchemy import select

from mainstay.modules.monitoring.discovery import banners, greeting, knocking
from mainstay.modules.monitoring.discovery.knocking import Knocker
from mainstay.modules.monitoring.discovery.ping import Pace, Pinger
from mainstay.modules.monitoring.polling.tables import Polled
from tests.monitoring.netsnmp import free_port
from tests.monitoring.scripted import honest, serving, system
from tests.monitoring.test_discovery import ITEMS, PATH, configure, credential, results, scan
from tests.support import World


@pytest.fixture(scope="module")
def keys() -> list[asyncssh.SSHKey]:
    return [asyncssh.generate_private_key("ssh-ed25519") for _ in range(2)]


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Lets addresses not answer echo requests: those of loopback all do."""
    quiet: set[str] = set()
    echo = Pinger.echo

    async def but_for(self: Pinger, address: str) -> float | None:
        return None if address in quiet else await echo(self, address)

    monkeypatch.setattr(Pinger, "echo", but_for)
    return lambda *addresses: quiet.update(addresses)


def port_of(address: str) -> int:
    with socket.socket() as one:
        one.bind((address, 0))
        return int(one.getsockname()[1])


@asynccontextmanager
async def listening(address: str, port: int, said: bytes = b"") -> AsyncIterator[list[str]]:
    """A server that says this to whoever comes and hangs up; who came."""
    came: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.append(writer.get_extra_info("peername")[0])
        writer.write(said)
        writer.close()

    async with await asyncio.start_server(serve, address, port):
        yield came


@asynccontextmanager
async def ssh(address: str, port: int, key: asyncssh.SSHKey, banner: str) -> AsyncIterator[None]:
    async with asyncssh.listen(address, port, server_host_keys=[key], server_version=banner):
        yield


async def polled(world: World) -> dict[str, tuple[bool, str]]:
    async with world.platform.work(world.organization, write=False) as ctx:
        rows = (await ctx.session.execute(select(Polled.address, Polled.ping, Polled.credential))).all()
    return {row.address: (row.ping, row.credential) for row in rows}


@pytest.mark.proves(f"POST {PATH}", f"POST {PATH}do-rescan/", f"GET {PATH}audit/")
async def test_open_ports_are_a_sign_of_life_where_nothing_else_is(world: World, silent: Any) -> None:
    silent("127.0.3.1", "127.0.3.2", "127.0.3.3")
    snmp, open_port, shut = free_port(), port_of("127.0.3.1"), port_of("127.0.3.1")
    await credential(world, snmp, timeout=0.5, retries=1)
    one = await configure(
        world, host="127.0.3.1-127.0.3.4", protocol=["snmp"],
        params={"tcp_ports": [shut, open_port], "exclude_ip_address": ["127.0.3.3"]},
    )  # fmt: skip
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(listening("127.0.3.1", open_port))
        left_out = await stack.enter_async_context(listening("127.0.3.3", open_port))
        # Without the protocol no port is tried.
        await scan(world, one)
        assert {row["result"] for row in (await results(world, id=one)).values()} == {
            "no_answer", "excluded", "no_snmp"
        }  # fmt: skip
        await world.patch(f"{PATH}{one}/", {"protocol": ["snmp", "tcp"]})
        await scan(world, one)
        found = await results(world, id=one)
        assert left_out == []
    assert {address: (row["result"], row["open_ports"]) for address, row in found.items()} == {
        "127.0.3.1": ("added", [open_port]), "127.0.3.2": ("no_answer", []), "127.0.3.3": ("excluded", []),
        "127.0.3.4": ("no_snmp", []),
    }  # fmt: skip
    assert found["127.0.3.1"]["rtt_ms"] is None
    assert any("It takes TCP connections, but no credential" in one for one in found["127.0.3.1"]["problems"])
    assert "neither ICMP nor at a TCP port" in found["127.0.3.2"]["reason"]
    assert [row["ip_address"] for row in (await world.get(ITEMS))["results"]] == ["127.0.3.1"]
    # Echo requests would only ever tell that it is down.
    assert await polled(world) == {}


async def test_a_port_opens_the_way_for_snmp(world: World, silent: Any) -> None:
    silent("127.0.3.10")
    snmp, port = free_port(), port_of("127.0.3.10")
    await credential(world, snmp)
    one = await configure(world, host="127.0.3.10", protocol=["snmp", "tcp"], params={"tcp_ports": f"{port}"})
    async with listening("127.0.3.10", port), serving("127.0.3.10", snmp, honest(system("quiet"))):
        await scan(world, one)
    (found,) = (await results(world, id=one)).values()
    assert (found["result"], found["name"], found["open_ports"]) == ("added", "quiet", [port])


@pytest.mark.proves(f"POST {PATH}", f"POST {PATH}get-custom-scanner-fields/")
async def test_ports_are_checked_and_described(world: World) -> None:
    for wrong in ({"tcp_ports": []}, {"tcp_ports": [0]}, {"tcp_ports": [70000]}, {"tcp_ports": "http"},
                  {"tcp_ports": list(range(1, 34))}, {"ssh_port": 0}, {"tcp_at_once": 5000}):  # fmt: skip
        refused = await world.post(PATH, {"label": "W", "host": "10.0.0.1", "params": wrong}, expect=400)
        assert list(refused["fields"]) == ["params"], wrong
    fields = await world.post(f"{PATH}get-custom-scanner-fields/", {"protocol": ["tcp"]})
    named = {item["name"]: item["default"] for item in fields["fields"]}
    assert named["tcp_ports"] == [22, 80, 443]
    assert {"rate", "exclude_ip_address"} <= set(named)
    assert "ssh_port" not in named


async def test_connections_keep_to_the_pace_and_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    now, most, turns = 0, 0, 0
    real = knocking.knock

    class Counted(Pace):
        async def turn(self) -> None:
            nonlocal turns
            turns += 1
            await super().turn()

    async def knock(*given: Any) -> bool:
        nonlocal now, most
        now += 1
        most = max(most, now)
        try:
            await asyncio.sleep(0)
            return await real(*given)
        finally:
            now -= 1

    monkeypatch.setattr(knocking, "knock", knock)
    port, shut = port_of("127.0.3.20"), port_of("127.0.3.20")
    addresses = [f"127.0.3.{number}" for number in range(20, 40)]
    async with listening("127.0.3.25", port):
        found = await Knocker(Counted(5000), 3).open(addresses, [shut, port])
    assert found == {"127.0.3.25": [port]}
    assert (most, turns) == (3, 40)


def test_a_process_that_was_kept_from_running_does_not_ask_everything_at_once() -> None:
    pace = Pace(1000)
    assert sum(pace.wait(50.0) <= 1e-9 for _ in range(500)) == 21
    # Those 21 were due in the last twentieth of a second, and the others have their turns one after the other.
    pace = Pace(1000)
    waits = [pace.wait(50.0) for _ in range(500)]
    assert waits == sorted(waits)
    assert 0.478 < waits[-1] < 0.480
    # Ten seconds later everything is overdue, and no more is made up for than at the beginning.
    assert sum(pace.wait(60.0) <= 1e-9 for _ in range(500)) == 21
    # However many a second: no more than what a buffer holds the answers to.
    pace = Pace(1_000_000)
    assert sum(pace.wait(50.0) <= 1e-12 for _ in range(5000)) in (100, 101)


async def test_what_an_ssh_server_says_identifies_the_device(world: World, keys: Any, silent: Any) -> None:
    silent("127.0.3.50")
    port = port_of("127.0.3.50")
    one = await configure(
        world, host="127.0.3.50-127.0.3.52", protocol=["ssh"], params={"ssh_port": port, "filter_by_ping": 0}
    )
    async with (
        ssh("127.0.3.50", port, keys[0], "Cisco-1.25"),
        ssh("127.0.3.51", port, keys[1], "OpenSSH_9.2p1 Debian-2+deb12u3"),
    ):
        await scan(world, one)
        await scan(world, one)
    found = await results(world, id=one)
    assert [row["result"] for row in found.values()] == ["unchanged", "unchanged", "no_answer"]
    key = keys[0].get_fingerprint()
    assert found["127.0.3.50"]["ssh"] == {"banner": "SSH-2.0-Cisco-1.25", "key_type": "ssh-ed25519", "host_key": key}
    assert found["127.0.3.50"]["identity"] == {"vendor": "Cisco", "os": "IOS"}
    items = {row["ip_address"]: row for row in (await world.get(ITEMS))["results"]}
    cisco = await world.get(f"{ITEMS}{items['127.0.3.50']['id']}/")
    assert (cisco["manufacturer"], cisco["os_name"], cisco["ssh_host_key"]) == ("Cisco", "IOS", key)
    debian = await world.get(f"{ITEMS}{items['127.0.3.51']['id']}/")
    assert (debian["os_name"], debian["os_version"], debian["category_name"]) == ("Debian", "12", "Server")


async def test_a_host_key_shows_that_addresses_are_of_one_device(world: World, keys: Any) -> None:
    snmp, port = free_port(), port_of("127.0.3.60")
    await credential(world, snmp, timeout=0.5, retries=1)
    one = await configure(world, host="127.0.3.60-127.0.3.62", protocol=["snmp", "ssh"], params={"ssh_port": port})
    async with (
        ssh("127.0.3.60", port, keys[0], "OpenSSH_8.9p1 Ubuntu-3ubuntu0.6"),
        ssh("127.0.3.61", port, keys[0], "OpenSSH_8.9p1 Ubuntu-3ubuntu0.6"),
        serving("127.0.3.61", snmp, honest(system("two-legs", descr="Linux two-legs 5.15.0-91 x86_64"))),
    ):
        await scan(world, one)
        found = await results(world, id=one)
        # The address that SNMP opened is the device's; the other one is told as such, in whatever order.
        assert {address: row["result"] for address, row in found.items()} == {
            "127.0.3.60": "duplicate", "127.0.3.61": "added", "127.0.3.62": "no_snmp"
        }  # fmt: skip
        # An address that joins it later, in another run, is recognised as well.
        async with ssh("127.0.3.62", port, keys[0], "OpenSSH_8.9p1 Ubuntu-3ubuntu0.6"):
            await scan(world, one, host="127.0.3.62")
    (late,) = (await results(world, id=one)).values()
    assert "Recognised by ssh host key." in late["reason"]
    (item,) = (await world.get(ITEMS))["results"]
    # What SNMP said is surer than what the SSH server's name lets guess.
    read = await world.get(f"{ITEMS}{item['id']}/")
    assert (read["name"], read["os_name"], read["ip_address"]) == ("two-legs", "Linux", "127.0.3.61")
    assert set(await polled(world)) == {"127.0.3.61"}
    assert (await polled(world))["127.0.3.61"][1] != ""


async def test_a_key_that_a_maker_delivers_does_not_make_devices_one(world: World, keys: Any) -> None:
    snmp, port = free_port(), port_of("127.0.3.70")
    await credential(world, snmp)
    one = await configure(world, host="127.0.3.70-127.0.3.72", protocol=["snmp", "ssh"], params={"ssh_port": port})
    async with AsyncExitStack() as stack:
        for number in range(3):
            address = f"127.0.3.{70 + number}"
            await stack.enter_async_context(ssh(address, port, keys[0], "dropbear_2019.78"))
            # An engine ID of its own each; the third one has SSH only, and belongs to neither.
            if number < 2:
                await stack.enter_async_context(serving(address, snmp, honest(system(f"box-{number}"))))
        await scan(world, one)
        await scan(world, one)
    found = await results(world, id=one)
    assert [row["result"] for row in found.values()] == ["unchanged"] * 3
    assert {row["name"] for row in (await world.get(ITEMS))["results"]} == {"box-0", "box-1", "127.0.3.72"}


async def test_servers_that_speak_no_ssh_or_wrongly_end_in_a_clear_state() -> None:
    port = port_of("127.0.3.80")
    for said, expected in (
        (b"", None),
        (b"220 mail ready\r\n" * 40, None),
        (b"\xff" * 100_000, None),
        (b"SSH-1.5-Cisco-1.25\n", "SSH-1.5-Cisco-1.25"),
        (b"SSH-2.0-ROSSSH\r\n" + b"\x00" * 2000, "SSH-2.0-ROSSSH"),
        (b"hello\r\nSSH-2.0-HUAWEI-1.5\r\n", "SSH-2.0-HUAWEI-1.5"),
        (b"SSH-2.0-caf\xc3\xa9\r\n", "SSH-2.0-caf\ufffd\ufffd"),
    ):
        async with listening("127.0.3.80", port, said):
            heard = await greeting.read("127.0.3.80", port, 1.0)
        assert (heard.banner if heard else None) == expected, said[:40]
        assert heard is None or heard.key == ""
    assert await greeting.read("127.0.3.80", port, 1.0) is None


async def test_a_server_that_says_nothing_is_left_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    port, gone = port_of("127.0.3.81"), asyncio.Event()

    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(100):
            pass
        gone.set()
        writer.close()

    async with await asyncio.start_server(mute, "127.0.3.81", port):
        assert await greeting.read("127.0.3.81", port, 0.05) is None
        async with asyncio.timeout(10):
            await gone.wait()


def test_banners() -> None:
    for banner, expected in (
        ("SSH-2.0-Cisco-1.25", ("Cisco", "IOS", "")),
        ("SSH-1.99-Cisco-1.25", ("Cisco", "IOS", "")),
        ("SSH-2.0-CISCO_WLC", ("Cisco", "AireOS", "")),
        ("SSH-2.0-ROSSSH", ("MikroTik", "RouterOS", "")),
        ("SSH-2.0-HUAWEI-1.5", ("Huawei", "VRP", "")),
        ("SSH-2.0-Comware-7.1.064", ("H3C", "Comware", "7.1.064")),
        ("SSH-2.0-OpenSSH_8.9p1 Ubuntu-3ubuntu0.6", ("Linux", "Ubuntu", "")),
        ("SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3", ("Linux", "Debian", "12")),
        ("SSH-2.0-OpenSSH_for_Windows_8.1", ("Microsoft", "Windows", "")),
        ("SSH-2.0-OpenSSH_9.3", ("", "", "")),
        ("SSH-2.0-", ("", "", "")),
        ("Cisco-1.25", ("", "", "")),
    ):
        found = banners.identify(banner)
        assert (found.vendor, found.os, found.version) == expected, banner
