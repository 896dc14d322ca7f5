"""Hostile and odd packets: one clear error each, whatever comes."""

from __future__ import annotations

import base64
import contextlib
import time
from dataclasses import fields
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mainstay.kernel.signals import RawEvent
from mainstay.modules.monitoring.mibs.tree import standard_tree
from mainstay.modules.monitoring.snmp import ber, message, usm
from mainstay.modules.monitoring.snmp.ber import Malformed
from mainstay.modules.monitoring.snmp.message import Message, Pdu, Secured
from mainstay.modules.monitoring.traps import shapes
from mainstay.modules.monitoring.traps.cases import Setup
from mainstay.modules.monitoring.traps.decoder import Decoder
from mainstay.modules.monitoring.traps.doors import Door, Doors
from mainstay.modules.monitoring.traps.naming import Namer
from mainstay.modules.monitoring.traps.rules import Rule, make
from mainstay.modules.monitoring.traps.store import table_of

oids = st.tuples(st.integers(0, 1), st.integers(0, 39), *[st.integers(0, 2**32 - 1)] * 3) | st.lists(
    st.integers(0, 2**32 - 1), min_size=1, max_size=100
).map(lambda rest: (1, 3, *rest))
contents = st.tuples(st.sampled_from([*ber.TYPE_NAMES, 0x48, 0x30, 0xA1, 0x1F]), st.binary(max_size=300))


@settings(deadline=None)
@given(oids)
def test_an_object_identifier_comes_back_as_it_went(oid: tuple[int, ...]) -> None:
    assert ber.oid_of(ber.oid_bytes(oid)) == oid
    assert ber.parse_oid(".".join(map(str, oid))) == oid


@settings(deadline=None)
@given(st.integers(-(2**63), 2**63 - 1))
def test_a_number_comes_back_as_it_went(number: int) -> None:
    encoded = ber.integer(number)
    tag, start, stop = ber.tlv(encoded, 0, len(encoded))
    assert (tag, stop) == (ber.INTEGER, len(encoded))
    assert ber.signed(encoded[start:stop]) == number


@settings(deadline=None)
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
    stored = table_of(outcome.rows)
    assert stored["version"].to_pylist() == ["v2c", "v2c", "v1", "v3", "v3", "v3"]
    assert set(stored["name"].to_pylist()) == {"linkDown", "enterprises.9.0.42"}


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
TWICE = [*LINK, LINK[2], (ber.oid_bytes((1, 3, 6, 1, 2, 1, 2, 2, 1, 8, 3)), ber.INTEGER, b"\x02")]


def rules() -> dict[str, list[Rule]]:
    """What looks at variables in every way there is."""
    names = {"type": "alarm", "action": "raise", "severity": 2, "set_criteria": {}, "reset_criteria": {}}
    watched = {"condition": "and", "varbind": [{"key": "ifIndex", "condition": "greater", "value": 2}]}
    rows = [
        names | {"id": "a", "name": "A", "alarm_msg": "$ifDescr of $source", "reset_criteria": watched},
        names | {"id": "b", "name": "B", "set_criteria": watched, "stat_name": "ifIndex", "resource": "$1"},
        names | {"id": "c", "name": "C", "resource_var_bind": "ifDescr", "rca": {"raise_msg": "$*"}, "alarm_msg": "c"},
    ]
    oids = ("1.3.6.1.6.3.1.1.5.3", "1.3.6.1.4.1.9.0.42")
    return {oid: [rule for row in rows for rule in make(row)] for oid in oids}


@pytest.mark.parametrize("configured", [False, True])
@pytest.mark.parametrize("items", [LINK, FOR_ANOTHER, LONG, TWICE, LINK[:2], LINK[1:], None])
def test_the_short_ways_read_what_the_long_way_reads(
    items: list[Any] | None, configured: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shapes, "LEARNT", 1)
    packet = PACKETS[2] if items is None else message.encode(
        message.V2C, b"public", Pdu(message.TRAP, 7, 0, 0, items))  # fmt: skip
    changed = [packet, packet, *(packet[:at] for at in range(len(packet)))]
    for at in range(len(packet)):
        for bit in range(8):
            raw = bytearray(packet)
            raw[at] ^= 1 << bit
            changed.append(bytes(raw))
    given = [(raw, ("192.0.2.1", 9), 10**15) for raw in changed]
    shapely, short, long = decoder(), decoder(), decoder()
    if configured:
        for made in (shapely, short, long):
            made.setups["o"].rules = rules()
    monkeypatch.setattr(short, "_known", lambda *_: False)
    monkeypatch.setattr(long, "_known", lambda *_: False)
    monkeypatch.setattr(long, "_shortly", lambda *_: False)
    expected = long.take(given)
    assert len(expected.rows) >= 2
    for made in (short, shapely):
        # The second time all forms are known.
        for _ in range(2):
            got = made.take(given)
            columns = table_of(got.rows).drop_columns("id")
            assert columns.equals(table_of(expected.rows).drop_columns("id"))
            assert [event_of(event) for event in got.events] == [event_of(event) for event in expected.events]
        assert [2 * number for number in counted(long)] == counted(made)


