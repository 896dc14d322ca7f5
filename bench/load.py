"""A small HTTP/1.1 load generator: keep-alive connections on one event loop, every latency kept.

Written on raw streams so that the client costs little: it shares the machine's cores with what it measures.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Any
from urllib.parse import urlsplit

Make = Callable[[int], "Call"]


@dataclass(slots=True)
class Call:
    """One request. ``body`` is sent as JSON."""

    method: str
    path: str
    body: Any = None


@dataclass(slots=True)
class Answer:
    status: int
    headers: dict[str, str]
    content: bytes

    def json(self) -> Any:
        return json.loads(self.content)


@dataclass(slots=True)
class Result:
    """What one round of load brought."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    @property
    def rate(self) -> float:
        return len(self.latencies) / self.seconds if self.seconds else 0.0

    def percentile(self, part: float) -> float:
        """Latency in seconds that this part of the requests stayed within."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * part))] if ordered else 0.0


class Connection:
    """One connection to a loopback server; opened again when the server closed it."""

    def __init__(self, base: str, headers: Mapping[str, str]) -> None:
        parts = urlsplit(base)
        self.host, self.port = parts.hostname or "127.0.0.1", parts.port or 80
        lines = [f"Host: {self.host}:{self.port}", "Accept: application/json"]
        self.fixed = "\r\n".join([*lines, *(f"{name}: {value}" for name, value in headers.items())])
        self.reader: asyncio.StreamReader | None = None
        self.writer: asyncio.StreamWriter | None = None

    async def send(self, call: Call) -> Answer:
        """Send one request and read its answer."""
        body = b"" if call.body is None else json.dumps(call.body).encode()
        head = f"{call.method} {call.path} HTTP/1.1\r\n{self.fixed}\r\n"
        if call.body is not None:
            head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        message = head.encode() + b"\r\n" + body
        for attempt in (1, 2):
            fresh = self.writer is None
            if fresh:
                self.reader, self.writer = await asyncio.open_connection(self.host, self.port, limit=2**24)
            assert self.reader is not None
            assert self.writer is not None
            try:
                self.writer.write(message)
                await self.writer.drain()
                return await self._read(self.reader)
            except (ConnectionError, asyncio.IncompleteReadError):
                await self.close()
                # An idle connection may have been closed just now; one that was fresh has no such excuse.
                if fresh or attempt == 2:
                    raise
        raise AssertionError

    async def _read(self, reader: asyncio.StreamReader) -> Answer:
        raw = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        version, status, *_reason = raw[0].split(" ", 2)
        headers = {}
        for line in raw[1:]:
            name, colon, value = line.partition(":")
            if colon:
                headers[name.strip().lower()] = value.strip()
        if "chunked" in headers.get("transfer-encoding", ""):
            content = await self._chunks(reader)
        elif "content-length" in headers:
            content = await reader.readexactly(int(headers["content-length"]))
        elif int(status) in (204, 304):
            content = b""
        else:
            content = await reader.read(-1)
            headers["connection"] = "close"
        if headers.get("connection", "").lower() == "close" or version == "HTTP/1.0":
            await self.close()
        return Answer(int(status), headers, content)

    @staticmethod
    async def _chunks(reader: asyncio.StreamReader) -> bytes:
        parts = []
        while size := int((await reader.readline()).split(b";")[0], 16):
            parts.append(await reader.readexactly(size))
            await reader.readline()
        await reader.readline()
        return b"".join(parts)

    async def close(self) -> None:
        if self.writer is not None:
            self.writer.close()
            self.reader = self.writer = None


async def _round(
    base: str, headers: Mapping[str, str], make: Make, connections: int, seconds: float, most: int
) -> Result:
    result, numbers = Result(), iter(range(most))
    began = time.perf_counter()
    until = began + seconds

    async def one() -> None:
        connection = Connection(base, headers)
        for number in numbers:
            call = make(number)
            started = time.perf_counter()
            if started >= until:
                break
            answer = await connection.send(call)
            if answer.status >= 300:
                result.failures.append(f"{call.method} {call.path}: {answer.status} {answer.content[:300]!r}")
                if len(result.failures) > 5:
                    break
                continue
            result.latencies.append(time.perf_counter() - started)
        await connection.close()

    await asyncio.gather(*(one() for _ in range(connections)))
    result.seconds = time.perf_counter() - began
    return result


def load(
    base: str,
    headers: Mapping[str, str],
    make: Make,
    *,
    connections: int = 8,
    seconds: float = 5.0,
    most: int = 1_000_000,
) -> Result:
    """One round: ``connections`` clients in a closed loop, for ``seconds`` or ``most`` requests.

    Raises ``RuntimeError`` when requests failed: a figure over failures says nothing.
    """
    result = asyncio.run(_round(base, headers, make, connections, seconds, most))
    if result.failures:
        raise RuntimeError(result.failures[0])
    return result


def rounds(count: int, work: Callable[[], Result]) -> tuple[float, float]:
    """Median rate and median p95 (seconds) over several rounds, after one that only warms up."""
    work()
    results = [work() for _ in range(count)]
    return median(r.rate for r in results), median(r.percentile(0.95) for r in results)


def once(base: str, headers: Mapping[str, str], call: Call) -> tuple[Answer, float]:
    """One request and how long it took. Raises ``RuntimeError`` when it failed."""

    async def go() -> tuple[Answer, float]:
        connection = Connection(base, headers)
        started = time.perf_counter()
        answer = await connection.send(call)
        took = time.perf_counter() - started
        await connection.close()
        return answer, took

    answer, took = asyncio.run(go())
    if answer.status >= 300:
        raise RuntimeError(f"{call.method} {call.path}: {answer.status} {answer.content[:500]!r}")
    return answer, took
