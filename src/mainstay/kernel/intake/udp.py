"""The UDP receiver: a thread that takes datagrams from the kernel hundreds at a time and hands on batches of them.

    receiver = UdpReceiver("syslog", "0.0.0.0", 5514, deliver)   # deliver(batch: Batch) runs in the thread
    receiver.start()          # binds, raises OSError; receiver.port is the port in use
    receiver.send(answer, ("10.0.0.1", 40000))                   # from the same socket, e.g. to answer an inform
    receiver.stop()           # what was received is delivered before this returns

A batch goes out at ``batch_rows`` messages or ``batch_seconds`` after its first one, and where they come all the time
``busy_seconds`` after the one before: each batch costs its taker something, whatever is in it. While ``deliver``
blocks, datagrams wait in the socket's buffer; what the kernel drops when that is full is counted
(``receiver.stats.kernel_dropped``).
``inbox.Inbox.put`` is a ``deliver`` that hands batches to the event loop.
"""

from __future__ import annotations

import math
import select
import socket
import struct
import threading
import time
from collections.abc import Callable

import numpy as np
import structlog
from numpy.typing import NDArray

from mainstay.kernel.intake import mmsg
from mainstay.kernel.intake.batch import Batch
from mainstay.kernel.intake.stats import ListenerStats
from mainstay.kernel.intake.storm import StormLimit

log = structlog.get_logger("mainstay.intake")

BUFFER_BYTES = 64 * 2**20
BATCH_BYTES = 16 * 2**20
PACE_SECONDS, LONG_PACE_SECONDS = 0.002, 0.01
"""Between two takes while datagrams come: they gather in the kernel, and one call takes many. The longer one where the
kernel has room for very many."""
LARGE_BUFFER_BYTES = 16 * 2**20
_SO_RCVBUFFORCE, _SO_MEMINFO = 33, 55
_MAPPED = b"\x00" * 10 + b"\xff\xff"


