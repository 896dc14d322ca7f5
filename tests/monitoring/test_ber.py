"""Hostile and odd packets: one clear error each, whatever comes."""

from __future__ import annotations

import contextlib
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mainstay.modules.monitoring.mibs.tree import standard_tree
from mainstay.modules.monitoring.snmp import ber, message, usm
from mainstay.modules.monitoring.snmp.ber import Malformed
from mainstay.modules.monitoring.snmp.message import Message, Pdu, Secured
from mainstay.modules.monitoring.traps.decoder import Decoder, Setup
from mainstay.modules.monitoring.traps.doors import Door, Doors
from mainstay.modules.monitoring.traps.naming import Namer
from mainstay.modules.monitoring.traps.store import table_of

oids = st.tuples(st.integers(0, 1), st.integers(0, 39), *[st.integers(0, 2**32 - 1)] * 3) | st.lists(
    st.integers(0, 2**32 - 1), min_size=1, max_size=100
).map(lambda rest: (1, 3, *rest))
contents = st.tuples(st.sampled_from([*ber.TYPE_NAMES, 0x48, 0x30, 0xA1, 0x1F]), st.binary(max_size=300))


@given(oids)
def test_an_object_identifier_comes_back_as_it_went(oid: tuple[int, ...]) -> None:
    assert ber.oid_of(ber.oid_bytes(oid)) == oid
    assert ber.parse_oid(".".join(map(str, oid))) == oid


@given(st.integers(-(2**63), 2**63 - 1))
def test_a_number_comes_back_as_it_went(number: int) -> None:
    encoded = ber.integer(number)
    tag, start, stop = ber.tlv(encoded, 0, len(encoded))
    assert (tag, stop) == (ber.INTEGER, len(encoded))
    assert ber.signed(encoded[start:stop]) == number


@given(st.lists(st.tuples(oids, contents), max_size=20), st.binary(max_size=40), st.integers(-(2**31), 2**31 - 1))
def test_a_message_comes_back_as_it_went(items: list[Any], community: bytes, request_id: int) -> None:
    varbinds = [(ber.oid_bytes(name), tag, value) for name, (tag, value) in items]
    packet = message.encode(message.V2C, community, Pdu(message.TRAP, request_id, 0, 0, varbinds))
    got = message.decode(packet)
    assert isinstance(got, Message)
    assert isinstance(got.pdu, Pdu)
    assert (got.community, got.pdu.request_id, got.pdu.varbinds) == (community, request_id, varbinds)


def decoder() -> Decoder:
    made = Decoder(usm.Engine(b"\x80\x00\x00\x00\x05abcdefgh", 1))
    users = [Door("o", "c", name, (), user) for name, user in USERS.items()]
    made.doors = Doors([(b"public", Door("o", "c", "public"))], users)
    made.setups = {"o": Setup(Namer(standard_tree()))}
    return made


USERS = {
    "plain": usm.User("plain"),
    "private": usm.User("private", "SHA-256", "correct-horse-1", "AES", "staple-battery-2"),
    "des": usm.User("des", "MD5", "correct-horse-1", "DES", "staple-battery-2"),
}
LINK = [
    (message.SYS_UPTIME, ber.TIME_TICKS, b"\x01\x02"),
    (message.TRAP_OID, ber.OBJECT_IDENTIFIER, message.STANDARD_TRAPS + b"\x03"),
    (ber.oid_bytes((1, 3, 6, 1, 2, 1, 2, 2, 1, 1, 3)), ber.INTEGER, b"\x03"),
    (ber.oid_bytes((1, 3, 6, 1, 2, 1, 2, 2, 1, 2, 3)), ber.OCTET_STRING, b"Gi0/3"),
]


def packets() -> list[bytes]:
    """A valid packet of each kind."""
    trap = Pdu(message.TRAP, 7, 0, 0, LINK)
    made = [message.encode(message.V2C, b"public", trap)]
    made.append(message.encode(message.V2C, b"public", Pdu(message.INFORM, 8, 0, 0, LINK)))
    v1 = ber.element(
        message.TRAP_V1,
        ber.element(6, ber.oid_bytes((1, 3, 6, 1, 4, 1, 9))) + ber.element(0x40, b"\x0a\x00\x00\x01")
        + ber.integer(6) + ber.integer(42) + ber.integer(99, ber.TIME_TICKS) + ber.varbinds(LINK[2:]),
    )  # fmt: skip
    made.append(ber.sequence(ber.integer(0), ber.string(b"public"), v1))
    for user in USERS.values():
        made.append(usm.seal(user, trap, message_id=5, engine_id=b"\x80\x00\x00\x00\x05sender", boots=3, engine_time=9))
    return made


