"""A network that is not there: one process that answers SNMP for many addresses of 127.0.0.0/8.

    python -m bench.devices --port 16100 --count 100
    python -m bench.devices --port 16100 --count 1000 --ports 7

Each device answers as a recording of a switch would: system, interfaces, parts, neighbours (LLDP, CDP), bridge table.
Together they are a campus: two cores with an aggregate between them, distribution switches on both, access switches
below, every tenth with a neighbour that does not answer. The address asked is the address that answers. Ports count
what passes through them: octets (64 bits), errors and discards grow with the clock, and so does the uptime.
"""

from __future__ import annotations

import argparse
import socket
import struct
import time
from bisect import bisect_right
from functools import lru_cache
from ipaddress import ip_address

from mainstay.modules.monitoring.snmp import ber, message
from mainstay.modules.monitoring.snmp.ber import Oid
from mainstay.modules.monitoring.snmp.message import GET, GET_BULK, V2C, Pdu, Secured

FIRST, PORTS, SPREAD = int(ip_address("127.10.0.1")), 26, 24
MIB, LLDP = (1, 3, 6, 1, 2, 1), (1, 0, 8802, 1, 1, 2, 1)
IF, IFX, ENTITY, CDP = (
    (*MIB, 2, 2, 1),
    (*MIB, 31, 1, 1, 1),
    (*MIB, 47, 1, 1, 1, 1),
    (1, 3, 6, 1, 4, 1, 9, 9, 23, 1, 2, 1, 1),
)
UP_TIME = (*MIB, 1, 3, 0)
GROWING: dict[Oid, tuple[int, int]] = {
    (*IFX, 6): (ber.COUNTER64, 1_250_000), (*IFX, 10): (ber.COUNTER64, 400_000), (*IF, 13): (ber.COUNTER32, 0),
    (*IF, 14): (ber.COUNTER32, 0), (*IF, 19): (ber.COUNTER32, 0), (*IF, 20): (ber.COUNTER32, 0),
}  # fmt: skip
"""What a port counts, and by how much a second; a port more by its own number."""
Values = dict[Oid, tuple[int, bytes]]


def address(number: int) -> str:
    """The address of a device, from 0."""
    return str(ip_address(FIRST + number))


def mac(number: int, port: int = 0) -> bytes:
    return b"\x00\x1b" + struct.pack(">HB", number, port & 255) + b"\x01"


def name(number: int) -> str:
    return f"{'core' if number < 2 else 'dist' if number < 2 + SPREAD else 'access'}-{number:04d}"


def text(words: str) -> tuple[int, bytes]:
    return ber.OCTET_STRING, words.encode()


