"""Lines that come as objects: from JSON of any shape, or from OTLP, to rows of the frame."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
import polars as pl

from mainstay.modules.logs.intake.lines import FACILITY, FRAME, SEVERITY, UNPARSED

DEPTH = 12
FIELDS = 500
"""Fields kept of one line; the rest stays in ``raw``."""
_NAMES = {
    "message": ("message", "msg", "log", "short_message", "text", "body", "MESSAGE", "@message"),
    "time": ("time", "timestamp", "@timestamp", "ts", "datetime", "date", "eventTime", "__REALTIME_TIMESTAMP"),
    "host": ("host", "hostname", "HOSTNAME", "_HOSTNAME", "computer", "device", "host.name"),
    "severity": ("severity", "level", "PRIORITY", "loglevel", "log.level", "severity_text"),
    "facility": ("facility", "SYSLOG_FACILITY"),
    "app": ("app", "application", "appname", "program", "service", "service.name", "SYSLOG_IDENTIFIER", "logger"),
    "procid": ("procid", "pid", "process_id", "_PID"),
    "msgid": ("msgid", "message_id", "event_id"),
}
_LEVELS = {
    "emergency": 0, "emerg": 0, "panic": 0, "alert": 1, "critical": 2, "crit": 2, "fatal": 2, "error": 3, "err": 3,
    "severe": 3, "warning": 4, "warn": 4, "notice": 5, "informational": 6, "information": 6, "info": 6, "debug": 7,
    "trace": 7, "verbose": 7, "fine": 7,
}  # fmt: skip
_FACILITIES = {name: number for number, name in enumerate((
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp", "ntp",
    "audit", "console", "clock", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
))}  # fmt: skip
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def json_frame(raw: bytes, organization: str, source: str, now: datetime) -> pl.DataFrame:
    """One row per line of ``raw``, or per item where it is one JSON array. What is no JSON object is kept raw."""
    rows = [
        record(item, source, now) if isinstance(item, dict) else unparsed(item, source)
        for item in _items(raw)
    ]  # fmt: skip
    return frame_of(rows, organization, source, now)


def _items(raw: bytes) -> Iterable[Any]:
    raw = raw.removeprefix(b"\xef\xbb\xbf")
    if raw.lstrip()[:1] == b"[":
        whole = _decode(raw)
        if isinstance(whole, list):
            yield from whole
            return
    for line in raw.split(b"\n"):
        if line.strip():
            value = _decode(line)
            yield value if isinstance(value, dict) else line


def _decode(raw: bytes) -> Any:
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, OverflowError, ValueError):
        return None


def unparsed(item: Any, source: str) -> dict[str, Any]:
    """A row that keeps what came as it is."""
    text = item if isinstance(item, bytes) else item.encode() if isinstance(item, str) else msgspec.json.encode(item)
    return {"message": as_text(text).strip("\r\n"), "host": source, "tags": [UNPARSED], "format": "raw"}


def as_text(raw: bytes) -> str:
    """UTF-8, else each byte as the character of its number; NULs go."""
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    return text.replace("\x00", "")


def record(item: dict[str, Any], source: str, now: datetime) -> dict[str, Any]:
    """A row from an object under the names that log shippers use; what has no column goes to the fields."""
    rest = dict(item)
    taken: dict[str, Any] = {}
    for column, names in _NAMES.items():
        for name in names:
            if (
                name in rest
                and rest[name] not in (None, "")
                and (column == "message" or not isinstance(rest[name], dict))
            ):
                taken[column] = rest.pop(name)
                break
    tags, fields = rest.pop("tags", None), rest.pop("fields", None)
    if isinstance(fields, dict):
        rest = {**rest, **fields}
    elif fields is not None:
        rest["fields"] = fields
    row: dict[str, Any] = {
        "host": plain(taken.get("host")) or source, "format": "json",
        "time": moment(taken.get("time"), now), "severity": level(taken.get("severity")),
        "facility": facility(taken.get("facility")), "app": plain(taken.get("app")),
        "procid": plain(taken.get("procid")), "msgid": plain(taken.get("msgid")),
        "tags": [plain(tag) for tag in tags[:50]] if isinstance(tags, list) else [plain(tags)] if tags else [],
    }  # fmt: skip
    if "message" in taken:
        row["message"] = plain(taken["message"])
    else:
        # An event made of fields only is found by its own text.
        row["message"] = as_text(msgspec.json.encode(item))
    row["fields"] = pairs(rest)
    return row


def pairs(values: Mapping[str, Any]) -> list[dict[str, str]]:
    """Nested values as fields with dotted names."""
    found: list[dict[str, str]] = []

    def add(name: str, value: Any, depth: int) -> None:
        if len(found) >= FIELDS:
            return
        if isinstance(value, Mapping) and value and depth < DEPTH:
            for key, inner in value.items():
                add(f"{name}.{key}" if name else str(key), inner, depth + 1)
        elif value is not None:
            found.append({"key": name.replace("\x00", "")[:300], "value": plain(value)})

    add("", values, 0)
    return found


def plain(value: Any) -> str:
    """Any JSON value as text."""
    if value is None:
        return ""
    if isinstance(value, str):
        # Half of a surrogate pair cannot be stored.
        return value.replace("\x00", "").encode("utf-8", "replace").decode()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    return as_text(msgspec.json.encode(value))


def level(value: Any) -> int:
    """A syslog severity from a name or number."""
    if isinstance(value, str):
        word = value.strip().lower()
        value = int(word) if word.isascii() and word.isdigit() and len(word) < 3 else _LEVELS.get(word)
    if isinstance(value, bool) or not isinstance(value, int):
        return SEVERITY
    # Numbers as Python, Bunyan and Pino have them are ten times as coarse, and rise with the severity.
    return value if 0 <= value <= 7 else {10: 7, 20: 7, 30: 6, 40: 4, 50: 3, 60: 2}.get(value, SEVERITY)


def facility(value: Any) -> int:
    """A syslog facility from a name or number."""
    if isinstance(value, str):
        word = value.strip().lower()
        value = int(word) if word.isascii() and word.isdigit() and len(word) < 3 else _FACILITIES.get(word)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 23 else FACILITY


def moment(value: Any, now: datetime) -> datetime:
    """A time from ISO 8601 or a number of seconds, milli-, micro- or nanoseconds since 1970; else ``now``."""
    try:
        if isinstance(value, str):
            text = value.strip()
            if text.replace(".", "", 1).isdigit() and text.isascii() and len(text) < 30:
                return moment(float(text), now)
            found = datetime.fromisoformat(text.replace("Z", "+00:00").replace("z", "+00:00").replace(",", "."))
            found = found if found.tzinfo else found.replace(tzinfo=UTC)
        elif isinstance(value, int | float) and not isinstance(value, bool) and value > 0:
            while value > 1e11:
                value /= 1000
            found = datetime.fromtimestamp(value, UTC)
        else:
            return now
    except (ValueError, OverflowError, OSError):
        return now
    # The store keeps from 1900 to 2299; a clock a day ahead or ten years behind is not one.
    return found.astimezone(UTC) if -3650 * 86400 < (found - now).total_seconds() < 86400 else now


def frame_of(rows: list[dict[str, Any]], organization: str, source: str, now: datetime) -> pl.DataFrame:
    """The rows as a frame."""
    schema = {name: kind for name, kind in FRAME.items() if name not in ("organization", "source", "received", "id")}
    shown = pl.lit(now).cast(FRAME["received"])
    return pl.DataFrame(rows, schema=schema).with_columns(
        pl.lit(organization).alias("organization"), pl.lit(source).alias("source"), shown.alias("received"),
        pl.coalesce("time", shown).alias("time"),
    )  # fmt: skip
