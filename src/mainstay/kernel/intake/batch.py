"""Batches of received messages, kept as columns: one object per batch instead of some per message."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(slots=True)
class Batch:
    """Messages in the order they were received.

    Message ``i`` is ``data[ends[i - 1]:ends[i]]`` (from 0 for the first), sent by ``addresses[source[i]]`` from port
    ``ports[i]``, received at ``received[i]`` (microseconds since 1970).
    """

    data: bytes
    ends: NDArray[np.int64]
    source: NDArray[np.uint32]
    ports: NDArray[np.uint16]
    received: NDArray[np.int64]
    addresses: Sequence[str]

    def __len__(self) -> int:
        return len(self.ends)

    @property
    def lengths(self) -> NDArray[np.int64]:
        return np.diff(self.ends, prepend=0)

    @property
    def weight(self) -> int:
        """For bounds on memory: its messages, or more where they are long."""
        return max(len(self.ends), len(self.data) // 256)

    def messages(self) -> list[bytes]:
        """Each message as bytes; for where they are not parsed as a column."""
        data, ends = self.data, self.ends.tolist()
        return [data[start:end] for start, end in zip([0, *ends[:-1]], ends, strict=True)]

    def rows(self) -> Iterator[tuple[bytes, tuple[str, int], int]]:
        """``(message, (address, port), received)`` of each."""
        addresses = self.addresses
        senders = [(addresses[at], port) for at, port in zip(self.source.tolist(), self.ports.tolist(), strict=True)]
        return zip(self.messages(), senders, self.received.tolist(), strict=True)

    def keep(self, mask: NDArray[np.bool_]) -> Batch:
        """The messages where ``mask`` is true."""
        lengths = self.lengths[mask]
        starts, ends = (self.ends - self.lengths)[mask].tolist(), self.ends[mask].tolist()
        data = self.data
        return Batch(
            b"".join([data[start:end] for start, end in zip(starts, ends, strict=True)]),
            np.cumsum(lengths), self.source[mask], self.ports[mask], self.received[mask], self.addresses,
        )  # fmt: skip


def one_source(messages: Sequence[bytes], address: str) -> Batch:
    """A batch of messages from one address, received now."""
    count = len(messages)
    return Batch(
        data=b"".join(messages),
        ends=np.cumsum(np.fromiter(map(len, messages), dtype=np.int64, count=count)),
        source=np.zeros(count, dtype=np.uint32),
        ports=np.zeros(count, dtype=np.uint16),
        received=np.full(count, time.time_ns() // 1000, dtype=np.int64),
        addresses=[address],
    )
