"""The SNMP client against net-snmp's agent."""

from __future__ import annotations

from pathlib import Path

import pytest

from mainstay.modules.monitoring.snmp import ber
from mainstay.modules.monitoring.snmp.client import Access, Client, NoAnswer, SnmpError
from mainstay.modules.monitoring.snmp.message import V1, V2C, V3
from mainstay.modules.monitoring.snmp.usm import User
from tests.monitoring.netsnmp import LEVELS, Agent, free_port, run, user

SYSTEM = ber.parse_oid("1.3.6.1.2.1.1")
DESCR, NAME, LOCATION = (*SYSTEM, 1, 0), (*SYSTEM, 5, 0), (*SYSTEM, 6, 0)


def access(agent: Agent, **values: object) -> Access:
    given = {"community": "public", "timeout": 1.0, "retries": 1, **values}
    return Access(port=agent.port, **given)  # type: ignore[arg-type]


@pytest.mark.parametrize("version", [V1, V2C])
async def test_get_next_and_walk_by_community(agent: Agent, version: int) -> None:
    async with Client("127.0.0.1", access(agent, version=version)) as device:
        ((name, tag, value),) = await device.get([DESCR])
        assert (ber.oid_of(name), tag, value) == (DESCR, ber.OCTET_STRING, b"A device for tests")
        ((name, _tag, _value),) = await device.get_next([SYSTEM])
        assert ber.oid_of(name) == DESCR
        found = await device.walk(SYSTEM, limit=500)
        assert len(found) > 10
        assert all(ber.oid_of(item[0])[: len(SYSTEM)] == SYSTEM for item in found)
        assert [item[2] for item in await device.walk(DESCR)] == [b"A device for tests"]
        assert len(await device.walk(SYSTEM, limit=3)) == 3


async def test_a_walk_returns_what_the_tool_of_net_snmp_returns(agent: Agent) -> None:
    async with Client("127.0.0.1", access(agent)) as device:
        ours = [ber.oid_text(item[0]) for item in await device.walk(ber.parse_oid("1.3.6.1.2.1.2"), limit=5000)]
    code, output = await run("snmpbulkwalk", "-v2c", "-c", "public", "-On", f"127.0.0.1:{agent.port}", ".1.3.6.1.2.1.2")
    assert code == 0
    assert ours == [line.split(" ", 1)[0].removeprefix(".") for line in output.splitlines() if line.startswith(".")]


async def test_get_bulk_answers_several_columns(agent: Agent) -> None:
    async with Client("127.0.0.1", access(agent)) as device:
        found = await device.get_bulk([(*SYSTEM, 1), (*SYSTEM, 9, 1, 2)], repetitions=3, non_repeaters=1)
    assert [ber.oid_of(item[0])[:8] for item in found] == [(*SYSTEM, 1), *[(*SYSTEM, 9)] * 3]


@pytest.mark.parametrize(("auth", "privacy"), LEVELS, ids=lambda value: value or "none")
async def test_version_3_at_every_level(agent: Agent, auth: str, privacy: str) -> None:
    async with Client("127.0.0.1", access(agent, version=V3, user=user(auth, privacy))) as device:
        ((_name, tag, value),) = await device.get([DESCR])
        assert (tag, value) == (ber.OCTET_STRING, b"A device for tests")
        ((_name, _tag, value),) = await device.set(
            [(ber.oid_bytes(NAME), ber.OCTET_STRING, f"{auth}{privacy}".encode())]
        )
        assert value == f"{auth}{privacy}".encode()
        assert [item[2] for item in await device.get([NAME])] == [value]


async def test_set_needs_the_write_community(agent: Agent) -> None:
    item = (ber.oid_bytes(NAME), ber.OCTET_STRING, b"renamed")
    async with Client("127.0.0.1", access(agent, write_community="private")) as device:
        await device.set([item])
        assert [found[2] for found in await device.get([NAME])] == [b"renamed"]
    async with Client("127.0.0.1", access(agent)) as device:
        with pytest.raises(SnmpError, match=r"Access is refused|cannot be written"):
            await device.set([item])
    async with Client("127.0.0.1", access(agent, write_community="private")) as device:
        with pytest.raises(SnmpError, match=r"type is wrong.*1\.3\.6\.1\.2\.1\.1\.5\.0"):
            await device.set([(ber.oid_bytes(NAME), ber.INTEGER, b"\x01")])


async def test_what_is_wrong_is_said(agent: Agent, tmp_path: Path) -> None:
    for one, reason in (
        (User("nobody", "SHA", "correct-horse-1"), "does not know this user"),
        (User("usha", "SHA", "not the password"), "authentication password"),
        (User("ushaaes", "SHA", "correct-horse-1", "AES", "not the password"), "privacy password or protocol"),
        (User("umd5des", "MD5", "correct-horse-1"), "wants authentication or privacy"),
    ):
        async with Client("127.0.0.1", access(agent, version=V3, user=one)) as device:
            with pytest.raises(SnmpError, match=reason):
                await device.get([DESCR])
    # One that fell silent later on had taken the password.
    there = Agent(tmp_path)
    there.start()
    good = User("ushaaes", "SHA", "correct-horse-1", "AES", "staple-battery-2")
    async with Client("127.0.0.1", access(there, version=V3, user=good, timeout=0.2, retries=0)) as device:
        await device.get([DESCR])
        there.stop()
        with pytest.raises(NoAnswer, match=r"^(?!.*privacy password)"):
            await device.get([DESCR])
    silent = Access(community="public", port=free_port(), timeout=0.2, retries=0)
    async with Client("127.0.0.1", silent) as device:
        with pytest.raises(NoAnswer, match="did not answer"):
            await device.get([DESCR])
    async with Client("127.0.0.1", access(agent, version=V1)) as device:
        with pytest.raises(SnmpError, match="no such name"):
            await device.get([(*SYSTEM, 99, 0)])
    async with Client("127.0.0.1", access(agent)) as device:
        ((_name, tag, _value),) = await device.get([(*SYSTEM, 99, 0)])
        assert tag == ber.NO_SUCH_OBJECT