PACKETS = packets()
ROW = decoder().take([(PACKETS[0], ("192.0.2.1", 9), 10**15)]).rows[0]


def test_valid_packets_of_every_kind_are_taken() -> None:
    outcome = decoder().take([(packet, ("192.0.2.1", 9), 10**15) for packet in PACKETS])
    assert [row[5] for row in outcome.rows] == ["v2c", "v2c", "v1", "v3", "v3", "v3"]
    assert {row[9] for row in outcome.rows} == {"linkDown", "enterprises.9.0.42"}


@settings(max_examples=400, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_end_in_one_error(packet: bytes) -> None:
    with contextlib.suppress(Malformed):
        message.decode(packet)
    assert decoder().take([(packet, ("192.0.2.1", 9), 10**15)]).rows == []


@settings(max_examples=1500, deadline=None)
@given(st.sampled_from(PACKETS), st.data())
def test_a_mutated_packet_never_breaks_the_decoder(packet: bytes, data: st.DataObject) -> None:
    raw = bytearray(packet)
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(raw) - 1))
        change = data.draw(st.sampled_from(["set", "cut", "insert", "double"]))
        if change == "set":
            raw[at] = data.draw(st.integers(0, 255))
        elif change == "cut":
            del raw[at : at + data.draw(st.integers(1, 30))]
        elif change == "insert":
            raw[at:at] = data.draw(st.binary(max_size=30))
        else:
            raw[at:at] = raw[at : at + 40]
        if not raw:
            break
    made = decoder()
    outcome = made.take([(bytes(raw), ("192.0.2.1", 9), 10**15)])
    counts = made.counts
    assert counts.failed == 0
    # What was taken fits the table.
    assert not outcome.rows or table_of(outcome.rows).num_rows == 1
    assert counts.accepted + counts.malformed + counts.refused + counts.other + len(outcome.answers) >= 1


FOR_ANOTHER = [*LINK, (message.TRAP_ADDRESS, ber.IP_ADDRESS, b"\x0a\x00\x00\x09")]
LONG = [*LINK, (ber.oid_bytes((1, 3, 6, 1, 4, 1, 9, 1)), ber.OCTET_STRING, b"x" * 200)]


