"""SNMP messages: versions 1, 2c and 3 as far as the security model's door; traps of all versions in one form."""

from __future__ import annotations

import msgspec

from mainstay.modules.monitoring.snmp import ber
from mainstay.modules.monitoring.snmp.ber import Malformed, Varbind

V1, V2C, V3 = 0, 1, 3
VERSION_NAMES = {V1: "v1", V2C: "v2c", V3: "v3"}

GET, GET_NEXT, RESPONSE, SET, TRAP_V1, GET_BULK, INFORM, TRAP, REPORT = range(0xA0, 0xA9)

SYS_UPTIME = ber.oid_bytes((1, 3, 6, 1, 2, 1, 1, 3, 0))
TRAP_OID = ber.oid_bytes((1, 3, 6, 1, 6, 3, 1, 1, 4, 1, 0))
TRAP_ENTERPRISE = ber.oid_bytes((1, 3, 6, 1, 6, 3, 1, 1, 4, 3, 0))
TRAP_ADDRESS = ber.oid_bytes((1, 3, 6, 1, 6, 3, 18, 1, 3, 0))
TRAP_COMMUNITY = ber.oid_bytes((1, 3, 6, 1, 6, 3, 18, 1, 4, 0))
STANDARD_TRAPS = ber.oid_bytes((1, 3, 6, 1, 6, 3, 1, 1, 5))

AUTHENTICATED, PRIVATE, REPORTABLE = 1, 2, 4
USM_MODEL = 3


class Pdu(msgspec.Struct, gc=False):
    """What is asked or answered. In a GetBulk request the two error fields are non-repeaters and repetitions."""

    kind: int
    request_id: int
    error_status: int
    error_index: int
    varbinds: list[Varbind]


class TrapV1(msgspec.Struct, gc=False):
    """The Trap-PDU of SNMPv1, whose form is its own."""

    enterprise: bytes
    agent: bytes
    generic: int
    specific: int
    uptime: int
    varbinds: list[Varbind]


class Message(msgspec.Struct, gc=False):
    """A message of SNMPv1 or v2c."""

    version: int
    community: bytes
    pdu: Pdu | TrapV1


class Secured(msgspec.Struct, kw_only=True):
    """A message of SNMPv3 whose security is not looked at yet; ``packet`` is all of it."""

    packet: bytes
    message_id: int
    max_size: int
    flags: int
    model: int
    engine_id: bytes
    boots: int
    time: int
    user: bytes
    digest: bytes
    digest_at: int
    salt: bytes
    body: bytes
    """The scoped PDU, or its ciphertext."""


class Begun(msgspec.Struct, gc=False):
    """A trap of version 2c read as far as its own variable bindings, which are at ``at`` to ``end`` of the packet."""

    community: bytes
    oid: bytes
    uptime: int
    at: int
    end: int


class Notification(msgspec.Struct, gc=False):
    """A trap or inform of any version, in the form of version 2."""

    oid: bytes
    uptime: int
    varbinds: list[Varbind]
    """Without the two that say what and when."""
    agent: str = ""
    """The address of the device that it is about, where the message says so."""
    enterprise: bytes = b""


def decode(packet: bytes) -> Message | Secured:
    """A received packet. Raises ``Malformed``."""
    at, end = ber.expect(packet, 0, len(packet), ber.SEQUENCE)
    if end != len(packet):
        raise Malformed("Bytes follow the message.")
    version, at = ber.integer_at(packet, at, end)
    if version in (V1, V2C):
        community, at = ber.string_at(packet, at, end)
        return Message(version, community, pdu_at(packet, at, end))
    if version == V3:
        return _secured(packet, at, end)
    raise Malformed(f"There is no SNMP version with the number {version}.")


def pdu_at(data: bytes, at: int, end: int) -> Pdu | TrapV1:
    """The PDU at ``at``, which must be the last element before ``end``."""
    kind, at, stop = ber.tlv(data, at, end)
    if stop != end:
        raise Malformed("Bytes follow the PDU.")
    if kind == TRAP_V1:
        return _trap_v1(data, at, end)
    if not GET <= kind <= REPORT:
        raise Malformed(f"There is no PDU with the tag {kind:#04x}.")
    request_id, at = ber.integer_at(data, at, end)
    status, at = ber.integer_at(data, at, end)
    index, at = ber.integer_at(data, at, end)
    return Pdu(kind, request_id, status, index, ber.varbinds_at(data, at, end))


