"""What discovery asks a device for, to know what it is: against net-snmp's agent, over versions 1 and 2c."""

from __future__ import annotations

from pathlib import Path

import pytest

from mainstay.modules.monitoring.discovery import describing, reading
from mainstay.modules.monitoring.snmp.client import Access
from mainstay.modules.monitoring.snmp.message import V1, V2C, Pdu
from mainstay.modules.monitoring.templates import engine
from mainstay.modules.monitoring.templates.engine import Identity
from mainstay.modules.monitoring.templates.library import shipped
from tests.monitoring.netsnmp import Agent, free_port
from tests.monitoring.scripted import honest, serving, system, text, whole

APPLIANCE = [
    "sysdescr Linux nas-1 4.4.180+ x86_64", "sysobjectid .1.3.6.1.4.1.8072.3.2.10",
    'override .1.3.6.1.4.1.6574.1.5.1.0 octet_str "DS918+"',
    'override .1.3.6.1.4.1.6574.1.5.2.0 octet_str "1780PDN000001"',
    'override .1.3.6.1.4.1.6574.1.5.3.0 octet_str "DSM 7.0-41890"',
]  # fmt: skip
BAR = [
    "sysdescr APC Web/SNMP Management Card (MB:v4.1.0 PF:v6.7.2 PN:apc_hw05_aos_672.bin AN1:apc_hw05_rpdu2g_672.bin)",
    "sysobjectid .1.3.6.1.4.1.318.1.3.4.6",
    'override .1.3.6.1.4.1.318.1.1.26.2.1.8.7 octet_str "AP8853"',
    'override .1.3.6.1.4.1.318.1.1.26.2.1.9.7 octet_str "5A1250E00123"',
]


@pytest.mark.parametrize("version", [V1, V2C])
@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (APPLIANCE, Identity(vendor="Synology", os="DSM", version="7.0-41890", model="DS918+", type="Storage",
                             serial="1780PDN000001")),
        (BAR, Identity(vendor="APC", os="AOS", version="6.7.2", model="AP8853", type="PDU", serial="5A1250E00123")),
    ],
    ids=["told by an object of its own", "told by the first row of a column"],
)  # fmt: skip
async def test_a_device_is_asked_for_what_tells_it(
    tmp_path: Path, version: int, lines: list[str], expected: Identity
) -> None:
    agent = Agent(tmp_path, lines=lines)
    agent.start()
    try:
        access = Access(port=agent.port, community="public", timeout=5.0, retries=2, version=version)
        found = await reading.read(agent.address, access, shipped(), ["entity"], 60)
    finally:
        agent.stop()
    assert describing.identify(found, shipped()) == expected


async def test_a_device_is_asked_for_several_objects_at_once_and_no_more_when_it_falls_silent() -> None:
    port, seen, library = free_port(), list[int](), shipped()
    facts = engine.Facts(sys_object_id="1.3.6.1.4.1.8072.3.2.10", sys_descr="Linux box 5.10 x86_64")
    values = honest(system("box"))

    def answer(pdu: Pdu) -> object:
        seen.append(len(pdu.varbinds))
        return values(pdu) if len(seen) <= 2 else None

    async with serving("127.0.9.7", port, answer):  # type: ignore[arg-type]
        access = Access(port=port, community="public", timeout=0.05, retries=0)
        found = await reading.read("127.0.9.7", access, library, [], 20)
    assert describing.identify(found, library).os == "Linux"
    # Each of the two questions ends with its first part: the others would have gone unanswered, too.
    assert len(library.telling(facts)) > 2 * reading.AT_ONCE
    assert seen == [7, len(reading.SCALARS) - 7, reading.AT_ONCE, len(library.wanted(facts))]


async def test_addresses_that_many_devices_have_are_of_none_and_packages_have_versions() -> None:
    port = free_port()
    interface, kind = (1, 3, 6, 1, 2, 1, 4, 34, 1, 3), (1, 3, 6, 1, 2, 1, 4, 34, 1, 4)
    installed = (1, 3, 6, 1, 2, 1, 25, 6, 3, 1)
    values = system("box") | {
        (1, 3, 6, 1, 2, 1, 2, 2, 1, 2, 4): text("eth0"), (1, 3, 6, 1, 2, 1, 2, 2, 1, 3, 4): whole(6),
    }  # fmt: skip
    # Unicast, anycast and broadcast (RFC 4293); one whose kind the agent does not tell.
    for address, told in (("192.0.2.7", 1), ("192.0.2.8", 2), ("192.0.2.255", 3), ("198.51.100.7", None)):
        index = (1, 4, *map(int, address.split(".")))
        values |= {(*interface, *index): whole(4)} | ({} if told is None else {(*kind, *index): whole(told)})
    names = ["libc6_2.36-9+deb12u10_amd64", "libc6_2.36-9+deb12u10_i386", "kernel-core-5.14.0-427.el9.x86_64",
             "gcc-c++-11.4.1-3.el9", "Microsoft Edge", "python3-pip-22"]  # fmt: skip
    for number, name in enumerate(names, 1):
        values |= {(*installed, 2, number): text(name), (*installed, 4, number): whole(4)}
    async with serving("127.0.9.8", port, honest(values)):
        access = Access(port=port, community="public", timeout=2.0, retries=0)
        found = await reading.read("127.0.9.8", access, shipped(), ["if", "ip_new", "installed"], 20)
    told = describing.facts("127.0.9.8", found, Identity(), frozenset())
    assert told.addresses == ["127.0.9.8", "192.0.2.7", "198.51.100.7"]
    assert found.problems == []
    assert [(one["key"], one["name"], one["version"]) for one in told.software or ()] == [
        ("libc6", "libc6", "2.36-9+deb12u10"),
        ("libc6_2.36-9+deb12u10_i386", "libc6", "2.36-9+deb12u10"),
        ("kernel-core", "kernel-core", "5.14.0-427.el9"), ("gcc-c++", "gcc-c++", "11.4.1-3.el9"),
        ("Microsoft Edge", "Microsoft Edge", ""), ("python3-pip-22", "python3-pip-22", ""),
    ]  # fmt: skip


async def test_an_agent_that_shows_only_its_system_group_says_why_there_is_no_more(tmp_path: Path) -> None:
    # As Debian ships it.
    agent = Agent(tmp_path, lines=["view few included .1.3.6.1.2.1.1", "rocommunity narrow default -V few"])
    agent.start()
    try:
        access = Access(port=agent.port, community="narrow", timeout=5.0, retries=2)
        found = await reading.read(agent.address, access, shipped(), ["if", "storage"], 60)
    finally:
        agent.stop()
    assert [problem.partition(":")[0] for problem in found.problems] == ["It tells of no interfaces"]
