"""The basic encoding rules as far as SNMP uses them (RFC 3417, section 8).

Decoding works on slices of the packet and builds nothing that was not asked for: a variable binding stays
``(name, tag, value)`` in its encoded form until somebody wants the number or the text in it. Whatever is wrong with
the input ends in ``Malformed``.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address

INTEGER = 0x02
OCTET_STRING = 0x04
NULL = 0x05
OBJECT_IDENTIFIER = 0x06
SEQUENCE = 0x30
IP_ADDRESS = 0x40
COUNTER32 = 0x41
GAUGE32 = 0x42
TIME_TICKS = 0x43
OPAQUE = 0x44
NSAP_ADDRESS = 0x45
COUNTER64 = 0x46
UINTEGER32 = 0x47
NO_SUCH_OBJECT = 0x80
NO_SUCH_INSTANCE = 0x81
END_OF_MIB_VIEW = 0x82

TYPE_NAMES = {
    INTEGER: "INTEGER", OCTET_STRING: "OCTET STRING", NULL: "NULL", OBJECT_IDENTIFIER: "OBJECT IDENTIFIER",
    IP_ADDRESS: "IpAddress", COUNTER32: "Counter32", GAUGE32: "Gauge32", TIME_TICKS: "TimeTicks", OPAQUE: "Opaque",
    NSAP_ADDRESS: "NsapAddress", COUNTER64: "Counter64", UINTEGER32: "UInteger32", NO_SUCH_OBJECT: "noSuchObject",
    NO_SUCH_INSTANCE: "noSuchInstance", END_OF_MIB_VIEW: "endOfMibView",
}  # fmt: skip
EXCEPTIONS = frozenset({NO_SUCH_OBJECT, NO_SUCH_INSTANCE, END_OF_MIB_VIEW})
UNSIGNED = frozenset({COUNTER32, GAUGE32, TIME_TICKS, COUNTER64, UINTEGER32})

MAX_VARBINDS = 2000
MAX_SUBIDS = 128
MAX_SUBID = 2**32 - 1

Varbind = tuple[bytes, int, bytes]
"""Name (content of an encoded OID), tag and content of the value."""
Oid = tuple[int, ...]


class Malformed(ValueError):
    """Bytes that are not what they should be."""


def tlv(data: bytes, at: int, end: int) -> tuple[int, int, int]:
    """Tag, start and end of the content of the element at ``at``, which must end before ``end``."""
    if at + 2 > end:
        raise Malformed("The packet is cut off.")
    tag, length = data[at], data[at + 1]
    at += 2
    if length > 127:
        size = length & 127
        if not 1 <= size <= 4 or at + size > end:
            raise Malformed("A length is not acceptable.")
        length = int.from_bytes(data[at : at + size], "big")
        at += size
    stop = at + length
    if stop > end:
        raise Malformed("An element is longer than what holds it.")
    return tag, at, stop


def expect(data: bytes, at: int, end: int, tag: int) -> tuple[int, int]:
    """Start and end of the content of an element that must have this tag."""
    # Lengths of one byte, and the two that a message of ordinary size has, without another call.
    if at + 3 <= end and data[at] == tag:
        length = data[at + 1]
        if length < 128:
            if (stop := at + 2 + length) <= end:
                return at + 2, stop
        elif length == 0x81 and (stop := at + 3 + data[at + 2]) <= end:
            return at + 3, stop
    found, start, stop = tlv(data, at, end)
    if found != tag:
        raise Malformed(f"Found tag {found:#04x} where {tag:#04x} belongs.")
    return start, stop


def integer_at(data: bytes, at: int, end: int) -> tuple[int, int]:
    """A signed INTEGER of at most 32 bits, and where it ends."""
    if at + 2 < end and data[at] == INTEGER and 0 < (size := data[at + 1]) < 6 and (stop := at + 2 + size) <= end:
        return int.from_bytes(data[at + 2 : stop], "big", signed=True), stop
    start, stop = expect(data, at, end, INTEGER)
    if not 1 <= stop - start <= 5:
        raise Malformed("An integer has a wrong size.")
    return int.from_bytes(data[start:stop], "big", signed=True), stop


def string_at(data: bytes, at: int, end: int) -> tuple[bytes, int]:
    """An OCTET STRING, and where it ends."""
    start, stop = expect(data, at, end, OCTET_STRING)
    return data[start:stop], stop


def varbinds_at(data: bytes, at: int, end: int) -> list[Varbind]:
    """The list of variable bindings at ``at``, which must be the last element before ``end``."""
    at, stop = expect(data, at, end, SEQUENCE)
    if stop != end:
        raise Malformed("Bytes follow the variable bindings.")
    found: list[Varbind] = []
    try:
        while at < end:
            # The common short form by hand: this loop is where a trap's time goes.
            size, named = data[at + 1], data[at + 3]
            stop, value = at + 2 + size, at + 4 + named
            if (
                size < 128
                and 0 < named < 128
                and stop <= end
                and data[at] == SEQUENCE
                and data[at + 2] == OBJECT_IDENTIFIER
                and (held := data[value + 1]) < 128
                and value + 2 + held == stop
            ):
                found.append((data[at + 4 : value], data[value], data[value + 2 : stop]))
                at = stop
            else:
                item, at = varbind_at(data, at, end)
                found.append(item)
    except IndexError:
        raise Malformed("A variable binding is broken.") from None
    if len(found) > MAX_VARBINDS:
        raise Malformed(f"The packet has more than {MAX_VARBINDS} variable bindings.")
    return found


def varbind_at(data: bytes, at: int, end: int) -> tuple[Varbind, int]:
    """A variable binding with lengths of any form, and where it ends."""
    inner, stop = expect(data, at, end, SEQUENCE)
    start, value = expect(data, inner, stop, OBJECT_IDENTIFIER)
    tag, content, last = tlv(data, value, stop)
    if last != stop or value == start:
        raise Malformed("A variable binding is broken.")
    return (data[start:value], tag, data[content:stop]), stop


def values_at(data: bytes, at: int, end: int, heads: Sequence[bytes]) -> list[tuple[int, bytes]] | None:
    """Tags and contents of a list of variable bindings that has just these names (``heads``: encoded, with tag and
    length); ``None`` for any other list, which ``varbinds_at`` reads."""
    at, stop = expect(data, at, end, SEQUENCE)
    if stop != end:
        return None
    found: list[tuple[int, bytes]] = []
    try:
        for head in heads:
            size = data[at + 1]
            # Only the short form: both lengths below 128, and the value ends where its binding does.
            if data[at] != SEQUENCE or size > 127 or not data.startswith(head, at + 2):
                return None
            value = at + 2 + len(head)
            content, at = value + 2, at + 2 + size
            if at > end or data[value + 1] > 127 or content + data[value + 1] != at:
                return None
            found.append((data[value], data[content:at]))
    except IndexError:
        return None
    return found if at == end else None


def oid_of(content: bytes) -> Oid:
    """The numbers of an encoded object identifier."""
    if not content or content[-1] & 0x80:
        raise Malformed("An object identifier is cut off.")
    parts: list[int] = []
    number = 0
    for byte in content:
        number = (number << 7) | (byte & 0x7F)
        if byte & 0x80:
            if number > MAX_SUBID:
                raise Malformed("An object identifier has a number beyond 32 bits.")
            continue
        if not parts:
            first = min(number // 40, 2)
            parts = [first, number - 40 * first]
        else:
            if number > MAX_SUBID:
                raise Malformed("An object identifier has a number beyond 32 bits.")
            parts.append(number)
        number = 0
    if len(parts) > MAX_SUBIDS:
        raise Malformed(f"An object identifier has more than {MAX_SUBIDS} numbers.")
    return tuple(parts)


def oid_text(content: bytes) -> str:
    """An encoded object identifier in dotted form."""
    return ".".join(map(str, oid_of(content)))


def oid_bytes(oid: Sequence[int]) -> bytes:
    """The content of an encoded object identifier. Raises ``Malformed`` for numbers that make none."""
    if len(oid) < 2 or not 0 <= oid[0] <= 2 or (oid[0] < 2 and oid[1] > 39) or len(oid) > MAX_SUBIDS:
        raise Malformed("This is no object identifier.")
    out = bytearray()
    for number in (oid[0] * 40 + oid[1], *oid[2:]):
        if not 0 <= number <= MAX_SUBID + 80:
            raise Malformed("An object identifier has a number beyond 32 bits.")
        if number < 128:
            out.append(number)
            continue
        part = [number & 0x7F]
        while number := number >> 7:
            part.append((number & 0x7F) | 0x80)
        out.extend(reversed(part))
    return bytes(out)


def parse_oid(text: str) -> Oid:
    """The numbers of a dotted object identifier; a leading dot is fine. Raises ``Malformed``."""
    parts = text.strip().removeprefix(".").split(".")
    if len(parts) > MAX_SUBIDS or not all(part.isascii() and part.isdigit() and len(part) < 11 for part in parts):
        raise Malformed(f"{text[:60]!r} is no object identifier.")
    return tuple(map(int, parts))


def signed(content: bytes) -> int:
    """The number in an INTEGER."""
    if not 1 <= len(content) <= 8:
        raise Malformed("An integer has a wrong size.")
    return int.from_bytes(content, "big", signed=True)


def unsigned(content: bytes) -> int:
    """The number in a counter, gauge or time; senders that forget the leading zero are understood."""
    if not 1 <= len(content) <= 9:
        raise Malformed("A counter has a wrong size.")
    return int.from_bytes(content, "big")


def plain(tag: int, content: bytes) -> int | str | bytes | None:
    """A value as Python knows it: numbers, addresses and object identifiers as text, octets as they are."""
    if tag == INTEGER:
        return signed(content)
    if tag in UNSIGNED:
        return unsigned(content)
    if tag == OBJECT_IDENTIFIER:
        return oid_text(content)
    if tag == IP_ADDRESS:
        return address(content)
    if tag == NULL or tag in EXCEPTIONS:
        return None
    if tag == OPAQUE:
        return opaque(content)
    return content


def opaque(content: bytes) -> str | bytes:
    """Floats travel as Opaque with an inner tag; other content stays as it is."""
    for prefix, form in ((b"\x9f\x78\x04", ">f"), (b"\x9f\x79\x08", ">d")):
        if content.startswith(prefix) and len(content) == 3 + struct.calcsize(form):
            return f"{struct.unpack(form, content[3:])[0]:.7g}"
    return content


def address(content: bytes) -> str:
    """An IpAddress in dotted form."""
    if len(content) != 4:
        raise Malformed("An IP address does not have four bytes.")
    return str(IPv4Address(content))


def element(tag: int, content: bytes) -> bytes:
    """An encoded element."""
    size = len(content)
    if size < 128:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


def integer(number: int, tag: int = INTEGER) -> bytes:
    """An encoded number, of the fewest bytes; unsigned types get a leading zero where they need one."""
    return element(tag, number.to_bytes((8 + (number + (number < 0)).bit_length()) // 8, "big", signed=True))


def string(content: bytes) -> bytes:
    return element(OCTET_STRING, content)


def sequence(*parts: bytes) -> bytes:
    return element(SEQUENCE, b"".join(parts))


def varbind(name: bytes, tag: int, content: bytes) -> bytes:
    """An encoded variable binding."""
    named, size = len(name), len(content)
    if named + size < 124:
        return bytes((SEQUENCE, named + size + 4, OBJECT_IDENTIFIER, named)) + name + bytes((tag, size)) + content
    return sequence(element(OBJECT_IDENTIFIER, name), element(tag, content))


def varbinds(items: Iterable[Varbind]) -> bytes:
    """An encoded list of variable bindings."""
    return sequence(*[varbind(*item) for item in items])