def event_of(event: RawEvent) -> RawEvent:
    return msgspec.structs.replace(event, reference="")


def counted(made: Decoder) -> list[int]:
    return [getattr(made.counts, item.name) for item in fields(made.counts)]


def test_values_of_a_known_form_are_those_of_each_packet(monkeypatch: pytest.MonkeyPatch) -> None:
    made = decoder()
    given = []
    for at in range(60):
        items = [
            (message.SYS_UPTIME, ber.TIME_TICKS, bytes((1, at))), LINK[1], (LINK[2][0], ber.INTEGER, bytes((at % 5,))),
            (LINK[3][0], ber.OCTET_STRING, b"Gi0/%d" % (at % 5)),
            (ber.oid_bytes((1, 3, 6, 1, 4, 1, 9, 9)), ber.OCTET_STRING, b"number %02d" % at),
        ]  # fmt: skip
        packet = message.encode(message.V2C, b"public", Pdu(message.TRAP, 20 + at, 0, 0, items))
        given.append((packet, ("192.0.2.1" if at % 2 else "192.0.2.2", 9), 10**15 + at))
    read = []
    monkeypatch.setattr(made, "_one", lambda *given, real=made._one: (read.append(given), real(*given)))
    out = made.take(given)
    assert len(read) < 10
    for at, row in enumerate(table_of(out.rows).to_pylist()):
        assert (row["uptime"], row["resource"]) == (256 + at, f"Gi0/{at % 5}")
        assert dict(row["variables"])["1.3.6.1.4.1.9.9"] == f"number {at:02}"
        assert base64.b64decode(row["raw"]) == given[at][0]
        assert row["source"] == row["agent"] == given[at][1][0]
    assert len({row[1] for row in out.rows}) == 60
    assert sum(event.count for event in out.events) == 60
    assert made.accepted_from == {("o", "192.0.2.1"): 30, ("o", "192.0.2.2"): 30}


def test_a_known_form_is_refused_once_its_door_is_shut() -> None:
    made = decoder()
    given = [(PACKETS[0], ("192.0.2.1", 9), 10**15)] * 10
    assert len(made.take(given).rows) == 10
    made.doors = Doors([(b"other", Door("o", "c", "other"))])
    assert made.take(given).rows == []
    assert made.counts.refused == 10


def test_what_says_when_it_came_is_said_of_each_trap() -> None:
    made = decoder()
    row = {
        "id": "a",
        "name": "A",
        "type": "event",
        "action": "raise",
        "severity": 2,
        "alarm_msg": "up for $uptime",
        "set_criteria": {},
        "reset_criteria": {},
    }
    made.setups["o"].rules = {"1.3.6.1.6.3.1.1.5.3": make(row)}
    given = [
        (message.encode(message.V2C, b"public", Pdu(message.TRAP, 7, 0, 0, [
            (message.SYS_UPTIME, ber.TIME_TICKS, bytes((at,))), *LINK[1:]])), ("192.0.2.1", 9), 10**15)
        for at in range(20)
    ]  # fmt: skip
    assert [event.message for event in made.take(given).events] == [f"up for {at}" for at in range(20)]


def test_forms_that_never_come_again_take_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shapes, "ROOM", 20_000)
    monkeypatch.setattr(shapes, "LEARNT", 1)
    made = decoder()
    for at in range(2000):
        items = [*LINK, (ber.oid_bytes((1, 3, 6, 1, 4, 1, 9, at)), ber.OCTET_STRING, b"x")]
        packet = message.encode(message.V2C, b"public", Pdu(message.TRAP, 7, 0, 0, items))
        assert len(made.take([(packet, ("192.0.2.1", 9), 10**15)] * 2).rows) == 2
    kept = made._shapes._layouts
    assert 0 < sum(len(item.shapes) for layouts in kept.values() for item in layouts) < 200


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
    (stored,) = table_of([row]).to_pylist()
    assert (stored["uptime"], stored["variables"]) == (2**32 - 1, [("ifIndex", str(2**64 - 1))])


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
