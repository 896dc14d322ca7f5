"""What a collector at another site received, and how it gets into this installation.

A collector writes *records* (a kind and bytes) into segments and hands those over in order. Each area registers the
kinds that it knows what to do with; areas that must not import each other meet here.

    @hand_over("syslog")
    async def lines(platform, given: HandOver) -> None: ...

A handler has stored everything when it returns. It may be called again with the same ``token`` after a failure or a
crash: what is stored under a token is stored once.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from mainstay.kernel.intake.batch import Batch

if TYPE_CHECKING:
    from mainstay.kernel.platform import Platform

HEAD = struct.Struct("<II")
"""Before each record: the length of what follows, and its CRC-32."""
RECORD_BYTES = 32 * 2**20
"""The largest record; a batch of datagrams is half of that at most."""


class Damaged(ValueError):
    """Bytes that are no records."""


class HandOver(msgspec.Struct, kw_only=True):
    """The records of one kind in one segment."""

    organization: str
    collector: str
    """Its id."""
    token: str
    """The same whenever these records come again, and never that of others."""
    records: list[bytes]


Handler = Callable[["Platform", HandOver], Awaitable[None]]
_handlers: dict[str, Handler] = {}


def hand_over(kind: str) -> Callable[[Handler], Handler]:
    """Decorator: ``async def call(platform, given)`` takes records of this kind."""

    def add(handler: Handler) -> Handler:
        _handlers[kind] = handler
        return handler

    return add


def handler_of(kind: str) -> Handler | None:
    """Who takes this kind; ``None``: nobody here."""
    return _handlers.get(kind)


def record(kind: str, data: bytes) -> bytes:
    """A record as it stands in a segment."""
    name = kind.encode("ascii")
    body = bytes([len(name)]) + name + data
    return HEAD.pack(len(body), zlib.crc32(body)) + body


def records(raw: bytes) -> tuple[list[tuple[str, bytes]], int]:
    """The whole records at the beginning, and how many bytes they take: what is beyond was cut off or damaged."""
    found: list[tuple[str, bytes]] = []
    at = 0
    while at + HEAD.size < len(raw):
        length, check = HEAD.unpack_from(raw, at)
        body = raw[at + HEAD.size : at + HEAD.size + length]
        if not 1 <= length <= RECORD_BYTES or len(body) < length or zlib.crc32(body) != check:
            break
        end = 1 + body[0]
        if end > length or not body[1:end].isascii():
            break
        found.append((body[1:end].decode("ascii"), body[end:]))
        at += HEAD.size + length
    return found, at


def packed(batch: Batch) -> bytes:
    """A batch of received messages as bytes."""
    return msgspec.msgpack.encode([
        list(batch.addresses), batch.ends.astype("<i8").tobytes(), batch.source.astype("<u4").tobytes(),
        batch.ports.astype("<u2").tobytes(), batch.received.astype("<i8").tobytes(), batch.data,
    ])  # fmt: skip


_PACKED = msgspec.msgpack.Decoder(tuple[list[str], bytes, bytes, bytes, bytes, bytes])


def unpacked(raw: bytes) -> Batch:
    """The batch in these bytes. Raises ``Damaged`` where they do not describe one."""
    try:
        addresses, ends, source, ports, received, data = _PACKED.decode(raw)
        made = Batch(
            data, np.frombuffer(ends, "<i8"), np.frombuffer(source, "<u4"), np.frombuffer(ports, "<u2"),
            np.frombuffer(received, "<i8"), addresses,
        )  # fmt: skip
    except (msgspec.MsgspecError, ValueError) as error:
        raise Damaged(f"A batch of messages cannot be read: {str(error)[:200]}.") from None
    count = len(made)
    if not count or {len(made.source), len(made.ports), len(made.received)} != {count}:
        raise Damaged("A batch of messages has columns of different lengths.")
    if (made.lengths < 0).any() or int(made.ends[-1]) != len(data) or int(made.source.max()) >= len(addresses):
        raise Damaged("A batch of messages names bytes or senders that it does not have.")
    return made


def joined(batches: Sequence[Batch]) -> Batch:
    """Several batches as one, in order."""
    codes: dict[str, int] = {}
    source, ends, size = [], [], 0
    for batch in batches:
        own = np.array([codes.setdefault(address, len(codes)) for address in batch.addresses], dtype=np.uint32)
        source.append(own[batch.source])
        ends.append(batch.ends + size)
        size += len(batch.data)
    return Batch(
        b"".join(batch.data for batch in batches), np.concatenate(ends).astype(np.int64), np.concatenate(source),
        np.concatenate([batch.ports for batch in batches]).astype(np.uint16),
        np.concatenate([batch.received for batch in batches]).astype(np.int64), list(codes),
    )  # fmt: skip
