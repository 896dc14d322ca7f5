"""Taking many datagrams with one system call (``recvmmsg``), which Python's socket module does not offer."""

from __future__ import annotations

import ctypes
import errno
import mmap
import socket
import struct
import sys
import time
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

SLOTS = 512
# The largest datagram and a little more: slots exactly 64 KiB apart would all compete for the same cache lines.
STRIDE = 65536 + 320
_MAPPED = np.frombuffer(b"\x00" * 10 + b"\xff\xff", dtype=np.uint8)


class Taken(NamedTuple):
    """Datagrams of one call: their bytes in a row, and per datagram its length, sender (16 bytes) and port."""

    data: bytes
    lengths: NDArray[np.int64]
    addresses: NDArray[np.uint8]
    ports: NDArray[np.uint16]
    received: int
    """Microseconds since 1970."""


class _Iovec(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]


class _Header(ctypes.Structure):
    """``struct msghdr`` of Linux, the first part of ``struct mmsghdr``."""

    _fields_ = [
        ("name", ctypes.c_void_p), ("name_length", ctypes.c_uint32), ("iov", ctypes.c_void_p),
        ("iov_count", ctypes.c_size_t), ("control", ctypes.c_void_p), ("control_length", ctypes.c_size_t),
        ("flags", ctypes.c_int),
    ]  # fmt: skip


# What follows the message's own structure (56 bytes with its padding): the length received.
_HEADER_SIZE, _LENGTH_AT = 64, 56


def _find() -> Any:
    if not sys.platform.startswith("linux") or struct.calcsize("P") != 8:
        return None
    try:
        call = ctypes.CDLL(None, use_errno=True).recvmmsg
    except (OSError, AttributeError):
        return None
    call.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_uint, ctypes.c_int, ctypes.c_void_p]
    call.restype = ctypes.c_int
    return call


_recvmmsg = _find()
AVAILABLE = _recvmmsg is not None


class Taker:
    """``take`` on a non-blocking socket with ``recvmmsg``; holds the memory that the kernel writes to."""

    slots = SLOTS

    def __init__(self, sock: socket.socket) -> None:
        self._descriptor = sock.fileno()
        self._v6 = sock.family == socket.AF_INET6
        # Only pages that datagrams reach become memory: 4 KiB a slot for what is usually sent.
        self._space = mmap.mmap(-1, SLOTS * STRIDE)
        self._view = memoryview(self._space)
        self._names = np.zeros((SLOTS, 32), dtype=np.uint8)
        self._headers = np.zeros((SLOTS, _HEADER_SIZE), dtype=np.uint8)
        self._iovecs = (_Iovec * SLOTS)()
        base = ctypes.addressof(ctypes.c_char.from_buffer(self._space))
        names, iovecs = self._names.ctypes.data, ctypes.addressof(self._iovecs)
        for at in range(SLOTS):
            self._iovecs[at] = _Iovec(base + at * STRIDE, 65536)
            header = _Header.from_address(self._headers.ctypes.data + at * _HEADER_SIZE)
            header.name, header.name_length = names + at * 32, 28
            header.iov, header.iov_count = iovecs + at * ctypes.sizeof(_Iovec), 1
        self._lengths = self._headers[:, _LENGTH_AT : _LENGTH_AT + 4].view(np.uint32)[:, 0]
        self._name_lengths = self._headers[:, 8:12].view(np.uint32)[:, 0]
        self._starts = [at * STRIDE for at in range(SLOTS)]

    def take(self) -> Taken | None:
        """What has come, at most ``slots`` datagrams; ``None`` when there is nothing."""
        self._name_lengths[:] = 28
        count = _recvmmsg(self._descriptor, self._headers.ctypes.data, SLOTS, socket.MSG_DONTWAIT, None)
        if count <= 0:
            number = ctypes.get_errno()
            if count == 0 or number in (errno.EAGAIN, errno.EINTR):
                return None
            raise OSError(number, "recvmmsg failed")
        received = time.time_ns() // 1000
        lengths = self._lengths[:count].astype(np.int64)
        view = self._view
        data = b"".join([view[at : at + n] for at, n in zip(self._starts, lengths.tolist(), strict=False)])
        names = self._names[:count]
        ports = names[:, 2].astype(np.uint16) * np.uint16(256) + names[:, 3]
        return Taken(data, lengths, names[:, 8:24].copy() if self._v6 else _mapped(names[:, 4:8]), ports, received)


class PlainTaker:
    """The same with one ``recvfrom`` per datagram, for systems without ``recvmmsg``."""

    slots = SLOTS

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock

    def take(self) -> Taken | None:
        """What has come, at most ``slots`` datagrams; ``None`` when there is nothing."""
        messages: list[bytes] = []
        raw: list[bytes] = []
        ports: list[int] = []
        family = self._socket.family
        for _ in range(SLOTS):
            try:
                message, sender = self._socket.recvfrom(65536)
            except (BlockingIOError, InterruptedError):
                break
            messages.append(message)
            raw.append(socket.inet_pton(family, sender[0].partition("%")[0]))
            ports.append(sender[1])
        if not messages:
            return None
        width = 16 if family == socket.AF_INET6 else 4
        names = np.frombuffer(b"".join(raw), dtype=np.uint8).reshape(-1, width)
        lengths = np.array([len(item) for item in messages], dtype=np.int64)
        return Taken(
            b"".join(messages), lengths, names if width == 16 else _mapped(names),
            np.array(ports, dtype=np.uint16), time.time_ns() // 1000,
        )  # fmt: skip


def _mapped(names: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """IPv4 addresses as IPv6 writes them."""
    out = np.empty((len(names), 16), dtype=np.uint8)
    out[:, :12] = _MAPPED
    out[:, 12:] = names
    return out
