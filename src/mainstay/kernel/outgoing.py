"""Connections to addresses that an administrator typed in: webhooks, gateways, syslog collectors.

A name is resolved once, the address is judged, and the connection goes to that very address: a name that answers
differently a moment later (DNS rebinding) gains nothing. Addresses inside (private, loopback, link-local, ...) are
refused unless the organization's administrators have listed them. The same holds for every redirect.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from types import TracebackType
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

import httpcore

from mainstay.kernel import options
from mainstay.kernel.context import Context

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Resolver = Callable[[str, int], Awaitable[Sequence[str]]]

REDIRECTS = 3
EXCERPT = 64 * 1024
"""Bytes of an answer that are read; the rest is left unread."""
_NAT64 = ip_network("64:ff9b::/96")


class Refused(ValueError):
    """The address is not one that this organization may connect to; or the URL is none."""


def networks(text: str) -> list[Network]:
    """Networks and addresses of a list separated by commas or spaces. Raises ``ValueError``."""
    return [ip_network(part, strict=False) for part in text.replace(",", " ").split()]


def _check(text: Any) -> str | None:
    try:
        networks(str(text or ""))
    except ValueError as error:
        return f"Please list networks such as 10.0.0.0/8, 192.168.1.20: {error}."
    return None


ALLOWED = options.option(
    "outgoing.allowed_networks",
    "text",
    "",
    "Internal networks that may be connected to",
    section="Outgoing connections",
    help="Webhooks, gateways and syslog targets at private, loopback or link-local addresses are refused, "
    "except in these networks. Example: 10.20.0.0/16, 192.168.1.20",
    check=_check,
)


@dataclass(frozen=True, slots=True)
class Policy:
    """Which internal networks may be reached; public addresses always may."""

    allowed: tuple[Network, ...] = ()

    def permits(self, address: Address) -> bool:
        inner = embedded(address)
        if any(
            one in network for network in self.allowed for one in {address, inner} if one.version == network.version
        ):
            return True
        return all(one.is_global and not one.is_multicast and not one.is_reserved for one in (address, inner))


async def policy_of(ctx: Context) -> Policy:
    """What this organization's administrators allow."""
    (text,) = await options.get(ctx, ALLOWED)
    try:
        return Policy(tuple(networks(str(text or ""))))
    except ValueError:
        return Policy()


def embedded(address: Address) -> Address:
    """The IPv4 address that an IPv6 address carries (mapped, 6to4, Teredo, NAT64, compatible); else itself."""
    if not isinstance(address, IPv6Address):
        return address
    if address.ipv4_mapped:
        return address.ipv4_mapped
    if address.sixtofour:
        return address.sixtofour
    if address.teredo:
        return address.teredo[1]
    if address in _NAT64 or (int(address) >> 32 == 0 and int(address) > 1):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


async def resolve(host: str, port: int) -> Sequence[str]:
    """The system's answer for a name; also reads the odd ways to write an IPv4 address (decimal, hexadecimal)."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(item[4][0]) for item in found))


async def permitted(host: str, port: int, policy: Policy, resolver: Resolver = resolve) -> list[str]:
    """The addresses of a name that may be connected to. Raises ``Refused`` when it has none of these."""
    try:
        found = await resolver(host, port)
    except (OSError, UnicodeError) as error:
        raise OSError(f"The name {host[:200]!r} cannot be resolved: {error}") from error
    good: list[str] = []
    bad: list[str] = []
    for raw in found:
        address = ip_address(raw.split("%")[0])
        (good if policy.permits(address) else bad).append(raw)
    if not good:
        shown = ", ".join(bad[:3]) or "nothing"
        raise Refused(
            f"{host[:200]} is {shown}, an internal address. An administrator can allow its network under "
            "Settings, Outgoing connections."
        )
    return good


@dataclass(slots=True)
class Target:
    """A web address, taken apart once; nothing parses it again."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def origin(self) -> tuple[str, str, int]:
        return self.scheme, self.host, self.port

    @property
    def header(self) -> str:
        name = f"[{self.host}]" if ":" in self.host else self.host
        usual = {"http": 80, "https": 443}[self.scheme]
        return name if self.port == usual else f"{name}:{self.port}"


def parse(url: str) -> Target:
    """Raises ``Refused`` for what is not a plain http(s) address."""
    try:
        parts = urlsplit(url.strip())
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)
        host = (parts.hostname or "").rstrip(".")
        host = host if ":" in host else host.encode("idna").decode()
    except (ValueError, UnicodeError) as error:
        raise Refused(f"{url[:200]!r} is not a web address: {error}.") from None
    if parts.scheme not in ("http", "https") or not host:
        raise Refused(f"{url[:200]!r} is not a web address that starts with http:// or https://.")
    if parts.username is not None or parts.password is not None:
        raise Refused("A web address must not hold a user name or password; use a header.")
    if any(char.isspace() or not char.isprintable() for char in url.strip()):
        raise Refused("A web address must not hold spaces or control characters.")
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
    query = quote(parts.query, safe="/?%:@!$&'()*+,;=~-._[]")
    return Target(parts.scheme, host, port, f"{path}?{query}" if query else path)


