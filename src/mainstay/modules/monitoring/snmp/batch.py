"""Names that are asked together, again and again: the question is encoded once, the answer read against it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mainstay.modules.monitoring.snmp import ber
from mainstay.modules.monitoring.snmp.ber import NO_SUCH_INSTANCE, NULL, OBJECT_IDENTIFIER, Malformed, Varbind
from mainstay.modules.monitoring.snmp.message import GET, RESPONSE

Value = tuple[int, bytes]
"""Tag and content."""
PER_NAME = 14
"""Bytes that a name takes in an answer besides its own: headers, and a counter of 64 bits."""


class Refused(Exception):
    """The device answered with an error."""

    def __init__(self, status: int, index: int) -> None:
        super().__init__(status, index)
        self.status = status
        self.index = index


class Batch:
    """The names (encoded) of one packet."""

    __slots__ = ("_encoded", "_heads", "items")

    def __init__(self, names: Sequence[bytes]) -> None:
        self.items: list[Varbind] = [(name, NULL, b"") for name in names]
        self._heads = [ber.element(OBJECT_IDENTIFIER, name) for name in names]
        self._encoded = b"\x02\x01\x00\x02\x01\x00" + ber.varbinds(self.items)

    def request(self, version: int, community: bytes, request_id: int) -> bytes:
        """The question as a message of SNMPv1 or v2c."""
        pdu = ber.element(GET, ber.integer(request_id) + self._encoded)
        return ber.sequence(ber.integer(version), ber.string(community), pdu)

    def values(self, packet: bytes, request_id: int) -> list[Value] | None:
        """The values in an answer, in the order of the names; ``None``: it answers something else.

        Raises ``Malformed``, and ``Refused`` when the device answered an error.
        """
        at, end = ber.expect(packet, 0, len(packet), ber.SEQUENCE)
        if end != len(packet):
            raise Malformed("Bytes follow the message.")
        _version, at = ber.integer_at(packet, at, end)
        _start, at = ber.expect(packet, at, end, ber.OCTET_STRING)
        kind, at, end = ber.tlv(packet, at, end)
        if kind != RESPONSE:
            return None
        answered, at = ber.integer_at(packet, at, end)
        if answered != request_id:
            return None
        status, at = ber.integer_at(packet, at, end)
        index, at = ber.integer_at(packet, at, end)
        if status:
            raise Refused(status, index)
        found = ber.values_at(packet, at, end, self._heads)
        return found if found is not None else self.ordered(ber.varbinds_at(packet, at, end))

    def ordered(self, answered: Iterable[Varbind]) -> list[Value]:
        """Values by the order of the names; of a name that is not in the answer there is none."""
        known = {name: (tag, content) for name, tag, content in answered}
        return [known.get(item[0], (NO_SUCH_INSTANCE, b"")) for item in self.items]


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
