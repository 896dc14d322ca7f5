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


def present(row: dict[str, Any]) -> dict[str, Any]:
    """The documented groups from a stored row."""
    get = row.get
    status, state = get("status_id_name") or "", get("state_id_name") or ""
    ids = {
        name: get(name) for name in ("priority_id", "urgency_id", "impact_id", "severity_id", "status_id", "state_id")
    }
    names = {"priority": get("priority_id_name") or "", "urgency": get("urgency_id_name") or "",
             "impact": get("impact_id_name") or "", "severity": get("severity_id_name"),
             "status": status, "state": state}  # fmt: skip
    basic = {
        "summary": get("summary", ""), **ids, **names, "due_date": get("due_date"), "catalogue": get("catalogue", ""),
        "impact_service": get("impact_service", ""), "impact_service_name": get("impact_service_name", ""),
        "service_classification": get("service_classification", ""),
        "service_classification_name": get("service_classification_name", ""),
        "is_first_call": get("is_first_call", False), "resolution_type": get("resolution_type", ""),
        "incident_type": get("incident_type") or {}, "reopen_count": get("reopen_count", 0),
        "hold_config": get("hold_config") or {}, "escalation": get("escalation") or {},
    }  # fmt: skip
    if "description" in row:
        basic["description"] = row["description"]
    requester = {"requester_id": get("requester"), "full_name": get("requester_name", ""),
                 "email": get("requester_email", ""), "phone": get("requester_phone", "")}  # fmt: skip
    close = {name: get(name) for name in (
        "closure_note", "close_type", "closed_by", "closed_at", "resolved_at", "resolved_by", "responded_at",
        "resolution_note", "rating", "feedback", "feedback_at", "auto_close_at") if name in row}  # fmt: skip
    custom = get("custom_field_data") or {}
    made = {
        "incident_id": row["id"], "id": row["id"], "display_id": get("display_id", ""),
        "is_merge_incident": get("parent") is not None, "is_archive": get("is_archive", False),
        "unread_mail": get("unread_mail", False), "requester": requester, "config": get("config") or {},
        "reporter_info": {"name": get("reporter_name", ""), "email": get("reporter_email", ""),
                          "phone": get("reporter_phone", "")},
        "basic_info": basic, "reference": get("reference") or [],
        "source_info": {"id": get("source"), "name": get("source_name") or ""},
        "template_info": get("template_info") or {},
        "impacted_asset": [{"asset_id": asset, "name": asset} for asset in get("assets") or []],
        "close_info": close, "current_watcher": get("watcher") or [],
        "current_assignment_info": {
            "team_id": get("team"), "team": get("team_name"), "assignee_profile_id": get("assignee"),
            "assignee": get("assignee_name")},
        "custom_field": [{"key": key, "value": value} for key, value in custom.items()],
        "tag": get("tag") or [], "kb": get("kb") or [], "custom_field_data": custom,
        "creation_time": row["creation_time"], "created_by_id": str(row["created_by"]),
        "last_update_time": row["last_update_time"], "updated_by_id": str(row["modified_by"]),
        "location": {"id": get("location"), "name": get("location_name")} if get("location") else {},
        "version": row["version"], "organization": row["organization"],
        **ids, **names, "status_color": _COLORS.get(ids["status_id"] or 0, ""), "summary": get("summary", ""),
        "source": get("source_name") or "", "requester_id": get("requester"),
        "requester_name": get("requester_name", ""), "requester_email": get("requester_email", ""),
        "requester_phone": get("requester_phone", ""), "team": get("team"), "team_name": get("team_name"),
        "assignee": get("assignee"), "assignee_name": get("assignee_name"), "due_date": get("due_date"),
    }  # fmt: skip
    if "description" in row:
        made["description"] = row["description"]
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
        flat["assets"] = [asset.get("asset_id") or asset.get("id") or asset.get("name") or "" if isinstance(asset, Mapping)
                          else asset for asset in assets]  # fmt: skip
    custom = flat.get("custom_field")
    if custom and not flat.get("custom_field_data") and isinstance(custom, list) and any(custom):
        flat["custom_field_data"] = custom
    if isinstance(flat.get("location"), Mapping):
        flat["location"] = flat["location"].get("id") or flat["location"].get("location_id")
    if isinstance(flat.get("watcher"), str):
        flat["watcher"] = [flat["watcher"]] if flat["watcher"] else []
    return flat


def _code(flat: dict[str, Any], code: str) -> None:
    """One value from the pair ``status`` and ``status_id``: the id where it says something, else the name."""
    by_id, by_name = flat.pop(f"{code}_id", None), flat.pop(code, None)
    given = by_id if by_id not in (None, "", 0, "0") else by_name
    if code == "status" and given not in (None, ""):
        given = engine.read_status(given) or given
    if given not in (None, ""):
        flat[f"{code}_id"] = given
