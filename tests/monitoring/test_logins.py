"""Credentials that log in by SSH and HTTP: kept, tried from the form, and used by discoveries; on real servers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncssh
import pytest
from sqlalchemy import select

from mainstay.modules.monitoring.commands import said
from mainstay.modules.monitoring.credentials.tables import Credential
from mainstay.modules.monitoring.polling.tables import Polled
from tests.monitoring.devices import ENABLE, PASSWORD, USER, Device, Switch, Web, self_signed
from tests.monitoring.netsnmp import free_port
from tests.monitoring.test_discovery import ITEMS, PATH, configure, results, scan
from tests.support import World

CREDENTIALS, KEYS = "/api/credentials/", "/api/ssh-host-keys/"
LINKS = json.dumps([
    {"ifindex": 1, "ifname": "lo", "flags": ["LOOPBACK", "UP"], "mtu": 65536, "operstate": "UNKNOWN",
     "link_type": "loopback", "address": "00:00:00:00:00:00", "addr_info": [{"family": "inet", "local": "127.0.0.1"}]},
    {"ifindex": 2, "ifname": "ens3", "flags": ["UP"], "mtu": 1500, "operstate": "UP", "link_type": "ether",
     "address": "52:54:00:12:34:56", "addr_info": [{"family": "inet", "local": "198.51.100.7"},
                                                   {"family": "inet6", "local": "fe80::1"}]},
])  # fmt: skip
VERSION = """Cisco IOS Software, C2960X Software (C2960X-UNIVERSALK9-M), Version 15.2(4)E7, RELEASE SOFTWARE (fc2)
edge-1 uptime is 3 weeks, 2 days
cisco WS-C2960X-48TS-L (APM86XXX) processor (revision B0) with 524288K bytes of memory.
Processor board ID FCW1234A5B6
Model number                    : WS-C2960X-48TS-L
System serial number            : FOC1111X2YZ"""


def linux() -> Device:
    return Device({"hostname": "web-1.example.net", "ip": LINKS, "uname": "Linux 6.1.0-18-amd64 x86_64"})


async def account(world: World, port: int, **values: Any) -> str:
    given = {"name": "Operator", "kind": "ssh", "username": USER, "password": PASSWORD, "port": port, **values}
    made: str = (await world.post(CREDENTIALS, given, expect=201))["id"]
    return made


@pytest.fixture
async def device() -> AsyncIterator[tuple[Device, int]]:
    made, port = linux(), free_port()
    async with made.serving("127.0.0.70", port):
        yield made, port


async def test_what_cannot_log_in_is_refused_and_nothing_secret_is_answered(world: World) -> None:
    key = asyncssh.generate_private_key("ssh-ed25519")
    pem, locked = key.export_private_key().decode(), key.export_private_key(passphrase="open-it").decode()
    for given, field in (
        ({"kind": "ssh", "password": PASSWORD}, "username"),
        ({"kind": "ssh", "username": USER}, "password"),
        ({"kind": "ssh", "username": USER, "private_key": "not a key"}, "private_key"),
        ({"kind": "ssh", "username": USER, "private_key": locked, "passphrase": "wrong"}, "passphrase"),
        ({"kind": "ssh", "username": USER, "private_key": locked}, "passphrase"),
        ({"kind": "http", "password": PASSWORD}, "username"),
        ({"kind": "https", "username": USER}, "password"),
        ({"kind": "wmi", "username": USER, "password": PASSWORD}, "kind"),
    ):
        refused = await world.post(CREDENTIALS, {"name": "Wrong", **given}, expect=400)
        assert field in refused["fields"], given
    public = {"kind": "ssh", "username": USER, "private_key": key.export_public_key().decode()}
    refused = await world.post(CREDENTIALS, {"name": "Wrong", **public}, expect=400)
    assert "The public key" in refused["fields"]["private_key"][0]
    made = await world.post(CREDENTIALS, {
        "name": "Login", "kind": "ssh", "username": USER, "password": PASSWORD, "private_key": locked,
        "passphrase": "open-it", "enable_password": ENABLE,
    }, expect=201)  # fmt: skip
    one = f"{CREDENTIALS}{made['id']}/"
    read = await world.get(one)
    assert read["secrets_set"] == ["enable_password", "passphrase", "password", "private_key"]
    # One of the two is changed: they still have to fit.
    await world.patch(one, {"passphrase": "another"}, expect=400)
    await world.patch(one, {"private_key": pem, "passphrase": ""})
    for answer in (made, read, await world.get(CREDENTIALS), await world.get(f"{one}history/")):
        for secret in (PASSWORD, ENABLE, "open-it", "PRIVATE KEY"):
            assert secret not in str(answer)
    async with world.platform.work(world.organization, write=False) as ctx:
        (sealed,) = (await ctx.session.execute(select(Credential.sealed))).scalars()
    assert PASSWORD not in str(sealed)
    assert sorted(sealed) == ["enable_password", "password", "private_key"]
    # A stored password is not sent elsewhere by whoever may edit, unless it is known.
    for change in ({"scope": "127.0.0.0/8"}, {"port": 2222}, {"trust_new": True}, {"kind": "http"}):
        refused = await world.patch(one, change, expect=400)
        assert next(iter(change)) in refused["fields"]
    await world.patch(one, {"port": 2222, "enable_password": "x"}, expect=400)
    await world.patch(one, {"port": 2222, "password": PASSWORD, "private_key": pem}, expect=400)
    await world.patch(one, {"port": 2222, "password": PASSWORD, "private_key": pem, "enable_password": ENABLE})
    await world.patch(one, {"name": "Renamed"})
    # It is no credential for SNMP.
    asked = await world.post("/ux/ims/mib-explorer/run/", {"verb": "get", "oid": "1.3.6.1.2.1.1.1.0",
                             "address": "127.0.0.1", "credential": "Renamed"}, expect=400)  # fmt: skip
    assert "not for SNMP" in str(asked)


async def test_an_account_is_tried_from_the_form_and_its_key_is_pinned(
    world: World, device: tuple[Device, int]
) -> None:
    machine, port = device
    form = {"kind": "ssh", "username": USER, "password": PASSWORD, "port": port, "address": "127.0.0.70"}
    unknown = await world.post(f"{CREDENTIALS}test/", form)
    fingerprint = machine.key.get_fingerprint()
    assert (unknown["ok"], unknown["host_key"]) == (False, fingerprint)
    assert (await world.post(f"{CREDENTIALS}test/", {**form, "host_key": "SHA256:other"}))["ok"] is False
    assert machine.passwords == []
    wrong = await world.post(f"{CREDENTIALS}test/", {**form, "password": "no", "host_key": fingerprint})
    assert (wrong["ok"], "does not let" in wrong["msg"]) == (False, True)
    assert (await world.get(KEYS))["results"] == []
    tried = await world.post(f"{CREDENTIALS}test/", {**form, "host_key": fingerprint})
    assert (tried["ok"], tried["system"]["name"], tried["host_key"]) == (True, "web-1.example.net", "")
    assert [one["fingerprint"] for one in (await world.get(KEYS))["results"]] == [fingerprint]
    assert (await world.post(f"{CREDENTIALS}test/", form))["ok"] is True
    # Another key at the address gets no password, whoever is trusted on the first contact.
    other = linux()
    async with other.serving("127.0.0.71", port):
        trusting = {**form, "address": "127.0.0.71", "trust_new": True}
        assert (await world.post(f"{CREDENTIALS}test/", trusting))["ok"] is True
    another = linux()
    async with another.serving("127.0.0.71", port):
        refused = await world.post(f"{CREDENTIALS}test/", trusting)
        assert (refused["ok"], another.passwords) == (False, [])
        shown, known = another.key.get_fingerprint(), other.key.get_fingerprint()
        assert (refused["host_key"], refused["known_key"], refused["port"]) == (shown, known, port)
        assert f"{shown} instead of {known}" in refused["msg"]
        # To send it back does not accept it: the one that is trusted has to be forgotten first.
        assert (await world.post(f"{CREDENTIALS}test/", {**trusting, "host_key": shown}))["known_key"] == known
        assert another.passwords == []
        await world.post(f"{KEYS}forget/", {"address": "127.0.0.71", "port": port})
        assert (await world.post(f"{CREDENTIALS}test/", {**trusting, "host_key": shown}))["ok"] is True


async def test_a_stored_password_goes_only_where_it_was_meant_to_go(world: World, device: tuple[Device, int]) -> None:
    _machine, port = device
    one = await account(world, port, scope="127.0.0.99")
    path, place = f"{CREDENTIALS}{one}/test/", {"address": "127.0.0.70"}
    assert "address" in (await world.post(path, place, expect=400))["fields"]
    assert "address" in (await world.post(path, {**place, "enable_password": "x"}, expect=400))["fields"]
    # By HTTP it is not sent at all.
    assert "password" in (await world.post(path, {**place, "kind": "http"}, expect=400))["fields"]
    # Whoever knows it may try it anywhere that is allowed; trust is not widened by the form alone.
    assert (await world.post(path, {**place, "password": PASSWORD, "trust_new": True}))["ok"] is True
    await world.patch(f"{CREDENTIALS}{one}/", {"scope": "", "password": PASSWORD})
    fresh = linux()
    async with fresh.serving("127.0.0.72", port):
        told = await world.post(path, {"address": "127.0.0.72", "trust_new": True})
    assert (told["ok"], told["host_key"], fresh.passwords) == (False, fresh.key.get_fingerprint(), [])
    looker = await world.granted({"credential": ("view",)})
    await world.post(path, place, by=looker, expect=403)


async def test_a_web_log_in_is_tried(world: World, tmp_path: Path) -> None:
    web, port = Web(), free_port()
    web.pages = {"/moved": (302, "http://127.0.0.74:9/"), "/gone": (404, "")}
    form = {"kind": "http", "username": USER, "password": PASSWORD, "port": port, "address": "127.0.0.73"}
    url = f"{CREDENTIALS}test/"
    async with web.serving("127.0.0.73", port):
        right = await world.post(url, form)
        assert (right["ok"], right["system"]) == (True, {"status": "200", "server": "tiny/1.0", "title": "Edge switch"})
        assert "let operator in" in right["msg"]
        # The password is only sent where it is asked for.
        assert [bool(given) for _path, given in web.asked] == [False, True]
        open_page = await world.post(url, {**form, "path": "/open"})
        assert (open_page["ok"], "not known" in open_page["msg"], web.asked[-1][1]) == (True, True, "")
        assert (await world.post(url, {**form, "username": "", "token": PASSWORD}))["ok"] is True
        for given, words in (
            ({"password": "wrong"}, "HTTP 401"), ({"path": "/moved"}, "points elsewhere"), ({"path": "/gone"}, "404"),
        ):  # fmt: skip
            told = await world.post(url, {**form, **given})
            assert (told["ok"], words in told["msg"]) == (False, True), told
    told = await world.post(url, form)
    assert (told["ok"], "Nothing listens" in told["msg"]) == (False, True)

    async def refuse(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.0 400 Bad Request\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.73", port):
        told = await world.post(url, {**form, "kind": "https"})
    assert (told["ok"], told["msg"]) == (False, "There is no HTTPS at this port: try HTTP, or another port.")
    secure = Web()
    async with secure.serving("127.0.0.73", port, self_signed(tmp_path / "device.pem", "127.0.0.73")):
        strict = await world.post(url, {**form, "kind": "https"})
        assert (strict["ok"], "not trusted" in strict["msg"], secure.asked) == (False, True, [])
        assert (await world.post(url, {**form, "kind": "https", "trust_new": True}))["ok"] is True
        told = await world.post(url, form)
        assert (told["ok"], "try HTTPS" in told["msg"]) == (False, True), told


async def test_a_web_log_in_by_digest_is_tried(world: World) -> None:
    web, port = Web(), free_port()
    form = {"kind": "http", "username": USER, "password": PASSWORD, "port": port, "address": "127.0.0.73",
            "path": "/status?a=1&b=x%20y"}  # fmt: skip
    url = f"{CREDENTIALS}test/"
    async with web.serving("127.0.0.73", port):
        for web.digests, web.basic, used in (
            (["MD5", "SHA-256"], True, "SHA-256"), (["MD5"], False, "MD5"), (["MD5-sess"], True, "MD5-sess"),
            (["SHA-512-256"], True, "Basic"),
        ):  # fmt: skip
            told = await world.post(url, form)
            assert (told["ok"], "let operator in" in told["msg"]) == (True, True), told
            assert used in web.asked[-1][1], used
            assert (await world.post(url, {**form, "password": "wrong"}))["ok"] is False
        # A password does not go out in clear where only what hides it is asked for.
        web.asked.clear()
        web.digests, web.basic = ["SHA-512-256"], False
        refused = await world.post(url, form)
        assert (refused["ok"], "not known here" in refused["msg"], len(web.asked)) == (False, True, 1)


@pytest.mark.proves(f"POST {PATH}", f"POST {PATH}do-rescan/", f"GET {PATH}audit/")
async def test_a_machine_without_snmp_becomes_an_item_by_its_shell(world: World, device: tuple[Device, int]) -> None:
    machine, port = device
    one = await account(world, port)
    switch, mute = Switch({"show version": VERSION}), linux()
    await world.patch(f"{CREDENTIALS}{one}/", {"enable_password": ENABLE})
    discovery = await configure(
        world, host="127.0.0.70-127.0.0.75", credentials=[one],
        params={"ssh_port": port, "filter_by_ping": 0, "exclude_ip_address": ["127.0.0.73"]},
    )  # fmt: skip
    async with switch.serving("127.0.0.71", port), mute.serving("127.0.0.72", port):
        # A device that nobody knows gets no password.
        await scan(world, discovery)
        shy = await results(world, id=discovery)
        assert (machine.passwords, switch.passwords) == ([], [])
        assert shy["127.0.0.70"]["result"] == "added"
        assert shy["127.0.0.70"]["identity"]["os"] == "Debian"
        assert any("no password was sent" in each for each in shy["127.0.0.70"]["problems"])
        await world.patch(f"{CREDENTIALS}{one}/", {"trust_new": True, "password": PASSWORD, "enable_password": ENABLE})
        mute.answers["uname"] = "strange"
        await scan(world, discovery)
        found = await results(world, id=discovery)
    assert (found["127.0.0.70"]["name"], found["127.0.0.70"]["result"]) == ("web-1", "updated")
    assert found["127.0.0.70"]["ssh"]["credential"] == one
    assert found["127.0.0.71"]["identity"] == {
        "name": "edge-1", "vendor": "Cisco", "os": "IOS", "version": "15.2(4)E7", "model": "WS-C2960X-48TS-L",
        "serial": "FOC1111X2YZ", "type": "network",
    }  # fmt: skip
    assert any("does not say" in each or "no prompt" in each or "hung up" in each
               for each in found["127.0.0.72"]["problems"])  # fmt: skip
    assert len((await world.get(KEYS))["results"]) == 2
    items = {row["ip_address"]: row["id"] for row in (await world.get(ITEMS))["results"]}
    server = await world.get(f"{ITEMS}{items['127.0.0.70']}/")
    assert (server["name"], server["host_name"], server["category_name"]) == ("web-1", "web-1.example.net", "Server")
    assert server["ssh_host_key"] == machine.key.get_fingerprint()
    shown = await world.get(f"{ITEMS}interface/", params={"ci_id": items["127.0.0.70"]})
    assert {row["name"]: (row["mac"], row["addresses"]) for row in shown["results"]} == {
        "lo": ("", []), "ens3": ("52:54:00:12:34:56", ["198.51.100.7"])
    }  # fmt: skip
    switched = await world.get(f"{ITEMS}{items['127.0.0.71']}/")
    assert (switched["name"], switched["serial_number"], switched["category_name"]) == (
        "edge-1", "FOC1111X2YZ", "Network Device"
    )  # fmt: skip
    # SNMP is not polled with an account for SSH.
    async with world.platform.work(world.organization, write=False) as ctx:
        rows = (await ctx.session.execute(select(Polled.snmp, Polled.credential))).all()
    assert {(row.snmp, row.credential) for row in rows} == {(False, "")}
    # What was met is pinned: another machine at the address gets nothing.
    impostor = linux()
    async with impostor.serving("127.0.0.71", port):
        await scan(world, discovery, host="127.0.0.71")
    (told,) = (await results(world, id=discovery)).values()
    assert any("another host key" in each for each in told["problems"])
    assert impostor.passwords == []


@pytest.mark.parametrize(("system", "text", "expected"), [
    ("nxos", "Cisco Nexus Operating System (NX-OS) Software\n  NXOS: version 9.3(8)\n"
     "  cisco Nexus9000 C93180YC-EX Chassis\n  Processor Board ID FDO21111ABC\n  Device name: n9k-1",
     ("n9k-1", "9.3(8)", "Nexus9000 C93180YC-EX", "FDO21111ABC")),
    ("iosxe", "Cisco IOS XE Software, Version 16.09.04\nCisco IOS Software [Fuji], Version 16.9.4, RELEASE\n"
     "core uptime is 1 day\nModel Number : C9300-48U\nSystem Serial Number : FCW2222L0AB",
     ("core", "16.09.04", "C9300-48U", "FCW2222L0AB")),
    ("asa", "Cisco Adaptive Security Appliance Software Version 9.8(2)\nfw-1 up 12 days\n"
     "Hardware:   ASA5516, 8192 MB RAM\nSerial Number: JAD111111AB", ("fw-1", "9.8(2)", "ASA5516", "JAD111111AB")),
    ("eos", "Arista DCS-7050SX-64-R\nSerial number:       JPE11111111\nSoftware image version: 4.20.1F",
     ("box", "4.20.1F", "DCS-7050SX-64-R", "JPE11111111")),
    ("junos", "Hostname: mx1\nModel: mx480\nJunos: 17.3R3.10\nChassis    JN1111111AFB   MX480",
     ("mx1", "17.3R3.10", "mx480", "JN1111111AFB")),
    ("fortios", "Version: FortiGate-60F v6.4.4,build1803,201209 (GA)\nSerial-Number: FGT60F1111\nHostname: fw",
     ("fw", "6.4.4", "FortiGate-60F", "FGT60F1111")),
    ("routeros", "  version: 6.48.6 (stable)\n  board-name: RB750Gr3\n  platform: MikroTik\n  serial-number: CC11D1",
     ("box", "6.48.6", "RB750Gr3", "CC11D1")),
    ("vrp", "Huawei Versatile Routing Platform Software\nVRP (R) software, Version 5.170 (S5720 V200R011C10SPC600)\n"
     "HUAWEI S5720-28P-SI-AC Routing Switch uptime is 0 week\nESN of slot 0: 2102111111",
     ("box", "5.170 (S5720 V200R011C10SPC600)", "S5720-28P-SI-AC", "2102111111")),
])  # fmt: skip
def test_what_systems_of_the_network_say(system: str, text: str, expected: tuple[str, ...]) -> None:
    by_key = {one.key: one for one in said.SYSTEMS}
    found = said.recognised(by_key[system].command, text)
    assert found is not None
    assert found.key == system
    device = said.device({"system": system, "version": text, "prompt": "admin@box>"})
    assert (device.name, device.version, device.model, device.serial) == expected


def test_what_a_shell_says_is_read_whatever_it_is() -> None:
    told = said.device({
        "kernel": "Linux 6.1.0 aarch64", "os": 'NAME="Debian GNU/Linux"\nVERSION_ID="12"\nPRETTY_NAME="Debian 12"',
        "host": "pi", "dmi": "/sys/class/dmi/id/sys_vendor:Dell Inc.\n/sys/class/dmi/id/product_serial:ABC1",
        "memory": "MemTotal:        4096000 kB", "cpus": "4", "ip": LINKS,
        "physical": "/sys/class/net/ens3/device", "speed": "/sys/class/net/ens3/speed:1000",
        "df": "Filesystem Type 1024-blocks Used Available Capacity Mounted on\n/dev/vda1 ext4 1000 400 600 40% /\n"
              "tmpfs tmpfs 10 0 10 0% /run\nbroken line",
        "packages": "ii \tbash\t5.2.15-2\nrc \tgone\t1\n",
    })  # fmt: skip
    assert (told.os, told.version, told.vendor, told.serial) == ("Debian", "12", "Dell Inc.", "ABC1")
    assert (told.cpu_count, told.memory_mb) == (4, 4000)
    assert told.interfaces is not None
    assert told.interfaces[1]["speed"] == 1_000_000_000
    assert told.interfaces[1]["is_port"]
    assert told.interfaces[1]["addresses"] == ["198.51.100.7"]
    assert told.storage == [{"key": "/", "name": "/", "kind": "filesystem", "total": 1_024_000, "used": 409_600,
                             "file_system": "ext4"}]  # fmt: skip
    assert [one["name"] for one in told.software or []] == ["bash"]
    # A part that could not be read is left out, not empty; nonsense raises nothing.
    for odd in ("", "[", '[{"ifname": 3}]', '[{"ifname": "x", "flags": 1, "addr_info": "y", "ifindex": "z"}]', "{}"):
        found = said.device({"kernel": "Linux", "ip": odd, "df": odd, "dmi": odd, "speed": odd, "cpus": odd})
        assert found.name == ""
        assert found.software is None
    assert said.device({"kernel": "Linux", "ip": "not json"}).interfaces is None
