"""Whether a device lets in by HTTP or HTTPS. Only the address that was asked for is connected to, also by redirects."""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import dataclass
from ipaddress import ip_network

from mainstay.kernel import outgoing
from mainstay.kernel.outgoing import Answer, Client, Policy, Refused, parse
from mainstay.modules.monitoring.credentials.service import Login

DIGESTS = ("SHA-512", "SHA-256", "SHA", "MD5")
"""Algorithms of Digest (RFC 7616), the strongest first."""
_CHALLENGE = re.compile(r"(?:^|,)\s*([A-Za-z]+)(?=\s+[A-Za-z0-9_-]+\s*=|\s*,|\s*$|\s+[A-Za-z0-9+/=]+\s*(?:,|$))")
_ALGORITHM = re.compile(r'algorithm\s*=\s*"?([A-Za-z0-9-]+)', re.IGNORECASE)
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


def answering(challenges: str, login: Login, url: str) -> dict[str, str]:
    """The header that logs in as the device asks for it; Digest goes before Basic. Raises ``WebError``."""
    given = offered(challenges)
    digests = [text for scheme, text in given if scheme == "digest" and _rank(text) < len(DIGESTS)]
    if digests and not login.secrets.get("token"):
        return digest(min(digests, key=_rank), login, url)
    if given and not {"basic", "bearer"} & {scheme for scheme, _text in given}:
        raise WebError(f"It asks for a log-in of the kind {given[0][0][:20]}, which is not known here.")
    return authorization(login)


def offered(challenges: str) -> list[tuple[str, str]]:
    """The schemes of ``WWW-Authenticate``, and what each says."""
    # A comma stands between challenges and between what one says; what is quoted counts as one word.
    plain = re.sub(r'"(?:[^"\\]|\\.)*"', lambda found: "x" * len(found[0]), challenges[:4000])
    starts = [(found.start(1), found[1].lower()) for found in _CHALLENGE.finditer(plain)]
    ends = [*(start for start, _scheme in starts[1:]), len(challenges)]
    return [(scheme, challenges[start:end].strip(" ,")) for (start, scheme), end in zip(starts, ends, strict=False)]


def _rank(challenge: str) -> int:
    found = _ALGORITHM.search(challenge)
    name = (found[1].upper() if found else "MD5").removesuffix("-SESS")
    return DIGESTS.index(name) if name in DIGESTS else len(DIGESTS)


def digest(challenge: str, login: Login, url: str) -> dict[str, str]:
    """The answer to a challenge of Digest. Raises ``WebError`` for one that is none."""
    import httpx  # of it only this is used here

    request = httpx.Request("GET", url)
    flow = httpx.DigestAuth(login.username, login.secrets.get("password", "")).sync_auth_flow(request)
    try:
        next(flow)
        answer = httpx.Response(401, headers={"WWW-Authenticate": challenge}, request=request)
        return {"Authorization": flow.send(answer).headers["Authorization"]}
    except (httpx.ProtocolError, StopIteration, NotImplementedError, KeyError, ValueError):
        raise WebError("It asks for a log-in by Digest in a way that is not known here.") from None
    finally:
        flow.close()


async def look(address: str, login: Login, path: str = "/") -> Seen:
    """Ask for a path, logging in where that is asked for. Raises ``WebError``."""
    async with client(address, login) as web:
        url = base(address, login) + (path if path.startswith("/") else f"/{path}")
        answer = await get(web, url)
        asked = answer.status in (401, 403)
        if asked:
            if parse(answer.url).origin != parse(url).origin:
                raise WebError("It points to another port for the log-in, which is not followed.")
            asks = answer.headers.get("www-authenticate", "") if answer.status == 401 else ""
            answer = await get(web, answer.url, answering(asks, login, answer.url))
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
        raise WebError(_why(str(error))) from None


def _why(cause: str) -> str:
    """What a connection failed of."""
    if "CERTIFICATE_VERIFY_FAILED" in cause:
        return f"{cause[:200]} Its certificate is not trusted: trust whoever answers, or have an authority sign it."
    if "WRONG_VERSION_NUMBER" in cause or "HTTP_REQUEST" in cause:
        return "There is no HTTPS at this port: try HTTP, or another port."
    if any(word in cause for word in ("ReadError", "RemoteProtocolError", "disconnected without")):
        return "It does not answer as HTTP at this port: try HTTPS, or another port."
    if "All connection attempts failed" in cause:
        return "Nothing listens at this port there, or the connection is not let through."
    return cause[:200]


def _clean(text: str) -> str:
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())[:200]
