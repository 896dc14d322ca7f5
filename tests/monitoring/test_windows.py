"""Computers with Windows, asked by WinRM: tried from the form and found by discoveries, on a WS-Management server that
asks for NTLM and encrypts as Windows does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from mainstay.modules.monitoring.commands import said, winrm
from mainstay.modules.monitoring.polling.tables import Polled
from tests.monitoring.devices import PASSWORD, USER, self_signed
from tests.monitoring.netsnmp import free_port
from tests.monitoring.test_discovery import ITEMS, configure, results, scan
from tests.monitoring.windows import ROWS, Windows
from tests.support import World

CREDENTIALS = "/api/credentials/"
ACCOUNT = f"CORP\\{USER}"


@pytest.fixture(autouse=True)
def _accounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whom the servers let in."""
    (tmp_path / "accounts").write_text(f"CORP:{USER}:{PASSWORD}\n")
    monkeypatch.setenv("NTLM_USER_FILE", str(tmp_path / "accounts"))


def form(port: int, **values: Any) -> dict[str, Any]:
    return {"name": "Windows", "kind": "winrm", "username": ACCOUNT, "password": PASSWORD, "port": port,
            "trust_new": True, **values}  # fmt: skip


async def test_an_account_is_tried_from_the_form(world: World, tmp_path: Path) -> None:
    computer, port = Windows(), free_port()
    url, address = f"{CREDENTIALS}test/", {"address": "127.0.0.90"}
    for given, field in (({"username": ""}, "username"), ({"password": ""}, "password")):
        refused = await world.post(CREDENTIALS, form(port, **given), expect=400)
        assert field in refused["fields"]
    async with computer.serving("127.0.0.90", port):
        # Without HTTPS and without trust nothing is sent, not even a first byte.
        shy = await world.post(url, form(port, **address, trust_new=False))
        assert (shy["ok"], "nothing shows who answers" in shy["msg"], computer.heads) == (False, True, [])
        told = await world.post(url, form(port, **address))
        assert (told["ok"], told["system"]) == (True, {
            "name": "files-1.corp.example.net", "vendor": "Dell Inc.", "os": "Windows Server 2019 Standard",
            "version": "10.0.17763", "model": "PowerEdge R640", "serial": "5XYZ123", "type": "Server",
        })  # fmt: skip
        assert len(computer.questions) == 4
        # The password is in nothing that was sent, and what is asked is not readable on the way.
        assert all(PASSWORD not in head for head in computer.heads)
        assert all(b"Win32" not in body and PASSWORD.encode() not in body for body in computer.bodies)
        wrong = await world.post(url, form(port, **address, password="not it"))
        assert (wrong["ok"], "does not let" in wrong["msg"]) == (False, True)
    assert "cannot be connected to" in (await world.post(url, form(port, **address)))["msg"]
    secure = Windows()
    async with secure.serving("127.0.0.90", port, self_signed(tmp_path / "device.pem", "127.0.0.90")):
        strict = await world.post(url, form(port, **address, kind="winrm_https", trust_new=False))
        assert (strict["ok"], "not trusted" in strict["msg"], secure.heads) == (False, True, [])
        assert (await world.post(url, form(port, **address, kind="winrm_https")))["ok"] is True


async def test_only_the_address_that_was_judged_is_asked(world: World) -> None:
    computer, other, port = Windows(), Windows(), free_port()
    url = f"{CREDENTIALS}test/"
    made = await world.post(CREDENTIALS, form(port, scope="127.0.0.91"), expect=201)
    stored = f"{CREDENTIALS}{made['id']}/"
    # A stored password stays in its scope, its port and its kind.
    assert "address" in (await world.post(f"{stored}test/", {"address": "127.0.0.90"}, expect=400))["fields"]
    assert (
        "password"
        in (await world.post(f"{stored}test/", {"address": "127.0.0.91", "kind": "http"}, expect=400))["fields"]
    )
    assert "scope" in (await world.patch(stored, {"scope": ""}, expect=400))["fields"]
    assert PASSWORD not in str(await world.get(stored))
    async with computer.serving("127.0.0.90", port), other.serving("127.0.0.91", port):
        computer.redirect = f"http://127.0.0.91:{port}/wsman"
        told = await world.post(url, form(port, address="127.0.0.90"))
        assert (told["ok"], other.heads) == (False, [])
        computer.redirect = ""
        for junk in ("<a>", "no XML", "<!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>", "<Envelope/>"):
            computer.junk = junk
            assert "does not answer as WinRM does" in (await world.post(url, form(port, address="127.0.0.90")))["msg"]