def _trap_v1(data: bytes, at: int, end: int) -> TrapV1:
    start, at = ber.expect(data, at, end, ber.OBJECT_IDENTIFIER)
    enterprise = data[start:at]
    start, at = ber.expect(data, at, end, ber.IP_ADDRESS)
    agent = data[start:at]
    if len(agent) != 4 or not enterprise:
        raise Malformed("The trap has a broken enterprise or agent address.")
    generic, at = ber.integer_at(data, at, end)
    specific, at = ber.integer_at(data, at, end)
    start, at = ber.expect(data, at, end, ber.TIME_TICKS)
    uptime = ticks(data[start:at])
    return TrapV1(enterprise, agent, generic, specific, uptime, ber.varbinds_at(data, at, end))


def _secured(packet: bytes, at: int, end: int) -> Secured:
    start, at = ber.expect(packet, at, end, ber.SEQUENCE)
    message_id, start = ber.integer_at(packet, start, at)
    max_size, start = ber.integer_at(packet, start, at)
    flags, start = ber.string_at(packet, start, at)
    model, start = ber.integer_at(packet, start, at)
    if start != at or len(flags) != 1 or model != USM_MODEL:
        raise Malformed("The header of the SNMPv3 message is broken, or its security model is not the user-based one.")
    start, at = ber.expect(packet, at, end, ber.OCTET_STRING)
    body = packet[at:end]
    inner, stop = ber.expect(packet, start, at, ber.SEQUENCE)
    if stop != at:
        raise Malformed("Bytes follow the security parameters.")
    engine_id, inner = ber.string_at(packet, inner, stop)
    boots, inner = ber.integer_at(packet, inner, stop)
    time, inner = ber.integer_at(packet, inner, stop)
    user, inner = ber.string_at(packet, inner, stop)
    digest, inner = ber.string_at(packet, inner, stop)
    digest_at = inner - len(digest)
    salt, inner = ber.string_at(packet, inner, stop)
    if inner != stop or len(engine_id) > 32 or len(user) > 32 or boots < 0 or time < 0:
        raise Malformed("The security parameters of the SNMPv3 message are broken.")
    return Secured(packet=packet, message_id=message_id, max_size=max_size, flags=flags[0], model=model,
                   engine_id=engine_id, boots=boots, time=time, user=user, digest=digest, digest_at=digest_at,
                   salt=salt, body=body)  # fmt: skip


def scoped(data: bytes) -> tuple[bytes, bytes, Pdu]:
    """Context engine, context name and PDU of a scoped PDU. Padding may follow it (RFC 3414, section 8)."""
    at, end = ber.expect(data, 0, len(data), ber.SEQUENCE)
    engine, at = ber.string_at(data, at, end)
    name, at = ber.string_at(data, at, end)
    pdu = pdu_at(data, at, end)
    if isinstance(pdu, TrapV1):
        raise Malformed("SNMPv3 does not carry traps of version 1.")
    return engine, name, pdu


def encode_pdu(pdu: Pdu) -> bytes:
    return ber.element(
        pdu.kind,
        ber.integer(pdu.request_id)
        + ber.integer(pdu.error_status)
        + ber.integer(pdu.error_index)
        + ber.varbinds(pdu.varbinds),
    )


def encode_scoped(engine: bytes, name: bytes, pdu: Pdu) -> bytes:
    return ber.sequence(ber.string(engine), ber.string(name), encode_pdu(pdu))


def encode(version: int, community: bytes, pdu: Pdu) -> bytes:
    """A message of SNMPv1 or v2c."""
    return ber.sequence(ber.integer(version), ber.string(community), encode_pdu(pdu))


def notification(pdu: Pdu | TrapV1) -> Notification:
    """A trap or inform in the form of version 2 (RFC 3584, section 3.1). Raises ``Malformed``."""
    if isinstance(pdu, TrapV1):
        return _from_v1(pdu)
    if pdu.kind not in (TRAP, INFORM):
        raise Malformed("The message is neither a trap nor an inform.")
    items = pdu.varbinds
    # In this order by RFC 3416; some agents leave the time out.
    at, uptime = 0, 0
    if items and items[0][0] == SYS_UPTIME:
        uptime, at = ticks(items[0][2]), 1
    if len(items) <= at or items[at][0] != TRAP_OID or items[at][1] != ber.OBJECT_IDENTIFIER or not items[at][2]:
        raise Malformed("The notification does not say what it is: snmpTrapOID.0 is missing.")
    made = Notification(items[at][2], uptime, items[at + 1 :])
    for name, tag, value in made.varbinds:
        if name == TRAP_ADDRESS and tag == ber.IP_ADDRESS:
            made.agent = ber.address(value)
        elif name == TRAP_ENTERPRISE and tag == ber.OBJECT_IDENTIFIER:
            made.enterprise = value
    return made


