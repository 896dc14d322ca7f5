"""Real servers for messages: HTTP, syslog over UDP, TCP and TLS, SMTP. They keep what they were sent."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

from tests.support import World


@dataclass
class Request:
    """One request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    at: float


@dataclass
class Reply:
    status: int = 200
    body: bytes = b"taken"
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0


class Receiver:
    """An HTTP server. ``replies`` are given in turn, then ``usual``."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.replies: list[Reply] = []
        self.usual = Reply()
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                first, *lines = head.strip().split("\r\n")
                method, path, _version = first.split(" ")
                headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                self.requests.append(Request(method, path, headers, body, time.monotonic()))
                reply = self.replies.pop(0) if self.replies else self.usual
                await asyncio.sleep(reply.delay)
                extra = "".join(f"{name}: {value}\r\n" for name, value in reply.headers.items())
                writer.write(
                    f"HTTP/1.1 {reply.status} X\r\nContent-Length: {len(reply.body)}\r\n{extra}\r\n".encode()
                    + reply.body
                )
                await writer.drain()
        writer.close()


@contextlib.asynccontextmanager
async def receiving(host: str = "127.0.0.1") -> AsyncIterator[Receiver]:
    made = Receiver()
    server = await asyncio.start_server(made.serve, host, 0)
    made.port = server.sockets[0].getsockname()[1]
    async with server:
        yield made


class Datagrams(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.lines: list[bytes] = []

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.lines.append(data)


@contextlib.asynccontextmanager
async def udp_sink() -> AsyncIterator[tuple[int, list[bytes]]]:
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_datagram_endpoint(Datagrams, local_addr=("127.0.0.1", 0))
    yield transport.get_extra_info("sockname")[1], protocol.lines
    transport.close()


@contextlib.asynccontextmanager
async def tcp_sink(tls: ssl.SSLContext | None = None) -> AsyncIterator[tuple[int, list[bytes]]]:
    """A syslog receiver that takes octet-counted frames (RFC 6587)."""
    lines: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                length = await reader.readuntil(b" ")
                lines.append(await reader.readexactly(int(length)))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    async with server:
        yield server.sockets[0].getsockname()[1], lines


async def until(condition: Callable[[], Any], seconds: float = 10) -> Any:
    """Wait until a condition holds; what it returned."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = condition()
        found = await found if asyncio.iscoroutine(found) else found
        if found:
            return found
        await asyncio.sleep(0.02)
    raise AssertionError("It did not happen in time.")


async def allow(world: World, networks: str = "127.0.0.0/8") -> None:
    """Let the organization's messages go to addresses on this machine."""
    await world.put("/api/settings", {"values": {"outgoing.allowed_networks": networks}})


async def channel(world: World, kind: str, **values: Any) -> dict[str, Any]:
    """A new channel."""
    given = {"name": f"{kind} {time.monotonic_ns()}", "kind": kind, **values}
    made: dict[str, Any] = (await world.post("/api/notification-channels/", given, expect=201))["data"]
    return made


async def ended(world: World, record_id: str, status: str = "sent", seconds: float = 10) -> dict[str, Any]:
    """The message, once it has this status."""

    async def look() -> Any:
        found = await world.get(f"/api/notifications/{record_id}/")
        return found if found["status"] == status else None

    found: dict[str, Any] = await until(look, seconds)
    return found