async def test_a_computer_becomes_an_item(world: World) -> None:
    computer, port = Windows(), free_port()
    one = (await world.post(CREDENTIALS, form(port), expect=201))["id"]
    discovery = await configure(world, host="127.0.0.90", credentials=[one], params={"filter_by_ping": 0})
    async with computer.serving("127.0.0.90", port):
        await scan(world, discovery)
        (found,) = (await results(world, id=discovery)).values()
        assert (found["result"], found["problems"], found["identity"]["os"]) == (
            "added", [], "Windows Server 2019 Standard"
        )  # fmt: skip
        await scan(world, discovery)
        (again,) = (await results(world, id=discovery)).values()
        assert again["result"] == "unchanged"
    (item,) = [row["id"] for row in (await world.get(ITEMS))["results"]]
    shown = await world.get(f"{ITEMS}{item}/")
    assert (shown["name"], shown["host_name"], shown["category_name"], shown["serial_number"], shown["cpu_count"]) == (
        "files-1", "files-1.corp.example.net", "Server", "5XYZ123", 16
    )  # fmt: skip

    async def parts(what: str) -> dict[str, dict[str, Any]]:
        listed = await world.get(f"{ITEMS}{what}/", params={"ci_id": item})
        return {row["name"]: row for row in listed["results"]}

    ports = await parts("interface")
    assert {name: (row["mac"], row["speed"], row["oper_status"], row["admin_status"], row["addresses"])
            for name, row in ports.items()} == {
        "Ethernet": ("d0:94:66:00:00:01", 10**9, "up", "up", ["198.51.100.20"]),
        "Ethernet 2": ("", None, "down", "down", []),
    }  # fmt: skip
    assert {name: row["serial_number"] for name, row in (await parts("hardware")).items()} == {
        "Disk 0": "00aabb", "Memory A1": "01AABBCC", "Memory A2": "02AABBCC", "Memory A3": "03AABBCC",
    }  # fmt: skip
    # Updates have no name of their own, and are none.
    assert {name: (row["version"], row["publisher"]) for name, row in (await parts("software-app-list")).items()} == {
        "7-Zip 23.01 (x64)": ("23.01", "Igor Pavlov"), "Agent & Co": ("1.2", "Example"),
    }  # fmt: skip
    async with world.platform.work(world.organization, write=False) as ctx:
        rows = (await ctx.session.execute(select(Polled.snmp, Polled.credential))).all()
    assert {(row.snmp, row.credential) for row in rows} <= {(False, "")}


async def test_what_is_refused_is_told_and_the_rest_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    known = {name: rows for name, rows in ROWS.items() if name != "Win32_NetworkAdapter"}
    computer = Windows(known)

    async def ask(**values: Any) -> dict[str, str]:
        return await winrm.read("127.0.0.92", port, ACCOUNT, PASSWORD, tls=False, verify=False, **values)

    async with computer.serving("127.0.0.92", port):
        device = said.device(await ask())
        assert (device.name, device.interfaces, device.software) == ("files-1", None, None)
        assert device.problems == ["127.0.0.92 answers: Access is denied."]
        assert said.device(await ask(software=False, parts=False)).problems == []
        with monkeypatch.context() as patched:
            patched.setattr(winrm, "TOTAL", 1000)
            with pytest.raises(winrm.WinError, match="more than is wanted"):
                await ask()
    computer.rows = {}
    async with computer.serving("127.0.0.92", port):
        with pytest.raises(winrm.WinError, match=r"Access is denied|does not let"):
            await ask()
