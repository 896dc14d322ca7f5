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
from tests.monitoring.scripted import honest, serving, system

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