@pytest.mark.parametrize("items", [LINK, FOR_ANOTHER, LONG, LINK[:2], LINK[1:]])
def test_the_short_way_reads_what_the_long_way_reads(items: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    packet = message.encode(message.V2C, b"public", Pdu(message.TRAP, 7, 0, 0, items))
    changed = [packet, packet, *(packet[:at] for at in range(len(packet)))]
    for at in range(len(packet)):
        for bit in range(8):
            raw = bytearray(packet)
            raw[at] ^= 1 << bit
            changed.append(bytes(raw))
    given = [(raw, ("192.0.2.1", 9), 10**15) for raw in changed]
    short, long = decoder(), decoder()
    monkeypatch.setattr(long, "_shortly", lambda *_: False)
    one, other = short.take(given), long.take(given)
    assert one.rows == other.rows
    assert len(one.rows) >= 2
    assert [(event.message, event.count, event.address) for event in one.events] == [
        (event.message, event.count, event.address) for event in other.events
    ]
    assert short.counts == long.counts


def test_every_prefix_and_every_flipped_bit_is_survived() -> None:
    made = decoder()
    for packet in PACKETS:
        for at in range(len(packet)):
            made.take([(packet[:at], ("192.0.2.1", 9), 10**15)])
            for bit in range(8):
                raw = bytearray(packet)
                raw[at] ^= 1 << bit
                table_of(made.take([(bytes(raw), ("192.0.2.1", 9), 10**15)]).rows or [ROW])
    assert made.counts.failed == 0
    assert len(made.strangers) <= 1000


@pytest.mark.parametrize(
    ("packet", "reason"),
    [
        (b"", "cut off"),
        (b"\x30\x80\x02\x01\x00\x00\x00", "length"),
        (b"\x30\x84\xff\xff\xff\xff", "longer"),
        (b"\x30\x89" + b"\x01" * 9, "length"),
        (b"\x30\x03\x02\x01\x09", "version"),
        (b"\x30\x03\x02\x01\x01", "cut off"),
        (b"\x30\x07\x02\x05" + b"\xff" * 5, "longer|version|size"),
        (b"\x31\x00", "tag"),
        (PACKETS[0] + b"\x00", "follow"),
        (ber.sequence(ber.integer(1), ber.string(b"public"), ber.element(0xA7, b"")), "cut off"),
        (ber.sequence(ber.integer(1), ber.string(b"public"), ber.element(0xBF, b"")), "PDU"),
    ],
)
def test_what_is_wrong_is_named(packet: bytes, reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        message.decode(packet)


def test_numbers_beyond_their_type_are_survived() -> None:
    uptime = (message.SYS_UPTIME, ber.TIME_TICKS, b"\x7f" + b"\xff" * 8)
    huge = (LINK[2][0], ber.COUNTER64, b"\x00" + b"\xff" * 8)
    packet = message.encode(message.V2C, b"public", Pdu(message.TRAP, 1, 0, 0, [uptime, LINK[1], huge]))
    (row,) = decoder().take([(packet, ("192.0.2.1", 9), 10**15)]).rows
    assert (row[10], row[15]) == (2**32 - 1, [("ifIndex", str(2**64 - 1))])
    assert table_of([row]).num_rows == 1


def test_limits_hold() -> None:
    with pytest.raises(Malformed, match="32 bits"):
        ber.oid_of(b"\x2b" + b"\xff" * 5 + b"\x7f")
    with pytest.raises(Malformed, match="cut off"):
        ber.oid_of(b"\x2b\x86")
    with pytest.raises(Malformed, match="128 numbers"):
        ber.oid_of(b"\x01" * 200)
    many = [(LINK[2][0], ber.NULL, b"")] * 2001
    with pytest.raises(Malformed, match="2000"):
        message.decode(message.encode(message.V2C, b"public", Pdu(message.TRAP, 1, 0, 0, many)))


def test_a_packet_full_of_nesting_costs_no_time() -> None:
    """64 KiB of element heads, each holding the rest."""
    nested = b"".join(b"\x30\x83" + (65000 - at * 5).to_bytes(3, "big") for at in range(12_000))
    started = time.perf_counter()
    made = decoder()
    made.take([(nested[:65000], ("192.0.2.1", 9), 10**15)] * 100)
    assert time.perf_counter() - started < 1
    assert made.counts.malformed == 100


def test_memory_stays_bounded_when_every_sender_is_new() -> None:
    made = decoder()
    for at in range(3000):
        address = f"10.{at >> 8}.{at & 255}.1"
        made.take([(message.encode(message.V2C, b"guess%d" % at, Pdu(message.TRAP, at, 0, 0, LINK)), (address, 9), 1)])
        sealed = usm.seal(USERS["plain"], Pdu(message.TRAP, 1, 0, 0, LINK), message_id=1, boots=1, engine_time=1,
                          engine_id=b"\x80\x00\x00\x00\x05" + at.to_bytes(4, "big"))  # fmt: skip
        made.take([(sealed, (address, 9), 1)])
    assert len(made.strangers) <= 1000
    assert len(made.accepted_from) <= 10_000


def test_an_old_message_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replays and late messages of an authenticated sender (RFC 3414, section 3.2)."""
    now = [1000.0]
    engine = usm.Engine(b"\x80\x00\x00\x00\x05abcdefgh", 1, monotonic=lambda: now[0])
    user = USERS["private"]

    def sent(boots: int, engine_time: int) -> Secured:
        packet = usm.seal(user, Pdu(message.TRAP, 1, 0, 0, LINK), message_id=1, boots=boots, engine_time=engine_time,
                          engine_id=b"\x80\x00\x00\x00\x05sender")  # fmt: skip
        got = message.decode(packet)
        assert isinstance(got, Secured)
        return got

    users = {b"private": user}
    engine.open(sent(3, 5000), users)
    engine.open(sent(3, 4900), users)
    now[0] += 100
    for boots, engine_time in ((3, 4900), (2, 9000)):
        with pytest.raises(usm.Refused, match="time window"):
            engine.open(sent(boots, engine_time), users)
    engine.open(sent(4, 1), users)
    with pytest.raises(usm.Refused, match="time window"):
        engine.open(sent(3, 6000), users)
