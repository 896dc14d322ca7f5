"""Reading many places of a buffer at once: eight octets at a time, as numbers, and stretches of it as text without a
copy."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from mainstay.kernel.telemetry.arrow import pa

Places = NDArray[np.int64]
Words = NDArray[np.uint64]
Mask = NDArray[np.bool_]
PADDING = 64
"""Zeros behind the buffer, so that eight octets can be read at its last one and a little beyond."""
INLINE = 12
"""Texts of at most so many octets are kept in the view itself (Arrow's ``string_view``)."""
_FIRST = np.array([(1 << (8 * count)) - 1 for count in range(9)], dtype=np.uint64)
_ONES, _SIX, _LOW, _ZERO, _TOPS, _HIGH = (np.uint64(int(two * 8, 16)) for two in ("01", "06", "0f", "30", "80", "f0"))


class Octets:
    """A buffer that is read at places: arrays of offsets, all of one length."""

    def __init__(self, data: bytes) -> None:
        self.data = data + bytes(PADDING)
        self.each = np.frombuffer(self.data, dtype=np.uint8)
        # The same memory, as the number that begins at every octet.
        self._eight: Words = np.ndarray(len(self.data) - 7, dtype="<u8", buffer=self.data, strides=(1,))

    def eight(self, at: Places) -> Words:
        """The eight octets from each place on, the first the lowest."""
        return self._eight[at]

    def find(self, octet: int, at: Places, end: Places) -> Places:
        """Where the octet is next, from each place on; where it is not, a place from ``end`` on."""
        found = np.minimum(at, len(self.data) - PADDING)
        found += _step(self.eight(found), octet)
        rows = np.flatnonzero((found == at + 8) & (found < end))
        while len(rows):
            here = found[rows]
            step = _step(self.eight(here), octet)
            found[rows] = here + step
            rows = rows[(step == 8) & (here + 8 < end[rows])]
        return found

    def texts(self, at: Places, lengths: Places) -> pl.Series:
        """The stretches as text; they must be whole characters."""
        small = lengths <= INLINE
        views = np.empty((len(at), 2), dtype="<u8")
        views[:, 0] = lengths.astype(np.uint64) | (first(self._eight[at], np.minimum(lengths, 4)) << np.uint64(32))
        short = first(self._eight[at + 4], np.clip(lengths - 4, 0, 8))
        every = bool(small.all())
        # A longer one: which buffer (the only one), and where in it.
        views[:, 1] = short if every else np.where(small, short, at.astype(np.uint64) << np.uint64(32))
        buffers: list[Any] = [None, pa.py_buffer(views)]
        made = pl.from_arrow(
            pa.Array.from_buffers(pa.string_view(), len(at), buffers if every else [*buffers, pa.py_buffer(self.data)])
        )
        assert isinstance(made, pl.Series)
        return made


def _step(words: Words, octet: int) -> Places:
    """Where in each eight octets the octet is first; 8: nowhere."""
    other = words ^ (np.uint64(octet) * _ONES)
    # The highest bit of the first octet that became zero is the lowest one of these.
    zero = (other - _ONES) & ~other & _TOPS
    below = (zero & (~zero + np.uint64(1))) - np.uint64(1)
    return (np.bitwise_count(below) >> np.uint8(3)).astype(np.int64)


def first(words: Words, count: Places) -> Words:
    """The first octets (at most eight) of each, zeros for the others."""
    return words & _FIRST[count]


def like(words: Words, pattern: bytes) -> Mask:
    """Whether they are as the pattern: ``0`` a digit, ``?`` anything, everything else itself."""
    digits = np.uint64(int.from_bytes(bytes(255 * (octet == 0x30) for octet in pattern), "little"))
    fixed = np.uint64(int.from_bytes(bytes(255 * (octet not in b"0?") for octet in pattern), "little"))
    wanted = np.uint64(int.from_bytes(pattern, "little")) & fixed
    found: Mask = (words & fixed) == wanted
    return found & all_digits(words, digits) if digits else found


def all_digits(words: Words, where: Words | np.uint64) -> Mask:
    """Whether the octets of ``where`` (all bits of each) are digits."""
    tens: Mask = ((words ^ _ZERO) & _HIGH & where) == 0
    # 0x3a to 0x3f: six more makes the upper half another one.
    over: Mask = (((words & _LOW) + _SIX) & _HIGH & where) == 0
    return tens & over


def pairs(words: Words, *places: int) -> tuple[Places, ...]:
    """The numbers that are written in two digits each at the places; what is no digit makes no sense of its own."""
    low = words & _LOW
    both = low * np.uint64(10) + (low >> np.uint64(8))
    return tuple(((both >> np.uint64(8 * place)) & np.uint64(0xFF)).view(np.int64) for place in places)
