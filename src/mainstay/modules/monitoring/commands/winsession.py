"""The HTTP session that pypsrp talks through: one address only, no redirects, and an end to every answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter

CHUNK = 32_768
# Whoever trusts any certificate has said so in the credential.
urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)


class Elsewhere(requests.RequestException):
    """A request to another place than the one that was judged."""


class _OneEndpoint(HTTPAdapter):
    """Requests to one URL; each part of an answer is counted as it is read."""

    def __init__(self, endpoint: str, count: Callable[[int], None]) -> None:
        super().__init__(max_retries=0)
        self.endpoint, self.count = endpoint, count

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        if request.url != self.endpoint:
            raise Elsewhere(f"{request.url} is not {self.endpoint}.")
        self.count(0)
        answer = super().send(request, *args, **options)
        whole = answer.raw.stream

        def counted(_size: int = CHUNK, decode_content: bool | None = None) -> Iterator[bytes]:
            for part in whole(CHUNK, decode_content):
                self.count(len(part))
                yield part

        answer.raw.stream = counted  # type: ignore[method-assign]
        return answer


class Bounded(requests.Session):
    """``count`` is called with the size of what was read, and raises where that is enough."""

    def __init__(self, endpoint: str, count: Callable[[int], None]) -> None:
        super().__init__()
        # No proxy, no .netrc, no settings of the server's user.
        self.trust_env = False
        self.headers.update({"User-Agent": "Mainstay", "Accept-Encoding": "identity"})
        only = _OneEndpoint(endpoint, count)
        self.mount("http://", only)
        self.mount("https://", only)

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        return super().send(request, **{**options, "allow_redirects": False})