@dataclass(slots=True)
class Answer:
    """What the other side said. ``body`` is at most ``EXCERPT`` bytes."""

    status: int
    headers: dict[str, str]
    body: bytes
    url: str
    seconds: float


class _Pinned(httpcore.AsyncNetworkBackend):
    """Connects to judged addresses only."""

    def __init__(self, policy: Policy, resolver: Resolver) -> None:
        self._policy, self._resolver = policy, resolver
        self._plain = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        failed: Exception | None = None
        for address in (await permitted(host, port, self._policy, self._resolver))[:4]:
            try:
                return await self._plain.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
        assert failed is not None
        raise failed

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        raise Refused("Local sockets are not reached.")

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@lru_cache(maxsize=64)
def tls_context(*, verify: bool = True, authority: str = "") -> ssl.SSLContext:
    """The system's trusted authorities, and ``authority`` (PEM) beside them. Raises ``ValueError``."""
    context = ssl.create_default_context()
    if authority.strip():
        try:
            context.load_verify_locations(cadata=authority)
        except ssl.SSLError as error:
            raise ValueError(f"The certificate cannot be read: {error.reason or error}.") from None
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


@dataclass
class Client:
    """HTTP requests under a policy; connections are kept until it closes. Use as an async context manager."""

    policy: Policy
    timeout: float = 10.0
    tls: ssl.SSLContext | None = None
    resolver: Resolver = field(default=resolve)

    async def __aenter__(self) -> Client:
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=self.tls or tls_context(),
            network_backend=_Pinned(self.policy, self.resolver),
            max_connections=4,
            keepalive_expiry=30,
        )
        await self._pool.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._pool.__aexit__(kind, error, trace)

    async def request(self, method: str, url: str, headers: Mapping[str, str], content: bytes = b"") -> Answer:
        """One request and its redirects. Raises ``Refused``, ``OSError`` or ``TimeoutError``."""
        started = time.monotonic()
        target, sent = parse(url), dict(headers)
        async with asyncio.timeout(self.timeout):
            for _hop in range(REDIRECTS + 1):
                status, answered, body = await self._once(method, target, sent, content)
                location = answered.get("location")
                follow = status in (307, 308) or (status in (301, 302, 303) and method in ("GET", "HEAD"))
                if not follow or not location:
                    shown = f"{target.scheme}://{target.header}{target.path}"
                    return Answer(status, answered, body, shown, time.monotonic() - started)
                url = urljoin(f"{target.scheme}://{target.header}{target.path}", location)
                following = parse(url)
                if target.scheme == "https" and following.scheme == "http":
                    raise Refused("The answer redirects from https to http, which is not followed.")
                if following.origin != target.origin:
                    # Keys are meant for the address that was configured, not for where it points.
                    sent = {name: value for name, value in sent.items() if name.lower() in PUBLIC_HEADERS}
                target = following
        raise OSError(f"More than {REDIRECTS} redirects.")

    async def _once(
        self, method: str, target: Target, headers: Mapping[str, str], content: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        given = {name.lower() for name in headers}
        lines = [(b"Host", target.header.encode())] if "host" not in given else []
        if content or method not in ("GET", "HEAD", "DELETE"):
            lines.append((b"Content-Length", str(len(content)).encode()))
        lines += [(name.encode("ascii"), value.encode()) for name, value in headers.items()]
        where = httpcore.URL(
            scheme=target.scheme.encode(), host=target.host.encode(), port=target.port, target=target.path.encode()
        )
        limit = {"connect": self.timeout, "read": self.timeout, "write": self.timeout, "pool": self.timeout}
        try:
            async with self._pool.stream(
                method.encode(), where, headers=lines, content=content, extensions={"timeout": limit}
            ) as answer:
                body = b""
                async for chunk in answer.aiter_stream():
                    body += chunk
                    if len(body) >= EXCERPT:
                        body = body[:EXCERPT]
                        break
                answered: dict[str, str] = {}
                for raw, content_of in answer.headers:
                    name, value = raw.decode("latin-1").lower(), content_of.decode("latin-1")
                    # One that comes several times is one list (RFC 9110, 5.2).
                    answered[name] = f"{answered[name]}, {value}" if name in answered else value
                return answer.status, answered, body
        except httpcore.TimeoutException as error:
            raise TimeoutError(f"No answer within {self.timeout:g} s.") from error
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.UnsupportedProtocol) as error:
            raise OSError(f"{target.header}: {str(error) or type(error).__name__}") from error


PUBLIC_HEADERS = frozenset({"content-type", "user-agent", "accept", "webhook-id", "webhook-timestamp",
                            "webhook-signature", "webhook-event"})  # fmt: skip
"""Headers that a redirect to another host may take along."""


async def open_stream(
    host: str, port: int, policy: Policy, *, tls: ssl.SSLContext | None = None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A TCP (TLS) connection to a judged address. Raises ``Refused`` or ``OSError``."""
    failed: OSError | None = None
    for address in (await permitted(host, port, policy))[:4]:
        try:
            return await asyncio.open_connection(
                address, port, ssl=tls, server_hostname=host if tls is not None else None
            )
        except OSError as error:
            failed = error
    assert failed is not None
    raise failed
