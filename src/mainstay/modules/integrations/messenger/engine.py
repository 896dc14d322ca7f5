"""The rules of notifications. Pure: no database, no clock, no network."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo
from typing import Any

from mainstay.modules.integrations.messenger.tables import EVENT

FIRST_PAUSE, LONGEST_PAUSE = 5.0, 3600.0
RESOLVED, CLOSED = 6, 7
MAINTENANCE = 6
DEFAULT_TRIGGERS = {"event": ("raised", "reopened", "cleared"), "incident": ("opened", "reopened", "resolved")}


def triggers_of(resource: str, action: str, changes: Sequence[Mapping[str, Any]]) -> list[str]:
    """What happened, in the words that subscriptions use."""
    new = {item["field"]: item.get("new") for item in changes if isinstance(item, Mapping) and "field" in item}
    if action == "delete":
        return []
    return _event(action, new) if resource == EVENT else _ticket(action, new)


def _event(action: str, new: Mapping[str, Any]) -> list[str]:
    if action == "create":
        # One that is over when it is first stored was never a problem to tell of.
        return [] if new.get("cleared") else ["raised"]
    found = []
    if "cleared" in new:
        found.append("cleared" if new["cleared"] else "reopened")
    elif "severity" in new:
        found.append("severity")
    if new.get("acknowledged") is True:
        found.append("acknowledged")
    if new.get("assignee"):
        found.append("assigned")
    return found


def _ticket(action: str, new: Mapping[str, Any]) -> list[str]:
    if action == "create":
        return ["opened", "assigned"] if new.get("assignee") or new.get("team") else ["opened"]
    if action == "comment":
        return ["commented"]
    found = []
    if action == "reopen":
        found.append("reopened")
    elif "status_id" in new:
        found.append({RESOLVED: "resolved", CLOSED: "closed"}.get(new["status_id"], "status"))
    if "priority_id" in new:
        found.append("priority")
    if new.get("assignee") or new.get("team"):
        found.append("assigned")
    return found


@dataclass(frozen=True, slots=True)
class Quiet:
    """Hours of every day in which nobody is to be told; they may span midnight."""

    start: time
    end: time
    zone: tzinfo

    def holds(self, at: datetime) -> bool:
        now = at.astimezone(self.zone).time().replace(tzinfo=None)
        if self.start <= self.end:
            return self.start <= now < self.end
        return now >= self.start or now < self.end

    def ends(self, at: datetime) -> datetime:
        """The first instant after ``at`` at which they are over."""
        local = at.astimezone(self.zone)
        over = datetime.combine(local.date(), self.end, self.zone)
        if over <= local:
            over = datetime.combine(local.date() + timedelta(days=1), self.end, self.zone)
        return over.astimezone(at.tzinfo)


def clock(text: str) -> time | None:
    """``22:00`` as a time of day; ``None`` for nothing. Raises ``ValueError``."""
    word = text.strip()
    if not word:
        return None
    hour, _, minute = word.partition(":")
    return time(0, 0) if (hour, minute) == ("24", "00") else time(int(hour), int(minute or 0))


def pause(attempt: int, chance: float, first: float = FIRST_PAUSE, longest: float = LONGEST_PAUSE) -> float:
    """Seconds to wait after the n-th attempt: doubled each time, the upper half of it by chance.

    Without the chance every message that one outage stopped would come again in the same second.
    """
    whole = min(longest, first * 2.0 ** min(attempt - 1, 30))
    return whole / 2 + chance * whole / 2


def signing_key(secret: str) -> bytes:
    """The key of a webhook secret: base64 behind ``whsec_``, else the text itself."""
    if secret.startswith("whsec_"):
        try:
            return base64.b64decode(secret[6:], validate=True)
        except binascii.Error:
            pass
    return secret.encode()


def signature(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """The ``webhook-signature`` of the Standard Webhooks specification (HMAC-SHA256)."""
    content = f"{message_id}.{timestamp}.".encode() + body
    digest = hmac.new(signing_key(secret), content, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


SYSLOG_SEVERITY = {1: 2, 2: 3, 3: 4, 4: 6, 5: 4, 6: 6}
"""Severity of an event → of a syslog message (RFC 5424)."""


def syslog_line(
    *, facility: int, severity: int, at: datetime, host: str, app: str, msgid: str, fields: Mapping[str, str], text: str
) -> bytes:
    """One message (RFC 5424), without its transport's framing."""
    head = f"<{facility * 8 + severity}>1 {at.strftime('%Y-%m-%dT%H:%M:%S.%fZ')} {_token(host, 255)} {_token(app, 48)}"
    # 32473 is the enterprise number set aside for documentation and examples (RFC 5612).
    pairs = "".join(f' {_token(name, 32)}="{_quoted(value)}"' for name, value in fields.items() if value)
    data = f"[mainstay@32473{pairs}]" if pairs else "-"
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return f"{head} - {_token(msgid, 32)} {data} \ufeff{line}".encode("utf-8", "replace")


def _token(text: str, most: int) -> str:
    word = "".join(char for char in text if "!" <= char <= "~" and char not in '="]')[:most]
    return word or "-"


def _quoted(value: str) -> str:
    flat = "".join(char if char.isprintable() else " " for char in value)
    return flat.replace("\\", "\\\\").replace('"', '\\"').replace("]", "\\]")[:1000]
