"""Whether a device lets in by HTTP or HTTPS. Only the address that was asked for is connected to, also by redirects."""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import dataclass
from ipaddress import ip_network

from mainstay.kernel import outgoing
from mainstay.kernel.outgoing import Answer, Client, Policy, Refused
from mainstay.modules.monitoring.credentials.service import Login

_TITLE = re.compile(rb"<title[^>]{0,200}>([^<]{1,200})", re.IGNORECASE)


class WebError(Exception):
    """It could not be asked, or does not let in; the text says why."""


@dataclass(frozen=True, slots=True)
class Only(Policy):
    """These addresses and no others, public ones neither."""

    def permits(self, address: outgoing.Address) -> bool:
        return any(address in network for network in self.allowed if network.version == address.version)


@dataclass(slots=True)
class Seen:
    """What a device answered. ``proven``: it asked for a log-in, and took this one."""

    status: int
    proven: bool
    server: str
    title: str


def client(address: str, login: Login) -> Client:
    """For requests to one device."""
    tls = outgoing.tls_context(verify=not login.trust_new)
    return Client(Only((ip_network(address),)), timeout=login.seconds, tls=tls)


def base(address: str, login: Login) -> str:
    """Where its paths begin."""
    host = f"[{address}]" if ":" in address else address
    return f"{login.kind}://{host}:{login.port}"


def authorization(login: Login) -> dict[str, str]:
    """The header that logs in."""
    if login.secrets.get("token"):
        return {"Authorization": f"Bearer {login.secrets['token']}"}
    pair = f"{login.username}:{login.secrets.get('password', '')}"
    return {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"}


async def look(address: str, login: Login, path: str = "/") -> Seen:
    """Ask for a path, logging in where that is asked for. Raises ``WebError``."""
    async with client(address, login) as web:
        url = base(address, login) + (path if path.startswith("/") else f"/{path}")
        answer = await get(web, url)
        asked = answer.status in (401, 403)
        if asked:
            scheme = answer.headers.get("www-authenticate", "").partition(" ")[0].lower()
            if answer.status == 401 and scheme not in ("", "basic", "bearer"):
                raise WebError(f"It asks for a log-in of the kind {scheme[:20]}, which is not known here.")
            answer = await get(web, url, authorization(login))
    if answer.status in (401, 403):
        raise WebError(f"It does not let {login.username or 'this token'} in (HTTP {answer.status}).")
    if answer.status >= 400:
        raise WebError(f"It answers HTTP {answer.status} for {path[:200]}.")
    title = _TITLE.search(answer.body)
    return Seen(answer.status, asked, _clean(answer.headers.get("server", "")),
                _clean(title.group(1).decode("utf-8", "replace")) if title else "")  # fmt: skip


async def get(web: Client, url: str, headers: dict[str, str] | None = None) -> Answer:
    """One answer. Raises ``WebError``."""
    try:
        return await web.request("GET", url, {"User-Agent": "Mainstay", "Accept": "*/*", **(headers or {})})
    except TimeoutError:
        raise WebError(f"It did not answer within {web.timeout:g} seconds.") from None
    except Refused as error:
        raise WebError(f"It points elsewhere, which is not followed: {error}") from None
    except (OSError, UnicodeError) as error:
        cause = str(error)
        hint = " Its certificate is not trusted." if "CERTIFICATE_VERIFY_FAILED" in cause else ""
        raise WebError(f"{cause[:200]}{hint}") from None


def _clean(text: str) -> str:
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())[:200]
