"""Names that are asked together, again and again: the question is encoded once, the answer read against it."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from mainstay.modules.monitoring.snmp import ber
from mainstay.modules.monitoring.snmp.ber import INTEGER, NO_SUCH_INSTANCE, NULL, OBJECT_IDENTIFIER, Malformed, Varbind
from mainstay.modules.monitoring.snmp.message import GET, RESPONSE


class Values(NamedTuple):
    """What a device answered: the tags and the contents of values.

    ``signed``: where all of them are numbers of usual size, the places of those that may be negative.
    """

    tags: bytes
    contents: Sequence[bytes]
    signed: Sequence[int] | None = None


NUMBERS = ber.UNSIGNED | {INTEGER}
PER_NAME = 14
"""Bytes that a name takes in an answer besides its own: headers, and a counter of 64 bits."""


class Refused(Exception):
    """The device answered with an error."""

    def __init__(self, status: int, index: int) -> None:
        super().__init__(status, index)
        self.status = status
        self.index = index


class Batch:
    """The names (encoded) of one packet.

    A device answers the same question in the same form nearly always: only the request's number and the contents of
    the values differ, hardly ever their lengths. The form of the last answer is kept. An answer of that form is cut in
    one go and compared with it; any other is read element by element.
    """

    __slots__ = ("_asked", "_encoded", "_heads", "_parts", "_same", "_shape", "_signed", "_tags", "items")

    def __init__(self, names: Sequence[bytes]) -> None:
        self.items: list[Varbind] = [(name, NULL, b"") for name in names]
        self._heads = [ber.element(OBJECT_IDENTIFIER, name) for name in names]
        self._encoded = b"\x02\x01\x00\x02\x01\x00" + ber.varbinds(self.items)
        self._asked: tuple[int, bytes] | None = None
        self._parts = b"", b""
        self._shape: struct.Struct | None = None
        self._same: tuple[bytes, ...] = ()
        """What stands around the request's number and the contents."""
        self._tags = b""
        self._signed: Sequence[int] | None = None

    def request(self, version: int, community: bytes, request_id: int) -> bytes:
        """The question as a message of SNMPv1 or v2c."""
        number = request_id.to_bytes(4, "big", signed=True)
        if self._asked != (version, community):
            pdu = ber.element(GET, ber.element(INTEGER, number) + self._encoded)
            whole = ber.sequence(ber.integer(version), ber.string(community), pdu)
            at = len(whole) - len(self._encoded)
            self._asked, self._parts = (version, community), (whole[: at - 4], whole[at:])
        before, after = self._parts
        return before + number + after

    def values(self, packet: bytes, request_id: int) -> Values | None:
        """The values in an answer, in the order of the names; ``None``: it answers something else.

        Raises ``Malformed``, and ``Refused`` when the device answered an error.
        """
        shape = self._shape
        if shape is not None and shape.size == len(packet):
            parts = shape.unpack(packet)
            if parts[::2] == self._same and parts[1] == request_id.to_bytes(4, "big", signed=True):
                return Values(self._tags, parts[3::2], self._signed)
        at, end = ber.expect(packet, 0, len(packet), ber.SEQUENCE)
        if end != len(packet):
            raise Malformed("Bytes follow the message.")
        _version, at = ber.integer_at(packet, at, end)
        _start, at = ber.expect(packet, at, end, ber.OCTET_STRING)
        kind, at, end = ber.tlv(packet, at, end)
        if kind != RESPONSE:
            return None
        answered, numbered = ber.integer_at(packet, at, end)
        if answered != request_id:
            return None
        status, at = ber.integer_at(packet, numbered, end)
        index, at = ber.integer_at(packet, at, end)
        if status:
            raise Refused(status, index)
        found = ber.values_at(packet, at, end, self._heads)
        if found is None:
            return self.ordered(ber.varbinds_at(packet, at, end))
        answer = _values(found)
        if packet[numbered - 5] == 4 and end == len(packet):
            self._keep(packet, numbered, answer)
        return answer

    def _keep(self, packet: bytes, numbered: int, answer: Values) -> None:
        """Remember the form of an answer, whose request's number ends at ``numbered``."""
        lengths = [len(content) for content in answer.contents]
        # A binding is a head (its own tag and length, the name, those of the value) and a content.
        heads = [len(head) + 4 for head in self._heads]
        heads[0] = len(packet) - numbered - sum(lengths) - sum(heads[1:])
        sizes = [numbered - 4, 4, *(size for pair in zip(heads, lengths, strict=True) for size in pair)]
        shape = struct.Struct("".join(f"{size}s" for size in sizes))
        self._shape, self._same, self._tags = shape, shape.unpack(packet)[::2], answer.tags
        usual = NUMBERS.issuperset(answer.tags) and all(0 < length < 10 for length in lengths)
        self._signed = [at for at, tag in enumerate(answer.tags) if tag == INTEGER] if usual else None

    def ordered(self, answered: Iterable[Varbind]) -> Values:
        """Values by the order of the names; of a name that is not in the answer there is none."""
        known = {name: (tag, content) for name, tag, content in answered}
        return _values([known.get(item[0], (NO_SUCH_INSTANCE, b"")) for item in self.items])


def _values(found: Sequence[tuple[int, bytes]]) -> Values:
    return Values(bytes(tag for tag, _content in found), [content for _tag, content in found])


def batches(names: Iterable[bytes], budget: int) -> list[Batch]:
    """Batches of names whose answers take about ``budget`` bytes each."""
    made: list[Batch] = []
    waiting: list[bytes] = []
    size = 0
    for name in names:
        if waiting and size + len(name) + PER_NAME > budget:
            made.append(Batch(waiting))
            waiting, size = [], 0
        waiting.append(name)
        size += len(name) + PER_NAME
    return [*made, Batch(waiting)] if waiting else made
