"""What can be asked of a log line: its columns, their other names, and the words that numbers go by."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "word", "address", "number", "level", "time", "list", "field"]


@dataclass(frozen=True, slots=True)
class Column:
    """One thing to search by. ``field`` columns are keys of the map ``fields``."""

    name: str
    kind: Kind
    label: str
    help: str = ""


COLUMNS: dict[str, Column] = {
    column.name: column
    for column in (
        Column("message", "text", "Message", "The text of the line; words are looked for here."),
        Column("time", "time", "Time", "By the device's clock, else the time of receipt."),
        Column("received", "time", "Received", "When the line came in."),
        Column("severity", "level", "Severity", "0 emergency to 7 debug, by number or name."),
        Column("host", "word", "Host", "The name in the line, else the sender."),
        Column("source", "address", "Source", "Address of the sender; a network such as 10.0.0.0/8 finds its members."),
        Column("app", "word", "Program", "The program that wrote the line."),
        Column("ci", "word", "Configuration item", "Id of the configuration item that sent the line."),
        Column("facility", "level", "Facility", "By number or name: kern, daemon, local0, ..."),
        Column("procid", "word", "Process ID"),
        Column("msgid", "word", "Message ID", "The kind of message, where the sender names it."),
        Column("tags", "list", "Tags", "Marks such as _unparsed."),
        Column("format", "word", "Format", "rfc5424, rfc3164, raw, json or otlp."),
        Column("pipeline", "word", "Pipeline", "The pipeline that worked on the line."),
        Column("raw", "text", "Raw", "The line as it came in, where it is kept."),
        Column("id", "number", "ID", "The line's own number."),
    )
}

ALIASES = {
    "msg": "message", "text": "message", "timestamp": "time", "@timestamp": "time", "level": "severity",
    "hostname": "host", "device": "host", "ip": "source", "address": "source", "program": "app", "application": "app",
    "pid": "procid", "tag": "tags",
}  # fmt: skip

SEVERITIES = ("emergency", "alert", "critical", "error", "warning", "notice", "informational", "debug")
FACILITIES = (
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp", "ntp",
    "audit", "console", "clock", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
)  # fmt: skip
_LEVELS: dict[str, dict[str, int]] = {
    "severity": {name: number for number, name in enumerate(SEVERITIES)}
    | {"emerg": 0, "panic": 0, "crit": 2, "err": 3, "warn": 4, "info": 6},
    "facility": {name: number for number, name in enumerate(FACILITIES)},
}
PREFIX = "fields."
FIELD_NAME = re.compile(r"[A-Za-z_@][A-Za-z0-9_.@-]{0,199}")


def find(name: str) -> Column:
    """The column a query names; what is no column is a key of ``fields``."""
    low = name.lower()
    known = COLUMNS.get(ALIASES.get(low, low))
    if known is not None:
        return known
    key = name[len(PREFIX) :] if low.startswith(PREFIX) and len(name) > len(PREFIX) else name
    return Column(PREFIX + key, "field", key)


def key_of(column: Column) -> str:
    """The key in ``fields`` of a field column."""
    return column.name[len(PREFIX) :]


def level(column: str, word: str) -> int | None:
    """The number of a severity or facility given by number or name; None when it is neither."""
    names = _LEVELS[column]
    highest = 7 if column == "severity" else 127
    if word.isascii() and word.isdigit() and len(word) <= 3:
        return int(word) if int(word) <= highest else None
    return names.get(word.lower())


def level_names(column: str) -> tuple[str, ...]:
    return SEVERITIES if column == "severity" else FACILITIES


def level_name(column: str, number: int) -> str:
    """The word for a severity or facility; the number itself where it has none."""
    names = level_names(column)
    return names[number] if 0 <= number < len(names) else str(number)
