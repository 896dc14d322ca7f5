"""SNMP agents that answer what a test wants: from a table of values, or as no agent should."""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

from mainstay.modules.monitoring.snmp import ber, message
from mainstay.modules.monitoring.snmp.ber import Oid, Varbind
from mainstay.modules.monitoring.snmp.message import GET, GET_BULK, V2C, Pdu, Secured

Values = Mapping[Oid, tuple[int, bytes]]
Answer = Callable[[Pdu], list[Varbind] | None]


def text(words: str) -> tuple[int, bytes]:
    return ber.OCTET_STRING, words.encode()


def whole(number: int) -> tuple[int, bytes]:
    return ber.INTEGER, number.to_bytes((number.bit_length() + 8) // 8, "big", signed=True)


def system(
    name: str, oid: str = "1.3.6.1.4.1.8072.3.2.10", descr: str = "Linux box 5.10 x86_64"
) -> dict[Oid, tuple[int, bytes]]:
    top = (1, 3, 6, 1, 2, 1, 1)
    return {
        (*top, 1, 0): text(descr), (*top, 2, 0): (ber.OBJECT_IDENTIFIER, ber.oid_bytes(ber.parse_oid(oid))),
        (*top, 3, 0): (ber.TIME_TICKS, b"\x10\x00"), (*top, 5, 0): text(name),
        (1, 3, 6, 1, 6, 3, 10, 2, 1, 1, 0): text(f"engine-{name}"),
    }  # fmt: skip


def honest(values: Values) -> Answer:
    """What a correct agent with these values answers."""
    names = sorted(values)

    def after(name: Oid) -> Varbind:
        at = bisect_right(names, name)
        if at == len(names):
            return ber.oid_bytes(name), ber.END_OF_MIB_VIEW, b""
        return ber.oid_bytes(names[at]), *values[names[at]]

    def answer(pdu: Pdu) -> list[Varbind]:
        asked = [ber.oid_of(item[0]) for item in pdu.varbinds]
        if pdu.kind == GET:
            return [(ber.oid_bytes(name), *values.get(name, (ber.NO_SUCH_OBJECT, b""))) for name in asked]
        found: list[Varbind] = []
        for _ in range(pdu.error_index if pdu.kind == GET_BULK else 1):
            batch = [after(name) for name in asked]
            found += batch
            asked = [ber.oid_of(item[0]) for item in batch]
            if all(item[1] == ber.END_OF_MIB_VIEW for item in batch):
                break
        return found

    return answer


class _Served(asyncio.DatagramProtocol):
    def __init__(self, answer: Answer, numbered: Callable[[int], int]) -> None:
        self.answer, self.numbered = answer, numbered
        self.asked = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        self.asked += 1
        got = message.decode(data)
        if isinstance(got, Secured) or not isinstance(got.pdu, Pdu) or got.community != b"public":
            return
        found = self.answer(got.pdu)
        if found is not None:
            pdu = Pdu(message.RESPONSE, self.numbered(got.pdu.request_id), 0, 0, found)
            self.transport.sendto(message.encode(V2C, b"public", pdu), address)  # type: ignore[attr-defined]


@asynccontextmanager
async def serving(
    address: str, port: int, answer: Answer, numbered: Callable[[int], int] = int
) -> AsyncIterator[_Served]:
    """An agent on this address while the block runs. ``numbered``: the id that it answers a request's id with."""
    loop = asyncio.get_running_loop()
    transport, served = await loop.create_datagram_endpoint(
        lambda: _Served(answer, numbered), local_addr=(address, port)
    )
    yield served
    transport.close()
    await asyncio.sleep(0)  # its socket is closed in the next turn
