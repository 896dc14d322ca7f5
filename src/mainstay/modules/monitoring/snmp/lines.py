"""Sockets that conversations with devices go over, kept for the next device: to open one costs as much as to ask."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any

from mainstay.modules.monitoring.snmp.ber import Malformed

IDLE = 64
"""Sockets that are kept open while nobody needs them."""


class Line(asyncio.DatagramProtocol):
    """A socket that one conversation has at a time. What comes late, or is nonsense, is left alone."""

    def __init__(self) -> None:
        self._accept: Callable[[bytes], Any] | None = None
        self._future: asyncio.Future[Any] | None = None
        self._transport: Any = None
        self._peer: tuple[str, int] | None = None
        """Whom it is sent to and taken from, where the socket itself is open to anybody."""

    async def open(self, family: int, peer: tuple[str, int] | None = None) -> Line:
        """Connected to a peer, the system hands over what comes from there and nothing else. Raises ``OSError``."""
        made = socket.socket(family, socket.SOCK_DGRAM)
        try:
            made.setblocking(False)
            if peer is not None:
                made.connect(peer)
            await asyncio.get_running_loop().create_datagram_endpoint(lambda: self, sock=made)
        except BaseException:
            made.close()
            raise
        return self

    def given(self, peer: tuple[str, int]) -> Line:
        """The line, for a conversation with this peer."""
        self._peer = peer
        return self

    @property
    def usable(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    async def ask(self, packet: bytes, seconds: float, accept: Callable[[bytes], Any]) -> Any:
        """What ``accept`` makes of the first datagram that it takes; ``None``: none came in time."""
        loop = asyncio.get_running_loop()
        self._accept, self._future = accept, loop.create_future()
        self._transport.sendto(packet, self._peer)
        timer = loop.call_later(seconds, self._over)
        try:
            return await self._future
        finally:
            timer.cancel()
            self._accept = self._future = None

    def _over(self) -> None:
        if self._future is not None and not self._future.done():
            self._future.set_result(None)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, address: tuple[Any, ...]) -> None:
        if self._future is None or self._accept is None or self._future.done():
            return
        if self._peer is not None and address[:2] != self._peer:
            return  # somebody else, or the device that the socket was used for before
        try:
            found = self._accept(data)
        except Malformed:
            return  # nonsense, or the late answer to another question
        except Exception as error:
            self._future.set_exception(error)
        else:
            if found is not None:
                self._future.set_result(found)

    def error_received(self, _error: Exception) -> None:
        # A refusal by ICMP may come before an answer to an earlier try; the time-out decides.
        return


class Lines:
    """The lines of whoever asks many devices."""

    def __init__(self, idle: int = IDLE) -> None:
        self._most = idle
        self._idle: dict[int, list[Line]] = {}

    async def take(self, family: int, peer: tuple[str, int]) -> Line:
        """A line for one conversation. Raises ``OSError``."""
        idle = self._idle.setdefault(family, [])
        while idle:
            line = idle.pop()
            if line.usable:
                return line.given(peer)
        return (await Line().open(family)).given(peer)

    def give(self, family: int, line: Line) -> None:
        """The conversation is over."""
        idle = self._idle.setdefault(family, [])
        if line.usable and len(idle) < self._most:
            idle.append(line)
        else:
            line.close()

    def close(self) -> None:
        for idle in self._idle.values():
            while idle:
                idle.pop().close()
