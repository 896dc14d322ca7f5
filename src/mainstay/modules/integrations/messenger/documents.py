"""The documented shape of a message (``sms_data``, ``api_data``, ...), in and out. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from mainstay.kernel.errors import Invalid
from mainstay.modules.integrations.messenger.tables import API, BEEP, EMAIL, MESSAGE_TYPES, SMS, SYSLOG

NESTED = {EMAIL: "email_data", SMS: "sms_data", API: "api_data", BEEP: "beep_data", SYSLOG: "syslog_data"}
EXTRA: dict[str, Any] = {
    "event_time": datetime, "msg_type": int, "module_id": int | None, "imap_config_id": str,
    "attachment_ids": list[str], "is_assignee_read": bool, "message_read_map": list[dict[str, Any]],
    "customer_id": str, "customer_entity_id": str, "is_description": bool,
    **dict.fromkeys(NESTED.values(), dict[str, Any]),
}  # fmt: skip
MODULES = {"incident": 1}
"""The documented number of a ticket's module."""
MAX_RECIPIENTS = 500
TO = ("recipients", "recipient", "to", "mobile", "mobile_no", "phone", "phone_number", "number", "receiver", "address",
      "users", "user", "profile_id")  # fmt: skip
TEXT = ("body", "message", "text", "content", "msg")
SUBJECT = ("subject", "title")
CHANNEL = ("channel", "received_config_id", "config_id", "channel_id", "gateway")
_SYSLOG = {"severity": "syslog_severity", "facility": "syslog_facility", "app": "app", "app_name": "app"}


def _first(data: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    return next((data[name] for name in names if data.get(name) not in (None, "", [], {})), None)


def each(body: Any, kind: str) -> Iterator[dict[str, Any]]:
    """One flat message per recipient of what was posted. ``kind`` is the path's; empty: the body says."""
    if not isinstance(body, Mapping):
        raise Invalid("The body must be a JSON object.")
    data = {**body, "kind": kind} if kind else dict(body)
    if not kind and not data.get("kind") and not data.get("type"):
        data["kind"] = next((one for one, name in NESTED.items() if isinstance(data.get(name), Mapping)), None)
    flat_one = flat(data)
    to = flat_one.pop("recipients", None)
    if not to:
        yield flat_one
        return
    if len(to) > MAX_RECIPIENTS:
        raise Invalid.field("recipient", f"A message goes to at most {MAX_RECIPIENTS} recipients.")
    name = "profile" if flat_one.get("kind") == BEEP else "recipient"
    for one in dict.fromkeys(to):
        yield {**flat_one, name: one}


def flat(data: Mapping[str, Any]) -> dict[str, Any]:
    """Field values of a posted or edited message; what is said outside the nested part counts first."""
    kind = str(data.get("kind") or data.get("type") or "")
    nested: Mapping[str, Any] = next((data[name] for name in ([NESTED[kind]] if kind in NESTED else NESTED.values())
                   if isinstance(data.get(name), Mapping) and data[name]), {})  # fmt: skip
    out = {name: value for name, value in data.items() if name not in (*NESTED.values(), "type", "user_id",
                                                                       "received_config_id")}  # fmt: skip
    if kind:
        out["kind"] = kind
    elif data.get("kind") is None:
        out.pop("kind", None)
    for name, words in (("body", TEXT), ("subject", SUBJECT), ("channel", CHANNEL)):
        value = _first(data, words)
        value = _first(nested, words) if value is None else value
        if value is not None:
            out[name] = value
    # A beep's recipient is a person's name, shown only: who it is for is the profile.
    to_words = tuple(name for name in TO if not (kind == BEEP and name == "recipient" and data.get("profile")))
    to = _first(data, to_words)
    to = _first(nested, to_words) if to is None else to
    for name in TO:
        out.pop(name, None)
    if isinstance(to, Mapping):
        to = to.get("profile_id") or to.get("id") or to.get("email")
    if isinstance(to, str):
        to = [part.strip() for part in to.replace(";", ",").split(",") if part.strip()]
    elif isinstance(to, int) and not isinstance(to, bool):
        to = [str(to)]
    if isinstance(to, list) and to:
        to = [str(item.get("profile_id") or item.get("id") or "") if isinstance(item, Mapping) else str(item)
              for item in to]  # fmt: skip
        out["recipients" if len(to) > 1 else "profile" if kind == BEEP else "recipient"] = to if len(to) > 1 else to[0]
    payload = _payload(kind, nested)
    if payload:
        held = data.get("data")
        out["data"] = {**(held if isinstance(held, Mapping) else {}), **payload}
    if "user_id" in data and data["user_id"] and "profile" not in out:
        out["profile"] = data["user_id"]
    return out


def edited(given: Mapping[str, Any], now: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """A record that comes back edited holds its texts twice; the place where one was changed counts."""
    out = {**given, "kind": given.get("kind") or kind}
    name = NESTED[kind]
    if not isinstance(out.get(name), Mapping):
        return out
    if out[name] == now.get(name):
        del out[name]
        return out
    twice = (*TO, *TEXT, *SUBJECT, "data")
    return {key: value for key, value in out.items() if key not in twice or value != now.get(key)}


def _payload(kind: str, nested: Mapping[str, Any]) -> dict[str, Any]:
    if kind == API:
        found = nested.get("payload", nested.get("data"))
        if isinstance(found, Mapping):
            return dict(found)
        return {"payload": found} if found not in (None, "") else {}
    if kind == SYSLOG:
        return {field: nested[name] for name, field in _SYSLOG.items() if nested.get(name) is not None}
    if kind == BEEP and isinstance(nested.get("sound"), str):
        return {"sound": nested["sound"]}
    return {}


def documented(row: dict[str, Any]) -> dict[str, Any]:
    """A row with the documented names beside its own."""
    data = row.get("data") or {}
    body, subject, recipient = row.get("body") or "", row["subject"], row["recipient"]
    state = {"status": row["status"], "response_status": row["response_status"], "response": row["response"],
             "error": row["error"]}  # fmt: skip
    shapes: dict[str, dict[str, Any]] = {
        EMAIL: {"to": recipient, "subject": subject, "message": body},
        SMS: {"to": recipient, "message": body or subject},
        API: {"payload": data, "subject": subject, "message": body},
        BEEP: {"user": row["profile"], "title": subject, "message": body, "sound": data.get("sound", "")},
        SYSLOG: {"message": body or subject, "severity": data.get("syslog_severity"),
                 "facility": data.get("syslog_facility"), "app": data.get("app", "")},
    }  # fmt: skip
    read = row["read_at"]
    return {
        **row,
        "event_time": row["creation_time"],
        "msg_type": MESSAGE_TYPES.get(row["kind"], 0),
        "module_id": MODULES.get(row["ref_type"]),
        "imap_config_id": "",
        "attachment_ids": [],
        "is_assignee_read": read is not None,
        "message_read_map": [{"user_id": row["profile"], "read_at": read}] if read else [],
        "customer_id": row["organization"],
        "customer_entity_id": row["organization"],
        "is_description": False,
        **{name: {**shapes[kind], **state} if row["kind"] == kind else {} for kind, name in NESTED.items()},
    }