def whole(number: int) -> tuple[int, bytes]:
    return ber.INTEGER, number.to_bytes(number.bit_length() // 8 + 1, "big")


def links(count: int) -> dict[int, list[tuple[int, int, int]]]:
    """device → (port, other device, its port)"""
    made: dict[int, list[tuple[int, int, int]]] = {number: [] for number in range(count)}
    used = dict.fromkeys(range(count), 0)

    def wire(one: int, other: int) -> None:
        used[one] += 1
        used[other] += 1
        made[one].append((used[one], other, used[other]))
        made[other].append((used[other], one, used[one]))

    if count > 1:
        wire(0, 1)
        wire(0, 1)
    for number in range(2, min(count, 2 + SPREAD)):
        wire(number, 0)
        wire(number, 1)
    above = max(1, min(SPREAD, count - 2))
    for number in range(2 + SPREAD, count):
        wire(number, 2 + number % above)
    return made


def device(number: int, wires: list[tuple[int, int, int]], ports: int = 0) -> Values:
    """What the device answers, by name; ``ports``: how many it has, instead of what such a device has."""
    system = (*MIB, 1)
    made: Values = {
        (*system, 1, 0): text("Cisco IOS Software, C2960S Software (C2960S-UNIVERSALK9-M), Version 15.2(2)E9, RELEASE "
                              "SOFTWARE (fc4)"),
        (*system, 2, 0): (ber.OBJECT_IDENTIFIER, ber.oid_bytes((1, 3, 6, 1, 4, 1, 9, 1, 1208))),
        (*system, 3, 0): (ber.TIME_TICKS, b"\x10\x00\x00"), (*system, 5, 0): text(f"{name(number)}.example.net"),
        (*system, 7, 0): whole(6), (1, 3, 6, 1, 6, 3, 10, 2, 1, 1, 0): text(f"engine-{number}"),
        (*ENTITY, 2, 1): text("C2960S stack"), (*ENTITY, 4, 1): whole(0), (*ENTITY, 5, 1): whole(3),
        (*ENTITY, 11, 1): text(f"FOC{number:08d}"), (*ENTITY, 13, 1): text("WS-C2960S-24TS-L"),
    }  # fmt: skip
    ports = ports or (PORTS if number >= 2 + SPREAD else 80)
    for port in range(1, ports + 1):
        made |= {
            (*IF, 2, port): text(f"GigabitEthernet1/0/{port}"), (*IF, 3, port): whole(6),
            (*IF, 5, port): (ber.GAUGE32, b"\x3b\x9a\xca\x00"), (*IF, 6, port): (ber.OCTET_STRING, mac(number, port)),
            (*IF, 7, port): whole(1), (*IF, 8, port): whole(1), (*IFX, 1, port): text(f"Gi1/0/{port}"),
            (*IFX, 15, port): (ber.GAUGE32, b"\x03\xe8"), (*IFX, 18, port): text(""),
        }  # fmt: skip
        made |= {(*column, port): (tag, b"\0") for column, (tag, _rate) in GROWING.items()}
    if number < 2:
        made |= {(*IF, 2, 200): text("Port-channel1"), (*IF, 3, 200): whole(161), (*IFX, 1, 200): text("Po1")}
        for port in (1, 2):
            made[(1, 2, 840, 10006, 300, 43, 1, 2, 1, 1, 13, port)] = whole(200)
    heard = [(port, mac(other), f"Gi1/0/{far}", name(other)) for port, other, far in wires]
    if number % 10 == 7:
        heard.append((ports, b"\x00\xaa\xbb\xcc" + struct.pack(">H", number), "eth0", f"ap-{number}"))
    for port, chassis, far, called in heard:
        made |= {
            (*LLDP, 3, 7, 1, 2, port): whole(5), (*LLDP, 3, 7, 1, 3, port): text(f"Gi1/0/{port}"),
            (*LLDP, 4, 1, 1, 4, 0, port, 1): whole(4), (*LLDP, 4, 1, 1, 5, 0, port, 1): (ber.OCTET_STRING, chassis),
            (*LLDP, 4, 1, 1, 6, 0, port, 1): whole(5), (*LLDP, 4, 1, 1, 7, 0, port, 1): text(far),
            (*LLDP, 4, 1, 1, 9, 0, port, 1): text(f"{called}.example.net"),
            (*CDP, 6, port, 1): text(f"{called}.example.net"),
            (*CDP, 7, port, 1): text(far.replace("Gi", "GigabitEthernet")),
            (*CDP, 8, port, 1): text("cisco WS-C2960S-24TS-L"),
        }  # fmt: skip
    made |= {(*LLDP, 1, 3, 1, 0): whole(4), (*LLDP, 1, 3, 2, 0): (ber.OCTET_STRING, mac(number))}
    for port in range(1, ports + 1):
        made[(*MIB, 17, 1, 4, 1, 2, port)] = whole(port)
        if port > len(heard):
            made[(*MIB, 17, 4, 3, 1, 2, 2, 66, *struct.pack(">H", number), 0, port)] = whole(port)
    return made


class Network:
    """The devices; each is made when it is first asked, and then answers from what is encoded already."""

    def __init__(self, count: int, ports: int = 0) -> None:
        self.wires = links(count)
        self.ports = ports
        self.of = lru_cache(maxsize=None)(self._of)
        self.began = time.monotonic()

    def _of(self, number: int) -> tuple[dict[bytes, bytes | int], list[Oid], list[bytes]]:
        values = device(number, [] if self.ports else self.wires[number], self.ports)
        names = sorted(values)
        made: dict[bytes, bytes | int] = {}
        for one in names:
            grows = -1 if one == UP_TIME else GROWING.get(one[:-1], (0, 0))[1] * one[-1]
            name = ber.oid_bytes(one)
            made[name] = grows or ber.varbind(name, *values[one])
        return made, names, [ber.oid_bytes(one) for one in names]

    def _binding(self, name: bytes, made: bytes | int | None) -> bytes:
        if isinstance(made, bytes):
            return made
        if made is None:
            return ber.varbind(name, ber.NO_SUCH_OBJECT, b"")
        passed = time.monotonic() - self.began
        if made < 0:
            return ber.varbind(name, ber.TIME_TICKS, (int(passed * 100) + 1_048_576).to_bytes(4, "big"))
        return ber.varbind(name, ber.COUNTER64, int(passed * made).to_bytes(8, "big"))

    def answer(self, number: int, pdu: Pdu) -> bytes:
        """The encoded list of variable bindings."""
        values, names, encoded = self.of(number)
        if pdu.kind == GET:
            return ber.sequence(*[self._binding(item[0], values.get(item[0])) for item in pdu.varbinds])
        found: list[bytes] = []
        at = [bisect_right(names, ber.oid_of(item[0])) for item in pdu.varbinds]
        for turn in range(min(pdu.error_index, 60) if pdu.kind == GET_BULK else 1):
            for place, item in zip(at, pdu.varbinds, strict=True):
                if place + turn < len(names):
                    following = encoded[place + turn]
                    found.append(self._binding(following, values[following]))
                else:
                    found.append(ber.varbind(item[0], ber.END_OF_MIB_VIEW, b""))
        return ber.sequence(*found)


def serve(port: int, count: int, ports: int = 0) -> None:
    """Answer until the process is ended."""
    network = Network(count, ports)
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
    sock.setsockopt(socket.IPPROTO_IP, 8, 1)  # IP_PKTINFO: which address was asked
    sock.bind(("0.0.0.0", port))  # all of 127.0.0.0/8; what is not a device's address gets no answer
    print("ready", flush=True)
    while True:
        data, ancillary, _flags, sender = sock.recvmsg(65_535, 64)
        info = next((item[2] for item in ancillary if item[:2] == (socket.IPPROTO_IP, 8)), b"")
        asked = info[8:12]
        number = int.from_bytes(asked, "big") - FIRST
        if not 0 <= number < count:
            continue
        try:
            got = message.decode(data)
        except ber.Malformed:
            continue
        if isinstance(got, Secured) or not isinstance(got.pdu, Pdu) or got.community != b"public":
            continue
        zero = ber.integer(0)
        pdu = ber.element(
            message.RESPONSE, ber.integer(got.pdu.request_id) + zero + zero + network.answer(number, got.pdu)
        )
        source = [(socket.IPPROTO_IP, 8, struct.pack("=I4s4s", 0, asked, b"\0" * 4))]
        sock.sendmsg([ber.sequence(ber.integer(V2C), ber.string(b"public"), pdu)], source, 0, sender)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--ports", type=int, default=0, help="of every device; without it 26, or 80, with neighbours")
    given = parser.parse_args()
    serve(given.port, given.count, given.ports)