class UdpReceiver:
    """Receives on one UDP port. ``limit`` drops what one source sends beyond its rate, and counts it."""

    def __init__(
        self,
        name: str,
        host: str,
        port: int,
        deliver: Callable[[Batch], None],
        *,
        batch_rows: int = 20_000,
        batch_seconds: float = 0.1,
        busy_seconds: float = 0.0,
        buffer_bytes: int = BUFFER_BYTES,
        limit: StormLimit | None = None,
    ) -> None:
        self.name = name
        self.host = host
        self.port = port
        self.stats = ListenerStats(name, "udp")
        self.limit = limit
        self._deliver = deliver
        self._batch_rows = batch_rows
        self._batch_seconds = batch_seconds
        self._busy_seconds = busy_seconds
        self._buffer_bytes = buffer_bytes
        self._socket: socket.socket | None = None
        self._thread: threading.Thread | None = None
        self._wake_read: socket.socket | None = None
        self._wake_write: socket.socket | None = None
        self._stopping = False

    def start(self) -> None:
        """Bind and begin. Raises ``OSError`` where the address cannot be had."""
        found = socket.getaddrinfo(self.host or None, self.port, type=socket.SOCK_DGRAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _name, address = found[0]
        sock = socket.socket(family, kind, protocol)
        try:
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            self.stats.buffer_bytes = _grow_buffer(sock, self._buffer_bytes)
            sock.setblocking(False)
            sock.bind(address)
        except BaseException:
            sock.close()
            raise
        self.port = int(sock.getsockname()[1])
        self._socket = sock
        self._wake_read, self._wake_write = socket.socketpair()
        self.stats.address, self.stats.port = self.host, self.port
        self.stats.refresh = self._note_drops
        if self.stats.buffer_bytes < self._buffer_bytes // 4:
            log.warning(
                "small receive buffer: bursts may be lost; raise net.core.rmem_max",
                listener=self.name, bytes=self.stats.buffer_bytes, wanted=self._buffer_bytes,
            )  # fmt: skip
        self._thread = threading.Thread(target=self._run, name=f"udp-{self.name}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End; what was taken from the kernel is delivered first."""
        self._stopping = True
        if self._wake_write is not None:
            self._wake_write.send(b"x")
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        for sock in (self._socket, self._wake_read, self._wake_write):
            if sock is not None:
                sock.close()
        self._socket = self._wake_read = self._wake_write = None

    def send(self, data: bytes, address: tuple[str, int]) -> None:
        """Send a datagram from the receiving socket; one that the network refuses is lost, as datagrams are."""
        sock = self._socket
        if sock is None:
            return
        host, port = address
        if sock.family == socket.AF_INET6 and ":" not in host:
            host = f"::ffff:{host}"
        try:
            sock.sendto(data, (host, port))
        except OSError as error:
            log.debug("datagram not sent", listener=self.name, to=host, error=str(error))

    def _run(self) -> None:
        assert self._socket is not None
        assert self._wake_read is not None
        sock = self._socket
        taker = mmsg.Taker(sock) if mmsg.AVAILABLE else mmsg.PlainTaker(sock)
        poller = select.poll()
        poller.register(sock, select.POLLIN)
        poller.register(self._wake_read, select.POLLIN)
        pace = LONG_PACE_SECONDS if self.stats.buffer_bytes >= LARGE_BUFFER_BYTES else PACE_SECONDS
        pending: list[mmsg.Taken] = []
        rows, size, due, handed = 0, 0, 0.0, -math.inf
        while not self._stopping:
            wait = None if not pending else max(0, int((due - time.monotonic()) * 1000))
            poller.poll(wait)
            try:
                taken = taker.take()
            except OSError as error:
                # An earlier answer of ours was refused by its addressee (ICMP); the socket itself is well.
                log.debug("receive", listener=self.name, error=str(error))
                continue
            now = time.monotonic()
            if taken is not None:
                if not pending:
                    due = max(now + self._batch_seconds, handed + self._busy_seconds)
                pending.append(taken)
                rows += len(taken.lengths)
                size += len(taken.data)
            if pending and (rows >= self._batch_rows or size >= BATCH_BYTES or now >= due):
                self._hand_on(pending)
                pending, rows, size, handed = [], 0, 0, now
            if taken is not None and len(taken.lengths) < taker.slots // 2:
                time.sleep(pace)
        while (taken := taker.take()) is not None:
            pending.append(taken)
        if pending:
            self._hand_on(pending)

    def _hand_on(self, pending: list[mmsg.Taken]) -> None:
        batch = _assemble(pending)
        self.stats.count(batch)
        if self.limit is not None:
            batch = self.limit.apply(batch, self.stats)
        if len(batch):
            try:
                self._deliver(batch)
            except Exception:
                self.stats.failed += len(batch)
                log.exception("batch not taken", listener=self.name, rows=len(batch))

    def _note_drops(self) -> None:
        sock = self._socket
        if sock is None:
            return
        try:
            # The kernel's own numbers on this socket: [0] bytes waiting, [8] datagrams dropped.
            numbers = struct.unpack("9I", sock.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, 36))
        except (OSError, struct.error):
            return
        self.stats.waiting_bytes, self.stats.kernel_dropped = numbers[0], numbers[8]


def _grow_buffer(sock: socket.socket, wanted: int) -> int:
    """As large a receive buffer as we may have; its size."""
    for option in (_SO_RCVBUFFORCE, socket.SO_RCVBUF):
        try:
            sock.setsockopt(socket.SOL_SOCKET, option, wanted)
            break
        except OSError:
            continue
    # Linux answers twice what was asked: half is for its own bookkeeping.
    return sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) // 2


def _assemble(pending: list[mmsg.Taken]) -> Batch:
    lengths = np.concatenate([item.lengths for item in pending])
    names = np.concatenate([item.addresses for item in pending])
    source, addresses = _distinct(names)
    return Batch(
        data=b"".join([item.data for item in pending]),
        ends=np.cumsum(lengths, dtype=np.int64),
        source=source,
        ports=np.concatenate([item.ports for item in pending]),
        received=np.repeat(
            np.array([item.received for item in pending], dtype=np.int64),
            np.array([len(item.lengths) for item in pending]),
        ),
        addresses=addresses,
    )


def _distinct(names: NDArray[np.uint8]) -> tuple[NDArray[np.uint32], list[str]]:
    """Rows of 16 bytes (IPv6, IPv4 as mapped) as numbers into a list of addresses."""
    halves = np.ascontiguousarray(names).view(np.uint64).reshape(-1, 2)
    if (halves[:, 0] == halves[0, 0]).all():
        # The usual case, IPv4: the addresses differ in the second half only.
        found, codes = np.unique(halves[:, 1], return_inverse=True)
        raw = [halves[0, 0].tobytes() + item.tobytes() for item in found]
    else:
        unique, codes = np.unique(np.ascontiguousarray(names).view("V16").ravel(), return_inverse=True)
        raw = [item.tobytes() for item in unique]
    return codes.astype(np.uint32), [address_text(item) for item in raw]


def address_text(raw: bytes) -> str:
    """16 bytes as an address; an IPv4 one in its own form."""
    if raw.startswith(_MAPPED):
        return socket.inet_ntop(socket.AF_INET, raw[12:])
    return socket.inet_ntop(socket.AF_INET6, raw)
