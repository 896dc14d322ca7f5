"""Structured logs: JSON lines, or text on a terminal. Secrets never reach a log call; these are the last net."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from mainstay.settings import Settings

_SECRET = ("password", "token", "secret", "authorization", "cookie", "key_hash", "api_key")


def _mask(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for name in event:
        if any(word in name.lower() for word in _SECRET):
            event[name] = "***"
    return event


_level = logging.INFO


def logs_requests() -> bool:
    """Whether each request gets a line; building one that is then dropped takes its time."""
    return _level <= logging.INFO


def configure(settings: Settings) -> None:
    """Set up structlog and the standard library's logging for this process."""
    global _level
    level = _level = getattr(logging, settings.log_level.upper(), logging.INFO)
    text = settings.log_format == "text" or (settings.log_format == "auto" and sys.stderr.isatty())
    renderer: Any = structlog.dev.ConsoleRenderer() if text else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _mask,
            *([] if text else [structlog.processors.format_exc_info]),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(level=max(level, logging.WARNING), stream=sys.stderr, force=True,
                        format="%(asctime)s %(levelname)s %(name)s %(message)s")  # fmt: skip
