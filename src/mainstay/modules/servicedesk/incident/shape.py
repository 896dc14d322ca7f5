"""The documented shape of an incident: nested groups on the way out, nested or flat on the way in."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from mainstay.modules.servicedesk.incident import engine

UNSET = msgspec.UNSET
Unset = msgspec.UnsetType


class IncidentRecord(msgspec.Struct, kw_only=True):
    """An incident as it is answered: the documented groups, and the fields lists are made of."""

    incident_id: str
    id: str
    display_id: str
    is_merge_incident: bool
    is_archive: bool
    unread_mail: bool
    requester: dict[str, Any]
    config: dict[str, Any]
    reporter_info: dict[str, Any]
    basic_info: dict[str, Any]
    reference: list[Any]
    source_info: dict[str, Any]
    template_info: dict[str, Any]
    impacted_asset: list[Any]
    close_info: dict[str, Any]
    current_watcher: list[str]
    current_assignment_info: dict[str, Any]
    custom_field: list[dict[str, Any]]
    tag: list[str]
    kb: list[str]
    custom_field_data: dict[str, Any]
    creation_time: datetime
    created_by_id: str
    last_update_time: datetime
    updated_by_id: str
    location: dict[str, Any]
    version: int
    organization: str
    summary: str | Unset = UNSET
    description: str | Unset | None = UNSET
    status: str | Unset = UNSET
    status_id: int | Unset = UNSET
    state: str | Unset = UNSET
    state_id: int | Unset = UNSET
    status_color: str | Unset = UNSET
    priority: str | Unset = UNSET
    priority_id: int | Unset = UNSET
    urgency: str | Unset = UNSET
    urgency_id: int | Unset = UNSET
    impact: str | Unset = UNSET
    impact_id: int | Unset = UNSET
    severity: str | Unset | None = UNSET
    severity_id: int | Unset | None = UNSET
    source: str | Unset = UNSET
    requester_id: str | Unset | None = UNSET
    requester_name: str | Unset = UNSET
    requester_email: str | Unset = UNSET
    requester_phone: str | Unset = UNSET
    team: str | Unset | None = UNSET
    team_name: str | Unset | None = UNSET
    assignee: str | Unset | None = UNSET
    assignee_name: str | Unset | None = UNSET
    due_date: datetime | Unset | None = UNSET
    related: dict[str, list[Any]] | Unset = UNSET
    """In the detail: what other features know about it, such as ``events``; for those who work on it."""


class IncidentDetail(msgspec.Struct, kw_only=True):
    """A single incident with what its form needs."""

    incident: IncidentRecord
    options: dict[str, Any]
    status: dict[str, Any]
    transition_status: list[dict[str, Any]]
    stage_state_option_map: dict[str, list[dict[str, Any]]]
    selected_assignee_info: dict[str, Any]


class Identified(msgspec.Struct, kw_only=True):
    """Which incident: by id or display id."""

    incident_id: str = ""
    id: str = ""
    display_id: str = ""

    @property
    def wanted(self) -> str:
        return self.incident_id or self.id or self.display_id


_COLORS = {status.id: status.color for status in engine.WORKFLOW.values()}


_CLOSE = ("close_type", "closed_by", "closed_at", "resolved_at", "resolved_by", "responded_at", "rating", "feedback",
          "feedback_at", "auto_close_at")  # fmt: skip
_LONG = ("closure_note", "resolution_note")


_EMPTY: dict[str, Any] = {
    "tag": [], "kb": [], "reference": [], "watcher": [], "assets": [], "config": {}, "template_info": {},
    "custom_field_data": {}, "incident_type": {}, "hold_config": {}, "escalation": {},
    "status_id": engine.NEW, "display_id": "", "is_archive": False, "unread_mail": False,
}  # fmt: skip


class _Partial(dict[str, Any]):
    """A row of which the caller may not see everything."""

    def __missing__(self, name: str) -> Any:
        return _EMPTY.get(name)


def present(row: dict[str, Any]) -> dict[str, Any]:
    """The documented shape of a stored row; what is hidden from the caller is not in it."""
    try:
        return _present(row)
    except KeyError:
        made = _present(_Partial(row))
        return {name: value for name, value in made.items() if value is not None or name in row}


def _present(row: dict[str, Any]) -> dict[str, Any]:
    """The documented groups from a stored row. Lists leave the long texts out. Runs for every row of every list."""
    codes = {
        "priority_id": row["priority_id"], "priority": row["priority_id_name"], "urgency_id": row["urgency_id"],
        "urgency": row["urgency_id_name"], "impact_id": row["impact_id"], "impact": row["impact_id_name"],
        "severity_id": row["severity_id"], "severity": row["severity_id_name"], "status_id": row["status_id"],
        "status": row["status_id_name"], "state_id": row["state_id"], "state": row["state_id_name"],
        "summary": row["summary"], "due_date": row["due_date"],
    }  # fmt: skip
    basic = {
        **codes, "catalogue": row["catalogue"], "impact_service": row["impact_service"],
        "impact_service_name": row["impact_service_name"], "service_classification": row["service_classification"],
        "service_classification_name": row["service_classification_name"], "is_first_call": row["is_first_call"],
        "resolution_type": row["resolution_type"], "incident_type": row["incident_type"],
        "reopen_count": row["reopen_count"], "hold_config": row["hold_config"], "escalation": row["escalation"],
    }  # fmt: skip
    close = {name: row[name] for name in _CLOSE}
    custom, assets, location = row["custom_field_data"], row["assets"], row["location"]
    requester, name, email, phone = (
        row["requester"], row["requester_name"], row["requester_email"], row["requester_phone"],
    )  # fmt: skip
    team, team_name, assignee, assignee_name = row["team"], row["team_name"], row["assignee"], row["assignee_name"]
    made = {
        "incident_id": row["id"], "id": row["id"], "display_id": row["display_id"],
        "is_merge_incident": row.get("parent") is not None, "is_archive": row["is_archive"],
        "unread_mail": row["unread_mail"], "config": row["config"], "basic_info": basic, "close_info": close,
        "requester": {"requester_id": requester, "full_name": name, "email": email, "phone": phone},
        "reporter_info": {"name": row["reporter_name"], "email": row["reporter_email"], "phone": row["reporter_phone"]},
        "reference": row["reference"], "source_info": {"id": row["source"], "name": row["source_name"]},
        "template_info": row["template_info"],
        "impacted_asset": [{"asset_id": asset, "name": asset} for asset in assets] if assets else [],
        "current_watcher": row["watcher"],
        "current_assignment_info": {"team_id": team, "team": team_name, "assignee_profile_id": assignee,
                                    "assignee": assignee_name},
        "custom_field": [{"key": key, "value": value} for key, value in custom.items()] if custom else [],
        "tag": row["tag"], "kb": row["kb"], "custom_field_data": custom, "creation_time": row["creation_time"],
        "created_by_id": str(row["created_by"]), "last_update_time": row["last_update_time"],
        "updated_by_id": str(row["modified_by"]),
        "location": {"id": location, "name": row["location_name"]} if location else {},
        "version": row["version"], "organization": row["organization"], **codes,
        "status_color": _COLORS[row["status_id"]], "source": row["source_name"], "requester_id": requester,
        "requester_name": name, "requester_email": email, "requester_phone": phone, "team": team,
        "team_name": team_name, "assignee": assignee, "assignee_name": assignee_name,
    }  # fmt: skip
    if "description" in row:
        basic["description"] = made["description"] = row["description"]
        close.update({name: row[name] for name in _LONG})
    return made


_GROUPS: dict[str, dict[str, str]] = {
    "requester": {"requester_id": "requester", "full_name": "requester_name", "email": "requester_email",
                  "phone": "requester_phone"},
    "reporter_info": {"name": "reporter_name", "email": "reporter_email", "phone": "reporter_phone"},
    "current_assignment_info": {"team_id": "team", "assignee_profile_id": "assignee"},
    "source_info": {"id": "source"},
    "close_info": {"closure_note": "closure_note", "close_type": "close_type"},
    "closure_info": {"closure_note": "closure_note", "note": "closure_note", "close_type": "close_type"},
}  # fmt: skip
_CODES = ("status", "state", "priority", "urgency", "impact", "severity")


def normalise(data: dict[str, Any]) -> dict[str, Any]:
    """Flat field values from a record in the documented shape, from the documented sample, or from flat input."""
    if isinstance(data.get("incident"), Mapping):
        rest = {key: value for key, value in data.items() if key in ("comment", "worklog")}
        data = {**data["incident"], **rest}
    flat: dict[str, Any] = {}
    basic = data.get("basic_info")
    if isinstance(basic, Mapping):
        flat.update(basic)
    for group, names in _GROUPS.items():
        inner = data.get(group)
        if isinstance(inner, Mapping):
            flat.update({target: inner[name] for name, target in names.items() if name in inner})
    nested = set(flat)
    for key, value in data.items():
        if key in ("basic_info", *_GROUPS) and isinstance(value, Mapping):
            continue
        # A record read as a whole has both forms; what was edited in its groups counts.
        if key not in nested:
            flat[key] = value
    for code in _CODES:
        _code(flat, code)
    if "requester_id" in flat:
        flat["requester"] = flat.pop("requester_id")
    assets = flat.pop("impacted_asset", None) or flat.get("assets")
    if isinstance(assets, list):
        flat["assets"] = [_asset(asset) for asset in assets]
    custom = flat.get("custom_field")
    if custom and not flat.get("custom_field_data") and isinstance(custom, list) and any(custom):
        flat["custom_field_data"] = custom
    if isinstance(flat.get("location"), Mapping):
        flat["location"] = flat["location"].get("id") or flat["location"].get("location_id")
    if isinstance(flat.get("watcher"), str):
        flat["watcher"] = [flat["watcher"]] if flat["watcher"] else []
    return flat


def _asset(given: Any) -> Any:
    if isinstance(given, Mapping):
        return given.get("asset_id") or given.get("id") or given.get("name") or ""
    return given


def _code(flat: dict[str, Any], code: str) -> None:
    """One value from the pair ``status`` and ``status_id``: the id where it says something, else the name."""
    by_id, by_name = flat.pop(f"{code}_id", None), flat.pop(code, None)
    given = by_id if by_id not in (None, "", 0, "0") else by_name
    if code == "status" and given not in (None, ""):
        given = engine.read_status(given) or given
    if given not in (None, ""):
        flat[f"{code}_id"] = given