_UPTIME = ber.element(ber.OBJECT_IDENTIFIER, SYS_UPTIME) + bytes((ber.TIME_TICKS,))
TRAP_IDENTITY = ber.element(ber.OBJECT_IDENTIFIER, TRAP_OID) + bytes((ber.OBJECT_IDENTIFIER,))
"""What stands before the identity of a trap of version 2."""


def begun(packet: bytes) -> Begun | None:
    """A trap of version 2c that begins as nearly all do; ``None`` for whatever else. Raises ``Malformed``."""
    at, end = ber.expect(packet, 0, len(packet), ber.SEQUENCE)
    if end != len(packet) or not packet.startswith(b"\x02\x01\x01", at):
        return None
    community, at = ber.string_at(packet, at + 3, end)
    if packet[at : at + 1] != b"\xa7":
        return None
    at, stop = ber.expect(packet, at, end, TRAP)
    _request, at = ber.integer_at(packet, at, stop)
    if not packet.startswith(b"\x02\x01\x00\x02\x01\x00", at):
        return None
    at, last = ber.expect(packet, at + 6, stop, ber.SEQUENCE)
    if not last == stop == end:
        return None
    inner, at = ber.expect(packet, at, end, ber.SEQUENCE)
    if not packet.startswith(_UPTIME, inner):
        return None
    start, stop = ber.expect(packet, inner + len(_UPTIME) - 1, at, ber.TIME_TICKS)
    uptime = ticks(packet[start:stop])
    inner, last = ber.expect(packet, at, end, ber.SEQUENCE)
    if stop != at or not packet.startswith(TRAP_IDENTITY, inner):
        return None
    start, stop = ber.expect(packet, inner + len(TRAP_IDENTITY) - 1, last, ber.OBJECT_IDENTIFIER)
    if stop != last or start == stop:
        return None
    return Begun(community, packet[start:stop], uptime, last, end)


def spans(packet: bytes) -> list[tuple[int, int, bytes, int]]:
    """Where the values are in a well-made trap of version 1 or 2c: that of its request's id (empty in version 1), that
    of its uptime, and those of its own variable bindings, each with the binding's name and tag."""
    _tag, at, end = ber.tlv(packet, 0, len(packet))
    for _ in ("version", "community"):
        _tag, _start, at = ber.tlv(packet, at, end)
    kind, at, end = ber.tlv(packet, at, end)
    old = kind == TRAP_V1
    for _ in ("enterprise", "agent", "generic", "specific") if old else ():
        _tag, _start, at = ber.tlv(packet, at, end)
    tag, start, at = ber.tlv(packet, at, end)
    found = [(start, start, b"", tag), (start, at, b"", tag)] if old else [(start, at, b"", tag)]
    for _ in () if old else ("error status", "error index"):
        _tag, _start, at = ber.tlv(packet, at, end)
    _tag, at, end = ber.tlv(packet, at, end)
    while at < end:
        _tag, inner, stop = ber.tlv(packet, at, end)
        _tag, named, inner = ber.tlv(packet, inner, stop)
        tag, start, at = ber.tlv(packet, inner, stop)
        found.append((start, at, packet[named:inner], tag))
    if not old:
        # What the trap is belongs to its form.
        del found[2]
    return found


def ticks(content: bytes) -> int:
    """Hundredths of a second, which wrap at 32 bits whatever the sender puts there."""
    return ber.unsigned(content) & 0xFFFFFFFF


def _from_v1(pdu: TrapV1) -> Notification:
    if 0 <= pdu.generic <= 5:
        oid = STANDARD_TRAPS + bytes((pdu.generic + 1,))
    else:
        oid = ber.oid_bytes((*ber.oid_of(pdu.enterprise), 0, pdu.specific))
    agent = "" if pdu.agent == b"\x00\x00\x00\x00" else ber.address(pdu.agent)
    return Notification(oid, pdu.uptime, pdu.varbinds, agent, pdu.enterprise)
