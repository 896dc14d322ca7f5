"""Errors that reach the client. Each is a plain sentence; none carries a trace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class ApiError(Exception):
    """Base of every error with an HTTP status. ``extra`` is merged into the JSON body."""

    status = 400

    def __init__(self, error: str, *, headers: Mapping[str, str] | None = None, **extra: Any) -> None:
        super().__init__(error)
        self.error = error
        self.headers = dict(headers or {})
        self.extra = extra

    def body(self) -> dict[str, Any]:
        return {"error": self.error, **self.extra}


class Invalid(ApiError):
    """400: input that cannot be accepted; ``fields`` names what is wrong where."""

    def __init__(self, error: str = "", fields: Mapping[str, Sequence[str]] | None = None, **extra: Any) -> None:
        if fields:
            extra["fields"] = {name: list(messages) for name, messages in fields.items()}
            error = error or next(iter(fields.values()))[0]
        super().__init__(error, **extra)

    @classmethod
    def field(cls, name: str, message: str) -> Invalid:
        return cls(fields={name: [message]})


class Unauthorized(ApiError):
    status = 401


class Forbidden(ApiError):
    status = 403


class NotFound(ApiError):
    status = 404


class Conflict(ApiError):
    status = 409


class Stale(ApiError):
    """412: the record changed since the client read it."""

    status = 412


class TooLarge(ApiError):
    status = 413


class Unsupported(ApiError):
    status = 415


class TooManyRequests(ApiError):
    """429 with ``Retry-After`` in seconds."""

    status = 429

    def __init__(self, error: str, retry_after: int) -> None:
        super().__init__(error, headers={"Retry-After": str(max(1, retry_after))})


class Unavailable(ApiError):
    """503: the server cannot take this now (storage full, shutting down); nothing was changed."""

    status = 503
