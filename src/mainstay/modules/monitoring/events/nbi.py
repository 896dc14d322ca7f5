"""Events posted by other tools: any JSON, and what Alertmanager, Grafana, Zabbix and PagerDuty's clients send.

Bounded in number and in size, whatever comes: the body's depth and bytes are bounded before it gets here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from mainstay.kernel.errors import Invalid
from mainstay.kernel.signals import RawEvent
from mainstay.modules.monitoring.eventrules import severity

MOST = 10_000
"""Events in one request."""
MAX_VARIABLES = 200
MAX_VALUE = 2000

Item = Mapping[str, Any]
# The names under which tools give the same thing, the plainest first.
MESSAGE = ("message", "event_message", "alarm_message", "title", "summary", "subject", "description", "text", "event",
           "event_name", "trigger_name", "name", "msg", "alert", "problem", "body")  # fmt: skip
HOST = ("host", "hostname", "host_name", "device", "device_name", "node", "nodename", "asset_name", "instance",
        "server", "source_host", "object", "target", "ci_name")  # fmt: skip
ADDRESS = ("address", "ip", "ip_address", "host_ip", "device_ip", "source_ip", "hostip", "management_ip")
RESOURCE = ("resource", "component", "interface", "service", "service_name", "item", "item_name", "metric", "check",
            "check_name", "device_part", "disk", "process")  # fmt: skip
SEVERITY = ("severity", "event_severity", "trigger_severity", "perceived_severity", "priority", "level", "criticality",
            "urgency")  # fmt: skip
CLASS = ("event_class", "class", "event_type", "alarm_type")
KEY = ("key", "event_key", "dedup_key", "incident_key", "correlation_id", "fingerprint", "alarm_id", "alert_id",
       "event_id", "trigger_id")  # fmt: skip
STATUS = ("status", "state", "event_status", "event_action", "action", "trigger_status", "alert_state")
TIME = ("time", "timestamp", "at", "event_time", "occurred_at", "startsat", "starts_at", "date", "created_at")
TAGS = ("tags", "tag")
LINK = ("reference", "url", "link", "generatorurl", "event_url", "client_url")
NESTED = ("payload", "labels", "annotations", "data", "fields", "custom_details", "details", "attributes", "host_info")


def raw_events(organization: str, body: Any, mapping: str, now: datetime) -> list[RawEvent]:
    """The events of a body. Raises ``Invalid`` for an unknown mapping, for nothing, and for too many."""
    if mapping and mapping not in MAPPINGS:
        raise Invalid.field("mapping", "mapping must be one of: " + ", ".join(MAPPINGS) + ".")
    found: list[RawEvent] = []
    for item in _items(body, 0):
        chosen = mapping or detect(item)
        for made in MAPPINGS[chosen](item):
            found.append(_finish(organization, made, now))
            if len(found) > MOST:
                raise Invalid(f"At most {MOST} events can be posted at once; nothing was taken.")
    if not found:
        raise Invalid.field("message", "Please provide message: the body holds no event.")
    return found


def _items(body: Any, depth: int) -> Iterator[Any]:
    if isinstance(body, list):
        for item in body[: MOST + 1]:
            if depth < 3:
                yield from _items(item, depth + 1)
        return
    if isinstance(body, Mapping):
        inner = body.get("events")
        if isinstance(inner, list) and not any(name in body for name in ("message", "title", "alerts")):
            yield from _items(inner, depth + 1)
            return
    if body not in ({}, "", None):
        yield body


def detect(item: Any) -> str:
    """Which tool an item comes from, by its shape."""
    if not isinstance(item, Mapping):
        return "generic"
    if isinstance(item.get("alerts"), list):
        return "grafana" if "orgId" in item or "dashboardURL" in str(item["alerts"][:1]) else "alertmanager"
    if "ruleName" in item or "evalMatches" in item:
        return "grafana"
    names = {_name(key) for key in item}
    if {"trigger_id", "trigger_name", "event_value", "event_nseverity", "host_host"} & names:
        return "zabbix"
    return "generic"


def _name(key: Any) -> str:
    return str(key).strip("{}").replace(".", "_").replace("-", "_").replace(" ", "_").lower()


def _flat(item: Item, depth: int = 0, prefix: str = "") -> dict[str, Any]:
    """One level of names, in lower case; what is nested keeps its own names where they are free."""
    out: dict[str, Any] = {}
    for key, value in list(item.items())[:MAX_VARIABLES]:
        if not isinstance(value, Mapping):
            out.setdefault(_name(key), value)
    for key, value in list(item.items())[:MAX_VARIABLES]:
        if isinstance(value, Mapping) and depth < 3:
            for name, inner in _flat(value, depth + 1).items():
                out.setdefault(name if _name(key) in NESTED else f"{_name(key)}_{name}", inner)
    return out


def _text(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return ""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, Sequence | Mapping):
        return _json(value)
    return str(value)


def _json(value: Any) -> str:
    try:
        return msgspec.json.encode(value).decode()[:MAX_VALUE]
    except (TypeError, ValueError, RecursionError, msgspec.MsgspecError):
        return str(value)[:MAX_VALUE]


def _pick(flat: Item, names: Sequence[str]) -> str:
    for name in names:
        found = _text(flat.get(name))
        if found:
            return found
    return ""


def generic(item: Any) -> Iterator[dict[str, Any]]:
    """Any JSON: the names that people use for the same thing."""
    if not isinstance(item, Mapping):
        yield {"message": _text(item) or "Event", "variables": {}}
        return
    flat = _flat(item)
    status = _pick(flat, STATUS)
    word = _pick(flat, SEVERITY)
    yield {
        "message": _pick(flat, MESSAGE) or _json(item),
        "host": _pick(flat, HOST),
        "address": _pick(flat, ADDRESS),
        "resource": _pick(flat, RESOURCE),
        "severity": severity.read(flat.get("severity")) or severity.read(word) or severity.read(status),
        "event_class": _pick(flat, CLASS),
        "key": _pick(flat, KEY),
        "clear": flat.get("clear") is True or severity.is_clear(status) or severity.is_clear(word),
        "at": _pick(flat, TIME),
        "tags": flat.get("tags") or flat.get("tag") or [],
        "reference": _pick(flat, LINK),
        "ci": _pick(flat, ("ci", "ci_id", "asset_id")),
        "variables": flat,
    }


def alertmanager(item: Any) -> Iterator[dict[str, Any]]:
    """Alertmanager's webhook: one event per alert, known again by its fingerprint; a resolved one clears."""
    alerts = item.get("alerts") if isinstance(item, Mapping) else None
    if not isinstance(alerts, list):
        yield from generic(item)
        return
    for alert in alerts[: MOST + 1]:
        if not isinstance(alert, Mapping):
            continue
        labels, notes = (_flat(_mapping(alert.get(name))) for name in ("labels", "annotations"))
        name = _text(labels.get("alertname"))
        instance = _pick(labels, ("host", "hostname", "nodename", "node", "instance", "device"))
        yield {
            "message": _pick(notes, ("summary", "title", "message", "description")) or name or _json(labels),
            "host": _host(instance),
            "address": _pick(labels, ADDRESS),
            "resource": _pick(labels, ("interface", "ifname", "mountpoint", "pod", "container", "job", "service")),
            "severity": severity.read(labels.get("severity")) or severity.read(labels.get("priority")) or 3,
            "event_class": _pick(labels, ("event_class",)) or name,
            "key": _text(alert.get("fingerprint")) or _json(labels),
            "clear": _text(alert.get("status") or item.get("status")).lower() in ("resolved", "ok", "normal"),
            "at": _text(alert.get("startsAt")),
            "tags": [],
            "reference": _text(alert.get("generatorURL")),
            "variables": {**labels, **notes},
        }


