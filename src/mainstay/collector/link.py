"""The link: one outbound HTTPS connection to the server, its certificate checked."""

from __future__ import annotations

import ipaddress
import ssl
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httpcore
import msgspec

from mainstay import __version__
from mainstay.settings import SettingError, Settings

TIMEOUTS = {"connect": 10.0, "read": 120.0, "write": 60.0, "pool": 300.0}


class Away(Exception):
    """The server cannot be reached, or cannot take anything now: try again later."""


class Refused(Exception):
    """The server answers, and does not want this."""

    def __init__(self, status: int, text: str, body: dict[str, Any]) -> None:
        super().__init__(text)
        self.status = status
        self.body = body


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: dict[str, str]
    content: bytes


class Link:
    """Requests to one server, one at a time on one connection."""

    def __init__(self, settings: Settings) -> None:
        self._base = checked_url(settings)
        self._token = settings.collector_token.strip()
        if not self._token:
            raise SettingError("MAINSTAY_COLLECTOR_TOKEN is not set. Add a collector in the console under Monitoring, "
                               "and take the token that it shows.")  # fmt: skip
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=tls(settings), max_connections=1, keepalive_expiry=300, http1=True, http2=False
        )

    async def close(self) -> None:
        await self._pool.aclose()

    async def request(
        self, method: str, path: str, content: bytes = b"", headers: dict[str, str] | None = None
    ) -> Answer:
        """Raises ``Away`` or ``Refused``."""
        sent = {
            "Authorization": f"Bearer {self._token}", "User-Agent": f"mainstay-collector/{__version__}",
            "Accept": "application/json", **(headers or {}),
        }  # fmt: skip
        if method == "POST":
            sent.setdefault("Content-Type", "application/json")
        try:
            got = await self._pool.request(
                method, self._base + path, headers=list(sent.items()), content=content, extensions={"timeout": TIMEOUTS}
            )
        except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, OSError) as error:
            raise Away(_reason(error)) from error
        found = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in got.headers}
        if got.status < 400:
            return Answer(got.status, found, got.content)
        try:
            body = msgspec.json.decode(got.content, type=dict[str, Any])
        except msgspec.MsgspecError:
            body = {}
        text = str(body.get("error") or f"HTTP {got.status}")[:300]
        if got.status >= 500 or got.status in (408, 429):
            raise Away(text)
        raise Refused(got.status, text, body)


def _reason(error: Exception) -> str:
    cause = error.__cause__ or error.__context__
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"The server's certificate is not accepted: {cause.verify_message or cause.reason}."
    return f"The server cannot be reached: {str(error) or type(error).__name__}."


def checked_url(settings: Settings) -> str:
    """The server's address without a slash at the end. Raises ``SettingError`` for one that is none, or not safe."""
    url = settings.server_url.strip().rstrip("/")
    if not url:
        raise SettingError("MAINSTAY_SERVER_URL is not set: the address of the server, such as https://it.example.com.")
    try:
        parts = urlsplit(url)
        port_ok = parts.port is None or parts.port > 0
    except ValueError:
        raise SettingError(f"MAINSTAY_SERVER_URL is no address: {url!r}.") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_ok or parts.query or parts.fragment:
        raise SettingError(f"MAINSTAY_SERVER_URL must be an address such as https://it.example.com, not {url!r}.")
    if parts.scheme == "http" and not settings.collector_plain and not _here(parts.hostname):
        raise SettingError("MAINSTAY_SERVER_URL is a plain http:// address: everybody on the way could read and change "
                           "what is sent. Use https://, or set MAINSTAY_COLLECTOR_PLAIN=true.")  # fmt: skip
    return url


def _here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def tls(settings: Settings) -> ssl.SSLContext:
    """Certificates are checked against the system's authorities, or those of the settings and no others."""
    if settings.collector_ca and not Path(settings.collector_ca).is_file():
        raise SettingError(f"MAINSTAY_COLLECTOR_CA must name a PEM file; there is none at {settings.collector_ca!r}.")
    try:
        context = ssl.create_default_context(cafile=settings.collector_ca or None)
    except (OSError, ssl.SSLError) as error:
        raise SettingError(f"MAINSTAY_COLLECTOR_CA cannot be read: {error}.") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
