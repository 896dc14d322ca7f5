"""Accepting TLS connections, with the reason where one is not made.

The event loop's own server closes a connection whose handshake fails without a word to anybody. Here each handshake is
waited for, so that people are told which sender was refused and why.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable, Coroutine
from ipaddress import ip_address

import structlog

log = structlog.get_logger("mainstay.intake")
HANDSHAKE_SECONDS = 10.0
BACKLOG = 512
HANDSHAKES = 1_000
"""That may be under way at once: who connects and says nothing holds a place for ten seconds."""
_REFUSALS = {
    "UNKNOWN_CA": "The sender does not trust this server's certificate.",
    "CERTIFICATE_UNKNOWN": "The sender does not accept this server's certificate.",
    "BAD_CERTIFICATE": "The sender does not accept this server's certificate.",
    "CERTIFICATE_EXPIRED": "The sender says that this server's certificate has expired.",
    "PEER_DID_NOT_RETURN_A_CERTIFICATE": "The sender shows no certificate of its own, and one is asked for "
    "(MAINSTAY_SYSLOG_TLS_CLIENT_CA).",
    "WRONG_VERSION_NUMBER": "The sender does not speak TLS.",
    "HTTP_REQUEST": "The sender speaks HTTP, not syslog over TLS.",
    "UNSUPPORTED_PROTOCOL": "The sender speaks no TLS of version 1.2 or newer.",
    "NO_SHARED_CIPHER": "The sender has no cipher in common with this server.",
}


class TlsDoor:
    """Listens on one port and gives each connection that was made to a new protocol."""

    def __init__(
        self, tls: ssl.SSLContext, protocol: Callable[[], asyncio.Protocol], refused: Callable[[str, str], None]
    ) -> None:
        self._tls = tls
        self._protocol = protocol
        self._refused = refused
        self._sockets: list[socket.socket] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self, host: str, port: int) -> int:
        """Bind and begin; answers the port. Raises ``OSError`` where the address cannot be had."""
        found = await asyncio.get_running_loop().getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        try:
            for family, _kind, _protocol, _name, address in dict.fromkeys(found):
                self._sockets.append(_listening(family, address))
        except OSError:
            for sock in self._sockets:
                sock.close()
            raise
        for sock in self._sockets:
            self._begin(self._accept(sock))
        return int(self._sockets[0].getsockname()[1])

    def close(self) -> None:
        """Accept no more; handshakes that are not done end."""
        for task in list(self._tasks):
            task.cancel()

    def _begin(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _accept(self, sock: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        with sock:
            while True:
                try:
                    made, peer = await loop.sock_accept(sock)
                except OSError as error:
                    # Too many files are open, as a rule: those that wait are still there in a second.
                    log.warning("connections not accepted", error=str(error))
                    await asyncio.sleep(1)
                    continue
                address = plain_address(str(peer[0]))
                if len(self._tasks) > HANDSHAKES:
                    made.close()
                    self._refused(address, "Too many TLS handshakes are under way.")
                    continue
                self._begin(self._greet(made, address))

    async def _greet(self, made: socket.socket, address: str) -> None:
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                self._protocol, made, ssl=self._tls, ssl_handshake_timeout=HANDSHAKE_SECONDS
            )
        except OSError as error:
            self._refused(address, refusal(error))


def _listening(family: int, address: tuple[object, ...]) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            # IPv4 has a socket of its own.
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind(address)
        sock.listen(BACKLOG)
    except OSError:
        sock.close()
        raise
    return sock


def refusal(error: OSError) -> str:
    """Why a TLS handshake failed, in words for the people at both ends; empty where the other end just went away."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"The sender's certificate is not accepted: {error.verify_message}."
    reason = str(getattr(error, "reason", None) or "")
    for name, words in _REFUSALS.items():
        if reason.endswith(name):
            return words
    if isinstance(error, ssl.SSLError):
        return f"The TLS handshake failed: {reason.lower().replace('_', ' ') or error}."
    return ""


def plain_address(text: str) -> str:
    """An address without its zone, IPv4 in its own form."""
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return text
    return str(getattr(found, "ipv4_mapped", None) or found)