def grafana(item: Any) -> Iterator[dict[str, Any]]:
    """Grafana: its unified alerts look like Alertmanager's, its legacy ones are one rule each."""
    if isinstance(item, Mapping) and isinstance(item.get("alerts"), list):
        yield from alertmanager(item)
        return
    if not isinstance(item, Mapping):
        yield from generic(item)
        return
    flat, state = _flat(item), _text(item.get("state")).lower()
    tags = _flat(_mapping(item.get("tags")))
    yield {
        "message": _pick(flat, ("title", "message", "rulename")) or _json(item),
        "host": _host(_pick(tags, HOST)),
        "resource": _pick(tags, RESOURCE),
        "severity": severity.read(tags.get("severity")) or (1 if state == "alerting" else 3),
        "event_class": _pick(flat, ("rulename",)),
        "key": "rule " + (_pick(flat, ("ruleid", "rulename")) or "grafana"),
        "clear": state in ("ok", "paused"),
        "at": "",
        "tags": [],
        "reference": _pick(flat, ("ruleurl",)),
        "variables": flat,
    }


def zabbix(item: Any) -> Iterator[dict[str, Any]]:
    """Zabbix's webhook, whose names are those of its macros: EVENT.VALUE, TRIGGER.NAME, HOST.NAME and so on."""
    if not isinstance(item, Mapping):
        yield from generic(item)
        return
    flat = _flat(item)
    value = _text(flat.get("event_value"))
    status = _pick(flat, ("trigger_status", "event_status", "status"))
    word = _pick(flat, ("event_severity", "trigger_severity", "severity"))
    number = _text(flat.get("event_nseverity") or flat.get("trigger_nseverity"))
    yield {
        "message": _pick(flat, ("event_name", "trigger_name", "subject", *MESSAGE)) or _json(item),
        "host": _pick(flat, ("host_name", "host_host", *HOST)),
        "address": _pick(flat, ("host_ip", "host_conn", *ADDRESS)),
        "resource": _pick(flat, ("item_name", *RESOURCE)),
        # Zabbix counts from 0, not classified, to 5, disaster.
        "severity": severity.WORDS.get(word.lower()) or {"5": 1, "4": 2, "3": 3, "2": 3}.get(number, 4),
        "event_class": "",
        "key": _pick(flat, ("trigger_id", "event_id", "event_key")),
        "clear": value == "0" or status.upper() in ("OK", "RESOLVED"),
        "at": "",
        "tags": [],
        "reference": _pick(flat, LINK),
        "variables": flat,
    }


