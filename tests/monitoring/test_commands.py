"""Commands run on items by SSH: on real SSH servers, with stored accounts and pinned host keys."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncssh
import pytest
from sqlalchemy import select

from mainstay.modules.monitoring.commands.shell import MOST
from mainstay.modules.monitoring.commands.tables import SshAccess
from tests.assets.test_items import PATH, make
from tests.monitoring.devices import PASSWORD, USER, Device
from tests.monitoring.netsnmp import free_port
from tests.support import World

RUN, ACCESS, KEYS = f"{PATH}run-command/", "/api/ssh-access/", "/api/ssh-host-keys/"


class Box(Device):
    """A device that says what it was told, or what does not end well."""

    async def answer(self, process: asyncssh.SSHServerProcess[bytes]) -> None:
        command = process.command or ""
        self.commands.append(command)
        if command == "show flood":
            process.stdout.write(b"x" * (2 * MOST))
        elif command == "show forever":
            await asyncio.sleep(60)
        elif command == "show error":
            process.stderr.write(b"% Invalid input\n")
            process.exit(2)
            return
        else:
            process.stdout.write(f"you said {command}\n".encode())
        process.exit(0)


@pytest.fixture
async def device(world: World) -> AsyncIterator[tuple[Device, str, int]]:
    made, port = Box(), free_port()
    async with made.serving("127.0.0.65", port):
        item = await make(world, "shell-1", "Switch", ip_address="127.0.0.65")
        yield made, item, port


async def switch_on(world: World, on: bool = True) -> None:
    await world.put("/api/settings", {"values": {"devices.run_commands": on}})


async def account(world: World, port: int, **values: Any) -> str:
    given = {"name": "Operator", "username": USER, "password": PASSWORD, "port": port, **values}
    made: str = (await world.post(ACCESS, given, expect=201))["id"]
    return made


async def history(world: World, item: str) -> list[tuple[str, dict[str, Any]]]:
    found = (await world.get(f"{PATH}{item}/history/"))["results"]
    told = [(row["action"], {one["field"]: one["new"] for one in row["changes"]}) for row in reversed(found)]
    return [one for one in told if one[0].startswith("command")]


@pytest.mark.proves(f"POST {RUN}")
async def test_a_command_is_run_and_kept_in_the_history(
    world: World, stranger: World, device: tuple[Device, str, int]
) -> None:
    agent, item, port = device
    body: dict[str, Any] = {"ci_id": item, "command": "show version"}
    # Switched off until an administrator wants it.
    assert "switched off" in (await world.post(RUN, body, expect=409))["error"]
    await switch_on(world)
    assert "No SSH access" in (await world.post(RUN, body, expect=409))["error"]
    await account(world, port)
    # A device that nobody knows yet gets no password.
    refused = await world.post(RUN, body, expect=409)
    assert refused["host_key"] == agent.key.get_fingerprint()
    await world.post(RUN, {**body, "host_key": "SHA256:wrong"}, expect=409)
    assert (agent.passwords, agent.commands) == ([], [])
    done = await world.post(RUN, {**body, "host_key": refused["host_key"]})
    assert (done["exit_status"], done["stdout"], done["access"]) == (0, "you said show version\n", "Operator")
    assert (await world.post(RUN, {**body, "command": "show error"}))["exit_status"] == 2
    assert agent.commands == ["show version", "show error"]
    assert await history(world, item) == [
        ("command", {"command": "show version", "access": "Operator"}), ("command ended", {"exit_status": 0}),
        ("command", {"command": "show error", "access": "Operator"}), ("command ended", {"exit_status": 2}),
    ]  # fmt: skip
    entry = (await world.get(f"{PATH}{item}/history/"))["results"][0]
    assert entry["actor_name"] == "Ada Admin"

    for wanted in (
        {"asset": ("view", "execute")}, {"ssh_access": ("view", "execute")},
        {"asset": ("view",), "ssh_access": ("execute",)},
    ):  # fmt: skip
        someone = await world.granted(wanted)  # type: ignore[arg-type]
        await world.post(RUN, body, by=someone, expect=403)
    await switch_on(stranger)
    await stranger.post(RUN, body, expect=404)
    for wrong in ({"command": ""}, {"command": "a\nb"}, {"command": "x" * 2001}, {"seconds": 0}):
        await world.post(RUN, {**body, **wrong}, expect=400)
    await world.post(RUN, {**body, "access": "nobody"}, expect=404)
    await world.put("/api/settings", {"values": {"devices.allowed_networks": "10.0.0.0/8"}})
    await world.post(RUN, body, expect=400)
    await switch_on(world, False)
    await world.post(RUN, body, expect=409)
    assert len(agent.commands) == 2


async def test_a_device_with_another_key_gets_no_password(world: World, device: tuple[Device, str, int]) -> None:
    _agent, _item, port = device
    await switch_on(world)
    await account(world, port)
    item = await make(world, "shell-2", "Switch", ip_address="127.0.0.66")
    body = {"ci_id": item, "command": "show version"}
    first, second = Box(), Box()
    async with first.serving("127.0.0.66", port):
        await world.post(RUN, {**body, "host_key": first.key.get_fingerprint()})
    async with second.serving("127.0.0.66", port):
        refused = await world.post(RUN, {**body, "host_key": second.key.get_fingerprint()}, expect=409)
        assert "another host key" in refused["error"]
        assert (second.passwords, second.commands) == ([], [])
        assert (await history(world, item))[-1][0] == "command ended"
        (known,) = (await world.get(KEYS))["results"]
        assert (known["address"], known["fingerprint"]) == ("127.0.0.66", first.key.get_fingerprint())
        looker = await world.granted({"ssh_access": ("view",)})
        await world.post(f"{KEYS}forget/", {"address": "127.0.0.66", "port": port}, by=looker, expect=403)
        await world.post(f"{KEYS}forget/", {"address": "127.0.0.66", "port": port})
        await world.post(f"{KEYS}forget/", {"address": "127.0.0.66", "port": port}, expect=404)
        await world.post(RUN, {**body, "host_key": second.key.get_fingerprint()})
    assert second.commands == ["show version"]


async def test_commands_end(world: World, device: tuple[Device, str, int]) -> None:
    agent, item, port = device
    await switch_on(world)
    await account(world, port)
    body = {"ci_id": item, "host_key": agent.key.get_fingerprint(), "seconds": 1}
    flood = await world.post(RUN, {**body, "command": "show flood"})
    assert (flood["truncated"], len(flood["stdout"]), flood["exit_status"]) == (True, MOST, None)
    late = await world.post(RUN, {**body, "command": "show forever"})
    assert (late["timed_out"], late["exit_status"]) == (True, None)
    assert [one[1].get("exit_status") for one in await history(world, item)][1::2] == ["too much output", "timed out"]


async def test_keys_passwords_and_what_is_told_of_them(world: World, device: tuple[Device, str, int]) -> None:
    agent, item, port = device
    await switch_on(world)
    locked = agent.user_key.export_private_key("pkcs8-pem", passphrase="open sesame").decode()
    given = {"name": "Keys", "username": USER, "private_key": locked, "port": port}
    assert "private_key" in (await world.post(ACCESS, given, expect=400))["fields"]
    await world.post(ACCESS, {**given, "private_key": "no key"}, expect=400)
    await world.post(ACCESS, {"name": "Bare", "username": USER}, expect=400)
    await world.post(ACCESS, {**given, "passphrase": "open sesame", "scope": "ten"}, expect=400)
    made = await world.post(ACCESS, {**given, "passphrase": "open sesame", "scope": "127.0.0.65"}, expect=201)
    body = {"ci_id": item, "command": "show clock", "host_key": agent.key.get_fingerprint()}
    assert (await world.post(RUN, body))["stdout"] == "you said show clock\n"
    assert agent.passwords == []

    read = await world.get(f"{ACCESS}{made['id']}/")
    assert read["secrets_set"] == ["passphrase", "private_key"]
    assert "PRIVATE KEY" not in str(read)
    async with world.platform.work(world.organization) as ctx:
        row = await ctx.session.scalar(select(SshAccess).where(SshAccess.id == made["id"]))
        assert row is not None
        assert "PRIVATE KEY" not in str(row.sealed)
    # Whoever does not know the secret does not point it elsewhere.
    assert "scope" in (await world.patch(f"{ACCESS}{made['id']}/", {"scope": "10.0.0.0/8"}, expect=400))["fields"]
    await world.patch(f"{ACCESS}{made['id']}/", {"description": "for the night"})
    assert (await world.post(RUN, body))["exit_status"] == 0
    wrong = {"scope": "10.0.0.0/8", "private_key": locked, "passphrase": "open sesame"}
    await world.patch(f"{ACCESS}{made['id']}/", wrong)
    assert "No SSH access" in (await world.post(RUN, body, expect=409))["error"]
    await account(world, port, name="Wrong", password="not it")
    assert "does not let operator in" in (await world.post(RUN, body, expect=400))["error"]
    assert agent.passwords == ["not it"]
