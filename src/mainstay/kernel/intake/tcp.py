"""The TCP receiver, plain or with TLS: lines from many connections, gathered into the batches that UDP makes.

    receiver = TcpReceiver("syslog-tcp", "0.0.0.0", 5514, inbox, tls=None)
    await receiver.start()
    await receiver.stop()

While the inbox is full nothing is read: the senders' own buffers fill, and they wait. Nothing that was read is dropped.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from contextlib import suppress
from typing import cast

import numpy as np
import structlog

from mainstay.kernel.intake.batch import Batch
from mainstay.kernel.intake.framing import Framing
from mainstay.kernel.intake.inbox import Inbox
from mainstay.kernel.intake.stats import ListenerStats
from mainstay.kernel.intake.tls import TlsDoor, plain_address

log = structlog.get_logger("mainstay.intake")
LINE_BYTES = 65_536
CONNECTIONS = 2_000
BATCH_BYTES = 16 * 2**20
STOP_SECONDS = 10.0


class TcpReceiver:
    """Listens on one port; runs on the event loop."""

    def __init__(
        self,
        name: str,
        host: str,
        port: int,
        inbox: Inbox[Batch],
        *,
        tls: ssl.SSLContext | None = None,
        line_bytes: int = LINE_BYTES,
        connections: int = CONNECTIONS,
        batch_rows: int = 20_000,
        batch_seconds: float = 0.05,
    ) -> None:
        self.host = host
        self.port = port
        self.line_bytes = line_bytes
        self.stats = ListenerStats(name, "tls" if tls else "tcp")
        self._inbox = inbox
        self._most = connections
        self._batch_rows = batch_rows
        self._batch_seconds = batch_seconds
        self._server: asyncio.Server | None = None
        self._door = TlsDoor(tls, lambda: _Connection(self), self._refuse) if tls else None
        self._open: set[_Connection] = set()
        self._lines: list[bytes] = []
        self._bytes = 0
        self._counts: list[tuple[str, int, int, int]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._held = False

    async def start(self) -> None:
        """Bind and begin. Raises ``OSError`` where the address cannot be had."""
        if self._door is not None:
            self.port = await self._door.open(self.host, self.port)
        else:
            self._server = await asyncio.get_running_loop().create_server(
                lambda: _Connection(self), self.host or None, self.port, reuse_address=True, backlog=512
            )
            self.port = int(self._server.sockets[0].getsockname()[1])
        self.stats.address, self.stats.port = self.host, self.port
        self.stats.refresh = self._note_open

    async def stop(self) -> None:
        """End; what was read is handed on first."""
        if self._server is not None:
            self._server.close()
        if self._door is not None:
            self._door.close()
        for connection in list(self._open):
            connection.finish()
        until = time.monotonic() + STOP_SECONDS
        while self._lines:
            self._flush()
            if self._lines:
                if time.monotonic() > until:
                    log.error("lines lost at the end", listener=self.stats.name, lines=len(self._lines))
                    break
                await asyncio.sleep(0.02)
        if self._timer is not None:
            self._timer.cancel()

    def _refuse(self, address: str, reason: str) -> None:
        # A sender that tries again and again is told of once.
        if self.stats.count_refused(address, reason):
            known = self.stats.refusals[address].reason
            log.warning("connection refused", listener=self.stats.name, sender=address, reason=known)

    def _note_open(self) -> None:
        self.stats.connections = len(self._open)

    def opened(self, connection: _Connection) -> bool:
        """Whether there is room for one more connection."""
        if len(self._open) >= self._most:
            self._refuse(connection.address, f"{self._most} connections are open already.")
            return False
        self._open.add(connection)
        if self._held:
            connection.pause()
        return True

    def closed(self, connection: _Connection) -> None:
        self._open.discard(connection)

    def take(self, lines: list[bytes], address: str, port: int) -> None:
        """Messages that a connection brought."""
        if not lines:
            return
        self._lines += lines
        self._bytes += sum(map(len, lines))
        self._counts.append((address, port, len(lines), time.time_ns() // 1000))
        if self._held:
            return
        if len(self._lines) >= self._batch_rows or self._bytes >= BATCH_BYTES:
            self._flush()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._batch_seconds, self._flush)

    def _flush(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._lines:
            batch = _batch(self._lines, self._counts)
            if not self._inbox.offer(batch):
                self._hold()
                return
            self.stats.count(batch)
            self._lines, self._counts, self._bytes = [], [], 0
        if self._held:
            self._held = False
            for connection in list(self._open):
                connection.resume()

    def _hold(self) -> None:
        if not self._held:
            self._held = True
            self.stats.paused += 1
            for connection in self._open:
                connection.pause()
        self._timer = asyncio.get_running_loop().call_later(self._batch_seconds, self._flush)


class _Connection(asyncio.Protocol):
    def __init__(self, receiver: TcpReceiver) -> None:
        self._receiver = receiver
        self._framing = Framing(receiver.line_bytes)
        self._transport: asyncio.Transport | None = None
        self.address, self._port = "", 0
        self._ended = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername") or ("", 0)
        self.address, self._port = plain_address(str(peer[0])), int(peer[1])
        sock = transport.get_extra_info("socket")
        if sock is not None:
            with suppress(OSError, AttributeError):
                # A sender that vanished without a word is noticed some day.
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if not self._receiver.opened(self):
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        before = self._framing.oversized
        lines = self._framing.feed(data)
        self._receiver.stats.oversized += self._framing.oversized - before
        self._receiver.take(lines, self.address, self._port)

    def eof_received(self) -> bool:
        self._last()
        return False

    def connection_lost(self, error: Exception | None) -> None:
        self._last()
        self._receiver.closed(self)

    def finish(self) -> None:
        """Close from our side."""
        self._last()
        if self._transport is not None:
            self._transport.close()

    def _last(self) -> None:
        if not self._ended:
            self._ended = True
            self._receiver.take(self._framing.end(), self.address, self._port)

    def pause(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()

    def resume(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()


def _batch(lines: list[bytes], counts: list[tuple[str, int, int, int]]) -> Batch:
    codes: dict[str, int] = {}
    source = [codes.setdefault(address, len(codes)) for address, _port, _count, _at in counts]
    repeat = np.array([count for _address, _port, count, _at in counts])
    return Batch(
        data=b"".join(lines),
        ends=np.cumsum(np.fromiter(map(len, lines), dtype=np.int64, count=len(lines))),
        source=np.repeat(np.array(source, dtype=np.uint32), repeat),
        ports=np.repeat(np.array([port for _address, port, _count, _at in counts], dtype=np.uint16), repeat),
        received=np.repeat(np.array([at for _address, _port, _count, at in counts], dtype=np.int64), repeat),
        addresses=list(codes),
    )