MAPPINGS: dict[str, Callable[[Any], Iterator[dict[str, Any]]]] = {
    "generic": generic, "alertmanager": alertmanager, "grafana": grafana, "zabbix": zabbix,
}  # fmt: skip


def _mapping(value: Any) -> Item:
    return value if isinstance(value, Mapping) else {}


def _host(instance: str) -> str:
    """An instance's host, without the port."""
    head, colon, port = instance.rpartition(":")
    return head if colon and port.isdigit() and ":" not in head else instance


def _finish(organization: str, made: dict[str, Any], now: datetime) -> RawEvent:
    variables = {
        str(name)[:100]: _text(value)[:MAX_VALUE] for name, value in list(made["variables"].items())[:MAX_VARIABLES]
    }
    tags = made.get("tags") or []
    if isinstance(tags, str):
        tags = tags.split(",")
    names = [_text(tag)[:100] for tag in tags[:50] if _text(tag)] if isinstance(tags, list) else []
    return RawEvent(
        organization=organization, source="nbi", at=_time(made.get("at"), now), message=made["message"][:2000],
        address=made.get("address", "")[:64], host=made.get("host", "")[:255], ci=made.get("ci", "")[:25],
        resource=made.get("resource", "")[:255], severity=made.get("severity"),
        event_class=made.get("event_class", "")[:255], key=made.get("key", "")[:1000], clear=bool(made.get("clear")),
        variables=variables, raw=_json(made["variables"]) if made["variables"] else made["message"],
        reference=made.get("reference", "")[:255], extra={"tags": names, "always": True},
    )  # fmt: skip


def _time(value: Any, now: datetime) -> datetime:
    """The time a tool names; now where it names none that can be read."""
    text = str(value or "")
    try:
        if text.replace(".", "", 1).isdigit():
            number = float(text)
            return datetime.fromtimestamp(number / 1000 if number > 1e11 else number, UTC)
        found = datetime.fromisoformat(text)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return now
