"""Severities as sources name them: X.733, syslog, Prometheus, Zabbix and plain words."""

from __future__ import annotations

from typing import Any

CRITICAL, MAJOR, MINOR, INFORMATIONAL = 1, 2, 3, 4

WORDS: dict[str, int] = {
    # X.733 perceived severity; "cleared" is no severity but an end, see ``is_clear``.
    "critical": CRITICAL, "major": MAJOR, "minor": MINOR, "warning": MINOR, "indeterminate": INFORMATIONAL,
    # Syslog (RFC 5424) and its common short forms.
    "emergency": CRITICAL, "emerg": CRITICAL, "panic": CRITICAL, "alert": CRITICAL, "crit": CRITICAL,
    "error": MAJOR, "err": MAJOR, "warn": MINOR, "notice": INFORMATIONAL, "informational": INFORMATIONAL,
    "info": INFORMATIONAL, "information": INFORMATIONAL, "debug": INFORMATIONAL,
    # Zabbix, Alertmanager and other tools.
    "disaster": CRITICAL, "high": MAJOR, "average": MINOR, "medium": MINOR, "low": INFORMATIONAL,
    "not classified": INFORMATIONAL, "not_classified": INFORMATIONAL, "none": INFORMATIONAL,
    "unknown": INFORMATIONAL, "fatal": CRITICAL, "page": CRITICAL, "ticket": MINOR, "p1": CRITICAL, "p2": MAJOR,
    "p3": MINOR, "p4": INFORMATIONAL, "p5": INFORMATIONAL, "down": CRITICAL,
}  # fmt: skip
CLEARS = frozenset({"clear", "cleared", "ok", "resolved", "resolve", "normal", "recovered", "recovery", "closed",
                    "close", "up", "inactive", "end", "ended"})  # fmt: skip
NAMES = {CRITICAL: "Critical", MAJOR: "Major", MINOR: "Minor", INFORMATIONAL: "Informational"}


def read(value: Any) -> int | None:
    """The severity that a word or a number (1 Critical to 4 Informational) means; ``None`` where it means none."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return int(value) if value in (1, 2, 3, 4) else None
    if isinstance(value, str):
        word = value.strip().lower()
        return int(word) if word in ("1", "2", "3", "4") else WORDS.get(word)
    return None


def of_syslog(level: int) -> int:
    """The severity of a syslog level: emergency to critical, error, warning, and the rest."""
    return CRITICAL if level <= 2 else MAJOR if level == 3 else MINOR if level == 4 else INFORMATIONAL


def is_clear(value: Any) -> bool:
    """Whether a word of state or severity says that it is over."""
    return isinstance(value, str) and value.strip().lower() in CLEARS
